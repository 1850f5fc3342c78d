//! Drafts by what they are about, and names in what is written.

use super::*;
use crate::model::{Context, mention};

impl Rig {
    fn type_text(&mut self, text: &str) {
        self.give(Writing::Typed(text.into(), text.encode_utf16().count()).into());
    }

    fn with_people() -> Self {
        let mut rig = Self::in_use(0);
        for (seed, name) in [(2, "Ada Lovelace"), (3, "Adam"), (4, "Bo")] {
            rig.model.people.take(&profile(seed, 1, &format!(r#"{{"name":"{name}"}}"#)));
        }
        rig
    }

    fn signed_post(&mut self) -> Draft {
        self.give(Writing::Send.into());
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::Sign(Purpose::Post, draft) => Some(draft.clone()),
            _ => None,
        });
        drafts.reduce(|_, draft| draft).expect("a post is signed")
    }

    fn tagged(draft: &Draft) -> Vec<&str> {
        draft.tags.iter().filter(|tag| tag.name() == "p").filter_map(|tag| tag.value()).collect()
    }
}

#[test]
fn what_was_begun_comes_back_with_what_it_is_about_even_after_a_reload() {
    let mut rig = Rig::in_use(0);
    let (one, other) = (post(2, 100, "one"), post(3, 101, "other"));
    for event in [&one, &other] {
        super::super::timeline::insert(&mut rig.model, event, super::super::timeline::Origin::Live);
    }
    rig.type_text("for everyone");
    rig.give(Writing::Reply(one.id()).into());
    assert_eq!(rig.model.compose.text, "");
    rig.type_text("to one");
    rig.give(Writing::Quote(other.id()).into());
    rig.type_text("about the other");
    rig.give(Writing::Reply(one.id()).into());
    assert_eq!(rig.model.compose.text, "to one");

    let mut settings = Settings::default();
    for change in rig.saved() {
        if let Change::Set(setting) = change {
            settings.read(setting.name(), &setting.text().unwrap_or_default());
        }
    }
    let rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    assert_eq!(
        (rig.model.compose.text.as_str(), rig.model.compose.context()),
        ("to one", Context::Reply(one.id()))
    );
    let mut drafts = rig.model.compose.drafts.clone();
    assert_eq!(drafts.take(Context::New), "for everyone");
    assert_eq!(drafts.take(Context::Quote(other.id())), "about the other");
}

#[test]
fn a_sent_answer_leaves_the_new_post_as_it_was() {
    let mut rig = Rig::in_use(0);
    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    rig.type_text("for everyone");
    rig.give(Writing::Reply(one.id()).into());
    rig.write("to one");
    rig.prove(1);
    assert_eq!(
        (rig.model.compose.text.as_str(), rig.model.compose.context()),
        ("for everyone", Context::New)
    );
}

#[test]
fn a_name_is_offered_and_put_in_and_sent_as_a_key_for_everyone() {
    let mut rig = Rig::with_people();
    rig.type_text("hello @ad");
    let completion = rig.model.compose.completion.clone().unwrap();
    let mut offered = mention::offered(&rig.model, &completion);
    offered.sort_unstable();
    let mut expected = vec![public(2), public(3)];
    expected.sort_unstable();
    assert_eq!(offered, expected);
    rig.give(Writing::Step(false).into());
    rig.give(Writing::Step(true).into());
    rig.give(Writing::Step(true).into());
    assert_eq!(rig.model.compose.completion.as_ref().unwrap().chosen, 1);
    rig.give(Writing::Complete(Some(public(2))).into());
    assert_eq!(rig.model.compose.text, "hello @Ada Lovelace ");
    rig.did(|effect| *effect == Effect::PutCaret("compose", 20));
    let draft = rig.signed_post();
    assert_eq!(draft.content, format!("hello nostr:{}", public(2).to_npub()));
    assert!(draft.tags.is_empty(), "for everyone");
    let mut notices = crate::model::Notices::default();
    assert!(notices.take(&draft.by(public(1)), Some(public(2))), "who is named learns of it");
}

#[test]
fn who_is_named_gets_it_alone_if_one_wants_so_and_gets_a_private_answer_too() {
    let mut rig = Rig::with_people();
    rig.type_text("@bo");
    rig.give(Writing::Complete(None).into());
    rig.give(Writing::Audience(true).into());
    let draft = rig.signed_post();
    assert_eq!(Rig::tagged(&draft), [public(4).to_string()]);
    rig.prove(1);
    assert!(!rig.model.compose.only_mentioned, "the next post is for everyone again");

    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    rig.give(Writing::Reply(one.id()).into());
    rig.type_text("@bo");
    rig.give(Writing::Complete(None).into());
    let draft = rig.signed_post();
    assert_eq!(
        Rig::tagged(&draft),
        [public(4).to_string(), public(2).to_string()],
        "who is answered comes last"
    );
}

#[test]
fn escape_and_a_space_end_the_offer() {
    let mut rig = Rig::with_people();
    rig.type_text("@ad");
    rig.give(Writing::NoName.into());
    assert_eq!(rig.model.compose.completion, None);
    rig.give(Writing::Complete(None).into());
    rig.type_text("@ad ");
    assert_eq!((rig.model.compose.completion.is_none(), rig.model.compose.text.as_str()), (true, "@ad "));
}
