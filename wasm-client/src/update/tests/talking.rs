//! Replies and likes.

use nostrp2p_protocol::{EventId, PublicStatement, Tag, event_policy::everyone_tag, frame::REACH};

use super::*;
use crate::{
    model::{DraftAudience, Theme, connection::SentRequest, signing::KeyTask},
    route::Route,
};

fn tagged(author: u8, kind: Kind, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at: 20, kind, tags, content: content.into() }.sign(&key(author), &[0; 32])
}

fn tag(name: &str, value: String) -> Tag {
    Tag::new([name.to_owned(), value])
}

fn like(author: u8, id: EventId, content: &str) -> Event {
    let tags = vec![tag("e", id.to_string()), tag("p", public(1).to_string())];
    tagged(author, Kind::REACTION, tags, content)
}

impl Rig {
    fn receive(&mut self, events: Vec<Event>) {
        let events = events.into_iter().map(Event::into_rumor).collect();
        self.frame(NodeFrame::Batch { through: 1, newest: 1, events });
    }

    fn draft(&self) -> Option<EventTemplate> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::UseKey(KeyTask::Sign(_, draft)) => Some(draft.clone()),
            _ => None,
        })
    }

    /// The whole page as it would be drawn.
    fn page(&self) -> String {
        format!("{:?}", crate::view::view(&self.model))
    }
}

#[test]
fn a_reply_names_the_post_and_its_author_and_is_over_once_it_is_signed() {
    let mut rig = Rig::in_use(0);
    let to = post(2, 10, "question");
    rig.receive(vec![to.clone()]);
    rig.give(Message::Writing(Writing::Reply(to.id())));
    rig.did(|effect| *effect == Effect::Focus(crate::update::compose::FIELD_ID));
    let name = rig.model.name_of(&public(2));
    assert!(rig.shown().contains(&format!("Replying to {name}. Only {name} can see it.")));
    rig.write("answer");
    let root = Tag::new(["e".to_owned(), to.id().to_string(), String::new(), "root".to_owned()]);
    let draft = rig.draft().expect("it is signed");
    assert_eq!(draft.tags, [root, tag("p", public(2).to_string())]);
    rig.prove(1);
    assert_eq!((rig.model.compose.reply.as_ref(), rig.texts()), (None, vec!["answer", "question"]));
    assert!(rig.shown().contains(&format!("only for {name}")) && rig.shown().contains("in reply to"));
    assert!(
        rig.saved()
            .iter()
            .any(|change| matches!(change, StorageChange::Outgoing(event) if event.tags == draft.tags))
    );
    rig.write("for everyone");
    assert_eq!(rig.draft().map(|draft| draft.tags), Some(vec![]));
}

#[test]
fn an_answer_is_for_everyone_if_its_author_says_so_and_so_is_the_next_one_in_that_conversation() {
    let mut rig = Rig::in_use(0);
    let to = tagged(2, Kind::POST, vec![], "question");
    rig.receive(vec![to.clone()]);
    rig.give(Message::Writing(Writing::Reply(to.id())));
    rig.give(Message::Writing(Writing::Audience(DraftAudience::Everyone)));
    let name = rig.model.name_of(&public(2));
    assert!(rig.shown().contains(&format!("Replying to {name}. Everyone can see it.")));
    assert!(rig.shown().contains("This cannot be changed once it is sent."));
    rig.write("answer");
    let root = Tag::new(["e".to_owned(), to.id().to_string(), String::new(), "root".to_owned()]);
    let draft = rig.draft().expect("it is signed");
    assert_eq!(draft.tags, [root, tag("p", public(2).to_string()), everyone_tag()]);
    rig.prove(1);
    assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual, "the next post");
    assert!(!rig.page().contains("private"));

    let answer = draft.by(public(1)).id();
    let e = |marker: &str, id: EventId| {
        Tag::new(["e".to_owned(), id.to_string(), String::new(), marker.to_owned()])
    };
    let tags = vec![e("root", to.id()), e("reply", answer), tag("p", public(1).to_string()), everyone_tag()];
    let further = tagged(2, Kind::POST, tags, "further");
    rig.receive(vec![further.clone()]);
    rig.give(Message::Writing(Writing::Reply(further.id())));
    assert_eq!(rig.model.compose.audience, DraftAudience::Everyone, "as before in this conversation");
    rig.give(Message::Writing(Writing::DropReply));
    let other = tagged(3, Kind::POST, vec![], "another conversation");
    rig.receive(vec![other.clone()]);
    rig.give(Message::Writing(Writing::Reply(other.id())));
    assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual);
}

