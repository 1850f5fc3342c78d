//! The common part of both kinds of WebSocket sessions: opening, writing, keep-alive and closing.

use std::{future::Future, net::IpAddr, time::Duration};

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
use nostrp2p_overlay::HomeStream;
use nostrp2p_protocol::{channel::Channel, limits::MAX_OWNER_FRAME_BYTES};
use tokio::time::{Instant, timeout};

use super::{
    App,
    client_limits::{self, Allowance, ClientOrigin, Visit},
};
use crate::connection_slots::SlotHandle;

/// A client that takes no byte for this long is gone or too slow, and holds memory.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// A phone that sleeps is not woken more often than this.
const PING_EVERY: Duration = Duration::from_secs(120);
/// Ping interval of relay sessions, as Nostr programs expect and strfry does.
const RELAY_PING_EVERY: Duration = Duration::from_secs(55);
/// Bytes that a socket reads at once. The library clears the whole buffer before each read, and keeps it as long as
/// the socket is open.
pub(super) const READ_BUFFER: usize = 8 * 1024;
/// How much longer than two pings a silent client is taken to be there.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client gets to hear why the node hangs up, and to take the answer to its own close frame.
const PARTING: Duration = Duration::from_secs(1);

/// Accepts a WebSocket, unless too many are open, from this origin or in all; then the longest silent one without a
/// login is closed. A message of the client has at most `longest` bytes.
pub(super) async fn open<F, S>(
    app: App,
    upgrade: WebSocketUpgrade,
    place: ClientOrigin,
    longest: usize,
    session: F,
) -> Response
where
    F: FnOnce(App, Socket) -> S + Send + 'static,
    S: Future<Output = Result<(), Gone>> + Send,
{
    let Some(visit) = app.client_limits.enter(place) else {
        let text = client_limits::too_many();
        return (StatusCode::TOO_MANY_REQUESTS, text).into_response();
    };
    let Some(taken) = app.sessions.take_soon().await else {
        let text = "This node has reached its limit of sessions; close one and try again.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let upgrade = upgrade.read_buffer_size(READ_BUFFER);
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(async move |socket| {
        let now = Instant::now();
        // However it ends, the client knows where to resume.
        let wire = Wire::Socket(Box::new(socket));
        let seat = taken.seat().clone();
        let (ping_every, stays) = (PING_EVERY, false);
        let socket =
            Socket { wire, channel: None, visit, seat, stays, heard: now, pinged: now, ping_every, longest };
        drop(session(app, socket).await);
        drop(taken);
    })
}

/// The client is gone, or its session was closed. Nothing is lost: it resumes.
#[derive(Debug)]
pub(super) struct Gone;

/// A client's connection, which notices when nobody is there any more.
pub(super) struct Socket {
    wire: Wire,
    /// Inside of which everything is said from now on.
    channel: Option<Box<Channel>>,
    visit: Visit,
    seat: SlotHandle,
    /// Whether somebody has signed in; such a session is never closed for another one.
    stays: bool,
    heard: Instant,
    pinged: Instant,
    ping_every: Duration,
    /// Most bytes of a message of the client.
    longest: usize,
}

/// The transport of a session.
enum Wire {
    /// To this node itself.
    Socket(Box<WebSocket>),
    /// Through a helper: the helper looks after its WebSocket, and when that ends, it ends the stream.
    Helper(Box<HomeStream>),
}

/// A message of a client.
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
}

impl Socket {
    /// From now on pings as often as relays do, not as seldom as a phone needs it.
    pub(super) const fn ping_as_relays_do(&mut self) {
        self.ping_every = RELAY_PING_EVERY;
    }

    /// A client that has come through a helper and has done its handshake.
    pub(super) fn through_helper(
        channel: Channel,
        stream: HomeStream,
        visit: Visit,
        seat: SlotHandle,
    ) -> Self {
        let (wire, channel, now) = (Wire::Helper(Box::new(stream)), Some(Box::new(channel)), Instant::now());
        let (stays, ping_every, longest) = (false, PING_EVERY, MAX_OWNER_FRAME_BYTES);
        Self { wire, channel, visit, seat, stays, heard: now, pinged: now, ping_every, longest }
    }

    /// The handshake is done: from now on everything is said inside of this channel.
    pub(super) fn speak_inside(&mut self, channel: Channel) {
        self.channel = Some(Box::new(channel));
    }

    /// Somebody has signed in: from now on this session is not closed for another one, here and at a helper.
    pub(super) async fn stay(&mut self) {
        self.stays = true;
        self.seat.work();
        if let Wire::Helper(stream) = &mut self.wire
            && !matches!(timeout(WRITE_DEADLINE, stream.tell_login()).await, Ok(Ok(())))
        {
            // Reading from it will show that it is lost.
            tracing::debug!("a helper could not be told that somebody has signed in");
        }
    }

