//! The people of the soak: everybody has a key, a node, and a client that is signed in.

use std::{
    net::{TcpListener, UdpSocket},
    path::Path,
};

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Client, FakeClock, Node, Stopped, free_port, random_key};
use tempfile::TempDir;

/// What happens to whom: places in the town. The first one runs all the time, and the others know each other by it.
pub const DEAD_ADDRESSES: usize = 1;
/// Two nodes of one person; the second is put back from a backup.
pub const AT_HOME: usize = 2;
pub const RESTORED: usize = 3;
pub const WRONG_CLOCK: usize = 4;
pub const COPIED: usize = 5;
pub const CUT_OFF: usize = 6;
/// From here on they are stopped and killed.
pub const FIRST_RESTLESS: usize = 7;
/// Fewer are not enough for all that happens.
pub const FEWEST: u64 = 9;

/// Addresses at which nobody ever finishes a handshake.
const DEAD: u8 = 60;

pub struct Resident {
    pub key: SecretKey,
    pub state: State,
    /// Whether its log can be read.
    has_log: bool,
}

pub enum State {
    Here(Box<Node>, Box<Client>),
    /// It runs, and nobody is signed in.
    Alone(Box<Node>),
    Away(Stopped),
    /// While it changes.
    Between,
}

impl Resident {
    /// Takes the node out of its place, to stop it or to start it.
    pub fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Between)
    }

    pub const fn node(&self) -> Option<&Node> {
        match &self.state {
            State::Here(node, _) | State::Alone(node) => Some(node),
            State::Away(_) | State::Between => None,
        }
    }

    pub fn log(&self) -> String {
        self.node().filter(|_| self.has_log).map_or_else(String::new, Node::log)
    }

    /// Ends its node as systemd does, if it runs.
    pub async fn stop(&mut self) {
        self.state = match self.take() {
            State::Here(node, client) => {
                drop(client);
                State::Away(node.stop().await)
            }
            State::Alone(node) => State::Away(node.stop().await),
            away => away,
        };
    }

    /// Starts its node again and signs in, if it does not run.
    pub async fn come_back(&mut self) {
        let node = match self.take() {
            State::Away(stopped) => stopped.start().await,
            State::Alone(node) => *node,
            here => return self.state = here,
        };
        self.sign_in(node).await;
    }

    /// Signs in to its node, which runs.
    pub async fn sign_in(&mut self, node: Node) {
        let client = Client::login(&node.clients(), &self.key).await;
        self.state = State::Here(Box::new(node), Box::new(client));
    }
}

/// The town with what it is made of: all of it lives as long as the nodes.
pub struct Town {
    pub residents: Vec<Resident>,
    pub clock: Option<FakeClock>,
    _folder: TempDir,
    _dead: TcpListener,
}

/// Everybody moves in, joined to the first. `names` are names that no resolver finds.
pub async fn found(count: usize, names: &[String]) -> Town {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let clock = FakeClock::new(folder.path());
    // What connects is never taken, and so the handshake never goes on.
    let dead = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = dead.local_addr().expect("an address").port();
    let mut residents: Vec<Resident> = Vec::new();
    for place in 0..count {
        let key = match residents.get(AT_HOME) {
            Some(at_home) if place == RESTORED => at_home.key.clone(),
            _ => random_key(),
        };
        let mut addresses: Vec<String> = names.to_vec();
        if place == DEAD_ADDRESSES {
            addresses.extend((1..=DEAD).map(|last| format!("127.0.77.{last}:{port}")));
        }
        addresses.extend(residents.first().and_then(Resident::node).map(Node::nodes));
        let arguments: Vec<&str> = addresses.iter().flat_map(|address| ["-b", address]).collect();
        let node = match &clock {
            _ if place == DEAD_ADDRESSES => Node::start_with_stuck_log(&arguments).await,
            Some(clock) if place == WRONG_CLOCK => {
                let environment = clock.environment();
                let environment: Vec<(&str, &str)> =
                    environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                Node::start_in_environment(&arguments, "warn", &environment).await
            }
            _ => Node::start_with_log(&arguments, "warn").await,
        };
        let mut client = Client::claim(&node.clients(), node.token(), &key).await;
        client.delegate(&key).await;
        let state = State::Here(Box::new(node), Box::new(client));
        residents.push(Resident { key, state, has_log: place != DEAD_ADDRESSES });
    }
    Town { residents, clock, _folder: folder, _dead: dead }
}

/// A name server that swallows every question, in the place of the system's for this process and its children: the program
/// runs itself again in a file system of its own. None where that cannot be, or when it is done.
pub fn with_dead_resolver() -> Option<std::process::ExitStatus> {
    const DONE: &str = "NOSTRP2P_SOAK_RESOLVER";
    const SERVER: &str = "127.0.0.66";
    if std::env::var_os(DONE).is_some() {
        return None;
    }
    let _swallows = UdpSocket::bind((SERVER, 53)).ok()?;
    let folder = tempfile::tempdir().ok()?;
    let file = folder.path().join("resolv.conf");
    std::fs::write(&file, format!("nameserver {SERVER}\noptions timeout:30 attempts:3\n")).ok()?;
    let run = |command: &str, program: &Path| {
        let mut inside = std::process::Command::new("unshare");
        inside.args(["--mount", "sh", "-c", &format!("mount --bind \"$0\" /etc/resolv.conf && {command}")]);
        inside.arg(&file).arg(program).args(std::env::args_os().skip(1)).env(DONE, "1");
        inside.status().ok()
    };
    let program = std::env::current_exe().ok()?;
    run("true", &program).filter(std::process::ExitStatus::success)?;
    run("exec \"$@\"", &program)
}

/// Names that take as long as the resolver lets them.
pub fn unknown_names() -> Vec<String> {
    let found = std::env::var_os("NOSTRP2P_SOAK_RESOLVER").map(|_| free_port());
    found.map_or_else(Vec::new, |port| {
        (0..8).map(|name| format!("node{name}.swallowed.example:{port}")).collect()
    })
}
