//! Pages of people and conversations, quotes and reposts.

use nostrp2p_protocol::{
    EventId, Filter, Tag,
    frame::{Delivery, RELAYS},
};

use super::*;
use crate::{
    message::Reading,
    model::{Menu, Offers, Picture, connection::SentRequest},
    route::Route,
};

fn answer_to(author: u8, created_at: u64, to: EventId, text: &str) -> Event {
    let e = Tag::new(["e".to_owned(), to.to_string(), String::new(), "reply".to_owned()]);
    let p = Tag::new(["p".to_owned(), public(9).to_string()]);
    EventTemplate { created_at, kind: Kind::POST, tags: vec![e, p], content: text.into() }
        .sign(&key(author), &[0; 32])
}

impl Rig {
    fn hear(&mut self, events: &[Event]) {
        let events = events.iter().cloned().map(Event::into_rumor).collect();
        self.frame(NodeFrame::Batch { through: 1, newest: 1, events });
    }

    fn go(&mut self, route: Route) {
        self.give(Message::Browser(BrowserNews::Fragment(route.fragment().into_owned())));
    }

    fn subscribed(&mut self) -> Option<Vec<Filter>> {
        self.sent().into_iter().find_map(|frame| match frame {
            ClientFrame::Subscribe { filters, .. } => Some(filters),
            _ => None,
        })
    }

    fn drawn(&self) -> String {
        format!("{:?}", crate::view::view(&self.model))
    }
}

#[test]
fn a_conversation_of_two_hundred_answers_is_drawn_to_its_end_as_somebody_reads_on() {
    let mut rig = Rig::in_use(0);
    let root = post(2, 1, "the first post");
    let answers: Vec<Event> =
        (0..200).map(|number| answer_to(3, 10 + number, root.id(), &format!("answer <{number}>"))).collect();
    rig.hear(&[std::slice::from_ref(&root), &answers].concat());
    rig.go(Route::Thread(root.id(), None));
    let page = rig.drawn();
    assert!(page.contains("answer <0>") && !page.contains("answer <199>") && page.contains("Show more"));
    (0..200).for_each(|_| rig.give(Message::Browser(BrowserNews::NearEnd)));
    let page = rig.drawn();
    assert!(page.contains("answer <0>") && page.contains("answer <199>") && !page.contains("Show more"));
    assert_eq!(rig.model.open.window.drawn, 200, "no further than there are answers");

    // What was scrolled past goes, and comes back.
    rig.give(Message::Browser(BrowserNews::Passed(2, 300)));
    let page = rig.drawn();
    assert!(!page.contains("answer <1>") && page.contains("answer <2>") && page.contains("the first post"));
    // Also when the last of it is deleted.
    let gone = rig.model.timeline.place(&answers[1].id()).expect("it is here");
    rig.model.timeline.remove(&gone);
    let page = rig.drawn();
    assert!(!page.contains("answer <0>") && page.contains("answer <3>"));
    rig.give(Message::Browser(BrowserNews::WentBack(0)));
    assert!(rig.drawn().contains("answer <0>"));
}

#[test]
fn a_page_of_a_person_is_asked_for_while_it_is_open() {
    let mut rig = Rig::in_use(0);
    rig.go(Route::Person(public(2)));
    let filters = rig.subscribed().expect("a subscription");
    assert!(filters.iter().all(|filter| filter.authors == Some([public(2)].into())));
    assert!(rig.model.open.loading);
    let request = rig.request(|request| *request == SentRequest::Page);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![] });
    assert!(!rig.model.open.loading && rig.drawn().contains("No posts of this person are here yet"));

    // What the node got from the person's own node comes as any other event.
    let profile = profile(2, 5, r#"{"name":"Bo","about":"hi","nip05":"bo@x.example"}"#);
    let old = post(2, 6, "an old post").into_rumor();
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![profile, old] });
    let page = rig.drawn();
    assert!(page.contains("bo@x.example") && page.contains("an old post"), "{page}");

    rig.go(Route::Home);
    assert!(rig.sent().contains(&ClientFrame::Unsubscribe { request }));
}

