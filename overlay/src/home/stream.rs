//! Frames on a tunnel stream: a length of four bytes, big-endian, and so many bytes.

use std::{fmt, io, sync::Arc};

use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
    io::{ReadHalf, WriteHalf},
};
use libp2p::swarm::Stream;

use super::Negotiated;

/// Longest frame in bytes: one piece of the channel inside, the longest message of Noise.
pub const MAX_HOME_FRAME: usize = 65_535;
/// How much is read at a time.
const CHUNK: usize = 16 * 1024;
/// Bytes of the length before a frame.
const LENGTH: usize = 4;

/// Says by its life that a stream is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamGuard(Arc<()>);

impl StreamGuard {
    /// How many streams hold this place.
    pub(crate) fn held(&self) -> usize {
        Arc::strong_count(&self.0).saturating_sub(1)
    }
}

/// A two-way stream of frames. Dropping it ends it for both.
#[derive(Debug)]
pub struct HomeStream {
    reader: HomeReader,
    writer: HomeWriter,
    tells_login: bool,
}

/// The incoming half.
pub struct HomeReader {
    frames: Frames<ReadHalf<Stream>>,
    _place: StreamGuard,
}

/// The outgoing half.
pub struct HomeWriter(WriteHalf<Stream>);

impl HomeStream {
    pub(crate) fn new(Negotiated { stream, tells_login }: Negotiated, place: StreamGuard) -> Self {
        let (reader, writer) = stream.split();
        let reader = HomeReader { frames: Frames::new(reader), _place: place };
        Self { reader, writer: HomeWriter(writer), tells_login }
    }

    /// Whether an empty frame from the node at home says that the client has signed in. Older nodes send none.
    pub const fn tells_login(&self) -> bool {
        self.tells_login
    }

    /// Tells the helper that the client has signed in, if it is one that understands. Cancel-safe only as
    /// [`HomeWriter::send`] is.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn tell_login(&mut self) -> io::Result<()> {
        if self.tells_login { self.writer.send(&[]).await } else { Ok(()) }
    }

    /// Takes it apart, so that neither direction waits for the other.
    pub fn split(self) -> (HomeReader, HomeWriter) {
        (self.reader, self.writer)
    }

    /// See [`HomeReader::receive`].
    ///
    /// # Errors
    /// As there.
    pub async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.reader.receive().await
    }

    /// See [`HomeWriter::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.writer.send(frame).await
    }
}

impl HomeReader {
    /// Waits for the next frame; none when the other side has ended the stream. Cancel-safe.
    ///
    /// # Errors
    /// When the connection is lost, the stream ends within a frame, or a frame is longer than [`MAX_HOME_FRAME`].
    pub async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.frames.next().await
    }
}

impl HomeWriter {
    /// Sends a frame. It waits while the other side takes nothing. Not cancel-safe: the stream is of no use after that.
    ///
    /// # Errors
    /// When the connection is lost, or the frame is longer than [`MAX_HOME_FRAME`].
    pub async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        write(&mut self.0, frame).await
    }

    /// Says that nothing more follows.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn close(&mut self) -> io::Result<()> {
        self.0.close().await
    }
}

impl fmt::Debug for HomeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HomeReader")
    }
}

impl fmt::Debug for HomeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HomeWriter")
    }
}

async fn write<T: AsyncWrite + Unpin>(io: &mut T, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    if frame.len() > MAX_HOME_FRAME {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    io.write_all(&[&length.to_be_bytes(), frame].concat()).await?;
    io.flush().await
}

/// Cuts what is read into frames; what has been read of one stays here when nobody waits for it any more.
struct Frames<T> {
    io: T,
    read: Vec<u8>,
}

impl<T: AsyncRead + Unpin> Frames<T> {
    const fn new(io: T) -> Self {
        Self { io, read: Vec::new() }
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(frame) = self.whole()? {
                return Ok(Some(frame));
            }
            let mut chunk = [0; CHUNK];
            let count = self.io.read(&mut chunk).await?;
            if count == 0 {
                let clean = self.read.is_empty();
                return if clean { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.read.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn whole(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((length, rest)) = self.read.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_HOME_FRAME {
            let what = format!("a frame of {length} bytes, allowed are {MAX_HOME_FRAME}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let Some(frame) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.read.drain(..LENGTH + length);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn encoded(frames: &[&[u8]]) -> Vec<u8> {
        let mut io = Cursor::new(Vec::new());
        for frame in frames {
            block_on(write(&mut io, frame)).unwrap();
        }
        io.into_inner()
    }

    fn all(bytes: &[u8]) -> Result<Vec<Vec<u8>>, io::ErrorKind> {
        let mut frames = Frames::new(Cursor::new(bytes));
        let mut read = Vec::new();
        while let Some(frame) = block_on(frames.next()).map_err(|error| error.kind())? {
            read.push(frame);
        }
        Ok(read)
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let large = vec![7; MAX_HOME_FRAME];
        let frames: [&[u8]; 4] = [b"one", b"", &large, b"two"];
        assert_eq!(all(&encoded(&frames)).unwrap(), frames);
        assert!(block_on(write(&mut Cursor::new(Vec::new()), &vec![0; MAX_HOME_FRAME + 1])).is_err());
    }

    #[test]
    fn every_truncation_within_a_frame_is_an_error() {
        let bytes = encoded(&[&[7; 300]]);
        for length in 1..bytes.len() {
            assert_eq!(all(&bytes[..length]), Err(io::ErrorKind::UnexpectedEof), "{length}");
        }
        assert_eq!(all(b"\0\x01\0\0"), Err(io::ErrorKind::InvalidData), "refused by its length");
    }

    #[test]
    fn a_place_counts_who_holds_it() {
        let place = StreamGuard::default();
        let streams = [place.clone(), place.clone()];
        assert_eq!(place.held(), 2);
        drop(streams);
        assert_eq!(place.held(), 0);
    }
}
