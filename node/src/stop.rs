//! The signal that the node is stopping.

use tokio::sync::watch;

/// Waits for the end. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// Says that it is over.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

/// Makes the two ends.
pub(crate) fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Says it to everybody, also to those who ask later.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Completes when the node is stopping, or when the sender is gone. Cancel-safe.
    pub(crate) async fn wait(&mut self) {
        drop(self.0.wait_for(|stop| *stop).await);
    }
}
