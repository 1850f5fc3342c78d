//! The node as a relay: a plain Nostr conversation over a real WebSocket.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::{Event, SecretKey, login};
use nostrp2p_tests::{Client, Node, PATIENCE, get, post, random_key};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

struct Relay(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Relay {
    /// Connects and answers the challenge.
    async fn login(node: &Node, key: &SecretKey) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/", node.clients())).await.unwrap();
        let mut relay = Self(socket);
        let greeting = relay.next().await;
        assert_eq!(greeting[0], "AUTH");
        let challenge: [u8; 32] = hex::decode(greeting[1].as_str().unwrap()).unwrap().try_into().unwrap();
        let now = post(key, "").created_at;
        let proof = login::draft(&challenge, &node.clients(), now).sign(key, &[0; 32]);
        relay.say(&json!(["AUTH", proof])).await;
        assert_eq!(relay.next().await, json!(["OK", proof.id(), true, ""]));
        relay
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the relay says something") {
                Some(Ok(Message::Text(line))) => return serde_json::from_str(&line).unwrap(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn publish(&mut self, event: &Event) -> Value {
        self.say(&json!(["EVENT", event])).await;
        self.next().await
    }
}

#[tokio::test]
async fn a_nostr_program_of_the_owner_reads_writes_and_hears() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let mut relay = Relay::login(&node, &alice).await;
    let event = post(&alice, "by a Nostr program");
    assert_eq!(relay.publish(&event).await, json!(["OK", event.id(), true, ""]));
    let foreign = post(&random_key(), "not mine");
    assert_eq!(relay.publish(&foreign).await[2], false);

    relay.say(&json!(["REQ", "all", { "kinds": [1] }])).await;
    assert_eq!(relay.next().await, json!(["EVENT", "all", event]));
    assert_eq!(relay.next().await, json!(["EOSE", "all"]));

    let mut page = Client::login(&node.clients(), &alice).await;
    page.watch(0).await;
    page.hear("by a Nostr program").await;
    let second = post(&alice, "by the page");
    page.publish(&second).await;
    assert_eq!(relay.next().await, json!(["EVENT", "all", second]));

    relay.say(&json!(["CLOSE", "all"])).await;
    relay.say(&json!(["REQ", "ids", { "ids": [second.id()] }])).await;
    assert_eq!(relay.next().await, json!(["EVENT", "ids", second]));
}

#[tokio::test]
async fn strangers_neither_read_nor_write() {
    let node = Node::start(&["-p", &random_key().public_key().to_npub()]).await;
    let (socket, _) = connect_async(format!("ws://{}/", node.clients())).await.unwrap();
    let mut relay = Relay(socket);
    relay.next().await;
    relay.say(&json!(["REQ", "all", {}])).await;
    assert!(relay.next().await[2].as_str().unwrap().starts_with("auth-required: "));
    assert!(
        relay.publish(&post(&random_key(), "x")).await[3].as_str().unwrap().starts_with("auth-required: ")
    );
}

#[tokio::test]
async fn the_relay_describes_itself() {
    let node = Node::start(&[]).await;
    let (status, head, body) = get(&node.clients(), "/", &["Accept: application/nostr+json"]).await;
    assert_eq!(status, 200);
    assert!(head.to_lowercase().contains("access-control-allow-origin: *"), "{head}");
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["supported_nips"], json!([1, 11, 42]));
    assert_eq!(document["limitation"]["auth_required"], true);
}
