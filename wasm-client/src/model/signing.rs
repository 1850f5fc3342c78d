//! The signer, and tasks that wait for the key: while the key is locked, nothing is signed.

use nostrp2p_protocol::{EventId, EventTemplate, Tag, work::Puzzle};

use crate::{address::ClaimToken, secret::Secret};

/// Most tasks that wait for the key; when there are more, the oldest is dropped. People do one thing after the other.
const MAX_WAITING: usize = 20;
/// Most events that are remembered as signed: more than a person makes within a second.
const MAX_SIGNED: usize = 32;
/// Fewest characters of a passphrase.
pub const MIN_PASSPHRASE: usize = 8;

/// The signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signer {
    /// The key on this device.
    #[default]
    Device,
    /// The key on this device, which lies under a passphrase.
    Passphrase,
    /// An extension of the browser (NIP-07). The key never comes here.
    Extension,
}

/// Why a key under a passphrase did not open, or could not be put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOpened {
    /// The passphrase is another one.
    Passphrase,
    /// It needs more memory than a browser gives.
    TooHard,
    /// The text is no complete key of this form.
    Broken,
    /// The browser failed.
    Browser,
}

/// A task that needs the key of this device. It waits while the key is locked.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyTask {
    /// Sign.
    Sign(Purpose, EventTemplate),
    /// Encrypt these tags for their author alone as the content (NIP-44), and sign then.
    SealAndSign(Purpose, EventTemplate, Vec<Tag>),
    /// Put work in (NIP-13), which takes seconds, and sign then.
    WorkAndSign(Purpose, Puzzle),
    /// Take the key out to show it.
    Reveal,
    /// Put a key under a passphrase, for a file: this one, or the one of the vault.
    Seal {
        /// As nsec.
        key: Option<Secret>,
        /// As it was typed.
        passphrase: Secret,
    },
    /// Take the key of the vault out from under its passphrase for good.
    Free,
}

/// The purpose of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To log in on this attempt, or to claim the node with the token.
    Prove {
        /// Which attempt.
        attempt: u32,
        /// The right to claim.
        token: Option<ClaimToken>,
    },
    /// A new post.
    Post,
    /// A like of this post.
    Like(EventId),
    /// A version of a list of people.
    List,
    /// To pass a post on.
    Repost,
    /// A vote in a poll.
    Vote,
    /// A version of a list of relays.
    RelayList,
    /// To take back an own event.
    Deletion,
    /// The profile.
    Profile,
    /// The word that the node acts for its owner.
    Delegation,
    /// To log in to another node on this attempt, or to claim it.
    Join(u32),
    /// The word that the other node acts for its owner.
    Appoint,
    /// A login at a relay.
    Relay,
    /// In place of a refused event.
    Again(EventId),
}

/// The signer, and tasks that wait for the key.
#[derive(Debug, Clone, Default)]
pub struct Signing {
    /// The signer.
    pub signer: Signer,
    /// Whether the key has to be unlocked before it can sign.
    pub locked: bool,
    /// The question for the passphrase, while it is open.
    pub unlock: Option<Unlock>,
    /// The form for a new passphrase, while it is open.
    pub form: Option<PassphraseForm>,
    /// Whether a login waits for the person's yes.
    pub proving: bool,
    /// Whether the person said no to letting the node act; it is not asked again until the page is opened again.
    pub no_delegation: bool,
    waiting: Vec<KeyTask>,
    /// The last signed events, before any work was put in.
    signed: Vec<EventId>,
}

/// The question for the passphrase.
#[derive(Debug, Clone, Default)]
pub struct Unlock {
    /// The typed passphrase.
    pub passphrase: Secret,
    /// Why it did not open.
    pub error: Option<NotOpened>,
    /// Whether it is being tried.
    pub busy: bool,
}