#[test]
fn an_open_page_is_asked_for_again_after_a_loss() {
    let mut rig = Rig::in_use(0);
    rig.go(Route::Person(public(2)));
    rig.socket(SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.sent();
    rig.log_in(1, 0);
    let frames = rig.sent();
    assert!(frames.iter().any(|frame| matches!(frame, ClientFrame::Subscribe { .. })));
    assert!(!frames.iter().any(|frame| matches!(frame, ClientFrame::Unsubscribe { .. })));
}

#[test]
fn earlier_posts_of_a_person_come_when_the_end_is_near() {
    let mut rig = Rig::in_use(0);
    rig.go(Route::Person(public(2)));
    let request = rig.request(|request| *request == SentRequest::Page);
    let events = (100..150).map(|time| post(2, time, "x").into_rumor()).rev().collect();
    rig.frame(NodeFrame::Answer { request, complete: false, events });
    rig.sent();
    (0..20).for_each(|_| rig.give(Message::Browser(BrowserNews::NearEnd)));
    let fetches: Vec<Filter> = rig
        .sent()
        .into_iter()
        .filter_map(|frame| match frame {
            ClientFrame::Fetch { filters, .. } => filters.into_iter().next(),
            _ => None,
        })
        .collect();
    assert_eq!(fetches.len(), 1, "one question at a time");
    assert_eq!(fetches[0].until, Some(100));
    let request = rig.request(|request| *request == SentRequest::PageOlder);
    rig.frame(NodeFrame::Answer { request, complete: true, events: vec![post(2, 7, "first").into_rumor()] });
    rig.give(Message::Browser(BrowserNews::NearEnd));
    assert!(
        rig.model.open.ended && !rig.sent().iter().any(|frame| matches!(frame, ClientFrame::Fetch { .. }))
    );
    assert_eq!(rig.model.posts_of(public(2)).count(), 51);
}

#[test]
fn single_older_posts_do_not_hide_what_is_missing_between() {
    let events = vec![post(3, 1_000, "read").into_rumor()];
    let settings = StoredSettings {
        cursor: Some(Cursor { store: STORE, after: 0 }),
        kept_since: 1_000,
        ..StoredSettings::default()
    };
    let mut rig = Rig::open("", Some(1), Snapshot { events, settings, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    rig.effects.clear();
    rig.hear(&[post(2, 5, "from long ago"), post(2, 2_000, "new")]);
    assert_eq!(rig.texts(), ["new", "read"]);
    let kept: Vec<u64> = rig
        .saved()
        .iter()
        .filter_map(|change| match change {
            StorageChange::Keep(unsigned) => Some(unsigned.created_at),
            _ => None,
        })
        .collect();
    assert_eq!(kept, [2_000], "the cache has no gaps either");
    let request = rig.request(|request| *request == SentRequest::Older);
    rig.frame(NodeFrame::Answer {
        request,
        complete: true,
        events: vec![post(4, 500, "between").into_rumor()],
    });
    assert_eq!(rig.texts(), ["new", "read", "between", "from long ago"]);
}

#[test]
fn a_conversation_asks_for_what_is_missing_above_it_step_by_step() {
    let mut rig = Rig::in_use(0);
    let root = post(9, 10, "the root");
    let middle = answer_to(8, 11, root.id(), "the middle");
    let leaf = answer_to(2, 12, middle.id(), "the leaf");
    rig.hear(std::slice::from_ref(&leaf));
    rig.sent();
    rig.go(Route::Thread(leaf.id(), Some(public(2))));
    let asked = |rig: &mut Rig, id: EventId| {
        rig.sent().iter().any(|frame| match frame {
            ClientFrame::Fetch { filters, .. } => filters[0].ids == Some([id].into()) && filters.len() == 2,
            _ => false,
        })
    };
    assert!(asked(&mut rig, middle.id()), "with the people who may have it");
    assert!(rig.drawn().contains("still being fetched"));
    rig.hear(std::slice::from_ref(&middle));
    assert!(asked(&mut rig, root.id()));
    rig.sent();
    rig.hear(std::slice::from_ref(&root));
    let answers = |frame: &ClientFrame| match frame {
        ClientFrame::Fetch { filters, .. } => {
            filters.iter().any(|filter| filter.tags.get(&'e') == Some(&[root.id().to_string()].into()))
        }
        _ => false,
    };
    assert!(rig.sent().iter().any(answers), "the whole conversation hangs on it");
    rig.hear(&[post(3, 30, "elsewhere")]);
    assert!(!rig.sent().iter().any(answers), "once");
    let page = rig.drawn();
    let at = |text: &str| page.find(text).expect(text);
    assert!(at("the root") < at("the middle") && at("the middle") < at("the leaf"));
}

#[test]
fn what_is_quoted_is_fetched_and_shown_whole() {
    let mut rig = Rig::in_use(0);
    let quoted = post(3, 5, "words worth passing on");
    let quote = crate::model::Quote { id: quoted.id(), author: Some(public(3)) };
    let draft = EventTemplate {
        created_at: 9,
        kind: Kind::POST,
        tags: quote.tags(None),
        content: quote.text("look"),
    };
    rig.hear(&[draft.sign(&key(2), &[0; 32])]);
    assert!(rig.drawn().contains("still being fetched") && !rig.drawn().contains("nostr:nevent"));
    let request = rig.request(|request| *request == SentRequest::Targets);
    let events = vec![quoted.into_rumor()];
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    assert!(rig.drawn().contains("words worth passing on"));
    assert_eq!(rig.texts().len(), 1, "it does not come into the timeline out of its turn");
}

#[test]
fn a_quote_is_written_with_its_tags_and_survives_a_reload_as_a_draft() {
    let mut rig = Rig::in_use(0);
    let theirs = post(2, 10, "theirs");
    rig.hear(std::slice::from_ref(&theirs));
    rig.give(Writing::Quote(theirs.id()).into());
    rig.give(Writing::Typed("true".into(), 0).into());
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    let mut settings = StoredSettings::default();
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    assert_eq!(settings.drafts.last().unwrap().1.quote, rig.model.compose.quote);
    rig.give(Writing::Send.into());
    rig.prove(1);
    let event = rig.model.outbox.waiting.values().next().unwrap().event.clone();
    assert_eq!(event.tag_values("q").collect::<Vec<_>>(), [theirs.id().to_string()]);
    assert!(event.content.starts_with("true\n\nnostr:nevent1") && rig.model.compose.quote.is_none());
}

#[test]
fn a_post_is_passed_on_once_and_a_private_one_never() {
    let mut rig = Rig::in_use(0);
    let public_post = post(2, 10, "for all");
    let private = answer_to(2, 11, public_post.id(), "for some");
    rig.hear(&[public_post.clone(), private.clone()]);
    for id in [public_post.id(), public_post.id(), private.id()] {
        rig.give(Writing::Repost(id).into());
        rig.give(Writing::Quote(private.id()).into());
        rig.prove(1);
    }
    assert!(rig.model.compose.quote.is_none());
    let events: Vec<Event> =
        rig.model.outbox.waiting.values().map(|outgoing| outgoing.event.clone()).collect();
    let [repost] = &events[..] else { panic!("{events:?}") };
    assert_eq!((repost.kind, repost.content.as_str()), (Kind::REPOST, ""));
    assert_eq!(rig.model.timeline.repost_by(&public_post.id(), &public(1)), Some(repost.id()));
    rig.give(Writing::Delete(repost.id()).into());
    rig.prove(1);
    assert_eq!(rig.model.timeline.repost_by(&public_post.id(), &public(1)), None);
}

#[test]
fn a_picture_is_loaded_only_when_somebody_asks_for_it() {
    let mut rig = Rig::in_use(0);
    let address = "https://x.example/bo.png";
    let content = format!(r#"{{"name":"Bo","picture":"{address}"}}"#);
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![profile(2, 5, &content)] });
    rig.go(Route::Person(public(2)));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::LoadPicture(_))));
    assert!(rig.shown().contains("x.example will see your address") && !rig.drawn().contains("tag: \"img\""));
    rig.give(Reading::ShowPicture(address.into()).into());
    rig.did(|effect| *effect == Effect::LoadPicture(address.into()));
    rig.give(Message::Browser(BrowserNews::Picture(address.into(), Some("blob:1".into()))));
    assert_eq!(rig.model.pictures.get(address), Some(&Picture::Here("blob:1".into())));
    assert!(rig.drawn().contains("tag: \"img\""));
    rig.give(Message::Browser(BrowserNews::Picture(address.into(), None)));
    assert!(rig.drawn().contains("could not be loaded"));
}

