//! Node announcements: what this node says of itself, and what it has heard of others.
//!
//! It keeps the latest announcement of each node, so that it can tell them to nodes that join (see PROTOCOL.md,
//! "Announcements"). It decides nothing about delivery: delegations go on to the core.

use std::{collections::BTreeMap, time::Duration};

use nostrp2p_protocol::{
    Announcement, Delegation, PeerId, PublicKey, SignedAnnouncement, UnverifiedEvent,
    announcement::{MAX_ADDRESSES, MAX_ANNOUNCEMENTS},
    limits::MAX_SECONDS_AHEAD,
};

use crate::secret::{NodeSecret, verify};

/// Announcements that are kept: 8 MB at their largest, 2 MB at their usual size.
const MAX_KEPT: usize = 2_000;
/// An announcement older than this says little about where a node is now: a week.
const HORIZON_SECONDS: u64 = 7 * 86_400;
/// Announcements of one node that are taken within [`WINDOW_SECONDS`]: one at its start, one when it is claimed, and
/// some for changing addresses.
const MAX_IN_WINDOW: u32 = 8;
/// See [`MAX_IN_WINDOW`]: ten minutes.
const WINDOW_SECONDS: u64 = 600;

/// How far the clock may go back at a restart, in seconds, before what the node said of itself earlier looks like the
/// word of another node: what time servers correct.
const RESTART_SECONDS: u64 = 2;
/// How long another node with this node's key is remembered, in seconds: three hours, in which it announces itself six
/// times.
const TWIN_SECONDS: u64 = 3 * 3_600;

/// Announcements that are taken of what one neighbour passes on within [`WINDOW_SECONDS`], its own and those of others:
/// one a second. Announcements are flooded and anybody can invent nodes, so without a bound one neighbour could keep
/// the whole network busy. Nodes announce less often as the network grows ([`announce_every`]), so that 10,000 nodes make
/// 330 in ten minutes.
const MAX_FROM_NEIGHBOUR: u32 = 600;
/// Neighbours that are counted: more than can be connected.
const MAX_NEIGHBOURS: usize = 256;

/// How often a node announces itself when nothing changes, in a network of which this many nodes are known: every 30
/// minutes up to 1,000 nodes, and so rarely beyond that all together make one in two seconds; every day at least.
pub fn announce_every(known: usize) -> Duration {
    let thousands = u32::try_from(known / 1_000).unwrap_or(u32::MAX).clamp(1, 48);
    Duration::from_secs(30 * 60) * thousands
}

/// Whether a time lies further ahead than anybody takes.
const fn is_ahead(at: u64, now: u64) -> bool {
    at > now.saturating_add(MAX_SECONDS_AHEAD)
}

/// Whether a window that began then goes on. One that begins ahead is of a clock that was set back.
const fn is_open(began: u64, now: u64) -> bool {
    began <= now.saturating_add(RESTART_SECONDS) && now < began.saturating_add(WINDOW_SECONDS)
}

/// What the node knows of announcements.
pub struct Announcer {
    /// When the window of a neighbour began, and how many announcements came in it.
    neighbours: BTreeMap<PeerId, (u64, u32)>,
    secret: NodeSecret,
    /// Where browsers reach this node, if it lends a hand to others.
    helper: Option<String>,
    last_own: u64,
    /// What this node has said of itself last, and whom it acts for.
    said: Vec<u8>,
    owner: Option<PublicKey>,
    heard: BTreeMap<PeerId, Heard>,
    /// When this run announced itself first, in seconds since 1970.
    began: Option<u64>,
    /// When another node was last heard that has this node's key, in seconds since 1970.
    twin: Option<u64>,
}

struct Heard {
    issued_at: u64,
    owner: Option<PublicKey>,
    bytes: Vec<u8>,
    window_began: u64,
    in_window: u32,
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
}

/// Why an announcement is not passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Nobody's fault: known, or of another time.
    Stale,
    /// Nobody's fault as far as can be seen: the neighbour passes on too many.
    Crowded,
    /// It is this node's own from an earlier run, and not earlier than what it has said since: its clock was set back, or it
    /// restarted within a second. It must announce itself again to be heard.
    Overtaken,
    /// The sender's fault: it cannot be decoded, or a signature is wrong.
    Forged,
}

