//! TLS for clients: a listener for `axum::serve` whose handshakes run side by side.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, RwLock, Weak},
    time::{Duration, SystemTime},
};

use axum::serve::Listener as _;
use futures_util::StreamExt as _;
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_acme::{AcmeConfig, caches::DirCache};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    connection_slots::ConnectionSlots,
    own_names::{CertificateNames, SocketEnds},
    settings::{Acme, Tls, TlsFiles},
    tcp::{QuickAck, RetryingListener},
};

/// A handshake that takes longer is given up.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Handshakes under way at a time; when there are as many, the oldest is given up for the next.
const MAX_HANDSHAKES: usize = 64;
/// Connections that are ready and not yet taken.
const READY: usize = 16;

/// How often it is looked whether a certificate was renewed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The protocol of HTTP/1.1 in a handshake (RFC 7301).
const HTTP: &[u8] = b"http/1.1";
/// The protocol by which an authority checks a domain (RFC 8737).
const ACME_CHALLENGE: &[u8] = b"acme-tls/1";

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("TLS (-s) cannot use {}: {reason}; name other files with --tls-cert and --tls-key", file.display())]
pub struct TlsError {
    file: PathBuf,
    reason: String,
}

/// The task that renews certificates.
pub(crate) type Renewal = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How handshakes are answered, from now on: a renewed certificate is used without a restart, as long as the renewal
/// runs. The names of the one that is in use stand in `names`.
///
/// # Errors
/// When a file is missing, cannot be read, or does not fit the other.
pub(crate) fn configuration(
    tls: &Tls,
    data_dir: &Path,
    names: CertificateNames,
) -> Result<(ServerConfig, Renewal), TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError { file: PathBuf::from("ring"), reason: error.to_string() })?
        .with_no_client_auth();
    let (resolver, renewal): (Arc<dyn ResolvesServerCert>, Renewal) = match tls {
        Tls::Files(files) => {
            let resolver = Renewed::read(files.clone(), provider, names)?;
            let renewal = Box::pin(Renewed::watch(Arc::downgrade(&resolver)));
            (resolver, renewal)
        }
        Tls::Acme(acme) => obtain(acme, data_dir),
    };
    let mut configuration = builder.with_cert_resolver(resolver);
    configuration.alpn_protocols = vec![HTTP.to_vec()];
    if matches!(tls, Tls::Acme(_)) {
        configuration.alpn_protocols.push(ACME_CHALLENGE.to_vec());
    }
    Ok((configuration, renewal))
}

/// Reads the chain of a certificate.
///
/// # Errors
/// When the file is missing, cannot be read, or holds none.
pub fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |reason: String| TlsError { file: path.to_owned(), reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|reason| error(reason.to_string()))?;
    if chain.is_empty() { Err(error("it holds no certificate".to_owned())) } else { Ok(chain) }
}

/// Whether the two files can be used.
///
/// # Errors
/// When one is missing, cannot be read, or does not fit the other.
pub fn check(files: &TlsFiles) -> Result<(), TlsError> {
    certified(files, &rustls::crypto::ring::default_provider()).map(drop)
}

/// A certificate that follows its files.
#[derive(Debug)]
struct Renewed {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    names: CertificateNames,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Renewed {
    fn read(
        files: TlsFiles,
        provider: Arc<CryptoProvider>,
        names: CertificateNames,
    ) -> Result<Arc<Self>, TlsError> {
        let first = certified(&files, &provider)?;
        name(&names, &first);
        Ok(Arc::new(Self { files, provider, names, current: RwLock::new(Arc::new(first)) }))
    }

    /// Reads the files again when they have changed. A pair that cannot be used leaves the old one in place: the two
    /// files are not renewed in the same instant.
    async fn watch(resolver: Weak<Self>) {
        let mut seen = resolver.upgrade().map(|resolver| resolver.stamps());
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(resolver) = resolver.upgrade() else { return };
            let now = Some(resolver.stamps());
            if now == seen {
                continue;
            }
            match certified(&resolver.files, &resolver.provider) {
                Ok(renewed) => {
                    name(&resolver.names, &renewed);
                    if let Ok(mut current) = resolver.current.write() {
                        *current = Arc::new(renewed);
                    }
                    tracing::info!(file = %resolver.files.cert.display(), "the certificate was renewed");
                }
                Err(error) => tracing::warn!(%error, "the old certificate stays in use"),
            }
            seen = now;
        }
    }

