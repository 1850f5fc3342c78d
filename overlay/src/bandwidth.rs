//! Counts the bytes of each peer's streams and of what it relays through this node, and bounds the latter by a daily
//! quota and a number of circuits at once.
//!
//! libp2p's relay counts the bytes of each circuit alone and reports them to nobody. So this module wraps the streams
//! of all connections. The node at the end of a circuit names the circuit protocol when a stream is negotiated; from
//! then on the bytes of that stream are charged to the peer on the other side. When a peer has used up its quota, its
//! circuits break, and new ones too, until its quota has refilled.
//!
//! The first message on such a stream names the destination. When the peer or its destination has enough circuits
//! ([`crate::relay::circuit_limits`]), the stream breaks before libp2p handles it.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    PeerId,
    core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent},
};

use crate::{
    hop_message::{Progress, Request},
    relay::circuit_limits::{Circuit, CircuitEnds, Circuits},
};

/// Bytes that are relayed for one peer in a day, to it and from it, unless the operator says otherwise. A busy day of
/// gossip is some 10 MB to each neighbour, and a node behind a router that cannot be punched has a dozen; a guess.
pub const DEFAULT_RELAY_BYTES: u64 = 128 * 1024 * 1024;

/// Peers whose use is remembered: all that can be connected, and some that have gone. Those with the most left are
/// forgotten first.
const MAX_ACCOUNTS: usize = 1_024;

/// How much of a stream this node writes before it is sure that it is no circuit. Who asks for other protocols first
/// is answered a line for each; libp2p bears some hundred.
const WATCHED_BYTES: usize = 64 * 1024;

/// How a peer asks to be connected to another one, and how that other one is asked (circuit relay v2).
const HOP: &[u8] = b"/libp2p/circuit/relay/0.2.0/hop";
const STOP: &[u8] = b"/libp2p/circuit/relay/0.2.0/stop";

const DAY: Duration = Duration::from_secs(86_400);

/// The accounts of all peers. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct BandwidthMeter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    daily: u64,
    relayed: AtomicU64,
    circuits: Circuits,
    accounts: Mutex<Accounts>,
}

#[derive(Debug)]
struct Accounts {
    of: BTreeMap<PeerId, Arc<Account>>,
    refilled: Instant,
}

/// The rest of one peer's quota, and its bytes since the last report; the streams of all its connections share it.
#[derive(Debug)]
struct Account {
    left: AtomicI64,
    received: AtomicU64,
    sent: AtomicU64,
    bandwidth: Arc<Inner>,
}

/// Bytes of all streams with one peer, as the protocols above wrote them: encryption and the headers of yamux, TCP and
/// IP come on top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received from the peer.
    pub received: u64,
    /// Bytes sent to the peer.
    pub sent: u64,
}

impl BandwidthMeter {
    /// Gives each peer so many bytes a day, all of them at first.
    pub(crate) fn new(daily: u64, circuits: Circuits, now: Instant) -> Self {
        let accounts = Mutex::new(Accounts { of: BTreeMap::new(), refilled: now });
        Self(Arc::new(Inner { daily, relayed: AtomicU64::new(0), circuits, accounts }))
    }

    /// The circuits that run through here.
    pub(crate) fn circuits(&self) -> &Circuits {
        &self.0.circuits
    }

    /// Bytes that were relayed since the start, each counted once.
    pub(crate) fn relayed(&self) -> u64 {
        self.0.relayed.load(Ordering::Relaxed)
    }

    /// The bytes of each peer since the last call; peers without any are left out.
    pub(crate) fn take_traffic(&self) -> Vec<(PeerId, Traffic)> {
        let accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let take = |(peer, account): (&PeerId, &Arc<Account>)| {
            let received = account.received.swap(0, Ordering::Relaxed);
            let sent = account.sent.swap(0, Ordering::Relaxed);
            (received > 0 || sent > 0).then_some((*peer, Traffic { received, sent }))
        };
        accounts.of.iter().filter_map(take).collect()
    }

