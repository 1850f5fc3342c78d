//! TLS before a server that speaks none, and a machine of which names lead to loopback.

use std::{net::Ipv4Addr, path::PathBuf};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::Certificate;

/// Takes TLS off connections and hands what is in them to a port of this machine, until it is dropped.
pub struct TlsFront {
    port: u16,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Begins to listen.
    ///
    /// # Panics
    /// When the system gives it no port.
    pub async fn start(certificate: &Certificate, behind: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let acceptor = certificate.acceptor();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await else {
                        return;
                    };
                    // It ends when either side does.
                    let _bytes = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self { port, task }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Which program runs another one in a view of the machine where these names lead to loopback, and its arguments before
/// those of the other; none where the system does not allow that (it needs root and Linux).
pub fn with_names(folder: &std::path::Path, names: &[&str]) -> Option<(PathBuf, Vec<String>)> {
    let hosts = folder.join("hosts");
    let lines: String = names.iter().map(|name| format!("127.0.0.1 {name}\n")).collect();
    std::fs::write(&hosts, format!("127.0.0.1 localhost\n{lines}")).expect("a folder");
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let arguments = ["--mount", "sh", "-c", script, &hosts.to_string_lossy()].map(str::to_owned);
    let tried = std::process::Command::new("unshare").args(&arguments).arg("true").output();
    tried.is_ok_and(|tried| tried.status.success()).then(|| (PathBuf::from("unshare"), arguments.into()))
}
