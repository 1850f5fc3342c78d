//! Neighbours that offer messages (IHAVE) and do not send them when they are asked to (IWANT).

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt, stream::select_all};
use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, identify, noise,
    request_response::{self, ProtocolSupport, ResponseChannel},
    swarm::SwarmEvent,
    tcp, yamux,
};
use nostrp2p_protocol::PeerId;
use tokio::time;

use crate::rig::{Node, on_loopback};

/// Ids in one IHAVE: nearly as many as a node asks one neighbour for in a second.
const IDS: u16 = 120;

/// Bytes of an id in a frame: tag, length, and the id.
const ID_SIZE: usize = 22;

/// An IHAVE of ids that nobody ever heard of, as gossipsub frames it: the protobuf messages RPC, ControlMessage and
/// ControlIHave, each with its tag and length (rpc.proto of the gossipsub specification).
fn ihave(round: u16) -> Vec<u8> {
    let mut message = field(1, b"events");
    for n in 0..IDS {
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

/// What gossipsub's stream is to a neighbour that makes promises: frames go out one after the other, and what comes back
/// counts only once a whole IHAVE has been asked for.
#[derive(Clone)]
struct Promises;

impl request_response::Codec for Promises {
    type Protocol = StreamProtocol;
    type Request = u16;
    type Response = ();

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<u16> {
        io.read_exact(&mut vec![0; usize::from(IDS) * ID_SIZE]).await?;
        Ok(1)
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
        rounds: u16,
    ) -> io::Result<()> {
        let mut pace = time::interval(Duration::from_millis(250));
        for round in 0..rounds {
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
async fn promise(node: &mut Node, rounds: u16) -> (Swarm<Promiser>, PeerId) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| Promiser {
            identify: identify::Behaviour::new(identify::Config::new("/nostrp2p/1".to_owned(), key.public())),
            stream: request_response::Behaviour::with_codec(
                Promises,
                [(StreamProtocol::new("/meshsub/1.1.0"), ProtocolSupport::Full)],
                request_response::Config::default().with_request_timeout(Duration::from_secs(600)),
            ),
        })
        .unwrap()
        .build();
    swarm.dial(node.address().await.to_string().parse::<Multiaddr>().unwrap()).unwrap();
    let id = PeerId::from_multihash(&swarm.local_peer_id().to_bytes()).unwrap();
    tokio::select! {
        () = node.joined(id) => {},
        () = swarm.by_ref().for_each(|_| async {}) => unreachable!("a swarm does not end"),
    }
    let peer = libp2p::PeerId::from_bytes(&node.id().to_multihash()).unwrap();
    swarm.behaviour_mut().stream.send_request(&peer, rounds);
    (swarm, id)
}

/// Runs a promiser until all that its first IHAVE named has been asked for. What is given back keeps the stream open.
async fn asked(swarm: &mut Swarm<Promiser>) -> ResponseChannel<()> {
    loop {
        if let SwarmEvent::Behaviour(PromiserEvent::Stream(request_response::Event::Message {
            message: request_response::Message::Request { channel, .. },
            ..
        })) = swarm.select_next_some().await
        {
            return channel;
        }
    }
}

#[tokio::test]
async fn a_neighbour_that_is_overrun_once_stays_and_one_that_only_promises_is_thrown_out() {
    let mut node = Node::start(on_loopback()).await;
    let (mut overrun, stays) = promise(&mut node, 1).await;
    let _open = asked(&mut overrun).await;
    // From here on its promises are the older ones, so they are counted no later than those of the other.
    let (liar, goes) = promise(&mut node, 100).await;
    tokio::select! {
        () = node.left(goes) => {},
        () = select_all([overrun, liar]).for_each(|_| async {}) => unreachable!("a swarm does not end"),
    }
    assert_eq!(node.overlay.stats().await.banned, 1);
    let peers = node.overlay.peers().await;
    assert_eq!(peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [stays]);
    assert!(peers.first().unwrap().score >= 0.0, "{peers:?}");
}
