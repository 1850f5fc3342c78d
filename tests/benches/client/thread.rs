//! A conversation of 200 answers by 20 people, opened by somebody whose node has none of them.

use std::time::Instant;

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag, event_policy::everyone_tag};
use nostrp2p_tests::{Browser, Client, Node, Size, now, random_key, until};
use serde_json::json;

use super::scrolling::{busy, print_busy};

const PEOPLE: u8 = 20;
const ANSWERS: u64 = 10;
/// Longer ago than catching up looks.
const DAYS_AGO: u64 = 40 * 86_400;

/// Notes frames and tasks of more than 50 ms, and reads down to the end of the conversation.
const READ: &str = "
    window.read = { tasks: [], frames: 0, seen: 0 };
    const seen = new Set();
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) read.tasks.push(Math.round(entry.duration));
    }).observe({ type: 'longtask' });
    const step = () => {
        read.frames += 1;
        if (read.frames % 16 === 0) {
            for (const post of document.querySelectorAll('.thread-answer [data-id]')) seen.add(post.dataset.id);
            read.seen = seen.size;
        }
        scrollBy({ top: 120, behavior: 'instant' });
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);";

/// Measures how soon the node has all answers, and how smoothly the page draws them.
pub async fn measure() {
    let key = random_key();
    let begin = now() - DAYS_AGO;
    let first =
        EventTemplate { created_at: begin, kind: Kind::POST, tags: vec![], content: "long ago".into() }
            .sign(&key, &[7; 32]);
    let mut events = vec![first.clone()];
    for person in 1..=PEOPLE {
        let author = SecretKey::from_bytes([person; 32]).expect("a key");
        events.extend((0..ANSWERS).map(|number| answer(&author, &first, begin, person, number)));
    }
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", &npub]).await.stop().await;
    node.import(&events);
    let node = node.start().await;
    Client::login(&node.clients(), &key).await.delegate(&key).await;

    let newcomer = random_key();
    let own = Node::start(&["-p", &newcomer.public_key().to_npub(), "-b", &node.nodes()]).await;
    let mut client = Client::login(&own.clients(), &newcomer).await;
    client.delegate(&newcomer).await;
    client.neighbours(1).await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&own, &newcomer.to_nsec()).await;
    browser.be_as_slow_as_a_phone().await;
    let pointer = nostrp2p_protocol::EventPointer {
        id: first.id(),
        author: Some(key.public_key()),
        relays: vec![],
        kind: None,
    };
    browser.devtools("Performance.enable", json!({})).await;
    let busy_before = busy(&browser).await;
    let begun = Instant::now();
    browser.go(&format!("#/e/{}", pointer.to_nevent())).await;
    browser.driver.execute(READ, vec![]).await.expect("a page");
    let expected = usize::from(PEOPLE) * usize::try_from(ANSWERS).unwrap_or_default();
    let held = until("all answers at the node", async || {
        let held = client.everything().await.iter().filter(|text| text.starts_with("answer ")).count();
        if held == expected { Ok(begun.elapsed()) } else { Err(held) }
    });
    println!("200 answers at the newcomer's node after    {:?}", held.await);
    browser.comes_to("all answers on the page", "return read.seen", json!(expected)).await;
    let read = browser.run("return read").await;
    let tasks: Vec<u64> = serde_json::from_value(read["tasks"].clone()).unwrap_or_default();
    println!(
        "all on the page after                       {:?}; tasks longer than 50 ms {} of {} frames, the longest {} ms",
        begun.elapsed(),
        tasks.len(),
        read["frames"],
        tasks.iter().max().copied().unwrap_or_default()
    );
    print_busy(&browser, busy_before, &read["frames"]).await;
    browser.close().await;
}

fn answer(author: &SecretKey, to: &Event, begin: u64, person: u8, number: u64) -> Event {
    let tags = vec![
        Tag::new(["e", &to.id().to_string(), "", "root"]),
        Tag::new(["p", &to.pubkey.to_string()]),
        everyone_tag(),
    ];
    let created_at = begin + 60 * (number + 1) + u64::from(person);
    let content =
        format!("answer {person}/{number}: as long as most of them are, which is a line or two on a phone");
    EventTemplate { created_at, kind: Kind::POST, tags, content }.sign(author, &[7; 32])
}
