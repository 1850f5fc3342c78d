//! Answers for everyone and answers for some: who gets which, and how a newcomer comes by a whole conversation.

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, SecretKey, Tag,
    event_policy::everyone_tag,
    frame::{ClientFrame, Delivery, RefusalCode},
};
use nostrp2p_tests::{Client, ForeignRelay, Node, Person, Relay, now, post, random_key, until};
use tokio::sync::Mutex;

/// An answer to a post; for everyone, or for its author alone.
fn answer(key: &SecretKey, to: &Event, created_at: u64, text: &str, everyone: bool) -> Event {
    let mut tags =
        vec![Tag::new(["e", &to.id().to_string(), "", "root"]), Tag::new(["p", &to.pubkey.to_string()])];
    tags.extend(everyone.then(everyone_tag));
    EventTemplate { created_at, kind: Kind::POST, tags, content: text.into() }.sign(key, &[7; 32])
}

fn answers_to(post: &Event) -> Vec<Filter> {
    let tags = [('e', [post.id().to_string()].into())].into();
    vec![Filter { kinds: Some([Kind::POST].into()), tags, limit: Some(500), ..Filter::default() }]
}

/// What a store holds, as its file has it.
fn is_on_disk(store: &[u8], text: &str) -> bool {
    store.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn an_answer_for_everyone_reaches_everyone_and_a_mirror_and_one_for_some_neither() {
    let mut alice = Person::arrive(None).await;
    let relay = ForeignRelay::start().await;
    let key = random_key();
    let bob = Node::start(&[
        "-p",
        &key.public_key().to_npub(),
        "-b",
        &alice.node.nodes(),
        "--mirror",
        &relay.url(),
    ])
    .await;
    let mut bobs = Client::login(&bob.clients(), &key).await;
    bobs.delegate(&key).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    for client in [&mut alice.client, &mut bobs, &mut carol.client] {
        client.watch(0).await;
    }
    bobs.neighbours(1).await;
    carol.client.neighbours(1).await;
    let question = post(&alice.key, "a question");
    alice.client.publish(&question).await;
    bobs.hear("a question").await;

    let private = answer(&key, &question, now(), "between us", false);
    bobs.publish(&private).await;
    bobs.delivery(&private, &alice.key, Delivery::Delivered).await;
    let public = answer(&key, &question, now() + 1, "for all to read", true);
    bobs.publish(&public).await;
    carol.client.hear("for all to read").await;
    alice.client.hear("for all to read").await;
    relay.holds(&["for all to read"]).await;
    // Whoever comes later gets it by catching up.
    let mut dave = Person::arrive(Some(&carol)).await;
    dave.client.watch(0).await;
    dave.client.hear("for all to read").await;
    for (node, client) in [(carol.node, &mut carol.client), (dave.node, &mut dave.client)] {
        assert!(!client.everything().await.contains(&private.content));
        let store = std::fs::read(node.stop().await.data_dir().join("store.redb")).unwrap();
        assert!(is_on_disk(&store, &public.content) && !is_on_disk(&store, &private.content));
    }
    assert!(!relay.contents().await.contains(&private.content));

    // Under what is private nothing is for everyone.
    let below = answer(&alice.key, &private, now(), "told to all", true);
    alice.client.send(ClientFrame::Publish { request: 5, event: below.into() }).await;
    assert_eq!(alice.client.refusal().await.code, RefusalCode::Unwanted);
}

/// People who answer.
const PEOPLE: u8 = 20;
/// Answers of each: half of them for everyone.
const ANSWERS: u64 = 20;
/// Longer ago than catching up looks.
const DAYS_AGO: u64 = 40 * 86_400;

#[tokio::test]
async fn a_newcomer_gets_a_whole_conversation_of_long_ago_from_the_node_of_its_first_post() {
    let key = random_key();
    let begin = now() - DAYS_AGO;
    let first =
        EventTemplate { created_at: begin, kind: Kind::POST, tags: vec![], content: "long ago".into() };
    let first = first.sign(&key, &[7; 32]);
    let mut events = vec![first.clone()];
    for person in 1..=PEOPLE {
        let author = SecretKey::from_bytes([person; 32]).unwrap();
        for number in 0..ANSWERS {
            let everyone = number % 2 == 0;
            let text = format!("{} {person}/{number}", if everyone { "public" } else { "canary" });
            let at = begin + 60 * (number + 1) + u64::from(person);
            events.push(answer(&author, &first, at, &text, everyone));
        }
    }
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", &npub]).await.stop().await;
    node.import(&events);
    let node = node.start().await;
    let mut alice = Client::login(&node.clients(), &key).await;
    alice.delegate(&key).await;
    // She goes on at another node of hers, which was not there then.
    let second = Node::start(&["-p", &npub, "-b", &node.nodes()]).await;
    let mut alice = Client::login(&second.clients(), &key).await;
    alice.delegate(&key).await;
    until("her other node to have all of it", async || {
        let stored = second.metric("events_stored").await;
        if stored > u64::try_from(events.len()).unwrap() { Ok(()) } else { Err(stored) }
    })
    .await;
    drop(node.stop().await);

    let newcomer = random_key();
    let latecomer = Node::start(&["-p", &newcomer.public_key().to_npub(), "-b", &second.nodes()]).await;
    let mut client = Client::login(&latecomer.clients(), &newcomer).await;
    client.delegate(&newcomer).await;
    client.neighbours(1).await;
    client.watch(0).await;
    // Whoever opens it has the post, by its id and its author.
    let ids = Some([first.id()].into());
    let by_id = Filter { ids, authors: Some([key.public_key()].into()), ..Filter::default() };
    client.send(ClientFrame::Fetch { request: 6, filters: vec![by_id] }).await;
    client.hear("long ago").await;
    client.send(ClientFrame::Subscribe { request: 7, filters: answers_to(&first) }).await;
    let client = Mutex::new(client);
    let expected = usize::from(PEOPLE) * usize::try_from(ANSWERS / 2).unwrap();
    let held: BTreeSet<String> = until("the whole conversation", || async {
        let held: BTreeSet<String> = client.lock().await.everything().await.into_iter().collect();
        let public = held.iter().filter(|text| text.starts_with("public ")).count();
        if public == expected { Ok(held) } else { Err(public) }
    })
    .await;
    assert!(!held.iter().any(|text| text.starts_with("canary ")), "{held:?}");
    let store = std::fs::read(latecomer.stop().await.data_dir().join("store.redb")).unwrap();
    assert!(is_on_disk(&store, "public 1/0") && !is_on_disk(&store, "canary "));
}

#[tokio::test]
async fn what_other_programs_write_reaches_everyone_and_a_comment_those_whom_it_names() {
    let (mut alice, mut bob, mut carol) = Person::three_who_watch().await;
    let sign = |key: &SecretKey, kind: u16, tags: &[&[&str]], text: &str| {
        let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        EventTemplate { created_at: now(), kind: Kind(kind), tags, content: text.into() }.sign(key, &[7; 32])
    };
    // Whom they credit makes none of them private.
    let (alices, bobs) = (alice.key.public_key().to_string(), bob.key.public_key().to_string());
    let d: &[&str] = &["d", "on-rust"];
    let mut program = Relay::login(&alice.node.clients(), &alice.key).await;
    for kind in [16, 20, 1068, 1222, 9802, 30_023] {
        let text = format!("content of kind {kind}");
        let answer = program.publish(&sign(&alice.key, kind, &[d, &["p", &bobs]], &text)).await;
        assert_eq!((&answer[2], answer[3].as_str()), (&true.into(), Some("")), "{answer}");
        carol.client.hear(&text).await;
    }

    let address = format!("30023:{alices}:on-rust");
    let about: [&[&str]; 4] = [&["A", &address], &["K", "30023"], &["P", &alices], &["a", &address]];
    let mut program = Relay::login(&carol.node.clients(), &carol.key).await;
    for kind in [1111, 1244] {
        let private = sign(&carol.key, kind, &about, &format!("{kind} to its author"));
        let answer = program.publish(&private).await;
        assert_eq!(answer[3], "goes privately to the person it names", "{answer}");
        alice.client.hear(&private.content).await;
        let everyone: &[&str] = &["audience", "everyone"];
        let public = sign(&carol.key, kind, &[&about[..], &[everyone]].concat(), &format!("{kind} to all"));
        program.put(&public).await;
        bob.client.hear(&public.content).await;
        assert!(!bob.client.everything().await.contains(&private.content));
    }
}

#[tokio::test]
async fn a_vote_goes_to_the_author_of_its_poll_and_whoever_opens_the_poll_sees_all_votes() {
    let (mut alice, mut bob, mut carol) = Person::three_who_watch().await;
    let sign = |key: &SecretKey, kind: Kind, tags: Vec<Tag>, text: &str| {
        EventTemplate { created_at: now(), kind, tags, content: text.into() }.sign(key, &[7; 32])
    };
    let options = vec![Tag::new(["option", "y", "Yes"]), Tag::new(["option", "n", "No"])];
    let poll = sign(&alice.key, Kind::POLL, options, "shall we?");
    alice.client.publish(&poll).await;
    for person in [&mut bob, &mut carol] {
        person.client.hear("shall we?").await;
    }
    let vote = |key: &SecretKey, poll: &Event, text: &str| {
        let tags = vec![Tag::new(["e", &poll.id().to_string()]), Tag::new(["response", "y"])];
        sign(key, Kind::VOTE, tags, text)
    };
    let mut program = Relay::login(&bob.node.clients(), &bob.key).await;
    let bobs = vote(&bob.key, &poll, "bob votes");
    let answer = program.publish(&bobs).await;
    assert_eq!(
        answer[3], "goes to the author of the poll, whose node shows it to everybody who asks",
        "{answer}"
    );
    bob.client.delivery(&bobs, &alice.key, Delivery::Delivered).await;
    alice.client.hear("bob votes").await;
    assert!(!carol.client.everything().await.contains(&bobs.content));
    let tags = [('e', [poll.id().to_string()].into())].into();
    let votes = Filter { kinds: Some([Kind::VOTE].into()), tags, ..Filter::default() };
    carol.client.send(ClientFrame::Subscribe { request: 8, filters: vec![votes] }).await;
    carol.client.hear("bob votes").await;

    // Nobody has this poll, so nobody can say whose it is.
    let unknown = sign(&alice.key, Kind::POLL, vec![], "never published");
    let lost = program.publish(&vote(&bob.key, &unknown, "into the dark")).await;
    let words = "kept on your node: the poll was not found, so the vote does not reach its author";
    assert_eq!((&lost[2], lost[3].as_str()), (&true.into(), Some(words)));
}
