//! Reading: live posts, the past, what is hostile.

use nostrp2p_protocol::Filter;

use super::*;
use crate::{locale::Language, model::timeline::Past, route::Route, texts};

fn batch(rig: &mut Rig, through: u64, events: Vec<Event>) {
    let events = events.into_iter().map(Event::into_rumor).collect();
    rig.frame(NodeFrame::Batch { through, newest: through, events });
}

#[test]
fn live_posts_come_in_at_the_top_and_are_announced() {
    let mut rig = Rig::in_use(0);
    batch(&mut rig, 2, vec![post(2, 10, "older"), post(2, 20, "newer")]);
    assert_eq!(rig.texts(), ["newer", "older"]);
    assert_eq!(rig.model.announcement, "2 new posts");
}

#[test]
fn while_one_reads_further_down_new_posts_wait_behind_a_pill() {
    let mut rig = Rig::in_use(0);
    batch(&mut rig, 1, vec![post(2, 10, "read")]);
    rig.give(Message::Browser(BrowserNews::AtTop(false)));
    batch(&mut rig, 2, vec![post(2, 20, "waiting")]);
    assert_eq!((rig.texts(), rig.model.timeline.unseen.len()), (vec!["read"], 1));
    rig.give(Message::Reading(Reading::ShowNew));
    assert_eq!(rig.texts(), ["waiting", "read"]);
    rig.did(|effect| *effect == Effect::ScrollToTop);
}

#[test]
fn an_own_post_never_waits_behind_the_pill() {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Browser(BrowserNews::AtTop(false)));
    rig.write("mine");
    rig.prove(1);
    batch(&mut rig, 1, vec![post(1, 20, "mine, from another device")]);
    assert_eq!(rig.model.timeline.unseen.len(), 0);
}

#[test]
fn the_past_comes_from_the_storage_and_then_from_the_node() {
    let events = (0..200).map(|time| post(2, time + 100, "x").into_rumor()).rev().collect();
    let settings =
        StoredSettings { cursor: Some(Cursor { store: STORE, after: 0 }), ..StoredSettings::default() };
    let mut rig = Rig::open("", Some(1), Snapshot { events, settings, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    rig.sent();
    for _ in 0..192 {
        rig.give(Message::Browser(BrowserNews::NearEnd));
    }
    rig.did(|effect| matches!(effect, Effect::LoadOlder(place, _) if place.created_at() == 100));
    rig.give(Message::OlderLoaded(vec![post(2, 50, "from the storage").into_rumor()]));
    assert_eq!(rig.model.timeline.past, Past::InStorage);
    rig.give(Message::Browser(BrowserNews::NearEnd));
    rig.give(Message::OlderLoaded(vec![]));
    let frames = rig.sent();
    let [ClientFrame::Fetch { request, filters }] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(filters[0].until, Some(50));
    // An answer as long as was asked for is whole, and yet not all there is.
    let events = (0..101).map(|time| post(2, 49 - time / 4, &format!("{time}")).into_rumor()).collect();
    rig.frame(NodeFrame::Answer { request: *request, complete: true, events });
    assert_eq!(rig.model.timeline.past, Past::InNode);
    let request = loop {
        rig.give(Message::Browser(BrowserNews::NearEnd));
        if let Some(ClientFrame::Fetch { request, filters }) = rig.sent().pop() {
            assert_eq!(filters[0].until, Some(24));
            break request;
        }
    };
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![post(2, 7, "first").into_rumor()] });
    assert_eq!(rig.model.timeline.past, Past::End);
    let (place, _) = rig.model.timeline.posts().last().unwrap();
    assert_eq!(place.created_at(), 7);
}