#[test]
fn emoji_of_a_post_are_pictures_under_the_same_setting_as_other_pictures() {
    let mut rig = Rig::in_use(0);
    let (wave, plain) = ("https://x.example/wave.png", "http://x.example/plain.png");
    let tags = vec![Tag::new(["emoji", "wave", wave]), Tag::new(["emoji", "plain", plain])];
    let content = "hello :wave: and :wave:, :plain: :other:".to_owned();
    let theirs = EventTemplate { created_at: 5, kind: Kind::POST, tags, content }.by(public(2));
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![theirs] });
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::LoadPicture(_))));
    assert_eq!(rig.drawn().matches("will see your address").count(), 2, "by https alone");
    rig.give(Reading::ShowPicture(wave.into()).into());
    rig.did(|effect| *effect == Effect::LoadPicture(wave.into()));
    rig.give(Message::Browser(BrowserNews::Picture(wave.into(), Some("blob:1".into()))));
    assert_eq!(rig.drawn().matches("\"blob:1\"").count(), 2);
    rig.model.media = crate::model::Media::Never;
    assert!(
        !rig.drawn().contains("blob:1") && rig.drawn().contains("hello :wave: and :wave:, :plain: :other:")
    );
}

#[test]
fn in_the_menu_of_an_own_post_stands_which_relays_have_it() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Features(vec![RELAYS]));
    let (mine, hers) = (post(1, 10, "mine"), post(2, 11, "hers"));
    let events = [&mine, &hers].map(|event| event.clone().into_rumor()).to_vec();
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events });
    let press = |rig: &mut Rig, post| {
        rig.give(Reading::Menu(Menu { post, offers: Offers::More }).into());
        rig.sent().into_iter().find_map(|frame| match frame {
            ClientFrame::Relays { request, id } => Some((request, id)),
            _ => None,
        })
    };
    assert_eq!(press(&mut rig, hers.id()), None, "the node knows that of own posts only");
    let (request, id) = press(&mut rig, mine.id()).expect("it is asked");
    assert_eq!(id, mine.id());
    let relays = [("a", Delivery::Delivered), ("b", Delivery::Waiting), ("c", Delivery::GivenUp)];
    let relays = relays.map(|(name, state)| (format!("wss://{name}.example"), state));
    rig.frame(NodeFrame::Relays { request, relays: relays.to_vec() });
    let page = rig.shown();
    for (relay, state) in [("a", "has it"), ("b", "not yet"), ("c", "does not take it")] {
        let (_, behind) = page.split_once(&format!("wss://{relay}.example")).expect(relay);
        let words = behind.split("wss://").next().unwrap_or_default();
        assert!(words.contains(state), "{relay}: {words}");
    }
    assert_eq!(press(&mut rig, mine.id()), None, "it is closed");
    assert!(!rig.shown().contains("a.example"));
    // What is opened again is asked for again, and an answer that comes late belongs to no other post.
    let (late, _) = press(&mut rig, mine.id()).expect("it is asked again");
    press(&mut rig, hers.id());
    rig.frame(NodeFrame::Relays { request: late, relays: relays.to_vec() });
    assert!(!rig.shown().contains("a.example"));
}
