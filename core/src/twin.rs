//! Recognises another running program with this node's key: a data directory was copied, or restored elsewhere from a
//! backup, while the first node goes on.
//!
//! A message that is signed with this node's key after the start of this run, and that this run has not signed, comes
//! from another program. Messages of an earlier run are not later than the start of this one.

use nostrp2p_protocol::{RunStatement, event_policy::is_ahead};

use crate::node_key::NodeKey;

/// How far the clock may go back at a restart, in seconds, before the node's own earlier messages look like those of
/// another node: as much as time servers correct.
const RESTART_SECONDS: u64 = 2;
/// How long another node with this node's key is remembered, in seconds: three hours, in which it announces itself six
/// times.
pub(crate) const TWIN_SECONDS: u64 = 3 * 3_600;

/// What this run knows of other programs with its key.
#[derive(Debug)]
pub(crate) struct Twin {
    run: [u8; 8],
    /// When this run signed something first, in seconds since 1970.
    began: Option<u64>,
    /// When another program was last noticed, in seconds since 1970.
    heard: Option<u64>,
}

impl Twin {
    /// Starts with no other program known. `run` must be random and differ at each start.
    pub(crate) const fn new(run: [u8; 8]) -> Self {
        Self { run, began: None, heard: None }
    }

    /// This run signs something now.
    pub(crate) fn sign(&mut self, now: u64) {
        self.began = Some(self.began.map_or(now, |began| began.min(now)));
    }

    /// Takes in a message that is signed with this node's key and not by this run. `issued_at` is its time.
    pub(crate) fn hear(&mut self, issued_at: u64, now: u64) {
        if self.began.is_some_and(|began| issued_at > began.saturating_add(RESTART_SECONDS)) {
            self.heard = Some(now);
        }
    }

    /// When another program was noticed, in seconds since 1970; None if that was long ago.
    pub(crate) fn heard(&self, now: u64) -> Option<u64> {
        self.heard.filter(|heard| now.saturating_sub(*heard) < TWIN_SECONDS)
    }

    /// Signs that this run goes on.
    pub(crate) fn statement(&mut self, key: &NodeKey, now: u64) -> RunStatement {
        self.sign(now);
        let sig = (key.sign)(&RunStatement::signed_bytes(&key.peer, self.run, now));
        RunStatement { run: self.run, issued_at: now, sig }
    }

    /// Takes in a statement by a program with this node's key, which a neighbour has shown. A forged or old one, or
    /// one of this run, says nothing; the neighbour may act in good faith, so it is not blamed.
    pub(crate) fn hear_statement(&mut self, key: &NodeKey, heard: &RunStatement, now: u64) {
        let signed = RunStatement::signed_bytes(&key.peer, heard.run, heard.issued_at);
        let counts = heard.run != self.run && !is_ahead(heard.issued_at, now);
        if counts && (key.verify)(&key.peer, &signed, &heard.sig) {
            self.hear(heard.issued_at, now);
        }
    }
}
