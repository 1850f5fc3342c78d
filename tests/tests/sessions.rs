//! Several clients of one node, slow ones, and those that were away.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use nostrp2p_protocol::{
    EventId, SecretKey,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, get, post, random_key, skip, until};
use tokio::{io::AsyncWriteExt, net::TcpStream};

async fn node_of(key: &SecretKey) -> Node {
    Node::start(&["-p", &key.public_key().to_npub()]).await
}

/// Publishes posts of about 60,000 bytes that do not compress, until they come to more than any socket buffers.
async fn publish_megabytes(client: &mut Client, key: &SecretKey, megabytes: usize) -> BTreeSet<EventId> {
    let mut ids = BTreeSet::new();
    for _ in 0..megabytes * 17 {
        let mut noise = vec![0; 29_000];
        getrandom::fill(&mut noise).expect("random numbers");
        let event = post(key, &hex::encode(noise));
        client.publish(&event).await;
        ids.insert(event.id());
    }
    ids
}

/// Everything after a sequence number, as ids, and the number up to which that is all.
async fn rest_after(client: &mut Client, after: u64) -> (BTreeSet<EventId>, u64) {
    client.watch(after).await;
    let mut ids = BTreeSet::new();
    loop {
        let frame = client.next().await.expect("the node keeps the connection");
        let NodeFrame::Batch { through, newest, events } = frame else { continue };
        for event in &events {
            assert!(ids.insert(event.id()), "an event came twice");
        }
        if through >= newest {
            return (ids, through);
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_no_memory_and_holds_up_nobody() {
    let key = random_key();
    let node = node_of(&key).await;
    let mut writer = Client::login(&node.clients(), &key).await;
    let ids = publish_megabytes(&mut writer, &key, 12).await;
    let Some(before) = node.resident_kib() else {
        return skip("this system does not tell how much memory a process has");
    };
    // Twenty of them, who all ask for everything: 240 MB if the node queued it.
    let mut sleepers = Vec::new();
    for _ in 0..20 {
        let mut sleeper = Client::login(&node.clients(), &key).await;
        sleeper.watch(0).await;
        sleepers.push(sleeper);
    }
    // Meanwhile others read and write as always.
    let mut reader = Client::login(&node.clients(), &key).await;
    assert_eq!(rest_after(&mut reader, 0).await.0, ids);
    let last = post(&key, "written while twenty sleep");
    writer.publish(&last).await;
    reader.hear(&last.content).await;
    let after = node.resident_kib().expect("it told before");
    let grown = after.saturating_sub(before);
    println!("resident memory: {before} KiB before, {after} KiB with 20 clients that do not read");
    assert!(grown < 100 * 1024, "the node grew by {grown} KiB");
}

#[tokio::test]
async fn a_client_resumes_after_any_gap() {
    let key = random_key();
    let mut node = node_of(&key).await;
    let mut writer = Client::login(&node.clients(), &key).await;
    let mut all = BTreeSet::new();
    let mut publish = async |writer: &mut Client, number: u64| {
        let event = post(&key, &format!("post {number}"));
        all.insert(event.id());
        (event.id(), writer.publish(&event).await)
    };
    for number in 0..5 {
        publish(&mut writer, number).await;
    }
    // It reads some, is cut off, and misses more, over a restart of the node.
    let mut phone = Client::login(&node.clients(), &key).await;
    let (mut seen, mut through) = rest_after(&mut phone, 0).await;
    drop(phone);
    for round in 1..4 {
        for number in 0..(round * 30) {
            publish(&mut writer, 100 * round + number).await;
        }
        drop(writer);
        node = if round == 2 { node.kill().await.start().await } else { node.restart().await };
        writer = Client::login(&node.clients(), &key).await;
        let mut phone = Client::login(&node.clients(), &key).await;
        let (news, until) = rest_after(&mut phone, through).await;
        assert!(news.is_disjoint(&seen), "what it had came again");
        seen.extend(news);
        through = until;
    }
    assert_eq!(seen, all);
    // A number from the future, as after a store that was lost, gives nothing and breaks nothing.
    let mut confused = Client::login(&node.clients(), &key).await;
    confused.watch(u64::MAX).await;
    confused.publish(&post(&key, "still works")).await;
}

#[tokio::test]
async fn all_clients_of_a_person_get_what_each_of_them_writes() {
    let key = random_key();
    let node = node_of(&key).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::login(&node.clients(), &key).await;
        client.watch(0).await;
        clients.push(client);
    }
    let mut slow = TcpStream::connect(node.clients()).await.expect("the node listens");
    slow.write_all(b"GET / HTT").await.expect("a head that never ends disturbs nobody");
    let mut writer = clients.pop().expect("there are five");
    for number in 0..10 {
        writer.publish(&post(&key, &format!("number {number}"))).await;
    }
    for client in &mut clients {
        client.hear("number 9").await;
    }
}

#[tokio::test]
async fn the_gathering_time_is_kept_and_batches_come_compressed() {
    let key = random_key();
    let node = node_of(&key).await;
    let mut writer = Client::login(&node.clients(), &key).await;
    let mut phone = Client::login(&node.clients(), &key).await;
    phone.send(ClientFrame::Watch { after: 0, gather_ms: 1_500 }).await;
    let begun = Instant::now();
    for number in 0..20 {
        writer.publish(&post(&key, &format!("number {number}"))).await;
    }
    let published_in = begun.elapsed();
    let batch = loop {
        let frame = phone.next().await.expect("the node keeps the connection");
        if let NodeFrame::Batch { events, .. } = frame {
            break events;
        }
    };
    assert!(begun.elapsed() >= Duration::from_millis(1_400), "it came after {:?}", begun.elapsed());
    // On a machine so busy that publishing took longer than gathering, the rest comes in a second batch.
    assert!(batch.len() == 20 || published_in > Duration::from_millis(1_400), "{} events", batch.len());
}

#[tokio::test]
async fn there_is_a_bound_on_sessions_and_who_leaves_makes_room() {
    let key = random_key();
    let node = node_of(&key).await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        // Who has not signed in would make room at once.
        clients.push(Client::login(&node.clients(), &key).await);
    }
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    let (status, _, body) = get(&node.clients(), "/client", &upgrade).await;
    assert_eq!((status, String::from_utf8_lossy(&body).contains("close one")), (503, true));
    clients.clear();
    until("the places to be free again", || async {
        let open = node.metric("sessions").await;
        if open == 0 { Ok(()) } else { Err(open) }
    })
    .await;
    Client::login(&node.clients(), &key).await;
}