#[test]
fn many_posts_of_one_second_do_not_stop_the_past() {
    let all: Vec<UnsignedEvent> =
        (0..650).map(|number| post(2, 40, &format!("{number}"))).map(Event::into_rumor).collect();
    let mut rig = Rig::in_use(0);
    rig.model.timeline.past = Past::InNode;
    for many in [150, 650] {
        rig.model.timeline.clear();
        rig.model.timeline.past = Past::InNode;
        let mut stored: Vec<UnsignedEvent> = all[..many].to_vec();
        stored.extend((0..5).map(|time| post(2, 30 + time, "older").into_rumor()));
        stored.sort_by_key(|unsigned| (std::cmp::Reverse(unsigned.created_at), unsigned.id()));
        for unsigned in &stored[..100] {
            crate::update::timeline::insert(&mut rig.model, unsigned, crate::update::timeline::Origin::Run);
        }
        for _ in 0..10_000 {
            rig.give(Message::Browser(BrowserNews::NearEnd));
            for frame in rig.sent() {
                let ClientFrame::Fetch { request, filters } = frame else { continue };
                let Filter { until, limit, .. } = &filters[0];
                let limit = limit.map_or(500, |limit| 500.min(limit as usize));
                let fits = |unsigned: &&UnsignedEvent| until.is_none_or(|until| unsigned.created_at <= until);
                let events: Vec<UnsignedEvent> = stored.iter().filter(fits).take(limit).cloned().collect();
                rig.frame(NodeFrame::Answer { request, complete: true, events });
            }
            if rig.model.timeline.past == Past::End {
                break;
            }
        }
        let texts = rig.model.timeline.posts().filter(|(place, _)| place.created_at() < 40).count();
        assert_eq!(texts, 5, "{many}");
        assert!(rig.model.timeline.len() >= many.min(500) + 5, "{many}");
    }
}

/// What a node that understands it answers.
fn behind(stored: &[UnsignedEvent], frame: &ClientFrame) -> Option<NodeFrame> {
    let ClientFrame::FetchBehind { request, filters, created_at, id } = frame else {
        assert!(
            !matches!(frame, ClientFrame::Fetch { filters, .. } if filters[0].until.is_some()),
            "{frame:?}"
        );
        return None;
    };
    let place = (std::cmp::Reverse(*created_at), *id);
    let fits = |unsigned: &&UnsignedEvent| {
        filters[0].matches(&unsigned.id(), unsigned)
            && (std::cmp::Reverse(unsigned.created_at), unsigned.id()) > place
    };
    let limit = filters[0].limit.map_or(500, |limit| 500.min(limit as usize));
    let events: Vec<UnsignedEvent> = stored.iter().filter(fits).take(limit).cloned().collect();
    Some(NodeFrame::Answer { request: *request, complete: true, events })
}

/// So many posts of one second by one person, and five older ones, in the order of answers.
fn posts_of_one_second(many: usize) -> Vec<UnsignedEvent> {
    let mut stored: Vec<UnsignedEvent> =
        (0..many).map(|number| post(2, 40, &format!("{number}"))).map(Event::into_rumor).collect();
    stored.extend((0..5).map(|time| post(2, 30 + time, "older").into_rumor()));
    stored.sort_by_key(|unsigned| (std::cmp::Reverse(unsigned.created_at), unsigned.id()));
    stored
}

#[test]
fn of_a_node_that_pages_by_time_and_id_no_post_of_one_second_is_passed_over() {
    let stored = posts_of_one_second(1_200);
    // As the page opens: some of them are here, single ones that were asked for by name among them, or all from the storage.
    for (here, single) in [(100, None), (100, Some(1_150)), (24, None)] {
        let mut rig = Rig::in_use(0);
        rig.frame(NodeFrame::Features(vec![200, FETCH_BEHIND]));
        rig.model.timeline.past = Past::InNode;
        for unsigned in stored[..here].iter().chain(single.map(|at: usize| &stored[at])) {
            crate::update::timeline::insert(&mut rig.model, unsigned, crate::update::timeline::Origin::Run);
        }
        let mut questions = 0;
        for _ in 0..10_000 {
            rig.give(Message::Browser(BrowserNews::NearEnd));
            for answer in rig.sent().iter().filter_map(|frame| behind(&stored, frame)) {
                questions += 1;
                rig.frame(answer);
            }
            if rig.model.timeline.past == Past::End {
                break;
            }
        }
        assert_eq!(rig.model.timeline.len(), stored.len(), "{here} {single:?}");
        assert_eq!(questions, 13, "{here} {single:?}");
    }
}

