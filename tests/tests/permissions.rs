//! What the owner allows in the page: web programs of other sites, without a restart.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey, Tag, UnsignedEvent,
    frame::{ClientFrame, NodeFrame, Permission, Refusal},
    login,
};
use nostrp2p_tests::{Browser, Client, Node, Person, Relay, Size, binary, get, now, random_key, until};
use serde_json::{Value, json};
use tokio::process::Command;

const PAGE: &str = "https://jumble.example";

/// Connects and signs in as the page does, which reads permissions.
async fn page(node: &Node, key: &SecretKey) -> Client {
    let mut client = Client::connect(&node.clients()).await;
    let welcome = client.welcome();
    let mut draft = login::client_draft(&welcome.challenge, &welcome.peer, &node.clients(), now());
    login::read_features(&mut draft);
    client.send(ClientFrame::Login { request: 1, proof: draft.sign(key, &[7; 32]).into() }).await;
    assert!(matches!(client.answer().await, NodeFrame::Features(_)));
    assert!(matches!(client.answer().await, NodeFrame::LoggedIn { .. }));
    client
}

/// What the node tells next, or answers to this request.
async fn told(client: &mut Client, request: u32) -> Result<Vec<(String, Option<bool>)>, Refusal> {
    loop {
        match client.answer().await {
            NodeFrame::Permissions { request: answered, permissions, .. } if answered == request => {
                return Ok(permissions.into_iter().map(|it| (it.subject, it.granted)).collect());
            }
            NodeFrame::Refused { refusal, .. } => return Err(refusal),
            _ => {}
        }
    }
}

async fn decide(
    client: &mut Client,
    origin: &str,
    granted: Option<bool>,
) -> Result<Vec<(String, Option<bool>)>, Refusal> {
    let subject = origin.to_owned();
    client.send(ClientFrame::Permit { request: 9, sort: Permission::WEB_ORIGIN, subject, granted }).await;
    told(client, 9).await
}

/// Opens the relay as a page of this origin; the status of the answer if it is refused.
async fn open(node: &Node, origin: &str) -> Result<Relay, u16> {
    Relay::connect_as(&node.clients(), &node.clients(), &[("origin", origin)]).await
}

async fn owned() -> (SecretKey, Node) {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    (key, node)
}