    /// Waits for the next message; answers and sends pings meanwhile. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Result<Said, Gone> {
        loop {
            let said = self.receive_piece().await?;
            let Some(channel) = &mut self.channel else { return Ok(said) };
            // Nobody speaks text inside of a channel.
            let Said::Binary(piece) = said else { return Err(Gone) };
            match channel.open(&piece) {
                Ok(Some(message)) => return Ok(Said::Binary(message)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "somebody on the way did not carry what a client said");
                    return Err(Gone);
                }
            }
        }
    }

    /// Waits for the next message as it comes over the wire.
    async fn receive_piece(&mut self) -> Result<Said, Gone> {
        loop {
            let socket = match &mut self.wire {
                Wire::Socket(socket) => socket,
                Wire::Helper(stream) => {
                    return tokio::select! {
                        piece = stream.receive() => piece.ok().flatten().map(Said::Binary).ok_or(Gone),
                        () = self.seat.sent_away() => Err(Gone),
                    };
                }
            };
            let ping = self.pinged.max(self.heard) + self.ping_every;
            let message = tokio::select! {
                message = socket.recv() => message,
                () = self.seat.sent_away() => {
                    let reason = "others need this place, and nobody has signed in here";
                    let frame = CloseFrame { code: close_code::AWAY, reason: reason.into() };
                    // The answer is not waited for: whoever waits for the place gets it at once, and this may be cancelled.
                    drop(timeout(PARTING, self.send(Message::Close(Some(frame)))).await);
                    return Err(Gone);
                }
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
            if !self.stays {
                self.seat.rest();
            }
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Said::Text(text.to_string())),
                Some(Ok(Message::Binary(bytes))) => return Ok(Said::Binary(bytes.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(error)) => return self.blame(&error).await,
                Some(Ok(Message::Close(_))) => return self.answer_close().await,
                None => return Err(Gone),
            }
        }
    }

    /// The budget of reads for a guest here.
    pub(super) fn allowance(&self) -> Allowance {
        self.visit.allowance()
    }

    /// The origin of the client.
    pub(super) const fn origin(&self) -> ClientOrigin {
        self.visit.origin()
    }

    /// The address or network from which the client has come; None on this machine.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.visit.address()
    }

    /// Counts a login that has failed; says whether there were too many from where this client is.
    pub(super) fn failed_login(&self) -> bool {
        self.visit.failed_login(Instant::now().into_std())
    }

    /// Puts a text message where it leaves with the next flush, or earlier if much has gathered.
    pub(super) async fn feed(&mut self, line: String) -> Result<(), Gone> {
        match &mut self.wire {
            Wire::Socket(socket) => in_time(socket.feed(Message::Text(line.into()))).await,
            // Nostr programs know nothing of helpers.
            Wire::Helper(_) => Err(Gone),
        }
    }

    /// Sends what was fed.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        match &mut self.wire {
            Wire::Socket(socket) => in_time(socket.flush()).await,
            Wire::Helper(_) => Err(Gone),
        }
    }

    /// Sends a binary message.
    pub(super) async fn binary(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        let pieces = match &mut self.channel {
            Some(channel) => channel.seal(&bytes).map_err(|_| Gone)?,
            None => vec![bytes],
        };
        for piece in pieces {
            match &mut self.wire {
                Wire::Socket(_) => self.send(Message::Binary(piece.into())).await?,
                Wire::Helper(stream) => match timeout(WRITE_DEADLINE, stream.send(&piece)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return Err(Gone),
                },
            }
        }
        Ok(())
    }

    /// Says goodbye. Always an error, for `?`.
    pub(super) async fn close(&mut self, reason: &'static str) -> Result<(), Gone> {
        self.hang_up(close_code::AWAY, reason.to_owned()).await
    }

    /// Says goodbye to a client whose bytes are no messages, if they still can be answered.
    async fn blame(&mut self, error: &Error) -> Result<Said, Gone> {
        let error = error.to_string();
        let (code, reason) = if error.contains("too long") || error.contains("too big") {
            (close_code::SIZE, format!("a message has at most {} bytes", self.longest))
        } else if error.to_ascii_lowercase().contains("utf-8") {
            (close_code::INVALID, "a text message is UTF-8".to_owned())
        } else {
            return Err(Gone);
        };
        self.hang_up(code, reason).await.and(Err(Gone))
    }

    /// Says goodbye to a client that may not send so long a message. Always an error, for `?`.
    pub(super) async fn refuse_longer_than(&mut self, most: usize) -> Result<(), Gone> {
        self.hang_up(
            close_code::SIZE,
            format!("a message has at most {most} bytes before you have signed in"),
        )
        .await
    }

    /// Answers the client's close frame (RFC 6455, 5.5.1): the library has the answer ready, and flushing sends it.
    async fn answer_close(&mut self) -> Result<Said, Gone> {
        if let Wire::Socket(socket) = &mut self.wire {
            drop(timeout(PARTING, socket.close()).await);
        }
        Err(Gone)
    }

    /// Sends a close frame and waits a moment for the client's: what is unread when a connection ends makes the system
    /// throw away what the client has not read yet, and then it would never learn why.
    async fn hang_up(&mut self, code: u16, reason: String) -> Result<(), Gone> {
        let frame = CloseFrame { code, reason: reason.into() };
        self.send(Message::Close(Some(frame))).await?;
        if let Wire::Socket(socket) = &mut self.wire {
            let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
            drop(timeout(PARTING, answered).await);
        }
        Err(Gone)
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match &mut self.wire {
            Wire::Socket(socket) => in_time(socket.send(message)).await,
            // Pings and goodbyes are for the helper's WebSocket; here the stream ends when this is dropped.
            Wire::Helper(_) => Ok(()),
        }
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
