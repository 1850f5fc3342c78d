//! A client that speaks frames, as the web client does, but without a browser.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::{
    Event, EventId, EventTemplate, Filter, Kind, PeerId, PublicKey, SecretKey, Tag, UnsignedEvent,
    UnverifiedEvent,
    channel::{CLIENT_QUERY, Channel, ChannelError, ChannelKey, Greeting},
    delegation,
    frame::{ClientFrame, Delivery, NodeFrame, Refusal, VERSION, Welcome},
    limits::MAX_BATCH_BYTES,
    login,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::PATIENCE;

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A new person.
///
/// # Panics
/// When the system has no random numbers.
pub fn random_key() -> SecretKey {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("random numbers");
    SecretKey::from_bytes(bytes).expect("all but 1 in 2^127 are valid")
}

/// A post of now.
pub fn post(key: &SecretKey, text: &str) -> Event {
    EventTemplate { created_at: now(), kind: Kind::POST, tags: vec![], content: text.into() }
        .sign(key, &[7; 32])
}

/// A reply, which is for these people alone.
pub fn reply(key: &SecretKey, text: &str, people: &[&SecretKey]) -> Event {
    let person = |person: &&SecretKey| Tag::new(["p".to_owned(), person.public_key().to_string()]);
    let tags = people.iter().map(person).collect();
    EventTemplate { created_at: now(), kind: Kind::POST, tags, content: text.into() }.sign(key, &[7; 32])
}

/// The author's wish that an event be deleted (NIP-09); its text is "gone".
pub fn deletion(key: &SecretKey, target: &Event) -> Event {
    let tags = vec![Tag::new(["e", &target.id().to_string()]), Tag::new(["k", &target.kind.0.to_string()])];
    EventTemplate { created_at: now(), kind: Kind::DELETION, tags, content: "gone".into() }
        .sign(key, &[7; 32])
}

/// 32 random bytes.
///
/// # Panics
/// When the system has no random numbers.
pub fn random_nonce() -> [u8; 32] {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).expect("random numbers");
    nonce
}

/// Whether a welcome proves, over the nonce of its client, that it comes from the node that it names.
pub fn is_proved(welcome: &Welcome, nonce: &[u8; 32]) -> bool {
    nostrp2p_overlay::verify(&welcome.peer, &welcome.signed_bytes(nonce), &welcome.signature)
}

/// Why a client does not come home by a helper.
#[derive(Debug)]
pub enum NotHome {
    /// What answers does not hold the node's key.
    Impostor(ChannelError),
    /// The helper has closed the socket, with this code and reason.
    Refused((u16, String)),
}

/// A connection to `/client`, or to a node at home by a helper.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Inside of which a client speaks that comes by a helper.
    channel: Option<Channel>,
    /// With which code and reason the socket was closed.
    closed: Option<(u16, String)>,
    authority: String,
    welcome: Option<Welcome>,
    /// How far private events have come, as far as the node has said.
    deliveries: BTreeMap<(EventId, PublicKey), Delivery>,
    markers: BTreeMap<String, u64>,
    /// The batches that came while something else was awaited: up to where each goes, and its texts.
    passed_over: VecDeque<(u64, Vec<String>)>,
}

impl Client {
    /// Connects and says hello.
    ///
    /// # Panics
    /// When the node does not welcome it.
    pub async fn connect(authority: &str) -> Self {
        Self::connect_silently(authority).await.greet().await
    }

    /// Speaks over a connection that stands already, and says hello.
    ///
    /// # Panics
    /// When the node does not welcome it.
    pub async fn over(stream: TcpStream, authority: &str) -> Self {
        let url = format!("ws://{authority}/client");
        let (socket, _) = client_async(url, MaybeTlsStream::Plain(stream)).await.expect("a WebSocket");
        Self::on(socket, authority).greet().await
    }

    async fn greet(self) -> Self {
        let mut client = self;
        let nonce = random_nonce();
        client.send(ClientFrame::Hello { version: VERSION, nonce: Some(nonce) }).await;
        match client.next().await {
            Some(NodeFrame::Welcome(welcome)) => {
                assert!(is_proved(&welcome, &nonce), "the node has not proved its key: {welcome:?}");
                client.welcome = Some(*welcome);
            }
            other => panic!("no welcome but {other:?}"),
        }
        client
    }

