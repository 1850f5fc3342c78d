//! Drafts by what they are about, and names in what is written.

use nostrp2p_protocol::{Tag, event_policy::everyone_tag};

use super::*;
use crate::{
    model::{Context, DraftAudience, mention, signing::KeyTask},
    tabs::Tidings,
};

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

    fn signed_post(&mut self) -> EventTemplate {
        self.give(Writing::Send.into());
        let drafts = self.effects.iter().filter_map(|effect| match effect {
            Effect::UseKey(KeyTask::Sign(Purpose::Post, draft)) => Some(draft.clone()),
            _ => None,
        });
        drafts.reduce(|_, draft| draft).expect("a post is signed")
    }

    fn tagged(draft: &EventTemplate) -> Vec<&str> {
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

    let mut settings = StoredSettings::default();
    for change in rig.saved() {
        if let StorageChange::Set(setting) = change {
            settings.read(&setting.name(), &setting.text().unwrap_or_default());
        }
    }
    let rig = Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
    assert_eq!(
        (rig.model.compose.text.as_str(), rig.model.compose.context()),
        ("to one", Context::Reply(one.id()))
    );
    let mut drafts = rig.model.compose.drafts.clone();
    assert_eq!(drafts.take(Context::New).text, "for everyone");
    assert_eq!(drafts.take(Context::Quote(other.id())).text, "about the other");
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
    assert_eq!(rig.model.compose.completion.as_ref().unwrap().chosen, Some(1));
    rig.give(Writing::Complete(Some(public(2))).into());
    assert_eq!(rig.model.compose.text, "hello @Ada Lovelace ");
    rig.did(|effect| *effect == Effect::PutCaret("compose", 20));
    let draft = rig.signed_post();
    assert_eq!(draft.content, format!("hello nostr:{}", public(2).to_npub()));
    assert_eq!(
        draft.tags,
        [Tag::new(["p", &public(2).to_string()]), everyone_tag()],
        "he is named, and everyone sees it"
    );
    let mut notices = crate::model::Notices::default();
    assert!(notices.take(&draft.by(public(1)), Some(public(2))), "who is named learns of it");
}

#[test]
fn who_is_named_gets_it_alone_if_one_wants_so_and_a_private_answer_too_if_one_wants_that() {
    let mut rig = Rig::with_people();
    rig.type_text("@bo");
    rig.give(Writing::Complete(None).into());
    rig.choose("for-mentioned");
    let draft = rig.signed_post();
    assert_eq!(Rig::tagged(&draft), [public(4).to_string()]);
    rig.prove(1);
    assert_eq!(rig.model.compose.audience, DraftAudience::AsUsual, "the next post is for everyone again");

    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    rig.give(Writing::Reply(one.id()).into());
    rig.type_text("@bo");
    rig.give(Writing::Complete(None).into());
    assert_eq!(Rig::tagged(&rig.signed_post()), [public(2).to_string()], "it may be about him");
    rig.give(Message::Signed(Purpose::Post, Err("no".into())));
    rig.effects.clear();
    assert!(rig.shown().contains("Named in the text, and will not get it: Bo"));
    rig.choose("for-unasked");
    let draft = rig.signed_post();
    assert_eq!(
        Rig::tagged(&draft),
        [public(4).to_string(), public(2).to_string()],
        "who is answered comes last"
    );
}

