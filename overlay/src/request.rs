//! Requests on the wire: protocols, limits, frames. See `PROTOCOL.md`, Requests.
//!
//! One request is one stream: the asker writes a frame and closes its half, the other side answers with a frame and
//! closes. A node that refuses to answer closes without a frame. The node gives the bytes their meaning.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::request_response::{self, Codec, Config, InboundRequestId, ProtocolSupport};

/// How long a request may take, from the call to the answer, dialing included (guess): twice a handshake that is given
/// up, so that the reason of a failed dial arrives before the time is over.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(20);

/// Kinds of requests between nodes, each with limits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Delivers an event; the answer acknowledges it.
    Deliver,
    /// Give me this profile, follow list or post.
    Fetch,
    /// Let us compare what we have.
    Sync,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deliver, Self::Fetch, Self::Sync];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deliver => "/nostrp2p/deliver/1",
            Self::Fetch => "/nostrp2p/fetch/1",
            Self::Sync => "/nostrp2p/sync/1",
        }
    }

    /// The largest request in bytes: an event of 64 KiB and its packet, as in a broadcast; for set reconciliation a
    /// message for some ten thousand differences.
    pub const fn max_request(self) -> usize {
        match self {
            Self::Deliver | Self::Fetch => 80 * 1024,
            Self::Sync => 256 * 1024,
        }
    }

    /// The largest answer in bytes: an acknowledgement with reasons, a page of posts, a step of reconciliation.
    pub const fn max_response(self) -> usize {
        match self {
            Self::Deliver => 64 * 1024,
            Self::Fetch => 1024 * 1024,
            Self::Sync => 256 * 1024,
        }
    }

    /// Requests to one peer without an answer yet. A pipe to one machine is full with few; sync is a dialogue.
    pub(crate) const fn max_asked(self) -> usize {
        match self {
            Self::Deliver | Self::Fetch => 8,
            Self::Sync => 2,
        }
    }

    /// Most unanswered requests of one peer. Twice the number that it may send, because it may have given up on the
    /// first ones a moment before this node notices.
    pub(crate) const fn max_served(self) -> usize {
        2 * self.max_asked()
    }
}

impl AsRef<str> for Protocol {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

/// Names one received request until it is answered. Worthless afterwards, and 20 s after the request came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestRef {
    pub(crate) protocol: Protocol,
    pub(crate) id: InboundRequestId,
}

/// The behaviour of one protocol. There are three of them, for libp2p offers all protocols of a behaviour in each
/// request.
pub(crate) type Behaviour = request_response::Behaviour<Frames>;

/// Events of a request.
pub(crate) type Event = request_response::Event<Vec<u8>, Vec<u8>>;

pub(crate) fn behaviour(protocol: Protocol, timeout: Duration) -> Behaviour {
    let config = Config::default()
        .with_request_timeout(timeout)
        // On one connection, both ways. What arrives beyond that is dropped unread.
        .with_max_concurrent_streams(protocol.max_asked() + protocol.max_served());
    Behaviour::with_codec(Frames, [(protocol, ProtocolSupport::Full)], config)
}

/// Bytes with their length before them, as four bytes, the most significant first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames;

impl Codec for Frames {
    type Protocol = Protocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, protocol: &Protocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, protocol.max_request()).await
    }

    async fn read_response<T>(&mut self, protocol: &Protocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, protocol.max_response()).await
    }

    async fn write_request<T>(&mut self, _: &Protocol, io: &mut T, request: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request).await
    }

    async fn write_response<T>(&mut self, _: &Protocol, io: &mut T, response: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}

/// Reads a frame. Memory grows with what has arrived, not with what the peer announces.
///
/// # Errors
/// `InvalidData` when it is longer than `max`, `UnexpectedEof` when the stream ends before the frame does.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, max: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if usize::try_from(length).map_or(true, |length| length > max) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes, allowed are {max}"),
        ));
    }
    let mut payload = Vec::new();
    let read = io.take(length.into()).read_to_end(&mut payload).await?;
    if u32::try_from(read) == Ok(length) { Ok(payload) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(payload).await
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut io = Cursor::new(Vec::new());
        block_on(write(&mut io, payload)).unwrap();
        io.into_inner()
    }

    fn parse(bytes: &[u8], max: usize) -> Result<Vec<u8>, io::ErrorKind> {
        block_on(read(&mut Cursor::new(bytes), max)).map_err(|error| error.kind())
    }

    #[test]
    fn a_frame_is_its_length_and_its_bytes() {
        assert_eq!(frame(b"abc"), *b"\0\0\0\x03abc");
        assert_eq!(frame(b""), [0; 4]);
        assert_eq!(parse(b"\0\0\0\x03abc", 3), Ok(b"abc".to_vec()));
        assert_eq!(parse(b"\0\0\0\0", 0), Ok(Vec::new()));
        assert_eq!(parse(b"\0\0\0\x03abcmore", 3), Ok(b"abc".to_vec()), "the rest is not looked at");
    }

    #[test]
    fn every_truncation_of_a_frame_is_an_error() {
        let whole = frame(&[7; 300]);
        for length in 0..whole.len() {
            assert_eq!(
                parse(whole.get(..length).unwrap(), 300),
                Err(io::ErrorKind::UnexpectedEof),
                "{length}"
            );
        }
        assert!(parse(&whole, 300).is_ok());
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length() {
        assert_eq!(parse(b"\0\0\0\x04", 3), Err(io::ErrorKind::InvalidData));
        assert_eq!(parse(b"\xff\xff\xff\xff", 1024 * 1024), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn limits_fit_the_frame_and_names_differ() {
        let names: std::collections::BTreeSet<_> =
            Protocol::ALL.iter().map(|protocol| protocol.name()).collect();
        assert_eq!(names.len(), Protocol::ALL.len());
        for protocol in Protocol::ALL {
            assert!(u32::try_from(protocol.max_request().max(protocol.max_response())).is_ok());
            assert!(protocol.max_asked() < protocol.max_served());
        }
    }
}
