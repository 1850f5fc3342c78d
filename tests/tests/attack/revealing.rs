//! Making public what came to somebody privately, in a program that cannot know that it was private.

use nostrp2p_protocol::{
    Delegation, Event, EventTemplate, Kind, PublicStatement, Tag, UnverifiedEvent, delegation,
    event_policy::everyone_tag,
    frame::{ClientFrame, Delivery, RefusalCode},
};
use nostrp2p_tests::{Attacker, Person, Relay, held, http_login, now, post, random_key, reply, rest};
use serde_json::json;

use super::{reaches, texts};

const SECRET: &str = "for alice alone";

/// The ways of making an event public that the owner's programs have.
fn public(alice: &Person, secret: &Event) -> Vec<Event> {
    let id = secret.id().to_string();
    let tags = |name: &str| vec![Tag::new([name, &id]), Tag::new(["p", &secret.pubkey.to_string()])];
    let text = serde_json::to_string(secret).unwrap();
    let repost = |kind, tags, content: &str| (kind, tags, content.to_owned());
    let inside = json!(post(&alice.key, "carries nothing")).to_string();
    let around = EventTemplate { created_at: now(), kind: Kind::REPOST, tags: vec![], content: text.clone() };
    let around = serde_json::to_string(&around.sign(&alice.key, &[7; 32])).unwrap();
    [
        repost(6, tags("e"), ""),
        repost(16, tags("e"), ""),
        repost(6, vec![], &text),
        repost(16, vec![], &around),
        repost(6, tags("e"), &inside),
        repost(1, tags("q"), "look"),
        repost(1111, vec![Tag::new(["q", &id])], "look"),
        repost(1, [tags("e"), vec![everyone_tag()]].concat(), "look"),
    ]
    .into_iter()
    .map(|(kind, tags, content)| {
        EventTemplate { created_at: now(), kind: Kind(kind), tags, content }.sign(&alice.key, &[7; 32])
    })
    .collect()
}

#[tokio::test]
async fn what_came_privately_is_made_public_by_no_door() {
    let mut alice = Person::arrive(None).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    alice.client.watch(0).await;
    let secret = reply(&bob.key, SECRET, &[&alice.key]);
    bob.client.publish(&secret).await;
    bob.client.delivery(&secret, &alice.key, Delivery::Delivered).await;
    alice.client.hear(SECRET).await;

    let mut program = Relay::login(&alice.node.clients(), &alice.key).await;
    let events = public(&alice, &secret);
    for event in &events {
        let answer = program.publish(event).await;
        let reason = answer[3].as_str().unwrap();
        assert!(answer[2] == false && reason.starts_with("blocked: "), "{event:?}: {answer}");
        alice.client.send(ClientFrame::Publish { request: 5, event: event.clone().into() }).await;
        assert_eq!(alice.client.refusal().await.code, RefusalCode::Unwanted, "{event:?}");
        let body = serde_json::to_vec(event).unwrap();
        let url = format!("http://{}/publish", alice.node.clients());
        let login = http_login(&alice.key, &url, "POST", Some(&body), 0);
        let answer = rest(&alice.node.clients(), "/publish", &[&login], &body).await;
        assert_eq!(answer.status, 400, "{event:?}: {}", answer.text());
    }
    // A reply that quotes as well is a reply, and one that is public already may be passed on.
    let (bobs, id) = (bob.key.public_key().to_string(), secret.id().to_string());
    let tags = vec![
        Tag::new(["e", &id, "", "reply"]),
        Tag::new(["p", &bobs]),
        Tag::new(["q", &post(&alice.key, "x").id().to_string()]),
    ];
    let answer = EventTemplate { created_at: now(), kind: Kind::POST, tags, content: "only for bob".into() };
    program.put(&answer.sign(&alice.key, &[7; 32])).await;
    alice.client.publish(&post(&alice.key, "for everyone")).await;
    carol.client.hear("for everyone").await;
    let heard = carol.client.everything().await.join("\n");
    assert!(!heard.contains(SECRET) && !heard.contains("only for bob") && !heard.contains("look"), "{heard}");
    held(
        "a private answer made public",
        &format!(
            "{} reposts, quotes and answers for everyone of a private reply, each by relay, page and REST, and a reply with a quote",
            events.len()
        ),
        "all refused with the reason; a third node has none of them",
    );
}

