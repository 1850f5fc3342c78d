//! AutoNAT (version 1): whether others can dial this node, found out by asking them to try.
//!
//! Version 1 and not 2, because the client of version 2 in rust-libp2p tests an address once and never again
//! (rust-libp2p#6203), so it would not notice a replaced router. Version 1 asks again, and needs several answers that
//! agree before it changes its mind.
//!
//! The wrapper has one purpose: libp2p's behaviour keeps every address at which any peer claims to have seen this
//! node. The wrapper lets only a few through, so that peers can fill neither the table nor the request.

use std::{
    collections::{BTreeSet, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    autonat::v1 as autonat,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

/// Addresses that peers claim to have seen and that are probed: IPv4 and IPv6, TCP and QUIC, twice.
const MAX_CANDIDATES: usize = 8;

/// A node has found its first neighbours by then; one that has not asks again after [`RETRY`].
const FIRST_PROBE: Duration = Duration::from_secs(5);

/// Until enough answers agree. Each costs the other node a dial.
const RETRY: Duration = Duration::from_secs(30);

/// When they agree, so that a change of network or router is noticed within the hour.
const REFRESH: Duration = Duration::from_secs(15 * 60);

/// The behaviour.
pub(crate) struct AutonatClient {
    inner: autonat::Behaviour,
    candidates: BTreeSet<Vec<u8>>,
    /// Addresses to tell all behaviours of, see [`AutonatClient::offer`].
    offered: VecDeque<Multiaddr>,
}

impl AutonatClient {
    /// Serves others in any case; asks them only if it is not settled already whether this node is reachable.
    pub(crate) fn new(own: PeerId, settled: bool) -> Self {
        let config = autonat::Config {
            boot_delay: FIRST_PROBE,
            retry_interval: RETRY,
            refresh_interval: REFRESH,
            throttle_server_period: RETRY,
            use_connected: !settled,
            ..autonat::Config::default()
        };
        Self {
            inner: autonat::Behaviour::new(own, config),
            candidates: BTreeSet::new(),
            offered: VecDeque::new(),
        }
    }

    /// Takes an address at which others may reach this node: AutoNAT has it tried, and holes are punched towards it.
    pub(crate) fn offer(&mut self, address: Multiaddr) {
        if self.offered.len() < MAX_CANDIDATES {
            self.offered.push_back(address);
        }
    }

    /// Whether to tell AutoNAT of an address that a peer claims to have seen.
    fn takes(&mut self, address: &Multiaddr) -> bool {
        if address.iter().any(|part| part == Protocol::P2pCircuit) {
            return false;
        }
        let bytes = address.to_vec();
        self.candidates.contains(&bytes)
            || (self.candidates.len() < MAX_CANDIDATES && self.candidates.insert(bytes))
    }
}

impl NetworkBehaviour for AutonatClient {
    type ConnectionHandler = <autonat::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = autonat::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner.handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner.handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::NewExternalAddrCandidate(candidate) if !self.takes(candidate.addr) => {}
            event => self.inner.on_swarm_event(event),
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.offered.pop_front() {
            Some(address) => Poll::Ready(ToSwarm::NewExternalAddrCandidate(address)),
            None => self.inner.poll(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_cannot_make_this_node_ask_about_any_number_of_addresses() {
        let mut probe = AutonatClient::new(PeerId::random(), false);
        let addresses = (1..100).map(|port| format!("/ip4/8.8.8.8/tcp/{port}").parse().unwrap());
        let taken = addresses.filter(|address: &Multiaddr| probe.takes(address)).count();
        assert_eq!(taken, MAX_CANDIDATES);
        assert!(probe.takes(&"/ip4/8.8.8.8/tcp/1".parse().unwrap()), "known ones are welcome");
        let mut fresh = AutonatClient::new(PeerId::random(), false);
        let circuit = format!("/ip4/8.8.8.8/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
        assert!(!fresh.takes(&circuit.parse().unwrap()));
    }
}
