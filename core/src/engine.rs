//! The engine: it turns inputs into decisions, and nothing else decides.
//!
//! ```text
//! Heard --------------------> admission -> Verify ... Verified -> ReportValidation, Store
//! AnnouncementHeard, Told --> announcer -> ReportValidation, AddAddresses, and what a delegation makes due
//! Publish ------------------> ownership -> Commit ... Committed -> Broadcast or Attempt, Published
//!     if it speaks of others  ReadTargets ... Targets -> Commit
//! Requested, a delivery ----> audience --> Verify ... Verified -> StoreDelivery ... DeliveryStored -> Answer
//! Requested, a question ----> budgets ---> Respond, or Read ... Answered
//! Mailed -------------------> inbox -----> Verify ... Verified -> StoreMail ... MailStored
//! Tick, Delegated ----------> Attempt ... Attempted -> Record
//! Fetch --------------------> Query ... QueryAnswered -> Verify ... Verified -> Store
//! Tick, Requested ----------> QueryOwnNode ... OwnNodeAnswered -> Verify ... Verified -> Store, RecordOwnNode
//! Tick, PeerConnected ------> CatchUp ... Compared -> CatchUp ... Got -> Verify ... Verified -> Store
//! ```

mod announcing;
mod answering;
mod catching;
mod claiming;
mod delivering;
mod fetching;
mod mailing;
mod mirroring;
mod publishing;
mod revoking;
mod timing;
mod tunnels;
mod vocabulary;
mod voting;

use std::collections::BTreeMap;

use nostrp2p_protocol::{
    Delegation, Event, Malformed, Network, Packet, PeerId, PublicKey, UnverifiedEvent, VerifyError,
    rpc::Receipt,
};

pub use self::{
    answering::QUESTION_ROWS,
    vocabulary::{
        EngineSettings, GossipId, InboundRequestId, Input, LoginId, LookedUp, MailId, MirroredId, Output,
        PublishId, Remembered, Replies, Service, StoreQuery, Verdict,
    },
};
use crate::{
    admission::{Admission, Ignored},
    announce_schedule::AnnounceSchedule,
    announcer::Announcer,
    counters::Refusals,
    directory::{Directory, Needs},
    fetch::Fetches,
    future_events::FutureEvents,
    inbox::{Bearer, Inbox},
    limit::{SET_BACK_SECONDS, TokenBuckets},
    limits::MAX_CONNECTED,
    node_key::NodeKey,
    node_lookup::NodeLookup,
    outbox::Outbox,
    own_nodes::OwnNodes,
    ownership::Ownership,
    revocations::Revocations,
    rng::SeededRng,
    sources::Source,
    stored::Sharing,
    sync::{Scheduler, SyncSession},
    tunnel::{OpenTunnel, TunnelClient, server},
};
use voting::WaitingVotes;

/// Most events that wait for their signature check. At 30 us each they take an eighth of a second of one core.
const MAX_PENDING: usize = 4_096;

/// Most deliveries that are under way at a time.
const MAX_ATTEMPTS: usize = 64;

/// Nodes and services whose requests are counted: those of all who can be connected, and some who have gone.
const MAX_ASKERS: usize = 1_024;

/// The state of a node's decisions.
#[derive(Debug)]
pub struct Core {
    settings: EngineSettings,
    ownership: Ownership,
    /// The person who has shown the claim link's token and is being stored as the owner.
    claiming: Option<PublicKey>,
    /// When a token for a claim link may be asked for again.
    token_asked: u64,
    /// The owner's word for this node.
    delegation: Option<Delegation>,
    announcer: Announcer,
    schedule: AnnounceSchedule,
    tunnel_client: TunnelClient,
    /// The open tunnels as last reported.
    open_tunnels: Vec<OpenTunnel>,
    tunnel_server: server::State,
    admission: Admission,
    future_events: FutureEvents,
    inbox: Inbox,
    rng: SeededRng,
    /// The nodes that are connected, and from which network.
    connected: BTreeMap<PeerId, Network>,
    directory: Directory,
    revocations: Revocations,
    /// How many revocations each neighbour may still bring.
    revoking: TokenBuckets<PeerId>,
    outbox: Outbox,
    node_lookup: NodeLookup,
    attempts: usize,
    fetches: Fetches,
    /// Events of answers whose signatures are being checked.
    fetched: usize,
    votes: WaitingVotes,
    own_nodes: OwnNodes,
    sync: Scheduler,
    requests: TokenBuckets<(PeerId, Service)>,
    answers: TokenBuckets<PeerId>,
    rows: TokenBuckets<(PeerId, Service)>,
    refusals: Refusals,
    /// The time of the last input.
    latest: u64,
    next_check: u64,
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug, Clone)]
enum Pending {
    Heard(GossipId, PeerId),
    Handed(InboundRequestId, PeerId),
    Mailed(MailId, Bearer),
    Fetched,
    Own(PeerId),
    CaughtUp(SyncSession),
    Revocation(Option<GossipId>, PeerId),
}

