//! Node announcements: what this node says of itself, and what it has heard of others.
//!
//! It keeps announcements of other nodes, so that it can tell them to nodes that join (see PROTOCOL.md,
//! "Announcements"). Anybody can invent nodes, so what one neighbour and one network tell is bounded, and when the table
//! is full a random entry of the largest source makes room (see [`crate::sources`]). It decides nothing about delivery:
//! delegations go on to [`crate::Directory`].

mod neighbours;

use std::{collections::BTreeMap, time::Duration};

use nostrp2p_protocol::{
    Announcement, Delegation, PeerId, PublicKey, SignedAnnouncement, UnverifiedEvent,
    announcement::{MAX_ADDRESSES, MAX_ANNOUNCEMENTS},
    limits::MAX_SECONDS_AHEAD,
};

use self::neighbours::Neighbours;
use crate::{
    Core,
    limit::{Rate, TokenBuckets, UNIT},
    replacing::is_ahead,
    rng::SeededRng,
    sources::Sources,
};

/// Announcements that are kept: 8 MB at their largest, 2 MB at their usual size.
const MAX_KEPT: usize = 2_000;
/// An announcement older than this says little about where a node is now: a week.
const HORIZON_SECONDS: u64 = 7 * 86_400;
/// Announcements of one node that are passed on: one at its start, one when it is claimed, and some for changing addresses.
/// More are kept by whoever hears them from it, so that its neighbours know where it is and whether it runs twice.
const OF_NODE: Rate = Rate { burst: 8, per_hour: 48 };
/// How far the clock may go back at a restart, in seconds, before what the node said of itself earlier looks like the
/// word of another node: what time servers correct.
const RESTART_SECONDS: u64 = 2;
/// How long another node with this node's key is remembered, in seconds: three hours, in which it announces itself six
/// times.
const TWIN_SECONDS: u64 = 3 * 3_600;
/// After so many displaced announcements the node counts again how many must not be displaced.
const COUNT_AFTER: usize = 64;

/// How often a node announces itself when nothing changes, in a network of which this many nodes are known: every 30
/// minutes up to 1,000 nodes, and so rarely beyond that all together make one in two seconds; every day at least.
pub fn announce_every(known: usize) -> Duration {
    let thousands = u32::try_from(known / 1_000).unwrap_or(u32::MAX).clamp(1, 48);
    Duration::from_secs(30 * 60) * thousands
}

/// Signs a message with a node's key.
pub type Sign = Box<dyn Fn(&[u8]) -> [u8; 64] + Send + Sync>;

/// The node's own ed25519 key, which this crate deliberately does not handle: how to sign with it, and how to check what
/// other nodes have signed with theirs.
pub struct NodeKey {
    /// The node that signs.
    pub peer: PeerId,
    /// Signs a message.
    pub sign: Sign,
    /// Whether a node has signed a message so.
    pub verify: fn(&PeerId, &[u8], &[u8; 64]) -> bool,
}

/// What the node knows of announcements.
pub struct Announcer {
    key: NodeKey,
    /// Where browsers reach this node, if it lends a hand to others.
    helper: Option<String>,
    last_own: u64,
    /// What this node has said of itself last, and whom it acts for.
    said: Vec<u8>,
    owner: Option<PublicKey>,
    neighbours: Neighbours,
    /// What each node may still say of itself.
    nodes: TokenBuckets<PeerId>,
    heard: BTreeMap<PeerId, Heard>,
    sources: Sources<PeerId>,
    /// How many announcements must not be displaced, and after how many more it is counted again.
    needed: usize,
    count_after: usize,
    rng: SeededRng,
    /// When this run announced itself first, in seconds since 1970.
    began: Option<u64>,
    /// When another node was last heard that has this node's key, in seconds since 1970.
    twin: Option<u64>,
}

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
    /// Where it says that it may be reached.
    pub addresses: Vec<String>,
    /// For whom it acts, if for anybody; its signature is right.
    pub delegation: Option<Delegation>,
    /// Where browsers reach it, if it lends a hand.
    pub helper: Option<String>,
    /// Whether it is to be passed on; not when that node has said much of itself lately.
    pub pass_on: bool,
}

