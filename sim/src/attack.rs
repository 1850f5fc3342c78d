//! Attackers: spammers, forgers, and those who invent a person for each post.

use std::{sync::Arc, time::Duration};

use nostrp2p_overlay::{MessageAcceptance, NodeSecret, OverlayEvent, PeerAddress, Topic};
use nostrp2p_protocol::{Event, EventTemplate, Kind, Packet, SecretKey, Signature, UnverifiedEvent};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::{identity, node, tally::Tally};

/// Between two events of an attacker: 120 a minute.
const PAUSE: Duration = Duration::from_millis(500);

/// An attacker.
pub(crate) struct Attacker {
    pub(crate) number: usize,
    pub(crate) secret: NodeSecret,
    pub(crate) key: SecretKey,
    pub(crate) how: How,
}

/// The fault in an attacker's posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// They are too many.
    Spams,
    /// Besides, each is by somebody else, who did not exist before.
    Invents,
    /// Besides, their signatures are wrong.
    Forges,
}

impl Attacker {
    /// Joins, and sends what it must not until told to stop. What others send it forwards unchecked.
    ///
    /// # Errors
    /// A sentence, when the overlay does not start.
    pub(crate) async fn run(
        self,
        bootstrap: Vec<PeerAddress>,
        tally: Arc<Tally>,
        mut begin: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let (overlay, mut events, _) = node::overlay(&self.secret, bootstrap).await?;
        let mut pause = tokio::time::interval(PAUSE);
        let mut number = 0u64;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(OverlayEvent::Message { message, .. }) => overlay.report(message, MessageAcceptance::Accept).await,
                    Some(OverlayEvent::Request { request, .. }) => overlay.refuse(request).await,
                    Some(_) => {}
                    None => return Ok(()),
                },
                changed = begin.changed() => if changed.is_err() {
                    overlay.shutdown().await;
                    return Ok(());
                },
                _ = pause.tick(), if *begin.borrow() => {
                    number += 1;
                    let event = self.event(number);
                    tally.on_abuse(event.id(), self.number);
                    let mut event = UnverifiedEvent { claimed_id: None, ..event.into() };
                    if self.how == How::Forges {
                        event.sig = Signature::from_bytes([1; 64]);
                    }
                    // Nobody may take it any more, which is as it should be.
                    let _sent = overlay.broadcast(Topic::Events, Packet::Event(event).encode()).await;
                }
            }
        }
    }

    fn event(&self, number: u64) -> Event {
        let content = format!("buy, buy, buy {number}");
        let draft = EventTemplate { created_at: identity::now(), kind: Kind::POST, tags: vec![], content };
        let invented = (self.how == How::Invents).then(|| {
            let seed = Sha256::digest([self.secret.as_bytes(), &number.to_be_bytes()[..]].concat());
            SecretKey::from_bytes(seed.into()).ok()
        });
        draft.sign(invented.flatten().as_ref().unwrap_or(&self.key), &[0; 32])
    }
}
