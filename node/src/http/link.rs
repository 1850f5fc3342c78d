//! What the two sorts of WebSocket sessions have in common: how they open, write, stay alive and end.

use std::{future::Future, time::Duration};

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
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
/// Two pings unanswered, and half a minute.
const SILENCE: Duration = Duration::from_secs(270);

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
            drop(session(app, Socket { socket, visit, heard: now, pinged: now }).await);
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
}

/// What a client said.
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
}

impl Socket {
    /// Waits for the next message; answers and sends pings meanwhile. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Result<Said, Gone> {
        loop {
            let ping = self.pinged.max(self.heard) + PING_EVERY;
            let message = tokio::select! {
                message = self.socket.recv() => message,
                () = tokio::time::sleep_until(ping) => {
                    if self.heard.elapsed() > SILENCE {
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
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
            }
        }
    }

    /// Counts a login that has failed; says whether there were too many from where this client is.
    pub(super) fn failed_login(&self) -> bool {
        self.visit.failed_login(Instant::now().into_std())
    }

    /// Sends a text message.
    pub(super) async fn text(&mut self, line: String) -> Result<(), Gone> {
        self.send(Message::Text(line.into())).await
    }

    /// Sends a binary message.
    pub(super) async fn binary(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// Says goodbye. Always an error, for `?`.
    pub(super) async fn close(&mut self, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame { code: close_code::AWAY, reason: reason.into() };
        self.send(Message::Close(Some(frame))).await?;
        Err(Gone)
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(WRITE_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
