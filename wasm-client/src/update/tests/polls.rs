//! Votes in polls, and comments on what is no post.

use nostrp2p_protocol::{Tag, UnsignedEvent};

use super::*;
use crate::{
    model::{connection::SentRequest, poll::Poll, reply, signing::KeyTask},
    route::Route,
};

impl Rig {
    fn hear_events(&mut self, events: &[&Event]) {
        let events = events.iter().map(|event| (*event).clone().into_rumor()).collect();
        self.frame(NodeFrame::Batch { through: 1, newest: 1, events });
    }

    /// How often each option was chosen, as the page knows it.
    fn counts(&self, poll: &UnsignedEvent) -> Vec<usize> {
        self.model.votes.count(&poll.id(), &Poll::of(poll).expect("a poll")).0
    }

    fn choose_and_vote(&mut self, poll: &Event, options: &[usize]) {
        for option in options {
            self.give(Writing::Choose(poll.id(), *option).into());
        }
        self.give(Writing::Vote.into());
    }

    #[track_caller]
    fn voted(&self) -> Vec<&str> {
        let signed = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::UseKey(KeyTask::Sign(Purpose::Vote, draft)) => Some(draft),
            _ => None,
        });
        let draft = signed.expect("a vote is signed");
        assert!(draft.kind == Kind::VOTE && draft.content.is_empty());
        assert!(!draft.tags.iter().any(|tag| tag.name() == "p"), "it names nobody");
        draft.tags.iter().filter(|tag| tag.name() == "response").filter_map(Tag::value).collect()
    }
}

fn event(author: u8, kind: Kind, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    let created_at = NOW_MS / 1_000 - 100;
    EventTemplate { created_at, kind, tags, content: content.into() }.sign(&key(author), &[0; 32])
}

fn poll(more: &[&[&str]]) -> Event {
    let options: [&[&str]; 3] =
        [&["option", "a", "Tea"], &["option", "b", "Coffee"], &["option", "c", "Water"]];
    event(2, Kind::POLL, &[&options[..], more].concat(), "What shall it be?")
}

#[test]
fn a_vote_is_asked_about_then_signed_counted_and_sent() {
    let mut rig = Rig::in_use(0);
    let poll = poll(&[]);
    rig.hear_events(&[&poll]);
    assert!(rig.shown().contains("Coffee") && !rig.shown().contains("Your vote goes to"));
    rig.give(Writing::Choose(poll.id(), 0).into());
    rig.give(Writing::Choose(poll.id(), 1).into());
    let name = rig.model.name_of(&public(2));
    assert!(rig.shown().contains("Your vote goes to") && rig.shown().contains(&name), "{}", rig.shown());
    rig.give(Writing::Vote.into());
    assert_eq!(rig.voted(), ["b"], "one of a single choice");
    rig.prove(1);
    assert_eq!(rig.counts(&poll), [0, 1, 0]);
    assert!(rig.shown().contains("1 vote") && !rig.shown().contains("Your vote goes to"));
    rig.did(|effect| matches!(effect, Effect::SaveOutgoing(..)));
    // Another opinion in the same second is a newer vote.
    rig.choose_and_vote(&poll, &[2]);
    rig.prove(1);
    assert_eq!(rig.counts(&poll), [0, 0, 1]);
}

#[test]
fn several_options_can_be_chosen_where_the_poll_says_so_and_none_is_no_vote() {
    let mut rig = Rig::in_use(0);
    let poll = poll(&[&["polltype", "multiplechoice"]]);
    rig.hear_events(&[&poll]);
    rig.choose_and_vote(&poll, &[0, 2, 1, 1]);
    assert_eq!(rig.voted(), ["a", "c"], "what is chosen twice is not chosen");
    rig.effects.clear();
    rig.choose_and_vote(&poll, &[0, 0]);
    rig.choose_and_vote(&poll, &[77]);
    assert!(
        !rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Vote, _))))
    );
}

#[test]
fn nobody_votes_after_the_end() {
    let mut rig = Rig::in_use(0);
    let end = NOW_MS / 1_000 + 10;
    let poll = poll(&[&["endsAt", &end.to_string()]]);
    rig.hear_events(&[&poll]);
    assert!(rig.shown().contains("0 votes, until"));
    rig.give(Writing::Choose(poll.id(), 0).into());
    rig.now_ms += 11_000;
    rig.give(Writing::Vote.into());
    rig.choose_and_vote(&poll, &[0]);
    assert!(
        !rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Vote, _))))
    );
    assert!(rig.shown().contains("0 votes, closed"));
}

