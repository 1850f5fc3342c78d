//! A node in a network namespace of its own, which the test connects and disconnects as it likes.

use std::{
    fs::File,
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary;

const LISTEN: &str = "0.0.0.0:20000";

/// A network namespace, which is deleted at the end, and the node in it.
#[derive(Debug)]
pub struct NetworkEnd {
    namespace: String,
    data: TempDir,
    node: Option<Child>,
}

impl NetworkEnd {
    /// Makes a namespace; None where there can be none, because that needs root and `ip`. The name tells those of one
    /// test apart.
    ///
    /// # Panics
    /// When there can be no temporary directory.
    pub fn new(name: &str) -> Option<Self> {
        let namespace = format!("np2p-{name}-{}", std::process::id());
        let data = tempfile::tempdir().expect("a temporary directory");
        run(&["ip", "netns", "add", &namespace]).then_some(Self { namespace, data, node: None })
    }

    /// Two namespaces on one cable, called `lan` at both ends: 10.78.0.1 and 10.78.0.2. None where there can be none.
    ///
    /// # Panics
    /// When the cable cannot be laid.
    pub fn on_one_cable(here: &str, there: &str) -> Option<(Self, Self)> {
        let (here, there) = (Self::new(here)?, Self::new(there)?);
        let cable = "ip link add lan type veth peer lan netns";
        assert!(here.inside(&[&words(cable)[..], &[there.namespace()]].concat()));
        for (end, address) in [(&here, "10.78.0.1/24"), (&there, "10.78.0.2/24")] {
            assert!(end.inside(&words("ip link set lo up")));
            assert!(end.inside(&["ip", "addr", "add", address, "dev", "lan"]));
            assert!(end.inside(&words("ip link set lan up")));
        }
        Some((here, there))
    }

    /// Runs this in a thread of its own inside the namespace, where `127.0.0.1:20001` is its node for clients.
    ///
    /// # Panics
    /// When the namespace cannot be entered, and when what runs there panics.
    pub fn within<F: Future<Output = ()>>(&self, make: impl FnOnce() -> F + Send) {
        let namespace = File::open(format!("/run/netns/{}", self.namespace)).expect("the namespace is there");
        let enter = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the namespace can be entered");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(make());
        };
        thread::scope(|scope| scope.spawn(enter).join().expect("it comes to its end"));
    }

    /// What `ip` calls it.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Runs a command in it; says whether that succeeded.
    pub fn inside(&self, words: &[&str]) -> bool {
        run(&[&["ip", "netns", "exec", &self.namespace], words].concat())
    }

    fn node(&self, command: &str, more: &[&str]) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.namespace]).arg(binary()).args([command, "-l", LISTEN]);
        inside.arg("--data-dir").arg(self.data.path()).args(more).stdin(Stdio::null()).stderr(Stdio::null());
        inside
    }

    /// Starts a node in it, at port 20000 of all its addresses.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&mut self, more: &[&str]) {
        let more = [&["--no-qr", "--upnp", "false"], more].concat();
        let child = self.node("server", &more).stdout(Stdio::null()).spawn();
        self.node = Some(child.expect("the node starts"));
    }

    /// The machine loses power: the node ends, and nobody hears of it, because its connections say nothing any more.
    ///
    /// # Panics
    /// When there is no node, and when packets cannot be held back.
    pub fn lose_power(&mut self) {
        for rule in [
            "add table inet power",
            "add chain inet power out { type filter hook output priority 0 ; }",
            "add rule inet power out oifname lan tcp flags & (fin | rst) != 0 drop",
        ] {
            assert!(self.inside(&[&["nft"], &words(rule)[..]].concat()), "{rule}");
        }
        let mut node = self.node.take().expect("a node runs");
        node.kill().expect("it can be killed");
        node.wait().expect("it ends");
        // A machine that starts again knows of no connection of before.
        assert!(
            self.inside(&["ss", "-K", "dport", "=", ":20000"])
                && self.inside(&["ss", "-K", "sport", "=", ":20000"])
        );
    }

    /// From now on the machine resets the connections of before when something comes on them, as a machine does that has
    /// started again.
    ///
    /// # Panics
    /// When the rules of [`NetworkEnd::lose_power`] cannot be taken back.
    pub fn reset_what_it_does_not_know(&self) {
        assert!(self.inside(&["nft", "delete", "table", "inet", "power"]));
    }

    /// What the node says of itself.
    ///
    /// # Errors
    /// When it does not answer yet.
    pub fn status(&self) -> Result<Value, String> {
        let asked = self.node("status", &["--json"]).output().map_err(|error| error.to_string())?;
        serde_json::from_slice(&asked.stdout).map_err(|error| error.to_string())
    }

    /// The same once the node has so many peers.
    ///
    /// # Errors
    /// What it says as long as it has others.
    pub fn with_peers(&self, peers: u64) -> Result<Value, String> {
        let status = self.status()?;
        if status["peers"] == peers { Ok(status) } else { Err(status.to_string()) }
    }
}

impl Drop for NetworkEnd {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            // It may have ended.
            let _ended = node.kill();
            let _status = node.wait();
        }
        run(&["ip", "netns", "del", &self.namespace]);
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

fn run(words: &[&str]) -> bool {
    let (program, arguments) = words.split_first().expect("a program");
    let done = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}
