//! A locked key, an extension that signs, and passphrases.

use super::*;
use crate::{
    message::Keyring,
    model::{
        connection::Trouble,
        signing::{For, KeyTask, NotOpened, Unfit},
    },
};

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

impl Rig {
    /// A page of person 1 with this signer, up to the greeting of the node.
    fn greeted(signer: Signer) -> Self {
        let cursor = Some(Cursor { store: STORE, after: 0 });
        let settings = StoredSettings { cursor, ..StoredSettings::default() };
        let mut rig = Self::open_with("", Some(1), signer, Snapshot { settings, ..Snapshot::default() });
        rig.greet(Some(1));
        rig
    }

    fn keyring(&mut self, keyring: Keyring) {
        self.give(Message::Keyring(keyring));
    }

    fn signatures(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(..)))).count()
    }

    fn unlock(&mut self) {
        self.keyring(Keyring::Typed(secret("open sesame")));
        self.keyring(Keyring::Try);
        self.did(|effect| *effect == Effect::UnlockKey(secret("open sesame")));
        self.keyring(Keyring::Unlocked(Ok(())));
    }

    fn refuse_signature(&mut self, purpose: Purpose) {
        self.give(Message::Signed(purpose, Err("no".into())));
    }
}

#[test]
fn nothing_is_signed_while_the_key_is_locked_and_what_waited_is_signed_after() {
    let mut rig = Rig::greeted(Signer::Passphrase);
    assert_eq!(rig.signatures(), 0);
    rig.did(|effect| matches!(effect, Effect::Focus("unlock")));
    assert!(!rig.effects.iter().rev().take(3).any(|effect| matches!(effect, Effect::Wait(Timer::Answer, _))));
    rig.keyring(Keyring::Typed(secret("wrong")));
    rig.keyring(Keyring::Try);
    rig.keyring(Keyring::Unlocked(Err(NotOpened::Passphrase)));
    let unlock = rig.model.signing.unlock.as_ref().unwrap();
    assert_eq!((unlock.error, unlock.passphrase.reveal()), (Some(NotOpened::Passphrase), ""));
    rig.unlock();
    assert_eq!(rig.signatures(), 1);
    rig.prove(1);
    rig.log_in(1, 0);
    assert!(rig.model.connection.is_logged_in());
}

#[test]
fn a_lock_that_stays_closed_keeps_what_is_written_and_is_not_asked_about_again_by_itself() {
    let mut rig = Rig::greeted(Signer::Passphrase);
    rig.keyring(Keyring::Cancel);
    assert_eq!(rig.model.connection.trouble, Some(Trouble::NotSigned));
    rig.effects.clear();
    rig.give(Message::Browser(BrowserNews::Visible(true)));
    rig.give(Message::Browser(BrowserNews::Online));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Connect { .. })));
    rig.write("kept");
    assert!(rig.model.signing.unlock.is_some() && rig.signatures() == 0);
    rig.keyring(Keyring::Cancel);
    assert_eq!(rig.model.compose.text, "kept");
    assert!(!rig.model.compose.signing && rig.model.notice.as_deref().unwrap().contains("locked"));
    rig.give(Message::Link(crate::message::Link::Retry));
    rig.did(|effect| matches!(effect, Effect::Connect { .. }));
}

#[test]
fn an_unlocked_key_is_locked_by_hand_and_after_a_while_out_of_sight() {
    let mut rig = Rig::greeted(Signer::Passphrase);
    rig.unlock();
    rig.give(Message::Browser(BrowserNews::Visible(false)));
    rig.did(|effect| *effect == Effect::Wait(Timer::Lock, 900_000));
    rig.give(Message::Browser(BrowserNews::Visible(true)));
    rig.did(|effect| *effect == Effect::Cancel(Timer::Lock));
    rig.model.revealed = Some(secret("nsec1"));
    rig.give(Message::Timer(Timer::Lock));
    rig.did(|effect| *effect == Effect::CloseKey);
    assert!(rig.model.signing.locked && rig.model.revealed.is_none());
    rig.effects.clear();
    rig.give(Message::Own(Own::RevealKey));
    assert!(!rig.effects.contains(&Effect::UseKey(KeyTask::Reveal)));
    rig.unlock();
    rig.did(|effect| *effect == Effect::UseKey(KeyTask::Reveal));
    rig.keyring(Keyring::Lock);
    assert!(rig.model.signing.locked);
}

