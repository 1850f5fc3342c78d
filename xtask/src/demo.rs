//! `cargo xtask run --demo`: three nodes joined to each other on loopback, and a link for each.
//!
//! The data stay in `target/demo`, so that the next demo goes on where this one ended.
//! Each node is in a process group of its own: a signal reaches it through us and once only.

use crate::{signals, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const FIRST_PORT: u16 = 20000;
/// Between the ports of two nodes; room for the client port (overlay + 1) and for what is taken.
const PORT_STEP: u16 = 10;
/// How long a node may take to answer; a release build needs well below a second.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long an answering node may still take to print its claim link before it counts as claimed.
const CLAIM_LINK_LIMIT: Duration = Duration::from_secs(2);
/// How long a node may take to end by itself; it has to commit its store.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Starts the three nodes and stays until they end or a signal comes.
pub fn run(workspace: &Workspace, node: &Path, arguments: &[String]) -> Result<ExitCode> {
    let (events, inbox) = mpsc::channel();
    let signalled = events.clone();
    signals::watch(move || drop(signalled.send(Event::Signal)))?;
    let mut demo = Demo { nodes: Vec::new() };
    let mut bootstrap = None;
    let mut from = FIRST_PORT;
    for name in NAMES {
        let port = free_port(from)?;
        from = port + PORT_STEP;
        let folder = workspace.path(&format!("target/demo/{name}"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut server = Command::new(node);
        server.arg("server").arg("--data-dir").arg(&folder).arg("--no-qr");
        server.args(["-l", &format!("127.0.0.1:{port}")]);
        if let Some(first) = bootstrap {
            server.args(["-b", &format!("127.0.0.1:{first}")]);
        }
        server.args(arguments);
        demo.start(name, port, server, &events)?;
        bootstrap.get_or_insert(port);
        if let Some(code) = demo.wait_until_it_answers(&inbox)? {
            return Ok(code);
        }
    }
    demo.print_links();
    Ok(demo.stay(&inbox))
}

/// Everything that may happen while the nodes run.
enum Event {
    /// A line that a node printed.
    Line { node: usize, line: String },
    /// A node closed its standard output, as it does when it ends.
    Closed { node: usize },
    /// We were asked to end.
    Signal,
}

struct Node {
    name: &'static str,
    port: u16,
    child: Child,
    link: Option<String>,
}

/// The running nodes; those that still run when it is dropped are killed.
struct Demo {
    nodes: Vec<Node>,
}

impl Demo {
    fn start(
        &mut self,
        name: &'static str,
        port: u16,
        mut server: Command,
        events: &Sender<Event>,
    ) -> Result<()> {
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut server, 0);
        let mut child = server.spawn().with_context(|| format!("{name}'s node could not be started"))?;
        let node = self.nodes.len();
        let output = child.stdout.take().context("a node has no output")?;
        let errors = child.stderr.take().context("a node has no error output")?;
        self.nodes.push(Node { name, port, child, link: None });
        let sender = events.clone();
        thread::spawn(move || {
            forward(output, node, &sender);
            drop(sender.send(Event::Closed { node }));
        });
        let sender = events.clone();
        thread::spawn(move || forward(errors, node, &sender));
        Ok(())
    }

    /// Until the node started last accepts clients and has printed its claim link, if it has one to print.
    /// Gives the exit code if everything has to end instead.
    fn wait_until_it_answers(&mut self, inbox: &Receiver<Event>) -> Result<Option<ExitCode>> {
        let started = Instant::now();
        let mut answered = None;
        loop {
            if let Some(code) = self.on_next_event(inbox, Duration::from_millis(50)) {
                return Ok(Some(code));
            }
            let node = self.nodes.last().context("no node was started")?;
            if answered.is_none() && TcpStream::connect((Ipv4Addr::LOCALHOST, node.port + 1)).is_ok() {
                answered = Some(Instant::now());
            }
            match answered {
                Some(since) if node.link.is_some() || since.elapsed() > CLAIM_LINK_LIMIT => return Ok(None),
                None if started.elapsed() > START_LIMIT => bail!(
                    "{}'s node does not answer on port {} after {} seconds",
                    node.name,
                    node.port + 1,
                    START_LIMIT.as_secs()
                ),
                _ => {}
            }
        }
    }

    fn print_links(&self) {
        println!("\nThree nodes are running, joined to each other. Open each link in a tab of its own:\n");
        for node in &self.nodes {
            let known = format!("http://127.0.0.1:{}/   (claimed in an earlier demo)", node.port + 1);
            println!("  {:<6} {}", node.name, node.link.as_ref().unwrap_or(&known));
        }
        println!("\nCtrl-C ends all three. Their data are in target/demo; delete it to begin afresh.\n");
    }

    fn stay(&mut self, inbox: &Receiver<Event>) -> ExitCode {
        loop {
            if let Some(code) = self.on_next_event(inbox, Duration::from_secs(1)) {
                return code;
            }
        }
    }

    /// Handles at most one event; gives the exit code once all nodes have ended.
    fn on_next_event(&mut self, inbox: &Receiver<Event>, patience: Duration) -> Option<ExitCode> {
        match inbox.recv_timeout(patience) {
            Ok(Event::Line { node, line }) => {
                self.on_line(node, &line);
                None
            }
            Ok(Event::Closed { node }) => {
                let name = self.nodes.get(node).map_or("a", |node| node.name);
                println!("{name}: ended; ending the others");
                Some(self.end(inbox))
            }
            Ok(Event::Signal) => {
                println!("\nending the three nodes");
                Some(self.end(inbox))
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(self.end(inbox)),
        }
    }

    fn on_line(&mut self, node: usize, line: &str) {
        let Some(node) = self.nodes.get_mut(node) else {
            return;
        };
        match line.split_whitespace().find(|word| word.contains("#claim=")) {
            Some(link) => node.link = Some(link.to_string()),
            None => println!("{}: {line}", node.name),
        }
    }

    /// Asks every node to end, waits for it, and gives failure if one did not end well.
    fn end(&mut self, inbox: &Receiver<Event>) -> ExitCode {
        for node in &self.nodes {
            // One that cannot be asked has ended already.
            signals::ask_to_end(&node.child);
        }
        let deadline = Instant::now() + END_LIMIT;
        let mut well = true;
        for node in &mut self.nodes {
            loop {
                match node.child.try_wait() {
                    Ok(Some(status)) => {
                        well &= status.success();
                        break;
                    }
                    Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                    _ => {
                        println!("{}: still running after {} s, killed", node.name, END_LIMIT.as_secs());
                        well = false;
                        node.kill();
                        break;
                    }
                }
            }
        }
        while let Ok(event) = inbox.try_recv() {
            if let Event::Line { node, line } = event {
                self.on_line(node, &line);
            }
        }
        if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Node {
    fn kill(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }
}

fn forward(output: impl Read, node: usize, events: &Sender<Event>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if events.send(Event::Line { node, line }).is_err() {
            return;
        }
    }
}

/// The first port from `from` on that is free, for TCP and QUIC, together with the one after it.
fn free_port(from: u16) -> Result<u16> {
    let free = |port: u16| {
        let here = |port| (Ipv4Addr::LOCALHOST, port);
        TcpListener::bind(here(port)).is_ok()
            && UdpSocket::bind(here(port)).is_ok()
            && TcpListener::bind(here(port + 1)).is_ok()
    };
    (from..from.saturating_add(1000))
        .step_by(usize::from(PORT_STEP))
        .find(|port| free(*port))
        .with_context(|| format!("no free ports from {from} on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_are_taken_are_passed_over_even_if_only_the_second_is() {
        let from = 24000;
        let taken = free_port(from).unwrap();
        let _client_port = TcpListener::bind((Ipv4Addr::LOCALHOST, taken + 1)).unwrap();
        assert!(free_port(taken).unwrap() >= taken + PORT_STEP);
    }
}
