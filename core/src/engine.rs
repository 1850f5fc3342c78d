//! The one place where inputs become decisions.
//!
//! ```text
//! Heard ----> admission ----> Verify ... Verified ----> Judge, Store
//! Publish --> ownership ----> Verify ... Verified ----> Commit ... Committed ----> Broadcast, Published
//! ```

use std::collections::BTreeMap;

use nostrp2p_protocol::{
    Event, Forged, Malformed, Packet, PublicKey, UnverifiedEvent,
    frame::{Carried, Refusal, RefusalCode},
    limits::MAX_SECONDS_AHEAD,
};

use crate::{
    admission::{Admission, Ignored, Limits},
    audience::{Audience, audience},
};

/// Most events that wait for their signature check. At 30 us each this is an eighth of a second of one core.
const MAX_PENDING: usize = 4_096;

/// A message of the overlay that waits for a verdict; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard(pub u64);

/// A publish request of a client that waits for its answer; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request(pub u64);

/// What happened. `now` in [`Core::handle`] says when.
#[derive(Debug)]
pub enum Input {
    /// A packet came by gossip.
    Heard(Heard, Vec<u8>),
    /// A logged-in owner wants to publish.
    Publish(Request, UnverifiedEvent),
    /// A signature check ended; the number is the one of [`Output::Verify`].
    Verified(u64, Result<Event, Forged>),
    /// The store holds an event durably that [`Output::Commit`] gave it.
    Committed(Request, Event, u64),
    /// The owner changed.
    Owner(PublicKey),
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Check id and signature, then hand in [`Input::Verified`] with this number.
    Verify(u64, UnverifiedEvent),
    /// Tell the overlay what to do with a message.
    Judge(Heard, Verdict),
    /// Keep an event that others sent; nobody waits for it.
    Store(Event),
    /// Keep the owner's event durably, then hand in [`Input::Committed`].
    Commit(Request, Event),
    /// Send a packet to everybody, and answer the request with the number of neighbours that took it.
    Broadcast(Request, Event, u64, Packet),
    /// Answer a publish request: the event, its sequence number, and where it goes.
    Published(Request, Event, u64, Carried),
    /// Answer a publish request with no.
    Refuse(Request, Refusal),
}

/// What the overlay does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Forward it.
    Accept,
    /// Drop it; nobody did wrong.
    Ignore(Ignored),
    /// Drop it; whoever sent it did provable wrong and loses score.
    Reject,
    /// Drop it; it is of a later version.
    Unknown,
}

/// What stays the same while a node runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// The bounds of admission.
    pub limits: Limits,
    /// Whether the owner's events are refused (`--writable false`).
    pub read_only: bool,
}

/// The state of a node's decisions.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    owner: Option<PublicKey>,
    admission: Admission,
    next_check: u64,
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug, Clone, Copy)]
enum Pending {
    Heard(Heard),
    Publish(Request),
}