impl Announcer {
    /// Begins with nothing heard.
    pub const fn new(secret: NodeSecret, helper: Option<String>) -> Self {
        Self {
            neighbours: BTreeMap::new(),
            secret,
            helper,
            last_own: 0,
            said: Vec::new(),
            owner: None,
            heard: BTreeMap::new(),
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
            peer: self.secret.peer_id(),
            issued_at: self.last_own,
            addresses,
            delegation: delegation.map(strip),
            helper: self.helper.clone(),
        };
        self.owner = delegation.map(Delegation::owner);
        self.said = announcement.encode(&self.secret.sign(&announcement.signed_bytes()));
        self.said.clone()
    }

    /// Takes an announcement that a neighbour has passed on, unless it passes on too many.
    ///
    /// # Errors
    /// Says why it is not to be passed on.
    pub fn hear_from(&mut self, neighbour: PeerId, bytes: Vec<u8>, now: u64) -> Result<News, Unheard> {
        self.neighbours.retain(|_, (began, _)| is_open(*began, now));
        let counted = self.neighbours.get(&neighbour).copied();
        if counted.is_some_and(|(_, count)| count >= MAX_FROM_NEIGHBOUR)
            || (counted.is_none() && self.neighbours.len() >= MAX_NEIGHBOURS)
        {
            return Err(Unheard::Crowded);
        }
        let (began, count) = counted.unwrap_or((now, 0));
        let news = self.hear(bytes, now)?;
        self.neighbours.insert(neighbour, (began, count + 1));
        Ok(news)
    }

