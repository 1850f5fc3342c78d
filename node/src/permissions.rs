//! Permissions that the owner has granted in the page, or refused for good. The store keeps them over restarts.

use std::{collections::BTreeMap, sync::Arc};

use nostrp2p_core::Replies;
use nostrp2p_protocol::frame::Permission;
use tokio::sync::watch;

/// Most decisions that are kept. A person uses a handful of web programs.
const MAX_DECISIONS: usize = 64;

/// Why a decision is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node keeps at most {MAX_DECISIONS} permissions; take one back first")]
pub(crate) struct TooMany;

/// Sort ([`nostrp2p_protocol::frame::Permission`]) and subject -> whether it is allowed.
pub(crate) type Decisions = BTreeMap<(u8, String), bool>;

/// The decisions of the owner. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Permissions {
    decisions: Arc<watch::Sender<Decisions>>,
    /// The setting for [`Permission::REPLIES`].
    public_replies: bool,
}

impl Permissions {
    /// `decisions` is what the store has kept.
    pub(crate) fn new(decisions: Decisions) -> Self {
        Self { decisions: Arc::new(watch::Sender::new(decisions)), public_replies: false }
    }

    /// The same with this setting for replies, which holds until the owner decides in the page.
    #[must_use]
    pub(crate) fn with_replies(self, public: bool) -> Self {
        Self { public_replies: public, ..self }
    }

    /// The audience of replies by the owner's programs that do not name one.
    pub(crate) fn replies(&self) -> Replies {
        if self.public_replies() { Replies::Public } else { Replies::Private }
    }

    /// Whether replies of the owner's programs are for everyone.
    pub(crate) fn public_replies(&self) -> bool {
        self.granted(Permission::REPLIES, "").unwrap_or(self.public_replies)
    }

    /// The owner's decision, if any.
    pub(crate) fn granted(&self, sort: u8, subject: &str) -> Option<bool> {
        self.decisions.borrow().get(&(sort, subject.to_owned())).copied()
    }

    /// All decisions.
    pub(crate) fn all(&self) -> Decisions {
        self.decisions.borrow().clone()
    }

    /// The signed-in owner decides, or takes a decision back. Returns the changes; the caller writes them down. A full
    /// table forgets a refusal, which costs the owner another question, and never what is allowed.
    ///
    /// # Errors
    /// When the table is full of what is allowed.
    pub(crate) fn decide(
        &self,
        sort: u8,
        subject: &str,
        granted: Option<bool>,
    ) -> Result<Vec<(u8, String, Option<bool>)>, TooMany> {
        let key = (sort, subject.to_owned());
        let mut changes = Ok(Vec::new());
        self.decisions.send_if_modified(|decisions| {
            if decisions.get(&key).copied() == granted {
                return false;
            }
            let mut forgotten = None;
            if granted.is_some() && !decisions.contains_key(&key) && decisions.len() >= MAX_DECISIONS {
                // Who reads the owner's replies is no refusal.
                let refused = |((sort, _), granted): &(&(u8, String), &bool)| {
                    !**granted && *sort != Permission::REPLIES
                };
                forgotten = decisions.iter().find(refused).map(|(key, _)| key.clone());
                let Some(key) = &forgotten else {
                    changes = Err(TooMany);
                    return false;
                };
                decisions.remove(key);
            }
            match granted {
                Some(granted) => decisions.insert(key, granted),
                None => decisions.remove(&key),
            };
            let forgotten = forgotten.map(|(sort, subject)| (sort, subject, None));
            changes = Ok(forgotten.into_iter().chain([(sort, subject.to_owned(), granted)]).collect());
            true
        });
        changes
    }

    /// Tells when something is decided.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Decisions> {
        self.decisions.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(granted: Option<bool>) -> Vec<(u8, String, Option<bool>)> {
        vec![(0, "a".to_owned(), granted)]
    }

    #[test]
    fn a_decision_holds_until_another_one_and_is_written_once() {
        let permissions = Permissions::new(Decisions::new());
        assert_eq!(permissions.granted(0, "a"), None);
        for granted in [Some(true), Some(false), None] {
            assert_eq!(permissions.decide(0, "a", granted), Ok(written(granted)));
            assert_eq!(permissions.decide(0, "a", granted), Ok(vec![]));
            assert_eq!(permissions.granted(0, "a"), granted);
            assert_eq!(permissions.granted(1, "a"), None, "another sort of thing");
        }
    }

    #[test]
    fn a_full_table_forgets_refusals_and_nothing_that_is_allowed() {
        let permissions = Permissions::new(Decisions::new());
        permissions.decide(0, "refused", Some(false)).unwrap();
        for number in 1..MAX_DECISIONS {
            permissions.decide(0, &number.to_string(), Some(true)).unwrap();
        }
        let changes = permissions.decide(0, "a", Some(true)).unwrap();
        assert_eq!(changes, [vec![(0, "refused".to_owned(), None)], written(Some(true))].concat());
        assert_eq!(permissions.decide(0, "b", Some(true)), Err(TooMany));
        assert_eq!(permissions.decide(0, "b", None), Ok(vec![]));
        assert_eq!(
            permissions.decide(0, "a", Some(false)),
            Ok(written(Some(false))),
            "what is there may change"
        );
    }
}
