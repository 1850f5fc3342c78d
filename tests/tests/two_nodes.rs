//! Two real nodes and two real owners, without browsers: what happens between them.

use nostrp2p_protocol::frame::{ClientFrame, NodeFrame};
use nostrp2p_tests::{Client, Node, PATIENCE, Person, post, random_key};

#[tokio::test]
async fn a_post_reaches_the_other_nodes_owner_at_once() {
    let (mut alice, mut bob) = Person::pair().await;
    bob.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "hello from alice")).await;
    bob.client.hear("hello from alice").await;
}

#[tokio::test]
async fn a_restarted_node_finds_its_neighbour_again_without_being_told() {
    let (mut alice, mut bob) = Person::pair().await;
    bob.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "before")).await;
    let through = bob.client.hear("before").await;

    let stopped = bob.node.stop().await;
    alice.client.publish(&post(&alice.key, "meanwhile")).await;
    let node = stopped.start().await;
    assert_eq!(node.claim_link, None, "the node remembers its owner");

    let mut client = Client::login(&node.clients(), &bob.key).await;
    client.neighbours(1).await;
    client.watch(through).await;
    alice.client.publish(&post(&alice.key, "after")).await;
    client.hear("after").await;
}

#[tokio::test]
async fn what_was_written_alone_goes_out_when_somebody_comes_even_after_a_restart() {
    let mut alice = Person::arrive(None).await;
    alice.client.publish(&post(&alice.key, "is anybody there?")).await;
    alice.node = alice.node.kill().await.start().await;
    let mut bob = Person::arrive(Some(&alice)).await;
    bob.client.watch(0).await;
    bob.client.hear("is anybody there?").await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    let mut last = 0;
    for number in 0..50 {
        last = client.publish(&post(&alice, &format!("post {number}"))).await;
    }
    let node = node.kill().await.start().await;
    let mut client = Client::login(&node.clients(), &alice).await;
    client.watch(last - 1).await;
    assert_eq!(client.hear("post 49").await, last);
    let next = client.publish(&post(&alice, "next")).await;
    assert!(next > last, "sequence numbers never repeat");
}

#[tokio::test]
async fn a_client_resumes_exactly_where_it_was() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut phone = Client::claim(&node.clients(), node.token(), &alice).await;
    let mut desk = Client::login(&node.clients(), &alice).await;
    for number in 0..1_200 {
        phone
            .send(ClientFrame::Publish { request: number, event: post(&alice, &number.to_string()).into() })
            .await;
    }
    // Events of the same second and content order freely; each must come exactly once, over several batches.
    desk.watch(0).await;
    let mut texts = Vec::new();
    let mut cursor = 0;
    while texts.len() < 1_200 {
        match desk.next().await {
            Some(NodeFrame::Batch { through, events, .. }) => {
                assert!(through > cursor, "batches go forward");
                cursor = through;
                texts.extend(events.into_iter().map(|event| event.content));
                if texts.len() % 3 == 0 {
                    drop(desk);
                    desk = Client::login(&node.clients(), &alice).await;
                    desk.watch(cursor).await;
                }
            }
            Some(_) => {}
            None => panic!("the connection ended"),
        }
    }
    texts.sort_by_key(|text| text.parse::<u32>().unwrap());
    assert!(texts.iter().enumerate().all(|(index, text)| *text == index.to_string()), "{texts:?}");
}

#[tokio::test]
async fn a_client_that_gathers_gets_one_batch_for_many_posts() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut writer = Client::claim(&node.clients(), node.token(), &alice).await;
    let mut reader = Client::login(&node.clients(), &alice).await;
    reader.send(ClientFrame::Watch { after: 0, gather_ms: 1_500 }).await;
    for number in 0..5 {
        writer.publish(&post(&alice, &format!("post {number}"))).await;
    }
    let batch = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(NodeFrame::Batch { events, .. }) = reader.next().await {
                return events.len();
            }
        }
    });
    assert_eq!(batch.await.unwrap(), 5);
}
