//! How nodes reach each other: rust-libp2p behind a small API.
//!
//! [`start`] gives an [`Overlay`] (commands) and a channel of [`OverlayEvent`]s. No type of libp2p appears in either.
//! Payloads are bytes here: the node decides what they mean and whether to forward them, and reports that.
//!
//! Deliberately not here: decoding of packets, rate limits per author, ownership. The bytes on the wire are specified
//! in `PROTOCOL.md`, Overlay.

mod address;
mod autonat_client;
mod bandwidth;
mod connection_filter;
mod convert;
mod dialer;
mod driver;
mod error;
mod event;
mod event_queue;
mod gossip;
mod handle;
mod handshake_limit;
mod home;
mod hop_message;
mod ip_scope;
mod listen;
mod liveness;
mod lookup;
mod missing_part;
mod observed;
mod origin;
mod own_ips;
mod peer;
mod peer_store;
mod reachability;
mod relay;
mod request;
mod secret;
mod settings;
mod swarm;
mod yamux_ping_filter;

use std::time::Instant;

use tokio::{sync::mpsc, task};

pub use crate::{
    address::{InvalidPeerAddress, PeerAddress},
    bandwidth::{DEFAULT_RELAY_BYTES, Traffic},
    dialer::MAX_BOOTSTRAP,
    error::{BroadcastError, RequestError, StartError},
    event::{OverlayEvent, Stats, StopReason},
    gossip::{MAX_ANNOUNCEMENT, MAX_PAYLOAD, MessageAcceptance, MessageRef, Topic},
    handle::{Overlay, Sent},
    home::{HomeReader, HomeStream, HomeVisit, HomeWriter, MAX_HOME_FRAME},
    lookup::{LookupError, Lookups},
    missing_part::MissingPart,
    peer::{ConnectionPath, Direction, Peer},
    peer_store::MAX_KNOWN_ADDRESSES,
    reachability::{MAX_OWN_ADDRESSES, Reach, Reachability, Serves, Upnp},
    relay::server::{DEFAULT_RELAY_SLOTS, MAX_RELAY_SLOTS},
    request::{Protocol, RequestRef},
    secret::{NodeSecret, verify},
    settings::{Listen, MAX_EXTERNAL, OverlaySettings},
};

/// Starts an overlay on the running tokio runtime. When it returns, the node listens on every address given, by TCP at
/// least: what else the system does not allow is a warning, and stands in [`Reach::missing`].
///
/// The events must be received: see [`OverlayEvent`]. The channel holds 512 of them; when it is full, messages
/// and requests are dropped and counted ([`Stats::dropped`], [`Stats::requests_refused`]) and the overlay runs on. To drop the receiver is to shut down.
///
/// # Errors
/// When it cannot listen somewhere by TCP.
///
/// # Panics
/// Outside of a tokio runtime with IO and time.
pub async fn start(settings: OverlaySettings) -> Result<(Overlay, mpsc::Receiver<OverlayEvent>), StartError> {
    let copies = gossip::Copies::default();
    let circuits = relay::circuit_limits::Circuits::new(settings.relay_slots.min(MAX_RELAY_SLOTS));
    let bandwidth = bandwidth::BandwidthMeter::new(settings.relay_bytes, circuits, Instant::now());
    let (mut swarm, missing) = swarm::build(&settings, copies.clone(), &bandwidth)?;
    let begun = listen::begin(&mut swarm, &settings.listen, missing).await?;
    let known = match settings.known_addresses.clone() {
        Some(path) => task::spawn_blocking(move || peer_store::load(&path)).await.unwrap_or_default(),
        None => peer_store::PeerStore::default(),
    };
    let relaying = driver::Relaying::new(&settings);
    let dialer = dialer::Dialer::new(settings.bootstrap, Instant::now());
    let (commands, inbox) = mpsc::channel(handle::COMMANDS);
    let (events, receiver) = mpsc::channel(event_queue::EVENTS);
    let saver = driver::Saver::new(settings.known_addresses);
    let ends = driver::DriverChannels { commands: inbox, events: events.clone() };
    let driver = driver::Driver::new(swarm, ends, dialer, known, saver, (copies, bandwidth), relaying);
    task::spawn(supervise(task::spawn(driver.run(begun)), events));
    Ok((Overlay::new(commands, settings.secret.peer_id(), settings.request_timeout), receiver))
}

/// Waits for the driver to end, and tells the node, also when it panicked. By then the driver's half of the commands
/// is gone, so that no caller waits for an answer that cannot come.
async fn supervise(driver: task::JoinHandle<()>, events: mpsc::Sender<OverlayEvent>) {
    let reason = match driver.await {
        Ok(()) => StopReason::Asked,
        Err(error) => {
            tracing::error!("The overlay broke: {error}");
            StopReason::Broken(error.to_string())
        }
    };
    if events.send(OverlayEvent::Stopped { reason }).await.is_err() {
        tracing::debug!("The overlay has ended, and nobody waited for that.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_the_driver_is_told_to_the_node() {
        let (events, mut receiver) = mpsc::channel(1);
        let driver = task::spawn(async { panic!("on purpose") });
        supervise(driver, events).await;
        let Some(OverlayEvent::Stopped { reason: StopReason::Broken(text) }) = receiver.recv().await else {
            panic!("the node was not told");
        };
        assert!(text.contains("on purpose"), "{text}");
        assert_eq!(receiver.recv().await, None, "it is the last event");
    }
}
