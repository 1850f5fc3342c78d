//! Neighbours that offer messages (IHAVE) and do not send them when they are asked to (IWANT).

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt, stream::select_all};
use libp2p::{
    StreamProtocol, Swarm, identify,
    request_response::{self, ProtocolSupport, ResponseChannel},
    swarm::SwarmEvent,
};
use nostrp2p_protocol::PeerId;
use tokio::time;

use crate::rig::{Node, convert, let_in, on_loopback, stranger};

/// Ids in one IHAVE: as many as fit into a frame, and more than a node asks one neighbour for.
const OFFERED: u16 = 700;

/// Ids that a node asks one neighbour for in a second (PROTOCOL.md, Limits).
const ASKED: usize = 128;

/// Bytes of an id in a frame: tag, length, and the id.
const ID_SIZE: usize = 22;

/// An IHAVE of ids that nobody ever heard of, as gossipsub frames it: the protobuf messages RPC, ControlMessage and
/// ControlIHave, each with its tag and length (rpc.proto of the gossipsub specification).
fn ihave(round: u16) -> Vec<u8> {
    let mut message = field(1, b"events");
    for n in 0..OFFERED {
        let mut id = [7; 20];
        id.first_chunk_mut::<2>().unwrap().copy_from_slice(&round.to_be_bytes());
        id.last_chunk_mut::<2>().unwrap().copy_from_slice(&n.to_be_bytes());
        message.extend(field(2, &id));
    }
    let rpc = field(3, &field(1, &message));
    [varint(rpc.len()), rpc].concat()
}

/// A protobuf field that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], varint(bytes.len()).as_slice(), bytes].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The length of the next frame, and past it.
async fn frame(io: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
    let (mut length, mut byte) = (0, [0x80]);
    for place in 0..4 {
        io.read_exact(&mut byte).await?;
        let [byte] = byte;
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            break;
        }
    }
    io.read_exact(&mut vec![0; length]).await?;
    Ok(length)
}

/// Gossipsub's streams, as a neighbour has them that makes promises. What it sends are so many IHAVE with other ids each;
/// what it gets is the length of the first frame that asks for many ids.
#[derive(Clone)]
struct Promises;

impl request_response::Codec for Promises {
    type Protocol = StreamProtocol;
    type Request = usize;
    type Response = ();

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<usize> {
        loop {
            let length = frame(io).await?;
            if length > 1_000 {
                return Ok(length);
            }
        }
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<()> {
        io.read_to_end(&mut Vec::new()).await.map(drop)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        rounds: usize,
    ) -> io::Result<()> {
        let mut pace = time::interval(Duration::from_millis(250));
        for round in (0..=u16::MAX).take(rounds) {
            pace.tick().await;
            io.write_all(&ihave(round)).await?;
            io.flush().await?;
        }
        // What is at the end of its stream is gone; this one stays until it is thrown out.
        std::future::pending().await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        (): (),
    ) -> io::Result<()> {
        Ok(())
    }
}

#[derive(libp2p::swarm::NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
struct Promiser {
    identify: identify::Behaviour,
    stream: request_response::Behaviour<Promises>,
}

/// Joins a node, and begins to promise.
async fn promise(node: &mut Node, rounds: usize) -> (Swarm<Promiser>, PeerId) {
    let mut swarm = stranger(|key| Promiser {
        identify: identify::Behaviour::new(identify::Config::new("/nostrp2p/1".to_owned(), key.public())),
        stream: request_response::Behaviour::with_codec(
            Promises,
            [(StreamProtocol::new("/meshsub/1.1.0"), ProtocolSupport::Full)],
            request_response::Config::default().with_request_timeout(Duration::from_secs(600)),
        ),
    });
    let id = let_in(&mut swarm, node).await;
    swarm.behaviour_mut().stream.send_request(&convert(node.id()), rounds);
    (swarm, id)
}

/// Runs a promiser until it has been asked for many ids: bytes of that frame. The channel keeps the stream open.
async fn asked(swarm: &mut Swarm<Promiser>) -> (usize, ResponseChannel<()>) {
    loop {
        if let SwarmEvent::Behaviour(PromiserEvent::Stream(request_response::Event::Message {
            message: request_response::Message::Request { channel, request, .. },
            ..
        })) = swarm.select_next_some().await
        {
            return (request, channel);
        }
    }
}

/// Runs promisers and keeps all that they get. A channel that is dropped closes its stream, and the node's gossipsub gives
/// up a neighbour whose fifth stream it has to open: no promise of that neighbour would be counted any more. How many of
/// them were in time depended on how busy the machine was.
async fn keep_running(promisers: [Swarm<Promiser>; 2]) {
    let mut events = select_all(promisers);
    let mut kept = Vec::new();
    loop {
        kept.push(events.select_next_some().await);
    }
}

#[tokio::test]
async fn a_neighbour_that_is_overrun_once_stays_and_one_that_only_promises_is_thrown_out() {
    let mut node = Node::start(on_loopback()).await;
    let (mut overrun, stays) = promise(&mut node, 1).await;
    let (bytes, _open) = asked(&mut overrun).await;
    // Each id that is asked for has to be remembered.
    assert!(bytes.abs_diff(ASKED * ID_SIZE) < ID_SIZE, "{bytes} bytes of ids asked for");
    // From here on its promises are the older ones, so they are counted no later than those of the other.
    let (liar, goes) = promise(&mut node, 100).await;
    let thrown_out = async {
        node.left(goes).await;
        (node.overlay.stats().await.banned, node.overlay.peers().await)
    };
    // The node is asked while both still run: a swarm that is dropped hangs up, and whether the node had noticed that by
    // then depended on how busy the machine was.
    let (banned, peers) = tokio::select! {
        seen = thrown_out => seen,
        () = keep_running([overrun, liar]) => unreachable!("swarms do not end"),
    };
    assert_eq!(banned, 1);
    assert_eq!(peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [stays]);
    assert!(peers.first().unwrap().score >= 0.0, "{peers:?}");
}
