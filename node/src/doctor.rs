//! `nostrp2p doctor`: checks everything that a node needs, step by step, and says what to do.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use nostrp2p_overlay::{Lookups, PeerAddress};
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

use crate::{
    clock, data_dir, delegated,
    reachability::{self, Router, Word},
    settings::{Settings, Tls},
    status::{self, Node, StatusAnswer},
    store::{OpenError, Retention, Store},
    tls,
};

/// How long a bootstrap node may take to answer a connection.
const DIAL_TIME: Duration = Duration::from_secs(5);
/// When this program was written: no clock is earlier, in seconds since 1970 (2026-01-01).
const NOT_BEFORE: u64 = 1_767_225_600;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// Nothing to do.
    Ok,
    /// It works, but not as well as it could.
    Warn,
    /// The node cannot run, or not be used.
    Fail,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckStep {
    /// The subject of the check.
    pub what: &'static str,
    /// How it ended.
    pub verdict: CheckVerdict,
    /// The finding, and what to do about it.
    pub text: String,
}

/// Looks at everything; `tell` gets each step as soon as it is done. Nothing is changed.
pub async fn examine(settings: &Settings, mut tell: impl FnMut(CheckStep)) {
    let mut step = |what, (verdict, text)| tell(CheckStep { what, verdict, text });
    step("clock", check_clock(clock::now()));
    step("data", check_data(&settings.data_dir));
    for sentence in settings.unused() {
        step("settings", (CheckVerdict::Warn, sentence));
    }
    if let Some(tls) = &settings.tls {
        step("TLS", check_tls(tls));
    }
    match status::node(settings).await {
        Ok((StatusAnswer::Identity(node), _)) => {
            let text = format!("it is running: {}. {}", node.peer_id, status::MORE_FOR_ITS_USER);
            step("node", (CheckVerdict::Warn, text));
        }
        Ok((StatusAnswer::Whole(node), _)) => {
            step("node", (CheckVerdict::Ok, format!("it is running: {}", node.peer_id)));
            step("owner", check_owner(&node));
            step("peers", check_peers(&node, settings));
            step("reach", check_reach(&node, settings));
            step("router", check_router(&node));
            step("relays", check_relays(&node));
            for warning in &node.warnings {
                step("warning", (CheckVerdict::Warn, warning.clone()));
            }
            if let Some(service) = node.reach.service() {
                step("for others", (CheckVerdict::Ok, service));
            }
        }
        Err(_) => {
            step(
                "node",
                (CheckVerdict::Warn, "it is not running; start it with `nostrp2p server`".to_owned()),
            );
            step("port for nodes", check_port(settings.listen, true).await);
            step("port for clients", check_port(settings.listen_clients, false).await);
            for (nodes, clients) in &settings.listen_also {
                step("port for nodes", check_port(*nodes, true).await);
                step("port for clients", check_port(*clients, false).await);
            }
            step("store", check_store(&settings.data_dir));
        }
    }
    let names = Lookups::default();
    for address in &settings.bootstrap {
        step("bootstrap", check_bootstrap(address, &names).await);
    }
}

/// A step as a line for people.
pub fn line(step: &CheckStep) -> String {
    let mark = match step.verdict {
        CheckVerdict::Ok => "ok  ",
        CheckVerdict::Warn => "warn",
        CheckVerdict::Fail => "FAIL",
    };
    format!("{mark}  {:<17} {}", step.what, step.text)
}

type Seen = (CheckVerdict, String);

fn check_clock(now: u64) -> Seen {
    if now < NOT_BEFORE {
        let text = "this machine's clock is years behind; set it, or others will refuse what you write";
        return (CheckVerdict::Fail, text.to_owned());
    }
    (
        CheckVerdict::Ok,
        "it shows a sensible time; more than 15 minutes ahead, and others refuse what you write".to_owned(),
    )
}

