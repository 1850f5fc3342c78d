//! A running node: opens all parts in order, connects them, and closes them in order.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, LocalBoxFuture},
    stream::FuturesUnordered,
};
use nostrp2p_bridge::Policy;
use nostrp2p_core::{NodeKey, Ownership};
use nostrp2p_overlay::{Listen, MissingPart, NodeSecret, Overlay, StartError};
use nostrp2p_protocol::{PeerId, PublicKey, channel::ChannelSecret};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    access_token::AccessToken,
    claim,
    claim_link::ClaimLink,
    data_dir,
    data_dir::DataDirError,
    delegated,
    driver::Driver,
    http::{self, App, ClientLimits, RefusedPages, Relay, Rest},
    log::Log,
    mirror,
    node_status::OpenWays,
    own_names::OwnNames,
    permissions::Permissions,
    settings::{Settings, Tls},
    stop::{self, Stop, Stopper},
    store::{OpenError, Store, Writer},
    tcp::{FdExhausted, RetryingListener},
    tls::{self, TlsListener},
};

/// How long clients get to hear that the node is stopping.
const GOODBYE: Duration = Duration::from_secs(3);

/// Why a node does not run. Each is one sentence: what, why, what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store in it.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store cannot be read or written.
    #[error("the store cannot be used: {0}; check the disk")]
    Disk(String),
    /// `-p` names somebody else than the owner.
    #[error(
        "this node belongs to {stored}, and -p names {given}; leave -p out, or give the other person an own --data-dir"
    )]
    OtherOwner {
        /// The owner of the store.
        stored: String,
        /// The key of `-p`.
        given: String,
    },
    /// The port for other nodes.
    #[error(transparent)]
    Overlay(#[from] StartError),
    /// The port for clients.
    #[error(
        "cannot listen for clients on {address}: {error}; clients use the port after the one of -l, so give another -l, or stop the program that has it"
    )]
    Clients {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// TLS.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The certificates by which relays are checked.
    #[error(transparent)]
    Mirror(#[from] mirror::TrustError),
    /// The system has no random numbers.
    #[error("the system has no random numbers for a claim link")]
    Random,
    /// A part stopped by itself.
    #[error(
        "a part of the node broke ({0}); this is a fault of the program, please report it, and start the node again"
    )]
    Broken(String),
}

/// Runs a node until `shutdown` completes. `terminal` gets the lines that a person should read.
///
/// In a box, for else the node would be compiled once more where it is run.
///
/// # Errors
/// When something cannot be opened, or the overlay breaks.
pub fn run(
    settings: Settings,
    shutdown: BoxFuture<'static, ()>,
    terminal: Log,
) -> LocalBoxFuture<'static, Result<(), RunError>> {
    open_and_run(settings, shutdown, move |text: &str| terminal.say(text)).boxed_local()
}

async fn open_and_run(
    settings: Settings,
    shutdown: BoxFuture<'static, ()>,
    say: impl Fn(&str) + Send + Sync + Clone + 'static,
) -> Result<(), RunError> {
    data_dir::prepare(&settings.data_dir)?;
    if let Some(first) = data_dir::tighten(&settings.data_dir).first() {
        say(&format!(
            "WARNING: other users of this machine can read {}, and the system does not let the node change that; put \
             the data directory where file modes hold, or let nobody else use this machine.",
            first.display()
        ));
    }
    for sentence in settings.unused() {
        say(&format!("WARNING: {sentence}."));
    }
    let directory = settings.data_dir.clone();
    let (retention, cache) = (settings.retention, settings.cache);
    let opened = spawn_blocking(move || Store::open_with(&directory, retention, cache)).await;
    let (store, writer) = opened.map_err(|error| RunError::Disk(error.to_string()))??;
    let result = run_open(settings, shutdown, say, &store, writer).await;
    tracing::info!("stopped");
    result
}

