//! The sources of the entries of a bounded table, so that no source crowds out the others.
//!
//! A full table evicts a random entry of its largest source: first the network with the most entries, then the
//! neighbour with the most of that network. Nothing that a sender writes into an entry matters, so whoever invents
//! entries displaces their own. Keys cost nothing and networks do, so the network comes first; Bitcoin Core's table
//! of addresses has the same rule (Heilman and others 2015, "Eclipse attacks").

use std::collections::BTreeMap;

use nostrp2p_protocol::{Network, PeerId};

use crate::rng::SeededRng;

/// The neighbour that told an entry, and the network from which it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The network.
    pub network: Network,
    /// The neighbour.
    pub peer: PeerId,
}

/// The sources of all entries of one table. The table keeps it in step with its entries.
#[derive(Debug)]
pub(crate) struct Sources<K> {
    /// Each entry's source, and its position in the source's list.
    places: BTreeMap<K, (Source, usize)>,
    lists: BTreeMap<Source, Vec<K>>,
    networks: BTreeMap<Network, usize>,
}

impl<K> Default for Sources<K> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), lists: BTreeMap::new(), networks: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Sources<K> {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Notes the source of an entry. An entry that several sources tell belongs to the smallest of them, so that
    /// nobody makes an entry more likely to be evicted by repeating it.
    pub(crate) fn insert(&mut self, key: K, source: Source) {
        if let Some((before, _)) = self.places.get(&key) {
            if self.weight(before) <= self.weight(&source) {
                return;
            }
            self.remove(&key);
        }
        let list = self.lists.entry(source).or_default();
        self.places.insert(key, (source, list.len()));
        list.push(key);
        *self.networks.entry(source.network).or_default() += 1;
    }

    /// Forgets an entry.
    pub(crate) fn remove(&mut self, key: &K) {
        let Some((source, position)) = self.places.remove(key) else { return };
        if let Some(list) = self.lists.get_mut(&source) {
            list.swap_remove(position);
            if let Some((_, moved)) = list.get(position).and_then(|moved| self.places.get_mut(moved)) {
                *moved = position;
            }
            if list.is_empty() {
                self.lists.remove(&source);
            }
        }
        if let Some(count) = self.networks.get_mut(&source.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&source.network);
            }
        }
    }

    /// A random entry of the largest source, but none that is to be kept; None when all are to be kept.
    pub(crate) fn victim(&self, rng: &mut SeededRng, keep: impl Fn(&K) -> bool) -> Option<K> {
        let mut networks: Vec<(usize, Network)> =
            self.networks.iter().map(|(network, count)| (*count, *network)).collect();
        networks.sort_unstable();
        for (_, network) in networks.into_iter().rev() {
            let mut lists: Vec<&Vec<K>> = self.of(network).map(|(_, list)| list).collect();
            lists.sort_by_key(|list| list.len());
            for list in lists.into_iter().rev() {
                let (before, after) = list.split_at(rng.index(list.len()));
                if let Some(key) = after.iter().chain(before).find(|key| !keep(key)) {
                    return Some(*key);
                }
            }
        }
        None
    }

    /// The wanted entries, in an order in which all networks take turns, and within each all neighbours; otherwise it
    /// is random. So the first entries are a mixture in which no source has more than its share.
    pub(crate) fn mixed(&self, rng: &mut SeededRng, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        let mut networks: Vec<Vec<K>> = Vec::new();
        for network in self.networks.keys() {
            let lists = self.of(*network).map(|(_, list)| {
                let mut list: Vec<K> = list.iter().filter(|key| wanted(key)).copied().collect();
                rng.shuffle(&mut list);
                list
            });
            let mut lists: Vec<Vec<K>> = lists.collect();
            rng.shuffle(&mut lists);
            networks.push(take_turns(lists));
        }
        rng.shuffle(&mut networks);
        take_turns(networks)
    }

    fn of(&self, network: Network) -> impl Iterator<Item = (&Source, &Vec<K>)> {
        let end = |byte| Source { network, peer: PeerId::from_ed25519([byte; 32]) };
        self.lists.range(end(0)..=end(u8::MAX))
    }

    /// How many entries the network of a source has, and how many the source itself.
    fn weight(&self, source: &Source) -> (usize, usize) {
        let all = self.networks.get(&source.network).copied().unwrap_or(0);
        (all, self.lists.get(source).map_or(0, Vec::len))
    }
}

