//! The client's end of the channel to a node at home (PROTOCOL.md, "The way home"), for `wasm-client`'s sockets.

use js_sys::{Array, Uint8Array};
use nostrp2p_protocol::channel::{Channel, ChannelError, Greeting};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// A channel from its beginning to its first error, after which it says nothing but that error.
#[wasm_bindgen]
pub struct HomeChannel {
    state: State,
    max: usize,
    greeting: Vec<u8>,
}

enum State {
    /// The node has been greeted and has not answered yet.
    Greeted(Box<Greeting>),
    Open(Channel),
    Over(ChannelError),
}

/// Begins a channel to the node of this peer id, recognised by this key in hex. `random` are 32 fresh random bytes,
/// `max` is the longest message that will be taken from the node, in bytes.
///
/// # Errors
/// In words, when peer id, key or random bytes are none.
#[wasm_bindgen]
pub fn begin_home_channel(peer: &str, key: &str, random: &[u8], max: usize) -> Result<HomeChannel, JsValue> {
    let peer = peer.parse().map_err(|_| JsValue::from_str("no peer id"))?;
    let key = key.parse().map_err(|_| JsValue::from_str("no key"))?;
    let random = random.try_into().map_err(|_| JsValue::from_str("not 32 random bytes"))?;
    let (state, greeting) = Greeting::begin(&peer, &key, random).map_err(words)?;
    Ok(HomeChannel { state: State::Greeted(Box::new(state)), max, greeting })
}

#[wasm_bindgen]
impl HomeChannel {
    /// The piece to send first.
    pub fn greeting(&self) -> Vec<u8> {
        self.greeting.clone()
    }

    /// Takes the node's answer to the greeting.
    ///
    /// # Errors
    /// In words, when it does not come from the holder of the node's key.
    pub fn finish(&mut self, answer: &[u8]) -> Result<(), JsValue> {
        let max = self.max;
        self.step(|state| match state {
            State::Greeted(greeting) => Ok((State::Open(greeting.finish(answer, max)?), ())),
            State::Open(_) => Err(ChannelError::Handshake),
            State::Over(error) => Err(error),
        })
    }

    /// Takes the next piece; gives the message that ends with it, if one does.
    ///
    /// # Errors
    /// In words, when somebody on the way has changed something.
    pub fn open(&mut self, piece: &[u8]) -> Result<Option<Vec<u8>>, JsValue> {
        self.step(|state| match state {
            State::Open(mut channel) => channel.open(piece).map(|message| (State::Open(channel), message)),
            State::Greeted(_) => Err(ChannelError::Handshake),
            State::Over(error) => Err(error),
        })
    }

    /// Turns a message into pieces, each a `Uint8Array`, to be sent in this order.
    ///
    /// # Errors
    /// In words, before the node has answered.
    pub fn seal(&mut self, message: &[u8]) -> Result<Array, JsValue> {
        let pieces = self.step(|state| match state {
            State::Open(mut channel) => channel.seal(message).map(|pieces| (State::Open(channel), pieces)),
            State::Greeted(_) => Err(ChannelError::Handshake),
            State::Over(error) => Err(error),
        })?;
        Ok(pieces.iter().map(|piece| Uint8Array::from(piece.as_slice())).collect())
    }
}

impl HomeChannel {
    /// Goes on to another state, or is over.
    fn step<T>(
        &mut self,
        step: impl FnOnce(State) -> Result<(State, T), ChannelError>,
    ) -> Result<T, JsValue> {
        match step(std::mem::replace(&mut self.state, State::Over(ChannelError::Handshake))) {
            Ok((state, value)) => {
                self.state = state;
                Ok(value)
            }
            Err(error) => {
                self.state = State::Over(error);
                Err(words(error))
            }
        }
    }
}

fn words(error: ChannelError) -> JsValue {
    JsValue::from_str(&error.to_string())
}
