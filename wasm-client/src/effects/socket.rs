//! The WebSockets to the node: direct ones, and those through helpers, with an encrypted channel inside.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use nostrp2p_protocol::{
    PeerId,
    channel::{ChannelKey, TURNED_AWAY},
    frame::{ClientFrame, NodeFrame, VERSION, Welcome},
    limits::MAX_BATCH_BYTES,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::{
    App,
    ciphers::{self, HomeChannel},
    node_key,
};
use crate::{
    message::{Message, SocketEvent},
    vault,
};

/// An open or opening socket. Dropping it closes it, and it reports nothing any more.
pub(super) struct Socket {
    line: Rc<Line>,
    _listeners: [EventListener; 3],
}

struct Line {
    app: Weak<App>,
    attempt: u32,
    socket: WebSocket,
    channel_state: RefCell<SocketChannel>,
    /// Over which the node proves its key.
    nonce: Cell<[u8; 32]>,
}

/// The layer between the socket and the frames.
enum SocketChannel {
    /// Nothing: the node itself is at the other end.
    Plain,
    /// A helper is, and the node behind it is to be greeted once the socket is open and the ciphers are loaded.
    Behind(PeerId, ChannelKey, Promise),
    /// The node has been greeted.
    Greeted(HomeChannel),
    /// The node has answered.
    Channel(HomeChannel),
    /// The channel is being begun, or has ended.
    Mute,
}

impl Socket {
    /// Opens a socket. If the browser refuses even to try, that is reported like a socket that closed.
    pub(super) fn open(
        app: &Rc<App>,
        attempt: u32,
        url: &str,
        channel: Option<(PeerId, ChannelKey)>,
    ) -> Option<Self> {
        // The ciphers come while the socket opens.
        let channel_state = match channel {
            None => Ok(SocketChannel::Plain),
            Some((peer, key)) => app.ciphers().map(|ciphers| SocketChannel::Behind(peer, key, ciphers)),
        };
        let (Ok(socket), Ok(channel_state)) = (WebSocket::new(url), channel_state) else {
            let app = Rc::downgrade(app);
            // Not at once: the message that led here is still being handled.
            gloo_timers::callback::Timeout::new(0, move || report(&app, attempt, SocketEvent::Closed))
                .forget();
            return None;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (channel_state, nonce) = (RefCell::new(channel_state), Cell::default());
        let line = Rc::new(Line { app: Rc::downgrade(app), attempt, socket, channel_state, nonce });
        let on = |name: &'static str, read: fn(&Rc<Line>, &Event) -> Option<SocketEvent>| {
            let weak = Rc::downgrade(&line);
            EventListener::new(&line.socket, name, move |event| {
                if let Some(line) = weak.upgrade()
                    && let Some(heard) = read(&line, event)
                {
                    report(&line.app, attempt, heard);
                }
            })
        };
        let listeners = [
            on("open", |line, _| line.on_open()),
            on("message", |line, event| line.on_message(event)),
            on("close", |_, event| Some(closed(event))),
        ];
        Some(Self { line, _listeners: listeners })
    }

    /// Greets the node with nothing but a fresh nonce.
    pub(super) fn greet(&self) {
        let mut nonce = [0; 32];
        match vault::random(&mut nonce) {
            Ok(()) => {
                self.line.nonce.set(nonce);
                self.send(ClientFrame::Hello { version: VERSION, nonce: Some(nonce) });
            }
            Err(error) => web_sys::console::warn_1(&error),
        }
    }

    /// Sends a frame. On a socket that is closing the frame is lost; what matters is in the outbox and sent again.
    pub(super) fn send(&self, frame: ClientFrame) {
        let (socket, bytes) = (&self.line.socket, frame.encode());
        let sent = match &*self.line.channel_state.borrow() {
            SocketChannel::Channel(channel) => channel.seal(&bytes).is_ok_and(|pieces| {
                pieces.iter().all(|piece| socket.send_with_array_buffer_view(piece.unchecked_ref()).is_ok())
            }),
            SocketChannel::Plain => socket.send_with_u8_array(&bytes).is_ok(),
            SocketChannel::Behind(..) | SocketChannel::Greeted(_) | SocketChannel::Mute => false,
        };
        if !sent {
            web_sys::console::warn_1(&"a frame was not sent".into());
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It fails only for a close code, and none is given.
        drop(self.line.socket.close());
    }
}

fn report(app: &Weak<App>, attempt: u32, event: SocketEvent) {
    if let Some(app) = app.upgrade() {
        app.dispatch(Message::Socket { attempt, event });
    }
}

impl Line {
    /// A straight socket is ready; behind a helper, the node is greeted first.
    fn on_open(self: &Rc<Self>) -> Option<SocketEvent> {
        match self.channel_state.replace(SocketChannel::Mute) {
            SocketChannel::Behind(peer, key, ciphers) => {
                // Weak, because whoever drops the socket wants to hear nothing more of it.
                let line = Rc::downgrade(self);
                spawn_local(async move {
                    let ciphers = ciphers::loaded(ciphers).await;
                    let Some(line) = line.upgrade() else { return };
                    if let Err(error) = ciphers.and_then(|ciphers| line.greet(&ciphers, &peer, &key)) {
                        web_sys::console::warn_1(&error);
                        report(&line.app, line.attempt, SocketEvent::Closed);
                    }
                });
                None
            }
            channel_state => {
                self.channel_state.replace(channel_state);
                Some(SocketEvent::Opened)
            }
        }
    }