async fn run_open(
    settings: Settings,
    shutdown: BoxFuture<'static, ()>,
    say: impl Fn(&str) + Send + Sync + Clone + 'static,
    store: &Store,
    writer: Writer,
) -> Result<(), RunError> {
    // A node that was killed could not take it away.
    claim::keep(&settings.data_dir, None);
    let ownership = ownership(&settings, store, &writer).await?;
    let secret = data_dir::node_secret(&settings.data_dir)?;
    let (overlay, events) = nostrp2p_overlay::start(overlay_settings(&settings, secret.clone())).await?;
    let names = own_names(&settings, store)?;
    let listeners = listen_for_clients(&settings).await?;
    let clients = address_for_clients(&settings, &listeners);

    let (stopper, stop) = stop::channel();
    let channel_secret = Arc::new(ChannelSecret::derive(secret.as_bytes()));
    let open_ways = first_ways(&settings, &channel_secret);
    let claim_link = claim_link(&say, &settings, clients, overlay.peer_id(), (&ownership, &open_ways));
    let link = Arc::clone(&claim_link);
    let driver = Driver {
        overlay: overlay.clone(),
        events,
        key: node_key(&secret),
        helper: settings.home.help_others.clone(),
        tunnels: settings.home.limits,
        store: store.clone(),
        writer,
        ownership: ownership.clone(),
        claim_seconds: settings.claim_seconds,
        on_claim: Box::new(move |claim, ways| link.tell(claim, ways)),
        read_only: !settings.writable,
        inbox: settings.inbox,
        markers: store.markers().map_err(|error| RunError::Disk(error.to_string()))?,
        seeks_ways: settings.home.help_me && settings.home.help_others.is_none(),
        open_ways: open_ways.clone(),
    };
    let (reports, task) = driver.run(stop.clone());
    let task = tokio::spawn(task);
    let (mirrors, mirroring) =
        mirror::start(&settings, store.clone(), &reports, names.clone(), stop.clone())?;
    let app = App {
        commands: reports.commands,
        node_status: reports.node_status,
        deliveries: reports.deliveries,
        markers: reports.markers,
        ways: reports.ways.clone(),
        lends: settings.home.help_others.is_some(),
        counters: reports.counters,
        stop: stop.clone(),
        store: store.clone(),
        peer: overlay.peer_id(),
        secret: Arc::new(secret),
        channel: channel_secret,
        overlay: overlay.clone(),
        started: Instant::now(),
        names,
        refused_pages: RefusedPages::default(),
        token: AccessToken::read_or_make(&settings.data_dir)?,
        sessions: App::sessions(),
        client_limits: ClientLimits::default(),
        public_read: settings.public_read,
        mirrors,
        rest: Rest::new(&settings.data_dir, settings.legacy_rest, settings.public_read),
        person_names: settings.person_names.clone().into(),
        relay: Relay::new(policy(&settings)),
    };
    let visits = overlay.accept_homes().await;
    let home = tokio::spawn(http::tunnel::client::serve(app.clone(), visits, reports.ways));
    let parts = parts([("the way home", Some(home)), ("the mirrors", mirroring)]);
    let server = serve(listeners, &settings, app, stop)?;

    say(&greeting(&settings, &overlay, clients).await);
    if let Ownership::Owned(owner) = &ownership {
        let page = claim::address(clients, settings.tls.is_some());
        say_whose(&say, store, owner, &overlay.peer_id(), &page);
    }
    claim_link.begin();
    let result = wait_and_close(shutdown, task, server, parts, stopper, overlay, store).await;
    claim::keep(&settings.data_dir, None);
    result
}

/// The ways to this node before any helper is known: it is one itself, if it helps others.
fn first_ways(settings: &Settings, secret: &ChannelSecret) -> OpenWays {
    let addresses = settings.home.help_others.clone().into_iter().collect();
    OpenWays { key: secret.key(), addresses, ways: vec![] }
}

/// What the relay allows clients that have not signed in.
const fn policy(settings: &Settings) -> Policy {
    Policy { public_read: settings.public_read, open: settings.open_relay, inbox: settings.inbox }
}

/// Says whose node it is, what its owner has to do, and where the page is.
fn say_whose(say: &impl Fn(&str), store: &Store, owner: &PublicKey, peer: &PeerId, page: &str) {
    say(&format!("This node belongs to {}.", owner.to_npub()));
    let found = delegated::find(store, *owner, peer);
    if !found.is_ok_and(|found| found.is_some()) {
        say(delegated::ADVICE);
    }
    say(&format!("Open {page} to use it."));
}

/// The key that signs the node's announcements.
fn node_key(secret: &NodeSecret) -> NodeKey {
    let signer = secret.clone();
    NodeKey {
        peer: secret.peer_id(),
        sign: Box::new(move |message| signer.sign(message)),
        verify: nostrp2p_overlay::verify,
    }
}

