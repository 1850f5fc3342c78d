//! What others did, and up to when it was read.

use nostrp2p_protocol::Tag;

use super::*;
use crate::{
    model::{connection::SentRequest, notices::MARKER},
    route::Route,
};

fn mention(author: u8, created_at: u64) -> UnsignedEvent {
    let tags = vec![Tag::new(["p".to_owned(), public(1).to_string()])];
    EventTemplate { created_at, kind: Kind::POST, tags, content: "hello you".into() }.by(public(author))
}

fn marks(rig: &mut Rig) -> Vec<u64> {
    let frames = rig.sent().into_iter();
    let marks = frames.filter_map(|frame| match frame {
        ClientFrame::Mark { name, until } if name == MARKER => Some(until),
        _ => None,
    });
    marks.collect()
}

impl Rig {
    fn open_notifications(&mut self) {
        let fragment = Route::Notifications.fragment().into_owned();
        self.give(Message::Browser(BrowserNews::Fragment(fragment)));
    }

    fn unread(&self) -> usize {
        crate::view::notifications::unread(&self.model)
    }
}

#[test]
fn what_happens_is_counted_until_it_is_looked_at() {
    let mut rig = Rig::in_use(0);
    let events = vec![mention(2, 10), mention(3, 20)];
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events });
    assert_eq!(rig.unread(), 2);
    rig.effects.clear();
    rig.open_notifications();
    assert_eq!((rig.unread(), marks(&mut rig)), (0, vec![20]));
    let page = format!("{:?}", crate::view::view(&rig.model));
    assert!(page.contains("mentioned you") && page.contains("notice-new"), "they still stand out");

    // What comes while it is looked at is read; what comes while nobody sees the page is not.
    rig.frame(NodeFrame::Batch { through: 3, newest: 3, events: vec![mention(2, 30)] });
    assert_eq!(marks(&mut rig), [30]);
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    rig.frame(NodeFrame::Batch { through: 4, newest: 4, events: vec![mention(2, 40)] });
    assert_eq!((rig.unread(), marks(&mut rig)), (1, vec![]));
    rig.give(Message::Browser(BrowserNews::Visible(true)));
    assert_eq!(marks(&mut rig), [40]);
}

#[test]
fn beyond_99_the_title_and_the_menu_say_that_there_are_more() {
    let mut rig = Rig::in_use(0);
    let events: Vec<_> = (0..99).map(|time| mention(2, 10 + time)).collect();
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events });
    assert_eq!(crate::view::window_title(&rig.model), "(99) Home · NostrP2P");
    rig.frame(NodeFrame::Batch { through: 3, newest: 3, events: vec![mention(2, 200)] });
    assert_eq!(crate::view::window_title(&rig.model), "(99+) Home · NostrP2P");
}

#[test]
fn what_was_read_on_another_device_is_read_here() {
    let mut rig = Rig::in_use(0);
    let events = vec![mention(2, 10), mention(3, 20)];
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events });
    rig.frame(NodeFrame::Markers(vec![("other".into(), 99), (MARKER.into(), 10)]));
    assert_eq!(rig.unread(), 1);
    rig.frame(NodeFrame::Markers(vec![(MARKER.into(), 20)]));
    assert_eq!(rig.unread(), 0);
    rig.frame(NodeFrame::Markers(vec![(MARKER.into(), 5)]));
    assert_eq!(rig.unread(), 0, "a marker never goes back");
    assert!(rig.saved().contains(&StorageChange::Set(Setting::ReadUntil(20))));
}

#[test]
fn what_was_read_offline_is_said_at_the_next_login() {
    let cursor = Some(Cursor { store: STORE, after: 0 });
    let settings = StoredSettings { cursor, read_until: 33, ..StoredSettings::default() };
    let mut rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    assert_eq!(marks(&mut rig), [33]);
    let request = rig.request(|request| *request == SentRequest::Notices);
    let events = vec![mention(2, 40), mention(3, 30)];
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    assert_eq!(rig.unread(), 1);
}

#[test]
fn likes_of_a_post_are_gathered_and_a_deleted_answer_is_no_news() {
    let mut rig = Rig::in_use(0);
    let mine = post(1, 10, "mine");
    let like = |author: u8| {
        crate::model::likes::draft(mine.id(), &public(1), 20 + u64::from(author)).by(public(author))
    };
    let answer = mention(4, 30);
    let events = vec![mine.clone().into_rumor(), like(2), like(3), answer.clone()];
    rig.frame(NodeFrame::Batch { through: 4, newest: 4, events });
    rig.open_notifications();
    let page = rig.shown();
    assert!(page.contains("and 1 other like your post") && page.contains("hello you"), "{page}");
    let gone = crate::model::deleted::draft(answer.id(), Kind::POST, 40).by(public(4));
    rig.frame(NodeFrame::Batch { through: 5, newest: 5, events: vec![gone] });
    assert!(!format!("{:?}", crate::view::view(&rig.model)).contains("hello you"));
}

