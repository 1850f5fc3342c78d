//! Binds the listening ports, and returns only once they are bound.

mod interfaces;

use std::{
    collections::HashSet,
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, TransportError, core::transport::ListenerId, multiaddr::Protocol, swarm::SwarmEvent,
};
use tokio::time;

pub(crate) use interfaces::Interfaces;

use crate::{
    address::PeerLocation,
    error::StartError,
    missing_part::{MissingPart, MissingParts},
    settings::Listen,
    swarm::{Behaviour, Event},
};

/// How long the system may take to report the address of a socket that is bound already.
const REPORT_TIME: Duration = Duration::from_secs(3);

/// The result of binding.
pub(crate) struct Begun {
    /// The swarm's events meanwhile, in order.
    pub(crate) seen: Vec<Event>,
    /// The interfaces that are polled for addresses, because the system does not report them.
    pub(crate) interfaces: Vec<Interfaces>,
    /// The parts without which the overlay runs.
    pub(crate) missing: MissingParts,
}

/// The sockets of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listening {
    tcp: ListenerId,
    /// None where the system does not let the UDP port be bound or configured.
    quic: Option<ListenerId>,
}

impl Listening {
    pub(crate) fn all(self) -> impl Iterator<Item = ListenerId> {
        std::iter::once(self.tcp).chain(self.quic)
    }
}

/// Listens everywhere it is asked to: by TCP, and by QUIC where that can be.
pub(crate) async fn begin(
    swarm: &mut Swarm<Behaviour>,
    listen: &[Listen],
    mut missing: MissingParts,
) -> Result<Begun, StartError> {
    for place in listen {
        if let Listen::Ip(address) = place {
            is_free(*address)?;
        }
    }
    let (mut waiting, mut interfaces) = (HashSet::new(), Vec::new());
    let mut listening = Vec::new();
    for place in listen {
        match place {
            Listen::Memory(port) => {
                let listener = swarm.listen_on(Multiaddr::from(Protocol::Memory(*port)));
                waiting.insert(listener.map_err(|error| cannot(format!("/memory/{port}"), error))?);
            }
            Listen::Ip(address) => match listen_ip(swarm, *address, &mut missing) {
                Ok(listeners) => listening.push(listeners),
                Err(error) if Interfaces::stand_in_for(*address, &error) => {
                    missing.note(MissingPart::InterfaceReports(error.cause()));
                    let mut found = Interfaces::new(*address);
                    listening.extend(found.look(swarm, &mut missing)?);
                    interfaces.push(found);
                }
                Err(error) => return Err(error),
            },
        }
    }
    waiting.extend(listening.iter().flat_map(|listening| listening.all()));
    let quic: HashSet<_> = listening.iter().filter_map(|listening| listening.quic).collect();
    let seen = confirm(swarm, waiting, &quic, &mut missing).await?;
    Ok(Begun { seen, interfaces, missing })
}

pub(crate) fn listen_ip(
    swarm: &mut Swarm<Behaviour>,
    address: SocketAddr,
    missing: &mut MissingParts,
) -> Result<Listening, StartError> {
    let tcp = swarm.listen_on(PeerLocation::tcp(address).to_multiaddr());
    let tcp = tcp.map_err(|error| in_use_or(error, address))?;
    let quic = swarm.listen_on(PeerLocation::quic(address).to_multiaddr());
    let quic = quic.map_err(|error| missing.note(MissingPart::Quic(quic_reason(&error, address.port()))));
    Ok(Listening { tcp, quic: quic.ok() })
}

/// Why QUIC cannot be listened for at this port.
fn quic_reason(error: &TransportError<io::Error>, port: u16) -> String {
    match error {
        TransportError::Other(error) if io_kind(error) == io::ErrorKind::AddrInUse => {
            format!("UDP port {port} is in use by another program")
        }
        error => error.to_string(),
    }
}

