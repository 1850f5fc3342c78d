//! Mirrors of somebody who follows ten thousand people, or somebody only now.

use nostrp2p_protocol::PublicKey;

use super::*;

const PEOPLE: usize = 10_000;

/// As many keys as that, which cost no more than their numbers.
fn person(number: usize) -> SecretKey {
    let mut bytes = [1; 32];
    let number = u32::try_from(number).unwrap().to_be_bytes();
    bytes.iter_mut().zip(number).for_each(|(byte, of_number)| *byte = of_number);
    SecretKey::from_bytes(bytes).unwrap()
}

fn dated(key: &SecretKey, kind: u16, created_at: u64, content: &str) -> Event {
    EventTemplate { created_at, kind: Kind(kind), tags: vec![], content: content.into() }.sign(key, &[7; 32])
}

/// How many events the node holds that match, as it says itself.
async fn held(relay: &mut Relay, filter: &Value) -> u64 {
    relay.say(&json!(["COUNT", "held", filter])).await;
    let answer = relay.next().await;
    let count = answer[2]["count"].as_u64();
    assert!(count.is_some(), "no count but {answer}");
    count.unwrap()
}

async fn holds(relay: &mut Relay, filter: Value, expected: u64) {
    until(&format!("the node to hold {expected} of {filter}"), async || {
        let seen = held(relay, &filter).await;
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;
}

fn follow_list(key: &SecretKey, people: impl IntoIterator<Item = PublicKey>) -> Event {
    let tags = people.into_iter().map(|person| Tag::new(["p".to_owned(), person.to_string()])).collect();
    EventTemplate { created_at: now(), kind: Kind(3), tags, content: String::new() }.sign(key, &[7; 32])
}

#[tokio::test]
async fn what_ten_thousand_people_wrote_and_write_comes_in() {
    let alice = random_key();
    let foreign = ForeignRelay::start().await;
    let long_ago = now() - 3_600;
    for number in 0..PEOPLE {
        // Nearly all of it within a few seconds: no second leads to all of them.
        let at = long_ago + u64::try_from(number % 5).unwrap();
        foreign.put(&dated(&person(number), 1, at, &number.to_string())).await;
    }
    let node = node_of(&alice, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let people = (0..PEOPLE).map(|number| person(number).public_key());
    relay.put(&follow_list(&alice, people)).await;
    holds(&mut relay, json!({ "kinds": [1] }), PEOPLE as u64).await;
    status_says(&node, "caught_up", json!(true)).await;
    status_says(&node, "passed_over", json!(0)).await;
    status_says(&node, "listens", json!(true)).await;

    // The first and the last of them by any order of their keys.
    let mut keys: Vec<SecretKey> = (0..PEOPLE).map(person).collect();
    keys.sort_by_key(SecretKey::public_key);
    for key in [keys.first().unwrap(), keys.last().unwrap()] {
        let there = elsewhere(&foreign.url(), key).await;
        say(&there, &post(key, "live")).await;
    }
    holds(&mut relay, json!({ "kinds": [1] }), PEOPLE as u64 + 2).await;
}

#[tokio::test]
async fn ten_thousand_people_are_asked_for_at_another_node_too() {
    let (alice, bob) = (random_key(), random_key());
    let other = Node::start(&["-p", &bob.public_key().to_npub(), "--open-relay"]).await;
    let mut there = Relay::login(&other.clients(), &bob).await;
    there.put(&post(&bob, "by bob")).await;
    let node = node_of(&alice, &format!("ws://{}", other.clients())).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let people = (0..PEOPLE - 1).map(|number| person(number).public_key()).chain([bob.public_key()]);
    relay.put(&follow_list(&alice, people)).await;
    node_holds(&mut relay, &["by bob"]).await;
    status_says(&node, "caught_up", json!(true)).await;
    status_says(&node, "polled", json!(0)).await;
    status_says(&node, "listens", json!(true)).await;
    there.put(&post(&bob, "live")).await;
    node_holds(&mut relay, &["by bob", "live"]).await;
}

#[tokio::test]
async fn who_is_followed_only_now_comes_with_the_last_month_and_a_profile_of_years_ago() {
    let (alice, carol) = (random_key(), random_key());
    let foreign = ForeignRelay::start().await;
    foreign.put(&dated(&carol, 0, now() - 400 * 86_400, "{\"name\":\"Carol\"}")).await;
    foreign.put(&dated(&carol, 1, now() - 20 * 86_400, "three weeks ago")).await;
    let node = node_of(&alice, &foreign.url()).await;
    status_says(&node, "caught_up", json!(true)).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&follow_list(&alice, [carol.public_key()])).await;
    node_holds(&mut relay, &["three weeks ago", "{\"name\":\"Carol\"}"]).await;
}

#[tokio::test]
async fn of_somebody_followed_while_the_relay_was_away_all_is_read_after_a_restart_and_the_page_shows_it() {
    let (alice, carol) = (random_key(), random_key());
    let mut foreign = ForeignRelay::start().await;
    foreign.put(&dated(&carol, 1, now() - 20 * 86_400, "three weeks ago")).await;
    // One that compares finds by that what is missing.
    let front = Front::start(None).await;
    front.lead_to(&format!("127.0.0.1:{}", foreign.port()));
    front.compare_not();
    let node = node_of(&alice, &front.address()).await;
    status_says(&node, "caught_up", json!(true)).await;
    foreign.stop();
    status_says(&node, "state", json!("waiting")).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&follow_list(&alice, [carol.public_key()])).await;

    let node = node.restart().await;
    foreign.start_again().await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    node_holds(&mut relay, &["three weeks ago"]).await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &alice.to_nsec()).await;
    browser.go(&format!("#/p/{}", carol.public_key().to_npub())).await;
    browser.see("post-text", "three weeks ago").await;
    browser.close().await;
}