/// The names of the node, and whose pages it takes: what the settings say, and what its owner has decided.
fn own_names(settings: &Settings, store: &Store) -> Result<OwnNames, RunError> {
    let confirmed = store.own_names().map_err(|error| RunError::Disk(error.to_string()))?;
    let permissions = store.permissions().map_err(|error| RunError::Disk(error.to_string()))?;
    let names =
        OwnNames::new(settings.own_hosts(), settings.pages.clone(), settings.tls.is_some(), confirmed);
    let permissions = Permissions::new(permissions).with_replies(settings.public_replies);
    Ok(names.with_permissions(permissions))
}

/// The link of a node that has no owner yet; it waits until the node has said what it is.
fn claim_link<S: Fn(&str) + Clone>(
    say: &S,
    settings: &Settings,
    clients: SocketAddr,
    peer: PeerId,
    (ownership, ways): (&Ownership, &OpenWays),
) -> Arc<ClaimLink<S>> {
    let claim = match ownership {
        Ownership::Owned(_) => None,
        Ownership::Unclaimed(claim) => Some((claim.clone(), ways.clone())),
    };
    Arc::new(ClaimLink::new(say.clone(), settings, clients, peer, claim))
}

/// Adds IPv4 to `[::]`, which means all addresses of the machine, while libp2p takes it for IPv6 alone. Not with port
/// 0, for which the system would choose another port.
fn with_ipv4(mut given: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_any_v6 = |address: &&SocketAddr| address.is_ipv6() && address.ip().is_unspecified();
    let ports: Vec<u16> =
        given.iter().filter(is_any_v6).map(SocketAddr::port).filter(|port| *port != 0).collect();
    for port in ports {
        if !given.iter().any(|address| address.is_ipv4() && address.port() == port) {
            given.push(SocketAddr::from((std::net::Ipv4Addr::UNSPECIFIED, port)));
        }
    }
    given
}

/// The address for clients: that of the settings, with the port that the system has chosen if it chose one.
fn address_for_clients(settings: &Settings, listeners: &[TcpListener]) -> SocketAddr {
    let chosen = listeners.first().and_then(|listener| listener.local_addr().ok());
    chosen.filter(|_| settings.listen_clients.port() == 0).unwrap_or(settings.listen_clients)
}

/// Listens for clients at the first address and at the others. `[::]` takes IPv4 too, so that an address of IPv4 beside it
/// needs no socket of its own.
async fn listen_for_clients(settings: &Settings) -> Result<Vec<TcpListener>, RunError> {
    let mut addresses = vec![settings.listen_clients];
    addresses.extend(settings.listen_also.iter().map(|(_, clients)| *clients));
    // IPv6 first, because it can take the other along and not the other way round.
    let mut in_order: Vec<(usize, SocketAddr)> = addresses.into_iter().enumerate().collect();
    in_order.sort_by_key(|(_, address)| address.is_ipv4());
    let mut listeners: Vec<(usize, TcpListener)> = Vec::new();
    for (place, address) in in_order {
        let covered = |listener: &TcpListener| {
            let any = listener.local_addr().is_ok_and(|local| local.ip().is_unspecified() && local.is_ipv6());
            any && listener.local_addr().is_ok_and(|local| local.port() == address.port())
        };
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push((place, listener)),
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && address.is_ipv4()
                    && listeners.iter().any(|(_, listener)| covered(listener)) => {}
            Err(error) => return Err(RunError::Clients { address, error }),
        }
    }
    listeners.sort_by_key(|(place, _)| *place);
    Ok(listeners.into_iter().map(|(_, listener)| listener).collect())
}

/// The settings of the overlay.
fn overlay_settings(settings: &Settings, secret: NodeSecret) -> nostrp2p_overlay::OverlaySettings {
    let mut overlay_settings = nostrp2p_overlay::OverlaySettings::new(secret);
    let given = std::iter::once(settings.listen).chain(settings.listen_also.iter().map(|(nodes, _)| *nodes));
    overlay_settings.listen = with_ipv4(given.collect()).into_iter().map(Listen::Ip).collect();
    overlay_settings.bootstrap = settings.bootstrap.clone();
    overlay_settings.known_addresses = Some(settings.data_dir.join("peers.json"));
    overlay_settings.reachable = settings.reach.reachable.0;
    overlay_settings.external = settings.reach.external.clone();
    overlay_settings.relay_slots = settings.reach.relay_slots.0;
    overlay_settings.relay_bytes = settings.reach.relay_quota.bytes();
    overlay_settings.upnp = settings.reach.upnp;
    overlay_settings.mdns = settings.reach.mdns;
    overlay_settings
}