    fn greet(&self, ciphers: &ciphers::Ciphers, peer: &PeerId, key: &ChannelKey) -> Result<(), JsValue> {
        let mut random = [0; 32];
        vault::random(&mut random)?;
        let (peer, key) = (peer.to_string(), key.to_string());
        let channel = ciphers.begin_home_channel(&peer, &key, &random, MAX_BATCH_BYTES)?;
        let greeting = channel.greeting();
        self.channel_state.replace(SocketChannel::Greeted(channel));
        self.socket.send_with_u8_array(&greeting)
    }

    fn on_message(self: &Rc<Self>, event: &Event) -> Option<SocketEvent> {
        let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
        let Some(buffer) = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok()) else {
            return Some(SocketEvent::Foreign);
        };
        if usize::try_from(buffer.byte_length()).unwrap_or(usize::MAX) > MAX_BATCH_BYTES {
            return Some(SocketEvent::Foreign);
        }
        let bytes = Uint8Array::new(&buffer).to_vec();
        let (next, heard) = hear(self.channel_state.replace(SocketChannel::Mute), &bytes);
        self.channel_state.replace(next);
        match heard {
            Some(SocketEvent::Frame(frame)) => match Rc::into_inner(frame)? {
                NodeFrame::Welcome(welcome) => {
                    self.check(welcome);
                    None
                }
                frame => Some(SocketEvent::Frame(Rc::new(frame))),
            },
            heard => heard,
        }
    }

    /// Hands a welcome on if it proves the key of the node that it names, over the nonce that was sent here.
    fn check(self: &Rc<Self>, welcome: Box<Welcome>) {
        let line = Rc::downgrade(self);
        let (Some(app), message) = (self.app.upgrade(), welcome.signed_bytes(&self.nonce.take())) else {
            return;
        };
        spawn_local(async move {
            let heard = match node_key::signed(&app, &welcome.peer, &message, &welcome.signature).await {
                Ok(true) => SocketEvent::Frame(Rc::new(NodeFrame::Welcome(welcome))),
                Ok(false) => SocketEvent::Impostor,
                Err(error) => {
                    web_sys::console::warn_1(&error);
                    SocketEvent::Closed
                }
            };
            if let Some(line) = line.upgrade() {
                report(&line.app, line.attempt, heard);
            }
        });
    }
}

/// The frame in a message, and the next state.
fn hear(channel_state: SocketChannel, bytes: &[u8]) -> (SocketChannel, Option<SocketEvent>) {
    let impostor = |error: JsValue| {
        web_sys::console::warn_1(&error);
        (SocketChannel::Mute, Some(SocketEvent::Impostor))
    };
    match channel_state {
        SocketChannel::Plain => (SocketChannel::Plain, Some(frame(bytes))),
        SocketChannel::Greeted(channel) => match channel.finish(bytes) {
            Ok(()) => (SocketChannel::Channel(channel), Some(SocketEvent::Opened)),
            Err(error) => impostor(error),
        },
        SocketChannel::Channel(channel) => match channel.open(bytes) {
            Ok(whole) => (SocketChannel::Channel(channel), whole.map(|message| frame(&message))),
            Err(error) => impostor(error),
        },
        // Nobody has been greeted, or the socket is being closed.
        SocketChannel::Behind(..) | SocketChannel::Mute => (SocketChannel::Mute, None),
    }
}

/// Whether a helper said why.
fn closed(event: &Event) -> SocketEvent {
    match event.dyn_ref::<CloseEvent>() {
        Some(event) if event.code() == TURNED_AWAY => SocketEvent::TurnedAway(event.reason()),
        _ => SocketEvent::Closed,
    }
}

fn frame(bytes: &[u8]) -> SocketEvent {
    match NodeFrame::decode(bytes) {
        Ok(frame) => SocketEvent::Frame(Rc::new(frame)),
        Err(error) => {
            web_sys::console::warn_1(&error.to_string().into());
            SocketEvent::Foreign
        }
    }
}