    /// Checks an announcement and keeps it. The cheap checks come first; the two signatures cost about 100 us.
    ///
    /// # Errors
    /// Says why it is not to be passed on.
    pub fn hear(&mut self, bytes: Vec<u8>, now: u64) -> Result<News, Unheard> {
        let signed = SignedAnnouncement::decode(&bytes).map_err(|_| Unheard::Forged)?;
        let Announcement { peer, issued_at, addresses, delegation, helper } = signed.announcement;
        let fresh = now.saturating_sub(HORIZON_SECONDS)..=now.saturating_add(MAX_SECONDS_AHEAD);
        let (window_began, in_window) = self.window(&peer, now);
        let held = self.heard.get(&peer).filter(|heard| !is_ahead(heard.issued_at, now));
        let known = held.is_some_and(|heard| heard.issued_at >= issued_at);
        if peer == self.secret.peer_id() {
            let later = issued_at >= self.last_own && fresh.contains(&issued_at) && bytes != self.said;
            if !later || !verify(&peer, &signed.signed_bytes, &signed.sig) {
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
        if known || !fresh.contains(&issued_at) || in_window >= MAX_IN_WINDOW {
            return Err(Unheard::Stale);
        }
        if !verify(&peer, &signed.signed_bytes, &signed.sig) {
            return Err(Unheard::Forged);
        }
        let delegation = delegation.map(|event| {
            let event = event.verify().map_err(|_| Unheard::Forged)?;
            let delegation = Delegation::from_event(event).map_err(|_| Unheard::Forged)?;
            // A node that shows the delegation of another node claims what it was not given.
            if delegation.peer() == peer { Ok(delegation) } else { Err(Unheard::Forged) }
        });
        let delegation = delegation.transpose()?;
        let owner = delegation.as_ref().map(Delegation::owner);
        self.keep(peer, Heard { issued_at, owner, bytes, window_began, in_window: in_window + 1 });
        Ok(News { peer, issued_at, addresses, delegation, helper })
    }

    /// The announcements to tell a node that joins: this node's own, which it may have missed, and the latest of others.
    pub fn known(&self) -> Vec<Vec<u8>> {
        self.latest(|_| true)
    }

    /// The announcements of nodes that act for any of these people: this node's own, and the latest of others.
    pub fn known_of(&self, people: &[PublicKey]) -> Vec<Vec<u8>> {
        self.latest(|owner| owner.is_some_and(|owner| people.contains(&owner)))
    }

    fn latest(&self, wanted: impl Fn(Option<PublicKey>) -> bool) -> Vec<Vec<u8>> {
        let own = (!self.said.is_empty() && wanted(self.owner)).then_some(&self.said);
        let mut heard: Vec<&Heard> = self.heard.values().filter(|heard| wanted(heard.owner)).collect();
        heard.sort_unstable_by_key(|heard| std::cmp::Reverse(heard.issued_at));
        let heard = heard.into_iter().map(|heard| &heard.bytes);
        own.into_iter().chain(heard).take(MAX_ANNOUNCEMENTS).cloned().collect()
    }

    /// How many nodes are known.
    pub fn heard_of(&self) -> usize {
        self.heard.len()
    }

    /// When the current window of a node began, and how many announcements were taken in it.
    fn window(&self, peer: &PeerId, now: u64) -> (u64, u32) {
        match self.heard.get(peer) {
            Some(heard) if is_open(heard.window_began, now) => {
                (heard.window_began, heard.in_window)
            }
            _ => (now, 0),
        }
    }

    fn keep(&mut self, peer: PeerId, heard: Heard) {
        self.heard.insert(peer, heard);
        if self.heard.len() > MAX_KEPT {
            let oldest = self.heard.iter().min_by_key(|(_, heard)| heard.issued_at).map(|(peer, _)| *peer);
            oldest.map(|oldest| self.heard.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{SecretKey, delegation};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn announcer(node: u8) -> Announcer {
        Announcer::new(NodeSecret::from_bytes([node; 32]), None)
    }

    fn delegation_for(node: u8) -> Delegation {
        let peer = NodeSecret::from_bytes([node; 32]).peer_id();
        let key = SecretKey::from_bytes([9; 32]).unwrap();
        Delegation::from_event(delegation::draft(&peer, NOW).sign(&key, &[0; 32])).unwrap()
    }

    #[test]
    fn an_announcement_is_heard_once_and_told_on() {
        let mut first = announcer(1);
        assert_eq!(first.known(), Vec::<Vec<u8>>::new(), "nothing was said yet");
        let bytes = first.own(vec!["/ip4/1.2.3.4/tcp/1".into()], Some(&delegation_for(1)), NOW);
        assert_eq!(first.known(), std::slice::from_ref(&bytes), "a node tells of itself too");
        assert_eq!(first.known_of(&[delegation_for(1).owner()]), first.known());
        let mut other = announcer(2);
        let news = other.hear(bytes.clone(), NOW).ok().unwrap();
        assert_eq!(news.peer, announcer(1).secret.peer_id());
        assert_eq!(news.delegation, Some(delegation_for(1)));
        assert_eq!(other.hear(bytes.clone(), NOW).err(), Some(Unheard::Stale));
        assert_eq!(other.known_of(&[delegation_for(1).owner()]), other.known());
        assert_eq!(other.known_of(&[PublicKey::from_bytes([1; 32])]), Vec::<Vec<u8>>::new());
        assert_eq!(other.known(), [bytes]);
    }

    #[test]
    fn one_neighbour_cannot_pass_on_inventions_without_end() {
        let mut other = announcer(200);
        let invented = |number: u32| {
            let mut key = [1; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            Announcer::new(NodeSecret::from_bytes(key), None).own(vec![], None, NOW)
        };
        let [bad, good] = [1, 2].map(|number| PeerId::from_ed25519([number; 32]));
        let heard = (0..700).filter(|number| other.hear_from(bad, invented(*number), NOW).is_ok()).count();
        assert_eq!(heard, 600);
        assert_eq!(other.hear_from(bad, invented(700), NOW).err(), Some(Unheard::Crowded));
        assert!(other.hear_from(good, invented(700), NOW).is_ok(), "others are heard");
        let later = NOW + WINDOW_SECONDS;
        assert!(other.hear_from(bad, invented(701), later).is_ok(), "and so is it, later");
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
        let mut helper = Announcer::new(NodeSecret::from_bytes([1; 32]), Some(address.clone()));
        let news = announcer(2).hear(helper.own(vec![], None, NOW), NOW).ok().unwrap();
        assert_eq!(news.helper, Some(address));
    }

    #[test]
    fn a_node_that_restarts_within_a_second_is_heard_again() {
        let (mut before, mut other) = (announcer(1), announcer(2));
        for _ in 0..3 {
            assert!(other.hear(before.own(vec![], None, NOW), NOW).is_ok());
        }
        let mut restarted = announcer(1);
        assert_eq!(other.hear(restarted.own(vec![], None, NOW), NOW).err(), Some(Unheard::Stale));
        let told = other.known().remove(0);
        assert_eq!(restarted.hear(told.clone(), NOW).err(), Some(Unheard::Overtaken));
        assert_eq!(restarted.hear(told, NOW).err(), Some(Unheard::Stale));
        assert!(other.hear(restarted.own(vec![], None, NOW), NOW).is_ok());
    }

    #[test]
    fn after_the_clock_was_set_back_a_node_is_heard_by_all() {
        const YEAR: u64 = 365 * 86_400;
        let (mut wrong, mut other, mut newcomer) = (announcer(1), announcer(2), announcer(3));
        wrong.own(vec![], None, NOW + YEAR);
        other.hear(wrong.own(vec![], None, NOW + YEAR), NOW + YEAR).unwrap();
        let right = wrong.own(vec![], None, NOW);
        assert!(newcomer.hear(right.clone(), NOW).is_ok());
        assert!(other.hear(right, NOW).is_ok(), "also by whoever shared the wrong time");
        assert_eq!(wrong.twin(NOW), None);
    }

    #[test]
    fn another_node_with_the_same_key_is_noticed_and_an_earlier_run_is_not() {
        let (mut first, mut copy) = (announcer(1), announcer(1));
        let earlier = first.own(vec![], None, NOW);
        copy.own(vec![], None, NOW + 10);
        assert_eq!(copy.hear(earlier.clone(), NOW + 11).err(), Some(Unheard::Stale));
        let mut restarted = announcer(1);
        restarted.began = Some(NOW + 1);
        assert_eq!(restarted.hear(earlier, NOW + 12).err(), Some(Unheard::Overtaken));
        assert_eq!((copy.twin(NOW + 12), restarted.twin(NOW + 12)), (None, None));
        let later = copy.own(vec![], None, NOW + 60);
        assert_eq!(first.hear(later, NOW + 61).err(), Some(Unheard::Overtaken));
        assert_eq!(first.twin(NOW + 62), Some(NOW + 61));
        assert_eq!(first.twin(NOW + 61 + TWIN_SECONDS), None, "it is gone");
        let mine = first.own(vec![], None, NOW + 70);
        assert_eq!(copy.hear(mine, NOW + 71).err(), Some(Unheard::Overtaken));
        assert!(copy.twin(NOW + 72).is_some(), "both notice");
    }

    #[test]
    fn a_node_that_announces_itself_all_the_time_is_not_passed_on() {
        let (mut chatty, mut other) = (announcer(1), announcer(2));
        let heard = (0..20).filter(|_| other.hear(chatty.own(vec![], None, NOW), NOW).is_ok()).count();
        assert_eq!(heard, 8);
        assert!(other.hear(chatty.own(vec![], None, NOW + 600), NOW + 600).is_ok());
    }

    #[test]
    fn forgeries_and_stolen_delegations_are_noticed() {
        let mut other = announcer(2);
        let mut changed = announcer(1).own(vec![], None, NOW);
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(other.hear(changed, NOW).err(), Some(Unheard::Forged));
        let stolen = announcer(3).own(vec![], Some(&delegation_for(1)), NOW);
        assert_eq!(other.hear(stolen, NOW).err(), Some(Unheard::Forged));
        assert_eq!(other.hear(vec![0; 9], NOW).err(), Some(Unheard::Forged));
        assert_eq!(other.known(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn announcements_of_another_time_are_passed_over() {
        let mut other = announcer(2);
        for issued_at in [NOW - HORIZON_SECONDS - 1, NOW + 901] {
            let bytes = announcer(1).own(vec![], None, issued_at);
            assert_eq!(other.hear(bytes, NOW).err(), Some(Unheard::Stale));
        }
    }
}