/// Why an announcement is not passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Nobody's fault: known, of another time, or with a delegation that does not count.
    Stale,
    /// Nobody's fault as far as can be seen: the neighbour, or its network, passes on too many.
    Crowded,
    /// It is this node's own from an earlier run, and not earlier than what it has said since: its clock was set back, or it
    /// restarted within a second. It must announce itself again to be heard.
    Overtaken,
    /// The sender's fault: it cannot be decoded, or a signature is wrong.
    Forged,
}

impl Announcer {
    /// Begins with nothing heard. `seed` is random, so that nobody can tell what makes room; the same seed replays.
    pub fn new(key: NodeKey, helper: Option<String>, seed: u64) -> Self {
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
            began: None,
            twin: None,
        }
    }

    /// When another node has announced itself with this node's key, in seconds since 1970, if that was lately.
    pub fn twin(&self, now: u64) -> Option<u64> {
        self.twin.filter(|heard| now.saturating_sub(*heard) < TWIN_SECONDS)
    }

    /// Signs what this node says of itself now. Each is later than the one before, if need be ahead of the clock; but not
    /// when the clock was set back, for nobody takes an announcement that is dated far ahead.
    pub fn own(&mut self, mut addresses: Vec<String>, delegation: Option<&Delegation>, now: u64) -> Vec<u8> {
        addresses.truncate(MAX_ADDRESSES);
        if is_ahead(self.last_own, now) {
            self.last_own = 0;
        }
        self.began = Some(self.began.map_or(now, |began| began.min(now)));
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

    /// Checks an announcement that a neighbour has passed on, or told when it was asked, and keeps it. The cheap checks
    /// come first; the two signatures cost about 100 us. Announcements of nodes that are connected, and of those that act
    /// for people who are needed, are heard although the neighbour tells too many.
    ///
    /// # Errors
    /// Says why it is not to be passed on.
    pub fn hear(&mut self, from: PeerId, bytes: Vec<u8>, core: &Core, now: u64) -> Result<News, Unheard> {
        let signed = SignedAnnouncement::decode(&bytes).map_err(|_| Unheard::Forged)?;
        let Announcement { peer, issued_at, addresses, delegation, helper } = signed.announcement;
        let fresh = now.saturating_sub(HORIZON_SECONDS)..=now.saturating_add(MAX_SECONDS_AHEAD);
        let held = self.heard.get(&peer).filter(|heard| !is_ahead(heard.issued_at, now));
        let known = held.is_some_and(|heard| heard.issued_at >= issued_at);
        if peer == self.key.peer {
            let later = issued_at >= self.last_own && fresh.contains(&issued_at) && bytes != self.said;
            if !later || !(self.key.verify)(&peer, &signed.signed_bytes, &signed.sig) {
                return Err(Unheard::Stale);
            }
            // What an earlier run has said is no later than the beginning of this one.
            if self.began.is_some_and(|began| issued_at > began.saturating_add(RESTART_SECONDS)) {
                self.twin = Some(now);
            }
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

    /// The announcements to tell a node that joins: this node's own, which it may have missed; then, up to half of what may
    /// be told, those of nodes that are connected, for these exist; then a mixture of what all sources have told.
    pub fn known(&mut self, core: &Core) -> Vec<Vec<u8>> {
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

    /// The announcements that are kept of nodes that act for these people. The directory may have dropped such a node, and
    /// would not learn of it again: a neighbour that repeats a known announcement is not heard.
    pub fn recall(&self, people: &[PublicKey]) -> Vec<News> {
        let wanted = |heard: &&Heard| heard.owner.is_some_and(|owner| people.contains(&owner));
        self.heard.values().filter(wanted).filter_map(|heard| news(&heard.bytes)).collect()
    }

    /// What a neighbour has told again of a node that the directory has lost since: it is known here, and so
    /// [`Announcer::hear`] takes it for stale. It counts like news. None when there is nothing to learn from it.
    pub fn told_again(&mut self, from: &PeerId, bytes: &[u8], core: &Core, now: u64) -> Option<News> {
        let peer = SignedAnnouncement::decode(bytes).ok()?.announcement.peer;
        let lost = self.heard.get(&peer).is_some_and(|heard| heard.owner.is_some() && heard.bytes == bytes)
            && core.owner_of(&peer, now).is_none();
        if lost && self.neighbours.count(core.source(from), now) { news(bytes) } else { None }
    }

    /// Where a node has said last that it may be reached; nothing when its announcement is not kept.
    pub fn addresses_of(&self, peer: &PeerId) -> Vec<String> {
        let heard = self.heard.get(peer).and_then(|heard| SignedAnnouncement::decode(&heard.bytes).ok());
        heard.map(|signed| signed.announcement.addresses).unwrap_or_default()
    }

    /// How many nodes are known.
    pub fn heard_of(&self) -> usize {
        self.heard.len()
    }

    /// Displaces what is too much. What is needed stays, unless it would take more than half of the table: then only
    /// connected nodes do, of which there are a few hundred at most.
    fn make_room(&mut self, core: &Core) {
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

fn is_needed(core: &Core, peer: &PeerId, owner: Option<&PublicKey>) -> bool {
    core.is_connected(peer) || owner.is_some_and(|owner| core.is_needed(owner))
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Network, SecretKey, Tag, delegation};

    use super::*;
    use crate::{EngineSettings, Input};

    const NOW: u64 = 1_700_000_000;
    /// In which what a neighbour or a node may tell comes back, in seconds.
    const TEN_MINUTES: u64 = 600;
    const NEIGHBOUR: PeerId = PeerId::from_ed25519([100; 32]);

    /// A signature that anybody can make, but only over these bytes and for this node.
    fn toy(peer: &PeerId, message: &[u8]) -> [u8; 64] {
        let mut signature = [1; 64];
        for (position, byte) in peer.as_ed25519().iter().chain(message).enumerate() {
            let place: &mut u8 = &mut signature[position % 64];
            *place = place.wrapping_mul(31).wrapping_add(*byte);
        }
        signature
    }

    fn announcer_of(peer: PeerId, helper: Option<String>) -> Announcer {
        let sign = Box::new(move |message: &[u8]| toy(&peer, message));
        let verify = |peer: &PeerId, message: &[u8], signature: &[u8; 64]| *signature == toy(peer, message);
        Announcer::new(NodeKey { peer, sign, verify }, helper, 7)
    }

    fn peer(node: u8) -> PeerId {
        PeerId::from_ed25519([node; 32])
    }

    fn announcer(node: u8) -> Announcer {
        announcer_of(peer(node), None)
    }

    fn core() -> Core {
        Core::new(EngineSettings::default(), None)
    }

    /// A core that is connected to these nodes, each from another network.
    fn connected(nodes: &[u8]) -> Core {
        let mut core = core();
        for node in nodes {
            core.handle(Input::PeerConnected(peer(*node), Network::V4([*node, 0])), NOW);
        }
        core
    }

    fn hear(announcer: &mut Announcer, bytes: Vec<u8>) -> Result<News, Unheard> {
        announcer.hear(NEIGHBOUR, bytes, &core(), NOW)
    }

    fn delegation_for(node: u8) -> Delegation {
        let key = SecretKey::from_bytes([9; 32]).unwrap();
        Delegation::from_event(delegation::draft(&peer(node), NOW).sign(&key, &[0; 32])).unwrap()
    }

    /// What a node says that did not exist before; `issued_at` is as late as it may be.
    fn invented(number: u32) -> Vec<u8> {
        let mut key = [1; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        announcer_of(PeerId::from_ed25519(key), None).own(vec![], None, NOW + 900)
    }

    #[test]
    fn after_the_clock_was_set_back_a_node_is_heard_by_all() {
        const YEAR: u64 = 365 * 86_400;
        let (mut wrong, mut other, mut newcomer) = (announcer(1), announcer(2), announcer(3));
        wrong.own(vec![], None, NOW + YEAR);
        let ahead = wrong.own(vec![], None, NOW + YEAR);
        assert!(other.hear(NEIGHBOUR, ahead, &core(), NOW + YEAR).is_ok());
        let right = wrong.own(vec![], None, NOW);
        assert!(hear(&mut newcomer, right.clone()).is_ok());
        assert!(hear(&mut other, right).is_ok(), "also by whoever shared the wrong time");
        assert_eq!(wrong.twin(NOW), None);
    }

    #[test]
    fn another_node_with_the_same_key_is_noticed_and_an_earlier_run_is_not() {
        let (mut first, mut copy) = (announcer(1), announcer(1));
        let earlier = first.own(vec![], None, NOW - 100);
        copy.own(vec![], None, NOW - 90);
        assert_eq!(hear(&mut copy, earlier.clone()).err(), Some(Unheard::Stale));
        let mut restarted = announcer(1);
        restarted.began = Some(NOW - 99);
        assert_eq!(hear(&mut restarted, earlier).err(), Some(Unheard::Overtaken));
        assert_eq!((copy.twin(NOW), restarted.twin(NOW)), (None, None));
        let later = copy.own(vec![], None, NOW - 40);
        assert_eq!(hear(&mut first, later).err(), Some(Unheard::Overtaken));
        assert_eq!(first.twin(NOW + 1), Some(NOW));
        assert_eq!(first.twin(NOW + TWIN_SECONDS), None, "it is gone");
        let mine = first.own(vec![], None, NOW - 30);
        assert_eq!(hear(&mut copy, mine).err(), Some(Unheard::Overtaken));
        assert!(copy.twin(NOW).is_some(), "both notice");
    }

    #[test]
    fn an_announcement_is_heard_once_and_told_on() {
        let mut first = announcer(1);
        assert_eq!(first.known(&core()), Vec::<Vec<u8>>::new(), "nothing was said yet");
        let bytes = first.own(vec!["/ip4/1.2.3.4/tcp/1".into()], Some(&delegation_for(1)), NOW);
        assert_eq!(first.known(&core()), std::slice::from_ref(&bytes), "a node tells of itself too");
        assert_eq!(first.known_of(&[delegation_for(1).owner()]), first.known(&core()));
        let mut other = announcer(2);
        let news = hear(&mut other, bytes.clone()).ok().unwrap();
        assert_eq!(news.peer, peer(1));
        assert_eq!(news.delegation, Some(delegation_for(1)));
        assert_eq!(other.addresses_of(&peer(1)), ["/ip4/1.2.3.4/tcp/1"]);
        assert_eq!(hear(&mut other, bytes.clone()).err(), Some(Unheard::Stale));
        assert_eq!(other.known_of(&[delegation_for(1).owner()]), other.known(&core()));
        assert_eq!(other.known_of(&[PublicKey::from_bytes([1; 32])]), Vec::<Vec<u8>>::new());
        assert_eq!(other.known(&core()), [bytes]);
    }

    #[test]
    fn what_the_directory_has_lost_is_recalled_for_the_people_who_are_sought() {
        let mut other = announcer(2);
        let bytes = announcer(1).own(vec!["/ip4/1.2.3.4/tcp/1".to_owned()], Some(&delegation_for(1)), NOW);
        assert!(hear(&mut other, bytes).is_ok());
        let recalled = other.recall(&[delegation_for(1).owner(), PublicKey::from_bytes([1; 32])]);
        let [news] = &recalled[..] else { unreachable!("{recalled:?}") };
        assert_eq!((news.peer, news.delegation.as_ref()), (peer(1), Some(&delegation_for(1))));
        assert!(other.recall(&[PublicKey::from_bytes([1; 32])]).is_empty());
    }

    #[test]
    fn what_a_neighbour_tells_again_is_learned_if_the_directory_has_lost_it() {
        let (mut other, mut core) = (announcer(2), core());
        let bytes = announcer(1).own(vec![], Some(&delegation_for(1)), NOW);
        assert!(other.told_again(&NEIGHBOUR, &bytes, &core, NOW).is_none(), "it was never told");
        assert!(hear(&mut other, bytes.clone()).is_ok());
        let again = other.told_again(&NEIGHBOUR, &bytes, &core, NOW).unwrap();
        assert_eq!((again.peer, &again.delegation), (peer(1), &Some(delegation_for(1))));
        let changed = announcer(1).own(vec!["/ip4/1.2.3.4/tcp/1".into()], Some(&delegation_for(1)), NOW);
        assert!(
            other.told_again(&NEIGHBOUR, &changed, &core, NOW).is_none(),
            "its signature was not checked"
        );
        core.handle(Input::Delegated(delegation_for(1), NEIGHBOUR), NOW);
        assert!(other.told_again(&NEIGHBOUR, &bytes, &core, NOW).is_none(), "the directory has it");
        let crowd = (0..700).filter(|_| other.told_again(&NEIGHBOUR, &bytes, &self::core(), NOW).is_some());
        assert!(crowd.count() < 600, "it counts like news");
    }

    #[test]
    fn one_neighbour_cannot_tell_inventions_without_end() {
        let mut other = announcer(200);
        let heard = (0..700).filter(|number| other.hear(peer(1), invented(*number), &core(), NOW).is_ok());
        assert_eq!(heard.count(), 600);
        assert_eq!(other.hear(peer(1), invented(700), &core(), NOW).err(), Some(Unheard::Crowded));
        assert!(other.hear(peer(2), invented(700), &core(), NOW).is_ok(), "others are heard");
        let later = NOW + TEN_MINUTES;
        assert!(other.hear(peer(1), invented(701), &core(), later).is_ok(), "and so is it, later");
    }

    #[test]
    fn what_a_crowded_neighbour_tells_of_who_is_connected_or_needed_is_heard() {
        let mut other = announcer(200);
        let owner = delegation_for(4).owner();
        let mut core = Core::new(EngineSettings::default(), Some(owner));
        core.handle(Input::PeerConnected(peer(3), Network::Unknown), NOW);
        (0..700).for_each(|number| drop(other.hear(peer(1), invented(number), &core, NOW)));
        let [met, own, stranger] = [(3, None), (4, Some(delegation_for(4))), (5, None)]
            .map(|(node, word)| announcer(node).own(vec![], word.as_ref(), NOW));
        assert!(other.hear(peer(1), met, &core, NOW).is_ok());
        assert!(other.hear(peer(1), own, &core, NOW).is_ok());
        assert_eq!(other.hear(peer(1), stranger, &core, NOW).err(), Some(Unheard::Crowded));
    }

    #[test]
    fn a_node_that_invents_displaces_its_inventions_and_no_neighbour() {
        let (mut other, core) = (announcer(200), connected(&[1, 2, 3]));
        for node in 1..=3 {
            other.hear(peer(node), announcer(node).own(vec![], None, NOW), &core, NOW).ok().unwrap();
        }
        for honest in 20..60 {
            other.hear(peer(1), announcer(honest).own(vec![], None, NOW), &core, NOW).ok().unwrap();
        }
        for window in 0..20 {
            let now = NOW + window * TEN_MINUTES;
            let numbers = u32::try_from(window).unwrap() * 1_000;
            (numbers..numbers + 600).for_each(|number| {
                let mut key = [1; 32];
                key[..4].copy_from_slice(&number.to_be_bytes());
                let bytes = announcer_of(PeerId::from_ed25519(key), None).own(vec![], None, now + 900);
                drop(other.hear(peer(2), bytes, &core, now));
            });
        }
        assert_eq!((other.heard_of(), other.sources.len()), (MAX_KEPT, MAX_KEPT));
        assert!((1..=3).chain(20..60).all(|node| other.heard.contains_key(&peer(node))));
        // Two sources with inventions and honest nodes take turns behind those that are connected.
        let told = other.known(&core);
        let of = |bytes: &Vec<u8>| SignedAnnouncement::decode(bytes).unwrap().announcement.peer;
        assert_eq!(told.len(), MAX_ANNOUNCEMENTS);
        assert!((1..=3).all(|node| told.iter().take(3).any(|bytes| of(bytes) == peer(node))));
        let honest = told.iter().filter(|bytes| (20..60).any(|node| of(bytes) == peer(node))).count();
        assert_eq!(honest, 40, "all that the other neighbour has told");
    }

    #[test]
    fn the_larger_the_network_the_rarer_each_announces_itself() {
        let minutes = |known| announce_every(known).as_secs() / 60;
        assert_eq!([0, 999, 1_999, 2_000, 10_000].map(minutes), [30, 30, 30, 60, 300]);
        assert_eq!(minutes(1_000_000), 24 * 60);
    }

    #[test]
    fn a_helper_is_heard_of_with_its_address() {
        let address = "wss://helper.example".to_owned();
        let mut helper = announcer_of(peer(1), Some(address.clone()));
        let news = hear(&mut announcer(2), helper.own(vec![], None, NOW)).ok().unwrap();
        assert_eq!(news.helper, Some(address));
    }

    #[test]
    fn a_node_that_restarts_within_a_second_is_heard_again() {
        let (mut before, mut other) = (announcer(1), announcer(2));
        for _ in 0..3 {
            assert!(hear(&mut other, before.own(vec![], None, NOW)).is_ok());
        }
        let mut restarted = announcer(1);
        assert_eq!(hear(&mut other, restarted.own(vec![], None, NOW)).err(), Some(Unheard::Stale));
        let told = other.known(&core()).remove(0);
        assert_eq!(hear(&mut restarted, told.clone()).err(), Some(Unheard::Overtaken));
        assert_eq!(hear(&mut restarted, told).err(), Some(Unheard::Stale));
        assert!(hear(&mut other, restarted.own(vec![], None, NOW)).is_ok());
    }

    #[test]
    fn a_node_that_announces_itself_all_the_time_is_kept_and_not_passed_on() {
        let (mut chatty, mut other) = (announcer(1), announcer(2));
        let heard: Vec<News> =
            (0..20).map(|_| hear(&mut other, chatty.own(vec![], None, NOW)).ok().unwrap()).collect();
        assert_eq!(heard.iter().filter(|news| news.pass_on).count(), 8);
        assert_eq!(other.known(&core()), [chatty.said.clone()], "the newest is told to who asks");
        let later = NOW + TEN_MINUTES;
        let news = other.hear(NEIGHBOUR, chatty.own(vec![], None, later), &core(), later);
        assert!(news.ok().unwrap().pass_on);
    }

    #[test]
    fn forgeries_and_stolen_delegations_are_noticed() {
        let mut other = announcer(2);
        let mut changed = announcer(1).own(vec![], None, NOW);
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(hear(&mut other, changed).err(), Some(Unheard::Forged));
        let stolen = announcer(3).own(vec![], Some(&delegation_for(1)), NOW);
        assert_eq!(hear(&mut other, stolen).err(), Some(Unheard::Forged));
        assert_eq!(hear(&mut other, vec![0; 9]).err(), Some(Unheard::Forged));
        assert_eq!(other.known(&core()), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_delegation_that_reaches_too_far_ahead_is_not_passed_on_and_nobody_is_blamed() {
        let key = SecretKey::from_bytes([9; 32]).unwrap();
        let mut draft = delegation::draft(&peer(1), NOW);
        draft.tags[1] = Tag::new(["expiration", "253370764800"]);
        let word = Delegation::from_event(draft.sign(&key, &[0; 32])).unwrap();
        let mut other = announcer(2);
        assert_eq!(hear(&mut other, announcer(1).own(vec![], Some(&word), NOW)).err(), Some(Unheard::Stale));
        assert_eq!(other.heard_of(), 0);
    }

    #[test]
    fn announcements_of_another_time_are_passed_over() {
        let mut other = announcer(2);
        for issued_at in [NOW - HORIZON_SECONDS - 1, NOW + 901] {
            let bytes = announcer(1).own(vec![], None, issued_at);
            assert_eq!(hear(&mut other, bytes).err(), Some(Unheard::Stale));
        }
    }
}
