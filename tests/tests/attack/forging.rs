//! Events, delegations and logins that are not what they say.

use nostrp2p_protocol::{
    EventTemplate, Kind, Packet, Signature, Tag, UnverifiedEvent, delegation,
    frame::{ClientFrame, Delivery, RefusalCode},
};
use nostrp2p_tests::{Attacker, Client, Node, Person, deletion, held, now, post, random_key, reply, until};

use super::{reaches, texts};

#[tokio::test]
async fn a_forged_id_or_signature_hides_nobodys_event() {
    let (mut alice, mut bob) = Person::pair().await;
    let attacker = Attacker::join(&bob.node).await;
    bob.client.watch(0).await;
    let honest = post(&alice.key, "the honest one");
    // Its id with a signature that is none: whoever took the id for known would never take the honest one.
    let mut broken = UnverifiedEvent::from(honest.clone());
    broken.sig = Signature::from_bytes([1; 64]);
    attacker.shout(broken).await;
    // Its signature under other words.
    let mut changed = UnverifiedEvent::from(honest.clone());
    changed.unsigned.content = "words put into her mouth".into();
    attacker.shout(changed.clone()).await;
    reaches(&bob.node, "verdicts_rejected_total", 2).await;
    alice.client.publish(&honest).await;
    bob.client.hear("the honest one").await;

    // The same at the port of clients, where an id travels: hers on another event.
    let mallory = random_key();
    let node = Node::start(&["-p", &mallory.public_key().to_npub()]).await;
    let mut client = Client::login(&node.clients(), &mallory).await;
    let mut claimed = UnverifiedEvent::from(post(&mallory, "under her id"));
    claimed.unsigned.created_at += 1;
    client.send(ClientFrame::Publish { request: 1, event: claimed }).await;
    assert_eq!(client.refusal().await.code, RefusalCode::Forged);

    let held_by_bob = texts(&mut bob.client).await;
    assert!(!held_by_bob.contains(&changed.unsigned.content));
    held(
        "forged id",
        "broke her signature and changed her words, under her id, before she published",
        "rejected both, lost score; her event arrived",
    );
}

#[tokio::test]
async fn a_replay_brings_nothing_back_and_nothing_twice() {
    let (mut alice, mut bob) = Person::pair().await;
    let recorder = Attacker::join(&alice.node).await;
    bob.client.watch(0).await;
    let target = post(&alice.key, "better not said");
    alice.client.publish(&target).await;
    bob.client.hear(&target.content).await;
    let recorded = until("the attacker to record it", || async {
        let is_it = |bytes: &Vec<u8>| matches!(Packet::decode(bytes), Ok(Packet::Event(event)) if event.unsigned == *target);
        recorder.heard().into_iter().find(is_it).ok_or("nothing yet")
    })
    .await;
    alice.client.publish(&deletion(&alice.key, &target)).await;
    bob.client.hear("gone").await;

    // A fresh node, so that no cache of seen messages stands in the way.
    let attacker = Attacker::join(&bob.node).await;
    let accepted = bob.node.metric("events_stored_ever_total").await;
    for _ in 0..20 {
        attacker.shout_bytes(recorded.clone()).await;
    }
    attacker.shout(target.clone()).await;
    let forty_days = EventTemplate {
        created_at: now() - 40 * 86_400,
        kind: Kind::POST,
        tags: vec![],
        content: "forty days old".into(),
    };
    attacker.shout(forty_days.sign(&alice.key, &[7; 32])).await;
    let ahead = EventTemplate {
        created_at: now() + 2_000,
        kind: Kind::POST,
        tags: vec![],
        content: "of tomorrow".into(),
    };
    attacker.shout(ahead.sign(&alice.key, &[7; 32])).await;
    let last = post(&random_key(), "after the replays");
    attacker.shout(last.clone()).await;
    bob.client.hear(&last.content).await;
    let texts = texts(&mut bob.client).await;
    for gone in ["better not said", "forty days old", "of tomorrow"] {
        assert!(!texts.iter().any(|text| text == gone), "{gone}: {texts:?}");
    }
    assert_eq!(bob.node.metric("events_stored_ever_total").await, accepted + 1);

    // A login that was overheard, on another connection.
    let heard = Client::connect(&alice.node.clients()).await;
    let proof = heard.proof(&alice.key);
    let mut thief = Client::connect(&alice.node.clients()).await;
    thief.send(ClientFrame::Login { request: 1, proof }).await;
    assert_eq!(thief.refusal().await.code, RefusalCode::WrongChallenge);
    held(
        "replay",
        "a deleted post 21 times, one of 40 days ago, one dated ahead, an overheard login",
        "nothing stored, login refused (wrong challenge)",
    );
}

