//! What the two sorts of WebSocket sessions have in common: how they open, write, stay alive and end.

use std::{future::Future, time::Duration};

use axum::{
    Error,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::SinkExt;
use nostrp2p_protocol::limits::MAX_FRAME_BYTES;
use tokio::time::{Instant, timeout};

use super::{
    App,
    visitors::{Place, Visit},
};

/// A client that takes no byte for this long is gone or too slow, and holds memory.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// A phone that sleeps is not woken more often than this.
const PING_EVERY: Duration = Duration::from_secs(120);
/// What programs of the Nostr world expect of a relay, as strfry does.
const RELAY_PING_EVERY: Duration = Duration::from_secs(55);
/// How much longer than two pings a silent client is taken to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts a WebSocket, unless too many are open, from this place or in all.
pub(super) fn open<F, S>(app: App, upgrade: WebSocketUpgrade, place: Place, session: F) -> Response
where
    F: FnOnce(App, Socket) -> S + Send + 'static,
    S: Future<Output = Result<(), Gone>> + Send,
{
    let Ok(permit) = app.sessions.clone().try_acquire_owned() else {
        let text = "This node serves as many sessions as it can; close one and try again.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let Some(visit) = app.visitors.enter(place, Instant::now().into_std()) else {
        let text = "There are as many sessions from your address as there may be; close one and try again.\n";
        return (StatusCode::TOO_MANY_REQUESTS, text).into_response();
    };
    upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES).on_upgrade(
        async move |socket| {
            let now = Instant::now();
            // However it ends, the client knows where to resume.
            let socket = Socket { socket, visit, heard: now, pinged: now, ping_every: PING_EVERY };
            drop(session(app, socket).await);
            drop(permit);
        },
    )
}

/// The client is gone, or was told to go. Nothing is lost: it resumes.
#[derive(Debug)]
pub(super) struct Gone;

/// A WebSocket that notices when nobody is there any more.
pub(super) struct Socket {
    socket: WebSocket,
    visit: Visit,
    heard: Instant,
    pinged: Instant,
    ping_every: Duration,
}

/// What a client said.
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
}

impl Socket {
    /// From now on pings as often as relays do, not as seldom as a phone needs it.
    pub(super) const fn ping_as_relays_do(&mut self) {
        self.ping_every = RELAY_PING_EVERY;
    }

    /// Waits for the next message; answers and sends pings meanwhile. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Result<Said, Gone> {
        loop {
            let ping = self.pinged.max(self.heard) + self.ping_every;
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = tokio::time::sleep_until(ping) => {
                    if self.heard.elapsed() > 2 * self.ping_every + PATIENCE {
                        return Err(Gone);
                    }
                    self.pinged = Instant::now();
                    self.send(Message::Ping(vec![].into())).await?;
                    continue;
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Said::Text(text.to_string())),
                Some(Ok(Message::Binary(bytes))) => return Ok(Said::Binary(bytes.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(error)) => return self.blame(&error).await,
                Some(Ok(Message::Close(_))) | None => return Err(Gone),
            }
        }
    }

    /// Counts a login that has failed; says whether there were too many from where this client is.
    pub(super) fn failed_login(&self) -> bool {
        self.visit.failed_login(Instant::now().into_std())
    }

    /// Puts a text message where it leaves with the next flush, or earlier if much has gathered.
    pub(super) async fn feed(&mut self, line: String) -> Result<(), Gone> {
        in_time(self.socket.feed(Message::Text(line.into()))).await
    }

    /// Sends what was fed.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        in_time(self.socket.flush()).await
    }

    /// Sends a binary message.
    pub(super) async fn binary(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// Says goodbye. Always an error, for `?`.
    pub(super) async fn close(&mut self, reason: &'static str) -> Result<(), Gone> {
        self.hang_up(close_code::AWAY, reason).await
    }

    /// Says goodbye to a client whose bytes are no messages, if they still can be answered.
    async fn blame(&mut self, error: &Error) -> Result<Said, Gone> {
        let error = error.to_string();
        let (code, reason) = if error.contains("too long") || error.contains("too big") {
            (close_code::SIZE, "a message has at most 131072 bytes")
        } else if error.to_ascii_lowercase().contains("utf-8") {
            (close_code::INVALID, "a text message is UTF-8")
        } else {
            return Err(Gone);
        };
        self.hang_up(code, reason).await.and(Err(Gone))
    }

    async fn hang_up(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame { code, reason: reason.into() };
        self.send(Message::Close(Some(frame))).await?;
        Err(Gone)
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        in_time(self.socket.send(message)).await
    }
}

/// Gives up on a client that takes nothing.
async fn in_time(writing: impl Future<Output = Result<(), Error>>) -> Result<(), Gone> {
    match timeout(WRITE_DEADLINE, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Gone),
        Err(_) => {
            tracing::info!(deadline = ?WRITE_DEADLINE, "hung up on a client that took nothing for too long");
            Err(Gone)
        }
    }
}
