//! Refuses connections by checks that libp2p's own connection limits lack.
//!
//! A behaviour without a protocol. It refuses peers whose gossipsub score was exhausted, for a while; peers whose key
//! is not an ed25519 key, always; and more than so many connections from one public address.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
    },
};
use nostrp2p_protocol::PeerId;

use crate::{convert, origin::public_network};

/// Inbound connections from one public address, or one network of 64 bits: a household, a small office or a class room
/// behind one router. Private and loopback addresses are not counted, see [`public_network`].
const MAX_INBOUND_PER_IP: usize = 16;

/// How long a peer with a spent score stays out: gossipsub remembers scores as long.
const BAN_TIME: Duration = Duration::from_secs(3600);

/// Bans remembered, the oldest given up first. A new key costs nothing, so remembering more would buy little.
const MAX_BANS: usize = 1024;

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("its key is not an ed25519 key")]
    Key,
    #[error("it sent too much that was invalid, or too little of what it had offered")]
    Banned,
    #[error("there are too many connections from its address")]
    Address,
}

/// The behaviour.
#[derive(Default)]
pub(crate) struct ConnectionFilter {
    banned: BTreeMap<PeerId, Instant>,
    inbound: HashMap<IpAddr, usize>,
}

impl ConnectionFilter {
    /// Keeps a peer out from now on. Existing connections are the caller's to close.
    pub(crate) fn ban(&mut self, peer: PeerId, now: Instant) {
        self.banned.retain(|_, until| *until > now);
        while self.banned.len() >= MAX_BANS {
            let Some(oldest) = self.banned.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer)
            else {
                break;
            };
            self.banned.remove(&oldest);
        }
        self.banned.insert(peer, now + BAN_TIME);
    }

    pub(crate) fn is_banned(&self, peer: &PeerId, now: Instant) -> bool {
        self.banned.get(peer).is_some_and(|until| *until > now)
    }

    fn admit(&self, peer: &libp2p::PeerId) -> Result<(), Refused> {
        let peer = convert::peer_id(peer).ok_or(Refused::Key)?;
        if self.is_banned(&peer, Instant::now()) { Err(Refused::Banned) } else { Ok(()) }
    }

    fn is_crowded(&self, ip: &IpAddr) -> bool {
        self.inbound.get(ip).is_some_and(|count| *count >= MAX_INBOUND_PER_IP)
    }
}

impl NetworkBehaviour for ConnectionFilter {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        // Before the handshake, which is what costs.
        match public_network(remote).filter(|ip| self.is_crowded(ip)) {
            Some(_) => Err(ConnectionDenied::new(Refused::Address)),
            None => Ok(()),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: libp2p::PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(&peer).map_err(ConnectionDenied::new)?;
        if public_network(remote).is_some_and(|ip| self.is_crowded(&ip)) {
            return Err(ConnectionDenied::new(Refused::Address));
        }
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: libp2p::PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(&peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(established) if established.endpoint.is_listener() => {
                if let Some(ip) = public_network(established.endpoint.get_remote_address()) {
                    *self.inbound.entry(ip).or_default() += 1;
                }
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { endpoint, .. }) if endpoint.is_listener() => {
                let Some(ip) = public_network(endpoint.get_remote_address()) else {
                    return;
                };
                let Some(count) = self.inbound.get_mut(&ip) else {
                    return;
                };
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.inbound.remove(&ip);
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: libp2p::PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knock(gate: &mut ConnectionFilter, address: &str) -> bool {
        let (local, remote) = (Multiaddr::empty(), address.parse().unwrap());
        gate.handle_pending_inbound_connection(ConnectionId::new_unchecked(1), &local, &remote).is_ok()
    }

    #[test]
    fn one_public_address_gets_only_so_many_connections_and_private_ones_any_number() {
        let mut gate = ConnectionFilter::default();
        for ip in ["192.0.2.1", "127.0.0.1", "8.8.8.8"] {
            gate.inbound.insert(ip.parse().unwrap(), MAX_INBOUND_PER_IP);
        }
        gate.inbound.insert("2a00:1450:4001:80e::".parse().unwrap(), MAX_INBOUND_PER_IP);
        assert!(!knock(&mut gate, "/ip6/2a00:1450:4001:80e:1:2:3:4/tcp/5"), "who has one has 2^64");
        assert!(!knock(&mut gate, "/ip4/8.8.8.8/tcp/5"));
        assert!(knock(&mut gate, "/ip4/8.8.4.4/tcp/5"));
        assert!(knock(&mut gate, "/ip4/127.0.0.1/tcp/5"));
        assert!(knock(&mut gate, "/memory/5"));
    }

    #[test]
    fn a_ban_ends_and_bans_are_bounded() {
        let mut gate = ConnectionFilter::default();
        let now = Instant::now();
        let peer = |n: usize| {
            let mut key = [0; 32];
            key.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            PeerId::from_ed25519(key)
        };
        for n in 0..2 * MAX_BANS {
            gate.ban(peer(n), now + Duration::from_millis(u64::try_from(n).unwrap()));
        }
        assert_eq!(gate.banned.len(), MAX_BANS);
        assert!(gate.is_banned(&peer(2 * MAX_BANS - 1), now));
        assert!(!gate.is_banned(&peer(2 * MAX_BANS - 1), now + 2 * BAN_TIME));
        assert!(!gate.is_banned(&peer(0), now), "the oldest was given up");
    }

    #[test]
    fn a_peer_with_another_kind_of_key_is_refused() {
        assert_eq!(ConnectionFilter::default().admit(&libp2p::PeerId::random()), Err(Refused::Key));
    }
}
