//! The encrypted channel between a client and its own node through a helper: Noise, see PROTOCOL.md, "The way home".
//!
//! Sans-IO: pieces of at most [`MAX_PIECE_BYTES`] go in and out, in order and each exactly once, as a WebSocket or a
//! stream between nodes carries them. The helper sees their sizes and times and nothing else. The channel detects a
//! piece that the helper changes, leaves out, repeats or invents, and must then be given up. The channel does not
//! authenticate the client: the client logs in inside of it.
//!
//! `Noise_NK_25519_ChaChaPoly_SHA256` (Noise specification, revision 34) by the crate `snow`. The caller passes the
//! random numbers in.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use snow::{
    Builder, HandshakeState, TransportState,
    params::{
        BaseChoice, CipherChoice, DHChoice, HandshakeChoice, HandshakeModifierList, HandshakePattern,
        HashChoice, NoiseParams,
    },
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use zeroize::Zeroize;

use crate::{InvalidHex, PeerId};

/// The query behind `/client` with which a client asks to speak inside of a channel at the node itself.
pub const CLIENT_QUERY: &str = "channel";
/// With this code of RFC 6455 a helper closes a client's WebSocket when it cannot connect the client to that node, or
/// has lost it; the reason says why.
pub const TURNED_AWAY: u16 = 4_503;
/// Longest piece in bytes: the longest message of Noise.
pub const MAX_PIECE_BYTES: usize = 65_535;
/// Bytes that authenticate a piece.
const TAG_BYTES: usize = 16;
/// The bytes of a message that fit in one piece, besides the mark before them.
const MAX_PART_BYTES: usize = MAX_PIECE_BYTES - TAG_BYTES - 1;
/// The mark of a piece after which the message goes on, and of its last one.
const GOES_ON: u8 = 0;
const ENDS: u8 = 1;

const NAME: &str = "Noise_NK_25519_ChaChaPoly_SHA256";
/// Prologue of the handshake, which both sides must agree on: this protocol, and this node.
const PROLOGUE: &[u8] = b"nostrp2p home 1:";
/// Prefix of the hash that derives the channel's key from the node's own key, so that the former discloses nothing
/// about the latter.
const DERIVATION: &[u8] = b"nostrp2p home key 1:";

/// The node's key in the channel, by which a client recognises its node: an X25519 public key. Shown and parsed as 64
/// hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelKey([u8; 32]);

/// The node's half of [`ChannelKey`]. Wiped when dropped.
#[derive(Clone)]
pub struct ChannelSecret([u8; 32]);

/// Why a channel is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The other end is not the node that it should be, or somebody in between has changed a greeting.
    #[error("what answers there is not the node: it does not hold the node's key")]
    Handshake,
    /// Somebody in between has changed, left out, repeated or invented a piece.
    #[error("somebody on the way has changed what was said")]
    Piece,
    /// A message has no end.
    #[error("a message is longer than the {0} bytes that are allowed")]
    TooLong(usize),
}

impl ChannelKey {
    /// Takes the bytes of the key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ChannelKey {
    type Err = InvalidHex;

    fn from_str(text: &str) -> Result<Self, InvalidHex> {
        // A public key in hex has the same form.
        text.parse().map(|key: crate::PublicKey| Self(*key.as_bytes()))
    }
}

impl ChannelSecret {
    /// Derives the key from the 32 secret bytes of a node. The same bytes give the same key.
    pub fn derive(node_secret: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(DERIVATION);
        hash.update(node_secret);
        Self(hash.finalize().into())
    }

    /// The public half.
    ///
    /// # Panics
    /// Never, for X25519 is built in and takes any bytes.
    pub fn key(&self) -> ChannelKey {
        let mut curve = DefaultResolver.resolve_dh(&DHChoice::Curve25519).expect("X25519 is built in");
        curve.set(&self.0);
        ChannelKey(curve.pubkey().try_into().expect("a key of X25519 has 32 bytes"))
    }
}

impl Drop for ChannelSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A client that has greeted and waits for the node's greeting.
pub struct Greeting(HandshakeState);

impl Greeting {
    /// Begins a channel to a node; returns the first piece to send. `random` must never be used twice.
    ///
    /// # Errors
    /// Does not fail with what is built in.
    pub fn begin(peer: &PeerId, key: &ChannelKey, random: [u8; 32]) -> Result<(Self, Vec<u8>), ChannelError> {
        let prologue = prologue(peer);
        let builder = Builder::with_resolver(params(), Box::new(Given(random)));
        let state = builder.prologue(&prologue).and_then(|builder| builder.remote_public_key(key.as_bytes()));
        let mut state = state.and_then(Builder::build_initiator).map_err(|_| ChannelError::Handshake)?;
        let first = greet(&mut state)?;
        Ok((Self(state), first))
    }

    /// Takes the node's greeting. `max` is the longest message that will be taken from the node, in bytes.
    ///
    /// # Errors
    /// When it does not come from the holder of the node's key.
    pub fn finish(self, answer: &[u8], max: usize) -> Result<Channel, ChannelError> {
        let mut state = self.0;
        hear_greeting(&mut state, answer)?;
        Channel::new(state, max)
    }
}

