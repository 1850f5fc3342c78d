//! A node as people start it: the binary, in a process of its own.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{PATIENCE, until};

/// The binary under test: `NOSTRP2P_BIN`, which `cargo xtask test` sets, or the last release build.
///
/// # Panics
/// When there is none.
pub fn binary() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/nostrp2p");
    let path = std::env::var_os("NOSTRP2P_BIN").map_or_else(built, PathBuf::from);
    assert!(path.exists(), "{} is missing; run these tests by `cargo xtask test`", path.display());
    path
}

/// Ports for each of the tests that run at a time, and how many those may be. Together they stay below 32,768, where
/// systems take the ports of outgoing connections from.
const PORTS: u16 = 2_200;
const PLACES: u16 = 10;

/// A port that is free for TCP and UDP and has a free one after it.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests run side by side, each in a process of its own. The test runner numbers the places in which they run, and
    // each place has its own ports; within them each test begins somewhere else, because what was just used may linger.
    let place = std::env::var("NEXTEST_TEST_GLOBAL_SLOT").ok().and_then(|place| place.parse::<u16>().ok());
    let first = 10_240 + place.unwrap_or(0) % PLACES * PORTS;
    let begin = u16::try_from(std::process::id() % 100).unwrap_or(0) * 20;
    for _ in 0..PORTS / 2 {
        let port = first + (begin + NEXT.fetch_add(2, Ordering::Relaxed)) % PORTS;
        let tcp = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if tcp(port) && tcp(port + 1) && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// What a node logs: the filter, and a folder of its own for the file.
struct Log {
    filter: String,
    folder: TempDir,
}

impl Log {
    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// A running node. It is killed when dropped.
pub struct Node {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    data: TempDir,
    arguments: Vec<String>,
    log: Option<Log>,
    environment: Vec<(String, String)>,
    /// The claim link, for a node that had no owner when it started.
    pub claim_link: Option<String>,
}

impl Node {
    /// Starts a node with a data directory of its own on a free port, and waits until it is ready.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_new(arguments, None, Vec::new()).await
    }

    /// As [`Node::start`], on this port, which [`free_port`] gave, for a node that must know where it is reached.
    pub async fn start_on(port: u16, arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self::start_in(data, port, arguments, None, Vec::new()).await
    }

    /// As [`Node::start_with_log`], with these variables in its environment.
    pub async fn start_in_environment(
        arguments: &[&str],
        filter: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let log = Some(Log { filter: filter.to_owned(), folder });
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Self::start_new(arguments, log, environment.collect()).await
    }

    /// As [`Node::start`], with what this filter (`RUST_LOG`) lets through in [`Node::log`].
    pub async fn start_with_log(arguments: &[&str], filter: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self::start_new(arguments, Some(Log { filter: filter.to_owned(), folder }), Vec::new()).await
    }

    /// As [`Node::start`], with a log of everything that goes into a pipe that nobody reads. It has no [`Node::log`].
    ///
    /// # Panics
    /// When there is no `mkfifo`.
    pub async fn start_with_stuck_log(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let log = Log { filter: "trace".to_owned(), folder };
        let made = Command::new("mkfifo").arg(log.path()).status().await;
        assert!(made.is_ok_and(|status| status.success()), "mkfifo runs");
        Self::start_new(arguments, Some(log), Vec::new()).await
    }

    async fn start_new(arguments: &[&str], log: Option<Log>, environment: Vec<(String, String)>) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self::start_in(data, free_port(), arguments, log, environment).await
    }

    async fn start_in(
        data: TempDir,
        port: u16,
        arguments: Vec<String>,
        log: Option<Log>,
        environment: Vec<(String, String)>,
    ) -> Self {
        Self::start_by(Command::new(binary()), data, port, arguments, log, environment).await
    }

    /// As [`Node::start`], in a view of the machine where these names lead to loopback; none where the system does not allow
    /// that (see [`crate::with_names`]).
    pub async fn start_with_names(names: &[&str], arguments: &[&str]) -> Option<Self> {
        let data = tempfile::tempdir().expect("a temporary directory");
        let (program, before) = crate::with_names(data.path(), names)?;
        let mut command = std::process::Command::new(program);
        command.args(before).arg(binary());
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Some(Self::start_by(command.into(), data, free_port(), arguments, None, Vec::new()).await)
    }

    async fn start_by(
        mut command: Command,
        data: TempDir,
        port: u16,
        arguments: Vec<String>,
        log: Option<Log>,
        environment: Vec<(String, String)>,
    ) -> Self {
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        if let Some(log) = &log {
            // With reading, so that a pipe can be opened that nobody reads.
            let file = std::fs::File::options().create(true).append(true).read(true).open(log.path());
            command.env("RUST_LOG", &log.filter).env("NO_COLOR", "1").stderr(file.expect("a log file"));
        }
        let mut child = command
            .arg("server")
            .args(["--no-qr", "-l", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data.path())
            .args(&arguments)
            .current_dir(data.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut claim_link = None;
        // The last thing that a node says at its start is how to use it.
        loop {
            let line = timeout(PATIENCE, lines.next_line()).await.expect("the node says that it is ready");
            let line = line.expect("the node's output is text");
            let line = line.unwrap_or_else(|| {
                let log = log.as_ref().and_then(|log| std::fs::read_to_string(log.path()).ok());
                panic!("the node ended instead of getting ready: {}", log.unwrap_or_default())
            });
            if line.contains("/#claim=") {
                claim_link = Some(line.trim().to_owned());
            }
            if claim_link.is_some() || line.starts_with("Open http") {
                break;
            }
        }
        Self { child, lines, port, data, arguments, log, environment, claim_link }
    }

    /// `host:port` for clients.
    pub fn clients(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1)
    }

    /// `host:port` for other nodes.
    pub fn nodes(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The links for a node without an owner that tell of this many helpers, once there are so many: the one for this
    /// machine, and the one for elsewhere where the node was told of a page (`--page`).
    ///
    /// # Panics
    /// When there are not so many in time.
    pub async fn links_with_ways(&self, count: usize) -> Vec<String> {
        let path = self.data_dir().join("claim-link");
        until(&format!("{count} ways in the claim link"), || async {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let links: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
            let told = |link: &String| link.matches("&way=").count() == count;
            if !links.is_empty() && links.iter().all(told) { Ok(links) } else { Err(text) }
        })
        .await
    }

    /// The token of the claim link.
    ///
    /// # Panics
    /// When the node has an owner.
    pub fn token(&self) -> [u8; 16] {
        token(self.claim_link.as_ref().expect("a node without an owner"))
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// What a node that was started with [`Node::start_with_log`] has logged so far, over restarts.
    ///
    /// # Panics
    /// When there is no log.
    pub fn log(&self) -> String {
        let log = self.log.as_ref().map(|log| std::fs::read(log.path()));
        let log = log.expect("a node that was started with a log").expect("its file");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id().expect("a running node")
    }

    /// The number of the process.
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Resident memory in KiB, where the system tells (Linux).
    pub fn resident_kib(&self) -> Option<u64> {
        self.memory_kib("VmRSS:")
    }

    /// Sends it a signal, such as `STOP`, after which it does nothing until `CONT`.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "the node had ended by itself");
    }

    /// The next line that the node prints.
    pub async fn next_line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("the node prints something");
        line.expect("the node's output is text").unwrap_or_default()
    }

    /// What the node tells those who read its data directory: status, head and body.
    ///
    /// # Panics
    /// When it does not answer, or has no token.
    pub async fn inside(&self, path: &str) -> (u16, String, Vec<u8>) {
        crate::get(&self.clients(), path, &[&self.token_header()]).await
    }

    /// The `Authorization` header of those who read its data directory.
    ///
    /// # Panics
    /// When it has no token.
    pub fn token_header(&self) -> String {
        let token = std::fs::read_to_string(self.data_dir().join("access-token")).expect("an access token");
        format!("Authorization: Bearer {}", token.trim())
    }

    /// Memory in KiB that is the node's own, without the pages of its program that the system has read in and takes back
    /// when it needs room; where the system tells (Linux).
    pub fn own_kib(&self) -> Option<u64> {
        self.memory_kib("RssAnon:")
    }

    fn memory_kib(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// A number from the node's metrics, with all labels added up; 0 when there is none with this name.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.inside("/metrics").await.2;
        let text = String::from_utf8_lossy(&text);
        let value = |line: &str| {
            let (series, value) = line.split_once(' ')?;
            let series = series.split('{').next()?;
            (series.strip_prefix("nostrp2p_")? == name).then(|| value.parse::<u64>().ok())?
        };
        text.lines().filter_map(value).sum()
    }

    /// Ends the node as Ctrl-C or systemd do, and starts it again on the same port and data.
    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// Ends the node as systemd does, and waits for it.
    ///
    /// # Panics
    /// When it does not end, or not with status 0.
    pub async fn stop(mut self) -> Stopped {
        let id = self.child.id().expect("a running node");
        let killed = Command::new("kill").arg(id.to_string()).status().await.expect("kill runs");
        assert!(killed.success(), "the node had ended by itself");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the node ends when asked");
        assert!(
            status.expect("the node's status").success(),
            "the node ended with {status:?}",
            status = self.child
        );
        self.remembered()
    }

    /// Ends the node without a warning (`kill -9`), and waits for it.
    pub async fn kill(mut self) -> Stopped {
        self.child.kill().await.expect("a running node");
        self.remembered()
    }

    fn remembered(self) -> Stopped {
        let Self { data, port, arguments, log, environment, .. } = self;
        Stopped { data, port, arguments, log, environment }
    }
}

/// The token of a claim link.
pub(crate) fn token(link: &str) -> [u8; 16] {
    let token = link.split_once("#claim=").expect("a claim link").1;
    let token = token.split('&').next().unwrap_or_default();
    hex::decode(token).ok().and_then(|token| token.try_into().ok()).expect("16 bytes in hex")
}

/// The time that a process has computed, in all its threads; None where the system does not tell as Linux does.
pub fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may hold anything, but no later field holds a parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<u32> =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    let [user, system] = ticks[..] else { return None };
    // Linux counts in hundredths of a second.
    Some(Duration::from_millis(10) * (user + system))
}

