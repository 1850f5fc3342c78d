//! Messages, verdicts and their consequences, on the memory transport.

use nostrp2p_overlay::{
    BroadcastError, Direction, MAX_ANNOUNCEMENT, MAX_PAYLOAD, MessageAcceptance, OverlayEvent, Sent,
    StopReason, Topic,
};

use crate::rig::{Node, eventually};

const TO_ONE: Sent = Sent { peers: 1, repeated: false };

#[tokio::test]
async fn a_message_reaches_a_node_that_has_just_joined() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    assert_eq!(a.overlay.broadcast(Topic::Events, b"hello".to_vec()).await, Ok(TO_ONE));
    let (_, from, payload) = b.message().await;
    assert_eq!((from, payload.as_slice()), (a.id(), b"hello".as_slice()));
    assert_eq!(b.overlay.broadcast(Topic::Events, b"hello back".to_vec()).await, Ok(TO_ONE));
    assert_eq!(a.message().await.2, b"hello back");
}

#[tokio::test]
async fn a_message_written_before_anybody_is_there_reaches_the_first_who_comes() {
    let a = Node::in_memory(&[]).await;
    assert_eq!(
        a.overlay.broadcast(Topic::Events, b"early".to_vec()).await,
        Ok(Sent { peers: 0, repeated: false })
    );
    let mut b = Node::in_memory(&[&a]).await;
    assert_eq!(b.message().await.2, b"early");
}

#[tokio::test]
async fn only_what_the_middle_node_accepted_goes_on() {
    let mut b = Node::in_memory(&[]).await;
    let mut a = Node::in_memory(&[&b]).await;
    let mut c = Node::in_memory(&[&b]).await;
    a.joined(b.id()).await;
    c.joined(b.id()).await;
    b.joined(c.id()).await;
    for (payload, verdict) in [
        (b"ignored".as_slice(), MessageAcceptance::Ignore),
        (b"rejected".as_slice(), MessageAcceptance::Reject),
        (b"accepted".as_slice(), MessageAcceptance::Accept),
    ] {
        a.overlay.broadcast(Topic::Events, payload.to_vec()).await.unwrap();
        assert_eq!(b.judge(verdict).await, payload);
    }
    let (_, from, payload) = c.message().await;
    assert_eq!((from, payload.as_slice()), (b.id(), b"accepted".as_slice()));
    let stats = b.overlay.stats().await;
    assert_eq!((stats.received, stats.accepted, stats.ignored, stats.rejected), (3, 1, 1, 1));
    assert_eq!(c.overlay.stats().await.received, 1);
}

#[tokio::test]
async fn everybody_around_one_node_hears_of_a_message_though_its_mesh_is_full() {
    let mut hub = Node::in_memory(&[]).await;
    let mut others = Vec::new();
    for _ in 0..24 {
        let mut other = Node::in_memory(&[&hub]).await;
        other.joined(hub.id()).await;
        others.push(other);
    }
    hub.all_joined(others.iter().map(Node::id).collect()).await;
    let author = others.pop().unwrap();
    author.overlay.broadcast(Topic::Events, b"hello".to_vec()).await.unwrap();
    hub.judge(MessageAcceptance::Accept).await;
    for other in &mut others {
        assert_eq!(other.judge(MessageAcceptance::Accept).await, b"hello");
    }
}

#[tokio::test]
async fn a_peer_whose_messages_are_rejected_loses_score_and_is_thrown_out() {
    let mut b = Node::in_memory(&[]).await;
    let mut a = Node::in_memory(&[&b]).await;
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    a.overlay.broadcast(Topic::Events, b"forged 1".to_vec()).await.unwrap();
    b.judge(MessageAcceptance::Reject).await;
    let score = b.overlay.peers().await.first().expect("still here").score;
    assert!((-11.0..-5.0).contains(&score), "{score}");
    for n in 2..=4 {
        // The third already is beyond what a stranger may do; whether the fourth still comes is a matter of time.
        if a.overlay.broadcast(Topic::Events, format!("forged {n}").into_bytes()).await.is_ok() && n < 4 {
            b.judge(MessageAcceptance::Reject).await;
        }
    }
    b.left(a.id()).await;
    a.left(b.id()).await;
    assert_eq!(b.overlay.stats().await.banned, 1);
    // It dials again, and is sent away.
    let (_, reason, retry_in) = a.bootstrap_failed().await;
    assert!(reason.contains("may not want this one"), "{reason}");
    assert!(retry_in.is_some());
}

#[tokio::test]
async fn what_is_ignored_costs_nothing() {
    let mut b = Node::in_memory(&[]).await;
    let mut a = Node::in_memory(&[&b]).await;
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    for n in 0..20 {
        a.overlay.broadcast(Topic::Events, format!("unwanted {n}").into_bytes()).await.unwrap();
        b.judge(MessageAcceptance::Ignore).await;
    }
    let score = b.overlay.peers().await.first().expect("still here").score;
    assert!(score >= 0.0, "{score}");
}

