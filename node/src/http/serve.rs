//! Accepts connections as `axum::serve` does, but with a bound on connections and a deadline for the head of a
//! request, so that slow clients cannot use up everything; idle connections are closed for new ones.

use std::{
    io,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    serve::Listener,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};

use super::client_limits::Source;
use crate::{
    connection_slots::{ConnectionSlots, SlotHandle},
    own_names::SocketEnds,
    stop::Stop,
    tcp::FdExhausted,
};

/// Connections at a time. A browser opens six.
const MAX_CONNECTIONS: u32 = 256;
/// How long the head of a request may take, also that of the next one on a connection that is kept open.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How often it is said that there are too many connections.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Serves clients until `stop`, then lets the requests under way finish. When there are too many connections, a new
/// one replaces the longest idle one, or waits while all are busy. When descriptors run out, idle ones are closed
/// too.
pub(crate) async fn serve<L>(
    mut listener: L,
    router: Router,
    mut stop: Stop,
    shortage: FdExhausted,
) -> io::Result<()>
where
    L: Listener<Addr = SocketEnds>,
    L::Io: 'static,
{
    let places = ConnectionSlots::new(MAX_CONNECTIONS as usize);
    let mut complained: Option<Instant> = None;
    loop {
        let (stream, ends) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shortage.noticed() => {
                places.send_one_away();
                continue;
            }
            () = stop.wait() => break,
        };
        if places.full() && complained.is_none_or(|then| then.elapsed() > COMPLAIN_EVERY) {
            let connections = MAX_CONNECTIONS;
            tracing::warn!(
                connections,
                "the limit of connections is reached; idle ones are closed for new ones"
            );
            complained = Some(Instant::now());
        }
        let place = tokio::select! {
            place = places.take() => place,
            () = stop.wait() => break,
        };
        let work = middleware::from_fn_with_state(place.seat().clone(), at_work);
        let service = router.clone().layer(work).layer(Extension(Source(ends.from))).layer(Extension(ends));
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
                () = place.seat().sent_away() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    // Every connection gives its place back when it has ended.
    places.all_free(MAX_CONNECTIONS).await;
    Ok(())
}

/// Keeps the connection from being closed until its request is answered.
async fn at_work(State(seat): State<SlotHandle>, request: Request, next: Next) -> Response {
    seat.work();
    let response = next.run(request).await;
    seat.rest();
    response
}
