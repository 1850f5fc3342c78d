//! Revoked delegations.
//!
//! A revocation is a delegation that had ended when it was signed (see [`Delegation::is_revocation`]); the owner's
//! signature is enough, whoever brings it. It is kept until each delegation that it revokes would have ended. Anybody
//! can invent people, so the table evicts as [`crate::sources`] says, and each person has a bound.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Delegation, PeerId, PublicKey, UnverifiedEvent, rpc::MAX_REVOCATIONS};

use crate::{
    directory::Needs,
    rng::SeededRng,
    sources::{Source, Sources},
};

/// Most revocations: 5 MB. People revoke a delegation when they lose a node or move, so this suffices for a large
/// network.
const MAX_KEPT: usize = 10_000;
/// Most revocations of one person, who loses few nodes in 90 days. The newest stay.
const MAX_OF_ONE: usize = 32;

type Key = (PublicKey, PeerId);

/// Person and node -> the newest revocation.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    kept: BTreeMap<Key, Delegation>,
    /// The same by the time from which there is nothing left to revoke.
    ends: BTreeSet<(u64, Key)>,
    sources: Sources<Key>,
}

/// The change that a new revocation causes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whether the revocation is new here.
    pub(crate) new: bool,
    /// Those that made room.
    pub(crate) gone: Vec<Key>,
}

impl Revocations {
    /// Whether a revocation would change anything, its signature aside.
    pub(crate) fn lacks(&self, person: &PublicKey, peer: &PeerId, created_at: u64) -> bool {
        self.kept.get(&(*person, *peer)).is_none_or(|kept| kept.created_at() < created_at)
    }

    /// Takes a revocation in whose signature is right.
    pub(crate) fn add(
        &mut self,
        revocation: Delegation,
        source: Source,
        now: u64,
        rng: &mut SeededRng,
        needs: &impl Needs,
    ) -> Change {
        let mut gone = self.forget_ended(now);
        let key = (revocation.owner(), revocation.peer());
        if !revocation.is_revocation()
            || revocation.matters_until() <= now
            || !self.lacks(&key.0, &key.1, revocation.created_at())
        {
            return Change { new: false, gone };
        }
        self.remove(&key);
        self.ends.insert((revocation.matters_until(), key));
        self.kept.insert(key, revocation);
        self.sources.insert(key, source);
        if self.of_person(&key.0).count() > MAX_OF_ONE {
            let oldest =
                self.of_person(&key.0).min_by_key(|(_, kept)| kept.created_at()).map(|(key, _)| *key);
            gone.extend(oldest.inspect(|oldest| self.remove(oldest)));
        }
        while self.kept.len() > MAX_KEPT {
            let stays = |(person, peer): &Key| needs.is_connected(peer) || needs.is_needed(person);
            let victim = self.sources.victim(rng, stays).unwrap_or(key);
            self.remove(&victim);
            gone.push(victim);
        }
        Change { new: self.kept.contains_key(&key), gone }
    }

    /// Whether an owner has taken this word back.
    pub(crate) fn revokes(&self, word: &Delegation) -> bool {
        let revoked = self.kept.get(&(word.owner(), word.peer()));
        revoked.is_some_and(|revoked| revoked.created_at() >= word.created_at() && revoked != word)
    }

    /// The revocations to tell: of these people, or, if none is named, a mixture of all sources.
    pub(crate) fn told(&self, people: &[PublicKey], rng: &mut SeededRng) -> Vec<UnverifiedEvent> {
        let keys: Vec<Key> = if people.is_empty() {
            self.sources.mixed(rng, |_| true)
        } else {
            people.iter().flat_map(|person| self.of_person(person)).map(|(key, _)| *key).collect()
        };
        let kept = keys.iter().filter_map(|key| self.kept.get(key)).take(MAX_REVOCATIONS);
        kept.map(|kept| UnverifiedEvent { claimed_id: None, ..kept.event().clone().into() }).collect()
    }

    fn of_person(&self, person: &PublicKey) -> impl Iterator<Item = (&Key, &Delegation)> {
        let end = |byte| (*person, PeerId::from_ed25519([byte; 32]));
        self.kept.range(end(0)..=end(u8::MAX))
    }

