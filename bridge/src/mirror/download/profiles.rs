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

/// Who is asked for.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    strangers: BTreeSet<PublicKey>,
    followed: BTreeSet<PublicKey>,
    /// Those of them who have not been asked for yet.
    unasked_strangers: VecDeque<PublicKey>,
    unasked_followed: VecDeque<PublicKey>,
    /// Whether a question is open.
    asks: bool,
    patience: Patience,
}

impl Profiles {
    /// Whether this is the name of the question.
    pub(super) fn is_one(subscription: &str) -> bool {
        subscription == PROFILES
    }

    /// Begins anew: strangers are those who write from now on, and who is followed is asked for again.
    pub(super) fn begin(&mut self) {
        let followed = std::mem::take(&mut self.followed);
        let unasked_followed = followed.iter().copied().collect();
        *self = Self { followed, unasked_followed, ..Self::default() };
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
        let unasked = match self.unasked_strangers.is_empty() {
            false => &mut self.unasked_strangers,
            true => &mut self.unasked_followed,
        };
        let authors: BTreeSet<PublicKey> = unasked.drain(..unasked.len().min(AT_ONCE)).collect();
        if authors.is_empty() {
            return None;
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
        self.patience.on_answered();
        let next = if self.unasked_strangers.is_empty() { self.ask() } else { None };
        vec![next.unwrap_or_else(|| MirrorStep::Send(line(&("CLOSE", PROFILES))))]
    }

    /// The relay has ended the question.
    pub(super) const fn on_closed(&mut self) {
        self.asks = false;
        self.patience.stop();
    }

    pub(super) fn on_tick(&mut self, now: u64) -> Option<MirrorStep> {
        (self.patience.on_tick(EOSE_WITHIN, now) == Due::Late).then(|| {
            self.on_closed();
            MirrorStep::Send(line(&("CLOSE", PROFILES)))
        })
    }

    /// Ends the question, if one is open.
    pub(super) fn close(&mut self) -> Option<MirrorStep> {
        let open = self.asks;
        self.on_closed();
        open.then(|| MirrorStep::Send(line(&("CLOSE", PROFILES))))
    }
}
