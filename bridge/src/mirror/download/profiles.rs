//! Questions for profiles and relay lists: of strangers who write to the owner, and of people whom the owner follows and of
//! whom the store has none, however old those are. A relay list says where somebody reads whom the owner answers.

use std::collections::{BTreeSet, VecDeque};

use nostrp2p_protocol::{Filter, Kind, PublicKey, UnsignedEvent, limits::MAX_LIST_ENTRIES};

use super::{EOSE_WITHIN, request};
use crate::mirror::{
    MirrorStep, line,
    patience::{Due, Patience},
};

const PROFILES: &str = "profiles";
/// Relay lists of NIP-65.
const RELAY_LIST: Kind = Kind(10_002);
/// Strangers whose profiles are asked for in one conversation. More than this reply to nobody in a day.
const MAX_STRANGERS: usize = 1_000;
/// People of one question; relays refuse long filters.
const AT_ONCE: usize = 100;

/// The people whose profiles are fetched.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    strangers: BTreeSet<PublicKey>,
    followed: BTreeSet<PublicKey>,
    /// Those of them who have not been asked for yet.
    unasked_strangers: VecDeque<PublicKey>,
    unasked_followed: VecDeque<PublicKey>,
    /// The strangers of the question that is open, or was when the connection ended.
    asked_strangers: Vec<PublicKey>,
    /// Whether a question is open.
    asks: bool,
    patience: Patience,
}

impl Profiles {
    /// Whether this is the name of the question.
    pub(super) fn is_one(subscription: &str) -> bool {
        subscription == PROFILES
    }

    /// Begins anew: of strangers with those about whom nothing was answered, because what they wrote does not come
    /// again; who is followed is asked for again.
    pub(super) fn begin(&mut self) {
        let before = std::mem::take(self);
        self.unasked_strangers = before.asked_strangers.into_iter().chain(before.unasked_strangers).collect();
        self.strangers = self.unasked_strangers.iter().copied().collect();
        self.unasked_followed = before.followed.iter().copied().collect();
        self.followed = before.followed;
    }

    /// A stranger has written.
    pub(super) fn on_stranger(&mut self, person: PublicKey) {
        if self.strangers.len() < MAX_STRANGERS && self.strangers.insert(person) {
            self.unasked_strangers.push_back(person);
        }
    }

    /// The store lacks profiles or relay lists of these people.
    pub(super) fn on_lacking(&mut self, people: &BTreeSet<PublicKey>) {
        for person in people {
            if self.followed.len() < MAX_LIST_ENTRIES && self.followed.insert(*person) {
                self.unasked_followed.push_back(*person);
            }
        }
    }

    /// Whether an event answers the question.
    pub(super) fn takes(&self, event: &UnsignedEvent) -> bool {
        let known = self.followed.contains(&event.pubkey) || self.strangers.contains(&event.pubkey);
        known && matches!(event.kind, Kind::PROFILE | RELAY_LIST)
    }

    /// The next question, if there is anybody to ask for and none is open.
    pub(super) fn ask(&mut self) -> Option<MirrorStep> {
        if self.asks {
            return None;
        }
        let strangers = !self.unasked_strangers.is_empty();
        let unasked = match strangers {
            true => &mut self.unasked_strangers,
            false => &mut self.unasked_followed,
        };
        let authors: BTreeSet<PublicKey> = unasked.drain(..unasked.len().min(AT_ONCE)).collect();
        if authors.is_empty() {
            return None;
        }
        if strangers {
            self.asked_strangers.extend(&authors);
        }
        self.asks = true;
        self.patience.on_asked();
        let kinds = Some([Kind::PROFILE, RELAY_LIST].into());
        let filter = Filter { authors: Some(authors), kinds, ..Filter::default() };
        Some(MirrorStep::Send(request(PROFILES, [filter])))
    }

    /// All profiles that the relay has are here. Of people who are followed the next ones are asked for at once; strangers
    /// are gathered until the next tick.
    pub(super) fn on_eose(&mut self) -> Vec<MirrorStep> {
        self.asks = false;
        self.asked_strangers.clear();
        self.patience.on_answered();
        let next = if self.unasked_strangers.is_empty() { self.ask() } else { None };
        vec![next.unwrap_or_else(|| MirrorStep::Send(line(&("CLOSE", PROFILES))))]
    }

    /// The relay has ended the question, or did not answer it.
    pub(super) fn on_refused(&mut self) {
        self.asked_strangers.clear();
        self.stop();
    }

    /// No question is open any more.
    pub(super) const fn stop(&mut self) {
        self.asks = false;
        self.patience.stop();
    }

    pub(super) fn on_tick(&mut self, now: u64) -> Option<MirrorStep> {
        (self.patience.on_tick(EOSE_WITHIN, now) == Due::Late).then(|| {
            self.on_refused();
            MirrorStep::Send(line(&("CLOSE", PROFILES)))
        })
    }

    /// Ends the question, if one is open.
    pub(super) fn close(&mut self) -> Option<MirrorStep> {
        let open = self.asks;
        self.stop();
        open.then(|| MirrorStep::Send(line(&("CLOSE", PROFILES))))
    }
}