#[test]
fn a_page_of_a_person_shows_all_posts_of_one_second_and_what_lies_before_a_single_older_one() {
    let stored = posts_of_one_second(1_200);
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Features(vec![FETCH_BEHIND]));
    let oldest = stored.last().unwrap().clone();
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![oldest] });
    rig.give(Message::Browser(BrowserNews::Fragment(Route::Person(public(2)).fragment().into_owned())));
    let request = rig.request(|request| *request == crate::model::connection::SentRequest::Page);
    rig.frame(NodeFrame::Answer { request, complete: true, events: stored[..50].to_vec() });
    rig.sent();
    for _ in 0..10_000 {
        rig.give(Message::Browser(BrowserNews::NearEnd));
        for answer in rig.sent().iter().filter_map(|frame| behind(&stored, frame)) {
            rig.frame(answer);
        }
        if rig.model.open.ended {
            break;
        }
    }
    // As many single posts are held as there may be.
    let most = crate::model::timeline::MAX_STRAYS;
    assert!(
        rig.model.open.ended && rig.model.posts_of(public(2)).count() >= most,
        "{}",
        rig.model.timeline.len()
    );
}

#[test]
fn what_a_repost_passes_on_comes_from_the_own_node() {
    let mut rig = Rig::in_use(0);
    let target = post(3, 5, "passed on");
    let tags = vec![nostrp2p_protocol::Tag::new(["e".to_owned(), target.id().to_string()])];
    let lie = r#"{"content":"forged"}"#.to_owned();
    let repost = EventTemplate { created_at: 9, kind: Kind::REPOST, tags, content: lie };
    batch(&mut rig, 1, vec![repost.sign(&key(2), &[0; 32])]);
    assert_eq!(rig.texts(), ["(awaited)"]);
    let wanted = rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Fetch { request, filters } if filters[0].ids == Some([target.id()].into()) => {
            Some(request)
        }
        _ => None,
    });
    let request = wanted.expect("the node is asked for it");
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![target.into_rumor()] });
    assert_eq!(rig.texts(), ["passed on"]);
    drop(crate::view::view(&rig.model));
}

#[test]
fn going_to_another_screen_hides_what_was_shown_for_a_moment() {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Browser(BrowserNews::Fragment("#/me".into())));
    rig.give(Message::Own(Own::KeyRevealed(Secret::new("nsec1".to_owned()))));
    assert!(rig.model.revealed.is_some());
    rig.give(Message::Browser(BrowserNews::Fragment("#/".into())));
    assert_eq!((rig.model.revealed.is_none(), rig.model.route), (true, Route::Home));
}

#[test]
fn a_hostile_event_changes_nothing_but_its_own_post() {
    let mut rig = Rig::in_use(0);
    let tags = (0..2_000).map(|_| nostrp2p_protocol::Tag::new(["e", "<script>"])).collect();
    let hostile = EventTemplate {
        created_at: nostrp2p_protocol::limits::MAX_CREATED_AT,
        kind: Kind::POST,
        tags,
        content: "\u{202e}<img onerror=alert(1)>\u{0}".repeat(1_000),
    };
    batch(&mut rig, 1, vec![hostile.sign(&key(2), &[0; 32]), post(3, 10, "calm")]);
    assert_eq!(rig.texts().len(), 2);
    drop(crate::view::view(&rig.model));
}

#[test]
fn the_page_speaks_as_the_browser_does_until_somebody_chooses() {
    let mut rig = Rig::in_use(0);
    assert_eq!(rig.model.language(), Language::English);
    rig.model.environment.language = Language::Japanese;
    assert_eq!(rig.model.say(texts::HOME), "ホーム");
    rig.give(Message::Own(Own::Language(Some(Language::English))));
    assert_eq!(rig.model.say(texts::HOME), "Home");
    rig.did(|effect| *effect == Effect::PutLanguage(Language::English));
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Language(Some(Language::English)))));
    rig.give(Message::Own(Own::ForgetConfirmed));
    assert_eq!(rig.model.language(), Language::English, "whoever comes next is spoken to alike");
}
