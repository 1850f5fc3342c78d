//! A node that is started as somebody starts what they have installed: by a command of its own, in a folder of its own.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::PATIENCE;

/// A running node. It is killed when dropped.
pub struct InstalledNode {
    child: Child,
    port: u16,
    claim_link: Option<String>,
}

impl InstalledNode {
    /// Starts a node on this port by a command to which only `server` and its flags are missing, and waits until it is
    /// ready. `data` is its data directory as it sees it.
    ///
    /// # Panics
    /// When it ends instead; with what it said.
    pub async fn start(mut command: Command, port: u16, data: &Path, arguments: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{port}");
        command.args(["server", "--no-qr", "-l", &listen, "--data-dir"]).arg(data).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut claim_link = None;
        loop {
            let line = timeout(PATIENCE, lines.next_line()).await.expect("the node says that it is ready");
            let line = line.expect("the node's output is text");
            let line = line.unwrap_or_else(|| panic!("the node ended instead of getting ready"));
            if line.contains("/#claim=") {
                claim_link = Some(line.trim().to_owned());
            }
            if claim_link.is_some() || line.starts_with("Open http") {
                break;
            }
        }
        // What it says later is read by nobody, and it does not wait for that.
        Self { child, port, claim_link }
    }

    /// `host:port` for other nodes.
    pub fn nodes(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `host:port` for clients.
    pub fn clients(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1)
    }

    /// The token of the claim link.
    ///
    /// # Panics
    /// When the node has an owner.
    pub fn token(&self) -> [u8; 16] {
        crate::node::token(self.claim_link.as_ref().expect("a node without an owner"))
    }

    /// Ends the node as a power cut does, and waits for it.
    ///
    /// # Panics
    /// When it had ended by itself.
    pub async fn kill(mut self) {
        assert!(self.child.try_wait().expect("its status").is_none(), "the node had ended by itself");
        self.child.kill().await.expect("the node is killed");
    }

    /// Ends the node as systemd does, and waits for it.
    ///
    /// # Panics
    /// When it does not end, or not with status 0.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("a running node").to_string();
        let asked = Command::new("kill").arg(id).status().await.expect("kill runs");
        assert!(asked.success(), "the node had ended by itself");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the node ends when asked");
        assert!(status.expect("its status").success(), "the node ended with a failure");
    }
}

/// Whether a program of this name is on the PATH, or where systems keep those of root.
pub fn is_on_path(name: &str) -> bool {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&inherited).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.into_iter().any(|folder| folder.join(name).is_file())
}
