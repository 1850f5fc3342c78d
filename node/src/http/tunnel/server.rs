//! `GET /to/<peer id>`: the helper's side of a tunnel to a node behind a router that has asked for it. See
//! PROTOCOL.md, "The way home".
//!
//! Each WebSocket message becomes a frame of a stream to that node, both ways. The content is ciphertext. The node at
//! the other end decides who may log in, and reports a login by an empty frame. So pages of any origin are accepted;
//! they get nothing here that a program without an origin would not get.

use std::time::Duration;

use axum::{
    Extension,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use nostrp2p_core::TunnelDenied;
use nostrp2p_overlay::{HomeReader, HomeStream, HomeWriter, MAX_HOME_FRAME, RequestError};
use nostrp2p_protocol::{PeerId, channel::TURNED_AWAY};
use nostrp2p_runtime::TunnelGrant;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use crate::driver::Command;
use crate::http::{
    App,
    client_limits::{self, ClientOrigin, Source},
    link::READ_BUFFER,
};

/// A side that takes no byte for this long is gone or too slow, and holds memory.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a client may take the answer to its close frame.
const PARTING: Duration = Duration::from_secs(1);
/// A phone that sleeps is not woken more often than this.
const PING_EVERY: Duration = Duration::from_secs(120);
/// Two pings without an answer, and half a minute.
const SILENCE: Duration = Duration::from_secs(270);
/// The close code for what no client should send, from the range that RFC 6455 leaves to applications.
const NO_SENSE: u16 = 4_400;

/// Why a session is over, as the browser gets it: close code and reason.
struct Over(u16, String);

pub(in crate::http) async fn upgrade(
    State(app): State<App>,
    Path(peer): Path<String>,
    source: Option<Extension<Source>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !app.lends {
        return (StatusCode::NOT_FOUND, "This node is no helper for other nodes.\n").into_response();
    }
    let Ok(peer) = peer.parse::<PeerId>() else {
        return (StatusCode::BAD_REQUEST, "The path /to/ needs the peer id of a node behind it.\n")
            .into_response();
    };
    let place = ClientOrigin::of(source.map(|source| source.0), &headers);
    let Some(visit) = app.client_limits.enter(place) else {
        let text = client_limits::too_many();
        return (StatusCode::TOO_MANY_REQUESTS, text).into_response();
    };
    // Whatever is wrong from here on, a browser learns only over the WebSocket.
    let upgrade = upgrade.read_buffer_size(READ_BUFFER);
    upgrade.max_message_size(MAX_HOME_FRAME).max_frame_size(MAX_HOME_FRAME).on_upgrade(
        async move |mut socket| {
            match Lent::open(app, peer, place).await {
                Ok((lent, switch, stream)) => carry(&lent, switch, socket, stream).await,
                Err(over) => goodbye(&mut socket, over).await,
            }
            drop(visit);
        },
    )
}

/// A session that counts until it is dropped.
struct Lent {
    app: App,
    peer: PeerId,
    session: u64,
    _lives: oneshot::Sender<()>,
}

impl Lent {
    async fn open(
        app: App,
        peer: PeerId,
        place: ClientOrigin,
    ) -> Result<(Self, oneshot::Receiver<()>, HomeStream), Over> {
        let (reply, answer) = oneshot::channel();
        drop(app.commands.send(Command::OpenTunnel(peer, place.address(), reply)).await);
        let TunnelGrant { session, displaced, lives } = answer.await.map_err(|_| Over::stopping())??;
        let lent = Self { app, peer, session, _lives: lives };
        match lent.app.overlay.open_home(peer).await {
            Ok(stream) => {
                lent.tell(Command::TunnelTellsLogins(peer, stream.tells_login())).await;
                Ok((lent, displaced, stream))
            }
            Err(RequestError::Unreachable { .. }) => Err(TunnelDenied::Unknown.into()),
            Err(error) => Err(Over(TURNED_AWAY, error.to_string())),
        }
    }

    async fn tell(&self, command: Command) {
        // A node that is stopping needs no account.
        drop(self.app.commands.send(command).await);
    }

    /// Waits until so many bytes may go.
    async fn pay(&self, bytes: usize) -> Result<(), Over> {
        let clock_ms = u64::try_from(self.app.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (reply, answer) = oneshot::channel();
        self.tell(Command::SpendOnTunnel(self.peer, bytes, clock_ms, reply)).await;
        let wait_ms = answer.await.map_err(|_| Over::stopping())??;
        if wait_ms > 0 {
            sleep(Duration::from_millis(wait_ms)).await;
        }
        Ok(())
    }
}

impl Over {
    fn stopping() -> Self {
        Self(TURNED_AWAY, "this helper is stopping".to_owned())
    }
}

impl From<TunnelDenied> for Over {
    fn from(reason: TunnelDenied) -> Self {
        Self(TURNED_AWAY, reason.to_string())
    }
}

/// Carries both ways at once, so that neither waits for the other, until one side is gone.
async fn carry(lent: &Lent, switch: oneshot::Receiver<()>, socket: WebSocket, stream: HomeStream) {
    tracing::debug!(peer = %lent.peer, "a client goes home through this node");
    let tells_login = stream.tells_login();
    let (mut to_client, from_client) = socket.split();
    let (mut from_home, mut to_home) = stream.split();
    let mut stop = lent.app.stop.clone();
    let over = tokio::select! {
        over = homeward(lent, from_client, &mut to_home) => over,
        over = outward(lent, tells_login, &mut from_home, &mut to_client) => over,
        Ok(()) = switch => {
            let reason = "others need this place, and nobody has signed in here";
            Over(TURNED_AWAY, reason.to_owned())
        }
        () = stop.wait() => Over::stopping(),
    };
    tracing::debug!(peer = %lent.peer, reason = over.1, "it is over");
    let close = Message::Close(Some(CloseFrame { code: over.0, reason: over.1.into() }));
    drop(timeout(WRITE_DEADLINE, to_client.send(close)).await);
    // If it was the client that hung up, this sends the answer to its close frame.
    drop(timeout(PARTING, to_client.close()).await);
}

async fn homeward(
    lent: &Lent,
    mut from_client: impl StreamExt<Item = Result<Message, axum::Error>> + Unpin,
    to_home: &mut HomeWriter,
) -> Over {
    loop {
        let message = match timeout(SILENCE, from_client.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return Over(NO_SENSE, error.to_string()),
            Ok(None) | Err(_) => return Over(TURNED_AWAY, "the client is gone".to_owned()),
        };
        match message {
            Message::Binary(bytes) => {
                if let Err(over) = lent.pay(bytes.len()).await {
                    return over;
                }
                if !matches!(timeout(WRITE_DEADLINE, to_home.send(&bytes)).await, Ok(Ok(()))) {
                    return lost();
                }
            }
            Message::Text(_) => return Over(NO_SENSE, "only binary messages go home".to_owned()),
            Message::Close(_) => return Over(TURNED_AWAY, "the client is gone".to_owned()),
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

async fn outward(
    lent: &Lent,
    tells_login: bool,
    from_home: &mut HomeReader,
    to_client: &mut SplitSink<WebSocket, Message>,
) -> Over {
    loop {
        let message = match timeout(PING_EVERY, from_home.receive()).await {
            Ok(Ok(Some(frame))) if frame.is_empty() && tells_login => {
                lent.tell(Command::TunnelSignedIn(lent.session)).await;
                continue;
            }
            Ok(Ok(Some(frame))) => {
                if let Err(over) = lent.pay(frame.len()).await {
                    return over;
                }
                Message::Binary(frame.into())
            }
            Ok(Ok(None)) => return Over(TURNED_AWAY, "that node has hung up".to_owned()),
            Ok(Err(_)) => return lost(),
            // Whether anybody is there still, nothing else would show.
            Err(_) => Message::Ping(vec![].into()),
        };
        if !matches!(timeout(WRITE_DEADLINE, to_client.send(message)).await, Ok(Ok(()))) {
            return Over(TURNED_AWAY, "the client takes nothing".to_owned());
        }
    }
}

fn lost() -> Over {
    Over(TURNED_AWAY, "the connection to that node is lost".to_owned())
}

async fn goodbye(socket: &mut WebSocket, over: Over) {
    let close = Message::Close(Some(CloseFrame { code: over.0, reason: over.1.into() }));
    drop(timeout(WRITE_DEADLINE, socket.send(close)).await);
}