fn take_turns<K>(lists: Vec<Vec<K>>) -> Vec<K> {
    let mut turns: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut mixed = Vec::new();
    while !turns.is_empty() {
        turns.retain_mut(|list| {
            list.next().is_some_and(|key| {
                mixed.push(key);
                true
            })
        });
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(network: u8, peer: u8) -> Source {
        Source { network: Network::V4([network, 0]), peer: PeerId::from_ed25519([peer; 32]) }
    }

    #[test]
    fn the_largest_network_makes_room_and_in_it_the_largest_neighbour() {
        let mut sources = Sources::default();
        (0..50).for_each(|key| sources.insert(key, source(1, 1)));
        (50..80).for_each(|key| sources.insert(key, source(2, 2)));
        (80..110).for_each(|key| sources.insert(key, source(2, 3)));
        (110..120).for_each(|key| sources.insert(key, source(2, 4)));
        let mut rng = SeededRng::new(1);
        while sources.len() > 30 {
            let victim = sources.victim(&mut rng, |_| false).unwrap();
            sources.remove(&victim);
        }
        let left = |keys: std::ops::Range<i32>| keys.filter(|key| sources.places.contains_key(key)).count();
        assert_eq!([left(0..50), left(50..120)], [15, 15], "both networks have the same");
        assert!(left(110..120) >= 4, "the small neighbour of the large network has lost little");
        assert_eq!(sources.networks.values().sum::<usize>(), 30);
        assert!(sources.places.iter().all(|(key, (source, at))| sources.lists[source][*at] == *key));
    }

    #[test]
    fn what_is_kept_is_no_victim_and_chance_chooses_among_the_rest() {
        let mut sources = Sources::default();
        (0..10).for_each(|key| sources.insert(key, source(1, 1)));
        sources.insert(10, source(2, 2));
        let victims: std::collections::BTreeSet<_> =
            (0..100).filter_map(|seed| sources.victim(&mut SeededRng::new(seed), |key| *key < 5)).collect();
        assert_eq!(victims, (5..10).collect());
        assert_eq!(
            sources.victim(&mut SeededRng::new(1), |key| *key < 10),
            Some(10),
            "another source, if need be"
        );
        assert_eq!(sources.victim(&mut SeededRng::new(1), |_| true), None);
    }

    #[test]
    fn repeating_an_entry_does_not_take_it_over() {
        let mut sources = Sources::default();
        (0..10).for_each(|key| sources.insert(key, source(1, 1)));
        sources.insert(20, source(2, 2));
        sources.insert(20, source(1, 1));
        assert_eq!(sources.places[&20].0, source(2, 2));
        sources.insert(5, source(3, 3));
        assert_eq!(sources.places[&5].0, source(3, 3), "a smaller source gives it a safer place");
        assert_eq!(sources.len(), 11);
    }

    #[test]
    fn a_mixture_holds_no_more_of_one_source_than_of_others() {
        let mut sources = Sources::default();
        (0..1_000).for_each(|key| sources.insert(key, source(1, 1)));
        (1_000..1_010).for_each(|key| sources.insert(key, source(2, 2)));
        (1_010..1_020).for_each(|key| sources.insert(key, source(2, 3)));
        let mixed = sources.mixed(&mut SeededRng::new(7), |key| *key != 1_000);
        assert_eq!(mixed.len(), 1_019);
        let honest = mixed.iter().take(38).filter(|key| **key > 1_000).count();
        assert_eq!(honest, 19);
        assert_ne!(mixed, sources.mixed(&mut SeededRng::new(8), |key| *key != 1_000));
    }
}