async fn owner_show(node: &std::path::Path) -> String {
    let output =
        Command::new(binary()).args(["owner", "show", "--data-dir"]).arg(node).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_refused_page_is_let_in_when_the_owner_allows_it_and_after_a_restart() {
    let (key, node) = owned().await;
    let mut client = page(&node, &key).await;
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    assert_eq!(told(&mut client, 0).await.unwrap(), [(PAGE.to_owned(), None)]);
    // A client that comes later is told after its login.
    let mut other = page(&node, &key).await;
    assert_eq!(told(&mut other, 0).await.unwrap(), [(PAGE.to_owned(), None)]);

    let allowed = [(PAGE.to_owned(), Some(true))];
    assert_eq!(decide(&mut client, "https://JUMBLE.example:443", Some(true)).await.unwrap(), allowed);
    assert_eq!(told(&mut other, 0).await.unwrap(), allowed, "on the owner's other devices too");
    let mut relay = open(&node, PAGE).await.unwrap();
    assert_eq!(relay.auth(&key).await[2], true);
    let (status, head, _) = get(&node.clients(), "/node.json", &[&format!("Origin: {PAGE}")]).await;
    assert_eq!(status, 200, "{head}");
    assert_eq!(open(&node, "http://jumble.example").await.err(), Some(403), "another origin");
    let (_, _, body) = node.inside("/node.json").await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert!(document["refused_origins"].get(PAGE).is_none(), "{document}");

    let stopped = node.stop().await;
    assert!(owner_show(stopped.data_dir()).await.contains(&format!("{PAGE} (allowed)")));
    let node = stopped.start().await;
    assert!(open(&node, PAGE).await.is_ok());
    let mut client = page(&node, &key).await;
    assert_eq!(told(&mut client, 0).await.unwrap(), allowed);
    assert_eq!(decide(&mut client, PAGE, None).await.unwrap(), []);
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    assert_eq!(told(&mut client, 0).await.unwrap(), [(PAGE.to_owned(), None)], "it is asked again");
}

#[tokio::test]
async fn a_page_that_the_owner_never_wants_is_not_asked_about_again() {
    let (key, node) = owned().await;
    let mut client = page(&node, &key).await;
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    assert_eq!(told(&mut client, 0).await.unwrap(), [(PAGE.to_owned(), None)]);
    let never = [(PAGE.to_owned(), Some(false))];
    assert_eq!(decide(&mut client, PAGE, Some(false)).await.unwrap(), never);
    let stopped = node.stop().await;
    assert!(owner_show(stopped.data_dir()).await.contains(&format!("{PAGE} (never)")));
    let node = stopped.start().await;
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    let mut client = page(&node, &key).await;
    assert_eq!(told(&mut client, 0).await.unwrap(), never);
}

#[tokio::test]
async fn only_the_signed_in_owner_decides_and_a_page_without_an_origin_is_never_let_in() {
    let (key, node) = owned().await;
    let mut stranger = Client::connect(&node.clients()).await;
    assert!(decide(&mut stranger, PAGE, Some(true)).await.is_err());
    assert_eq!(open(&node, PAGE).await.err(), Some(403));

    let mut client = page(&node, &key).await;
    assert_eq!(told(&mut client, 0).await.unwrap().len(), 1);
    assert_eq!(open(&node, "null").await.err(), Some(403));
    for wrong in ["null", "", "jumble.example", "https://jumble.example/path", "*"] {
        let refusal = decide(&mut client, wrong, Some(true)).await.unwrap_err();
        assert!(!refusal.reason.is_empty(), "{wrong}");
    }
    assert_eq!(open(&node, "null").await.err(), Some(403));
    let waiting = [(PAGE.to_owned(), None)];
    assert_eq!(told(&mut page(&node, &key).await, 0).await.unwrap(), waiting, "nobody is asked about null");
    // Only under names of the node's own.
    decide(&mut client, PAGE, Some(true)).await.unwrap();
    let foreign = ["Host: 192.0.2.7:20001".to_owned(), format!("Origin: {PAGE}")];
    assert_eq!(get(&node.clients(), "/healthz", &[&foreign[0], &foreign[1]]).await.0, 403);
}

#[tokio::test]
async fn what_strangers_elsewhere_invent_is_not_put_before_the_owner() {
    let (key, node) = owned().await;
    let mut client = page(&node, &key).await;
    // As a proxy on this machine tells where they are.
    let elsewhere = [("origin", "https://invented.example"), ("x-forwarded-for", "203.0.113.7")];
    let refused = Relay::connect_as(&node.clients(), &node.clients(), &elsewhere).await;
    assert_eq!(refused.err(), Some(403));
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    assert_eq!(told(&mut client, 0).await.unwrap(), [(PAGE.to_owned(), None)]);
}

#[tokio::test]
async fn a_client_of_an_older_version_is_told_nothing_that_it_does_not_know() {
    let (key, node) = owned().await;
    let mut client = Client::login(&node.clients(), &key).await;
    assert_eq!(open(&node, PAGE).await.err(), Some(403));
    let mut page = page(&node, &key).await;
    told(&mut page, 0).await.unwrap();
    decide(&mut page, PAGE, Some(true)).await.unwrap();
    client.send(ClientFrame::Names { request: 3, name: String::new(), change: None }).await;
    let answer = client.answer().await;
    assert!(matches!(answer, NodeFrame::Names { request: 3, .. }), "{answer:?}");
}

/// Saves a screenshot where `NOSTRP2P_PICTURES` says, if it does.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
        browser.screenshot(&std::path::Path::new(&folder).join(format!("{name}.png"))).await;
    }
}