/// Copies the files of one data directory over those of another, as somebody does who makes a backup or puts it back.
///
/// # Panics
/// When that fails.
pub fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// A node that does not run, with all that it remembers.
pub struct Stopped {
    data: TempDir,
    port: u16,
    arguments: Vec<String>,
    log: Option<Log>,
    environment: Vec<(String, String)>,
}

impl Stopped {
    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Another node with a copy of the data, and so with the same key, on a port of its own.
    pub fn copy(&self) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        copy_files(self.data.path(), data.path());
        let (arguments, environment) = (self.arguments.clone(), self.environment.clone());
        Self { data, port: free_port(), arguments, log: None, environment }
    }

    /// Starts it again.
    pub async fn start(self) -> Node {
        Node::start_in(self.data, self.port, self.arguments, self.log, self.environment).await
    }

    /// Starts it again on another port, as on another machine; see [`Node::start_on`].
    pub async fn start_on(self, port: u16) -> Node {
        Node::start_in(self.data, port, self.arguments, self.log, self.environment).await
    }

    /// Starts it again and kills it (`kill -9`) so soon that it may not be ready yet.
    ///
    /// # Panics
    /// When the binary does not start.
    pub async fn start_and_kill(self, after: Duration) -> Self {
        let mut command = Command::new(binary());
        command.arg("server").args(["--no-qr", "-l", &format!("127.0.0.1:{}", self.port), "--data-dir"]);
        command.arg(self.data.path()).args(&self.arguments).current_dir(self.data.path());
        let mut child = command.stdout(Stdio::null()).kill_on_drop(true).spawn().expect("the binary starts");
        tokio::time::sleep(after).await;
        child.kill().await.expect("a process that was just started");
        self
    }

    /// Starts it again where it is expected to end at once; returns what it says then on its error output.
    ///
    /// # Panics
    /// When it goes on, or ends as if all were well.
    pub async fn start_in_vain(&self) -> String {
        let mut command = Command::new(binary());
        command.arg("server").args(["--no-qr", "-l", &format!("127.0.0.1:{}", self.port), "--data-dir"]);
        command.arg(self.data.path()).args(&self.arguments).current_dir(self.data.path());
        let ended = timeout(PATIENCE, command.kill_on_drop(true).output()).await.expect("the node ends");
        let ended = ended.expect("the binary starts");
        assert!(!ended.status.success(), "it ended as if all were well");
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }

    /// Starts it again with other arguments.
    pub async fn start_with(self, arguments: &[&str]) -> Node {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Node::start_in(self.data, self.port, arguments, self.log, self.environment).await
    }
}
