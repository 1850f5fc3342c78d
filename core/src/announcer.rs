//! Node announcements: those that this node makes and those of others.
//!
//! It keeps announcements of other nodes and tells them to nodes that join (see PROTOCOL.md, "Announcements").
//! Anybody can invent nodes, so it bounds the announcements from one neighbour and one network, and a full table
//! evicts a random entry of the largest source (see [`crate::sources`]). It decides nothing about delivery:
//! delegations go on to [`crate::Directory`].

mod neighbours;

use std::{collections::BTreeMap, time::Duration};

use nostrp2p_protocol::{
    Announcement, Delegation, PeerId, PublicKey, PublicStatement, RunStatement, SignedAnnouncement,
    UnsignedEvent, UnverifiedEvent,
    announcement::{MAX_ADDRESSES, MAX_ANNOUNCEMENTS},
    event_policy::is_ahead,
    limits::MAX_SECONDS_AHEAD,
    statement_input,
};

use self::neighbours::Neighbours;
use crate::{
    limit::{Rate, TokenBuckets, UNIT},
    node_key::NodeKey,
    rng::SeededRng,
    sources::{Source, Sources},
    twin::Twin,
};

/// Announcements that are kept: 8 MB at their largest, 2 MB at their usual size.
const MAX_KEPT: usize = 2_000;
/// An announcement older than this says little about where a node is now: a week.
const HORIZON_SECONDS: u64 = 7 * 86_400;
/// Announcements of one node that this node forwards: one at its start, one when it is claimed, and some for changing
/// addresses. More than these are kept but not forwarded, so that the node's neighbours know its addresses and
/// whether it runs twice.
const OF_NODE: Rate = Rate { burst: 8, per_hour: 48 };
/// After so many displaced announcements the node counts again how many must not be displaced.
const COUNT_AFTER: usize = 64;

/// How often a node announces itself when nothing changes, in a network of which this many nodes are known: every 30
/// minutes up to 1,000 nodes, and so rarely beyond that all together make one in two seconds; every day at least.
pub fn announce_every(known: usize) -> Duration {
    let thousands = u32::try_from(known / 1_000).unwrap_or(u32::MAX).clamp(1, 48);
    Duration::from_secs(30 * 60) * thousands
}

/// The announcer asks the rest of the engine by this, when it judges an announcement.
pub(crate) trait Surroundings {
    /// A neighbour, and the network from which it is connected.
    fn source(&self, peer: &PeerId) -> Source;
    /// Whether a node is connected.
    fn is_connected(&self, peer: &PeerId) -> bool;
    /// Whether nodes of a person must be known: of the owner, of people whom the owner follows, and of those for whom
    /// something waits.
    fn is_needed(&self, person: &PublicKey) -> bool;
    /// The person for whom a node acts, as far as is known.
    fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey>;
    /// Whether an owner has taken this word back.
    fn has_revoked(&self, word: &Delegation) -> bool;
}

/// The announcements that this node knows.
#[derive(Debug)]
pub struct Announcer {
    key: NodeKey,
    /// Where browsers reach this node, if it lends a hand to others.
    helper: Option<String>,
    last_own: u64,
    /// The last announcement of this node, and the person for whom it acts.
    said: Vec<u8>,
    owner: Option<PublicKey>,
    neighbours: Neighbours,
    /// How many announcements of each node may still be forwarded.
    nodes: TokenBuckets<PeerId>,
    heard: BTreeMap<PeerId, Heard>,
    sources: Sources<PeerId>,
    /// How many announcements must not be displaced, and after how many more it is counted again.
    needed: usize,
    count_after: usize,
    rng: SeededRng,
    twin: Twin,
}

#[derive(Debug)]
struct Heard {
    issued_at: u64,
    owner: Option<PublicKey>,
    bytes: Vec<u8>,
}