#[tokio::test]
async fn the_person_allows_a_web_program_in_the_page() {
    for (size, name) in [(Size::Phone, "phone"), (Size::Desktop, "desktop")] {
        let node = Node::start(&[]).await;
        let alice = Browser::start(size).await;
        alice.arrive(&node, "Alice").await;
        for origin in [PAGE, "https://other.example"] {
            assert_eq!(open(&node, origin).await.err(), Some(403));
        }
        alice.see("permission-banner", PAGE).await;
        picture(&alice, &format!("permission-banner-{name}")).await;
        alice.click("permission-allow").await;
        until("the page to be let in", || async { open(&node, PAGE).await.map(drop) }).await;
        alice.see("permission-banner", "other.example").await;
        alice.click("permission-never").await;
        alice.see_no("permission-banner").await;
        alice.go("#/settings").await;
        alice.see("permission", PAGE).await;
        alice
            .run("document.querySelector('[data-testid=permission]').scrollIntoView({ block: 'center' })")
            .await;
        picture(&alice, &format!("permissions-{name}")).await;
        alice.click("permission-revoke").await;
        until("the page to be refused", || async {
            match open(&node, PAGE).await {
                Err(403) => Ok(()),
                other => Err(other.err()),
            }
        })
        .await;
        alice.close().await;
    }
}

/// Waits until the node asks for this, or does not any more; its subject and drafts.
async fn offered(client: &mut Client, sort: u8, expected: bool) -> Option<(Permission, Vec<UnsignedEvent>)> {
    loop {
        if let NodeFrame::Permissions { permissions, drafts, .. } = client.answer().await {
            let found = permissions.into_iter().find(|it| it.sort == sort && it.granted.is_none());
            if found.is_some() == expected {
                return found.map(|found| (found, drafts));
            }
        }
    }
}

async fn sign_all(client: &mut Client, key: &SecretKey, drafts: Vec<UnsignedEvent>) {
    for UnsignedEvent { created_at, kind, tags, content, .. } in drafts {
        let event = EventTemplate { created_at, kind, tags, content }.sign(key, &[7; 32]);
        client.send(ClientFrame::Publish { request: 7, event: event.into() }).await;
    }
}

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

/// The tags of the owner's own list of this kind.
async fn list(relay: &mut Relay, key: &SecretKey, kind: u16) -> Value {
    let found = relay.ask(&[json!({ "kinds": [kind], "authors": [key.public_key()] })]).await;
    found[0]["tags"].clone()
}

