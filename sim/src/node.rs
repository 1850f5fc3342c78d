//! One honest node: the real overlay, the real engine and the real pump, over a store in memory.

use std::sync::Arc;

use nostrp2p_core::{Core, EngineSettings, Limits, NodeKey, Ownership, Replies};
use nostrp2p_overlay::{Listen, NodeSecret, Overlay, OverlayEvent, OverlaySettings, PeerAddress};
use nostrp2p_protocol::Event;
use nostrp2p_runtime::{COMMANDS, Command, Pump};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    identity::Identity,
    memory_store::MemoryStore,
    runtime::{LossyEvents, LossyNetwork, Silent, SimClock, SimPlatform},
    tally::Tally,
};

/// Commands to a node.
pub(crate) type Commands = mpsc::Sender<Command<()>>;

/// A node that runs.
pub(crate) struct Running {
    pub(crate) commands: Commands,
    pub(crate) overlay: Overlay,
    pub(crate) address: PeerAddress,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<String>>,
}

impl Running {
    /// Has the node publish an event; what becomes of it shows in what arrives.
    pub(crate) async fn publish(&self, event: Event) {
        let (reply, _answer) = oneshot::channel();
        drop(self.commands.send(Command::Publish(event.into(), Replies::Private, reply)).await);
    }

    /// Ends the node.
    pub(crate) async fn stop(self) {
        // One that has broken has ended already.
        let _ended = self.stop.send(());
        drop(self.task.await);
        self.overlay.shutdown().await;
    }
}

/// Starts a node that joins by these addresses.
///
/// # Errors
/// A sentence, when the overlay does not start.
pub(crate) async fn start(
    identity: Arc<Identity>,
    bootstrap: Vec<PeerAddress>,
    tally: Arc<Tally>,
) -> Result<Running, String> {
    let (overlay, events, address) = overlay(&identity.secret, bootstrap).await?;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let limits = Limits { directory: identity.directory, ..Limits::default() };
    let settings = EngineSettings {
        seed: identity.seed,
        run: identity.seed.to_be_bytes(),
        limits,
        ..EngineSettings::default()
    };
    let owner = Ownership::Owned(identity.key.public_key());
    let core = Core::new(settings, key(&identity.secret), None, owner);
    let network = LossyNetwork::new(overlay.clone(), tally);
    let events = LossyEvents::new(events, network.clone(), identity.loss, identity.seed);
    let person = identity.key.public_key().to_string();
    let store = MemoryStore::new(Arc::clone(&identity), network.count(identity.number, person));
    let pump = Pump::new(core, network, store, SimPlatform::new(SimClock::System), Silent);
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(pump.run(events, inbox, async move { drop(stopped.await) }));
    Ok(Running { commands, overlay, address, stop, task })
}

/// How a node signs.
pub(crate) fn key(secret: &NodeSecret) -> NodeKey {
    let signer = secret.clone();
    NodeKey {
        peer: secret.peer_id(),
        sign: Box::new(move |message| signer.sign(message)),
        verify: nostrp2p_overlay::verify,
    }
}

/// Starts an overlay on the memory transport.
pub(crate) async fn overlay(
    secret: &NodeSecret,
    bootstrap: Vec<PeerAddress>,
) -> Result<(Overlay, mpsc::Receiver<OverlayEvent>, PeerAddress), String> {
    let mut settings = OverlaySettings::new(secret.clone());
    settings.listen = vec![Listen::Memory(0)];
    settings.bootstrap = bootstrap;
    let (overlay, events) =
        nostrp2p_overlay::start(settings).await.map_err(|error| format!("a node does not start: {error}"))?;
    let address = overlay.listen_addresses().await.first().and_then(|address| address.parse().ok());
    let address = address.ok_or("a node does not say where it listens")?;
    Ok((overlay, events, address))
}
