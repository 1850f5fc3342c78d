//! Bounds the pending inbound handshakes.
//!
//! A transport around all others. When the limit is reached, a new connection replaces the oldest pending one of the
//! address that has most. So connections that say nothing give way to those that complete their handshake, and nobody
//! can push out the connections of other addresses from one address.

use std::{
    collections::VecDeque,
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{
    future::{AbortHandle, Abortable},
    ready,
};
use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};

use crate::origin;

/// How many may be on the threshold. Each has a file descriptor and some kilobytes.
const MAX_COMING: usize = 32;

/// A transport that drops the oldest pending inbound connection for a new one when there are too many.
pub(crate) struct HandshakeLimit<T> {
    inner: T,
    coming: PendingInbound,
}

/// The pending inbound connections, the oldest first. Clones share them.
#[derive(Debug, Clone, Default)]
struct PendingInbound(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<Newcomer>,
}

#[derive(Debug)]
struct Newcomer {
    number: u64,
    from: Origin,
    leave: AbortHandle,
}

/// The origin of a connection; see [`origin::network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Network(IpAddr),
    Elsewhere,
}

/// Why a newcomer did not come in.
#[derive(Debug)]
pub(crate) enum UpgradeError<E> {
    /// It was dropped for a newer one.
    Displaced,
    /// As the transport below says.
    Failed(E),
}

impl<E: fmt::Display> fmt::Display for UpgradeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Displaced => f.write_str("it was slow, and made room for others"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for UpgradeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Displaced => None,
            Self::Failed(error) => error.source(),
        }
    }
}

impl<T> HandshakeLimit<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, coming: PendingInbound::default() }
    }
}

impl PendingInbound {
    /// Puts somebody on the threshold, in place of another when it is full.
    fn step<U>(&self, from: Origin, upgrade: U) -> Upgrade<U> {
        let (leave, registration) = AbortHandle::new_pair();
        let mut queue = self.lock();
        if queue.waiting.len() >= MAX_COMING {
            queue.displace();
        }
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back(Newcomer { number, from, leave });
        drop(queue);
        let upgrade = Box::pin(Abortable::new(upgrade, registration));
        Upgrade { upgrade, place: Some(PeerLocation { coming: self.clone(), number }) }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // What a panic left behind is a list that is right all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn displace(&mut self) {
        let from = |from| self.waiting.iter().filter(move |newcomer| newcomer.from == from).count();
        // Of several with most the first, so the one that has been there for the longest.
        let mut most = None;
        for (index, newcomer) in self.waiting.iter().enumerate() {
            let count = from(newcomer.from);
            if most.is_none_or(|(_, before)| count > before) {
                most = Some((index, count));
            }
        }
        if let Some(newcomer) = most.and_then(|(index, _)| self.waiting.remove(index)) {
            newcomer.leave.abort();
        }
    }
}

impl Origin {
    fn of(address: &Multiaddr) -> Self {
        origin::network(address).map_or(Self::Elsewhere, Self::Network)
    }
}

/// The handshake of somebody who comes in, with the place on the threshold that it has meanwhile.
pub(crate) struct Upgrade<U> {
    upgrade: Pin<Box<Abortable<U>>>,
    place: Option<PeerLocation>,
}

/// A place on the threshold, free again when dropped.
struct PeerLocation {
    coming: PendingInbound,
    number: u64,
}

impl Drop for PeerLocation {
    fn drop(&mut self) {
        self.coming.lock().waiting.retain(|newcomer| newcomer.number != self.number);
    }
}

impl<U: Future<Output = Result<O, E>>, O, E> Future for Upgrade<U> {
    type Output = Result<O, UpgradeError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = ready!(self.upgrade.as_mut().poll(cx));
        self.place = None;
        Poll::Ready(match done {
            Ok(done) => done.map_err(UpgradeError::Failed),
            Err(_displaced) => Err(UpgradeError::Displaced),
        })
    }
}

impl<T: Transport + Unpin> Transport for HandshakeLimit<T>
where
    T::Error: 'static,
{
    type Output = T::Output;
    type Error = UpgradeError<T::Error>;
    type ListenerUpgrade = Upgrade<T::ListenerUpgrade>;
    type Dial = futures::future::MapErr<T::Dial, fn(T::Error) -> UpgradeError<T::Error>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.inner.listen_on(id, address).map_err(|error| error.map(UpgradeError::Failed))
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        let failed: fn(T::Error) -> UpgradeError<T::Error> = UpgradeError::Failed;
        let dial = self.inner.dial(address, options).map_err(|error| error.map(UpgradeError::Failed))?;
        Ok(futures::TryFutureExt::map_err(dial, failed))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        let event = ready!(Pin::new(&mut self.inner).poll(cx));
        let coming = &self.coming;
        Poll::Ready(match event {
            TransportEvent::Incoming { listener_id, upgrade, local_addr, send_back_addr } => {
                let upgrade = coming.step(Origin::of(&send_back_addr), upgrade);
                TransportEvent::Incoming { listener_id, upgrade, local_addr, send_back_addr }
            }
            other => other
                .map_err(UpgradeError::Failed)
                .map_upgrade(|upgrade| coming.step(Origin::Elsewhere, upgrade)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    type Silent = futures::future::Pending<Result<(), ()>>;

    fn come(coming: &PendingInbound, address: &str) -> Upgrade<Silent> {
        coming.step(Origin::of(&address.parse().unwrap()), futures::future::pending())
    }

    fn is_displaced(upgrade: &mut Upgrade<Silent>) -> bool {
        matches!(upgrade.now_or_never(), Some(Err(UpgradeError::Displaced)))
    }

    #[test]
    fn who_comes_takes_the_place_of_the_longest_silent_one_from_the_fullest_address() {
        let coming = PendingInbound::default();
        let mut alone = come(&coming, "/ip4/9.9.9.9/tcp/1");
        let mut crowd: Vec<_> =
            (2..=MAX_COMING).map(|port| come(&coming, &format!("/ip4/8.8.8.8/tcp/{port}"))).collect();
        assert!(!crowd.iter_mut().any(is_displaced));
        let mut newcomer = come(&coming, "/ip4/7.7.7.7/tcp/1");
        let mut more = come(&coming, "/ip4/8.8.8.8/tcp/99");
        assert!(!is_displaced(&mut alone) && !is_displaced(&mut newcomer) && !is_displaced(&mut more));
        let displaced: Vec<bool> = crowd.iter_mut().map(is_displaced).collect();
        assert_eq!(displaced.iter().position(|displaced| !displaced), Some(2), "the first two had to go");
        assert_eq!(displaced.iter().filter(|displaced| **displaced).count(), 2);
        drop((alone, crowd, newcomer, more));
        assert!(coming.lock().waiting.is_empty());
    }

    #[test]
    fn a_household_counts_as_one_whatever_it_takes_of_its_network() {
        let of = |address: &str| Origin::of(&address.parse().unwrap());
        assert_eq!(of("/ip6/2001:db8:1:2:3::4/tcp/5"), of("/ip6/2001:db8:1:2::9/udp/7/quic-v1"));
        assert_ne!(of("/ip6/2001:db8:1:2::1/tcp/5"), of("/ip6/2001:db8:1:3::1/tcp/5"));
        assert_ne!(of("/ip4/8.8.8.8/tcp/5"), of("/ip4/8.8.4.4/tcp/5"));
        assert_eq!(of("/ip6/::ffff:8.8.8.8/tcp/5"), of("/ip4/8.8.8.8/tcp/5"));
        assert_eq!(of("/memory/5"), Origin::Elsewhere);
    }
}