    /// Counts what a peer's connection carries that comes from this public network, if from any.
    pub(crate) fn watch<M>(&self, peer: PeerId, origin: Option<IpAddr>, connection: M) -> StreamMuxerBox
    where
        M: StreamMuxer + Unpin + Send + 'static,
        M::Substream: Unpin + Send + 'static,
        M::Error: Send + Sync + 'static,
    {
        StreamMuxerBox::new(Metered { connection, account: self.account(peer), peer, origin })
    }

    /// Gives back what time has earned, and forgets peers that have all. Called with every tick.
    pub(crate) fn refill(&self, now: Instant) {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(accounts.refilled);
        let earned = u128::from(self.0.daily) * passed.as_millis() / DAY.as_millis();
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        if earned == 0 {
            return;
        }
        accounts.refilled = now;
        let full = self.0.full();
        for account in accounts.of.values() {
            let left = account.left.load(Ordering::Relaxed);
            // What a stream charges in this very moment may be lost; it is a few kilobytes.
            account.left.store(left.saturating_add(earned).min(full), Ordering::Relaxed);
        }
        accounts.of.retain(|_, account| {
            Arc::strong_count(account) > 1
                || account.left.load(Ordering::Relaxed) < full
                || account.has_traffic()
        });
    }

    fn account(&self, peer: PeerId) -> Arc<Account> {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if !accounts.of.contains_key(&peer) && accounts.of.len() >= MAX_ACCOUNTS {
            let most = accounts.of.iter().filter(|(_, account)| Arc::strong_count(account) == 1);
            let most = most.max_by_key(|(_, account)| account.left.load(Ordering::Relaxed));
            most.map(|(peer, _)| *peer).and_then(|peer| accounts.of.remove(&peer));
        }
        let fresh = || {
            Arc::new(Account {
                left: AtomicI64::new(self.0.full()),
                received: AtomicU64::new(0),
                sent: AtomicU64::new(0),
                bandwidth: Arc::clone(&self.0),
            })
        };
        Arc::clone(accounts.of.entry(peer).or_insert_with(fresh))
    }
}

impl Inner {
    fn full(&self) -> i64 {
        i64::try_from(self.daily).unwrap_or(i64::MAX)
    }
}

impl Account {
    fn charge(&self, bytes: usize) {
        self.left.fetch_sub(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    fn has_traffic(&self) -> bool {
        self.received.load(Ordering::Relaxed) > 0 || self.sent.load(Ordering::Relaxed) > 0
    }

    fn check(&self) -> io::Result<()> {
        if self.left.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the peer has used up its share of this relay"))
    }
}

/// A connection whose streams are looked at.
struct Metered<M> {
    connection: M,
    account: Arc<Account>,
    peer: PeerId,
    origin: Option<IpAddr>,
}

impl<M: StreamMuxer + Unpin> Metered<M> {
    fn stream(&self, stream: M::Substream, circuit: &'static [u8]) -> Stream<M::Substream> {
        Stream {
            stream,
            account: Arc::clone(&self.account),
            peer: self.peer,
            origin: self.origin,
            use_of: Use::Unknown { circuit, seen: vec![], written: 0 },
        }
    }
}

impl<M> StreamMuxer for Metered<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = Stream<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.connection).poll_inbound(context)?;
        // A peer that wants to be connected to another one opens a stream here.
        stream.map(|stream| Ok(this.stream(stream, HOP)))
    }

    fn poll_outbound(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.connection).poll_outbound(context)?;
        // And to that one this node opens a stream.
        stream.map(|stream| Ok(this.stream(stream, STOP)))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.get_mut().connection).poll_close(context)
    }

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.get_mut().connection).poll(context)
    }
}

/// One stream of a connection.
struct Stream<S> {
    stream: S,
    account: Arc<Account>,
    peer: PeerId,
    origin: Option<IpAddr>,
    use_of: Use,
}

/// The use of a stream.
enum Use {
    /// Not known yet: the end of what this node has written, in which the name of the protocol would stand.
    Unknown {
        circuit: &'static [u8],
        seen: Vec<u8>,
        written: usize,
    },
    /// A peer asks to be connected to another one.
    Asking(Request),
    /// It is one end of a circuit. The end at which the circuit was requested counts it.
    Circuit {
        _counted: Option<Circuit>,
    },
    Other,
}