#[test]
fn a_mention_that_is_undone_and_redone_is_one_again_and_one_that_is_typed_by_hand_is_not() {
    let mut rig = Rig::with_people();
    rig.type_text("hello @ad");
    rig.give(Writing::Complete(Some(public(2))).into());
    rig.give(Writing::Undone("hello @ad".into(), 9).into());
    assert!(rig.model.compose.named(None).is_empty());
    rig.give(Writing::Undone("hello @Ada Lovelace ".into(), 20).into());
    assert_eq!(rig.model.compose.named(None), [public(2)]);
    rig.type_text("hello ");
    rig.type_text("hello @Ada Lovelace ");
    assert!(rig.model.compose.named(None).is_empty());
    // Another person of that name was chosen since: nobody knows who comes back.
    rig.model.people.take(&profile(5, 1, r#"{"name":"Ada Lovelace"}"#));
    rig.type_text("hello @ad");
    rig.give(Writing::Complete(Some(public(5))).into());
    rig.give(Writing::Undone("hello @ad".into(), 9).into());
    rig.give(Writing::Undone("hello @Ada Lovelace ".into(), 20).into());
    assert!(rig.model.compose.named(None).is_empty());
    // A draft that was sent leaves none behind.
    rig.give(Writing::Typed("hello @ad".into(), 9).into());
    rig.give(Writing::Complete(Some(public(2))).into());
    rig.signed_post();
    rig.prove(1);
    rig.give(Writing::Undone("hello @Ada Lovelace ".into(), 20).into());
    assert!(rig.model.compose.named(None).is_empty());
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

impl Rig {
    /// The settings that a page opens with after all that was saved here.
    fn settings(&self) -> StoredSettings {
        let mut rows = std::collections::BTreeMap::new();
        for change in self.saved() {
            if let StorageChange::Set(setting) = change {
                match setting.text() {
                    Some(text) => rows.insert(setting.name().into_owned(), text),
                    None => rows.remove(&*setting.name()),
                };
            }
        }
        let mut settings = StoredSettings::default();
        rows.iter().for_each(|(name, text)| settings.read(name, text));
        settings
    }

    /// The page after a reload.
    fn reloaded(&mut self) -> Self {
        self.give(Message::Timer(Timer::EventTemplate));
        let mut rig = Self::open("", Some(1), Snapshot { settings: self.settings(), ..Snapshot::default() });
        rig.model.people = self.model.people.clone();
        rig.effects.clear();
        rig
    }

    fn mention(&mut self, seed: u8) {
        let text = format!("{}@", self.model.compose.text);
        self.type_text(&text);
        self.give(Writing::Complete(Some(public(seed))).into());
    }

    /// Chooses who is to see it, as a press on this radio button does.
    fn choose(&mut self, hook: &str) {
        let choice =
            crate::view::compose::choices(&self.model).into_iter().find(|choice| choice.hook == hook);
        self.give(Writing::Audience(choice.expect("the choice is offered").audience).into());
    }

    fn signs_a_post(&mut self) -> bool {
        self.give(Writing::Send.into());
        self.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Post, _))))
    }

    /// What this tab tells the others of drafts, and what another tab with the same settings does with it.
    fn tell(&self, other: &mut Self) {
        for change in self.saved() {
            if let StorageChange::Set(Setting::EventTemplate(context, stored)) = change {
                other.give(Message::Browser(BrowserNews::Elsewhere(std::rc::Rc::new(
                    Tidings::EventTemplate(context, stored),
                ))));
            }
        }
    }
}

#[test]
fn a_private_draft_stays_private_over_a_reload_and_over_an_answer_that_is_not_written() {
    let mut rig = Rig::with_people();
    rig.type_text("secret for ");
    rig.mention(4);
    rig.choose("for-mentioned");
    let mut rig = rig.reloaded();
    assert_eq!(rig.model.compose.text, "secret for @Bo ");
    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    rig.give(Writing::Reply(one.id()).into());
    rig.give(Writing::DropReply.into());
    let draft = rig.signed_post();
    assert_eq!(Rig::tagged(&draft), [public(4).to_string()]);
    assert_eq!(draft.content, format!("secret for nostr:{}", public(4).to_npub()));
}