#[test]
fn an_extension_is_asked_once_however_often_the_connection_is_lost_meanwhile() {
    let mut rig = Rig::greeted(Signer::Extension);
    let Some(Effect::UseKey(KeyTask::Sign(purpose, draft))) =
        rig.effects.iter().find(|effect| matches!(effect, Effect::UseKey(task) if task.is_proof())).cloned()
    else {
        unreachable!("the login is to be signed")
    };
    for _ in 0..3 {
        rig.socket(SocketEvent::Closed);
        rig.give(Message::Timer(Timer::Reconnect));
        rig.greet(Some(1));
    }
    assert_eq!(rig.signatures(), 1);
    // The yes comes late: the first signature is worth nothing now, so another is asked for.
    let late = draft.sign(&key(1), &[0; 32]);
    rig.effects.clear();
    rig.give(Message::Signed(purpose, Ok(Box::new(late))));
    assert_eq!(rig.signatures(), 1);
    rig.prove(1);
    rig.log_in(1, 0);
    assert!(rig.model.connection.is_logged_in());
}

#[test]
fn an_extension_that_says_no_is_not_asked_again_by_itself() {
    let mut rig = Rig::greeted(Signer::Extension);
    let attempt = rig.model.connection.attempt;
    let account = "another account is active in your browser extension";
    rig.give(Message::Signed(Purpose::Prove { attempt, token: None }, Err(account.into())));
    rig.did(|effect| *effect == Effect::Disconnect);
    assert_eq!(rig.model.connection.trouble, Some(Trouble::NotSigned));
    assert!(rig.model.notice.as_ref().is_some_and(|notice| notice.contains(account)), "the reason is said");

    let mut rig = Rig::greeted(Signer::Extension);
    rig.prove(1);
    rig.log_in(1, 0);
    rig.effects.clear();
    let soon = Some(NOW_MS / 1_000 + 60);
    for _ in 0..2 {
        rig.frame(NodeFrame::Delegated { expires: soon });
        let asked = rig
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Delegation, _))));
        assert_eq!(asked, !rig.model.signing.no_delegation);
        rig.effects.clear();
        rig.refuse_signature(Purpose::Delegation);
    }
}

#[test]
fn an_extension_signs_a_claim_and_a_no_leads_back_to_the_choice() {
    let mut rig = Rig::open(CLAIM, None, Snapshot::default());
    rig.greet(None);
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::UseExtension);
    rig.did(|effect| *effect == Effect::UseExtension);
    rig.setup(Setup::ExtensionKept(Err("it said no".into())));
    assert_eq!(rig.error(), "it said no");
    rig.setup(Setup::ExtensionKept(Ok(public(1))));
    assert!(rig.model.backed_up && rig.model.signing.signer == Signer::Extension);
    let attempt = rig.model.connection.attempt;
    let token = rig.model.welcome().unwrap().token;
    rig.refuse_signature(Purpose::Prove { attempt, token });
    assert!(matches!(rig.step(), WelcomeStep::Key(KeyStep::Choose)) && !rig.error().is_empty());
    rig.effects.clear();
    rig.setup(Setup::UseKeyHere);
    rig.prove(1);
    assert!(rig.sent().iter().any(|frame| matches!(frame, ClientFrame::Claim { .. })));
}

#[test]
fn a_key_under_a_passphrase_is_opened_and_used_even_from_a_whole_backup_file() {
    let mut rig = Rig::open(CLAIM, None, Snapshot::default());
    rig.greet(None);
    rig.setup(Setup::NodeAccepted);
    rig.setup(Setup::ImportKey);
    rig.setup(Setup::NsecTyped(secret("Key of npub1x\n\nncryptsec1abc\n\nwords")));
    rig.setup(Setup::NsecSubmitted);
    rig.did(|effect| *effect == Effect::Focus("key-passphrase"));
    rig.setup(Setup::PassphraseTyped(secret("open sesame")));
    rig.setup(Setup::NsecSubmitted);
    let opened = Effect::OpenSealed { text: secret("ncryptsec1abc"), passphrase: secret("open sesame") };
    rig.did(|effect| *effect == opened);
    rig.setup(Setup::KeyOpened(Err(NotOpened::Passphrase)));
    assert!(rig.error().contains("passphrase"), "{}", rig.error());
    let nsec = Secret::new(key(1).to_nsec());
    rig.setup(Setup::KeyOpened(Ok(nsec.clone())));
    rig.did(|effect| *effect == Effect::KeepKey(nsec.clone()));
}

