//! `/node.json`: which node this is, for everybody who reaches it by a name of its own; its whole state, for its
//! owner and for holders of its token.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use nostrp2p_protocol::frame::Ways;
use serde::Serialize;
use tokio::{sync::oneshot, time::timeout};

use super::{
    App,
    insider::{self, Visitor},
};
use crate::{
    claim,
    driver::Command,
    mirror::MirrorStatus,
    reachability::{Connected, Reach},
    storage::Storage,
    store::Store,
};

/// How the last comparison with a neighbour went.
#[derive(Serialize)]
struct CaughtUp {
    /// Seconds since 1970.
    at: u64,
    /// Events that were missing and came.
    events: usize,
    /// The neighbour.
    with: String,
}

#[derive(Serialize)]
struct Node {
    #[serde(flatten)]
    identity: Identity,
    addresses: Vec<String>,
    peers: usize,
    /// How many of the peers act for the same owner.
    own: usize,
    /// Nodes whose announcements are known.
    known: usize,
    /// Each of the peers with the way its bytes take.
    connected: Vec<Connected>,
    /// Whether others reach the node.
    reach: Reach,
    stored: u64,
    /// How much of the disk and of the mailbox is taken.
    storage: Storage,
    /// Until when the owner's delegation holds, in seconds since 1970.
    delegated: Option<u64>,
    mirrors: Vec<MirrorStatus>,
    caught_up: Option<CaughtUp>,
    /// Warnings for the operator, in sentences.
    warnings: Vec<String>,
    /// Web pages that were refused lately, and how often.
    refused_origins: BTreeMap<String, u64>,
    /// How clients reach the node from elsewhere.
    home: Home,
}

/// The ways home. See PROTOCOL.md, "The way home".
#[derive(Serialize)]
struct Home {
    /// The key by which a client that comes through a helper recognises the node: X25519 in hex.
    key: String,
    /// The node's own public addresses.
    addresses: Vec<String>,
    /// The addresses of helpers.
    helpers: Vec<String>,
    /// The part of a link behind the address of a web client by which it finds the node; empty without helpers.
    link: String,
}

/// Which node it is.
#[derive(Serialize)]
struct Identity {
    peer_id: String,
    owner: Option<String>,
    npub: Option<String>,
    version: &'static str,
}

impl Identity {
    fn of(app: &App) -> Self {
        let owner = app.node_status.borrow().owner;
        Self {
            peer_id: app.peer.to_string(),
            owner: owner.map(|owner| owner.to_string()),
            npub: owner.map(|owner| owner.to_npub()),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// `GET /node.json`: the node's identity and, for the owner and for holders of the token, its status.
pub(super) async fn node(State(app): State<App>, request: Request) -> Response {
    match insider::visitor(&app, &request.into_parts().0) {
        Visitor::Insider => whole(app).await,
        Visitor::Guest => json("application/json", &Identity::of(&app)),
        Visitor::Refused(answer) => answer,
    }
}

async fn whole(app: App) -> Response {
    let node_status = app.node_status.borrow().clone();
    let ways: Ways = (&*app.ways.borrow()).into();
    let (reach, peers) = (app.overlay.reach().await, app.overlay.peers().await);
    let node = Node {
        identity: Identity::of(&app),
        peers: peers.len(),
        own: node_status.own_peers(),
        known: node_status.known,
        connected: peers.iter().map(Connected::from).collect(),
        reach: Reach::from(&reach),
        addresses: reach.addresses,
        stored: app.store.progress().borrow().stored,
        storage: Storage::of(&app.store),
        delegated: node_status.delegated,
        warnings: node_status.warnings.sentences().into_iter().chain(store_trouble(&app.store)).collect(),
        refused_origins: app.refused_pages.all(),
        home: Home {
            link: claim::homeward(&app.peer, &ways),
            key: ways.key.to_string(),
            addresses: ways.addresses,
            helpers: ways.helpers,
        },
        mirrors: app.mirrors.status.borrow().values().cloned().collect(),
        caught_up: app.counters.borrow().caught_up.map(|caught_up| CaughtUp {
            at: caught_up.at,
            events: caught_up.events,
            with: caught_up.peer.to_string(),
        }),
    };
    json("application/json", &node)
}

/// How long the pump may take to answer before it counts as stuck: it waits for nothing but the disk, and a flood of
/// signatures keeps it busy for a fraction of a second.
const DRIVER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// `GET /healthz`: 200 while the driver answers and the store can be written.
pub(super) async fn health(State(app): State<App>) -> Response {
    match trouble(&app).await {
        None => "ok\n".into_response(),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}

/// What keeps the node from working, in a sentence for the operator.
async fn trouble(app: &App) -> Option<String> {
    let (reply, alive) = oneshot::channel();
    let asked = async {
        app.commands.send(Command::Alive(reply)).await.ok()?;
        alive.await.ok()
    };
    match timeout(DRIVER_ANSWERS_WITHIN, asked).await {
        Ok(Some(())) => {}
        Ok(None) => return Some("the node is stopping".to_owned()),
        Err(_) => return Some("the node is stuck: its driver does not answer; restart it".to_owned()),
    }
    store_trouble(&app.store)
}

/// Why the store takes nothing, and what to do.
fn store_trouble(store: &Store) -> Option<String> {
    let mend = "make room or mend the disk; the node goes on by itself then";
    store.misplaced().or_else(|| Some(format!("the store cannot be written ({}); {mend}", store.failure()?)))
}

/// A JSON answer of the given type.
pub(super) fn json(content_type: &'static str, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer has no JSON form");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
