//! Taking connections: like `axum::serve`, but with a bound on connections and a deadline for the head of a request,
//! so that slow clients cannot hold everything.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::sync::Semaphore;

use super::visitors::Source;
use crate::stop::Stop;

/// Connections at a time. A browser opens six.
const MAX_CONNECTIONS: u32 = 256;
/// How long the head of a request may take, also that of the next one on a connection that is kept open.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How often it is said that there are too many connections.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Serves clients until `stop`, then lets the requests under way finish. Whoever connects while there are too many
/// waits for a place.
pub(crate) async fn serve<L>(mut listener: L, router: Router, mut stop: Stop) -> io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
    L::Io: 'static,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let mut complained: Option<Instant> = None;
    loop {
        if places.available_permits() == 0 && complained.is_none_or(|then| then.elapsed() > COMPLAIN_EVERY) {
            tracing::warn!(connections = MAX_CONNECTIONS, "as many connections as there may be; others wait");
            complained = Some(Instant::now());
        }
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.wait() => break,
        };
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.wait() => break,
        };
        let service = router.clone().layer(Extension(Source(from)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.wait() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    // Every connection gives its place back when it has ended.
    drop(places.acquire_many(MAX_CONNECTIONS).await);
    Ok(())
}
