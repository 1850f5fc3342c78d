//! The WebSocket to the node.

use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use nostrp2p_protocol::{
    frame::{ClientFrame, NodeFrame},
    limits::MAX_BATCH_BYTES,
};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

use super::App;
use crate::message::{Message, SocketEvent};

/// An open or opening socket. Dropping it closes it, and nothing is heard of it any more.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Opens a socket. If the browser refuses even to try, that is reported like a socket that closed.
    pub(super) fn open(app: &Rc<App>, attempt: u32, url: &str) -> Option<Self> {
        let Ok(socket) = WebSocket::new(url) else {
            let app = Rc::downgrade(app);
            // Not at once: the message that led here is still being handled.
            gloo_timers::callback::Timeout::new(0, move || report(&app, attempt, SocketEvent::Closed))
                .forget();
            return None;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on = |name: &'static str, read: fn(&Event) -> SocketEvent| {
            let app = Rc::downgrade(app);
            EventListener::new(&socket, name, move |event| report(&app, attempt, read(event)))
        };
        let listeners = [
            on("open", |_| SocketEvent::Opened),
            on("message", read_message),
            on("close", |_| SocketEvent::Closed),
        ];
        Some(Self { socket, _listeners: listeners })
    }

    /// Sends a frame. On a socket that is closing the frame is lost; what matters is in the outbox and sent again.
    pub(super) fn send(&self, frame: ClientFrame) {
        if self.socket.send_with_u8_array(&frame.encode()).is_err() {
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

fn read_message(event: &Event) -> SocketEvent {
    let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
    let Some(buffer) = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok()) else {
        return SocketEvent::Foreign;
    };
    if usize::try_from(buffer.byte_length()).unwrap_or(usize::MAX) > MAX_BATCH_BYTES {
        return SocketEvent::Foreign;
    }
    match NodeFrame::decode(&Uint8Array::new(&buffer).to_vec()) {
        Ok(frame) => SocketEvent::Frame(Box::new(frame)),
        Err(error) => {
            web_sys::console::warn_1(&error.to_string().into());
            SocketEvent::Foreign
        }
    }
}