impl Use {
    /// Looks at what this node has written: whichever side chose the protocol, this one has named it.
    fn on_written(&mut self, bytes: &[u8]) {
        let Self::Unknown { circuit, seen, written } = self else { return };
        seen.extend_from_slice(bytes);
        *written += bytes.len();
        if seen.windows(circuit.len()).any(|window| window == *circuit) {
            let asks = *circuit == HOP;
            *self = if asks { Self::Asking(Request::default()) } else { Self::Circuit { _counted: None } };
        } else if *written > WATCHED_BYTES {
            *self = Self::Other;
        } else {
            seen.drain(..seen.len().saturating_sub(circuit.len()));
        }
    }
}

impl Use {
    const fn is_circuit(&self) -> bool {
        matches!(self, Self::Asking(_) | Self::Circuit { .. })
    }
}

impl<S> Stream<S> {
    fn check(&self) -> io::Result<()> {
        if self.use_of.is_circuit() { self.account.check() } else { Ok(()) }
    }

    /// Looks at what was read: where the peer wants to go.
    fn on_read(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Use::Asking(request) = &mut self.use_of else { return Ok(()) };
        let destination = match request.on_read(bytes) {
            Progress::Partial => return Ok(()),
            Progress::Broken => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "this asks for nothing"));
            }
            Progress::Whole(destination) => destination,
        };
        let circuits = &self.account.bandwidth.circuits;
        let counted = match destination {
            Some(to) => {
                Some(circuits.begin(CircuitEnds { from: self.peer, origin: self.origin, to }).ok_or_else(
                    || {
                        io::Error::new(
                            io::ErrorKind::QuotaExceeded,
                            "there are enough circuits like this one",
                        )
                    },
                )?)
            }
            None => None,
        };
        self.use_of = Use::Circuit { _counted: counted };
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check()?;
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(bytes)) = &read {
            this.account.received.fetch_add(count(*bytes), Ordering::Relaxed);
            if this.use_of.is_circuit() {
                this.account.charge(*bytes);
                // What is read from one peer is written to another: each byte is counted here alone.
                this.account.bandwidth.relayed.fetch_add(count(*bytes), Ordering::Relaxed);
            }
            this.on_read(buffer.get(..*bytes).unwrap_or(buffer))?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check()?;
        let written = Pin::new(&mut this.stream).poll_write(context, buffer);
        if let Poll::Ready(Ok(bytes)) = &written {
            this.account.sent.fetch_add(count(*bytes), Ordering::Relaxed);
            match this.use_of {
                Use::Asking(_) | Use::Circuit { .. } => this.account.charge(*bytes),
                Use::Unknown { .. } => this.use_of.on_written(buffer.get(..*bytes).unwrap_or(buffer)),
                Use::Other => {}
            }
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(context)
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt, AsyncWriteExt, io::Cursor};

    use super::*;

    fn stream(account: &Arc<Account>, content: Vec<u8>) -> Stream<Cursor<Vec<u8>>> {
        let circuit = HOP;
        Stream {
            stream: Cursor::new(content),
            account: Arc::clone(account),
            peer: PeerId::random(),
            origin: None,
            use_of: Use::Unknown { circuit, seen: vec![], written: 0 },
        }
    }

    fn bandwidth(daily: u64, now: Instant) -> BandwidthMeter {
        BandwidthMeter::new(daily, Circuits::new(8), now)
    }

    fn left(account: &Account) -> i64 {
        account.left.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_circuit_is_known_by_its_name_however_it_is_cut_and_is_charged_and_ends() {
        let now = Instant::now();
        let bandwidth = bandwidth(100, now);
        let account = bandwidth.account(PeerId::random());
        let mut circuit = stream(&account, vec![0; 400]);
        for byte in b"\x13/multistream/1.0.0\n\x03na\n\x20/libp2p/circuit/relay/0.2.0/hop\n" {
            circuit.write_all(&[*byte]).await.unwrap();
        }
        assert!(circuit.use_of.is_circuit());
        assert_eq!(left(&account), 99, "the line's end came behind the name");
        circuit.read_exact(&mut [0; 60]).await.unwrap();
        circuit.write_all(&[0; 39]).await.unwrap();
        assert_eq!((left(&account), bandwidth.relayed()), (0, 60));
        assert_eq!(circuit.read(&mut [0; 8]).await.unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        assert!(circuit.write(&[0; 8]).await.is_err());

        bandwidth.refill(now + DAY / 2);
        assert_eq!(left(&account), 50, "half of a day gives half back");
        circuit.read_exact(&mut [0; 8]).await.unwrap();
    }

    #[tokio::test]
    async fn a_circuit_counts_from_its_request_to_its_end_and_breaks_when_there_are_enough() {
        let bandwidth = BandwidthMeter::new(1_000_000, Circuits::new(8), Instant::now());
        let to = PeerId::random();
        let begin = async || {
            // The line that is written stands before what is read.
            let content = [HOP, &crate::hop_message::tests::connect(&to), &[0; 10]].concat();
            let mut circuit = stream(&bandwidth.account(PeerId::random()), content);
            circuit.write_all(HOP).await.unwrap();
            let in_pieces = circuit.read_exact(&mut [0; 40]).await;
            in_pieces.and(circuit.read(&mut [0; 30]).await).map(|_| circuit).map_err(|error| error.kind())
        };
        let mut circuits = Vec::new();
        let refused = loop {
            match begin().await {
                Ok(circuit) => circuits.push(circuit),
                Err(kind) => break kind,
            }
        };
        assert_eq!((circuits.len(), refused), (16, io::ErrorKind::QuotaExceeded));
        circuits.pop();
        assert!(begin().await.is_ok());
    }

    #[tokio::test]
    async fn other_streams_are_not_charged() {
        let bandwidth = bandwidth(10, Instant::now());
        let account = bandwidth.account(PeerId::random());
        let mut other = stream(&account, vec![0; 2 * WATCHED_BYTES]);
        other.write_all(b"\x13/multistream/1.0.0\n\x14/nostrp2p/deliver/1\n").await.unwrap();
        other.write_all(&vec![b'x'; WATCHED_BYTES]).await.unwrap();
        assert!(matches!(other.use_of, Use::Other));
        other.read_exact(&mut [0; 1_000]).await.unwrap();
        assert_eq!((left(&account), bandwidth.relayed()), (10, 0));
    }

    #[tokio::test]
    async fn what_streams_carry_is_told_once_also_after_they_have_ended() {
        let now = Instant::now();
        let bandwidth = bandwidth(100, now);
        let (peer, idle) = (PeerId::random(), PeerId::random());
        for carried in [30, 12] {
            let mut other = stream(&bandwidth.account(peer), vec![0; carried]);
            other.read_exact(&mut vec![0; carried]).await.unwrap();
            other.write_all(&[0; 5]).await.unwrap();
        }
        bandwidth.account(idle);
        bandwidth.refill(now + DAY);
        assert_eq!(bandwidth.take_traffic(), [(peer, Traffic { received: 42, sent: 10 })]);
        assert_eq!(bandwidth.take_traffic(), []);
        bandwidth.refill(now + 2 * DAY);
        assert!(bandwidth.0.accounts.lock().unwrap().of.is_empty(), "nothing is left to tell");
    }

    #[test]
    fn the_protocols_are_those_of_libp2p() {
        use libp2p::relay::{HOP_PROTOCOL_NAME, STOP_PROTOCOL_NAME};
        assert_eq!(
            [HOP, STOP],
            [HOP_PROTOCOL_NAME.as_ref().as_bytes(), STOP_PROTOCOL_NAME.as_ref().as_bytes()]
        );
    }

    #[test]
    fn a_peer_cannot_win_its_share_back_by_coming_again() {
        let now = Instant::now();
        let bandwidth = bandwidth(100, now);
        let spent = PeerId::random();
        bandwidth.account(spent).charge(100);
        for _ in 0..2 * MAX_ACCOUNTS {
            bandwidth.account(PeerId::random());
        }
        assert_eq!(bandwidth.0.accounts.lock().unwrap().of.len(), MAX_ACCOUNTS);
        assert_eq!(left(&bandwidth.account(spent)), 0, "those who have all are forgotten first");
        bandwidth.refill(now + DAY);
        assert!(bandwidth.0.accounts.lock().unwrap().of.is_empty());
    }
}