#[test]
fn the_votes_of_a_poll_are_asked_for_when_it_is_opened_and_a_refused_one_counts_no_more() {
    let mut rig = Rig::in_use(0);
    let poll = poll(&[]);
    let id = poll.id().to_string();
    rig.hear_events(&[&poll]);
    rig.give(Message::Browser(BrowserNews::Fragment(Route::Thread(poll.id(), None).fragment().into_owned())));
    let asks = rig.sent().into_iter().any(|frame| match frame {
        ClientFrame::Subscribe { filters, .. } => filters
            .iter()
            .any(|filter| filter.kinds == Some([Kind::VOTE].into()) && filter.tags[&'e'].contains(&id)),
        _ => false,
    });
    assert!(asks);
    let request = rig.request(|request| *request == SentRequest::Page);
    let vote = event(3, Kind::VOTE, &[&["e", &id], &["response", "a"]], "");
    let wrong = event(4, Kind::VOTE, &[&["e", &id], &["response", "nothing of it"]], "");
    let events = vec![vote.into_rumor(), wrong.into_rumor()];
    rig.frame(NodeFrame::Answer { request, complete: true, events });
    assert_eq!(rig.counts(&poll), [1, 0, 0]);

    rig.choose_and_vote(&poll, &[1]);
    rig.prove(1);
    let own = *rig.model.outbox.waiting.keys().next().expect("the vote waits");
    rig.give(Message::OutgoingSaved(own, Ok(())));
    assert_eq!(rig.counts(&poll), [1, 1, 0]);
    let request = rig.request(|request| *request == SentRequest::Publish(own));
    rig.refuse(request, RefusalCode::Unwanted);
    assert_eq!(rig.counts(&poll), [1, 0, 0]);
    assert!(rig.model.notice.is_some());
}

#[test]
fn a_vote_that_waits_counts_after_a_reload() {
    let mut rig = Rig::in_use(0);
    let poll = poll(&[]);
    rig.hear_events(&[&poll]);
    rig.choose_and_vote(&poll, &[1]);
    rig.prove(1);
    let outbox = rig.model.outbox.waiting.values().map(|outgoing| outgoing.event.clone()).collect();
    let events = vec![poll.clone().into_rumor()];
    let rig = Rig::open("", Some(1), Snapshot { outbox, events, ..Snapshot::default() });
    assert_eq!(rig.counts(&poll), [0, 1, 0]);
}

#[test]
fn an_answer_to_what_is_no_post_is_a_comment_which_survives_a_reload_as_a_draft() {
    let mut rig = Rig::in_use(0);
    let article = event(2, Kind(30_023), &[&["d", "on-rust"], &["title", "On Rust"]], "It compiles.");
    rig.hear_events(&[&article]);
    rig.give(Writing::Reply(article.id()).into());
    rig.give(Writing::Typed("So it does".into(), 10).into());
    rig.give(Message::Timer(Timer::EventTemplate));
    let mut settings = StoredSettings::default();
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    let mut rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    rig.give(Writing::Send.into());
    let signed = rig.effects.iter().find_map(|effect| match effect {
        Effect::UseKey(KeyTask::Sign(Purpose::Post, draft)) => Some(draft.clone()),
        _ => None,
    });
    let comment = signed.expect("it is signed").by(public(1));
    let value = |name: &str| comment.tag_values(name).map(str::to_owned).collect::<Vec<_>>();
    let (id, author) = (article.id().to_string(), public(2).to_string());
    let address = format!("30023:{author}:on-rust");
    assert_eq!(comment.kind, Kind(1_111));
    for (names, expected) in
        [(["A", "a"], &address), (["E", "e"], &id), (["K", "k"], &"30023".to_owned()), (["P", "p"], &author)]
    {
        assert_eq!(names.map(value), [vec![expected.clone()], vec![expected.clone()]], "{names:?}");
    }
    assert!(reply::is_private(&comment), "as any answer, unless its author chooses otherwise");
    assert_eq!((reply::target(&comment), reply::root(&comment)), (Some(article.id()), Some(article.id())));
}
