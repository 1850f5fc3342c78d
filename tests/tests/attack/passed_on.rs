//! Logins that were made for somebody else's relay or site, and that are passed on to the node.

use nostrp2p_tests::{Node, Relay, free_port, held, http_login, post, random_key, rest};

/// Addresses at which a stranger may run a relay or a site, to which the owner's programs sign in: on the owner's
/// machine, in a network of the owner, anywhere, and in a tailnet.
fn strangers() -> Vec<String> {
    let port = free_port();
    ["127.0.0.1", "localhost", "app.localhost", "[::1]", "192.168.1.5", "203.0.113.9", "[2001:db8::9]"]
        .map(|host| format!("{host}:{port}"))
        .into_iter()
        .chain(["machine.tail1.ts.net".to_owned(), "relay.example".to_owned(), "127.0.0.1".to_owned()])
        .collect()
}

#[tokio::test]
async fn a_login_at_a_strangers_relay_opens_nothing_at_the_node() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let strangers = strangers();
    for stranger in &strangers {
        // The stranger's relay passes the node's challenge on, and Alice's program answers it: for that relay.
        let passed_on = Relay::connect_as(&node.clients(), stranger, &[]).await;
        if let Ok(mut relay) = passed_on {
            let answer = relay.auth(&alice).await;
            assert_ne!(answer[2], true, "a login for {stranger} signed in at the node: {answer}");
        }
        // The same with a request that names the node rightly.
        let mut relay = Relay::connect(&node.clients()).await;
        let answer = relay.auth_as(&alice, stranger).await;
        assert_ne!(answer[2], true, "a login for {stranger} signed in at the node: {answer}");
    }
    held(
        "a login that is passed on",
        &format!("NIP-42 answers for {} other relays", strangers.len()),
        "403, or a no; nothing read",
    );
}

#[tokio::test]
async fn a_signed_request_for_another_site_opens_nothing_at_the_node() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let body = br#"{"kinds":[40000],"since":-1,"until":-1,"limit":300}"#.as_slice();
    let strangers = strangers();
    for stranger in &strangers {
        let login = http_login(&alice, &format!("http://{stranger}/req"), "POST", Some(body), 0);
        let host = format!("Host: {stranger}");
        for headers in [&[login.as_str()][..], &[&login, &host]] {
            let answer = rest(&node.clients(), "/req", headers, body).await;
            assert!(matches!(answer.status, 401 | 403), "{stranger}: {}", answer.text());
        }
    }
    held(
        "a signed request of another site",
        &format!("NIP-98 logins for {} other sites, with their Host and with the node's", strangers.len()),
        "401 or 403",
    );
}

#[tokio::test]
async fn one_signed_request_is_good_for_one_body_and_once() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let url = format!("http://{}/publish", node.clients());
    let bodies: Vec<String> = ["one", "two", "three"]
        .map(|text| serde_json::to_string(&post(&alice, text)).unwrap())
        .into_iter()
        .collect();
    let publish = async |login: &str, body: &str| {
        rest(&node.clients(), "/publish", &[login], body.as_bytes()).await.status
    };
    let unbound = http_login(&alice, &url, "POST", None, 0);
    for body in &bodies {
        assert_eq!(publish(&unbound, body).await, 401, "a login without the body's hash was taken");
    }
    let bound = http_login(&alice, &url, "POST", Some(bodies[0].as_bytes()), 0);
    assert_eq!(publish(&bound, &bodies[1]).await, 401, "a login for another body was taken");
    assert_eq!(publish(&bound, &bodies[0]).await, 200);
    assert_eq!(publish(&bound, &bodies[0]).await, 401, "a login was taken twice");
    held(
        "a signed request used again",
        "a NIP-98 login for three bodies, and a second time for its own",
        "one request, once",
    );
}
