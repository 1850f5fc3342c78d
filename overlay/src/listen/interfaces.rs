//! Listening on all addresses of the machine where the system does not report them (Android 11 and later deny
//! netlink).
//!
//! For a socket that is bound to a wildcard address libp2p has to watch the interfaces. Instead, this module binds
//! one socket for each address of the machine and checks every half minute whether there are others. It learns the
//! addresses by connecting a UDP socket, for which the system chooses the local address. Nothing is sent for that.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use libp2p::Swarm;

use super::{Listening, listen_ip};
use crate::{
    error::StartError,
    missing_part::{MissingPart, MissingParts},
    swarm::Behaviour,
};

/// How often addresses are looked for: a phone that changes its network is reached again after half a minute.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Destinations that may be routed over different interfaces: the internet, the private networks (RFC 1918), the
/// shared address space of carriers and VPNs (RFC 6598).
const SOMEWHERE: [Ipv4Addr; 5] = [
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(10, 255, 255, 254),
    Ipv4Addr::new(172, 31, 255, 254),
    Ipv4Addr::new(192, 168, 255, 254),
    Ipv4Addr::new(100, 100, 100, 100),
];
/// The same for IPv6: the internet (documentation prefix), unique local addresses (RFC 4193).
const SOMEWHERE_6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)];

/// The sockets that stand in for one wildcard address.
#[derive(Debug)]
pub(crate) struct Interfaces {
    wildcard: SocketAddr,
    listening: BTreeMap<IpAddr, Listening>,
    looked: Instant,
}

impl Interfaces {
    /// Whether single sockets are worth a try in place of this address, to which listening has failed so. The port itself
    /// was tried before, so it is not the port that is denied, but the reports of interfaces, in one way or another.
    pub(crate) fn stand_in_for(address: SocketAddr, error: &StartError) -> bool {
        address.ip().is_unspecified()
            && matches!(error, StartError::Denied { .. } | StartError::CannotListen { .. })
    }

    pub(crate) fn new(wildcard: SocketAddr) -> Self {
        Self { wildcard, listening: BTreeMap::new(), looked: Instant::now() }
    }

    /// Looks again if it is time to; what cannot be listened on is tried again the next time.
    pub(crate) fn on_tick(&mut self, swarm: &mut Swarm<Behaviour>, now: Instant, missing: &mut MissingParts) {
        if now.duration_since(self.looked) < LOOK_EVERY {
            return;
        }
        self.looked = now;
        if let Err(error) = self.look(swarm, missing) {
            tracing::warn!("An address of this machine cannot be used: {error}");
        }
    }

    /// Listens on the addresses that are new, and no more on those that are gone. Returns the new listeners.
    pub(crate) fn look(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        missing: &mut MissingParts,
    ) -> Result<Vec<Listening>, StartError> {
        let (found, denied) = addresses(self.wildcard.ip());
        if let Some(reason) = denied {
            missing.note(MissingPart::Addresses(reason));
        }
        for (_, listeners) in self.listening.extract_if(.., |address, _| !found.contains(address)) {
            for listener in listeners.all() {
                swarm.remove_listener(listener);
            }
        }
        let mut new = Vec::new();
        for address in found {
            if !self.listening.contains_key(&address) {
                let listeners = listen_ip(swarm, SocketAddr::new(address, self.wildcard.port()), missing)?;
                new.push(listeners);
                self.listening.insert(address, listeners);
            }
        }
        Ok(new)
    }
}

/// The addresses of this machine of the same version, as far as some way out leads over them. Loopback is one of them.
/// With them comes why no other could be looked for, where UDP is denied.
fn addresses(wildcard: IpAddr) -> (Vec<IpAddr>, Option<String>) {
    let (loopback, somewhere): (IpAddr, Vec<IpAddr>) = match wildcard {
        IpAddr::V4(_) => (Ipv4Addr::LOCALHOST.into(), SOMEWHERE.map(IpAddr::from).to_vec()),
        IpAddr::V6(_) => (Ipv6Addr::LOCALHOST.into(), SOMEWHERE_6.map(IpAddr::from).to_vec()),
    };
    let mut found = vec![loopback];
    if let Err(error) = UdpSocket::bind(SocketAddr::new(wildcard, 0)) {
        return (found, Some(error.to_string()));
    }
    for target in somewhere {
        let chosen = UdpSocket::bind(SocketAddr::new(wildcard, 0)).and_then(|socket| {
            socket.connect(SocketAddr::new(target, 9))?;
            socket.local_addr()
        });
        if let Ok(chosen) = chosen
            && !found.contains(&chosen.ip())
        {
            found.push(chosen.ip());
        }
    }
    (found, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use libp2p::swarm::SwarmEvent;

    use crate::{NodeSecret, OverlaySettings, bandwidth, gossip, swarm};

    #[test]
    fn only_a_wildcard_that_the_system_denies_is_stood_in_for() {
        let denied = StartError::Denied { address: String::new(), reason: String::new() };
        let in_use = StartError::AddressInUse { address: "0.0.0.0:1".parse().unwrap() };
        let check = |address: &str, error| Interfaces::stand_in_for(address.parse().unwrap(), error);
        assert!(check("0.0.0.0:31406", &denied) && check("[::]:31406", &denied));
        assert!(!check("127.0.0.1:31406", &denied) && !check("0.0.0.0:31406", &in_use));
    }

    #[tokio::test]
    async fn each_address_gets_its_sockets_and_one_that_is_gone_loses_them() {
        let settings = OverlaySettings::new(NodeSecret::generate());
        let circuits = crate::relay::circuit_limits::Circuits::new(1);
        let bandwidth = bandwidth::BandwidthMeter::new(settings.relay_bytes, circuits, Instant::now());
        let (mut swarm, mut missing) =
            swarm::build(&settings, gossip::Copies::default(), &bandwidth).unwrap();
        let mut interfaces = Interfaces::new("0.0.0.0:0".parse().unwrap());
        let new = interfaces.look(&mut swarm, &mut missing).unwrap();
        let loopback = interfaces.listening.get(&IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(loopback.map(|at| at.all().count()), Some(2), "TCP and QUIC");
        assert_eq!(new.len(), interfaces.listening.len());
        assert_eq!(interfaces.look(&mut swarm, &mut missing).unwrap(), [], "nothing is new");
        assert_eq!(missing.to_vec(), []);
        let gone = interfaces.listening.remove(&IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap();
        interfaces.listening.insert("192.0.2.9".parse().unwrap(), gone);
        interfaces.look(&mut swarm, &mut missing).unwrap();
        let mut open = gone.all().count();
        while open > 0 {
            if let SwarmEvent::ListenerClosed { listener_id, .. } = swarm.select_next_some().await
                && gone.all().any(|id| id == listener_id)
            {
                open -= 1;
            }
        }
    }
}