/// A sound announcement of another node.
#[derive(Debug)]
pub struct News {
    /// Which node.
    pub peer: PeerId,
    /// When it said so, in seconds since 1970 by its clock.
    pub issued_at: u64,
    /// The addresses that it names.
    pub addresses: Vec<String>,
    /// Its delegation, if it has one; the signature is right.
    pub delegation: Option<Delegation>,
    /// Where browsers reach it, if it serves as a helper.
    pub helper: Option<String>,
    /// Whether it is to be passed on; not when that node has said much of itself lately.
    pub pass_on: bool,
}

/// Why an announcement is not passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Already known, of another time, or with a delegation that is not valid. Not the sender's fault.
    Stale,
    /// The neighbour, or its network, has told too many. Not known to be the sender's fault.
    Crowded,
    /// It is this node's own from an earlier run, and not older than this run's last one: the clock was set back, or
    /// the node restarted within a second. The node must announce itself again.
    Overtaken,
    /// The sender's fault: it cannot be decoded, or a signature is wrong.
    Forged,
}

impl Announcer {
    /// Starts with no announcements. `seed` must be random, so that nobody can predict what is evicted; the same seed
    /// replays. `run` must be random as well; it is told to whoever asks.
    pub fn new(key: NodeKey, helper: Option<String>, seed: u64, run: [u8; 8]) -> Self {
        Self {
            key,
            helper,
            last_own: 0,
            said: Vec::new(),
            owner: None,
            neighbours: Neighbours::default(),
            nodes: TokenBuckets::new(MAX_KEPT),
            heard: BTreeMap::new(),
            sources: Sources::default(),
            needed: 0,
            count_after: 0,
            rng: SeededRng::new(seed),
            twin: Twin::new(run),
        }
    }

    /// Makes a statement that an event of the owner is for everyone. None when the delegation `word` did not hold at
    /// the event's `created_at`, or is too long ([`nostrp2p_protocol::MAX_STATEMENT_BYTES`]).
    pub fn state(&self, word: &Delegation, unsigned: &UnsignedEvent) -> Option<PublicStatement> {
        let held = word.created_at() <= unsigned.created_at && unsigned.created_at < word.expires();
        let own = word.owner() == unsigned.pubkey && word.peer() == self.key.peer;
        if !(held && own) {
            return None;
        }
        PublicStatement::new(word.event(), &(self.key.sign)(&statement_input(&unsigned.id())))
    }

    /// When another node with this node's key was last seen, in seconds since 1970; None if that was long ago.
    pub fn twin(&self, now: u64) -> Option<u64> {
        self.twin.heard(now)
    }

    /// Answers which run of this node is asked, and takes in the statement of another program with this key, if one
    /// comes.
    pub fn say_run(&mut self, heard: Option<&RunStatement>, now: u64) -> RunStatement {
        if let Some(heard) = heard {
            self.twin.hear_statement(&self.key, heard, now);
        }
        self.twin.statement(&self.key, now)
    }

    /// Signs the current announcement of this node. Each is dated later than the one before, if need be ahead of the
    /// clock; but not when the clock was set back, because nodes refuse an announcement that is dated far ahead.
    pub fn own(&mut self, mut addresses: Vec<String>, delegation: Option<&Delegation>, now: u64) -> Vec<u8> {
        addresses.truncate(MAX_ADDRESSES);
        if is_ahead(self.last_own, now) {
            self.last_own = 0;
        }
        self.twin.sign(now);
        self.last_own = now.max(self.last_own.saturating_add(1));
        let strip = |delegation: &Delegation| UnverifiedEvent {
            claimed_id: None,
            ..delegation.event().clone().into()
        };
        let announcement = Announcement {
            peer: self.key.peer,
            issued_at: self.last_own,
            addresses,
            delegation: delegation.map(strip),
            helper: self.helper.clone(),
        };
        self.owner = delegation.map(Delegation::owner);
        self.said = announcement.encode(&(self.key.sign)(&announcement.signed_bytes()));
        self.said.clone()
    }