#[test]
fn a_pasted_backup_file_is_read_with_and_without_its_line_breaks() {
    use crate::update::onboarding::typed_key;
    let sealed = nostrp2p_protocol::nip49::seal(&key(1), "x", 1, &[1; 16], &[2; 24]).unwrap();
    let (_, file) =
        crate::texts::backup_file(crate::locale::Language::English, Some(public(1)), &secret(&sealed));
    assert_eq!(typed_key(file.reveal()), sealed);
    assert_eq!(typed_key(&file.reveal().replace('\n', "")), sealed);
    assert_eq!(
        (typed_key(" nsec1x "), typed_key("ncryptsec1x y"), typed_key("")),
        ("nsec1x", "ncryptsec1x", "")
    );
}

#[test]
fn a_backup_is_a_file_under_a_passphrase_that_was_typed_twice() {
    let mut rig = Rig::in_use(0);
    rig.keyring(Keyring::Choose(For::Backup));
    rig.keyring(Keyring::First(secret("correct horse")));
    rig.keyring(Keyring::Submit);
    assert_eq!(rig.model.signing.form.as_ref().unwrap().error, Some(Unfit::Different));
    rig.keyring(Keyring::Second(secret("correct horse")));
    rig.keyring(Keyring::Submit);
    let wanted = Effect::UseKey(KeyTask::Seal { key: None, passphrase: secret("correct horse") });
    rig.did(|effect| *effect == wanted);
    rig.keyring(Keyring::Sealed(Ok(secret("ncryptsec1xyz"))));
    rig.did(
        |effect| matches!(effect, Effect::Download { text, .. } if text.reveal().contains("ncryptsec1xyz")),
    );
    assert!(rig.model.backed_up && rig.model.signing.form.is_none());
}

#[test]
fn a_new_key_counts_as_saved_once_its_file_was_made() {
    let mut rig = Rig::open(CLAIM, None, Snapshot::default());
    rig.greet(None);
    rig.setup(Setup::NodeAccepted);
    let nsec = Secret::new(key(1).to_nsec());
    rig.setup(Setup::KeyMade(nsec.clone()));
    rig.keyring(Keyring::Choose(For::Backup));
    rig.keyring(Keyring::First(secret("correct horse")));
    rig.keyring(Keyring::Second(secret("correct horse")));
    rig.keyring(Keyring::Submit);
    rig.did(|effect| matches!(effect, Effect::UseKey(KeyTask::Seal { key: Some(key), .. }) if *key == nsec));
    rig.keyring(Keyring::Sealed(Ok(secret("ncryptsec1xyz"))));
    assert!(matches!(rig.step(), WelcomeStep::Key(KeyStep::Made { saved: true, .. })));
}

#[test]
fn the_key_on_the_device_is_put_under_a_passphrase_and_taken_out_again() {
    let mut rig = Rig::in_use(0);
    rig.keyring(Keyring::Choose(For::Lock));
    rig.keyring(Keyring::First(secret("correct horse")));
    rig.keyring(Keyring::Second(secret("correct horse")));
    rig.keyring(Keyring::Submit);
    rig.did(|effect| *effect == Effect::LockKey(secret("correct horse")));
    rig.keyring(Keyring::Guarded(Err(NotOpened::Browser)));
    assert_eq!(rig.model.signing.signer, Signer::Device);
    rig.keyring(Keyring::Guarded(Ok(())));
    assert!(rig.model.signing.signer == Signer::Passphrase && !rig.model.signing.locked);
    rig.keyring(Keyring::Lock);
    rig.keyring(Keyring::Free);
    rig.unlock();
    rig.did(|effect| *effect == Effect::UseKey(KeyTask::Free));
    rig.keyring(Keyring::Freed(Ok(())));
    assert_eq!(rig.model.signing.signer, Signer::Device);
}