#[tokio::test]
async fn who_claims_anothers_key_gets_nothing_of_theirs() {
    let mut alice = Person::arrive(None).await;
    let bob = random_key();
    let mut thief = Attacker::join(&alice.node).await;
    let me = thief.peer();
    // His word for another node; his name under a signature that is none; the thief's own word, which is worth nothing.
    let elsewhere = nostrp2p_protocol::PeerId::from_ed25519([8; 32]);
    thief.announce(delegation::draft(&elsewhere, now()).sign(&bob, &[7; 32])).await;
    let mut forged = UnverifiedEvent::from(delegation::draft(&me, now()).sign(&random_key(), &[7; 32]));
    forged.unsigned.pubkey = bob.public_key();
    thief.announce(forged).await;
    reaches(&alice.node, "verdicts_rejected_total", 2).await;

    let secret = reply(&alice.key, "for bob only", &[&bob]);
    alice.client.publish(&secret).await;
    alice.client.delivery(&secret, &bob, Delivery::Waiting).await;
    // When Bob comes himself it goes to him, and to him alone.
    let npub = bob.public_key().to_npub();
    let real = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut bobs = Client::login(&real.clients(), &bob).await;
    bobs.delegate(&bob).await;
    bobs.watch(0).await;
    bobs.hear("for bob only").await;
    assert_eq!(thief.stolen(), [""; 0]);
    held(
        "claim of another's key",
        "announced his delegation for another node, then a forged one",
        "rejected both; got none of his mail",
    );
}

#[tokio::test]
async fn a_stolen_delegation_is_worth_nothing_after_its_end() {
    let mut alice = Person::arrive(None).await;
    let bob = random_key();
    let mut thief = Attacker::join(&alice.node).await;
    // Bob's true word for this node, which he did not renew.
    let end = now() + 12;
    let short = |seconds: u64| {
        let peer = thief.peer();
        let name = Tag::new(["d".to_owned(), delegation::identifier(&peer)]);
        let expiration = Tag::new(["expiration".to_owned(), seconds.to_string()]);
        EventTemplate {
            created_at: now() - 100,
            kind: Kind::APPLICATION_DATA,
            tags: vec![name, expiration],
            content: String::new(),
        }
        .sign(&bob, &[7; 32])
    };
    let delegation = short(end);
    thief.announce(delegation.clone()).await;
    let before = reply(&alice.key, "while it held", &[&bob]);
    alice.client.publish(&before).await;
    alice.client.delivery(&before, &bob, Delivery::Delivered).await;
    until("the end of the delegation", || async { if now() > end { Ok(()) } else { Err(now()) } }).await;

    thief.announce(delegation).await;
    let after = reply(&alice.key, "after its end", &[&bob]);
    alice.client.publish(&after).await;
    alice.client.delivery(&after, &bob, Delivery::Waiting).await;
    let npub = bob.public_key().to_npub();
    let real = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut bobs = Client::login(&real.clients(), &bob).await;
    bobs.delegate(&bob).await;
    bobs.watch(0).await;
    bobs.hear("after its end").await;
    assert_eq!(thief.stolen(), ["while it held"]);
    held(
        "stolen delegation",
        "showed a true delegation before and after its end",
        "1 of 2 replies: the one written while it held",
    );
}