impl Core {
    /// Begins with nothing seen and nothing waiting.
    pub const fn new(settings: Settings, owner: Option<PublicKey>) -> Self {
        Self {
            settings,
            owner,
            admission: Admission::new(settings.limits),
            next_check: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Takes one input and says what is to be done. `now` is in seconds since 1970.
    pub fn handle(&mut self, input: Input, now: u64) -> Vec<Output> {
        match input {
            Input::Heard(heard, payload) => vec![self.on_heard(heard, &payload, now)],
            Input::Publish(request, event) => vec![self.on_publish(request, event, now)],
            Input::Verified(number, result) => self.on_verified(number, result, now),
            Input::Committed(request, event, sequence) => vec![on_committed(request, event, sequence)],
            Input::Owner(owner) => {
                self.owner = Some(owner);
                vec![]
            }
        }
    }

    fn on_heard(&mut self, heard: Heard, payload: &[u8], now: u64) -> Output {
        let event = match Packet::decode(payload) {
            Ok(Packet::Event(event)) => event,
            Err(Malformed::UnknownType(_)) => return Output::Judge(heard, Verdict::Unknown),
            Err(_) => return Output::Judge(heard, Verdict::Reject),
        };
        match self.admission.check(&event.rumor.id(), &event.rumor, now) {
            Err(Ok(ignored)) => Output::Judge(heard, Verdict::Ignore(ignored)),
            Err(Err(_oversize)) => Output::Judge(heard, Verdict::Reject),
            Ok(()) if self.pending.len() >= MAX_PENDING => {
                Output::Judge(heard, Verdict::Ignore(Ignored::Busy))
            }
            Ok(()) => self.verify(Pending::Heard(heard), event),
        }
    }

    fn on_publish(&mut self, request: Request, event: UnverifiedEvent, now: u64) -> Output {
        if let Some(refusal) = self.refusal(&event, now) {
            return Output::Refuse(request, refusal);
        }
        self.verify(Pending::Publish(request), event)
    }

    /// Why the owner's node would not publish an event, whatever its signature.
    fn refusal(&self, event: &UnverifiedEvent, now: u64) -> Option<Refusal> {
        let refuse = |code, reason: &str| Some(Refusal::new(code, reason));
        if self.settings.read_only {
            return refuse(
                RefusalCode::ReadOnly,
                "this node was started with --writable false and takes no events",
            );
        }
        if self.owner != Some(event.rumor.pubkey) {
            return refuse(
                RefusalCode::ForeignAuthor,
                "only events that the node's owner signed are published here",
            );
        }
        if let Err(oversize) = event.rumor.check_shape() {
            return refuse(RefusalCode::TooLarge, &oversize.to_string());
        }
        if event.rumor.created_at > now.saturating_add(MAX_SECONDS_AHEAD) {
            return refuse(
                RefusalCode::WrongTime,
                "the event is dated more than 15 minutes ahead of the node's clock; set the clock that is wrong",
            );
        }
        match audience(&event.rumor) {
            Audience::Unwanted => refuse(RefusalCode::Unwanted, "events of this kind are not stored"),
            Audience::People(people)
                if people.is_empty() && event.rumor.kind != nostrp2p_protocol::Kind::POST =>
            {
                refuse(
                    RefusalCode::Malformed,
                    "the event names nobody whom it is for: a valid p tag is missing",
                )
            }
            _ if self.pending.len() >= MAX_PENDING => {
                refuse(RefusalCode::Busy, "the node is busy; try again in a moment")
            }
            _ => None,
        }
    }

    fn on_verified(&mut self, number: u64, result: Result<Event, Forged>, now: u64) -> Vec<Output> {
        match (self.pending.remove(&number), result) {
            (Some(Pending::Heard(heard)), Err(_forged)) => vec![Output::Judge(heard, Verdict::Reject)],
            (Some(Pending::Heard(heard)), Ok(event)) => self.on_admitted(heard, event, now),
            (Some(Pending::Publish(request)), Err(forged)) => {
                vec![Output::Refuse(request, Refusal::new(RefusalCode::Forged, forged.to_string()))]
            }
            (Some(Pending::Publish(request)), Ok(event)) => {
                self.admission.remember(event.id());
                vec![Output::Commit(request, event)]
            }
            (None, _) => vec![],
        }
    }

    fn on_admitted(&mut self, heard: Heard, event: Event, now: u64) -> Vec<Output> {
        // The same event may have come twice while its signature was being checked.
        match self.admission.check(&event.id(), &event, now) {
            Ok(()) => {
                self.admission.admit(event.id(), event.pubkey, now);
                vec![Output::Judge(heard, Verdict::Accept), Output::Store(event)]
            }
            Err(Ok(ignored)) => vec![Output::Judge(heard, Verdict::Ignore(ignored))],
            Err(Err(_oversize)) => vec![Output::Judge(heard, Verdict::Reject)],
        }
    }

    fn verify(&mut self, pending: Pending, event: UnverifiedEvent) -> Output {
        let number = self.next_check;
        self.next_check += 1;
        self.pending.insert(number, pending);
        Output::Verify(number, event)
    }
}

fn on_committed(request: Request, event: Event, sequence: u64) -> Output {
    match audience(&event) {
        Audience::Everyone => {
            let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.clone().into() });
            Output::Broadcast(request, event, sequence, packet)
        }
        Audience::People(people) => {
            let people = u32::try_from(people.len()).unwrap_or(u32::MAX);
            Output::Published(request, event, sequence, Carried::Waiting(people))
        }
        Audience::Nobody | Audience::Unwanted => Output::Published(request, event, sequence, Carried::Kept),
    }
}

#[cfg(test)]
mod tests;