#[test]
fn a_private_post_is_not_widened_by_what_is_typed_and_says_who_is_lost() {
    let mut rig = Rig::with_people();
    rig.mention(4);
    rig.choose("for-mentioned");
    rig.type_text("@Box");
    assert!(!rig.signs_a_post() && rig.model.compose.error.is_some());
    assert!(rig.shown().contains("Not named in the text any more, and will not get it: Bo"));
    let mut rig = rig.reloaded();
    assert!(!rig.signs_a_post(), "nor after a reload");
    // Named again it is for him, and for everyone only when its author says so.
    rig.type_text("");
    rig.type_text("@Bo ");
    assert!(!rig.signs_a_post(), "a name that is typed is nobody");
    rig.mention(4);
    assert_eq!(Rig::tagged(&rig.signed_post()), [public(4).to_string()]);
    rig.give(Message::Signed(Purpose::Post, Err("no".into())));
    rig.effects.clear();
    rig.type_text("hello");
    assert!(!rig.signs_a_post());
    rig.choose("for-everyone");
    assert_eq!(Rig::tagged(&rig.signed_post()), Vec::<&str>::new());
}

#[test]
fn whoever_is_named_after_the_audience_was_chosen_gets_nothing_until_somebody_says_so() {
    let mut rig = Rig::with_people();
    rig.mention(4);
    rig.choose("for-mentioned");
    rig.mention(2);
    let mut rig = rig.reloaded();
    assert!(rig.shown().contains("Named in the text, and will not get it: Ada Lovelace"));
    assert_eq!(Rig::tagged(&rig.signed_post()), [public(4).to_string()], "a secret about her is not for her");
    rig.give(Message::Signed(Purpose::Post, Err("no".into())));
    rig.effects.clear();
    rig.choose("for-unasked");
    assert!(!rig.shown().contains("will not get it"));
    assert_eq!(Rig::tagged(&rig.signed_post()), [public(4).to_string(), public(2).to_string()]);
}

#[test]
fn an_answer_that_goes_to_one_more_keeps_them_when_it_becomes_a_post() {
    let mut rig = Rig::with_people();
    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    rig.give(Writing::Reply(one.id()).into());
    rig.mention(4);
    rig.mention(3);
    rig.choose("for-unasked");
    rig.mention(1);
    rig.give(Writing::DropReply.into());
    let people = [public(4), public(3), public(2)];
    assert_eq!(rig.model.compose.audience, DraftAudience::Only(people.to_vec()));
}