#[tokio::test]
async fn whoever_was_answered_makes_the_answer_public_by_no_tag() {
    let mut alice = Person::arrive(None).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    let secret = reply(&alice.key, SECRET, &[&random_key()]);
    // Whoever got it has the bytes, and a node that says to others whatever it likes.
    let recipient = Attacker::join(&carol.node).await;
    recipient.shout(secret.clone()).await;
    let mut widened = UnverifiedEvent::from(secret.clone());
    widened.claimed_id = None;
    widened.unsigned.tags.push(everyone_tag());
    recipient.shout(widened).await;
    reaches(&carol.node, "verdicts_rejected_total", 1).await;
    alice.client.publish(&post(&alice.key, "for everyone")).await;
    carol.client.hear("for everyone").await;
    let heard = texts(&mut carol.client).await;
    assert!(!heard.contains(&SECRET.to_owned()), "{heard:?}");
    held(
        "a private answer made public by its recipient",
        "broadcast what it was handed, as it is and with the tag that says that it is for everyone",
        "the one ignored, the other rejected, for the author's signature covers the tag; nobody has it",
    );
}

/// What others than a node of the author can put behind an event of its author: each with what is wrong with it.
fn statements(attacker: &Attacker, alice: &Person, carol: &Person, secret: &Event) -> Vec<PublicStatement> {
    let peer = attacker.peer();
    let at = secret.created_at;
    let own = Delegation::from_event(delegation::draft(&peer, at - 5).sign(&carol.key, &[7; 32])).unwrap();
    // Words of Alice that the attacker holds: they ended before, began later, or are for another node.
    let mut ended = delegation::draft(&peer, at - 100);
    ended.tags[1] = Tag::new(["expiration", &at.to_string()]);
    let ended = ended.sign(&alice.key, &[7; 32]);
    let later = delegation::draft(&peer, at + 1).sign(&alice.key, &[7; 32]);
    let revoked = delegation::ended(&peer, at - 5).sign(&alice.key, &[7; 32]);
    let other = delegation::draft(&alice.client.peer(), at - 5).sign(&alice.key, &[7; 32]);
    let good = delegation::draft(&peer, at - 5).sign(&alice.key, &[7; 32]);
    let of_another = post(&alice.key, "another one");
    let signed = |word: &Event, of: &Event| PublicStatement::new(word, &attacker.state(&of.id())).unwrap();
    vec![
        signed(own.event(), secret),
        signed(&ended, secret),
        signed(&later, secret),
        signed(&revoked, secret),
        signed(&other, secret),
        // Taken from another event.
        signed(&good, &of_another),
        PublicStatement::new(&good, &[7; 64]).unwrap(),
        PublicStatement::mark(),
        PublicStatement::from_bytes(&[0x95; 300]).unwrap(),
    ]
}

#[tokio::test]
async fn nobody_but_a_node_of_the_author_states_that_an_answer_is_for_everyone() {
    let mut alice = Person::arrive(None).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    let secret = reply(&alice.key, SECRET, &[&random_key()]);
    let first = Attacker::join(&carol.node).await;
    let count = statements(&first, &alice, &carol, &secret).len();
    drop(first);
    for number in 0..count {
        // Each is another node, for one that has sent a forgery is not listened to for long.
        let attacker = Attacker::join(&carol.node).await;
        let mut widened = UnverifiedEvent::from(secret.clone());
        widened.unsigned.statement = statements(&attacker, &alice, &carol, &secret).into_iter().nth(number);
        attacker.shout(widened).await;
        reaches(&carol.node, "verdicts_rejected_total", u64::try_from(number).unwrap() + 1).await;
    }
    alice.client.publish(&post(&alice.key, "for everyone")).await;
    carol.client.hear("for everyone").await;
    let heard = texts(&mut carol.client).await;
    assert!(!heard.contains(&SECRET.to_owned()), "{heard:?}");
    held(
        "a statement by another than the author's node",
        "behind a private reply: by a recipient with an own delegation, under one that had ended, began later, was taken back or is for another node, from another event, forged, empty, garbage",
        "each rejected, for the statement is checked with the delegation in it; nobody has the reply",
    );
}
