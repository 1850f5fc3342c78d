//! Replies of programs that cannot say for whom they are: private, or stated by the node to be for everyone.

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey, Tag,
    event_policy::everyone_tag,
    frame::{ClientFrame, Delivery, NodeFrame, Permission},
    login,
};
use nostrp2p_tests::{Client, Node, Person, Relay, http_login, now, post, random_key, reply, rest, until};

/// An answer as Nostr programs write it.
fn answer(key: &SecretKey, kind: Kind, to: &Event, text: &str) -> Event {
    let tags =
        vec![Tag::new(["e", &to.id().to_string(), "", "root"]), Tag::new(["p", &to.pubkey.to_string()])];
    EventTemplate { created_at: now(), kind, tags, content: text.into() }.sign(key, &[7; 32])
}

/// A node with the flag, its owner and a page that is signed in.
async fn open_person(known: &Person) -> (Node, SecretKey, Client) {
    let key = random_key();
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "-b", &known.node.nodes(), "--public-replies"]).await;
    let mut client = Client::login(&node.clients(), &key).await;
    client.delegate(&key).await;
    client.neighbours(1).await;
    (node, key, client)
}

/// Signs in as the page does, which reads statements and what may be allowed.
async fn page(person: &Person) -> Client {
    let mut client = Client::connect(&person.node.clients()).await;
    let welcome = client.welcome();
    let mut draft = login::client_draft(&welcome.challenge, &welcome.peer, &person.node.clients(), now());
    login::read_features(&mut draft);
    login::read_statements(&mut draft);
    client.send(ClientFrame::Login { request: 1, proof: draft.sign(&person.key, &[7; 32]).into() }).await;
    client
}

#[tokio::test]
async fn a_reply_of_another_program_is_for_everyone_where_its_author_wants_that() {
    let mut alice = Person::arrive(None).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    let (node, key, mut bob) = open_person(&alice).await;
    for client in [&mut alice.client, &mut carol.client, &mut bob] {
        client.watch(0).await;
    }
    carol.client.neighbours(1).await;
    let question = post(&alice.key, "a question");
    alice.client.publish(&question).await;
    bob.hear("a question").await;

    let mut program = Relay::login(&node.clients(), &key).await;
    let public = answer(&key, Kind::POST, &question, "by a program");
    program.put(&public).await;
    carol.client.hear("by a program").await;
    bob.delivery(&public, &alice.key, Delivery::Delivered).await;
    alice.client.hear("by a program").await;
    let comment = answer(&key, Kind(1111), &question, "a comment by REST");
    let body = serde_json::to_vec(&comment).unwrap();
    let login = http_login(&key, &format!("http://{}/publish", node.clients()), "POST", Some(&body), 0);
    assert_eq!(rest(&node.clients(), "/publish", &[&login], &body).await.status, 200);
    carol.client.hear("a comment by REST").await;

    // The page says in each event for whom it is.
    let page = answer(&key, Kind::POST, &question, "by the page");
    bob.publish(&page).await;
    bob.delivery(&page, &alice.key, Delivery::Delivered).await;
    // Under something private an answer stays private, and is not refused.
    let secret = reply(&alice.key, "between us", &[&key]);
    alice.client.publish(&secret).await;
    bob.hear("between us").await;
    let below = answer(&key, Kind::POST, &secret, "below what is private");
    program.put(&below).await;
    bob.delivery(&below, &alice.key, Delivery::Delivered).await;

    // Whoever comes later gets it by catching up, also after a restart of those who have it.
    let node = node.restart().await;
    let mut dave = Person::arrive(Some(&carol)).await;
    until("both answers", async || {
        let held = dave.client.everything().await;
        let both =
            ["by a program", "a comment by REST"].iter().all(|text| held.iter().any(|held| held == text));
        if both { Ok(()) } else { Err(held) }
    })
    .await;
    dave.client.watch(0).await;
    let last = post(&alice.key, "the last one");
    alice.client.publish(&last).await;
    for (node, client) in [(carol.node, &mut carol.client), (dave.node, &mut dave.client)] {
        client.hear("the last one").await;
        let held = client.everything().await;
        assert!(!held.iter().any(|text| text == "by the page" || text.contains("private")), "{held:?}");
        let store = std::fs::read(node.stop().await.data_dir().join("store.redb")).unwrap();
        let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("by a program") && !holds("by the page") && !holds("below what is private"));
    }
    drop(node);
}

#[tokio::test]
async fn the_page_says_for_whom_replies_of_other_programs_are() {
    let (mut alice, mut bob, mut carol) = Person::three_who_watch().await;
    let question = post(&alice.key, "a question");
    alice.client.publish(&question).await;
    bob.client.hear("a question").await;
    let mut program = Relay::login(&bob.node.clients(), &bob.key).await;

    let mut page = page(&bob).await;

    let private = answer(&bob.key, Kind::POST, &question, "private by default");
    program.put(&private).await;
    bob.client.delivery(&private, &alice.key, Delivery::Delivered).await;
    for (granted, text) in [(true, "for everyone"), (false, "private again")] {
        let (sort, subject) = (Permission::REPLIES, String::new());
        let permit = ClientFrame::Permit { request: 9, sort, subject, granted: Some(granted) };
        page.send(permit).await;
        loop {
            if let NodeFrame::Permissions { request: 9, permissions, .. } = page.answer().await {
                let replies = permissions.iter().find(|permission| permission.sort == sort).unwrap();
                assert_eq!(replies.granted, Some(granted));
                break;
            }
        }
        let said = answer(&bob.key, Kind::POST, &question, text);
        program.put(&said).await;
        bob.client.delivery(&said, &alice.key, Delivery::Delivered).await;
    }
    carol.client.hear("for everyone").await;
    let like = answer(&bob.key, Kind::REACTION, &question, "+");
    program.put(&like).await;
    bob.client.delivery(&like, &alice.key, Delivery::Delivered).await;
    // What says for whom it is needs no statement.
    let mut tags = private.tags.clone();
    tags.push(everyone_tag());
    let said = EventTemplate { created_at: now(), kind: Kind::POST, tags, content: "says so itself".into() };
    program.put(&said.sign(&bob.key, &[7; 32])).await;
    carol.client.hear("says so itself").await;
    let held = carol.client.everything().await;
    assert!(!held.iter().any(|text| text.starts_with("private") || text == "+"), "{held:?}");
}
