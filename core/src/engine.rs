//! The one place where inputs become decisions.
//!
//! ```text
//! Heard ----> admission ----> Verify ... Verified ----> Judge, Store
//! Publish --> ownership ----> Verify ... Verified ----> Commit ... Committed ----> Broadcast or Attempt, Published
//! Handed ---> audience -----> Verify ... Verified ----> Keep ... Kept ----------> Answer
//! Tick, Delegated ----------> Attempt ... Attempted --> Record
//! Wanted -------------------> Ask ... Answered -------> Verify ... Verified ----> Store
//! Tick, SiblingAsked -------> AskSibling ... SiblingAnswered -> Verify ... Verified -> Store, RecordSibling
//! ```

mod fetching;

use std::collections::BTreeMap;

use nostrp2p_protocol::{
    Delegation, Event, Forged, Kind, Malformed, Packet, PeerId, PublicKey, Rumor, UnverifiedEvent,
    exchange::{OwnPage, Receipt},
    frame::{Carried, Refusal, RefusalCode},
    limits::MAX_SECONDS_AHEAD,
};

use crate::{
    admission::{Admission, Ignored, Limits},
    audience::{Audience, audience, audience_of_deletion},
    directory::Directory,
    outbox::{Address, Outbox, Row},
    siblings::{Cursor, Siblings},
    wanted::{Ask, Asking, Want, Wanted},
};

/// Most events that wait for their signature check. At 30 us each this is an eighth of a second of one core.
const MAX_PENDING: usize = 4_096;

/// A message of the overlay that waits for a verdict; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard(pub u64);

/// Most deliveries that are under way at a time.
const MAX_ATTEMPTS: usize = 64;

/// A delivery of another node that waits for its receipt; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handed(pub u64);

/// A publish request of a client that waits for its answer; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request(pub u64);

/// What happened. `now` in [`Core::handle`] says when.
#[derive(Debug)]
pub enum Input {
    /// A packet came by gossip.
    Heard(Heard, Vec<u8>),
    /// A logged-in owner wants to publish. For a deletion, with those of its targets that the store holds.
    Publish(Request, UnverifiedEvent, Vec<Rumor>),
    /// A signature check ended; the number is the one of [`Output::Verify`].
    Verified(u64, Result<Event, Forged>),
    /// The store holds an event durably that [`Output::Commit`] gave it.
    Committed(Request, Event, Audience, u64),
    /// The owner changed.
    Owner(PublicKey),
    /// Another node, which the connection proves, hands over an event that is for the owner.
    Handed(Handed, PeerId, Vec<u8>),
    /// The store holds an event durably that [`Output::Keep`] gave it.
    Kept(Handed),
    /// A delegation was seen whose signature is right, by a new announcement that its node has signed.
    Delegated(Delegation),
    /// This node is connected to another one.
    Joined(PeerId),
    /// A delivery from an earlier run, read from the store at the start.
    Waiting(Address, Row),
    /// An attempt that [`Output::Attempt`] asked for has ended; None when no node answered.
    Attempted(Address, Option<Receipt>),
    /// The owner's clients want things that the store lacks, or has not looked for lately.
    Wanted(Vec<Want>),
    /// What came back for [`Output::Ask`]; None when no node answered.
    Answered(Ask, Option<Vec<UnverifiedEvent>>),
    /// How far a sibling had told what it holds, read from the store at the start.
    Sibling(PeerId, Cursor),
    /// A sibling has asked this node, and said up to which sequence number its own store goes.
    SiblingAsked(PeerId, u64),
    /// What came back for [`Output::AskSibling`].
    SiblingAnswered(PeerId, Option<OwnPage>),
    /// Some time has passed.
    Tick,
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
    /// Keep the owner's event durably, with a delivery for each of the people if it is for some, then hand in
    /// [`Input::Committed`] with the same.
    Commit(Request, Event, Audience),
    /// Keep an event that another node handed over, durably, then hand in [`Input::Kept`].
    Keep(Handed, Event),
    /// Answer a delivery.
    Answer(Handed, Receipt),
    /// Hand the event with this sequence number to these nodes, at least one, then hand in [`Input::Attempted`].
    Attempt(Address, Vec<PeerId>),
    /// Write down how far a delivery has come.
    Record(Address, Row),
    /// Send a packet to everybody, and answer the request with the number of neighbours that took it.
    Broadcast(Request, Event, u64, Packet),
    /// Answer a publish request: the event, its sequence number, and where it goes.
    Published(Request, Event, u64, Carried),
    /// Answer a publish request with no.
    Refuse(Request, Refusal),
    /// Ask these nodes, or some neighbours if none is named, for public events; then hand in [`Input::Answered`].
    Ask(Asking),
    /// Ask another node of the owner for what it holds; then hand in [`Input::SiblingAnswered`].
    AskSibling(PeerId, Cursor),
    /// Write down how far a sibling has told what it holds. Everything up to there went to the store before.
    RecordSibling(PeerId, Cursor),
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
    directory: Directory,
    outbox: Outbox,
    attempts: usize,
    wanted: Wanted,
    siblings: Siblings,
    next_check: u64,
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug, Clone)]
enum Pending {
    Heard(Heard),
    Publish(Request, Audience),
    Handed(Handed),
    Fetched,
    Own(PeerId),
}

