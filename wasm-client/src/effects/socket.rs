//! The WebSockets to the node: straight ones, and those through helpers, with an encrypted channel inside.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use nostrp2p_protocol::{
    PeerId,
    channel::{Channel, ChannelKey, Greeting},
    frame::{ClientFrame, NodeFrame},
    limits::MAX_BATCH_BYTES,
};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

use super::App;
use crate::{
    message::{Message, SocketEvent},
    vault,
};

/// An open or opening socket. Dropping it closes it, and nothing is heard of it any more.
pub(super) struct Socket {
    socket: WebSocket,
    talk: Rc<RefCell<Talk>>,
    _listeners: [EventListener; 3],
}

/// What is between the socket and the frames.
enum Talk {
    /// Nothing: the node itself is at the other end.
    Plain,
    /// A helper is, and the node behind it is to be greeted once the socket is open.
    Behind(PeerId, ChannelKey),
    /// The node has been greeted.
    Greeted(Greeting),
    /// The node has answered.
    Channel(Channel),
    /// The channel has ended.
    Over,
}

impl Socket {
    /// Opens a socket. If the browser refuses even to try, that is reported like a socket that closed.
    pub(super) fn open(
        app: &Rc<App>,
        attempt: u32,
        url: &str,
        channel: Option<(PeerId, ChannelKey)>,
    ) -> Option<Self> {
        let Ok(socket) = WebSocket::new(url) else {
            let app = Rc::downgrade(app);
            // Not at once: the message that led here is still being handled.
            gloo_timers::callback::Timeout::new(0, move || report(&app, attempt, SocketEvent::Closed))
                .forget();
            return None;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let talk = channel.map_or(Talk::Plain, |(peer, key)| Talk::Behind(peer, key));
        let talk = Rc::new(RefCell::new(talk));
        type Read = fn(&WebSocket, &mut Talk, &Event) -> Option<SocketEvent>;
        let on = |name: &'static str, read: Read| {
            let (app, talk, to) = (Rc::downgrade(app), Rc::clone(&talk), socket.clone());
            EventListener::new(&socket, name, move |event| {
                let heard = read(&to, &mut talk.borrow_mut(), event);
                if let Some(heard) = heard {
                    report(&app, attempt, heard);
                }
            })
        };
        let listeners = [
            on("open", |socket, talk, _| on_open(socket, talk)),
            on("message", |_, talk, event| on_message(talk, event)),
            on("close", |_, _, _| Some(SocketEvent::Closed)),
        ];
        Some(Self { socket, talk, _listeners: listeners })
    }

    /// Sends a frame. On a socket that is closing the frame is lost; what matters is in the outbox and sent again.
    pub(super) fn send(&self, frame: ClientFrame) {
        let bytes = frame.encode();
        let sent = match &mut *self.talk.borrow_mut() {
            Talk::Channel(channel) => channel
                .seal(&bytes)
                .is_ok_and(|pieces| pieces.iter().all(|piece| self.socket.send_with_u8_array(piece).is_ok())),
            Talk::Plain => self.socket.send_with_u8_array(&bytes).is_ok(),
            Talk::Behind(..) | Talk::Greeted(_) | Talk::Over => false,
        };
        if !sent {
            web_sys::console::warn_1(&"a frame was not sent".into());
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It fails only for a close code, and none is given.
        drop(self.socket.close());
    }
}

fn report(app: &Weak<App>, attempt: u32, event: SocketEvent) {
    if let Some(app) = app.upgrade() {
        app.dispatch(Message::Socket { attempt, event });
    }
}

/// A straight socket is ready; behind a helper, the node is greeted first.
fn on_open(socket: &WebSocket, talk: &mut Talk) -> Option<SocketEvent> {
    let Talk::Behind(peer, key) = talk else { return Some(SocketEvent::Opened) };
    let mut random = [0; 32];
    let begun = vault::random(&mut random).ok().and_then(|()| Greeting::begin(peer, key, random).ok());
    let Some((greeting, first)) = begun else { return Some(SocketEvent::Foreign) };
    *talk = Talk::Greeted(greeting);
    match socket.send_with_u8_array(&first) {
        Ok(()) => None,
        Err(_) => Some(SocketEvent::Closed),
    }
}

fn on_message(talk: &mut Talk, event: &Event) -> Option<SocketEvent> {
    let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
    let Some(buffer) = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok()) else {
        return Some(SocketEvent::Foreign);
    };
    if usize::try_from(buffer.byte_length()).unwrap_or(usize::MAX) > MAX_BATCH_BYTES {
        return Some(SocketEvent::Foreign);
    }
    let bytes = Uint8Array::new(&buffer).to_vec();
    match std::mem::replace(talk, Talk::Over) {
        Talk::Plain => {
            *talk = Talk::Plain;
            Some(frame(&bytes))
        }
        Talk::Greeted(greeting) => Some(match greeting.finish(&bytes, MAX_BATCH_BYTES) {
            Ok(channel) => {
                *talk = Talk::Channel(channel);
                SocketEvent::Opened
            }
            Err(error) => {
                web_sys::console::warn_1(&error.to_string().into());
                SocketEvent::Impostor
            }
        }),
        Talk::Channel(mut channel) => match channel.open(&bytes) {
            Ok(whole) => {
                *talk = Talk::Channel(channel);
                whole.map(|message| frame(&message))
            }
            Err(error) => {
                web_sys::console::warn_1(&error.to_string().into());
                Some(SocketEvent::Impostor)
            }
        },
        Talk::Behind(..) => Some(SocketEvent::Foreign),
        // The socket is being closed.
        Talk::Over => None,
    }
}

fn frame(bytes: &[u8]) -> SocketEvent {
    match NodeFrame::decode(bytes) {
        Ok(frame) => SocketEvent::Frame(Box::new(frame)),
        Err(error) => {
            web_sys::console::warn_1(&error.to_string().into());
            SocketEvent::Foreign
        }
    }
}
