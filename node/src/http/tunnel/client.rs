//! Clients inside of an encrypted channel: through a helper, or at `/client?channel` by an address that is not one of
//! the node's own names. The session is the same as at `/client`.
//!
//! The login names the channel's key instead of a host, so it is not valid for the holder of another key.

use std::time::Duration;

use axum::{extract::WebSocketUpgrade, response::Response};
use nostrp2p_overlay::{HomeStream, HomeVisit};
use nostrp2p_protocol::{
    channel::{self, Channel},
    limits::MAX_OWNER_FRAME_BYTES,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use crate::http::{
    App, client,
    client_limits::ClientOrigin,
    link::{self, Gone, Said, Socket},
    named::Named,
};
use crate::node_status::OpenWays;

/// A client that does not greet in this time is gone: two ways over a slow network. Until then it takes one of the few
/// sessions that a helper gives.
const GREETING_TIME: Duration = Duration::from_secs(10);
/// Sessions through helpers at a time. Fewer than all sessions, so that no helper can keep the owner out who comes
/// directly.
const MAX_SESSIONS: usize = 32;

/// Serves what helpers bring until the overlay ends. Only those that this node has asked are let in.
pub(crate) async fn serve(app: App, mut visits: mpsc::Receiver<HomeVisit>, ways: watch::Receiver<OpenWays>) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_SESSIONS));
    while let Some(HomeVisit { from, stream }) = visits.recv().await {
        let asked = ways.borrow().ways.iter().any(|way| way.helper == from);
        let place = places.clone().try_acquire_owned();
        let visit = app.client_limits.enter(ClientOrigin::Helper(from));
        let (true, Ok(place), Some(visit)) = (asked, place, visit) else {
            tracing::info!(helper = %from, asked, "a client through a helper was not let in");
            continue;
        };
        let app = app.clone();
        tokio::spawn(async move {
            let Some(session) = app.sessions.take_soon().await else {
                return tracing::info!(helper = %from, "the limit of sessions is reached");
            };
            match timeout(GREETING_TIME, greet(&app, stream)).await {
                Ok(Some((channel, stream))) => {
                    let socket = Socket::through_helper(channel, stream, visit, session.seat().clone());
                    // However it ends, the client knows where to resume.
                    drop(client::run_in_channel(app, socket, None).await);
                }
                _ => tracing::debug!(helper = %from, "a client through a helper did not greet rightly"),
            }
            drop((place, session));
        });
    }
}

/// Does the handshake.
async fn greet(app: &App, mut stream: HomeStream) -> Option<(Channel, HomeStream)> {
    let first = stream.receive().await.ok()??;
    let (channel, answer) = begin(app, &first)?;
    stream.send(&answer).await.ok()?;
    Some((channel, stream))
}

/// The node's end of the channel that a client begins, and what to answer. None when it is meant for another node.
fn begin(app: &App, first: &[u8]) -> Option<(Channel, Vec<u8>)> {
    let mut random = [0; 32];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random numbers for a client's channel");
        return None;
    }
    channel::answer(&app.peer, &app.channel, random, first, MAX_OWNER_FRAME_BYTES).ok()
}

/// `GET /client?channel`: the channel at the node itself.
pub(in crate::http) async fn upgrade(
    app: App,
    upgrade: WebSocketUpgrade,
    place: ClientOrigin,
    named: Named,
) -> Response {
    link::open(app, upgrade, place, MAX_OWNER_FRAME_BYTES, |app, mut socket| async move {
        let Ok(Ok(Said::Binary(first))) = timeout(GREETING_TIME, socket.receive()).await else {
            return Err(Gone);
        };
        let (channel, answer) = begin(&app, &first).ok_or(Gone)?;
        socket.binary(answer).await?;
        socket.speak_inside(channel);
        client::run_in_channel(app, socket, Some(named)).await
    })
    .await
}
