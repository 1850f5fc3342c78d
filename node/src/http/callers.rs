//! Who goes home through this node from where: of the sessions that a node at home gets, no one place may take them all,
//! or a stranger at a helper's door would keep the owner out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nostrp2p_protocol::PeerId;

use super::visitors::Place;

/// Sessions by where they lead and where they come from. There are no more entries than sessions. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callers(Arc<Mutex<BTreeMap<(PeerId, Place), usize>>>);

/// A session that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Call {
    callers: Callers,
    way: (PeerId, Place),
}

impl Callers {
    /// Counts a session to a node that gets so many in all; None when this place has half of them. This machine itself
    /// has no limit: a proxy that does not say who comes would be one place for all.
    pub(crate) fn enter(&self, peer: PeerId, place: Place, sessions: usize) -> Option<Call> {
        let way = (peer, place);
        let mut calls = self.lock();
        let count = calls.get(&way).copied().unwrap_or(0);
        if place != Place::Here && count >= sessions.div_ceil(2) {
            return None;
        }
        calls.insert(way, count + 1);
        drop(calls);
        Some(Call { callers: self.clone(), way })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(PeerId, Place), usize>> {
        // What a panic left behind is a count, and no worse than before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut calls = self.callers.lock();
        match calls.get_mut(&self.way) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(calls.remove(&self.way)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_gets_half_of_a_nodes_sessions_and_gives_them_back() {
        let callers = Callers::default();
        let (home, other) = (PeerId::from_ed25519([1; 32]), PeerId::from_ed25519([2; 32]));
        let (near, far) =
            (Place::Network("192.0.2.1".parse().unwrap()), Place::Network("192.0.2.2".parse().unwrap()));
        let mut calls: Vec<Call> = (0..4).map(|_| callers.enter(home, near, 8).unwrap()).collect();
        assert!(callers.enter(home, near, 8).is_none());
        assert!(callers.enter(home, far, 8).is_some() && callers.enter(other, near, 1).is_some());
        calls.pop();
        calls.push(callers.enter(home, near, 8).unwrap());
        let here: Vec<_> = (0..9).filter_map(|_| callers.enter(home, Place::Here, 8)).collect();
        assert_eq!(here.len(), 9);
        drop((calls, here));
        assert!(callers.lock().is_empty());
    }
}
