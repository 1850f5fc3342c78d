//! Yamux that measures the round trip time once for each connection.
//!
//! rust-yamux sends a ping with the next data ten seconds after the last answer, to tune its windows, and has no
//! setting for it. On a connection that carries a post now and then, each post causes two pings and two answers, one
//! pair from each end: 330 bytes with all headers and half as much again in acknowledgements, more than the post
//! itself. So this module swallows the second ping, between yamux and encryption. rust-yamux waits for its answer,
//! sends no third one, and goes on with the round trip time that it has. Pings of the other end are answered.
//!
//! The header of a frame is 12 bytes: version, type, two bytes of flags, four of stream, four of length
//! (github.com/hashicorp/yamux, spec.md). Only a frame of data has a body.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo},
    yamux,
};

const HEADER: usize = 12;
const DATA: u8 = 0;
const PING: u8 = 2;
/// The flag of a ping that wants an answer.
const SYN: u8 = 1;

/// Pings of one connection that are sent.
const PINGS: usize = 1;

/// Yamux over a [`PingFilter`] connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config(pub(crate) yamux::Config);

impl UpgradeInfo for Config {
    type Info = <yamux::Config as UpgradeInfo>::Info;
    type InfoIter = <yamux::Config as UpgradeInfo>::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<C> InboundConnectionUpgrade<C> for Config
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Output = yamux::Muxer<PingFilter<C>>;
    type Error = io::Error;
    type Future = <yamux::Config as InboundConnectionUpgrade<PingFilter<C>>>::Future;

    fn upgrade_inbound(self, connection: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_inbound(PingFilter::new(connection), info)
    }
}

impl<C> OutboundConnectionUpgrade<C> for Config
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Output = yamux::Muxer<PingFilter<C>>;
    type Error = io::Error;
    type Future = <yamux::Config as OutboundConnectionUpgrade<PingFilter<C>>>::Future;

    fn upgrade_outbound(self, connection: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_outbound(PingFilter::new(connection), info)
    }
}

/// A connection on which all frames of yamux are sent but pings beyond the first.
#[derive(Debug)]
pub(crate) struct PingFilter<C> {
    connection: C,
    /// The header of which `read` bytes have come from above, and `passed` have gone on.
    header: [u8; HEADER],
    read: usize,
    passed: usize,
    /// Bytes of the body that are still to come.
    body: usize,
    pings: usize,
}

impl<C> PingFilter<C> {
    pub(crate) const fn new(connection: C) -> Self {
        Self { connection, header: [0; HEADER], read: 0, passed: 0, body: 0, pings: 0 }
    }

    /// Takes what belongs to the header of the frame, and returns how much that was.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let rest = self.header.get_mut(self.read..).unwrap_or_default();
        let taken = rest.len().min(bytes.len());
        rest.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.read += taken;
        if self.read == HEADER {
            let [_, kind, _, flags, _, _, _, _, length @ ..] = self.header;
            if kind == PING && flags & SYN != 0 {
                self.pings = self.pings.saturating_add(1);
                if self.pings > PINGS {
                    self.read = 0;
                }
            }
            if kind == DATA {
                self.body = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            }
        }
        taken
    }
}

impl<C: AsyncWrite + Unpin> PingFilter<C> {
    /// Sends on a header that is complete.
    fn pass_header(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.read == HEADER {
            let rest = self.header.get(self.passed..).unwrap_or_default();
            match ready!(Pin::new(&mut self.connection).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.passed += written,
            }
            if self.passed >= HEADER {
                (self.read, self.passed) = (0, 0);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for PingFilter<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_read(context, buffer)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for PingFilter<C> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.pass_header(context))?;
        if this.body == 0 {
            return Poll::Ready(Ok(this.take(buffer)));
        }
        let part = buffer.get(..this.body).unwrap_or(buffer);
        let written = ready!(Pin::new(&mut this.connection).poll_write(context, part))?;
        this.body -= written.min(this.body);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.pass_header(context))?;
        Pin::new(&mut this.connection).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.pass_header(context))?;
        Pin::new(&mut this.connection).poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncWriteExt, executor::block_on, io::Cursor};

    use super::*;

    fn frame(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len()).unwrap();
        [&[0, kind, 0, flags, 0, 0, 0, 1, 0, 0, 0, length][..], body].concat()
    }

    /// What is sent of these bytes, written so many at a time.
    fn sent(bytes: &[u8], at_a_time: usize) -> Vec<u8> {
        let mut quiet = PingFilter::new(Cursor::new(Vec::new()));
        block_on(async {
            for part in bytes.chunks(at_a_time) {
                quiet.write_all(part).await.unwrap();
            }
            quiet.flush().await.unwrap();
        });
        quiet.connection.into_inner()
    }

    #[test]
    fn all_but_the_first_ping_are_swallowed_however_they_are_written() {
        // The body looks like a ping, and the window update's length is not one of a body.
        let data = frame(DATA, 0, &frame(PING, SYN, b""));
        let [ping, pong] = [SYN, 2].map(|flags| frame(PING, flags, b""));
        let update = [&frame(1, 0, b"")[..11], &[9]].concat();
        let written =
            [&ping, &data, &ping, &pong, &update, &ping, &data, &pong, &ping].map(|frame| &frame[..]);
        let expected = [&ping, &data, &pong, &update, &data, &pong].map(|frame| &frame[..]).concat();
        for at_a_time in 1..40 {
            assert_eq!(sent(&written.concat(), at_a_time), expected, "{at_a_time} bytes at a time");
        }
    }
}