impl Core {
    /// Begins with nothing seen and nothing waiting.
    pub fn new(settings: Settings, owner: Option<PublicKey>) -> Self {
        Self {
            settings,
            owner,
            admission: Admission::new(settings.limits),
            directory: Directory::default(),
            outbox: Outbox::default(),
            attempts: 0,
            wanted: Wanted::default(),
            siblings: Siblings::default(),
            next_check: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Takes one input and says what is to be done. `now` is in seconds since 1970.
    pub fn handle(&mut self, input: Input, now: u64) -> Vec<Output> {
        match input {
            Input::Heard(heard, payload) => vec![self.on_heard(heard, &payload, now)],
            Input::Publish(request, event, targets) => vec![self.on_publish(request, event, &targets, now)],
            Input::Verified(number, result) => self.on_verified(number, result, now),
            Input::Committed(request, event, audience, sequence) => {
                self.on_committed(request, event, audience, sequence, now)
            }
            Input::Owner(owner) => {
                self.owner = Some(owner);
                vec![]
            }
            Input::Handed(handed, from, payload) => vec![self.on_handed(handed, &from, &payload, now)],
            Input::Kept(handed) => {
                let mut outputs = vec![Output::Answer(handed, Receipt::Taken)];
                outputs.extend(self.tell_siblings(now));
                outputs
            }
            Input::Delegated(delegation) => {
                self.directory.learn(&delegation, now);
                self.on_appeared(&delegation.peer(), &delegation.owner(), now)
            }
            Input::Joined(peer) => match self.directory.owner_of(&peer, now) {
                Some(owner) => self.on_appeared(&peer, &owner, now),
                None => vec![],
            },
            Input::Waiting(address, row) => {
                self.outbox.add(address, row, now);
                vec![]
            }
            Input::Attempted(address, receipt) => self.on_attempted(address, receipt, now),
            Input::Wanted(wants) => self.on_wanted(wants, now),
            Input::Answered(ask, events) => self.on_fetched(ask, events, now),
            Input::Sibling(peer, cursor) => {
                self.siblings.restore(peer, cursor);
                vec![]
            }
            Input::SiblingAsked(peer, newest) => {
                self.siblings.on_asked(&peer, newest);
                self.ask_siblings(now)
            }
            Input::SiblingAnswered(peer, page) => self.on_sibling_answered(peer, page, now),
            Input::Tick => self.on_tick(now),
        }
    }

    /// A node of a person has shown itself: what waits for that person is tried at once.
    fn on_appeared(&mut self, peer: &PeerId, person: &PublicKey, now: u64) -> Vec<Output> {
        if !self.directory.acts_for(peer, person, now) {
            return vec![];
        }
        self.outbox.hurry(person, now);
        self.wanted.hurry(person);
        self.siblings.hurry(peer);
        self.on_tick(now)
    }

    /// What is due by now.
    fn on_tick(&mut self, now: u64) -> Vec<Output> {
        let mut outputs = self.attempt(now);
        outputs.extend(self.ask(now));
        outputs.extend(self.ask_siblings(now));
        outputs
    }

    /// For whom a node acts, as far as is known.
    pub fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey> {
        self.directory.owner_of(peer, now)
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

    fn on_publish(
        &mut self,
        request: Request,
        event: UnverifiedEvent,
        targets: &[Rumor],
        now: u64,
    ) -> Output {
        let audience = self.route(&event.rumor, targets);
        if let Some(refusal) = self.refusal(&event, &audience, now) {
            return Output::Refuse(request, refusal);
        }
        self.verify(Pending::Publish(request, audience), event)
    }

    /// Why the owner's node would not publish an event, whatever its signature.
    fn refusal(&self, event: &UnverifiedEvent, audience: &Audience, now: u64) -> Option<Refusal> {
        let refuse = |code, reason: &str| Some(Refusal::new(code, reason));
        if self.settings.read_only {
            return refuse(
                RefusalCode::ReadOnly,
                "this node was started with --writable false and takes no events",
            );
        }
        // A gift wrap is signed by a throw-away key; that the owner sends it, the session vouches for (NIP-59).
        let wrapped = event.rumor.kind == Kind::GIFT_WRAP && self.owner.is_some();
        if self.owner != Some(event.rumor.pubkey) && !wrapped {
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
        match audience {
            Audience::Unwanted => refuse(RefusalCode::Unwanted, "events of this kind are not stored"),
            Audience::People(_)
                if matches!(event.rumor.kind, Kind::REACTION | Kind::GIFT_WRAP)
                    && !names_somebody(&event.rumor) =>
            {
                refuse(
                    RefusalCode::Malformed,
                    "the event names nobody whom it is for: a valid p tag is missing",
                )
            }
            Audience::People(_) if self.outbox.is_full() => refuse(
                RefusalCode::Busy,
                "too many private messages are waiting for people whose nodes are away; try again later",
            ),
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
            (Some(Pending::Publish(request, _)), Err(forged)) => {
                vec![Output::Refuse(request, Refusal::new(RefusalCode::Forged, forged.to_string()))]
            }
            (Some(Pending::Publish(request, audience)), Ok(event)) => {
                self.admission.remember(event.id());
                vec![Output::Commit(request, event, audience)]
            }
            (Some(Pending::Handed(handed)), Err(_forged)) => vec![Output::Answer(handed, Receipt::Refused)],
            (Some(Pending::Handed(handed)), Ok(event)) => {
                self.admission.admit(event.id(), event.pubkey, now);
                vec![Output::Keep(handed, event)]
            }
            (Some(Pending::Fetched), result) => self.on_fetched_checked(result, now),
            (Some(Pending::Own(peer)), result) => self.on_own_checked(&peer, result, now),
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

    /// Another node's delivery: only what is for the owner is taken, by the same limits as broadcasts.
    fn on_handed(&mut self, handed: Handed, from: &PeerId, payload: &[u8], now: u64) -> Output {
        let event = match Packet::decode(payload) {
            Ok(Packet::Event(event)) => event,
            Err(_) => return Output::Answer(handed, Receipt::Refused),
        };
        // A deletion does not say for whom its targets were; the author's own node is believed.
        let deletion =
            event.rumor.kind == Kind::DELETION && self.directory.acts_for(from, &event.rumor.pubkey, now);
        if !(deletion || self.is_for_owner(&event.rumor)) {
            return Output::Answer(handed, Receipt::Refused);
        }
        match self.admission.check_handed(&event.rumor, now) {
            Err(Ok(Ignored::TooOld) | Err(_)) => Output::Answer(handed, Receipt::Refused),
            Err(Ok(_)) => Output::Answer(handed, Receipt::Later),
            Ok(()) if self.pending.len() >= MAX_PENDING => Output::Answer(handed, Receipt::Later),
            Ok(()) => self.verify(Pending::Handed(handed), event),
        }
    }

    fn on_committed(
        &mut self,
        request: Request,
        event: Event,
        audience: Audience,
        sequence: u64,
        now: u64,
    ) -> Vec<Output> {
        match audience {
            Audience::Everyone => {
                let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.clone().into() });
                vec![Output::Broadcast(request, event, sequence, packet)]
            }
            Audience::People(people) => {
                for person in &people {
                    self.outbox.add(Address { sequence, person: *person }, Row::new(now), now);
                }
                let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
                let mut outputs = vec![Output::Published(request, event, sequence, Carried::Waiting(count))];
                outputs.extend(self.attempt(now));
                outputs.extend(self.tell_siblings(now));
                outputs
            }
            Audience::AsTargets | Audience::Nobody | Audience::Unwanted => {
                let mut outputs = vec![Output::Published(request, event, sequence, Carried::Kept)];
                outputs.extend(self.tell_siblings(now));
                outputs
            }
        }
    }

    fn on_attempted(&mut self, address: Address, receipt: Option<Receipt>, now: u64) -> Vec<Output> {
        self.attempts = self.attempts.saturating_sub(1);
        let row = match receipt {
            Some(Receipt::Taken) => self.outbox.on_delivered(address),
            Some(Receipt::Refused) => self.outbox.on_refused(address),
            Some(Receipt::Later) | None => self.outbox.on_failed(address, now),
        };
        let record = row.map(|row| Output::Record(address, row));
        record.into_iter().chain(self.attempt(now)).collect()
    }

    /// Tries what is due. With whom no node is known, the attempt has failed without being made.
    fn attempt(&mut self, now: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for address in self.outbox.due(now, MAX_ATTEMPTS.saturating_sub(self.attempts)) {
            let nodes = self.directory.nodes_of(&address.person, now);
            if nodes.is_empty() {
                outputs.extend(self.outbox.on_failed(address, now).map(|row| Output::Record(address, row)));
            } else {
                self.attempts += 1;
                outputs.push(Output::Attempt(address, nodes));
            }
        }
        outputs
    }

    /// Whether an event is private and the owner is one of the people for whom it is.
    fn is_for_owner(&self, rumor: &Rumor) -> bool {
        let Some(owner) = self.owner else { return false };
        matches!(audience(rumor), Audience::People(people) if people.contains(&owner))
    }

    /// Who gets an event besides its author and the owner, who has it here.
    fn route(&self, rumor: &Rumor, targets: &[Rumor]) -> Audience {
        let audience = match audience(rumor) {
            Audience::AsTargets => audience_of_deletion(targets),
            audience => audience,
        };
        match audience {
            Audience::People(mut people) => {
                people.remove(&rumor.pubkey);
                people.retain(|person| Some(*person) != self.owner);
                Audience::People(people)
            }
            audience => audience,
        }
    }

    fn verify(&mut self, pending: Pending, event: UnverifiedEvent) -> Output {
        let number = self.next_check;
        self.next_check += 1;
        self.pending.insert(number, pending);
        Output::Verify(number, event)
    }
}

fn names_somebody(rumor: &Rumor) -> bool {
    matches!(audience(rumor), Audience::People(people) if !people.is_empty())
}

#[cfg(test)]
mod tests;
