//! A plain Nostr program: it speaks NIP-01 by WebSocket and knows nothing of nostrp2p.

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::{Event, SecretKey, login};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderName},
};

use crate::{PATIENCE, now};

/// A connection to the relay of a node.
pub struct Relay {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    authority: String,
    challenge: [u8; 32],
    /// How many questions were asked; each has a subscription of its own.
    asked: u64,
    /// The subscription of the question that waits for its answer.
    asking: Option<String>,
}

/// How the subscriptions of [`Relay::ask`] begin.
const ASK: &str = "ask-";
/// How the NOTICE begins that says after AUTH that the delegation is missing or ends soon.
const MAIL: &str = "private mail: ";

impl Relay {
    /// Connects and reads the challenge.
    ///
    /// # Panics
    /// When the node does not take the connection or sends no challenge.
    pub async fn connect(authority: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{authority}/")).await.expect("the node takes it");
        Self::on(socket, authority).await
    }

    /// Connects to a node as whoever passes on what programs say to another address: the request and the login name that
    /// address.
    ///
    /// # Errors
    /// The HTTP status, when the node does not take the connection under this name.
    ///
    /// # Panics
    /// When the node cannot be reached, or sends no challenge.
    pub async fn connect_as(node: &str, authority: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{authority}/").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header");
            request.headers_mut().insert(name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(node).await.expect("the node listens");
        match client_async(request, MaybeTlsStream::Plain(stream)).await {
            Ok((socket, _)) => Ok(Self::on(socket, authority).await),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn on(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, authority: &str) -> Self {
        let mut relay =
            Self { socket, authority: authority.to_owned(), challenge: [0; 32], asked: 0, asking: None };
        let greeting = relay.next().await;
        assert_eq!(greeting[0], "AUTH");
        let challenge = greeting[1].as_str().and_then(|challenge| hex::decode(challenge).ok());
        relay.challenge = challenge.and_then(|challenge| challenge.try_into().ok()).expect("32 bytes in hex");
        relay
    }

    /// Connects and signs in.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn login(authority: &str, key: &SecretKey) -> Self {
        let mut relay = Self::connect(authority).await;
        let answer = relay.auth(key).await;
        assert_eq!(answer[2], true, "{answer}");
        relay
    }

    /// Answers the challenge with this key; returns what the relay says to it.
    pub async fn auth(&mut self, key: &SecretKey) -> Value {
        let authority = self.authority.clone();
        self.auth_as(key, &authority).await
    }

    /// Answers the challenge with this key, as if it came from the relay at this authority.
    pub async fn auth_as(&mut self, key: &SecretKey, authority: &str) -> Value {
        let proof = login::draft(&self.challenge, authority, now()).sign(key, &[7; 32]);
        self.say(&json!(["AUTH", proof])).await;
        self.next().await
    }

    /// Sends a message.
    pub async fn say(&mut self, message: &Value) {
        self.send(Message::Text(message.to_string().into())).await;
    }

    /// Sends any WebSocket message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("the connection stands");
    }

    /// The next message of the relay, but for what it still says to a question that has had its answer, and for what it
    /// says of the delegation, which most tests do without; see [`Relay::notice`].
    ///
    /// # Panics
    /// When nothing comes, or the relay hangs up.
    pub async fn next(&mut self) -> Value {
        loop {
            let said = self.hear().await;
            let old =
                said[1].as_str().is_some_and(|id| id.starts_with(ASK) && self.asking.as_deref() != Some(id));
            let of_mail = said[0] == "NOTICE" && said[1].as_str().is_some_and(|text| text.starts_with(MAIL));
            if !of_mail && (said[0] != "EVENT" || !old) {
                return said;
            }
        }
    }

    /// The next message of the relay, whatever it is.
    ///
    /// # Panics
    /// When nothing comes, or the relay hangs up.
    pub async fn whatever(&mut self) -> Value {
        self.hear().await
    }

    /// The text of the NOTICE that comes next.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub async fn notice(&mut self) -> String {
        let said = self.hear().await;
        assert_eq!(said[0], "NOTICE", "{said}");
        said[1].as_str().unwrap_or_default().to_owned()
    }

    async fn hear(&mut self) -> Value {
        let text = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(line))) => return line,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        let line = timeout(PATIENCE, text).await.expect("the relay says something besides pings");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Reads on until the relay hangs up, however long nothing comes.
    pub async fn listen(&mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// What the relay says before it hangs up: the code and the reason; None when it just goes.
    ///
    /// # Panics
    /// When it does not hang up.
    pub async fn goodbye(&mut self) -> Option<(u16, String)> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("the relay hangs up") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Some((frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Publishes an event and returns the whole `OK` message.
    pub async fn publish(&mut self, event: &Event) -> Value {
        self.say(&json!(["EVENT", event])).await;
        self.next().await
    }

    /// Publishes an event that the relay takes.
    ///
    /// # Panics
    /// When it does not.
    pub async fn put(&mut self, event: &Event) {
        let answer = self.publish(event).await;
        assert_eq!(
            (&answer[0], &answer[1], &answer[2]),
            (&json!("OK"), &json!(event.id()), &json!(true)),
            "{answer}"
        );
    }

    /// Asks with filters; returns the events up to EOSE, and ends the subscription.
    ///
    /// # Panics
    /// When the relay refuses.
    pub async fn ask(&mut self, filters: &[Value]) -> Vec<Value> {
        self.asked += 1;
        let subscription = format!("{ASK}{}", self.asked);
        self.asking = Some(subscription.clone());
        let mut message = vec![json!("REQ"), json!(subscription)];
        message.extend(filters.iter().cloned());
        self.say(&Value::Array(message)).await;
        let mut events = Vec::new();
        loop {
            let answer = self.next().await;
            assert_eq!(answer[1], subscription, "{answer}");
            match answer[0].as_str() {
                Some("EVENT") => events.push(answer[2].clone()),
                Some("EOSE") => break,
                _ => panic!("{answer}"),
            }
        }
        self.asking = None;
        self.say(&json!(["CLOSE", subscription])).await;
        events
    }

    /// The contents of the events that match a filter.
    pub async fn contents(&mut self, filter: Value) -> Vec<String> {
        let events = self.ask(&[filter]).await;
        events.iter().map(|event| event["content"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