fn check_data(directory: &Path) -> Seen {
    let probe = directory.join(".probe");
    let written = data_dir::prepare(directory).map_err(|error| error.to_string()).and_then(|()| {
        data_dir::write_private(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(|error| {
            format!("cannot write into {}: {error}; give another --data-dir", directory.display())
        })
    });
    match written {
        Ok(()) => (CheckVerdict::Ok, directory.display().to_string()),
        Err(text) => (CheckVerdict::Fail, text),
    }
}

fn check_tls(tls: &Tls) -> Seen {
    match tls {
        Tls::Acme(acme) => (
            CheckVerdict::Ok,
            format!(
                "by ACME for {}; port 443 of it must lead to the node's port for clients",
                acme.domains.join(", ")
            ),
        ),
        Tls::Files(files) => match tls::check(files) {
            Ok(()) => (CheckVerdict::Ok, format!("{} and its key fit together", files.cert.display())),
            Err(error) => (CheckVerdict::Fail, error.to_string()),
        },
    }
}

fn check_owner(node: &Node) -> Seen {
    let Some(npub) = &node.npub else {
        let text = "nobody yet; `nostrp2p owner claim-link` shows the link that makes it yours";
        return (CheckVerdict::Warn, text.to_owned());
    };
    let now = clock::now();
    match node.delegated {
        Some(expires) if expires > now => {
            (CheckVerdict::Ok, format!("{npub}; your word holds {}", delegated::remaining(expires, now)))
        }
        _ => (CheckVerdict::Warn, format!("{npub}. {}", delegated::ADVICE)),
    }
}

fn check_peers(node: &Node, settings: &Settings) -> Seen {
    match (node.peers, settings.bootstrap.is_empty()) {
        (0, true) => {
            let text = "no other node, and no -b that leads to one; ask somebody for the address of theirs";
            (CheckVerdict::Warn, text.to_owned())
        }
        (0, false) => (CheckVerdict::Warn, "no other node yet; see the bootstrap nodes below".to_owned()),
        (peers, _) => {
            let ways = reachability::connected(&node.connected);
            (CheckVerdict::Ok, format!("{peers} connected: {ways}; {} events stored", node.stored))
        }
    }
}

fn check_reach(node: &Node, settings: &Settings) -> Seen {
    let verdict = if node.reach.is_reached() { CheckVerdict::Ok } else { CheckVerdict::Warn };
    let summary = node.reach.summary(node.peers);
    match node.reach.advice(node.peers, settings.listen.port()) {
        Some(advice) => (verdict, format!("{summary}. {advice}")),
        None => (verdict, format!("{summary}, at {}", node.addresses.join(", "))),
    }
}

fn check_router(node: &Node) -> Seen {
    let is_needed = node.reach.reachability != Word::Public;
    let or_warn = if is_needed { CheckVerdict::Warn } else { CheckVerdict::Ok };
    let (verdict, text) = match node.reach.upnp {
        Router::Off if node.reach.loopback_only => {
            (CheckVerdict::Ok, "not asked, because the node listens on loopback")
        }
        Router::Off => (CheckVerdict::Ok, "not asked to open the port (--upnp, --reachable)"),
        Router::Searching => (or_warn, "asked by UPnP to open the port; no answer yet"),
        Router::NotFound => (or_warn, "none that opens ports by UPnP; some have a switch for it"),
        Router::NotRouted => (or_warn, "it has no public address itself: another router is in between"),
        Router::Mapped => (CheckVerdict::Ok, "it has opened the port"),
    };
    (verdict, text.to_owned())
}

fn check_relays(node: &Node) -> Seen {
    match (node.reach.relays.as_slice(), node.reach.seeks_relays) {
        ([], false) => (CheckVerdict::Ok, "not needed".to_owned()),
        ([], true) => {
            (CheckVerdict::Warn, "none yet; they are sought among the nodes that this one knows".to_owned())
        }
        (relays, _) => (CheckVerdict::Ok, format!("places held at {}", relays.join(", "))),
    }
}

/// Nodes come by TCP and, for QUIC, by UDP; clients by TCP alone.
async fn check_port(address: SocketAddr, with_udp: bool) -> Seen {
    let bound = match TcpListener::bind(address).await {
        Ok(_) if with_udp => UdpSocket::bind(address).await.map(drop),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    match bound {
        Ok(()) => (CheckVerdict::Ok, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => (
            CheckVerdict::Fail,
            format!("{address} is taken by another program; stop it, or give another -l"),
        ),
        Err(error) => (CheckVerdict::Fail, format!("{address} cannot be used: {error}; give another -l")),
    }
}

fn check_store(directory: &Path) -> Seen {
    if !directory.join("store.redb").exists() {
        return (CheckVerdict::Ok, "none yet; the first start makes it".to_owned());
    }
    match Store::open(directory, Retention::default()) {
        Ok((store, writer)) => {
            let stored = store.progress().borrow().stored;
            writer.close();
            (CheckVerdict::Ok, format!("{stored} events"))
        }
        Err(error @ OpenError::InUse { .. }) => (
            CheckVerdict::Warn,
            format!(
                "{error}; it runs with another -l or -s than given here, so nothing more can be asked of it"
            ),
        ),
        Err(error) => (CheckVerdict::Fail, error.to_string()),
    }
}

async fn check_bootstrap(address: &PeerAddress, names: &Lookups) -> Seen {
    let text = address.to_string();
    let Some(target) = socket(&text) else {
        return (CheckVerdict::Ok, format!("{text} (only the node itself can try this kind of address)"));
    };
    let addresses = match find(&target, names).await {
        Ok(addresses) => addresses,
        Err(reason) => return (CheckVerdict::Fail, format!("{text}: {reason}")),
    };
    for address in &addresses {
        if let Ok(Ok(_)) = timeout(DIAL_TIME, TcpStream::connect(address)).await {
            return (CheckVerdict::Ok, format!("{text} takes connections"));
        }
    }
    let advice = "is that node running, and does a firewall let this machine through?";
    (CheckVerdict::Fail, format!("{text} takes no connection; {advice}"))
}

async fn find(target: &str, names: &Lookups) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = target.parse() {
        return Ok(vec![address]);
    }
    let parts = target.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let (host, port) = parts.ok_or_else(|| "this is no host with a port".to_owned())?;
    names.addresses(host, port).await.map_err(|error| error.to_string())
}

/// `host:port` of an address, as far as plain TCP reaches it.
fn socket(text: &str) -> Option<String> {
    if !text.starts_with('/') {
        return Some(text.to_owned());
    }
    let mut parts = text.split('/').skip(1);
    let (kind, host) = (parts.next()?, parts.next()?);
    if parts.next()? != "tcp" {
        return None;
    }
    let port = parts.next()?;
    match kind {
        "ip6" => Some(format!("[{host}]:{port}")),
        "ip4" | "dns" | "dns4" | "dns6" => Some(format!("{host}:{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_tcp_reaches_are_recognised() {
        assert_eq!(socket("host:20000").as_deref(), Some("host:20000"));
        assert_eq!(socket("/ip6/::1/tcp/1/p2p/x").as_deref(), Some("[::1]:1"));
        assert_eq!(socket("/dns4/a.b/tcp/2").as_deref(), Some("a.b:2"));
        assert_eq!(socket("/ip4/1.2.3.4/udp/1/quic-v1"), None);
    }

    #[test]
    fn a_clock_of_1970_is_a_failure() {
        assert_eq!(check_clock(0).0, CheckVerdict::Fail);
        assert_eq!(check_clock(clock::now()).0, CheckVerdict::Ok);
    }
}