/// Answers a client that begins a channel; returns the channel and the piece to send. `random` must never be used
/// twice. `max` is the longest message that will be taken from the client, in bytes.
///
/// # Errors
/// When the client means another node, or another key.
pub fn answer(
    peer: &PeerId,
    secret: &ChannelSecret,
    random: [u8; 32],
    first: &[u8],
    max: usize,
) -> Result<(Channel, Vec<u8>), ChannelError> {
    let prologue = prologue(peer);
    let builder = Builder::with_resolver(params(), Box::new(Given(random)));
    let state = builder.prologue(&prologue).and_then(|builder| builder.local_private_key(&secret.0));
    let mut state = state.and_then(Builder::build_responder).map_err(|_| ChannelError::Handshake)?;
    hear_greeting(&mut state, first)?;
    let second = greet(&mut state)?;
    Ok((Channel::new(state, max)?, second))
}

/// A channel in use. After an error it must be dropped.
pub struct Channel {
    state: TransportState,
    max: usize,
    /// The part of an unfinished message that has arrived.
    begun: Vec<u8>,
}

impl Channel {
    fn new(state: HandshakeState, max: usize) -> Result<Self, ChannelError> {
        let state = state.into_transport_mode().map_err(|_| ChannelError::Handshake)?;
        Ok(Self { state, max, begun: Vec::new() })
    }

    /// Turns a message into pieces, to be sent in this order.
    ///
    /// # Errors
    /// After 2^64 pieces.
    pub fn seal(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>, ChannelError> {
        let last = message.len().saturating_sub(1) / MAX_PART_BYTES;
        let part = |index: usize| {
            let rest = message.get(index * MAX_PART_BYTES..).unwrap_or_default();
            rest.get(..MAX_PART_BYTES).unwrap_or(rest)
        };
        (0..=last)
            .map(|index| {
                let mark = if index == last { ENDS } else { GOES_ON };
                let plain = [&[mark], part(index)].concat();
                let mut piece = vec![0; plain.len() + TAG_BYTES];
                self.state.write_message(&plain, &mut piece).map_err(|_| ChannelError::Piece)?;
                Ok(piece)
            })
            .collect()
    }

    /// Takes the next piece. Returns the message that ends with it, if one does.
    ///
    /// # Errors
    /// When the piece is not the next one of the other end, or makes a message too long.
    pub fn open(&mut self, piece: &[u8]) -> Result<Option<Vec<u8>>, ChannelError> {
        if piece.len() > MAX_PIECE_BYTES {
            return Err(ChannelError::Piece);
        }
        let mut plain = vec![0; piece.len()];
        let length = self.state.read_message(piece, &mut plain).map_err(|_| ChannelError::Piece)?;
        let (mark, part) = plain.get(..length).and_then(<[u8]>::split_first).ok_or(ChannelError::Piece)?;
        if self.begun.len() + part.len() > self.max {
            return Err(ChannelError::TooLong(self.max));
        }
        self.begun.extend_from_slice(part);
        match *mark {
            GOES_ON => Ok(None),
            ENDS => Ok(Some(std::mem::take(&mut self.begun))),
            _ => Err(ChannelError::Piece),
        }
    }
}

fn prologue(peer: &PeerId) -> Vec<u8> {
    [PROLOGUE, peer.as_ed25519()].concat()
}

/// The name's meaning, put together by hand: reading names costs a browser some kilobytes.
fn params() -> NoiseParams {
    let handshake =
        HandshakeChoice { pattern: HandshakePattern::NK, modifiers: HandshakeModifierList { list: vec![] } };
    NoiseParams::new(
        NAME.to_owned(),
        BaseChoice::Noise,
        handshake,
        DHChoice::Curve25519,
        CipherChoice::ChaChaPoly,
        HashChoice::SHA256,
    )
}

fn greet(state: &mut HandshakeState) -> Result<Vec<u8>, ChannelError> {
    // A key of 32 bytes, and the tag of an empty payload.
    let mut piece = vec![0; 32 + TAG_BYTES];
    let length = state.write_message(&[], &mut piece).map_err(|_| ChannelError::Handshake)?;
    piece.truncate(length);
    Ok(piece)
}

fn hear_greeting(state: &mut HandshakeState, piece: &[u8]) -> Result<(), ChannelError> {
    if piece.len() != 32 + TAG_BYTES {
        return Err(ChannelError::Handshake);
    }
    let mut payload = [0; TAG_BYTES];
    state.read_message(piece, &mut payload).map(drop).map_err(|_| ChannelError::Handshake)
}

/// The primitives of Noise, with random numbers that the caller has passed in.
struct Given([u8; 32]);

impl CryptoResolver for Given {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(Some(self.0))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::<Sha>::default() as _)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Gives its bytes once. In this pattern each side needs one key of its own, and asks for it once.
struct Once(Option<[u8; 32]>);

impl Random for Once {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        let given = self.0.take().filter(|given| given.len() == dest.len()).ok_or(snow::Error::Rng)?;
        dest.copy_from_slice(&given);
        Ok(())
    }
}

