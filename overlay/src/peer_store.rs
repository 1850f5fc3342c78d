//! Addresses of known nodes, kept on disk so that a restart needs no bootstrap node.
//!
//! The node runs without the file, too: it sets a damaged file aside, and runs on when it cannot write it. Addresses
//! that peers claim for themselves are tried, but displace none that worked. A full table evicts an address of the
//! network that told most, so whoever invents nodes displaces their own inventions. Keys cost nothing and networks
//! do; see `core/src/sources.rs`.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use nostrp2p_protocol::{Network, PeerId};
use serde::{Deserialize, Serialize};

use crate::address::{Host, PeerAddress, PeerLocation};

/// Addresses kept: far more than a node is ever connected to, and 100 KB on disk.
pub const MAX_KNOWN_ADDRESSES: usize = 1000;

/// Addresses kept of one peer, so that nobody fills the table alone: some interfaces, times IPv4 and IPv6.
pub(crate) const MAX_PER_PEER: usize = 8;

/// The largest file that is read: what 1,000 of the longest addresses take.
const MAX_FILE: u64 = 1024 * 1024;

/// The form of the file. Another number is a file from another version: it is set aside like a damaged one.
const VERSION: u32 = 1;

/// The table. Times are in seconds since 1970; 0 stands for an address that was told and never worked.
#[derive(Debug, Default)]
pub(crate) struct PeerStore {
    /// Orders what is equally good, in each process otherwise.
    order: RandomState,
    peers: BTreeMap<PeerId, BTreeMap<PeerAddress, u64>>,
    /// The network that told the addresses of a peer that never worked.
    told_from: BTreeMap<PeerId, Network>,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    addresses: Vec<SavedAddress>,
}

#[derive(Serialize, Deserialize)]
struct SavedAddress {
    peer: String,
    address: String,
    last_good: u64,
    /// The network that told it; older versions wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_from: Option<Network>,
}

/// The network of an address; over a relay that of the relay.
pub(crate) fn network_of(address: &PeerAddress) -> Network {
    match address.place.first_hop() {
        PeerLocation::Net { host: Host::Ip(ip), .. } => Network::from(*ip),
        _ => Network::Unknown,
    }
}

impl PeerStore {
    /// Notes that the peer answered at this address.
    ///
    /// A circuit address never counts as one that worked: it lasts as long as the peer's reservation.
    pub(crate) fn good(&mut self, peer: PeerId, address: &PeerAddress, now_secs: u64) {
        if address.is_circuit() {
            return self.heard(peer, address, network_of(address));
        }
        self.insert(peer, address, now_secs.max(1));
    }

    /// Notes that the peer claims this address. It displaces nothing that is known better. `from` is the network of
    /// the neighbour that says so. A peer of which several networks tell belongs to the one that told first.
    pub(crate) fn heard(&mut self, peer: PeerId, address: &PeerAddress, from: Network) {
        self.told_from.entry(peer).or_insert(from);
        let known = self.peers.get(&peer);
        if known
            .is_none_or(|known| known.len() < MAX_PER_PEER && !known.contains_key(&address.without_peer()))
        {
            self.insert(peer, address, 0);
        }
    }