/// The ownership of this node: fixed by `-p`, or by a claim.
async fn ownership(settings: &Settings, store: &Store, writer: &Writer) -> Result<Ownership, RunError> {
    let stored = store.owner().map_err(|error| RunError::Disk(error.to_string()))?;
    match (stored, settings.owner) {
        (Some(stored), Some(given)) if stored != given => {
            Err(RunError::OtherOwner { stored: stored.to_npub(), given: given.to_npub() })
        }
        (Some(owner), _) => Ok(Ownership::Owned(owner)),
        (None, Some(owner)) => own(owner, writer).await,
        (None, None) => {
            claim::fresh(settings.claim_seconds).map(Ownership::Unclaimed).ok_or(RunError::Random)
        }
    }
}

async fn own(owner: PublicKey, writer: &Writer) -> Result<Ownership, RunError> {
    writer.set_owner(owner).await.map_err(RunError::Disk)?;
    Ok(Ownership::Owned(owner))
}

fn serve(
    listeners: Vec<TcpListener>,
    settings: &Settings,
    app: App,
    stop: Stop,
) -> Result<JoinHandle<io::Result<()>>, RunError> {
    let names = app.names.certificate();
    let router = http::router(app);
    let shortage = FdExhausted::default();
    let listener = RetryingListener::new(listeners, shortage.clone());
    if let Some(tls) = &settings.tls {
        let configuration = tls::configuration(tls, &settings.data_dir, names)?;
        let address = settings.listen_clients;
        let listener = TlsListener::start(listener, configuration)
            .map_err(|error| RunError::Clients { address, error })?;
        return Ok(tokio::spawn(http::serve::serve(listener, router, stop, shortage)));
    }
    Ok(tokio::spawn(http::serve::serve(listener, router, stop, shortage)))
}