/// SHA-256 as the rest of this crate computes it.
#[derive(Default)]
struct Sha(Sha256);

impl Hash for Sha {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0 = Sha256::new();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let hash = std::mem::take(&mut self.0).finalize();
        if let Some(out) = out.get_mut(..32) {
            out.copy_from_slice(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::from_ed25519([5; 32]);
    const MAX: usize = 200_000;

    fn secret() -> ChannelSecret {
        ChannelSecret::derive(&[1; 32])
    }

    /// The client's end and the node's.
    fn pair() -> (Channel, Channel) {
        let (greeting, first) = Greeting::begin(&PEER, &secret().key(), [2; 32]).unwrap();
        let (node, second) = answer(&PEER, &secret(), [3; 32], &first, MAX).unwrap();
        (greeting.finish(&second, MAX).unwrap(), node)
    }

    #[test]
    fn messages_of_any_length_come_through_both_ways_in_order() {
        let (mut client, mut node) = pair();
        for length in [0, 1, MAX_PART_BYTES - 1, MAX_PART_BYTES, MAX_PART_BYTES + 1, 3 * MAX_PART_BYTES] {
            let message: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
            for _ in 0..2 {
                let pieces = client.seal(&message).unwrap();
                assert_eq!(pieces.len(), length.div_ceil(MAX_PART_BYTES).max(1));
                assert!(pieces.iter().all(|piece| piece.len() <= MAX_PIECE_BYTES));
                let (last, before) = pieces.split_last().unwrap();
                assert!(before.iter().all(|piece| node.open(piece) == Ok(None)));
                assert_eq!(node.open(last), Ok(Some(message.clone())));
                std::mem::swap(&mut client, &mut node);
            }
        }
    }

    #[test]
    fn a_node_with_another_key_or_name_is_noticed_by_both() {
        let impostor = ChannelSecret::derive(&[9; 32]);
        let (_, first) = Greeting::begin(&PEER, &secret().key(), [2; 32]).unwrap();
        assert_eq!(answer(&PEER, &impostor, [3; 32], &first, MAX).err(), Some(ChannelError::Handshake));
        let other = PeerId::from_ed25519([6; 32]);
        assert_eq!(answer(&other, &secret(), [3; 32], &first, MAX).err(), Some(ChannelError::Handshake));
        // An impostor who answers all the same.
        let (_, his_first) = Greeting::begin(&PEER, &impostor.key(), [2; 32]).unwrap();
        let (_, second) = answer(&PEER, &impostor, [3; 32], &his_first, MAX).unwrap();
        let (greeting, _) = Greeting::begin(&PEER, &secret().key(), [2; 32]).unwrap();
        assert_eq!(greeting.finish(&second, MAX).err(), Some(ChannelError::Handshake));
    }

    #[test]
    fn what_is_changed_left_out_repeated_or_turned_back_is_noticed() {
        let (mut client, mut node) = pair();
        let pieces: Vec<Vec<u8>> = (0..3_u8).flat_map(|byte| client.seal(&[byte]).unwrap()).collect();
        for bit in 0..pieces[0].len() * 8 {
            let mut changed = pieces[0].clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(node.open(&changed), Err(ChannelError::Piece));
        }
        for length in 0..pieces[0].len() {
            assert_eq!(node.open(&pieces[0][..length]), Err(ChannelError::Piece));
        }
        assert_eq!(node.open(&pieces[0]), Ok(Some(vec![0])));
        assert_eq!(node.open(&pieces[0]), Err(ChannelError::Piece), "repeated");
        assert_eq!(node.open(&pieces[2]), Err(ChannelError::Piece), "one left out");
        assert_eq!(client.open(&pieces[1]), Err(ChannelError::Piece), "sent back to its sender");
    }

    #[test]
    fn a_message_without_end_is_given_up() {
        let (mut client, node) = pair();
        let mut node = Channel { max: MAX_PART_BYTES, ..node };
        let pieces = client.seal(&vec![0; MAX_PART_BYTES + 1]).unwrap();
        assert_eq!(node.open(&pieces[0]), Ok(None));
        assert_eq!(node.open(&pieces[1]), Err(ChannelError::TooLong(MAX_PART_BYTES)));
    }

    #[test]
    fn pieces_show_nothing_of_what_they_carry() {
        let (mut client, mut node) = pair();
        let text = b"a post that nobody on the way may read";
        for from in [&mut client, &mut node] {
            for piece in from.seal(text).unwrap() {
                assert!(!piece.windows(8).any(|window| text.windows(8).any(|part| part == window)));
            }
        }
    }

    #[test]
    fn the_key_is_the_same_with_each_start_and_tells_nothing_of_the_node_key() {
        let key = secret().key();
        assert_eq!(key, secret().key());
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_ne!(secret().0, [1; 32]);
    }
}
