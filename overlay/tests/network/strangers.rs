//! Programs that speak libp2p, but not with us.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, StreamProtocol, Swarm,
    gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode},
    identify,
    request_response::{self, ProtocolSupport},
    swarm::SwarmEvent,
};
use nostrp2p_overlay::{MAX_ANNOUNCEMENT, Protocol, RequestError};

use crate::rig::{Node, convert, eventually, let_in, on_loopback, settings, stranger};

#[tokio::test]
async fn a_peer_of_another_protocol_is_sent_away_with_the_reason() {
    let mut stranger = stranger(|key| {
        identify::Behaviour::new(identify::Config::new("/nostrp2p/2".to_owned(), key.public()))
    });
    stranger.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let address: Multiaddr = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = stranger.select_next_some().await {
            break address;
        }
    };
    let mut joining = settings();
    joining.bootstrap = vec![address.to_string().parse().unwrap()];
    let mut node = Node::start(joining).await;
    let (_, reason, retry_in) = tokio::select! {
        failed = node.bootstrap_failed() => failed,
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    };
    assert!(reason.contains("`/nostrp2p/2`"), "{reason}");
    assert!(retry_in.is_some());
    assert_eq!(node.overlay.peers().await, []);
}

#[tokio::test]
async fn half_open_connections_do_not_keep_others_out() {
    let mut a = Node::start(on_loopback()).await;
    let port = crate::rig::port(&a).await;
    let mut half_open = Vec::new();
    for _ in 0..10 {
        half_open.push(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let mut joining = settings();
    joining.bootstrap = vec![a.address().await];
    let b = Node::start(joining).await;
    a.joined(b.id()).await;
    drop(half_open);
}

/// Writes what it is given, and nothing before it.
#[derive(Clone)]
struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        io.read_exact(&mut length).await?;
        Ok(length.to_vec())
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        io.read_to_end(&mut all).await?;
        Ok(all)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&request).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&response).await
    }
}

#[derive(libp2p::swarm::NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
struct Rude {
    identify: identify::Behaviour,
    requests: request_response::Behaviour<Raw>,
    gossip: gossipsub::Behaviour,
}

/// A swarm that says it is one of us, knows one kind of request, and keeps to no limits.
fn rude() -> Swarm<Rude> {
    stranger(|key| Rude {
        identify: identify::Behaviour::new(identify::Config::new("/nostrp2p/1".to_owned(), key.public())),
        requests: request_response::Behaviour::with_codec(
            Raw,
            [(StreamProtocol::new("/nostrp2p/fetch/1"), ProtocolSupport::Full)],
            request_response::Config::default(),
        ),
        gossip: {
            let config = gossipsub::ConfigBuilder::default()
                .validation_mode(ValidationMode::Anonymous)
                .message_id_fn(|message| MessageId::new(&message.data))
                .build();
            gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config.unwrap()).unwrap()
        },
    })
}

#[tokio::test]
async fn a_request_that_is_no_frame_does_not_reach_the_node() {
    let mut node = Node::start(on_loopback()).await;
    let mut stranger = rude();
    let id = let_in(&mut stranger, &mut node).await;
    let peer = convert(node.id());
    // Too long, cut off, nothing at all; then one that is right.
    let requests =
        [b"\xff\xff\xff\xff and so on".as_slice(), b"\0\0\0\x09cut off", b"\0\0", b"", b"\0\0\0\x02ok"];
    for request in requests {
        stranger.behaviour_mut().requests.send_request(&peer, request.to_vec());
    }
    let payload = tokio::select! {
        (_, from, _, payload) = node.request() => {
            assert_eq!(from, id);
            payload
        },
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    };
    assert_eq!(payload, b"ok");
    assert_eq!(node.overlay.stats().await.requests_received, 1);
}

#[tokio::test]
async fn an_answer_that_is_no_frame_and_a_missing_protocol_are_told_apart() {
    let mut node = Node::start(on_loopback()).await;
    let mut stranger = rude();
    let id = let_in(&mut stranger, &mut node).await;
    let limit = Protocol::Fetch.max_response();
    let rows: [(Protocol, &[u8], RequestError); 4] = [
        (Protocol::Fetch, b"\xff\xff\xff\xff and so on", RequestError::AnswerTooLarge { limit }),
        (Protocol::Fetch, b"\0\0\0\x09cut off", RequestError::Refused),
        (Protocol::Fetch, b"", RequestError::Refused),
        (Protocol::Sync, b"", RequestError::Unsupported),
    ];
    for (protocol, answer, error) in rows {
        let asked = node.overlay.request(id, protocol, b"question".to_vec());
        let answering = async {
            loop {
                let event = stranger.select_next_some().await;
                if let SwarmEvent::Behaviour(RudeEvent::Requests(request_response::Event::Message {
                    message: request_response::Message::Request { channel, .. },
                    ..
                })) = event
                {
                    stranger.behaviour_mut().requests.send_response(channel, answer.to_vec()).unwrap();
                }
            }
        };
        let result = tokio::select! {
            result = asked => result,
            () = answering => unreachable!("it goes on until the node has its answer"),
        };
        assert_eq!(result, Err(error), "{answer:?}");
    }
}

#[tokio::test]
async fn a_peer_that_asks_more_than_it_may_is_refused_the_rest() {
    let mut node = Node::start(on_loopback()).await;
    let mut stranger = rude();
    let_in(&mut stranger, &mut node).await;
    let peer = convert(node.id());
    for _ in 0..20 {
        stranger.behaviour_mut().requests.send_request(&peer, b"\0\0\0\x02ok".to_vec());
    }
    let overlay = &node.overlay;
    let all = eventually("all requests", || async { overlay.stats().await.requests_received == 20 });
    tokio::select! {
        () = all => {},
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    }
    // Twice what one of ours would ask at a time.
    assert_eq!(overlay.stats().await.requests_refused, 4);
}

#[tokio::test]
async fn an_announcement_that_is_too_long_is_rejected_before_it_reaches_the_node() {
    let mut node = Node::start(on_loopback()).await;
    let mut stranger = rude();
    let_in(&mut stranger, &mut node).await;
    let topic = IdentTopic::new("nodes");
    for size in [MAX_ANNOUNCEMENT + 1, MAX_ANNOUNCEMENT] {
        while stranger.behaviour_mut().gossip.publish(topic.clone(), vec![7; size]).is_err() {
            stranger.select_next_some().await;
        }
    }
    let payload = tokio::select! {
        (_, _, payload) = node.message_on() => payload,
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    };
    assert_eq!(payload.len(), MAX_ANNOUNCEMENT);
    assert_eq!(node.overlay.stats().await.rejected, 1);
}