impl Core {
    /// Starts with nothing seen and nothing waiting. `helper` is where browsers reach this node, if it serves as a
    /// helper.
    pub fn new(settings: EngineSettings, key: NodeKey, helper: Option<String>, ownership: Ownership) -> Self {
        let lent = server::Config { address: helper.clone(), limits: settings.tunnels };
        Self {
            settings,
            claiming: None,
            token_asked: 0,
            delegation: None,
            tunnel_client: TunnelClient::new(key.peer, settings.seed.rotate_left(16)),
            open_tunnels: vec![],
            tunnel_server: server::State::new(lent),
            announcer: Announcer::new(key, helper, settings.seed.rotate_left(48), settings.run),
            schedule: AnnounceSchedule::new(),
            admission: Admission::new(settings.limits, ownership.owner()),
            ownership,
            future_events: FutureEvents::new(settings.limits.recent_ids),
            inbox: Inbox::new(),
            rng: SeededRng::new(settings.seed.rotate_left(32)),
            connected: BTreeMap::new(),
            directory: Directory::with_capacity(settings.limits.directory),
            revocations: Revocations::default(),
            revoking: TokenBuckets::new(MAX_ASKERS),
            outbox: Outbox::default(),
            node_lookup: NodeLookup::default(),
            attempts: 0,
            fetches: Fetches::default(),
            fetched: 0,
            votes: WaitingVotes::default(),
            own_nodes: OwnNodes::default(),
            sync: Scheduler::new(settings.limits.horizon_seconds, SeededRng::new(settings.seed)),
            requests: TokenBuckets::new(MAX_ASKERS),
            answers: TokenBuckets::new(MAX_ASKERS),
            rows: TokenBuckets::new(MAX_ASKERS),
            refusals: Refusals::default(),
            latest: 0,
            next_check: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Takes one input and says what is to be done. `now` is in seconds since 1970.
    pub fn handle(&mut self, input: Input, now: u64) -> Vec<Output> {
        self.notice_clock(now);
        let mut outputs = self.decide(input, now);
        outputs.extend(self.release_votes(now));
        outputs
    }

    fn decide(&mut self, input: Input, now: u64) -> Vec<Output> {
        match input {
            Input::Heard(heard, from, payload) => vec![self.on_heard(heard, from, &payload, now)],
            Input::Started => {
                self.schedule.start(now);
                vec![Output::ReadMemory(self.owner())]
            }
            Input::AnnouncementHeard(heard, from, bytes) => self.on_announcement(heard, from, bytes, now),
            Input::AddressesChanged => {
                self.schedule.on_change(now);
                vec![]
            }
            Input::OwnAddresses(addresses) => self.on_own_addresses(addresses, now),
            Input::Told(from, announcements) => self.on_told(from, announcements, now),
            Input::LookedUp(answers) => self.on_looked_up(answers, now),
            Input::Login(login, proof) => self.on_login(login, &proof, now),
            Input::Claim(login, token, proof) => self.on_claim(login, &token, &proof, now),
            Input::OwnerStored(login, owner, stored) => self.on_owner_stored(login, owner, stored),
            Input::FreshClaim(claim) => self.on_fresh_claim(claim),
            Input::OwnDelegation(found) => self.on_own_delegation(found, now),
            Input::Obeyed => self.owner().map(Output::ReadDelegation).into_iter().collect(),
            Input::Answered(peer, service, bytes, rows) => {
                self.answered(peer, bytes, now);
                self.has_read(peer, service, rows, now);
                vec![]
            }
            Input::Mirrored(mirrored, event) => self.on_mirrored(mirrored, event, now),
            Input::Lent(helper, lent) => self.on_lent(helper, lent, now),
            Input::TunnelServer(input) => self.on_tunnel(input, now),
            Input::Publish(request, event, replies) => {
                vec![self.on_publish(request, event, replies, now)]
            }
            Input::Targets(request, event, targets) => self.on_targets_read(request, event, targets, now),
            Input::PollRead(handed, from, event, targets) => {
                vec![self.on_poll_read(handed, from, event, targets.as_deref())]
            }
            Input::Verified(number, result) => self.on_verified(number, result, now),
            Input::Committed(request, event, audience, stored) => {
                self.on_committed(request, event, audience, stored, now)
            }
            Input::Requested(request, from, service, payload) => {
                self.on_requested(request, from, service, &payload, now)
            }
            Input::DeliveryStored(handed, stored) => self.on_delivery_stored(handed, &stored, now),
            Input::Mailed(mail, event, bearer) => vec![self.on_mailed(mail, event, bearer, now)],
            Input::MailStored(mail, stored) => self.on_mail_stored(mail, &stored, now),
            Input::Delegated(delegation, from) => self.on_delegated(&delegation, &from, now),
            Input::PeerConnected(peer, network) => self.on_joined(peer, network, now),
            Input::PeerConnectedTwice(peer) => vec![Output::ShowRuns(peer)],
            Input::PeerDisconnected(peer) => self.on_left(&peer, now),
            Input::Remembered(remembered) => {
                self.on_remembered(remembered, now);
                vec![]
            }
            Input::Compared(session, difference) => self.on_compared(session, difference, now),
            Input::Got(session, events) => self.on_got(session, events, now),
            Input::Retry(event) => vec![Output::ReadUndelivered(event)],
            Input::Undelivered(deliveries) => {
                deliveries.into_iter().flat_map(|address| self.on_retry(address, now)).collect()
            }
            Input::Attempted(address, receipt) => self.on_attempted(address, receipt, now),
            Input::Fetch(wants) => self.on_wanted(wants, now),
            Input::QueryAnswered(ask, events) => self.on_fetched(ask, events, now),
            Input::OwnNodeAnswered(peer, page) => self.on_own_node_answered(peer, page, now),
            Input::Revoked(from, events) => self.on_revoked(from, events, now),
            Input::OwnWords(words) => self.on_own_words(words, now),
            Input::StoreRolledBack => {
                self.admission.forget_what_came();
                vec![Output::ReadOwnNodes]
            }
            Input::Tick => self.on_time(now),
        }
    }

    /// When the clock was set back, resets times that only grow; otherwise nothing would be due until the former time
    /// is reached again. [`TokenBuckets`] notice it themselves.
    fn notice_clock(&mut self, now: u64) {
        let latest = std::mem::replace(&mut self.latest, now);
        if now.saturating_add(SET_BACK_SECONDS) >= latest {
            return;
        }
        self.admission.on_clock_back(now);
        self.future_events.on_clock_back(now);
        self.outbox.on_clock_back(now);
        self.node_lookup.on_clock_back(now);
        self.fetches.on_clock_back(now);
        self.votes.on_clock_back(now);
        self.own_nodes.on_clock_back(now);
        self.schedule.on_clock_back(now);
        self.token_asked = self.token_asked.min(now);
    }

    /// A node of a person has shown itself: what waits for that person is tried at once.
    fn on_appeared(&mut self, peer: &PeerId, person: &PublicKey, now: u64) -> Vec<Output> {
        if !self.directory.acts_for(peer, person, now) {
            return vec![];
        }
        let mut outputs = self.hurry_deliveries(person, now);
        self.node_lookup.found(person);
        self.fetches.hurry(person);
        self.own_nodes.hurry(peer);
        outputs.extend(self.on_tick(now));
        outputs
    }

    /// Does what is due by now.
    fn on_tick(&mut self, now: u64) -> Vec<Output> {
        let mut outputs = self.attempt(now);
        outputs.extend(self.ask(now));
        outputs.extend(self.query_own_nodes(now));
        self.recall(now);
        outputs.extend(self.catch_up(now));
        outputs
    }

    /// Does what is due by now, and this node's periodic work.
    fn on_time(&mut self, now: u64) -> Vec<Output> {
        let mut outputs = self.on_tick(now);
        outputs.extend(self.announce_when_due(now));
        outputs.extend(self.seek_tunnels(now));
        outputs.extend(self.renew_claim(now));
        outputs
    }

    fn on_delegated(&mut self, delegation: &Delegation, from: &PeerId, now: u64) -> Vec<Output> {
        if delegation.is_revocation() {
            return self.revoke(delegation, from, now);
        }
        if self.revocations.revokes(delegation) {
            return vec![];
        }
        let needs = Needed {
            owner: self.ownership.owner(),
            connected: &self.connected,
            admission: &self.admission,
            outbox: &self.outbox,
        };
        let source = source(&self.connected, from);
        self.directory.learn(delegation, source, now, &mut self.rng, &needs);
        self.on_appeared(&delegation.peer(), &delegation.owner(), now)
    }

    fn on_joined(&mut self, peer: PeerId, network: Network, now: u64) -> Vec<Output> {
        let mut outputs = vec![];
        if self.connected.is_empty() {
            self.outbox.on_online(now);
            self.fetches.on_online();
            outputs.extend(self.on_first_neighbour(now));
        }
        if self.connected.len() < MAX_CONNECTED {
            self.connected.insert(peer, network);
        }
        self.sync.on_joined(peer, now);
        if self.schedule.is_started() {
            outputs.push(Output::AskAnnouncements(peer, vec![]));
            outputs.push(Output::AskRevocations(peer, vec![]));
        }
        match self.directory.owner_of(&peer, now) {
            Some(owner) => outputs.extend(self.on_appeared(&peer, &owner, now)),
            None => {
                outputs.extend(self.attempt(now));
                outputs.extend(self.ask(now));
                outputs.extend(self.catch_up(now));
            }
        }
        outputs
    }

    fn on_left(&mut self, peer: &PeerId, now: u64) -> Vec<Output> {
        let mut outputs: Vec<Output> = self.see(*peer, now, now).into_iter().collect();
        self.connected.remove(peer);
        self.sync.on_left(peer);
        self.tunnel_client.lost(peer, now);
        outputs.extend(self.seek_tunnels(now));
        outputs
    }

    /// Takes over the state of an earlier run. It makes nothing due earlier than the next tick would.
    fn on_remembered(&mut self, remembered: Remembered, now: u64) {
        match remembered {
            Remembered::Waiting(address, row) => self.outbox.add(address, row, now),
            Remembered::OwnNode(peer, cursor) => self.own_nodes.restore(peer, cursor),
            Remembered::List(list) => self.admission.learn(&list),
            Remembered::People(born, people) => self.admission.restore_people(born, people, now),
            Remembered::Revocations(words) => self.on_known_revocations(words, now),
        }
    }

    /// There is somebody to talk to: what was written and said meanwhile goes out.
    fn on_first_neighbour(&mut self, now: u64) -> Vec<Output> {
        if !self.schedule.is_started() {
            return vec![];
        }
        let mut outputs = vec![Output::SendUnsent];
        outputs.extend(self.announce(now));
        outputs.extend(self.owner().map(Output::ReadOwnWords));
        outputs
    }

    /// A neighbour, and the network from which it is connected.
    pub fn source(&self, peer: &PeerId) -> Source {
        source(&self.connected, peer)
    }

    /// Whether a node is connected.
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.connected.contains_key(peer)
    }

    /// Whether nodes of a person must be known: of the owner, of people whom the owner follows, and of those for whom
    /// something waits.
    pub fn is_needed(&self, person: &PublicKey) -> bool {
        is_needed(self.owner(), &self.admission, &self.outbox, person)
    }

    /// Whether any node acts for a person, as far as is known.
    pub fn has_node(&self, person: &PublicKey, now: u64) -> bool {
        !self.directory.nodes_of(person, now).is_empty()
    }

    /// Refused messages since the start, by reason.
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// How many nodes are known that act for somebody.
    pub fn delegated_nodes(&self) -> usize {
        self.directory.len()
    }

    /// The person for whom a node acts, as far as is known.
    pub fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey> {
        self.directory.owner_of(peer, now)
    }

    fn on_heard(&mut self, heard: GossipId, from: PeerId, payload: &[u8], now: u64) -> Output {
        let event = match Packet::decode(payload) {
            Ok(Packet::Event(event)) => event,
            Ok(Packet::Revocation(event)) => return self.on_revocation(heard, from, event, now),
            Err(Malformed::UnknownType(_)) => {
                self.refusals.count("unknown_type");
                return Output::ReportValidation(heard, Verdict::Unknown);
            }
            Err(_) => return self.reject(heard, "malformed"),
        };
        // What needs no id comes first: to compute one of an event of 64 KiB costs as much as everything else here.
        if let Err(Ok(ignored)) = self.admission.check_shared(&event.unsigned, now)
            && ignored != Ignored::TooNew
        {
            return self.ignore(heard, ignored, now);
        }
        let id = event.unsigned.id();
        match self.admission.check(&id, &event.unsigned, &from, now) {
            Err(Ok(ignored)) => {
                if ignored == Ignored::TooNew {
                    self.future_events.note(id, event.unsigned.created_at, from, now);
                }
                self.ignore(heard, ignored, now)
            }
            Err(Err(_oversize)) => self.reject(heard, "malformed"),
            Ok(()) if self.pending.len() >= MAX_PENDING => self.ignore(heard, Ignored::Busy, now),
            Ok(()) => self.verify(Pending::Heard(heard, from), event),
        }
    }

    fn on_verified(&mut self, number: u64, result: Result<Event, VerifyError>, now: u64) -> Vec<Output> {
        match (self.pending.remove(&number), result) {
            (Some(Pending::Heard(heard, _)), Err(_forged)) => vec![self.reject(heard, "forged")],
            (Some(Pending::Heard(heard, from)), Ok(event)) => self.on_admitted(heard, &from, event, now),
            (Some(Pending::Handed(handed, _)), Err(_forged)) => {
                vec![Output::Answer(handed, Receipt::Refused)]
            }
            (Some(Pending::Handed(handed, from)), Ok(event)) => {
                self.admission.admit_handed(event.id(), &event, &from, now);
                let sender = self.sender_of(&event, from, now);
                let author = event.pubkey;
                let mut outputs = vec![Output::StoreDelivery(handed, event, sender)];
                if self.directory.acts_for(&from, &author, now) {
                    // A node that delivers is there: what it has left without an answer is worth an attempt.
                    self.outbox.hurry_unanswered(&author, now);
                    outputs.extend(self.attempt(now));
                }
                outputs
            }
            (Some(Pending::Mailed(mail, bearer)), result) => {
                vec![self.on_mail_checked(mail, &bearer, result, now)]
            }
            (Some(Pending::Fetched), result) => self.on_fetched_checked(result, now),
            (Some(Pending::Own(peer)), result) => self.on_own_checked(&peer, result, now),
            (Some(Pending::Revocation(heard, from)), result) => {
                self.on_revocation_checked(heard, &from, result, now)
            }
            (Some(Pending::CaughtUp(session)), result) => self.on_caught_up(session, result, now),
            (None, _) => vec![],
        }
    }

    fn on_admitted(&mut self, heard: GossipId, from: &PeerId, event: Event, now: u64) -> Vec<Output> {
        // The same event may have come twice while its signature was being checked.
        match self.admission.check(&event.id(), &event, from, now) {
            Ok(()) => {
                let verdict = if self.admission.admit(event.id(), &event, from, now) {
                    Verdict::Accept
                } else {
                    self.sync.on_withheld(now);
                    self.refusals.count("withheld");
                    Verdict::AcceptWithoutForwarding
                };
                vec![Output::ReportValidation(heard, verdict), Output::Store(event, Sharing::Shared)]
            }
            Err(Ok(ignored)) => vec![self.ignore(heard, ignored, now)],
            Err(Err(_oversize)) => vec![self.reject(heard, "malformed")],
        }
    }

    fn ignore(&mut self, heard: GossipId, ignored: Ignored, now: u64) -> Output {
        if matches!(ignored, Ignored::OverBudget | Ignored::Busy) {
            // Others may have taken it, and it is only this moment that has no room for it.
            self.sync.on_missed(now);
        }
        self.refusals.ignored(ignored);
        Output::ReportValidation(heard, Verdict::Ignore(ignored))
    }

    fn reject(&mut self, heard: GossipId, reason: &'static str) -> Output {
        self.refusals.count(reason);
        Output::ReportValidation(heard, Verdict::Reject)
    }

    fn verify(&mut self, pending: Pending, event: UnverifiedEvent) -> Output {
        let number = self.next_check;
        self.next_check += 1;
        self.pending.insert(number, pending);
        Output::Verify(number, event)
    }
}

/// The entries that the directory must not evict, without the directory itself.
struct Needed<'a> {
    owner: Option<PublicKey>,
    connected: &'a BTreeMap<PeerId, Network>,
    admission: &'a Admission,
    outbox: &'a Outbox,
}

impl Needs for Needed<'_> {
    fn is_connected(&self, peer: &PeerId) -> bool {
        self.connected.contains_key(peer)
    }

    fn is_needed(&self, person: &PublicKey) -> bool {
        is_needed(self.owner, self.admission, self.outbox, person)
    }
}

fn is_needed(owner: Option<PublicKey>, admission: &Admission, outbox: &Outbox, person: &PublicKey) -> bool {
    owner == Some(*person) || admission.protects(person) || outbox.waits_for(person)
}

fn source(connected: &BTreeMap<PeerId, Network>, peer: &PeerId) -> Source {
    Source { network: connected.get(peer).copied().unwrap_or_default(), peer: *peer }
}

#[cfg(test)]
mod tests;