#[test]
fn under_something_private_no_answer_is_for_everyone() {
    let mut rig = Rig::in_use(0);
    let private = tagged(2, Kind::POST, vec![tag("p", public(1).to_string())], "between us");
    let e = |id: EventId| Tag::new(["e".to_owned(), id.to_string(), String::new(), "root".to_owned()]);
    let under =
        tagged(2, Kind::POST, vec![e(private.id()), tag("p", public(1).to_string()), everyone_tag()], "x");
    let own =
        tagged(1, Kind::POST, vec![e(under.id()), tag("p", public(2).to_string()), everyone_tag()], "y");
    rig.receive(vec![private.clone(), under.clone(), own]);
    for id in [private.id(), under.id()] {
        rig.give(Message::Writing(Writing::Reply(id)));
        assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual, "whatever was said before");
        let choices = crate::view::compose::choices(&rig.model);
        assert!(choices.iter().all(|choice| choice.audience != DraftAudience::Everyone));
    }
}

#[test]
fn an_answer_to_somebody_on_nostr_relays_only_is_meant_for_everyone_and_says_why() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Features(vec![REACH]));
    let to = tagged(2, Kind::POST, vec![], "on a relay");
    rig.receive(vec![to.clone()]);
    rig.effects.clear();
    rig.give(Message::Writing(Writing::Reply(to.id())));
    assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual);
    let asked = rig.effects.iter().find_map(|effect| match effect {
        Effect::Send(ClientFrame::Reach { request, people }) => Some((*request, people.clone())),
        _ => None,
    });
    let (request, people) = asked.expect("the node is asked");
    assert_eq!(people, [public(2)]);
    rig.frame(NodeFrame::Reach { request, relay_only: vec![public(2)] });
    assert_eq!(rig.model.compose.audience, DraftAudience::Everyone);
    let name = rig.model.name_of(&public(2));
    let said = format!("On Nostr relays only, and sees your answer only if it is for everyone: {name}");
    assert!(rig.shown().contains(&said), "{}", rig.shown());
    // The person may choose otherwise, and is not asked about again.
    rig.give(Message::Writing(Writing::Audience(DraftAudience::AsUsual)));
    assert!(rig.shown().contains(&said));
    rig.give(Message::Writing(Writing::DropReply));
    rig.effects.clear();
    rig.give(Message::Writing(Writing::Reply(to.id())));
    assert_eq!(
        rig.model.compose.audience,
        DraftAudience::Everyone,
        "what is known holds for the next answer"
    );
    assert!(!rig.sent().iter().any(|frame| matches!(frame, ClientFrame::Reach { .. })));
    // Under something private nothing is for everyone.
    let private = tagged(2, Kind::POST, vec![tag("p", public(1).to_string())], "between us");
    rig.receive(vec![private.clone()]);
    rig.give(Message::Writing(Writing::Reply(private.id())));
    assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual);
}

#[test]
fn a_like_of_somebody_on_nostr_relays_only_is_for_everyone_after_one_consent() {
    let mut rig = Rig::in_use(0);
    rig.frame(NodeFrame::Features(vec![REACH]));
    let posts = [tagged(2, Kind::POST, vec![], "one"), tagged(2, Kind::POST, vec![], "two")];
    rig.receive(posts.to_vec());
    rig.give(Message::Writing(Writing::Like(posts[0].id())));
    let request = rig.sent().iter().find_map(|frame| match frame {
        ClientFrame::Reach { request, .. } => Some(*request),
        _ => None,
    });
    let request = request.expect("the node is asked first");
    assert_eq!(rig.draft(), None);
    rig.frame(NodeFrame::Reach { request, relay_only: vec![public(2)] });
    assert_eq!(rig.draft(), None, "the person is asked");
    assert!(rig.shown().contains("learns of your like only if everyone may see it"));
    rig.give(Message::Writing(Writing::LikeAs(posts[0].id(), true)));
    assert!(rig.draft().expect("it is signed").tags.contains(&everyone_tag()));
    assert!(rig.saved().contains(&StorageChange::Set(Setting::PublicLikes(true))));
    rig.effects.clear();
    rig.give(Message::Writing(Writing::Like(posts[1].id())));
    assert!(rig.draft().expect("nobody is asked again").tags.contains(&everyone_tag()));
    // Of others likes stay private.
    let other = tagged(3, Kind::POST, vec![], "has a node");
    rig.receive(vec![other.clone()]);
    rig.effects.clear();
    rig.give(Message::Writing(Writing::Like(other.id())));
    let asked = rig.sent().iter().map(ClientFrame::request).next().expect("the node is asked");
    rig.frame(NodeFrame::Reach { request: asked, relay_only: vec![] });
    assert!(!rig.draft().expect("it is signed").tags.contains(&everyone_tag()));
}