#[tokio::test]
async fn a_node_with_an_inbox_offers_its_address_and_what_is_on_the_lists_stays() {
    let key = random_key();
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", npub.as_str(), "--inbox", "--allow-host", "node.example"]).await;
    let mut relay = Relay::login(&node.clients(), &key).await;
    relay.put(&signed(&key, 10_002, &[&["r", "wss://a.example", "write"]], "")).await;
    relay.put(&signed(&key, 0, &[], r#"{"name":"Ada","x":1}"#)).await;
    let mut client = page(&node, &key).await;
    client.send(ClientFrame::Watch { after: 0, gather_ms: 0 }).await;
    let (inbox, drafts) = offered(&mut client, Permission::INBOX, true).await.unwrap();
    assert_eq!((inbox.subject.as_str(), drafts.len()), ("wss://node.example/", 2));
    // Nothing of it is granted by a frame, for that signs nothing.
    let Permission { sort, subject, .. } = inbox;
    client.send(ClientFrame::Permit { request: 9, sort, subject, granted: Some(true) }).await;
    assert!(told(&mut client, 9).await.is_err());
    sign_all(&mut client, &key, drafts).await;
    offered(&mut client, Permission::INBOX, false).await;
    let relays = json!([["r", "wss://a.example", "write"], ["r", "wss://node.example/", "read"]]);
    assert_eq!(list(&mut relay, &key, 10_002).await, relays);
    assert_eq!(list(&mut relay, &key, 10_050).await, json!([["relay", "wss://node.example/"]]));

    let mut other = page(&node, &key).await;
    let (name, drafts) = offered(&mut other, Permission::NAME, true).await.unwrap();
    assert_eq!((name.subject.as_str(), drafts), ("_@node.example", vec![]));
    let (sort, subject) = (name.sort, name.subject);
    other.send(ClientFrame::Permit { request: 9, sort, subject, granted: Some(false) }).await;
    assert_eq!(told(&mut other, 9).await.unwrap(), [("_@node.example".to_owned(), Some(false))]);
}

#[tokio::test]
async fn a_list_with_an_address_of_ones_own_house_goes_out_when_the_owner_agrees_to_it() {
    let (alice, bob) = Person::pair().await;
    let mut relay = Relay::login(&alice.node.clients(), &alice.key).await;
    let mut at_bob = Relay::login(&bob.node.clients(), &bob.key).await;
    let mut client = page(&alice.node, &alice.key).await;
    client.send(ClientFrame::Watch { after: 0, gather_ms: 0 }).await;
    let inside = "ws://192.168.1.7:20001/";
    relay
        .put(&signed(&alice.key, 10_002, &[&["r", "wss://a.example"], &["r", inside]], "with my house"))
        .await;
    let asked = json!({ "kinds": [10_002], "authors": [alice.key.public_key()] });
    assert_eq!(at_bob.contents(asked.clone()).await, [""; 0]);
    let (held, drafts) = offered(&mut client, Permission::HELD_LIST, true).await.unwrap();
    assert_eq!((held.subject.as_str(), drafts.len()), (inside, 1));
    sign_all(&mut client, &alice.key, drafts).await;
    offered(&mut client, Permission::HELD_LIST, false).await;
    // Bob's node remembers for an hour that nobody has it, so it is another one that asks.
    let other = random_key();
    let npub = other.public_key().to_npub();
    let node = Node::start(&["-p", npub.as_str(), "-b", &alice.node.nodes()]).await;
    let mut at_other = Relay::login(&node.clients(), &other).await;
    client.neighbours(2).await;
    assert_eq!(at_other.contents(asked).await, ["with my house"]);
}

#[tokio::test]
async fn the_person_publishes_an_inbox_and_a_name() {
    for (size, name) in [(Size::Phone, "phone"), (Size::Desktop, "desktop")] {
        let node = Node::start(&["--inbox", "--allow-host", "node.example"]).await;
        let ada = Browser::start(size).await;
        ada.arrive(&node, "Ada").await;
        ada.go("#/settings").await;
        ada.see("permission", "wss://node.example/").await;
        ada.see("permission", "_@node.example").await;
        ada.run("document.querySelector('[data-testid=permission]').scrollIntoView({ block: 'center' })")
            .await;
        picture(&ada, &format!("offers-{name}")).await;
        ada.click("permission-allow").await;
        let script = "return document.querySelectorAll('[data-testid=permission]').length";
        ada.comes_to("the inbox to be published", script, json!(1)).await;
        ada.run("document.querySelector('[data-testid=permission]').scrollIntoView({ block: 'center' })")
            .await;
        ada.click("permission-allow").await;
        ada.see_no("permission").await;
        ada.go("#/me").await;
        let script = "return ['nip05-input', 'name-input'].map(id => document.querySelector(`[data-testid=${id}]`).value)";
        ada.comes_to("the name in the profile, and what was there", script, json!(["_@node.example", "Ada"]))
            .await;
        ada.close().await;
    }
}

#[tokio::test]
async fn the_person_lets_a_list_with_an_address_of_the_own_house_go_out() {
    for (size, name) in [(Size::Phone, "phone"), (Size::Desktop, "desktop")] {
        let (alice, bob, browser) = Person::pair_with_browser(size).await;
        let mut relay = Relay::login(&alice.node.clients(), &alice.key).await;
        let inside = "ws://192.168.1.7:20001/";
        relay.put(&signed(&alice.key, 10_050, &[&["relay", inside]], "with my house")).await;
        browser.see("permission-banner", inside).await;
        picture(&browser, &format!("held-list-{name}")).await;
        browser.click("permission-allow").await;
        browser.see_no("permission-banner").await;
        let mut at_bob = Relay::login(&bob.node.clients(), &bob.key).await;
        let asked = json!({ "kinds": [10_050], "authors": [alice.key.public_key()] });
        assert_eq!(at_bob.contents(asked).await, ["with my house"]);
        browser.close().await;
    }
}
