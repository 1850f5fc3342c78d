//! TLS for clients: a listener for `axum::serve` whose handshakes do not wait for each other.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A handshake that takes longer is given up.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Handshakes under way at a time.
const MAX_HANDSHAKES: usize = 64;
/// Connections that are ready and not yet taken.
const READY: usize = 16;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("TLS (-s) needs {file} in the current directory: {reason}")]
pub struct TlsError {
    file: &'static str,
    reason: String,
}

/// Reads `fullchain.pem` and `privkey.pem` from a directory.
///
/// # Errors
/// When one is missing, cannot be read, or does not fit the other.
pub fn configuration(directory: &Path) -> Result<ServerConfig, TlsError> {
    const CHAIN: &str = "fullchain.pem";
    const KEY: &str = "privkey.pem";
    let error = |file, reason: String| TlsError { file, reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(directory.join(CHAIN))
        .and_then(Iterator::collect)
        .map_err(|reason| error(CHAIN, reason.to_string()))?;
    let key =
        PrivateKeyDer::from_pem_file(directory.join(KEY)).map_err(|reason| error(KEY, reason.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|reason| error(CHAIN, reason.to_string()))
}

/// Connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Takes connections of a TCP listener from now on, until this is dropped.
    pub(crate) fn start(listener: TcpListener, configuration: ServerConfig) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY);
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(configuration)), sender));
        Ok(Self { address, ready })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&handshakes).acquire_owned() => permit,
            () = ready.closed() => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let Ok((stream, from)) = accepted else {
            // Out of descriptors, mostly: others are closing meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            // Without it small frames wait for acknowledgements; failing to set it costs only time.
            drop(stream.set_nodelay(true));
            match timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => drop(ready.send((stream, from)).await),
                Ok(Err(error)) => tracing::debug!(%from, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%from, "a TLS handshake took too long"),
            }
            drop(permit);
        });
    }
}
