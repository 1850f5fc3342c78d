//! Everything that clients reach: one port, one router. See PROTOCOL.md, "Client and node".
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the web client |
//! | `GET /`, `Upgrade: websocket` | the relay for Nostr programs (NIP-01) |
//! | `GET /`, `Accept: application/nostr+json` | what the relay is (NIP-11) |
//! | `GET /client`, `Upgrade: websocket` | the client frames |
//! | `POST /publish`, `POST /req` | the REST interface of the original |
//! | `GET /to/<peer id>`, `Upgrade: websocket` | the way to a node at home, for a helper |
//! | `GET /node.json` | which node this is; for insiders, how it does |
//! | `GET /healthz` | whether it works |
//! | `GET /metrics` | how it does, for Prometheus; for insiders |
//! | `GET /.well-known/nostr.json` | names of the owner (NIP-05), under a name of the node that is for everybody |
//!
//! `Host` and `Origin` are checked on every request (see [`host_check`]); under a name that nobody has confirmed the node serves
//! only the page, `/client` and `/healthz`.

mod base;
mod client;
mod client_limits;
mod client_upgrade;
mod front;
mod host_check;
mod info;
mod insider;
mod link;
mod metrics;
mod missing;
mod named;
mod page;
mod reading;
pub(crate) mod refused_pages;
mod relay;
mod rest;
pub(crate) mod serve;
pub(crate) mod tunnel;
mod well_known;

use std::{sync::Arc, time::Instant};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use nostrp2p_overlay::{NodeSecret, Overlay};
use nostrp2p_protocol::{PeerId, channel::ChannelSecret};
use tokio::sync::{broadcast, mpsc, watch};

pub(crate) use client_limits::ClientLimits;
pub(crate) use refused_pages::RefusedPages;
pub(crate) use relay::Relay;
pub(crate) use rest::{Rest, proves, rest_event, rest_question};

use crate::{
    access_token::AccessToken,
    connection_slots::ConnectionSlots,
    driver::{Command, DeliveryNews},
    markers::Markers,
    mirror,
    node_status::{Counters, NodeStatus, OpenWays},
    own_names::OwnNames,
    stop::Stop,
    store::Store,
};

/// Most WebSocket sessions at a time. A person has a handful of devices; each costs about 100 KB.
pub(crate) const MAX_SESSIONS: usize = 64;

/// State that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) node_status: watch::Receiver<NodeStatus>,
    pub(crate) deliveries: broadcast::Sender<DeliveryNews>,
    pub(crate) markers: watch::Receiver<Markers>,
    pub(crate) ways: watch::Receiver<OpenWays>,
    /// Whether this node serves as a helper.
    pub(crate) lends: bool,
    pub(crate) counters: watch::Receiver<Counters>,
    pub(crate) stop: Stop,
    pub(crate) store: Store,
    pub(crate) peer: PeerId,
    /// The key with which the node proves to clients which node it is.
    pub(crate) secret: Arc<NodeSecret>,
    /// The node's key inside of channels.
    pub(crate) channel: Arc<ChannelSecret>,
    pub(crate) overlay: Overlay,
    pub(crate) started: Instant,
    /// Under which names it is itself, and from which pages it takes requests.
    pub(crate) names: OwnNames,
    /// From which pages it took none.
    pub(crate) refused_pages: RefusedPages,
    /// The token whose holders see the node's state.
    pub(crate) token: AccessToken,
    /// Slots of sessions; one without a login gives up its slot when there are too many.
    pub(crate) sessions: ConnectionSlots,
    pub(crate) client_limits: ClientLimits,
    /// Whether guests read what is public.
    pub(crate) public_read: bool,
    /// The names of the owner (NIP-05).
    pub(crate) person_names: Arc<[String]>,
    pub(crate) mirrors: mirror::Handle,
    pub(crate) rest: Rest,
    pub(crate) relay: Relay,
}

impl App {
    /// The bound on sessions, to be shared by all clones.
    pub(crate) fn sessions() -> ConnectionSlots {
        ConnectionSlots::new(MAX_SESSIONS)
    }
}

/// Builds the router.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(front::front))
        .route("/client", get(client_upgrade::upgrade))
        .route("/publish", post(rest::publish).options(rest::preflight).fallback(rest::wrong_method))
        .route("/req", post(rest::req).options(rest::preflight).fallback(rest::wrong_method))
        .route("/to/{peer}", get(tunnel::server::upgrade))
        .route("/node.json", get(info::node))
        .route("/healthz", get(info::health))
        .route("/metrics", get(metrics::metrics))
        .route(well_known::PATH, get(well_known::names))
        .fallback(page::file)
        .layer(middleware::from_fn_with_state(app.clone(), host_check::check))
        .with_state(app)
}