    /// Notes the addresses in the peer's announcement. They replace addresses that never worked; those that worked
    /// stay. Circuit addresses that it does not name any more are forgotten.
    pub(crate) fn announced(&mut self, peer: PeerId, addresses: &[PeerAddress]) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return addresses.iter().for_each(|address| self.heard(peer, address, Network::Unknown));
        };
        let named: Vec<_> = addresses.iter().take(MAX_PER_PEER).map(PeerAddress::without_peer).collect();
        let before = known.len();
        known.retain(|address, _| !address.is_circuit() || named.contains(address));
        self.changed |= known.len() != before;
        let new = named.iter().filter(|address| !known.contains_key(*address)).count();
        let mut excess = (known.len() + new).saturating_sub(MAX_PER_PEER);
        known.retain(|address, last_good| {
            let stays = excess == 0 || *last_good > 0 || named.contains(address);
            excess -= usize::from(!stays);
            stays
        });
        named.iter().for_each(|address| self.heard(peer, address, Network::Unknown));
    }

    /// Notes that another peer now answers at an address of this one. An address that worked once is kept for the new
    /// peer: a node that was set up anew has another key at the same address.
    pub(crate) fn moved(&mut self, from: PeerId, address: &PeerAddress, to: PeerId) {
        let known = self.peers.get(&from).and_then(|known| known.get(&address.without_peer()));
        let worked = known.is_some_and(|last_good| *last_good > 0);
        self.wrong(from, address);
        if worked && from != to {
            self.heard(to, address, network_of(address));
        }
    }

    /// Notes that the peer is not there any more.
    pub(crate) fn wrong(&mut self, peer: PeerId, address: &PeerAddress) {
        let Some(addresses) = self.peers.get_mut(&peer) else {
            return;
        };
        self.changed |= addresses.remove(&address.without_peer()).is_some();
        if addresses.is_empty() {
            self.peers.remove(&peer);
            self.told_from.remove(&peer);
        }
    }

    /// The addresses of a peer, the best first.
    pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<PeerAddress> {
        let mut addresses: Vec<_> = self.peers.get(peer).into_iter().flatten().collect();
        addresses.sort_by_key(|(_, last_good)| Reverse(**last_good));
        addresses.into_iter().map(|(address, _)| address.clone()).collect()
    }

    /// All peers, the one met last first; those that were never met follow in an order of this node's own.
    ///
    /// If all nodes had the same order, they would all dial the same few, whose meshes are soon full, and an attacker
    /// who wants to be everybody's neighbour would choose a peer id that comes first.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        let best = |addresses: &BTreeMap<PeerAddress, u64>| addresses.values().copied().max();
        let place = |(peer, known): (&PeerId, &_)| (Reverse(best(known)), self.order.hash_one(peer), *peer);
        let mut peers: Vec<_> = self.peers.iter().map(place).collect();
        peers.sort_unstable();
        peers.into_iter().map(|(_, _, peer)| peer).collect()
    }

    /// Whether something changed since this was asked last.
    pub(crate) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// The contents of the file.
    pub(crate) fn to_json(&self) -> String {
        let addresses = self.peers.iter().flat_map(|(peer, addresses)| {
            addresses.iter().map(|(address, last_good)| SavedAddress {
                peer: peer.to_string(),
                address: address.to_string(),
                last_good: *last_good,
                told_from: self.told_from.get(peer).copied(),
            })
        });
        let saved = Saved { version: VERSION, addresses: addresses.collect() };
        serde_json::to_string_pretty(&saved).expect("strings and numbers always become JSON")
    }

    /// Reads the contents of the file. Single addresses that make no sense are left out.
    fn from_json(text: &str) -> Result<Self, String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if saved.version != VERSION {
            return Err(format!(
                "it has version {}, and this program knows version {VERSION}",
                saved.version
            ));
        }
        let mut known = Self::default();
        for row in saved.addresses {
            if let (Ok(peer), Ok(address)) = (row.peer.parse(), row.address.parse()) {
                if let Some(network) = row.told_from {
                    known.told_from.insert(peer, network);
                }
                known.insert(peer, &address, row.last_good);
            }
        }
        known.changed = false;
        Ok(known)
    }

    fn insert(&mut self, peer: PeerId, address: &PeerAddress, last_good: u64) {
        let addresses = self.peers.entry(peer).or_default();
        let before = addresses.insert(address.without_peer(), last_good);
        self.changed |= before != Some(last_good);
        while addresses.len() > MAX_PER_PEER {
            let Some(oldest) = oldest(addresses) else { break };
            addresses.remove(&oldest);
        }
        while self.peers.values().map(BTreeMap::len).sum::<usize>() > MAX_KNOWN_ADDRESSES {
            let Some((peer, address)) = self.victim(peer) else { break };
            self.wrong(peer, &address);
        }
    }

    /// The address that a full table evicts: one that never worked before one that did, and of those one of the
    /// network with most of them. Never one of `new`, so that a new address can be dialed now.
    fn victim(&self, new: PeerId) -> Option<(PeerId, PeerAddress)> {
        let rows = || self.peers.iter().flat_map(|(peer, known)| known.iter().map(move |row| (*peer, row)));
        let any_heard = rows().any(|(_, (_, last_good))| *last_good == 0);
        let rows = || rows().filter(|(_, (_, last_good))| !any_heard || **last_good == 0);
        let network = |peer: &PeerId, address: &PeerAddress, last_good: u64| {
            if last_good > 0 {
                network_of(address)
            } else {
                self.told_from.get(peer).copied().unwrap_or_default()
            }
        };
        let mut counts: BTreeMap<Network, usize> = BTreeMap::new();
        for (peer, (address, last_good)) in rows() {
            *counts.entry(network(&peer, address, *last_good)).or_default() += 1;
        }
        let largest = counts.into_iter().max_by_key(|(_, count)| *count)?.0;
        // Among equals an order that is this node's own: nobody can choose a peer id that stays longer than others.
        let of_largest =
            rows().filter(|(peer, (address, last_good))| network(peer, address, **last_good) == largest);
        let worst = of_largest
            .min_by_key(|(peer, (_, last_good))| (*peer == new, **last_good, self.order.hash_one(peer)))?;
        let (peer, (address, _)) = worst;
        Some((peer, address.clone()))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.peers.values().map(BTreeMap::len).sum()
    }
}