    /// Checks an announcement that a neighbour has forwarded, or sent in an answer, and keeps it. The cheap checks
    /// come first; the two signatures cost about 100 us. Announcements of connected nodes, and of nodes that act for
    /// needed people, are taken even when the neighbour tells too many.
    ///
    /// # Errors
    /// Says why it is not forwarded.
    pub(crate) fn hear(
        &mut self,
        from: PeerId,
        bytes: Vec<u8>,
        core: &dyn Surroundings,
        now: u64,
    ) -> Result<News, Unheard> {
        let signed = SignedAnnouncement::decode(&bytes).map_err(|_| Unheard::Forged)?;
        self.take(signed, from, bytes, core, now)
    }

    /// As [`Announcer::hear`], for a neighbour's answer. It is not forwarded. The directory may have lost a node
    /// whose announcement is kept here, so it learns of that node again. The announcement counts as a new one.
    ///
    /// # Errors
    /// Says why there is nothing to learn from it.
    pub(crate) fn hear_told(
        &mut self,
        from: PeerId,
        bytes: Vec<u8>,
        core: &dyn Surroundings,
        now: u64,
    ) -> Result<News, Unheard> {
        let signed = SignedAnnouncement::decode(&bytes).map_err(|_| Unheard::Forged)?;
        let peer = signed.announcement.peer;
        let lost = self.heard.get(&peer).is_some_and(|heard| heard.owner.is_some() && heard.bytes == bytes)
            && core.owner_of(&peer, now).is_none();
        if !lost {
            return self.take(signed, from, bytes, core, now);
        }
        let counted = self.neighbours.count(core.source(&from), now);
        if counted { news(&bytes).ok_or(Unheard::Forged) } else { Err(Unheard::Crowded) }
    }

    fn take(
        &mut self,
        signed: SignedAnnouncement,
        from: PeerId,
        bytes: Vec<u8>,
        core: &dyn Surroundings,
        now: u64,
    ) -> Result<News, Unheard> {
        let Announcement { peer, issued_at, addresses, delegation, helper } = signed.announcement;
        let fresh = now.saturating_sub(HORIZON_SECONDS)..=now.saturating_add(MAX_SECONDS_AHEAD);
        let held = self.heard.get(&peer).filter(|heard| !is_ahead(heard.issued_at, now));
        let known = held.is_some_and(|heard| heard.issued_at >= issued_at);
        if peer == self.key.peer {
            let later = issued_at >= self.last_own && fresh.contains(&issued_at) && bytes != self.said;
            if !later || !(self.key.verify)(&peer, &signed.signed_bytes, &signed.sig) {
                return Err(Unheard::Stale);
            }
            self.twin.hear(issued_at, now);
            self.last_own = issued_at;
            self.said = bytes;
            return Err(Unheard::Overtaken);
        }
        if known || !fresh.contains(&issued_at) {
            return Err(Unheard::Stale);
        }
        let source = core.source(&from);
        let claimed = delegation.as_ref().map(|event| event.unsigned.pubkey);
        let counted = self.neighbours.count(source, now);
        if !counted && !is_needed(core, &peer, claimed.as_ref()) {
            return Err(Unheard::Crowded);
        }
        if !(self.key.verify)(&peer, &signed.signed_bytes, &signed.sig) {
            return Err(Unheard::Forged);
        }
        let delegation = delegation.map(|event| {
            let event = event.verify().map_err(|_| Unheard::Forged)?;
            let delegation = Delegation::from_event(event).map_err(|_| Unheard::Forged)?;
            // A node that shows the delegation of another node claims what it was not given.
            if delegation.peer() == peer { Ok(delegation) } else { Err(Unheard::Forged) }
        });
        let delegation = delegation.transpose()?;
        if delegation.as_ref().is_some_and(|word| !word.is_credible(now) || core.has_revoked(word)) {
            return Err(Unheard::Stale);
        }
        let pass_on = self.nodes.take_whole(peer, OF_NODE, UNIT, now);
        self.heard.insert(peer, Heard { issued_at, owner: claimed, bytes });
        self.sources.insert(peer, source);
        self.make_room(core);
        Ok(News { peer, issued_at, addresses, delegation, helper, pass_on })
    }