/// Parts that end by themselves when the overlay or the node does. Completes when one of them breaks, with its name and
/// the cause.
async fn parts<const N: usize>(parts: [(&'static str, Option<JoinHandle<()>>); N]) -> String {
    let running = parts.into_iter().filter_map(|(name, task)| Some((name, task?)));
    let mut running: FuturesUnordered<_> =
        running.map(|(name, task)| async move { (name, task.await) }).collect();
    while let Some((name, ended)) = running.next().await {
        if let Err(panic) = ended {
            return format!("{name}: {panic}");
        }
    }
    std::future::pending().await
}

async fn wait_and_close(
    mut shutdown: BoxFuture<'static, ()>,
    mut task: JoinHandle<(Writer, Option<String>)>,
    mut server: JoinHandle<io::Result<()>>,
    parts: impl Future<Output = String>,
    stopper: Stopper,
    overlay: Overlay,
    store: &Store,
) -> Result<(), RunError> {
    // Without any of its parts the node would hang half alive, so it ends, and whoever started it starts it again.
    let (ended, lost) = tokio::select! {
        () = &mut shutdown => (None, None),
        ended = &mut task => (Some(ended), None),
        served = &mut server => (None, Some(format!("the server for clients: {served:?}"))),
        () = store.ended() => (None, Some("the store's writer".to_owned())),
        broken = parts => (None, Some(broken)),
    };
    stopper.stop();
    let ended = match ended {
        Some(ended) => ended,
        None => task.await,
    };
    overlay.shutdown().await;
    if !server.is_finished() && tokio::time::timeout(GOODBYE, server).await.is_err() {
        tracing::info!("a client did not hang up in time");
    }
    let broken = match ended {
        Ok((writer, broken)) => {
            // What others sent and is still queued is worth the moment that it takes.
            drop(spawn_blocking(move || writer.close()).await);
            lost.or(broken)
        }
        Err(panic) => Some(format!("the driver: {panic}")),
    };
    broken.map_or(Ok(()), |part| {
        tracing::error!(part, "a part of the node broke; the node ends");
        Err(RunError::Broken(part))
    })
}

/// The addresses for nodes.
fn listed(settings: &Settings) -> String {
    let also = settings.listen_also.iter().map(|(nodes, _)| nodes.to_string());
    std::iter::once(settings.listen.to_string()).chain(also).collect::<Vec<_>>().join(", ")
}

async fn greeting(settings: &Settings, overlay: &Overlay, clients: SocketAddr) -> String {
    let has_quic = !overlay.reach().await.missing.iter().any(|part| matches!(part, MissingPart::Quic(_)));
    let transports = if has_quic { "TCP and QUIC" } else { "TCP" };
    let mut lines = vec![
        format!("nostrp2p {}", env!("CARGO_PKG_VERSION")),
        format!("  node      {}", overlay.peer_id()),
        format!("  nodes     {} ({transports})", listed(settings)),
        format!("  clients   {}", claim::address(clients, settings.tls.is_some())),
        format!("  data      {}", settings.data_dir.display()),
    ];
    if let Some(Tls::Acme(acme)) = &settings.tls {
        lines.push(format!("  domain    {} (its certificate comes by ACME)", acme.domains.join(", ")));
    }
    if let Some(address) = &settings.home.help_others {
        lines.push(format!("  helper    {address}/to/... leads to nodes at home that ask for it"));
    }
    if settings.inbox.is_some() {
        lines.push("  inbox     anybody brings what names you, without login (docs/relay.md)".to_owned());
    }
    if let Some(advice) = settings.pages_advice() {
        lines.push(format!("  WARNING   {advice}"));
    }
    if settings.legacy_rest && !clients.ip().is_loopback() {
        lines.push(format!(
            "  WARNING   with --legacy-rest everybody who reaches {clients} reads your private replies; \
             let only your VPN reach it"
        ));
    }
    if settings.open_relay && !clients.ip().is_loopback() {
        lines.push(format!(
            "  WARNING   with --open-relay every Nostr program that reaches {clients} reads all that is yours and \
             publishes what you have signed; let only your VPN reach it"
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_ipv6_take_those_of_ipv4_along() {
        let addresses =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let check =
            |given: &[&str], expected: &[&str]| assert_eq!(with_ipv4(addresses(given)), addresses(expected));
        check(&["[::]:7"], &["[::]:7", "0.0.0.0:7"]);
        check(&["[::]:7", "0.0.0.0:7"], &["[::]:7", "0.0.0.0:7"]);
        check(&["[::1]:7", "[::]:0"], &["[::1]:7", "[::]:0"]);
    }
    use crate::store::Retention;

    /// A node whose parts are given, and which nobody ends.
    async fn close(
        task: impl FnOnce(Writer, Stop) -> JoinHandle<(Writer, Option<String>)>,
        server: JoinHandle<io::Result<()>>,
        home: JoinHandle<()>,
    ) -> String {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
        let secret = data_dir::node_secret(directory.path()).unwrap();
        let (overlay, _events) =
            nostrp2p_overlay::start(nostrp2p_overlay::OverlaySettings::new(secret)).await.unwrap();
        let (stopper, stop) = stop::channel();
        let task = task(writer, stop);
        let forever = std::future::pending::<()>();
        // A part that has nothing more to do is no reason to end.
        let parts = parts([("the mirrors", Some(tokio::spawn(async {}))), ("the way home", Some(home))]);
        wait_and_close(Box::pin(forever), task, server, parts, stopper, overlay, &store)
            .await
            .unwrap_err()
            .to_string()
    }

    fn until_stop(writer: Writer, mut stop: Stop) -> JoinHandle<(Writer, Option<String>)> {
        tokio::spawn(async move {
            stop.wait().await;
            (writer, None)
        })
    }

    #[tokio::test]
    async fn a_panic_in_any_part_ends_the_node_and_names_the_part_and_the_cause() {
        let serving = || tokio::spawn(std::future::pending());
        let home = || tokio::spawn(std::future::pending());
        let error =
            close(|_, _| tokio::spawn(async { panic!("the core on purpose") }), serving(), home()).await;
        assert!(error.contains("the driver") && error.contains("the core on purpose"), "{error}");
        let error = close(until_stop, tokio::spawn(async { panic!("the port on purpose") }), home()).await;
        assert!(error.contains("the server for clients") && error.contains("the port on purpose"), "{error}");
        let overlay = |writer, _| tokio::spawn(async { (writer, Some("the overlay on purpose".to_owned())) });
        let error = close(overlay, serving(), home()).await;
        assert!(error.contains("the overlay on purpose"), "{error}");
        let writer = |writer: Writer, stop| {
            writer.break_for_test();
            until_stop(writer, stop)
        };
        let error = close(writer, serving(), home()).await;
        assert!(error.contains("the store's writer"), "{error}");
        let error = close(until_stop, serving(), tokio::spawn(async { panic!("a helper on purpose") })).await;
        assert!(error.contains("the way home") && error.contains("a helper on purpose"), "{error}");
    }
}