#[tokio::test]
async fn the_largest_message_travels_and_a_larger_one_is_refused() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    let size = MAX_PAYLOAD + 1;
    assert_eq!(
        a.overlay.broadcast(Topic::Events, vec![7; size]).await,
        Err(BroadcastError::TooLarge { size, limit: MAX_PAYLOAD })
    );
    assert_eq!(a.overlay.broadcast(Topic::Events, vec![7; MAX_PAYLOAD]).await, Ok(TO_ONE));
    assert_eq!(b.message().await.2, vec![7; MAX_PAYLOAD]);
}

#[tokio::test]
async fn the_same_bytes_are_sent_once() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    assert_eq!(a.overlay.broadcast(Topic::Events, b"once".to_vec()).await, Ok(TO_ONE));
    assert_eq!(
        a.overlay.broadcast(Topic::Events, b"once".to_vec()).await,
        Ok(Sent { peers: 0, repeated: true })
    );
    a.overlay.broadcast(Topic::Events, b"then this".to_vec()).await.unwrap();
    assert_eq!(b.judge(MessageAcceptance::Accept).await, b"once");
    assert_eq!(b.judge(MessageAcceptance::Accept).await, b"then this");
}

#[tokio::test]
async fn a_node_that_takes_no_events_loses_messages_but_not_the_overlay() {
    let mut a = Node::in_memory(&[]).await;
    let b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    for n in 0..700_u32 {
        a.overlay.broadcast(Topic::Events, n.to_be_bytes().to_vec()).await.unwrap();
    }
    eventually("that all have arrived", || async { b.overlay.stats().await.received == 700 }).await;
    let stats = b.overlay.stats().await;
    assert!(stats.dropped >= 700 - 512 && stats.ignored == stats.dropped, "{stats:?}");
    assert_eq!(b.overlay.peers().await.len(), 1);
}

#[tokio::test]
async fn a_peer_is_described() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    b.joined(a.id()).await;
    a.joined(b.id()).await;
    let overlay = &b.overlay;
    eventually(
        "the first ping",
        || async move { overlay.peers().await.iter().all(|peer| peer.delay.is_some()) },
    )
    .await;
    let peers = b.overlay.peers().await;
    let peer = peers.first().expect("one peer");
    assert_eq!(peer.id, a.id());
    assert!(peer.subscribed && peer.agent.starts_with("nostrp2p/"), "{peer:?}");
    assert_eq!(peer.direction, Direction::Outbound);
    assert_eq!(a.overlay.peers().await.first().expect("one peer").direction, Direction::Inbound);
}

#[tokio::test]
async fn shutdown_may_be_asked_for_twice_and_ends_everything() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    let clone = a.overlay.clone();
    tokio::join!(a.overlay.clone().shutdown(), clone.clone().shutdown());
    let reason = a.until("the end", |event| match event {
        OverlayEvent::Stopped { reason } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason.await, StopReason::Asked);
    b.left(a.id()).await;
    clone.clone().shutdown().await;
    assert_eq!(clone.broadcast(Topic::Events, b"too late".to_vec()).await, Err(BroadcastError::Stopped));
    assert_eq!(clone.peers().await, []);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_overlay() {
    let mut a = Node::in_memory(&[]).await;
    let b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    let id = b.id();
    drop(b);
    a.left(id).await;
}

#[tokio::test]
async fn an_announcement_travels_on_its_own_topic_and_only_when_accepted() {
    let mut b = Node::in_memory(&[]).await;
    let mut a = Node::in_memory(&[&b]).await;
    let mut c = Node::in_memory(&[&b]).await;
    a.joined(b.id()).await;
    c.joined(b.id()).await;
    b.joined(c.id()).await;
    for (payload, verdict) in [
        (b"of another".as_slice(), MessageAcceptance::Reject),
        (b"mine".as_slice(), MessageAcceptance::Accept),
    ] {
        assert_eq!(a.overlay.broadcast(Topic::Nodes, payload.to_vec()).await, Ok(TO_ONE));
        let (message, topic, received) = b.message_on().await;
        assert_eq!((topic, received.as_slice()), (Topic::Nodes, payload));
        b.overlay.report(message, verdict).await;
    }
    let (_, topic, payload) = c.message_on().await;
    assert_eq!((topic, payload.as_slice()), (Topic::Nodes, b"mine".as_slice()));
}

#[tokio::test]
async fn the_same_bytes_on_one_topic_do_not_silence_them_on_the_other() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    for topic in [Topic::Nodes, Topic::Events] {
        assert_eq!(a.overlay.broadcast(topic, b"both".to_vec()).await, Ok(TO_ONE));
        let (message, on, _) = b.message_on().await;
        assert_eq!(on, topic);
        b.overlay.report(message, MessageAcceptance::Accept).await;
    }
}

#[tokio::test]
async fn an_announcement_is_small() {
    let mut a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    a.joined(b.id()).await;
    let size = MAX_ANNOUNCEMENT + 1;
    let refused = a.overlay.broadcast(Topic::Nodes, vec![7; size]).await;
    assert_eq!(refused, Err(BroadcastError::TooLarge { size, limit: MAX_ANNOUNCEMENT }));
    assert_eq!(a.overlay.broadcast(Topic::Nodes, vec![7; MAX_ANNOUNCEMENT]).await, Ok(TO_ONE));
    assert_eq!(b.message_on().await.2.len(), MAX_ANNOUNCEMENT);
}
