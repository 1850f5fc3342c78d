//! Under which names a node is itself: at addresses that something before it has translated only the page is served,
//! until the owner confirms the address; names and pages of old settings go on working.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    SecretKey,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, Person, Relay, binary, get, http_login, rest};
use tokio::process::Command;

const QUESTION: &[u8] = br#"{"kinds":[40000],"since":-1,"until":-1,"limit":300}"#;

/// What stands before a node on the machine itself, and what it adds to each request.
struct Before {
    /// What the browser has in its address bar.
    authority: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

/// A port that Docker, a router or a cloud forwards: nothing but the address is another one.
const TRANSLATED: Before = Before { authority: "192.0.2.7:20001", headers: &[] };
/// `tailscale serve --bg 20001`.
const TAILSCALE: Before = Before {
    authority: "machine.tail1.ts.net",
    headers: &[
        ("X-Forwarded-For", "100.64.0.9"),
        ("X-Forwarded-Host", "machine.tail1.ts.net"),
        ("X-Forwarded-Proto", "https"),
        ("Tailscale-User-Login", "alice@example.org"),
        ("Tailscale-User-Name", "Alice"),
    ],
};
/// `ssh -L 8080:localhost:20001`.
const TUNNEL: Before = Before { authority: "localhost:8080", headers: &[] };

impl Before {
    async fn get(&self, node: &Node, path: &str, more: &[&str]) -> (u16, String) {
        let added: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let host = format!("Host: {}", self.authority);
        let headers: Vec<&str> =
            added.iter().map(String::as_str).chain([host.as_str()]).chain(more.iter().copied()).collect();
        let (status, _, body) = get(&node.clients(), path, &headers).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn relay(&self, node: &Node, key: &SecretKey) -> Result<bool, u16> {
        let mut relay = Relay::connect_as(&node.clients(), self.authority, self.headers).await?;
        Ok(relay.auth(key).await[2] == true)
    }

    async fn rest(&self, node: &Node, key: &SecretKey) -> u16 {
        let login = http_login(key, &format!("https://{}/req", self.authority), "POST", Some(QUESTION), 0);
        rest(&node.clients(), "/req", &[&login, &format!("Host: {}", self.authority)], QUESTION).await.status
    }

    /// Only the page is served, and nothing that names the owner.
    async fn check_closed(&self, node: &Node, key: &SecretKey) {
        // Where the client was not built, the node says so on its page.
        assert_eq!(self.get(node, "/", &[]).await, text(get(&node.clients(), "/", &[]).await));
        assert_eq!(self.get(node, "/healthz", &[]).await.0, 200);
        for path in ["/node.json", "/metrics"] {
            let (status, reason) = self.get(node, path, &[]).await;
            assert_eq!(status, 403, "{path}");
            assert!(reason.contains("--allow-host") && reason.contains("confirm"), "{reason}");
        }
        assert_eq!(self.get(node, "/", &["Accept: application/nostr+json"]).await.0, 403);
        assert_eq!(self.relay(node, key).await, Err(403));
        assert_eq!(self.rest(node, key).await, 403);
    }

    async fn check_open(&self, node: &Node, key: &SecretKey) {
        assert_eq!(self.get(node, "/node.json", &[]).await.0, 200);
        assert_eq!(self.relay(node, key).await, Ok(true));
        assert_eq!(self.rest(node, key).await, 200);
    }
}

fn text((status, _, body): (u16, String, Vec<u8>)) -> (u16, String) {
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Asks about a name, or changes it; returns whether it is the node's own, and all names.
async fn names(client: &mut Client, name: &str, change: Option<bool>) -> (bool, Vec<(String, bool)>) {
    client.send(ClientFrame::Names { request: 9, name: name.to_owned(), change }).await;
    loop {
        match client.next().await {
            Some(NodeFrame::Names { request: 9, own, names }) => return (own, names),
            Some(NodeFrame::Refused { request: 9, refusal }) => unreachable!("{refusal}"),
            Some(_) => {}
            None => unreachable!("the node hung up"),
        }
    }
}

async fn owner_show(node: &std::path::Path) -> String {
    let output =
        Command::new(binary()).args(["owner", "show", "--data-dir"]).arg(node).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_translated_address_serves_the_page_alone_until_the_owner_confirms_it() {
    let mut alice = Person::arrive(None).await;
    let own = alice.node.clients();
    for before in [&TRANSLATED, &TAILSCALE, &TUNNEL] {
        before.check_closed(&alice.node, &alice.key).await;
        assert!(!names(&mut alice.client, before.authority, None).await.0);
        assert!(names(&mut alice.client, before.authority, Some(true)).await.0);
        before.check_open(&alice.node, &alice.key).await;
    }
    assert!(names(&mut alice.client, &own, None).await.0, "the local address");
    let (_, all) = names(&mut alice.client, "", None).await;
    assert_eq!(all.iter().filter(|(_, confirmed)| *confirmed).count(), 3, "{all:?}");

    let stopped = alice.node.stop().await;
    let shown = owner_show(stopped.data_dir()).await;
    for before in [&TRANSLATED, &TAILSCALE, &TUNNEL] {
        assert!(shown.contains(before.authority), "{shown}");
    }
    let node = stopped.start().await;
    TRANSLATED.check_open(&node, &alice.key).await;
    let mut client = Client::login(&node.clients(), &alice.key).await;
    assert!(!names(&mut client, TRANSLATED.authority, Some(false)).await.0);
    TRANSLATED.check_closed(&node, &alice.key).await;
    TAILSCALE.check_open(&node, &alice.key).await;
    let stopped = node.stop().await;
    assert!(!owner_show(stopped.data_dir()).await.contains(TRANSLATED.authority));
}

#[tokio::test]
async fn a_name_of_the_domain_name_system_cannot_be_confirmed() {
    let mut alice = Person::arrive(None).await;
    for name in ["node.example", "not a name", ""] {
        let frame = ClientFrame::Names { request: 9, name: name.to_owned(), change: Some(true) };
        alice.client.send(frame).await;
        let refused = loop {
            match alice.client.next().await {
                Some(NodeFrame::Refused { request: 9, refusal }) => break refusal,
                Some(NodeFrame::Names { .. }) | None => unreachable!("{name} was confirmed"),
                Some(_) => {}
            }
        };
        assert!(!refused.reason.is_empty());
    }
}

#[tokio::test]
async fn an_old_allow_host_goes_on_to_let_pages_in_and_says_that_there_is_allow_origin() {
    let node = Node::start(&["--allow-host", "page.example"]).await;
    let status = async |node: &Node, origin: &str| {
        get(&node.clients(), "/node.json", &[&format!("Origin: {origin}")]).await.0
    };
    assert_eq!(status(&node, "https://page.example").await, 200);
    assert_eq!(status(&node, "http://page.example:8000").await, 200);
    assert_eq!(status(&node, "https://evil.example").await, 403);
    let node =
        node.stop().await.start_with(&["--allow-host", "page.example", "--allow-origin", "none"]).await;
    assert_eq!(status(&node, "https://page.example").await, 403);
    assert_eq!(get(&node.clients(), "/node.json", &["Host: page.example"]).await.0, 200);
    let node = node.stop().await.start_with(&["--allow-origin", "https://page.example"]).await;
    assert_eq!(status(&node, "https://page.example").await, 200);
    assert_eq!(get(&node.clients(), "/node.json", &["Host: page.example"]).await.0, 403);
}

#[tokio::test]
async fn a_page_of_the_same_machine_or_tailnet_is_not_the_nodes_own() {
    let node = Node::start(&[]).await;
    let status = async |host: &str, origin: &str| {
        let headers = [format!("Host: {host}"), format!("Origin: {origin}")];
        get(&node.clients(), "/healthz", &[&headers[0], &headers[1]]).await.0
    };
    let own = node.clients();
    let port = own.rsplit_once(':').unwrap().1;
    assert_eq!(status(&own, &format!("http://{own}")).await, 200);
    assert_eq!(status(&own, &format!("http://localhost:{port}")).await, 200);
    assert_eq!(status("machine.tail1.ts.net", "https://machine.tail1.ts.net").await, 200);
    for origin in
        ["http://localhost:8000", "http://127.0.0.1", "https://machine.tail1.ts.net", "http://app.localhost"]
    {
        assert_eq!(status(&own, origin).await, 403, "{origin}");
    }
    assert_eq!(status("machine.tail1.ts.net", "https://other.tail1.ts.net").await, 403);
}