#[test]
fn who_answers_a_post_and_likes_it_counts_for_both_and_a_second_like_for_none() {
    let mut rig = Rig::in_use(0);
    let mine = post(1, 10, "mine");
    let like = |at| crate::model::likes::draft(mine.id(), &public(1), at).by(public(2));
    let tags = vec![
        Tag::new(["e".to_owned(), mine.id().to_string()]),
        Tag::new(["p".to_owned(), public(1).to_string()]),
    ];
    let answer = EventTemplate { created_at: 40, kind: Kind::POST, tags, content: "I do".into() };
    let events = vec![mine.clone().into_rumor(), like(30), like(31), answer.by(public(2))];
    rig.frame(NodeFrame::Batch { through: 4, newest: 4, events });
    rig.open_notifications();
    let page = rig.shown();
    assert!(page.contains("1 answer · 1 like to:"), "{page}");
}

#[test]
fn a_new_follower_is_news_once_however_often_their_list_changes_and_after_a_reload() {
    let list = |created_at| {
        let tags = vec![Tag::new(["p".to_owned(), public(1).to_string()])];
        EventTemplate { created_at, kind: Kind::FOLLOW_LIST, tags, content: String::new() }.by(public(2))
    };
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Batch { through: 1, newest: 1, events: vec![list(100)] });
    assert_eq!(rig.model.notices.unread().count(), 1);
    let mut settings = StoredSettings::default();
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![list(200)] });
    assert_eq!(rig.model.notices.iter().count(), 1);
    let again = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    let seen: Vec<u64> = again.model.notices.iter().map(|(place, _)| place.created_at()).collect();
    assert_eq!(seen, [100]);
}

#[test]
fn answers_and_reposts_that_are_not_all_here_are_counted_with_a_plus() {
    let (old, newer) = (post(1, 10, "old"), post(1, 500, "newer"));
    let answer = |to: &Event, number: u64| {
        let tags = vec![
            Tag::new(["e".to_owned(), to.id().to_string(), String::new(), "reply".to_owned()]),
            Tag::new(["p".to_owned(), public(1).to_string()]),
        ];
        EventTemplate {
            created_at: 600 + number,
            kind: Kind::POST,
            tags,
            content: format!("answer {number}"),
        }
        .by(public(2))
    };
    let repost = |of: &Event| {
        let tags = vec![
            Tag::new(["e".to_owned(), of.id().to_string()]),
            Tag::new(["p".to_owned(), public(1).to_string()]),
        ];
        EventTemplate { created_at: 900, kind: Kind::REPOST, tags, content: String::new() }.by(public(3))
    };
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    rig.answer_own_profile();
    // The timeline is here since the newer one, and the older one was asked for by name.
    let request = rig.request(|request| *request == SentRequest::Newest);
    let events = [post(9, 1_000, "latest"), newer.clone()].map(Event::into_rumor).into();
    rig.frame(NodeFrame::Answer { request, complete: false, events });
    let named = vec![old.clone().into_rumor(), repost(&old), answer(&old, 1), answer(&newer, 2)];
    rig.frame(NodeFrame::Batch { through: 9, newest: 9, events: named });
    rig.give(Message::Browser(BrowserNews::Fragment("#/me".into())));
    let counts = |rig: &Rig| {
        let page = format!("{:?}", crate::view::view(&rig.model));
        let all = ["1+ answers", "1 answer", "1+ reposts", "1 repost"];
        all.map(|count| page.contains(&format!("\"{count}\"")))
    };
    assert_eq!(counts(&rig), [true, true, true, false], "not known yet");
    let request = rig.request(|request| *request == SentRequest::Notices);
    let events: Vec<UnsignedEvent> =
        (0..200).map(|number| answer(&newer, number)).chain([repost(&old)]).collect();
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    assert_eq!(counts(&rig), [true, false, false, true], "{}", rig.shown());
    assert!(rig.shown().contains("200"), "{}", rig.shown());
}

#[test]
fn answers_are_there_after_six_hundred_likes_and_what_is_not_counted_is_said() {
    let mut rig = Rig::in_use(0);
    let mine = post(1, 10, "mine");
    let like = |number: u64| {
        let mut who = [9; 32];
        who[..8].copy_from_slice(&number.to_be_bytes());
        crate::model::likes::draft(mine.id(), &public(1), 100 + number).by(PublicKey::from_bytes(who))
    };
    let answers = (0..3).map(|time| mention(4, 30 + time));
    let first: Vec<UnsignedEvent> = [mine.clone().into_rumor()].into_iter().chain(answers).collect();
    let likes: Vec<UnsignedEvent> = (0..600).map(like).collect();
    rig.frame(NodeFrame::Batch { through: 4, newest: 604, events: first });
    for (part, events) in likes.chunks(300).enumerate() {
        let through = 4 + 300 * (part as u64 + 1);
        rig.frame(NodeFrame::Batch { through, newest: 604, events: events.to_vec() });
    }
    rig.open_notifications();
    let page = rig.shown();
    assert_eq!(page.matches("hello you").count(), 3);
    assert!(page.contains("and 500+ others like your post"), "{page}");

    // What the node is asked for at a login is bounded for each kind too.
    let mut rig = Rig::open("", Some(1), Snapshot::default());
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    let request = rig.request(|request| *request == SentRequest::Notices);
    let asked = rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Fetch { request: other, filters } if other == request => Some(filters),
        _ => None,
    });
    let limits: Vec<u32> = asked.unwrap().iter().filter_map(|filter| filter.limit).collect();
    assert_eq!((limits.len(), limits.iter().sum::<u32>()), (4, 500));
    let events = likes.into_iter().take(200).chain([mine.into_rumor()]).collect();
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    rig.open_notifications();
    assert!(rig.shown().contains("and 199+ others"), "{}", rig.shown());
}