/// The form for a new passphrase.
#[derive(Debug, Clone)]
pub struct PassphraseForm {
    /// The purpose of the passphrase.
    pub purpose: For,
    /// The passphrase typed the first time.
    pub first: Secret,
    /// The passphrase typed the second time.
    pub second: Secret,
    /// The error, if any.
    pub error: Option<Unfit>,
    /// Whether the key is being put under it.
    pub busy: bool,
}

/// The purpose of a new passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// A file to keep.
    Backup,
    /// The key on this device.
    Lock,
}

/// Why a new passphrase cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Shorter than [`MIN_PASSPHRASE`].
    Short,
    /// The second is another one than the first.
    Different,
    /// It could not be done.
    NotDone(NotOpened),
}

impl PassphraseForm {
    /// An empty form.
    pub fn new(purpose: For) -> Self {
        Self { purpose, first: Secret::default(), second: Secret::default(), error: None, busy: false }
    }

    /// Why the typed passphrases cannot be used, if so.
    pub fn unfit(&self) -> Option<Unfit> {
        if self.first.reveal().chars().count() < MIN_PASSPHRASE {
            Some(Unfit::Short)
        } else if self.first != self.second {
            Some(Unfit::Different)
        } else {
            None
        }
    }
}

impl NotOpened {
    /// Reads the word by which the worker says it ([`nostrp2p_protocol::nip49::InvalidNip49::word`]); any other means
    /// that the browser failed.
    pub fn of_word(word: &str) -> Self {
        match word {
            "passphrase" => Self::Passphrase,
            "hard" => Self::TooHard,
            "broken" => Self::Broken,
            _ => Self::Browser,
        }
    }
}

impl KeyTask {
    /// Whether it signs a login.
    pub const fn is_proof(&self) -> bool {
        matches!(self, Self::Sign(Purpose::Prove { .. }, _))
    }
}

impl Signing {
    /// The state when the page opens: a key under a passphrase is locked.
    pub fn of(signer: Signer) -> Self {
        Self { signer, locked: signer == Signer::Passphrase, ..Self::default() }
    }

    /// Whether each signature needs the person: their answer may take long.
    pub const fn asks(&self) -> bool {
        self.locked || matches!(self.signer, Signer::Extension)
    }

    /// Has something wait for the key. A later login takes the place of an earlier one.
    pub fn wait(&mut self, task: KeyTask) {
        if task.is_proof() {
            self.waiting.retain(|other| !other.is_proof());
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push(task);
    }

    /// Notes what is being signed.
    pub fn note(&mut self, id: EventId) {
        if self.signed.len() >= MAX_SIGNED {
            self.signed.remove(0);
        }
        self.signed.push(id);
    }

    /// Whether the very same was signed a moment ago.
    pub fn was_signed(&self, id: &EventId) -> bool {
        self.signed.contains(id)
    }

    /// Takes the task that has waited the longest.
    pub fn next_waiting(&mut self) -> Option<KeyTask> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_from_its_word() {
        use nostrp2p_protocol::nip49::InvalidNip49;

        for (error, reason) in [
            (InvalidNip49::Passphrase, NotOpened::Passphrase),
            (InvalidNip49::TooHard(30), NotOpened::TooHard),
            (InvalidNip49::Version(9), NotOpened::Broken),
        ] {
            assert_eq!(NotOpened::of_word(error.word()), reason);
        }
        assert_eq!(NotOpened::of_word("browser"), NotOpened::Browser);
    }

    #[test]
    fn a_new_passphrase_is_long_enough_and_typed_twice() {
        let form = |first: &str, second: &str| {
            let secret = |text: &str| Secret::new(text.to_owned());
            PassphraseForm { first: secret(first), second: secret(second), ..PassphraseForm::new(For::Lock) }
                .unfit()
        };
        assert_eq!(form("seven77", "seven77"), Some(Unfit::Short));
        assert_eq!(form("eight888", "eight88"), Some(Unfit::Different));
        assert_eq!(form("eight888", "eight888"), None);
        assert_eq!(form("ひらがな八文字で", "ひらがな八文字で"), None);
    }
}