/// Tries the port without `SO_REUSEPORT`.
///
/// libp2p sets that option, so that it can dial from the port it listens on; with it two nodes of one user could
/// listen on one port, and each would get half of the connections. Two nodes started in the same instant can still
/// slip through; the lock on the data directory stops the usual case of that.
fn is_free(address: SocketAddr) -> Result<(), StartError> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && address.port() < 1024 => {
            let reason = "the system does not permit it; ports below 1024 are for root, take a higher one";
            Err(StartError::CannotListen { address: format!("{address} (TCP)"), reason: reason.to_owned() })
        }
        Err(error) => Err(in_use_or(TransportError::Other(error), address)),
    }
}

fn in_use_or(error: TransportError<io::Error>, address: SocketAddr) -> StartError {
    match error {
        TransportError::Other(error) if io_kind(&error) == io::ErrorKind::AddrInUse => {
            StartError::AddressInUse { address }
        }
        error => cannot(format!("{address} (TCP)"), error),
    }
}

fn cannot(address: String, error: TransportError<io::Error>) -> StartError {
    if let TransportError::Other(error) = &error
        && io_kind(error) == io::ErrorKind::PermissionDenied
    {
        return StartError::Denied { address, reason: error.to_string() };
    }
    let reason = match error {
        TransportError::MultiaddrNotSupported(_) => "this program does not know such an address".to_owned(),
        TransportError::Other(error) => match io_kind(&error) {
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; 0.0.0.0 stands for all it has".to_owned()
            }
            _ => error.to_string(),
        },
    };
    StartError::CannotListen { address, reason }
}

/// The kind of the error the system gave.
///
/// libp2p wraps it several times in types that cannot be named, and whose `source` skips it; the text keeps it.
pub(crate) fn io_kind(error: &io::Error) -> io::ErrorKind {
    if error.kind() != io::ErrorKind::Other {
        return error.kind();
    }
    let text = error.to_string();
    let code = text.rsplit_once("(os error ").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    match code {
        Some(code) => io::Error::from_raw_os_error(code).kind(),
        None if text.contains("Timeout has been reached") => io::ErrorKind::TimedOut,
        None => io::ErrorKind::Other,
    }
}

/// Waits until each listener has an address. One for QUIC that closes instead is missing from then on.
async fn confirm(
    swarm: &mut Swarm<Behaviour>,
    mut waiting: HashSet<ListenerId>,
    quic: &HashSet<ListenerId>,
    missing: &mut MissingParts,
) -> Result<Vec<Event>, StartError> {
    let mut seen = Vec::new();
    let deadline = time::Instant::now() + REPORT_TIME;
    while !waiting.is_empty() {
        let Ok(event) = time::timeout_at(deadline, swarm.select_next_some()).await else {
            // Bound it is, only the list of interfaces is late or empty (a machine without network).
            tracing::warn!("The system does not say under which addresses this node listens.");
            break;
        };
        match &event {
            SwarmEvent::NewListenAddr { listener_id, .. } => {
                waiting.remove(listener_id);
            }
            SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. }
                if quic.contains(listener_id) =>
            {
                waiting.remove(listener_id);
                missing.note(MissingPart::Quic(error.to_string()));
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                let address = addresses.first().map(ToString::to_string).unwrap_or_default();
                return Err(StartError::CannotListen { address, reason: error.to_string() });
            }
            _ => {}
        }
        seen.push(event);
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_wrapped_error_is_found() {
        let refused = io::Error::from_raw_os_error(111);
        let text = refused.to_string();
        let rows = [
            (refused, io::ErrorKind::ConnectionRefused),
            (io::Error::other(text), io::ErrorKind::ConnectionRefused),
            (io::Error::other("Timeout has been reached"), io::ErrorKind::TimedOut),
            (io::Error::other("something else (os error x)"), io::ErrorKind::Other),
        ];
        for (error, kind) in rows {
            if cfg!(target_os = "linux") {
                assert_eq!(io_kind(&error), kind, "{error}");
            }
        }
    }
}
