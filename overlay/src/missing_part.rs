//! Optional parts of the overlay that the system does not allow here. The node goes on over TCP without them.

use std::net::UdpSocket;

/// A part that this overlay runs without, and why. As text it says what is missing without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingPart {
    /// The UDP port cannot be bound or configured.
    #[error(
        "QUIC is off ({0}): other nodes reach this one over TCP alone, and fewer routers let them through; let the \
         program use UDP, or choose another port with -l"
    )]
    Quic(String),
    /// UDP or the list of network interfaces is denied.
    #[error(
        "mDNS is off ({0}): nodes of the same network are not found by themselves; give the address of one with -b"
    )]
    LocalDiscovery(String),
    /// UDP, by which routers are found, is denied.
    #[error(
        "UPnP is off ({0}): the router is not asked to open the port; where others shall dial this node, forward it by hand"
    )]
    RouterPort(String),
    /// The system does not report when addresses change.
    #[error(
        "network interfaces are not reported ({0}): a change of network is noticed after up to 30 seconds"
    )]
    InterfaceReports(String),
    /// Neither reported nor found by UDP.
    #[error(
        "no address of this machine but loopback could be found ({0}): others cannot dial this node; give its address \
         with -l"
    )]
    Addresses(String),
}

impl MissingPart {
    /// Whether both are about the same part, for whatever reason it is missing.
    fn is_same_part(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// The missing parts, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MissingParts(Vec<MissingPart>);

impl MissingParts {
    /// Notes it and warns, unless that part is known to be missing.
    pub(crate) fn note(&mut self, part: MissingPart) {
        if !self.0.iter().any(|known| known.is_same_part(&part)) {
            tracing::warn!("{part}.");
            self.0.push(part);
        }
    }

    pub(crate) fn to_vec(&self) -> Vec<MissingPart> {
        self.0.clone()
    }
}

/// Why this program gets no UDP sockets at all; `None` where it gets one.
pub(crate) fn udp_denied() -> Option<String> {
    let any = [std::net::Ipv4Addr::UNSPECIFIED.into(), std::net::Ipv6Addr::UNSPECIFIED.into()];
    let mut denied = None;
    for ip in any {
        match UdpSocket::bind(std::net::SocketAddr::new(ip, 0)) {
            Ok(_) => return None,
            Err(error) => denied = denied.or_else(|| Some(error.to_string())),
        }
    }
    denied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_missing_once_whatever_the_reasons() {
        let mut missing = MissingParts::default();
        for part in [
            MissingPart::Quic("a".into()),
            MissingPart::Quic("b".into()),
            MissingPart::LocalDiscovery("a".into()),
        ] {
            missing.note(part);
        }
        assert_eq!(
            missing.to_vec(),
            [MissingPart::Quic("a".into()), MissingPart::LocalDiscovery("a".into())]
        );
    }
}