#[test]
fn of_two_people_of_one_name_each_mention_is_the_one_that_was_chosen() {
    let mut rig = Rig::with_people();
    for seed in [5, 6] {
        rig.model.people.take(&profile(seed, 1, r#"{"name":"Ada"}"#));
    }
    rig.mention(5);
    rig.mention(6);
    rig.choose("for-mentioned");
    let mut rig = rig.reloaded();
    let draft = rig.signed_post();
    let (first, second) = (public(5), public(6));
    assert_eq!(draft.content, format!("nostr:{} nostr:{}", first.to_npub(), second.to_npub()));
    assert_eq!(Rig::tagged(&draft), [first.to_string(), second.to_string()]);
}

#[test]
fn mentions_end_with_their_post_and_an_at_sign_behind_a_letter_is_none() {
    let mut rig = Rig::with_people();
    rig.mention(4);
    rig.give(Writing::Send.into());
    rig.prove(1);
    rig.effects.clear();
    rig.type_text("bob@Bo.example and @Bo");
    let mut rig = rig.reloaded();
    assert_eq!(rig.signed_post().content, "bob@Bo.example and @Bo");
}

#[test]
fn behind_a_lone_at_sign_enter_mentions_nobody() {
    let mut rig = Rig::with_people();
    rig.type_text("@");
    assert!(!mention::offered(&rig.model, rig.model.compose.completion.as_ref().unwrap()).is_empty());
    rig.give(Writing::Complete(None).into());
    assert_eq!(rig.model.compose.text, "@");
    rig.type_text("@");
    rig.give(Writing::Step(false).into());
    rig.give(Writing::Complete(None).into());
    assert_ne!(rig.model.compose.text, "@");
}

#[test]
fn a_tab_that_was_looked_at_stores_nothing_and_hears_what_another_wrote_and_sent() {
    let (mut writing, mut looking) = (Rig::in_use(0), Rig::in_use(0));
    writing.type_text("from one tab");
    looking.give(Message::Browser(BrowserNews::Visible(false)));
    let is_draft = |change: &StorageChange| matches!(change, StorageChange::Set(Setting::EventTemplate(..)));
    assert!(!looking.saved().iter().any(is_draft), "{:?}", looking.saved());
    writing.give(Message::Timer(Timer::EventTemplate));
    writing.tell(&mut looking);
    assert_eq!(looking.model.compose.text, "from one tab");
    writing.effects.clear();
    writing.give(Writing::Send.into());
    writing.prove(1);
    writing.tell(&mut looking);
    assert_eq!(looking.model.compose.text, "");
    assert!(!looking.signs_a_post(), "it is sent once");
}

#[test]
fn what_is_being_written_here_is_not_overwritten_by_another_tab() {
    let (mut other, mut here) = (Rig::in_use(0), Rig::in_use(0));
    other.type_text("there");
    other.give(Message::Timer(Timer::EventTemplate));
    here.type_text("here");
    other.tell(&mut here);
    assert_eq!(here.model.compose.text, "here");
}

#[test]
fn a_key_that_is_gone_in_another_tab_is_gone_here_with_all_that_it_did() {
    for tidings in [
        Message::Browser(BrowserNews::Elsewhere(std::rc::Rc::new(Tidings::Key))),
        Message::StorageFailed(crate::storage::StorageError::forgotten()),
    ] {
        let mut rig = Rig::in_use(0);
        rig.write("on its way");
        rig.give(tidings);
        rig.did(|effect| *effect == Effect::Disconnect);
        rig.did(|effect| *effect == Effect::BeginAnew);
        let before = rig.effects.len();
        // The signature was under way.
        rig.prove(1);
        assert!(rig.model.me.is_none() && rig.model.outbox.is_empty());
        assert!(
            !rig.effects.iter().skip(before - 1).any(|effect| matches!(effect, Effect::SaveOutgoing(..)))
        );
    }
}

#[test]
fn a_key_that_is_locked_in_another_tab_is_locked_here() {
    let mut rig = Rig::open_with("", Some(1), Signer::Passphrase, Snapshot::default());
    rig.model.signing.locked = false;
    rig.give(Message::Browser(BrowserNews::Elsewhere(std::rc::Rc::new(Tidings::Locked))));
    assert!(rig.model.signing.locked);
    rig.did(|effect| *effect == Effect::CloseKey);
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Tell(_))), "it goes round once");
    rig.give(Message::Keyring(crate::message::Keyring::Lock));
    rig.did(|effect| *effect == Effect::Tell(Tidings::Locked));
}

#[test]
fn what_is_done_undone_and_done_again_within_a_second_is_another_event() {
    let mut rig = Rig::in_use(0);
    let one = post(2, 100, "one");
    super::super::timeline::insert(&mut rig.model, &one, super::super::timeline::Origin::Live);
    let me = public(1);
    let mut ids = Vec::new();
    for _ in 0..2 {
        rig.give(Writing::Like(one.id()).into());
        rig.prove(1);
        ids.extend(rig.model.likes.mine_by(&one.id()));
        rig.give(Writing::Like(one.id()).into());
        rig.prove(1);
        rig.give(Writing::Repost(one.id()).into());
        rig.prove(1);
        let repost = rig.model.timeline.repost_by(&one.id(), &me).expect("it is passed on");
        ids.push(repost);
        rig.give(Writing::Delete(repost).into());
        rig.prove(1);
        rig.write("again");
        rig.prove(1);
        let id = rig.model.home().map(|(place, _)| place.id).find(|id| *id != one.id()).expect("it is shown");
        ids.push(id);
        rig.give(Writing::Delete(id).into());
        rig.prove(1);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((count, ids.len()), (6, 6), "no node takes the id of what was deleted");
}
