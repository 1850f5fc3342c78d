//! A person in the laboratory: a node in a namespace, and a client that is signed in there.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nostrp2p_protocol::{
    EventTemplate, Filter, Kind as EventKind, PeerId, PublicKey, SecretKey, Tag,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, now, random_key, request_over};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use crate::topology;

/// Where every node listens for others; clients have the next port.
pub const PORT: u16 = 20_000;

/// How long a node may take to get ready. Twelve of them start at once on a small machine.
const START_TIME: Duration = Duration::from_secs(60);

/// A person with a node and a client.
pub struct Resident {
    pub name: String,
    pub peer: PeerId,
    pub key: SecretKey,
    namespace: String,
    /// The data directory of the node.
    data: PathBuf,
    process: Child,
    frames: mpsc::Sender<ClientFrame>,
    state: Arc<Mutex<State>>,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// When each text arrived at the client.
    heard: BTreeMap<String, Instant>,
    refused: Vec<String>,
}

impl Resident {
    /// Starts a node, claims it and signs a delegation for it.
    pub async fn arrive(
        name: &str,
        namespace: String,
        folder: &Path,
        binary: &Path,
        arguments: &[String],
    ) -> Result<Self> {
        let (process, link) = start(name, &namespace, folder, binary, arguments).await?;
        let token = link.split_once("#claim=").context("a claim link")?.1;
        let token = token.split('&').next().unwrap_or_default();
        let token: [u8; 16] = hex::decode(token)?.try_into().ok().context("a claim token has 16 bytes")?;
        let key = random_key();
        let mut client = Client::over(connect(&namespace)?, &authority()).await;
        client.become_owner(token, &key).await;
        client.delegate(&key).await;
        client.watch(0).await;
        let peer = client.peer();
        let (frames, inbox) = mpsc::channel(64);
        let state = Arc::new(Mutex::new(State::default()));
        let reader = tokio::spawn(converse(client, inbox, Arc::clone(&state)));
        let data = folder.join(name);
        let name = name.to_owned();
        Ok(Self { name, peer, key, namespace, data, process, frames, state, reader })
    }

    pub fn person(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Publishes an event of now; returns when that was.
    pub async fn publish(&self, kind: EventKind, tags: Vec<Tag>, text: &str) -> Result<Instant> {
        let draft = EventTemplate { created_at: now(), kind, tags, content: text.to_owned() };
        let event = draft.sign(&self.key, &[7; 32]).into();
        self.send(ClientFrame::Publish { request: 9, event }).await?;
        Ok(Instant::now())
    }

    /// What this person's follow list says. It stays on the own node until somebody asks for it.
    pub fn follow_list(&self) -> String {
        format!("{} follows", self.name)
    }

    /// Publishes it.
    pub async fn publish_follow_list(&self) -> Result<()> {
        let followed = Tag::new(["p".to_owned(), self.person().to_string()]);
        self.publish(EventKind::FOLLOW_LIST, vec![followed], &self.follow_list()).await.map(drop)
    }

    /// Asks for the follow list of a person, which only their node has.
    pub async fn ask_for_follow_list(&self, author: PublicKey) -> Result<Instant> {
        let filter = Filter {
            authors: Some([author].into()),
            kinds: Some([EventKind::FOLLOW_LIST].into()),
            ..Filter::default()
        };
        self.send(ClientFrame::Fetch { request: 5, filters: vec![filter] }).await?;
        Ok(Instant::now())
    }

    /// When a text arrived.
    pub fn heard(&self, text: &str) -> Option<Instant> {
        self.state().heard.get(text).copied()
    }

    /// What the node refused so far.
    pub fn refused(&self) -> Vec<String> {
        self.state().refused.clone()
    }

    /// What the node says of itself.
    pub async fn info(&self) -> Result<Value> {
        let stream = connect(&self.namespace)?;
        let token = std::fs::read_to_string(self.data.join("access-token"))?;
        let shown = format!("Authorization: Bearer {}", token.trim());
        let (status, _, body) = request_over(stream, &authority(), "GET", "/node.json", &[&shown], b"").await;
        ensure!(status == 200, "/node.json answers {status}");
        Ok(serde_json::from_slice(&body)?)
    }

    /// By which way the bytes to another node go, in what a node says of itself; none when they are not connected.
    pub fn path_in(info: &Value, other: PeerId) -> Option<String> {
        let other = other.to_string();
        let connected = info["connected"].as_array().into_iter().flatten();
        let mut paths = connected.filter(|peer| peer["peer"] == other.as_str()).map(|peer| &peer["path"]);
        paths.next().and_then(Value::as_str).map(str::to_owned)
    }

    /// Ends the node without a warning.
    pub async fn kill(mut self) -> Result<()> {
        self.reader.abort();
        self.process.kill().await.context("the node had ended")
    }

    async fn send(&self, frame: ClientFrame) -> Result<()> {
        self.frames.send(frame).await.ok().with_context(|| format!("{}: the client is gone", self.name))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

/// Starts a node in its namespace, with its data in a folder of its name; returns it with its claim link.
pub async fn start(
    name: &str,
    namespace: &str,
    folder: &Path,
    binary: &Path,
    arguments: &[String],
) -> Result<(Child, String)> {
    let data = folder.join(name);
    std::fs::create_dir(&data)?;
    let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
    let mut process = Command::new("ip")
        .args(["netns", "exec", namespace])
        .arg(binary)
        .args(["server", "--no-qr", "-l", &format!("0.0.0.0:{PORT}"), "-d", "--data-dir"])
        .arg(&data)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("the node could not be started")?;
    let mut lines = BufReader::new(process.stdout.take().context("stdout is piped")?).lines();
    let link = timeout(START_TIME, async {
        while let Some(line) = lines.next_line().await? {
            if line.contains("/#claim=") {
                return Ok(line.trim().to_owned());
            }
        }
        bail!("it ended instead of getting ready")
    });
    let link = link.await.context("it does not get ready")??;
    Ok((process, link))
}

async fn converse(mut client: Client, mut inbox: mpsc::Receiver<ClientFrame>, state: Arc<Mutex<State>>) {
    loop {
        let frame = tokio::select! {
            frame = client.whenever() => frame,
            Some(frame) = inbox.recv() => {
                client.send(frame).await;
                continue;
            }
        };
        let Some(frame) = frame else { return };
        let mut state = state.lock().expect("nobody panics while holding it");
        match frame {
            NodeFrame::Batch { events, .. } => {
                for event in events {
                    state.heard.entry(event.content).or_insert_with(Instant::now);
                }
            }
            NodeFrame::Refused { refusal, .. } => state.refused.push(refusal.reason),
            _ => {}
        }
    }
}

fn authority() -> String {
    format!("127.0.0.1:{}", PORT + 1)
}

fn connect(namespace: &str) -> Result<TcpStream> {
    connect_to(namespace, SocketAddr::from((Ipv4Addr::LOCALHOST, PORT + 1)))
}

/// A connection from a namespace to an address.
pub fn connect_to(namespace: &str, address: SocketAddr) -> Result<TcpStream> {
    let stream = topology::connect(namespace, address)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream)?)
}
