//! NEG-OPEN, NEG-MSG, NEG-CLOSE: which events one side has and the other lacks (NIP-77).

use std::collections::BTreeMap;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use nostrp2p_protocol::{EventId, PublicKey};

use super::{Session, SessionStep, check_subscription, neg_err};
use crate::{message, query::Query, reader::Reader};

/// Most reconciliations of a session at a time: a program that catches up asks one filter after the other.
const MAX_OPEN: usize = 4;
/// Most events in all reconciliations of a session. An entry is 40 bytes, so this is 8 MB.
pub const MAX_COLLECTED: usize = 200_000;
/// Longest message of the relay, in bytes; in hex it stays below the longest frame of 128 KiB.
const MAX_MESSAGE_BYTES: u64 = 60_000;

/// The open ones of a session.
#[derive(Default)]
pub(super) struct Reconciliations(BTreeMap<String, Reconciliation>);

struct Reconciliation {
    negentropy: Negentropy<'static, NegentropyStorageVector>,
    size: usize,
}

impl Session {
    pub(super) fn on_neg_open(
        &mut self,
        subscription: String,
        queries: Vec<Query>,
        message: Vec<u8>,
        owner: Option<PublicKey>,
    ) -> SessionStep {
        // Opening an id that is open ends the earlier one (NIP-77).
        self.reconciliations.close(&subscription);
        if let Err(reason) = check_subscription(&subscription) {
            return neg_err(&subscription, reason);
        }
        let reader = match self.may_ask(&subscription, &queries, owner) {
            // It costs memory for as long as it is open.
            Ok(Reader::Guest) => {
                let reason = self.not_allowed("only the node's owner reconciles here");
                return neg_err(&subscription, &reason);
            }
            Ok(reader) => reader,
            Err(reason) => return neg_err(&subscription, &reason),
        };
        if self.reconciliations.0.len() >= MAX_OPEN {
            let reason = format!("blocked: at most {MAX_OPEN} reconciliations at a time");
            return neg_err(&subscription, &reason);
        }
        SessionStep::Collect(subscription, queries, reader, message)
    }

    /// Begins a reconciliation with what was collected; None when the store cannot be read.
    pub fn on_collected(
        &mut self,
        subscription: &str,
        message: &[u8],
        collected: Option<Vec<(u64, EventId)>>,
    ) -> SessionStep {
        let Some(collected) = collected else {
            return neg_err(subscription, "error: the node cannot read its store; its log says why");
        };
        let held: usize = self.reconciliations.0.values().map(|open| open.size).sum();
        if held + collected.len() > MAX_COLLECTED {
            return neg_err(
                subscription,
                "blocked: too many events match; narrow it by kinds or by since and until",
            );
        }
        match Reconciliation::new(&collected) {
            Ok(reconciliation) => {
                self.reconciliations.0.insert(subscription.to_owned(), reconciliation);
                self.reconciliations.go_on(subscription, message)
            }
            Err(error) => neg_err(subscription, &format!("error: {error}")),
        }
    }
}

impl Reconciliations {
    pub(super) fn close(&mut self, subscription: &str) {
        self.0.remove(subscription);
    }

    /// Answers one message. What is malformed ends the reconciliation.
    pub(super) fn go_on(&mut self, subscription: &str, message: &[u8]) -> SessionStep {
        let Some(open) = self.0.get_mut(subscription) else {
            return neg_err(subscription, "closed: there is no such reconciliation; open it first");
        };
        match open.negentropy.reconcile(message) {
            Ok(answer) => SessionStep::Send(message::neg_msg(subscription, &answer)),
            Err(error) => {
                self.close(subscription);
                neg_err(subscription, &format!("invalid: {error}"))
            }
        }
    }
}

impl Reconciliation {
    fn new(collected: &[(u64, EventId)]) -> Result<Self, negentropy::Error> {
        let mut storage = NegentropyStorageVector::with_capacity(collected.len());
        for (created_at, id) in collected {
            storage.insert(*created_at, Id::from_byte_array(*id.as_bytes()))?;
        }
        storage.seal()?;
        let negentropy = Negentropy::owned(storage, MAX_MESSAGE_BYTES)?;
        Ok(Self { negentropy, size: collected.len() })
    }
}