    /// Connects and speaks inside of a channel to this node, as a page does by a name that is not the node's own.
    ///
    /// # Errors
    /// When what answers there does not hold the key.
    ///
    /// # Panics
    /// When nothing takes the connection.
    pub async fn inside(authority: &str, peer: &PeerId, key: &ChannelKey) -> Result<Self, NotHome> {
        let connected = connect_async(format!("ws://{authority}/client?{CLIENT_QUERY}")).await;
        let socket = connected.expect("the node takes the connection").0;
        Self::on(socket, &key.to_string()).come_home(peer, key).await
    }

    /// Goes to a node at home by the helper at this address (`ws://host:port`), and says hello.
    ///
    /// # Errors
    /// When what answers there is not that node, or the helper does not serve it: with the helper's code and reason.
    ///
    /// # Panics
    /// When the helper does not take the connection.
    pub async fn through(helper: &str, peer: &PeerId, key: &ChannelKey) -> Result<Self, NotHome> {
        let connected = connect_async(format!("{helper}/to/{peer}")).await;
        Self::on(connected.expect("the helper takes the connection").0, &key.to_string())
            .come_home(peer, key)
            .await
    }

    /// As [`Client::through`], from this address, as a proxy on the helper's machine says.
    ///
    /// # Errors
    /// As [`Client::through`].
    ///
    /// # Panics
    /// As [`Client::through`].
    pub async fn through_from(
        from: &str,
        helper: &str,
        peer: &PeerId,
        key: &ChannelKey,
    ) -> Result<Self, NotHome> {
        let socket = Self::knock_from(from, helper, peer).await.expect("the helper takes the connection");
        Self::on(socket, &key.to_string()).come_home(peer, key).await
    }

    /// Opens a way home from this address and says nothing; None when the helper does not take it.
    ///
    /// # Panics
    /// When the address is none.
    pub async fn knock_from(
        from: &str,
        helper: &str,
        peer: &PeerId,
    ) -> Option<WebSocketStream<MaybeTlsStream<TcpStream>>> {
        let mut request = format!("{helper}/to/{peer}").into_client_request().expect("an address");
        request.headers_mut().insert("X-Forwarded-For", from.parse().expect("an address"));
        connect_async(request).await.ok().map(|(socket, _)| socket)
    }

    /// As [`Client::through`], over a connection that stands already to the helper of this authority, without TLS.
    ///
    /// # Errors
    /// As [`Client::through`].
    ///
    /// # Panics
    /// As [`Client::through`].
    pub async fn through_over(
        stream: TcpStream,
        helper: &str,
        peer: &PeerId,
        key: &ChannelKey,
    ) -> Result<Self, NotHome> {
        let connected = client_async(format!("ws://{helper}/to/{peer}"), MaybeTlsStream::Plain(stream)).await;
        Self::on(connected.expect("the helper takes the connection").0, &key.to_string())
            .come_home(peer, key)
            .await
    }

    async fn come_home(self, peer: &PeerId, key: &ChannelKey) -> Result<Self, NotHome> {
        let mut client = self;
        let (greeting, first) = Greeting::begin(peer, key, random_nonce()).expect("a key");
        client.send_bytes(first).await;
        let Some(answer) = timeout(PATIENCE, client.message()).await.expect("an answer") else {
            return Err(NotHome::Refused(client.closed.unwrap_or_default()));
        };
        client.channel = Some(greeting.finish(&answer, MAX_BATCH_BYTES).map_err(NotHome::Impostor)?);
        Ok(client.greet().await)
    }

    /// With which code and reason the connection was closed, once [`Client::next`] has said that it was.
    pub fn closed(&self) -> Option<&(u16, String)> {
        self.closed.as_ref()
    }

    /// Connects without a word.
    ///
    /// # Panics
    /// When the node does not take the connection.
    pub async fn connect_silently(authority: &str) -> Self {
        let (socket, _) =
            connect_async(format!("ws://{authority}/client")).await.expect("the node takes the connection");
        Self::on(socket, authority)
    }

    fn on(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, authority: &str) -> Self {
        Self {
            socket,
            channel: None,
            closed: None,
            authority: authority.to_owned(),
            welcome: None,
            deliveries: BTreeMap::new(),
            markers: BTreeMap::new(),
            passed_over: VecDeque::new(),
        }
    }

