//! Accepts TCP connections. When the system has no file descriptors left, it logs that and has idle clients closed.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::quickack::QuickAck;
use crate::own_names::SocketEnds;

/// How long it waits after a failure: others are closing meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is said that connections cannot be taken.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Rings each time when a connection could not be taken for want of descriptors or memory. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct FdExhausted(Arc<Notify>);

impl FdExhausted {
    /// Waits for the next one. Cancel-safe.
    pub(crate) async fn noticed(&self) {
        self.0.notified().await;
    }
}

/// A listener that goes on whatever happens.
pub(crate) struct RetryingListener {
    /// At least one.
    listeners: Vec<TcpListener>,
    shortage: FdExhausted,
    complained: Option<Instant>,
}

impl RetryingListener {
    pub(crate) const fn new(listeners: Vec<TcpListener>, shortage: FdExhausted) -> Self {
        Self { listeners, shortage, complained: None }
    }

    fn complain(&mut self, error: &io::Error) {
        if self.complained.is_none_or(|then| then.elapsed() > COMPLAIN_EVERY) {
            self.complained = Some(Instant::now());
            tracing::error!(
                %error,
                "a client could not be let in; when too many files are open, raise the limit (ulimit -n, LimitNOFILE=)"
            );
        }
    }
}

impl Listener for RetryingListener {
    type Io = QuickAck;
    type Addr = SocketEnds;

    /// Cancel-safe.
    async fn accept(&mut self) -> (QuickAck, SocketEnds) {
        loop {
            match poll_fn(|context| accept(&self.listeners, context)).await {
                // A connection whose own end the system does not tell is over already.
                Ok((stream, from)) => match stream.local_addr() {
                    Ok(at) => return (QuickAck::new(stream), SocketEnds { from, at }),
                    Err(error) => tracing::debug!(%from, %error, "a client was gone at once"),
                },
                Err(error) if is_of_the_other_side(&error) => {}
                Err(error) => {
                    self.complain(&error);
                    self.shortage.0.notify_one();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketEnds> {
        self.listeners.first().ok_or(io::ErrorKind::NotConnected)?.local_addr().map(SocketEnds::listening)
    }
}

/// The first connection that has come to any of the listeners.
fn accept(listeners: &[TcpListener], context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
    let mut polled = listeners.iter().map(|listener| listener.poll_accept(context));
    polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
}

/// Whether only the client that was just coming is gone.
fn is_of_the_other_side(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