#[test]
fn an_answer_is_public_from_the_statement_of_its_authors_node_on() {
    let mut rig = Rig::in_use(0);
    let private = tagged(2, Kind::POST, vec![tag("p", public(1).to_string())], "said by a program");
    rig.receive(vec![private.clone()]);
    assert!(rig.page().contains("private"));
    let stated = UnsignedEvent { statement: Some(PublicStatement::mark()), ..private.clone().into_rumor() };
    rig.frame(NodeFrame::Batch { through: 2, newest: 2, events: vec![stated] });
    assert!(!rig.page().contains("private"), "{}", rig.page());
    rig.give(Message::Writing(Writing::Reply(private.id())));
    let choices = crate::view::compose::choices(&rig.model);
    assert!(choices.iter().any(|choice| choice.audience == DraftAudience::Everyone));
}

#[test]
fn a_reply_that_is_dropped_keeps_its_text_and_is_for_everyone_once_somebody_says_so() {
    let mut rig = Rig::in_use(0);
    let to = post(2, 10, "question");
    rig.receive(vec![to.clone()]);
    rig.give(Message::Writing(Writing::Reply(to.id())));
    rig.give(Message::Writing(Writing::Typed("hello".into(), 0)));
    rig.give(Message::Writing(Writing::DropReply));
    rig.give(Message::Writing(Writing::Send));
    assert_eq!(rig.draft(), None, "only one person would have seen it");
    rig.give(Message::Writing(Writing::Audience(DraftAudience::AsUsual)));
    rig.give(Message::Writing(Writing::Send));
    assert_eq!(rig.draft().map(|draft| (draft.tags, draft.content)), Some((vec![], "hello".into())));
}

#[test]
fn a_draft_of_a_reply_is_a_reply_after_a_reload_too() {
    let mut rig = Rig::in_use(0);
    let to = post(2, 10, "question");
    rig.receive(vec![to.clone()]);
    rig.give(Message::Writing(Writing::Reply(to.id())));
    rig.give(Message::Writing(Writing::Typed("to be continued".into(), 0)));
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    let mut settings = StoredSettings { theme: Theme::Auto, ..StoredSettings::default() };
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    let again = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    assert!(again.model.compose.reply.is_some());
    assert_eq!(again.model.compose.reply, rig.model.compose.reply);
}

#[test]
fn on_a_phone_a_reply_opens_the_screen_for_writing() {
    let mut rig = Rig::in_use(0);
    let to = post(2, 10, "question");
    rig.receive(vec![to.clone()]);
    rig.give(Message::Browser(BrowserNews::Wide(false)));
    rig.give(Message::Writing(Writing::Reply(to.id())));
    rig.did(|effect| *effect == Effect::Go(Route::Write.fragment()));
}