    fn forget_ended(&mut self, now: u64) -> Vec<Key> {
        let mut ended = Vec::new();
        while let Some((_, key)) = self.ends.first().filter(|(end, _)| *end <= now).copied() {
            self.remove(&key);
            ended.push(key);
        }
        ended
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.ends.remove(&(kept.matters_until(), *key));
            self.sources.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Network, SecretKey, delegation, delegation::MAX_AHEAD_SECONDS};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    struct Nobody;

    impl Needs for Nobody {
        fn is_connected(&self, _: &PeerId) -> bool {
            false
        }

        fn is_needed(&self, _: &PublicKey) -> bool {
            false
        }
    }

    fn key() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    fn word(peer: u8, created_at: u64) -> Delegation {
        let draft = delegation::draft(&PeerId::from_ed25519([peer; 32]), created_at);
        Delegation::from_event(draft.sign(&key(), &[0; 32])).unwrap()
    }

    fn revocation(peer: u8, created_at: u64) -> Delegation {
        let draft = delegation::ended(&PeerId::from_ed25519([peer; 32]), created_at);
        Delegation::from_event(draft.sign(&key(), &[0; 32])).unwrap()
    }

    fn add(revocations: &mut Revocations, revocation: Delegation, now: u64) -> Change {
        let source = Source { network: Network::Unknown, peer: PeerId::from_ed25519([9; 32]) };
        revocations.add(revocation, source, now, &mut SeededRng::new(1), &Nobody)
    }

    #[test]
    fn a_word_is_revoked_and_a_later_one_is_not() {
        let mut revocations = Revocations::default();
        assert!(add(&mut revocations, revocation(1, NOW), NOW).new);
        assert!(!add(&mut revocations, revocation(1, NOW), NOW).new, "known");
        assert!(!add(&mut revocations, word(2, NOW), NOW).new, "a word that holds revokes nothing");
        assert!(revocations.revokes(&word(1, NOW - 1)) && revocations.revokes(&word(1, NOW)));
        assert!(!revocations.revokes(&word(1, NOW + 1)) && !revocations.revokes(&word(2, NOW - 1)));
        assert!(!revocations.revokes(&revocation(1, NOW)), "it is the word that ends the others");
        assert_eq!(revocations.told(&[], &mut SeededRng::new(1)).len(), 1);
        assert_eq!(revocations.told(&[key().public_key()], &mut SeededRng::new(1)).len(), 1);
        assert!(revocations.told(&[PublicKey::from_bytes([5; 32])], &mut SeededRng::new(1)).is_empty());
    }

    #[test]
    fn it_is_kept_until_the_word_would_have_ended() {
        let mut revocations = Revocations::default();
        add(&mut revocations, revocation(1, NOW), NOW);
        let end = NOW + MAX_AHEAD_SECONDS;
        assert_eq!(add(&mut revocations, revocation(2, NOW + 9), end - 1).gone, []);
        assert!(revocations.revokes(&word(1, NOW - 1)));
        assert!(!word(1, NOW).is_credible(NOW) || word(1, NOW).expires() <= end, "nothing outlasts it");
        let gone = add(&mut revocations, revocation(3, NOW + 9), end).gone;
        assert_eq!(gone, [(key().public_key(), PeerId::from_ed25519([1; 32]))]);
        assert!(!add(&mut revocations, revocation(4, NOW), end).new, "too old to matter");
    }

    #[test]
    fn one_person_has_a_bound_and_the_newest_stay() {
        let mut revocations = Revocations::default();
        for peer in 0..40 {
            add(&mut revocations, revocation(peer, NOW + u64::from(peer)), NOW);
        }
        assert_eq!(revocations.kept.len(), MAX_OF_ONE);
        assert_eq!((revocations.ends.len(), revocations.sources.len()), (MAX_OF_ONE, MAX_OF_ONE));
        assert!(revocations.revokes(&word(39, NOW)) && !revocations.revokes(&word(7, NOW)));
    }
}