    fn stamps(&self) -> [Option<SystemTime>; 2] {
        [&self.files.cert, &self.files.key]
            .map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
    }
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.read().ok().map(|current| Arc::clone(&current))
    }
}

/// Notes for which hosts a certificate is.
fn name(names: &CertificateNames, certified: &CertifiedKey) {
    if let Some(own) = certified.cert.first() {
        names.set(own);
    }
}

fn certified(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = chain(&files.cert)?;
    let error = |reason: String| TlsError { file: files.key.clone(), reason };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|reason| error(reason.to_string()))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|reason| error(format!("it does not fit {}: {reason}", files.cert.display())))
}

/// Gets a certificate and renews it. What it gets is kept in the data directory.
fn obtain(acme: &Acme, data_dir: &Path) -> (Arc<dyn ResolvesServerCert>, Renewal) {
    let mut config = AcmeConfig::new(acme.domains.iter())
        .contact(acme.email.iter().map(|email| format!("mailto:{email}")))
        .cache(DirCache::new(data_dir.join("acme")))
        .directory_lets_encrypt(true);
    if let Some(directory) = &acme.directory {
        config = config.directory(directory);
    }
    let mut state = config.state();
    let resolver = state.resolver();
    let renewal = async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(done) => tracing::info!(?done, "ACME"),
                Err(error) => tracing::warn!(?error, "no certificate by ACME yet; trying again later"),
            }
        }
    };
    (resolver, Box::pin(renewal))
}

/// Connections whose handshake is done.
pub(crate) struct TlsListener {
    address: SocketEnds,
    ready: mpsc::Receiver<(TlsStream<QuickAck>, SocketEnds)>,
    /// The tasks that do handshakes and renew certificates. They end with the listener, and the listener with them if
    /// they panic.
    tasks: JoinSet<()>,
}

impl TlsListener {
    /// Takes connections of a TCP listener from now on, until this is dropped.
    pub(crate) fn start(
        listener: RetryingListener,
        (configuration, renewal): (ServerConfig, Renewal),
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, TlsAcceptor::from(Arc::new(configuration)), sender));
        tasks.spawn(renewal);
        Ok(Self { address, ready, tasks })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<QuickAck>;
    type Addr = SocketEnds;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(connection) = self.ready.recv() => return connection,
                Some(ended) = self.tasks.join_next() => pass_on(ended),
                else => std::future::pending().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketEnds> {
        Ok(self.address)
    }
}

/// A panic in a task of the port is one of the port: a node that takes nobody in, or whose certificate runs out in the
/// end, shall say so and not look well.
fn pass_on(ended: Result<(), JoinError>) {
    if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
        std::panic::resume_unwind(panic);
    }
}

async fn accept(
    mut listener: RetryingListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<QuickAck>, SocketEnds)>,
) {
    let handshakes = ConnectionSlots::new(MAX_HANDSHAKES);
    loop {
        let (stream, ends) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let place = tokio::select! {
            place = handshakes.take() => place,
            () = ready.closed() => return,
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let shaken = tokio::select! {
                shaken = timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)) => shaken,
                () = place.seat().sent_away() => return,
            };
            match shaken {
                Ok(Ok(stream)) => {
                    place.seat().work();
                    drop(ready.send((stream, ends)).await);
                }
                Ok(Err(error)) => tracing::debug!(from = %ends.from, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(from = %ends.from, "a TLS handshake took too long"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_the_handshakes_or_the_renewal_is_one_of_the_port() {
        let (_ready, receiver) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        // What ends as it should is not missed.
        tasks.spawn(async {});
        tasks.spawn(async { panic!("the renewal on purpose") });
        let mut listener = TlsListener {
            address: SocketEnds::listening(([127, 0, 0, 1], 0).into()),
            ready: receiver,
            tasks,
        };
        let port = tokio::spawn(async move { drop(listener.accept().await) });
        let panic = port.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the renewal on purpose"));
    }
}
