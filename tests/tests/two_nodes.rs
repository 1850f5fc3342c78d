//! Two real nodes and two real owners, without browsers: what happens between them.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    Draft, Filter, Kind, Tag,
    frame::{Carried, ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, PATIENCE, post, random_key};

#[tokio::test]
async fn a_post_reaches_the_other_nodes_owner_at_once() {
    let (alice, bob) = (random_key(), random_key());
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let mut client_a = Client::claim(&node_a.clients(), node_a.token(), &alice).await;
    let mut client_b = Client::claim(&node_b.clients(), node_b.token(), &bob).await;
    client_a.neighbours(1).await;
    client_b.watch(0).await;
    client_a.publish(&post(&alice, "hello from alice")).await;
    client_b.hear("hello from alice").await;
}

#[tokio::test]
async fn a_reply_does_not_leave_the_node_by_broadcast() {
    let (alice, bob) = (random_key(), random_key());
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let mut client_a = Client::claim(&node_a.clients(), node_a.token(), &alice).await;
    let mut client_b = Client::claim(&node_b.clients(), node_b.token(), &bob).await;
    client_a.neighbours(1).await;
    client_b.watch(0).await;

    let reply = Draft {
        tags: vec![Tag::new(["p".into(), random_key().public_key().to_string()])],
        ..draft("private")
    };
    let reply = reply.sign(&alice, &[0; 32]);
    client_a.send(ClientFrame::Publish { request: 2, event: reply.into() }).await;
    let answer = client_a.answer().await;
    assert!(matches!(answer, NodeFrame::Published { carried: Carried::Waiting(1), .. }), "{answer:?}");

    // What is sent later arrives; the reply is not before it.
    client_a.publish(&post(&alice, "public")).await;
    client_b.hear("public").await;
    client_b.send(ClientFrame::Fetch { request: 3, filters: vec![Filter::default()] }).await;
    let answer = client_b.answer().await;
    let NodeFrame::Answer { events, .. } = answer else { panic!("{answer:?}") };
    assert!(events.iter().all(|event| event.content != "private"), "{events:?}");
}

fn draft(text: &str) -> Draft {
    let created_at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Draft { created_at, kind: Kind::POST, tags: vec![], content: text.into() }
}

#[tokio::test]
async fn a_restarted_node_finds_its_neighbour_again_without_being_told() {
    let (alice, bob) = (random_key(), random_key());
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let mut client_a = Client::claim(&node_a.clients(), node_a.token(), &alice).await;
    let mut client_b = Client::claim(&node_b.clients(), node_b.token(), &bob).await;
    client_b.neighbours(1).await;
    client_b.watch(0).await;
    client_a.publish(&post(&alice, "before")).await;
    let through = client_b.hear("before").await;

    let stopped = node_b.stop().await;
    client_a.publish(&post(&alice, "meanwhile")).await;
    let node_b = stopped.start().await;
    assert_eq!(node_b.claim_link, None, "the node remembers its owner");

    let mut client_b = Client::login(&node_b.clients(), &bob).await;
    client_b.neighbours(1).await;
    client_b.watch(through).await;
    client_a.publish(&post(&alice, "after")).await;
    client_b.hear("after").await;
}

#[tokio::test]
async fn what_was_written_alone_goes_out_when_somebody_comes_even_after_a_restart() {
    let (alice, bob) = (random_key(), random_key());
    let node_a = Node::start(&[]).await;
    let mut client_a = Client::claim(&node_a.clients(), node_a.token(), &alice).await;
    client_a.publish(&post(&alice, "is anybody there?")).await;
    let node_a = node_a.kill().await.start().await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let mut client_b = Client::claim(&node_b.clients(), node_b.token(), &bob).await;
    client_b.watch(0).await;
    client_b.hear("is anybody there?").await;
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
async fn an_idle_node_is_small() {
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &random_key()).await;
    client.neighbours(0).await;
    let Some(kib) = node.resident_kib() else { return };
    println!("budget: idle node, resident memory: {:.1} MB (aim: below 20)", kib as f64 / 1024.0);
    assert!(kib < 60 * 1024, "{kib} KiB is out of all proportion");
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