    /// Connects and signs in.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn login(authority: &str, key: &SecretKey) -> Self {
        let mut client = Self::connect(authority).await;
        client.sign_in(key).await;
        client
    }

    /// Signs in.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn sign_in(&mut self, key: &SecretKey) {
        let proof = self.proof(key);
        self.send(ClientFrame::Login { request: 1, proof }).await;
        let answer = self.answer().await;
        assert!(matches!(answer, NodeFrame::LoggedIn { .. }), "{answer:?}");
    }

    /// Connects and becomes the owner.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn claim(authority: &str, token: [u8; 16], key: &SecretKey) -> Self {
        let mut client = Self::connect(authority).await;
        client.become_owner(token, key).await;
        client
    }

    /// Claims the node.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn become_owner(&mut self, token: [u8; 16], key: &SecretKey) {
        let proof = self.proof(key);
        self.send(ClientFrame::Claim { request: 1, token, proof }).await;
        let answer = self.answer().await;
        assert!(matches!(answer, NodeFrame::LoggedIn { .. }), "{answer:?}");
    }

    /// Who the node is.
    ///
    /// # Panics
    /// Before its welcome.
    pub fn peer(&self) -> PeerId {
        self.welcome().peer
    }

    /// What the node says of itself.
    ///
    /// # Panics
    /// Before its welcome.
    pub fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("a welcome")
    }

    /// A login event for this connection.
    ///
    /// # Panics
    /// Before the node's welcome.
    pub fn proof(&self, key: &SecretKey) -> UnverifiedEvent {
        self.proof_for(&self.authority, key)
    }

    /// A login event for this connection that names this address.
    ///
    /// # Panics
    /// Before the node's welcome.
    pub fn proof_for(&self, authority: &str, key: &SecretKey) -> UnverifiedEvent {
        let Welcome { challenge, peer, .. } = self.welcome();
        login::client_draft(challenge, peer, authority, now()).sign(key, &[7; 32]).into()
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: ClientFrame) {
        self.send_bytes(frame.encode()).await;
    }

    /// Sends any bytes as a frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        let pieces = match &mut self.channel {
            Some(channel) => channel.seal(&bytes).expect("a channel that is in use"),
            None => vec![bytes],
        };
        for piece in pieces {
            self.socket.send(Message::Binary(piece.into())).await.expect("the connection stands");
        }
    }

    /// The next frame; None when the node has closed the connection.
    ///
    /// # Panics
    /// When nothing comes, or no frame.
    pub async fn next(&mut self) -> Option<NodeFrame> {
        timeout(PATIENCE, self.whenever()).await.expect("the node says something")
    }

    /// The next frame, however long it takes; None when the node has closed the connection. Cancel-safe.
    ///
    /// # Panics
    /// When what comes is no frame.
    pub async fn whenever(&mut self) -> Option<NodeFrame> {
        let message = loop {
            let message = self.message().await?;
            let Some(channel) = &mut self.channel else { break message };
            if let Some(message) = channel.open(&message).expect("what the node has said") {
                break message;
            }
        };
        let frame = NodeFrame::decode(&message).expect("a frame");
        if let NodeFrame::Deliveries { id, people } = &frame {
            let news = people.iter().map(|(person, state)| ((*id, *person), *state));
            self.deliveries.extend(news);
        }
        if let NodeFrame::Markers(markers) = &frame {
            self.markers.extend(markers.iter().cloned());
        }
        Some(frame)
    }

    /// The next message of the socket; None when it was closed.
    async fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Some(bytes.to_vec()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(close))) => {
                    self.closed = close.map(|close| (close.code.into(), close.reason.to_string()));
                    return None;
                }
                Some(Err(_)) | None => return None,
                Some(Ok(other)) => panic!("a client gets binary messages, not {other:?}"),
            }
        }
    }

    /// The next frame but batches, which are kept for [`Client::hear`].
    async fn next_but_batches(&mut self) -> Option<NodeFrame> {
        loop {
            match self.next().await? {
                NodeFrame::Batch { through, events, .. } => self.pass_over(through, events),
                frame => return Some(frame),
            }
        }
    }

    fn pass_over(&mut self, through: u64, events: Vec<UnsignedEvent>) {
        let texts = events.into_iter().map(|event| event.content).collect();
        self.passed_over.push_back((through, texts));
    }

    /// The next frame that answers something: what the node sends by itself is passed over.
    ///
    /// # Panics
    /// When the node closes the connection before.
    pub async fn answer(&mut self) -> NodeFrame {
        loop {
            match self.next_but_batches().await {
                Some(
                    NodeFrame::Status { .. }
                    | NodeFrame::Network { .. }
                    | NodeFrame::Mirrors(_)
                    | NodeFrame::Deliveries { .. }
                    | NodeFrame::Delegated { .. }
                    | NodeFrame::Markers(_)
                    | NodeFrame::Ways(_)
                    | NodeFrame::Warnings(_),
                ) => {}
                Some(frame) => return frame,
                None => panic!("the node closed the connection instead of answering"),
            }
        }
    }

    /// The refusal that is expected.
    ///
    /// # Panics
    /// When the node agrees.
    pub async fn refusal(&mut self) -> Refusal {
        match self.answer().await {
            NodeFrame::Refused { refusal, .. } => refusal,
            other => panic!("no refusal but {other:?}"),
        }
    }

    /// Publishes an event and waits until it is durable; returns its sequence number.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn publish(&mut self, event: &Event) -> u64 {
        self.send(ClientFrame::Publish { request: 9, event: event.clone().into() }).await;
        match self.answer().await {
            NodeFrame::Published { id, sequence, .. } if id == event.id() => sequence,
            other => panic!("not published but {other:?}"),
        }
    }

    /// Signs the delegation for the node, as the web client does.
    ///
    /// # Panics
    /// When the node refuses it.
    pub async fn delegate(&mut self, key: &SecretKey) {
        let peer = self.peer();
        self.publish(&delegation::draft(&peer, now()).sign(key, &[7; 32])).await;
    }

    /// Waits until the node says that an event has come this far with a person.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn delivery(&mut self, event: &Event, person: &SecretKey, state: Delivery) {
        let address = (event.id(), person.public_key());
        while self.deliveries.get(&address) != Some(&state) {
            assert!(
                self.next_but_batches().await.is_some(),
                "the node closed the connection before {state:?}"
            );
        }
    }

    /// Waits until the node says that a read marker stands here.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn marker(&mut self, name: &str, until: u64) {
        while self.markers.get(name) != Some(&until) {
            assert!(
                self.next_but_batches().await.is_some(),
                "the node closed the connection before {name} stood at {until}"
            );
        }
    }

    /// Everything that the node holds, as texts.
    ///
    /// # Panics
    /// When the node refuses.
    pub async fn everything(&mut self) -> Vec<String> {
        self.send(ClientFrame::Fetch { request: 8, filters: vec![Filter::default()] }).await;
        match self.answer().await {
            NodeFrame::Answer { events, .. } => events.into_iter().map(|event| event.content).collect(),
            other => panic!("no answer but {other:?}"),
        }
    }

    /// All that the node holds after a sequence number, as texts, however much it is.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn everything_after(&mut self, after: u64) -> Vec<String> {
        self.watch(after).await;
        let mut texts = Vec::new();
        loop {
            let frame = self.next().await.expect("the node keeps the connection");
            let NodeFrame::Batch { through, newest, events } = frame else { continue };
            texts.extend(events.into_iter().map(|event| event.content));
            if through >= newest {
                return texts;
            }
        }
    }

    /// Asks for everything after a sequence number, without gathering time.
    pub async fn watch(&mut self, after: u64) {
        self.passed_over.clear();
        self.send(ClientFrame::Watch { after, gather_ms: 0 }).await;
    }

    /// Waits for a batch that holds a post with this text; returns up to where it goes. It may have come while an answer
    /// was awaited.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn hear(&mut self, text: &str) -> u64 {
        loop {
            while let Some((through, texts)) = self.passed_over.pop_front() {
                if texts.iter().any(|heard| heard == text) {
                    return through;
                }
            }
            match self.next().await {
                Some(NodeFrame::Batch { through, events, .. }) => self.pass_over(through, events),
                Some(_) => {}
                None => panic!("the node closed the connection before it sent {text:?}"),
            }
        }
    }

    /// Waits until the node has this many neighbours.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn neighbours(&mut self, count: usize) {
        loop {
            match self.next_but_batches().await {
                Some(NodeFrame::Status { peers, .. }) if peers.len() >= count => return,
                Some(_) => {}
                None => panic!("the node closed the connection before it had {count} neighbours"),
            }
        }
    }
}