fn oldest(addresses: &BTreeMap<PeerAddress, u64>) -> Option<PeerAddress> {
    addresses.iter().min_by_key(|(_, last_good)| **last_good).map(|(address, _)| address.clone())
}

/// Reads the file. A missing one is empty; a damaged one is renamed to `<name>.damaged`, said once, and empty.
pub(crate) fn load(path: &Path) -> PeerStore {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return PeerStore::default(),
        Err(error) => return set_aside(path, &error.to_string()),
    };
    PeerStore::from_json(&text).unwrap_or_else(|error| set_aside(path, &error))
}

/// Replaces the file: readers see the old or the new contents, also after a power failure.
pub(crate) fn save(path: &Path, json: &str) -> io::Result<()> {
    let temporary = with_suffix(path, ".new");
    let mut file = File::create(&temporary)?;
    file.write_all(json.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn set_aside(path: &Path, problem: &str) -> PeerStore {
    let aside = with_suffix(path, ".damaged");
    match fs::rename(path, &aside) {
        Ok(()) => tracing::warn!(
            "The known addresses in {} cannot be read ({problem}); the file is now {} and a new one begins.",
            path.display(),
            aside.display()
        ),
        Err(error) => tracing::warn!(
            "The known addresses in {} cannot be read ({problem}) nor set aside ({error}); starting without them.",
            path.display()
        ),
    }
    PeerStore::default()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn address(text: &str) -> PeerAddress {
        text.parse().unwrap()
    }

    #[test]
    fn nodes_do_not_agree_on_which_of_the_peers_they_have_heard_of_comes_first() {
        let first_of = |_| {
            let mut known = PeerStore::default();
            (0..20).for_each(|n| known.heard(peer(n), &address("192.0.2.1:20000"), Network::Unknown));
            assert_eq!(known.peers(), known.peers(), "but each keeps to its order");
            known.peers().first().copied()
        };
        let firsts: std::collections::BTreeSet<_> = (0..40).map(first_of).collect();
        assert!(firsts.len() > 4, "40 nodes begin with {firsts:?}");
    }

    #[test]
    fn the_table_survives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        let mut known = PeerStore::default();
        known.good(peer(1), &address("example.org:20000"), 100);
        known.heard(peer(1), &address("/ip4/8.8.8.8/udp/20000/quic-v1"), Network::Unknown);
        known.good(peer(2), &address("[::1]:20000"), 200);
        save(&path, &known.to_json()).unwrap();
        save(&path, &known.to_json()).expect("replacing works as well");
        let mut again = load(&path);
        assert_eq!(again.peers, known.peers);
        assert!(!again.take_changed());
        assert_eq!(again.peers(), [peer(2), peer(1)], "met last comes first");
        assert_eq!(again.addresses(&peer(1)).first(), Some(&address("example.org:20000")));
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_a_missing_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        assert_eq!(load(&path).len(), 0);
        for contents in ["", "{", "[]", "null", r#"{"version":2,"addresses":[]}"#, "\u{0}"] {
            fs::write(&path, contents).unwrap();
            assert_eq!(load(&path).len(), 0, "{contents:?}");
            assert!(!path.exists(), "{contents:?}");
            assert_eq!(fs::read_to_string(with_suffix(&path, ".damaged")).unwrap(), contents);
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(load(&path).len(), 0, "not UTF-8");
    }

    #[test]
    fn one_senseless_row_does_not_cost_the_others() {
        let text = format!(
            r#"{{"version":1,"addresses":[{{"peer":"x","address":"a:1","last_good":1}},
            {{"peer":"{0}","address":"nowhere","last_good":1}},{{"peer":"{0}","address":"a:1","last_good":1}}]}}"#,
            peer(1)
        );
        assert_eq!(PeerStore::from_json(&text).unwrap().addresses(&peer(1)), [address("a:1")]);
    }

    #[test]
    fn a_full_table_gives_up_what_was_only_heard_of() {
        let mut known = PeerStore::default();
        known.good(peer(1), &address("good.example:1"), 100);
        for n in 0..MAX_KNOWN_ADDRESSES + 50 {
            let mut key = [0; 32];
            key.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            known.heard(PeerId::from_ed25519(key), &address("heard.example:1"), Network::Unknown);
        }
        assert_eq!(known.len(), MAX_KNOWN_ADDRESSES);
        assert_eq!(known.addresses(&peer(1)), [address("good.example:1")]);
    }

    #[test]
    fn no_peer_id_that_somebody_chooses_stays_longer_than_others() {
        let mut known = PeerStore::default();
        let last = |n: usize| {
            let mut key = [0xff; 32];
            key[..8].copy_from_slice(&(u64::MAX - u64::try_from(n).unwrap()).to_be_bytes());
            PeerId::from_ed25519(key)
        };
        (0..200).for_each(|n| known.heard(peer(n), &address("honest.example:1"), Network::Unknown));
        (0..1_000).for_each(|n| known.heard(last(n), &address("chosen.example:1"), Network::Unknown));
        let honest = (0..200).filter(|n| !known.addresses(&peer(*n)).is_empty()).count();
        assert!(honest > 100, "{honest} of 200 are left among a thousand of 1,200");
    }

    #[test]
    fn a_network_that_invents_nodes_displaces_its_inventions_and_nobody_else() {
        let network = |n: u8| Network::V4([198, n]);
        let mut known = PeerStore::default();
        (0..200).for_each(|n| known.heard(peer(n), &address("honest.example:1"), network(n % 20)));
        let invent = |known: &mut PeerStore, begin: u32| {
            for n in begin..begin + 5_000 {
                let mut key = [255; 32];
                key.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
                known.heard(PeerId::from_ed25519(key), &address("8.8.8.8:1"), network(99));
            }
        };
        invent(&mut known, 0);
        let honest = |known: &PeerStore| (0..200).filter(|n| !known.addresses(&peer(*n)).is_empty()).count();
        assert_eq!((known.len(), honest(&known)), (MAX_KNOWN_ADDRESSES, 200));
        let mut known = PeerStore::from_json(&known.to_json()).unwrap();
        invent(&mut known, 5_000);
        assert_eq!((known.len(), honest(&known)), (MAX_KNOWN_ADDRESSES, 200), "nor after a restart");
    }

    #[test]
    fn nodes_in_one_network_that_answered_displace_each_other_and_not_the_few_of_others() {
        let mut known = PeerStore::default();
        for n in 0..50 {
            known.good(peer(n), &address(&format!("8.{n}.8.8:1")), 1);
        }
        for n in 0..1_500_u32 {
            let mut key = [255; 32];
            key.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            known.good(PeerId::from_ed25519(key), &address(&format!("9.9.{}.{}:1", n / 250, n % 250)), 2);
        }
        assert_eq!(known.len(), MAX_KNOWN_ADDRESSES);
        assert!((0..50).all(|n| !known.addresses(&peer(n)).is_empty()));
    }

    #[test]
    fn one_peer_cannot_fill_the_table_nor_displace_what_worked() {
        let mut known = PeerStore::default();
        known.good(peer(1), &address("good.example:1"), 100);
        for port in 1..100 {
            known.heard(peer(1), &address(&format!("8.8.8.8:{port}")), Network::Unknown);
        }
        assert_eq!(known.len(), MAX_PER_PEER);
        known.good(peer(1), &address("newer.example:1"), 200);
        let best = known.addresses(&peer(1));
        assert_eq!(best.len(), MAX_PER_PEER);
        assert_eq!(best.get(..2), Some([address("newer.example:1"), address("good.example:1")].as_slice()));
    }

    #[test]
    fn a_new_announcement_replaces_what_was_only_heard_of() {
        let mut known = PeerStore::default();
        known.good(peer(1), &address("good.example:1"), 100);
        let named = |ports: std::ops::Range<u16>| {
            ports.map(|port| address(&format!("8.8.8.8:{port}"))).collect::<Vec<_>>()
        };
        known.announced(peer(1), &named(1..5));
        assert_eq!(known.len(), 5);
        known.announced(peer(1), &named(10..15));
        assert_eq!(known.len(), MAX_PER_PEER);
        let all = known.addresses(&peer(1));
        assert_eq!(all.first(), Some(&address("good.example:1")));
        assert!(named(10..15).iter().all(|address| all.contains(address)), "{all:?}");
        known.announced(peer(1), &named(100..200));
        let all = known.addresses(&peer(1));
        assert_eq!((all.len(), all.first()), (MAX_PER_PEER, Some(&address("good.example:1"))));
        assert!(all.contains(&address("8.8.8.8:100")), "{all:?}");
        known.announced(peer(2), &named(1..3));
        assert_eq!(known.addresses(&peer(2)), named(1..3));
    }

    #[test]
    fn relays_that_are_not_named_any_more_are_forgotten() {
        let mut known = PeerStore::default();
        let over = |relay| address(&format!("/ip4/8.8.8.8/tcp/1/p2p/{}/p2p-circuit", peer(relay)));
        known.good(peer(1), &address("good.example:1"), 100);
        known.good(peer(1), &over(7), 200);
        known.announced(peer(1), &[over(8)]);
        assert_eq!(known.addresses(&peer(1)), [address("good.example:1"), over(8)]);
        known.announced(peer(1), &[over(9)]);
        assert_eq!(known.addresses(&peer(1)), [address("good.example:1"), over(9)]);
        assert_eq!(PeerStore::from_json(&known.to_json()).unwrap().peers, known.peers);
    }

    #[test]
    fn what_is_heard_last_can_be_dialed_though_the_table_is_full() {
        let mut known = PeerStore::default();
        for n in 0..MAX_KNOWN_ADDRESSES {
            let mut key = [9; 32];
            key.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            known.heard(PeerId::from_ed25519(key), &address("heard.example:1"), Network::Unknown);
        }
        known.announced(peer(0), &[address("8.8.8.8:1")]);
        assert_eq!(known.addresses(&peer(0)), [address("8.8.8.8:1")]);
        assert_eq!(known.len(), MAX_KNOWN_ADDRESSES);
    }

    #[test]
    fn where_a_node_once_was_is_tried_again_for_whoever_is_there_now() {
        let mut known = PeerStore::default();
        known.good(peer(1), &address("good.example:1"), 100);
        known.heard(peer(1), &address("heard.example:1"), Network::Unknown);
        known.moved(peer(1), &address("good.example:1"), peer(2));
        known.moved(peer(1), &address("heard.example:1"), peer(3));
        assert_eq!(known.peers(), [peer(2)], "what was only heard of leads to nobody else");
        assert_eq!(known.addresses(&peer(2)), [address("good.example:1")]);
    }

    #[test]
    fn hearing_again_of_a_good_address_keeps_it_good() {
        let mut known = PeerStore::default();
        known.good(peer(1), &address("a.example:1"), 100);
        assert!(known.take_changed());
        known.heard(peer(1), &address("a.example:1"), Network::Unknown);
        assert!(!known.take_changed());
        known.wrong(peer(1), &address("a.example:1"));
        assert!(known.take_changed());
        assert_eq!(known.peers(), []);
    }
}
