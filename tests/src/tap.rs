//! A tap in the line between a client and its node: it passes everything on, and notes when how much went by.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A radio that was silent for so long has gone to sleep: 5 to 10 s with LTE.
const ASLEEP_AFTER: Duration = Duration::from_secs(5);

/// A tap on loopback. It ends when it is dropped, and the connections through it with it.
pub struct Tap {
    /// Where clients connect: `127.0.0.1:port`.
    pub authority: String,
    seen: Arc<Mutex<Vec<(Instant, usize)>>>,
    task: JoinHandle<()>,
}

/// What went by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TappedTraffic {
    /// Bytes of TCP, both ways.
    pub bytes: usize,
    /// How often something came after at least 5 s of silence.
    pub wake_ups: usize,
}

impl Tap {
    /// Opens one before the node that serves clients there.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn open(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::default();
        let (notes, node) = (Arc::clone(&seen), node.to_owned());
        let task = tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(node) = TcpStream::connect(&node).await else { continue };
                // Else the end of what is passed on waits for the other side's word that the beginning is there.
                drop((client.set_nodelay(true), node.set_nodelay(true)));
                let (from_client, to_client) = client.into_split();
                let (from_node, to_node) = node.into_split();
                lines.spawn(pass(from_client, to_node, Arc::clone(&notes)));
                lines.spawn(pass(from_node, to_client, Arc::clone(&notes)));
            }
        });
        Self { authority: format!("127.0.0.1:{port}"), seen, task }
    }

    /// What went by since the last time that somebody asked.
    pub fn take(&self) -> TappedTraffic {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let mut last: Option<Instant> = None;
        let mut traffic = TappedTraffic { bytes: 0, wake_ups: 0 };
        for (at, bytes) in seen {
            traffic.bytes += bytes;
            if last.is_none_or(|last| at.duration_since(last) >= ASLEEP_AFTER) {
                traffic.wake_ups += 1;
            }
            last = Some(at);
        }
        traffic
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    notes: Arc<Mutex<Vec<(Instant, usize)>>>,
) {
    let mut buffer = vec![0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        notes.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), read));
        let Some(bytes) = buffer.get(..read) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}
