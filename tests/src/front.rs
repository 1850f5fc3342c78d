//! What stands before a helper and takes TLS off, as nginx would; it keeps all that passes, which is all that the helper
//! sees, or leads clients to another node than they want.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::PeerId;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    accept_hdr_async, connect_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

use crate::Certificate;

/// A front on loopback. It ends when it is dropped.
pub struct Front {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What a front does to what clients say after they have signed in: from the fourth message of each session on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tamper {
    /// Nothing.
    #[default]
    No,
    /// One bit of it is turned.
    Alter,
    /// It is sent twice.
    Repeat,
    /// Its last byte is cut off.
    Cut,
    /// The fourth message is left out, and the next ones go.
    Withhold,
}

impl Tamper {
    /// What becomes of a message.
    fn at(self, number: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        match self {
            _ if number < 3 => vec![bytes],
            Self::No => vec![bytes],
            Self::Alter => {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                vec![bytes]
            }
            Self::Repeat => vec![bytes.clone(), bytes],
            Self::Cut => {
                bytes.pop();
                vec![bytes]
            }
            Self::Withhold if number == 3 => vec![],
            Self::Withhold => vec![bytes],
        }
    }
}

#[derive(Default)]
struct Shared {
    tls: Option<TlsAcceptor>,
    helper: OnceLock<String>,
    lie: OnceLock<PeerId>,
    passed: Mutex<Vec<Vec<u8>>>,
    tamper: Mutex<Tamper>,
    compares_not: AtomicBool,
}

impl Front {
    /// Begins to listen, with TLS if there is a certificate.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(certificate: Option<&Certificate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared { tls: certificate.map(Certificate::acceptor), ..Shared::default() });
        let kept = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&kept);
                // Whoever goes away in the middle is no trouble of the test.
                tokio::spawn(async move { shared.take(stream).await });
            }
        });
        Self { port, shared, task }
    }

    /// Where clients find it: `wss://localhost:port`, or `ws://...` without TLS.
    pub fn address(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// The helper behind it: `host:port` for clients.
    ///
    /// # Panics
    /// When it has one already.
    pub fn lead_to(&self, helper: &str) {
        self.shared.helper.set(helper.to_owned()).expect("no helper yet");
    }

    /// From now on it leads whoever wants to any node to this one.
    ///
    /// # Panics
    /// When it lies already.
    pub fn lie(&self, peer: PeerId) {
        self.shared.lie.set(peer).expect("no lie yet");
    }

    /// What it does from now on to what clients say.
    pub fn tamper(&self, how: Tamper) {
        *self.shared.tamper.lock().unwrap_or_else(PoisonError::into_inner) = how;
    }

    /// From now on a relay behind it does not know NIP-77, and cannot be reached while it is away.
    pub fn compare_not(&self) {
        self.shared.compares_not.store(true, Ordering::Relaxed);
    }

    /// What has passed: the path of each session, and each message of both sides.
    pub fn passed(&self) -> Vec<Vec<u8>> {
        self.shared.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn take(&self, stream: TcpStream) -> Option<()> {
        match &self.tls {
            Some(tls) => self.carry(tls.accept(stream).await.ok()?).await,
            None => self.carry(stream).await,
        }
    }

    async fn carry(&self, stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> Option<()> {
        let compares_not = self.compares_not.load(Ordering::Relaxed);
        if compares_not {
            drop(TcpStream::connect(self.helper.get()?).await.ok()?);
        }
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the library says what a callback returns")]
        let read = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            request.uri().path().clone_into(&mut path);
            Ok(response)
        };
        let mut client = accept_hdr_async(stream, read).await.ok()?;
        self.keep(path.as_bytes());
        if let Some(peer) = self.lie.get() {
            path = format!("/to/{peer}");
        }
        let helper = self.helper.get()?;
        let (mut helper, _) = connect_async(format!("ws://{helper}{path}")).await.ok()?;
        let mut said = 0;
        loop {
            let (message, to_client) = tokio::select! {
                message = client.next() => (message, false),
                message = helper.next() => (message, true),
            };
            let message = message?.ok()?;
            if let Message::Binary(bytes) = &message {
                self.keep(bytes);
            }
            match (message, to_client) {
                // Each side answers for itself.
                (Message::Ping(_) | Message::Pong(_), _) => {}
                (message, true) => client.send(message).await.ok()?,
                (Message::Text(text), false) if compares_not && text.starts_with("[\"NEG-") => {
                    client.send(Message::text("[\"NOTICE\",\"unknown\"]")).await.ok()?;
                }
                (Message::Binary(bytes), false) => {
                    let tamper = *self.tamper.lock().unwrap_or_else(PoisonError::into_inner);
                    for bytes in tamper.at(said, &bytes) {
                        helper.send(Message::Binary(bytes.into())).await.ok()?;
                    }
                    said += 1;
                }
                (message, false) => helper.send(message).await.ok()?,
            }
        }
    }

    fn keep(&self, bytes: &[u8]) {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.to_vec());
    }
}
