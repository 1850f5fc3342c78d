//! When the peer store is written: some seconds after a change, one write at a time at most, and at the end.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::task::{self, JoinHandle};

use crate::peer_store::{self, PeerStore};

/// How long changes are gathered. A crash loses no more than this.
const GATHER: Duration = Duration::from_secs(5);

/// Writes the file on the blocking pool.
pub(crate) struct Saver {
    path: Option<PathBuf>,
    due: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl Saver {
    pub(crate) const fn new(path: Option<PathBuf>) -> Self {
        Self { path, due: None, writing: None }
    }

    /// Called every second.
    pub(super) async fn tick(&mut self, known: &mut PeerStore, now: Instant) {
        if known.take_changed() && self.due.is_none() {
            self.due = Some(now + GATHER);
        }
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.settle().await;
        }
        if self.writing.is_none() && self.due.take_if(|due| *due <= now).is_some() {
            self.write(known);
        }
    }

    /// Writes what is left to write, and waits for it.
    pub(super) async fn finish(&mut self, known: &mut PeerStore) {
        self.settle().await;
        if known.take_changed() || self.due.take().is_some() {
            self.write(known);
            self.settle().await;
        }
    }

    fn write(&mut self, known: &PeerStore) {
        let Some(path) = self.path.clone() else { return };
        let json = known.to_json();
        self.writing = Some(task::spawn_blocking(move || write(&path, &json)));
    }

    async fn settle(&mut self) {
        let Some(writing) = self.writing.take() else {
            return;
        };
        if let Err(error) = writing.await {
            tracing::error!("Writing the known addresses broke: {error}");
        }
    }
}

fn write(path: &Path, json: &str) {
    if let Err(error) = peer_store::save(path, json) {
        tracing::warn!("The known addresses cannot be written to {} ({error}).", path.display());
    }
}