    /// The announcements to tell a node that joins: this node's own, which it may have missed; then, up to half of
    /// the limit, those of connected nodes, because these exist; then a mixture from all sources.
    pub(crate) fn known(&mut self, core: &dyn Surroundings) -> Vec<Vec<u8>> {
        let connected = self.sources.mixed(&mut self.rng, |peer| core.is_connected(peer));
        let others = self.sources.mixed(&mut self.rng, |peer| !core.is_connected(peer));
        let (first, rest) = connected.split_at(connected.len().min(MAX_ANNOUNCEMENTS / 2));
        self.tell(true, first.iter().chain(&others).chain(rest))
    }

    /// The announcements of nodes that act for any of these people.
    pub fn known_of(&self, people: &[PublicKey]) -> Vec<Vec<u8>> {
        let wanted = |owner: Option<PublicKey>| owner.is_some_and(|owner| people.contains(&owner));
        let of_them = self.heard.iter().filter(|(_, heard)| wanted(heard.owner)).map(|(peer, _)| peer);
        self.tell(wanted(self.owner), of_them)
    }

    fn tell<'a>(&self, own: bool, peers: impl Iterator<Item = &'a PeerId>) -> Vec<Vec<u8>> {
        let own = (own && !self.said.is_empty()).then_some(&self.said);
        let others = peers.filter_map(|peer| Some(&self.heard.get(peer)?.bytes));
        own.into_iter().chain(others).take(MAX_ANNOUNCEMENTS).cloned().collect()
    }

    /// The kept announcements of nodes that act for these people. The directory may have dropped such a node, and
    /// would not learn of it again, because a repeated announcement is ignored.
    pub fn recall(&self, people: &[PublicKey]) -> Vec<News> {
        let wanted = |heard: &&Heard| heard.owner.is_some_and(|owner| people.contains(&owner));
        self.heard.values().filter(wanted).filter_map(|heard| news(&heard.bytes)).collect()
    }

    /// The addresses in a node's last announcement; empty when it is not kept.
    pub fn addresses_of(&self, peer: &PeerId) -> Vec<String> {
        let heard = self.heard.get(peer).and_then(|heard| SignedAnnouncement::decode(&heard.bytes).ok());
        heard.map(|signed| signed.announcement.addresses).unwrap_or_default()
    }

    /// How many nodes are known.
    pub fn heard_of(&self) -> usize {
        self.heard.len()
    }

    /// Evicts entries over the limit. Needed ones stay, unless they would take more than half of the table: then only
    /// connected nodes stay, of which there are a few hundred at most.
    fn make_room(&mut self, core: &dyn Surroundings) {
        while self.heard.len() > MAX_KEPT {
            if self.count_after == 0 {
                self.count_after = COUNT_AFTER;
                let needed = |(peer, heard): &(&PeerId, &Heard)| is_needed(core, peer, heard.owner.as_ref());
                self.needed = self.heard.iter().filter(needed).count();
            }
            self.count_after -= 1;
            let (heard, few) = (&self.heard, self.needed <= MAX_KEPT / 2);
            let stays = |peer: &PeerId| {
                let owner = heard.get(peer).and_then(|heard| heard.owner);
                core.is_connected(peer) || (few && is_needed(core, peer, owner.as_ref()))
            };
            let Some(victim) = self.sources.victim(&mut self.rng, stays) else { break };
            self.heard.remove(&victim);
            self.sources.remove(&victim);
        }
    }
}

/// Decodes a kept announcement. Its own signature was checked when it came; the delegation's is checked again.
fn news(bytes: &[u8]) -> Option<News> {
    let Announcement { peer, issued_at, addresses, delegation, helper } =
        SignedAnnouncement::decode(bytes).ok()?.announcement;
    let delegation = delegation.and_then(|event| Delegation::from_event(event.verify().ok()?).ok());
    Some(News { peer, issued_at, addresses, delegation, helper, pass_on: false })
}

fn is_needed(core: &dyn Surroundings, peer: &PeerId, owner: Option<&PublicKey>) -> bool {
    core.is_connected(peer) || owner.is_some_and(|owner| core.is_needed(owner))
}

#[cfg(test)]
mod tests;
