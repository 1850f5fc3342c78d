//! `GET /client`: makes the WebSocket of a client and starts its session, without or inside of an encrypted channel.

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade},
    http::{HeaderMap, Uri},
    response::Response,
};
use nostrp2p_protocol::{channel::CLIENT_QUERY, limits::MAX_OWNER_FRAME_BYTES};

use super::{
    App, client,
    client_limits::{ClientOrigin, Source},
    link,
    named::Named,
    tunnel,
};

/// `GET /client`, or with [`CLIENT_QUERY`] inside of a channel.
pub(super) async fn upgrade(
    State(app): State<App>,
    source: Option<Extension<Source>>,
    Extension(named): Extension<Named>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let origin = ClientOrigin::of(source.map(|source| source.0), &headers);
    if uri.query() == Some(CLIENT_QUERY) {
        return tunnel::client::upgrade(app, upgrade, origin, named).await;
    }
    link::open(app, upgrade, origin, MAX_OWNER_FRAME_BYTES, move |app, socket| {
        client::run(app, socket, named)
    })
    .await
}
