//! Clients that come home through a helper: the same session as at `/client`, inside of an encrypted channel.
//!
//! The login names the channel's key instead of a host, so it is worth nothing to whoever holds another key.

use std::time::{Duration, Instant};

use nostrp2p_overlay::{HomeStream, HomeVisit};
use nostrp2p_protocol::{
    PeerId,
    channel::{self, Channel, ChannelSecret},
    limits::MAX_FRAME_BYTES,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{App, client, link::Socket, visitors::Place};
use crate::standing::OpenWays;

/// A client that does not greet in this time is gone: two ways over a slow network. Until then it takes one of the few
/// sessions that a helper gives.
const GREETING_TIME: Duration = Duration::from_secs(10);
/// Sessions through helpers at a time. Fewer than all sessions, so that no helper can keep the owner out who comes
/// directly.
const MAX_SESSIONS: usize = 32;

/// Serves what helpers bring until the overlay ends. Only those that this node has asked are let in.
pub(crate) async fn serve(
    app: App,
    secret: ChannelSecret,
    mut visits: mpsc::Receiver<HomeVisit>,
    ways: watch::Receiver<OpenWays>,
) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_SESSIONS));
    while let Some(HomeVisit { from, stream }) = visits.recv().await {
        let asked = ways.borrow().ways.iter().any(|way| way.helper == from);
        let place = places.clone().try_acquire_owned();
        let visit = app.visitors.enter(Place::Helper(from), Instant::now());
        let (true, Ok(place), Some(visit)) = (asked, place, visit) else {
            tracing::info!(helper = %from, asked, "a client through a helper was not let in");
            continue;
        };
        let (app, secret) = (app.clone(), secret.clone());
        tokio::spawn(async move {
            let Some(session) = app.sessions.take_soon().await else {
                return tracing::info!(helper = %from, "as many sessions as there may be");
            };
            let authority = secret.key().to_string();
            match timeout(GREETING_TIME, greet(app.peer, &secret, stream)).await {
                Ok(Some((channel, stream))) => {
                    let socket = Socket::through_helper(channel, stream, visit, session.seat().clone());
                    // However it ends, the client knows where to resume.
                    drop(client::run(app, socket, authority).await);
                }
                _ => tracing::debug!(helper = %from, "a client through a helper did not greet rightly"),
            }
            drop((place, session));
        });
    }
}

/// Does the handshake.
async fn greet(
    peer: PeerId,
    secret: &ChannelSecret,
    mut stream: HomeStream,
) -> Option<(Channel, HomeStream)> {
    let first = stream.receive().await.ok()??;
    let mut random = [0; 32];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random numbers for a client's channel");
        return None;
    }
    let (channel, answer) = channel::answer(&peer, secret, random, &first, MAX_FRAME_BYTES).ok()?;
    stream.send(&answer).await.ok()?;
    Some((channel, stream))
}