#[test]
fn whom_a_post_is_for_is_said_with_it() {
    #[track_caller]
    fn check(author: u8, people: &[u8], expected: &str) {
        let mut rig = Rig::in_use(0);
        for (seed, name) in [(2, "Bo"), (3, "Cy")] {
            rig.model.people.take(&profile(seed, 1, &format!(r#"{{"name":"{name}"}}"#)));
        }
        let tags = people.iter().map(|seed| tag("p", public(*seed).to_string())).collect();
        rig.receive(vec![tagged(author, Kind::POST, tags, "x")]);
        let page = rig.shown();
        assert!(page.contains(expected), "{page}");
    }
    check(2, &[1], "only for you");
    check(2, &[1, 2, 1], "only for you");
    check(2, &[3, 1], "for you and 1 other");
    check(2, &[3, 1, 4], "for you and 2 others");
    check(1, &[2], "only for Bo");
    check(1, &[2, 3, 1], "for Bo and 1 other");
    let mut rig = Rig::in_use(0);
    rig.receive(vec![tagged(
        2,
        Kind::POST,
        vec![tag("p", public(1).to_string()), tag("q", "x".into())],
        "x",
    )]);
    rig.receive(vec![tagged(1, Kind::POST, vec![tag("p", public(1).to_string())], "going on")]);
    assert!(!rig.page().contains("private"), "a quote is for everyone, and so is going on");
}

#[test]
fn a_post_is_liked_at_once_and_only_once() {
    let mut rig = Rig::in_use(0);
    let (theirs, mine) = (post(2, 10, "theirs"), post(1, 11, "mine"));
    rig.receive(vec![theirs.clone(), mine.clone()]);
    rig.effects.clear();
    for id in [theirs.id(), theirs.id(), mine.id(), EventId::from_bytes([7; 32])] {
        rig.give(Message::Writing(Writing::Like(id)));
    }
    assert!(rig.model.likes.is_mine(&theirs.id()) && !rig.model.likes.is_mine(&mine.id()));
    assert_eq!(rig.effects.len(), 1, "{:?}", rig.effects);
    let draft = rig.draft().unwrap();
    assert_eq!((draft.kind, draft.content.as_str()), (Kind::REACTION, "+"));
    assert_eq!(draft.tags, [tag("e", theirs.id().to_string()), tag("p", public(2).to_string())]);
    rig.prove(1);
    let id = *rig.model.outbox.waiting.keys().next().expect("it goes by the outbox");
    rig.did(|effect| matches!(effect, Effect::SaveOutgoing(saved, _) if *saved == id));
    assert_eq!(rig.texts(), ["mine", "theirs"], "a like is no post");

    rig.give(Message::OutgoingSaved(id, Ok(())));
    rig.refuse(rig.model.connection.last_request, RefusalCode::WrongTime);
    assert!(rig.model.outbox.is_empty() && !rig.model.likes.is_mine(&theirs.id()));
    assert!(rig.model.notice.is_some(), "a like that did not come about is taken back and said");
}

#[test]
fn a_like_that_cannot_be_signed_is_taken_back() {
    let mut rig = Rig::in_use(0);
    let theirs = post(2, 10, "theirs");
    rig.receive(vec![theirs.clone()]);
    rig.give(Message::Writing(Writing::Like(theirs.id())));
    rig.give(Message::Signed(Purpose::Like(theirs.id()), Err("no key".into())));
    assert!(!rig.model.likes.is_mine(&theirs.id()));
}

#[test]
fn likes_of_own_posts_are_counted_by_person() {
    let mut rig = Rig::in_use(0);
    let mine = post(1, 10, "mine");
    rig.receive(vec![mine.clone(), like(2, mine.id(), "+")]);
    assert!(rig.page().contains("\"1 like\""));
    rig.receive(vec![like(2, mine.id(), "again"), like(3, mine.id(), "+"), like(4, mine.id(), "-")]);
    assert!(rig.page().contains("\"2 likes\""));
    assert_eq!(rig.texts(), ["mine"]);
}

#[test]
fn more_likes_than_are_counted_are_told_and_displace_no_own_ones() {
    let mut rig = Rig::in_use(0);
    let (old, new) = (post(1, 10, "old"), post(1, 60_000, "new"));
    for event in [&old, &new] {
        super::super::timeline::insert(&mut rig.model, event, super::super::timeline::Origin::Live);
    }
    rig.model.likes.loaded = false;
    rig.socket(SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    let request = rig.request(|request| *request == SentRequest::Likes);
    let me = public(1);
    rig.did(|effect| match effect {
        Effect::Send(ClientFrame::Fetch { request: asked, filters }) if *asked == request => {
            filters.iter().any(|filter| filter.authors.as_ref().is_some_and(|authors| authors.contains(&me)))
                && filters.iter().any(|filter| filter.tags.contains_key(&'p'))
        }
        _ => false,
    });
    let by = |number: u32| {
        let mut seed = [9; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let tags = vec![tag("e", old.id().to_string()), tag("p", me.to_string())];
        EventTemplate { created_at: 20_000, kind: Kind::REACTION, tags, content: "+".into() }
            .by(PublicKey::from_bytes(seed))
    };
    let mut likes: Vec<UnsignedEvent> = (0..250).map(by).collect();
    likes.push(like(3, new.id(), "+").into_rumor());
    rig.frame(NodeFrame::Answer { request, complete: true, events: likes });
    let shown = rig.shown();
    assert!(shown.contains("250+ likes") && shown.contains("1 like"), "{shown}");
    assert!(!shown.contains("1+ like"), "all likes of what is newer are here");
}

#[test]
fn likes_are_there_again_after_a_reload() {
    let (mine, theirs) = (post(1, 10, "mine"), post(2, 11, "theirs"));
    let events = vec![theirs.clone().into_rumor(), mine.clone().into_rumor()];
    let settings =
        StoredSettings { cursor: Some(Cursor { store: STORE, after: 0 }), ..StoredSettings::default() };
    let waiting = like(1, EventId::from_bytes([7; 32]), "+");
    let outbox = vec![waiting];
    let mut rig = Rig::open("", Some(1), Snapshot { events, outbox, settings, ..Snapshot::default() });
    assert!(rig.model.likes.is_mine(&EventId::from_bytes([7; 32])), "one that was not sent yet");
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    let request = rig.request(|request| *request == SentRequest::Likes);
    let events = [like(1, theirs.id(), "+"), like(2, mine.id(), "+")].map(Event::into_rumor).into();
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    assert!(rig.model.likes.is_mine(&theirs.id()));
    assert_eq!(rig.model.likes.count(&mine.id()), 1);
    rig.socket(SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 0);
    assert!(!rig.model.connection.requests.values().any(|request| *request == SentRequest::Likes));
}
