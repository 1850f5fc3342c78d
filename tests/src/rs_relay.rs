//! nostr-rs-relay, a relay that many people run: `cargo install nostr-rs-relay`, without `--locked`; it needs
//! protobuf-compiler and takes some minutes, so tests use it where it is.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{free_port, until};

/// A relay with a folder of its own. It ends when it is dropped.
pub struct RsRelay {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl RsRelay {
    /// The program, if it is there: `NOSTR_RS_RELAY` names it, or it lies in `target/tools/bin`.
    pub fn program() -> Option<PathBuf> {
        installed("nostr-rs-relay", "NOSTR_RS_RELAY")
    }

    /// Starts one with an empty store.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let text =
            format!("[network]\naddress = \"127.0.0.1\"\nport = {port}\n[logging]\nfolder_path = \".\"\n");
        std::fs::write(folder.path().join("config.toml"), text).expect("room for its settings");
        let mut relay = Self { program: program.to_owned(), folder, port, process: None };
        relay.run().await;
        relay
    }

    /// Starts it again on what it has stored.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn run(&mut self) {
        let folder = self.folder.path();
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(folder.join("config.toml")).arg("--db").arg(folder).current_dir(folder);
        command.env("RUST_LOG", "error").stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        self.process = Some(command.spawn().expect("it starts"));
        let port = self.port;
        until("nostr-rs-relay to listen", || TcpStream::connect(("127.0.0.1", port))).await;
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn stop(&mut self) {
        self.process.take().expect("it runs").kill().await.expect("it ends");
    }

    /// Where it listens: `ws://host:port`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.authority())
    }

    /// The same without the scheme.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process(&self) -> u32 {
        self.process.as_ref().and_then(Child::id).expect("it runs")
    }
}

/// A program that is no part of this workspace: the variable names it, or `cargo install --root target/tools` has made it.
pub fn installed(name: &str, variable: &str) -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin").join(name);
    let path = std::env::var_os(variable).map_or(built, PathBuf::from);
    path.exists().then_some(path)
}
