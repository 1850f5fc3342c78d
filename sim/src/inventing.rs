//! An attacker who invents nodes: by broadcast, and to whoever asks, under one key after the other.

use std::{collections::BTreeSet, time::Duration};

use nostrp2p_overlay::{MessageAcceptance, NodeSecret, OverlayEvent, PeerAddress, Protocol, Topic};
use nostrp2p_protocol::{
    Announcement, Event, EventTemplate, Kind, PeerId, SecretKey, Tag, UnverifiedEvent,
    announcement::MAX_ANNOUNCEMENTS,
    delegation::{self, MAX_AHEAD_SECONDS},
    rpc::encode_announcements,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{identity, node};

/// Nodes to which each of its keys connects.
const NEIGHBOURS: usize = 3;
/// How long it is there under one key: long enough to be asked.
const VISIT: Duration = Duration::from_secs(2);
/// Announcements that it broadcasts under one key: what a neighbour takes of one.
const BROADCASTS: u32 = 600;

/// The attacker.
pub(crate) struct Inventor {
    pub(crate) inventions: u32,
    pub(crate) seed: [u8; 32],
}

impl Inventor {
    /// Tells of nodes that do not exist until it has invented as many as it should. What others send it drops.
    ///
    /// # Errors
    /// A sentence, when an overlay does not start.
    pub(crate) async fn run(
        self,
        addresses: Vec<PeerAddress>,
        mut begin: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let mut random = StdRng::from_seed(self.seed);
        let mut left = self.inventions;
        while left > 0 {
            // Its last value is still there when the run is over.
            if begin.wait_for(|begun| *begun).await.is_err() || begin.has_changed().is_err() {
                return Ok(());
            }
            visit(&mut random, &addresses, &mut left, &begin).await?;
        }
        Ok(())
    }
}

/// Comes to some nodes under a new key, invents, and goes.
async fn visit(
    random: &mut StdRng,
    addresses: &[PeerAddress],
    left: &mut u32,
    begin: &watch::Receiver<bool>,
) -> Result<(), String> {
    let chosen: BTreeSet<usize> =
        (0..NEIGHBOURS).map(|_| random.random_range(0..addresses.len().max(1))).collect();
    let bootstrap = chosen.into_iter().filter_map(|place| addresses.get(place)).cloned().collect();
    let secret = NodeSecret::from_bytes(random.random());
    let (overlay, mut events, _) = node::overlay(&secret, bootstrap).await?;
    let (until, mut broadcasts) = (Instant::now() + VISIT, 0);
    while *left > 0 && begin.has_changed().is_ok() {
        tokio::select! {
            () = sleep_until(until) => break,
            event = events.recv() => match event {
                Some(OverlayEvent::Message { message, .. }) => overlay.report(message, MessageAcceptance::Ignore).await,
                Some(OverlayEvent::Request { request, protocol: Protocol::Fetch, .. }) => {
                    let count = left.saturating_sub(u32::try_from(MAX_ANNOUNCEMENTS).unwrap_or(u32::MAX));
                    let told: Vec<Vec<u8>> = (count..*left).filter_map(|_| invent(random)).collect();
                    *left = count;
                    overlay.respond(request, encode_announcements(&told)).await;
                }
                Some(OverlayEvent::Request { request, .. }) => overlay.refuse(request).await,
                Some(_) => {}
                None => break,
            },
            () = tokio::task::yield_now(), if broadcasts < BROADCASTS && !overlay.peers().await.is_empty() => {
                broadcasts += 1;
                *left -= 1;
                if let Some(bytes) = invent(random) {
                    // Its neighbours may be full of it, which is as it should be.
                    let _sent = overlay.broadcast(Topic::Nodes, bytes).await;
                }
            }
        }
    }
    overlay.shutdown().await;
    Ok(())
}

/// An announcement of a node that does not exist, for a person who does not, as late and for as long as is taken.
fn invent(random: &mut StdRng) -> Option<Vec<u8>> {
    let (secret, key) =
        (NodeSecret::from_bytes(random.random()), SecretKey::from_bytes(random.random()).ok()?);
    let (peer, now) = (secret.peer_id(), identity::now());
    let delegation = UnverifiedEvent { claimed_id: None, ..longest(&peer, &key, now).into() };
    let announcement = Announcement {
        peer,
        issued_at: now + 890,
        addresses: vec![],
        delegation: Some(delegation),
        helper: None,
    };
    Some(announcement.encode(&secret.sign(&announcement.signed_bytes())))
}

fn longest(peer: &PeerId, key: &SecretKey, now: u64) -> Event {
    let expiration = Tag::new(["expiration".to_owned(), (now + MAX_AHEAD_SECONDS - 10).to_string()]);
    let name = Tag::new(["d".to_owned(), delegation::identifier(peer)]);
    let (kind, content) = (Kind::APPLICATION_DATA, String::new());
    EventTemplate { created_at: now, kind, tags: vec![name, expiration], content }.sign(key, &[0; 32])
}
