//! `GET /`: page, relay or relay information, as the client asks.

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use nostrp2p_bridge::Information;
use nostrp2p_protocol::limits::MAX_OWNER_MESSAGE_BYTES;

use super::{
    App,
    client_limits::{ClientOrigin, Source},
    info, link,
    named::Named,
    page, relay,
};

pub(super) async fn front(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    source: Option<Extension<Source>>,
    Extension(named): Extension<Named>,
    headers: HeaderMap,
) -> Response {
    match upgrade {
        Ok(upgrade) => {
            let place = ClientOrigin::of(source.map(|source| source.0), &headers);
            let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
            let foreign = named.from_foreign_page.then(|| origin.unwrap_or_default().to_owned());
            link::open(app, upgrade, place, MAX_OWNER_MESSAGE_BYTES, move |app, socket| {
                relay::run(app, socket, named.authority.to_string(), foreign)
            })
            .await
        }
        Err(rejection) if headers.contains_key(header::UPGRADE) => rejection.into_response(),
        Err(_) if accepts_information(&headers) => {
            let (owner, policy) = (app.node_status.borrow().owner, app.relay.policy);
            let information = match named.from_foreign_page {
                true => {
                    let public_name = app.names.is_public(&named.authority, named.ends.as_ref());
                    Information::to_strangers(owner, policy, public_name)
                }
                false => Information::new(owner, policy),
            };
            let mut response = info::json("application/nostr+json", &information);
            let by_page = header::HeaderValue::from_static("origin, accept");
            response.headers_mut().insert(header::VARY, by_page);
            // NIP-11 asks for these three, so that any page may read the document.
            for name in [
                header::ACCESS_CONTROL_ALLOW_ORIGIN,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                header::ACCESS_CONTROL_ALLOW_METHODS,
            ] {
                response.headers_mut().insert(name, header::HeaderValue::from_static("*"));
            }
            response
        }
        Err(_) => page::index(&headers),
    }
}

pub(super) fn accepts_information(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/nostr+json"))
}
