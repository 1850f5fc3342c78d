//! `nostrp2p status`: asks the running node for its state and prints it.

mod pinned;

use std::{collections::BTreeMap, fmt::Write as _, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use nostrp2p_protocol::frame::MirrorState;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    access_token::AccessToken,
    clock, data_dir, delegated,
    http::refused_pages,
    mirror::MirrorStatus,
    reachability::{self, Connected, Reach},
    settings::{Settings, Tls},
    storage::{Storage, size},
};

/// A node on the same machine answers in milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);
/// Far more than a node says of itself.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// The whole status of a running node.
#[derive(Deserialize)]
pub(crate) struct Node {
    pub(crate) peer_id: String,
    pub(crate) npub: Option<String>,
    pub(crate) version: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) peers: usize,
    pub(crate) own: usize,
    pub(crate) connected: Vec<Connected>,
    pub(crate) reach: Reach,
    pub(crate) stored: u64,
    #[serde(default)]
    pub(crate) storage: Storage,
    pub(crate) delegated: Option<u64>,
    #[serde(default)]
    pub(crate) mirrors: Vec<MirrorStatus>,
    pub(crate) caught_up: Option<CaughtUp>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    #[serde(default)]
    pub(crate) refused_origins: BTreeMap<String, u64>,
    pub(crate) home: Home,
}

/// The part of the status for everybody.
#[derive(Deserialize)]
pub(crate) struct NodeIdentity {
    pub(crate) peer_id: String,
    pub(crate) npub: Option<String>,
    pub(crate) version: String,
}

/// The answer of a running node.
pub(crate) enum StatusAnswer {
    /// All of it.
    Whole(Box<Node>),
    /// Only its identity: this user cannot read its token, or the data directory is another one.
    Identity(NodeIdentity),
}

/// How to see more of a node.
pub(crate) const MORE_FOR_ITS_USER: &str =
    "More is for its owner: run this as the user that the node runs as, with the --data-dir of the node.";

/// How clients reach a node from elsewhere.
#[derive(Deserialize)]
pub(crate) struct Home {
    pub(crate) addresses: Vec<String>,
    pub(crate) helpers: Vec<String>,
    pub(crate) link: String,
}

/// How the last comparison with a neighbour went.
#[derive(Deserialize)]
pub(crate) struct CaughtUp {
    at: u64,
    events: usize,
}

/// The node's own JSON, or what it means.
///
/// # Errors
/// When no node answers where the settings say.
pub async fn status(settings: &Settings, json: bool) -> anyhow::Result<String> {
    let (answer, body) = node(settings).await?;
    match answer {
        _ if json => Ok(body),
        StatusAnswer::Whole(node) => {
            describe(&node, settings.home.page.as_deref(), settings.listen.port(), clock::now())
        }
        StatusAnswer::Identity(NodeIdentity { peer_id, npub, version }) => {
            Ok(format!("{}\n{MORE_FOR_ITS_USER}", heading(&version, &peer_id, npub.as_deref())))
        }
    }
}

/// By which link the owner reaches the running node from anywhere.
///
/// # Errors
/// When no node answers where the settings say, or no helper is known to it.
pub async fn link(settings: &Settings) -> anyhow::Result<String> {
    let (StatusAnswer::Whole(node), _) = node(settings).await? else { bail!("{MORE_FOR_ITS_USER}") };
    if node.npub.is_none() {
        bail!("the node has no owner yet; `nostrp2p owner claim-link` shows how to become it");
    }
    if node.home.link.is_empty() {
        bail!(
            "the node knows no helper at the moment, so there is no way to it from everywhere; `nostrp2p status` tells more"
        );
    }
    Ok(format!(
        "Open this link on another device of yours and sign in with your key. It gives nobody else any right.\n\n  {}",
        from_anywhere(&node, settings.home.page.as_deref())
    ))
}

fn from_anywhere(node: &Node, page: Option<&str>) -> String {
    format!("{}/{}", page.unwrap_or("https://WHERE-YOUR-PAGE-IS"), node.home.link)
}

/// The status of the running node, and its JSON.
pub(crate) async fn node(settings: &Settings) -> anyhow::Result<(StatusAnswer, String)> {
    let mut address = settings.listen_clients;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let authority = address.to_string();
    let token = AccessToken::read(&settings.data_dir);
    let answer = timeout(DEADLINE, ask_with(&authority, settings.tls.as_ref(), token.as_ref())).await;
    let body = answer.context("the node does not answer").flatten().with_context(|| {
        format!(
            "no node answers at {authority}; is it running, and are -l and -s the same as for the server?"
        )
    })?;
    let answer = match serde_json::from_str(&body) {
        Ok(node) => StatusAnswer::Whole(Box::new(node)),
        Err(_) => StatusAnswer::Identity(
            serde_json::from_str(&body)
                .with_context(|| format!("what answers at {authority} is no nostrp2p node"))?,
        ),
    };
    let peer_id = match &answer {
        StatusAnswer::Whole(node) => &node.peer_id,
        StatusAnswer::Identity(identity) => &identity.peer_id,
    };
    check_identity(peer_id, &authority, &settings.data_dir)?;
    Ok((answer, body))
}

/// Another node may have the port: what it says is not about this one.
fn check_identity(peer_id: &str, authority: &str, directory: &Path) -> anyhow::Result<()> {
    match data_dir::node_of(directory) {
        Some(own) if own.to_string() != peer_id => bail!(
            "the node that answers at {authority} is not that of the data directory {}, it is {peer_id}; is yours running, and \
             are -l and -s the same as for the server?",
            directory.display()
        ),
        _ => Ok(()),
    }
}

/// Asks with the token; without it, where the node knows another one.
async fn ask_with(authority: &str, tls: Option<&Tls>, token: Option<&AccessToken>) -> anyhow::Result<String> {
    if let Some(token) = token
        && let Ok(body) = ask(authority, tls, Some(token)).await
    {
        return Ok(body);
    }
    ask(authority, tls, None).await
}

async fn ask(authority: &str, tls: Option<&Tls>, token: Option<&AccessToken>) -> anyhow::Result<String> {
    let stream = TcpStream::connect(authority).await?;
    match tls {
        None => get(stream, authority, token).await,
        Some(tls) => {
            let connector = TlsConnector::from(Arc::new(pinned::configuration(tls)?));
            let name = ServerName::try_from("localhost")?;
            get(connector.connect(name, stream).await?, authority, token).await
        }
    }
}

async fn get(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    authority: &str,
    token: Option<&AccessToken>,
) -> anyhow::Result<String> {
    let head = format!("GET /node.json HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    stream.write_all(head.as_bytes()).await?;
    if let Some(token) = token {
        let line = zeroize::Zeroizing::new(format!("Authorization: {}\r\n", token.header().as_str()));
        stream.write_all(line.as_bytes()).await?;
    }
    stream.write_all(b"\r\n").await?;
    let mut answer = String::new();
    // A node that hangs up without the farewell of TLS has still said everything.
    match stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer).await {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => {}
    }
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    if !head.starts_with("HTTP/1.1 200") {
        bail!("the answer is {}", head.lines().next().unwrap_or_default());
    }
    Ok(body.trim().to_owned())
}

/// Which node it is, each thing on its line.
fn heading(version: &str, peer_id: &str, npub: Option<&str>) -> String {
    let owner = npub.unwrap_or("nobody yet: open the link that the node printed");
    format!("Your node is running (nostrp2p {version}).\n  node        {peer_id}\n  owner       {owner}\n")
}

fn describe(node: &Node, page: Option<&str>, port: u16, now: u64) -> anyhow::Result<String> {
    let mut text = heading(&node.version, &node.peer_id, node.npub.as_deref());
    let word = node.delegated.map_or_else(|| "none".to_owned(), |expires| delegated::remaining(expires, now));
    writeln!(text, "  delegation  {word}")?;
    let connected = match node.peers {
        0 => "no other node: give one with -b, or wait for one that knows this address".to_owned(),
        1 => format!("1 other node: {}", reachability::connected(&node.connected)),
        peers => format!("{peers} other nodes: {}", reachability::connected(&node.connected)),
    };
    writeln!(text, "  connected   {connected}")?;
    if node.own > 0 {
        writeln!(text, "  your nodes  this one, and {} of the connected ones", node.own)?;
    }
    writeln!(text, "  reach       {}", node.reach.summary(node.peers))?;
    if let Some(service) = node.reach.service() {
        writeln!(text, "  for others  {service}")?;
    }
    for part in &node.reach.missing {
        writeln!(text, "  missing     {part}")?;
    }
    writeln!(text, "  stored      {} events, {}", node.stored, room(&node.storage))?;
    if let Some(CaughtUp { at, events }) = node.caught_up {
        let minutes = now.saturating_sub(at) / 60;
        writeln!(text, "  caught up   {minutes} minutes ago, {events} events were missing")?;
    }
    for address in &node.addresses {
        writeln!(text, "  address     {address}")?;
    }
    for address in &node.home.addresses {
        writeln!(text, "  clients     {address}")?;
    }
    for helper in &node.home.helpers {
        writeln!(text, "  way home    {helper} (a helper)")?;
    }
    if !node.home.link.is_empty() {
        writeln!(text, "\nFrom anywhere, open {}", from_anywhere(node, page))?;
    }
    if let Some(advice) = node.reach.advice(node.peers, port) {
        writeln!(text, "\n{advice}")?;
    }
    for mirror in &node.mirrors {
        writeln!(text, "  mirror      {}", describe_mirror(mirror))?;
    }
    for (origin, times) in &node.refused_origins {
        let advice = refused_pages::advice(origin);
        writeln!(text, "  refused     a web page of {origin}, {times} times; {advice}")?;
    }
    for warning in &node.warnings {
        writeln!(text, "\nWARNING: {warning}")?;
    }
    for warning in node.storage.warnings() {
        writeln!(text, "\nWarning: {warning}.")?;
    }
    if node.npub.is_some() && node.delegated.is_none_or(|expires| expires <= now) {
        write!(text, "\n{}", delegated::ADVICE)?;
    }
    Ok(text.trim_end().to_owned())
}

fn room(storage: &Storage) -> String {
    let Storage { mail_bytes, mail_limit, disk_bytes, disk_limit, own_bytes: _ } = *storage;
    format!(
        "{} of {} on disk; mailbox {} of {}",
        size(disk_bytes),
        size(disk_limit),
        size(mail_bytes),
        size(mail_limit)
    )
}

fn describe_mirror(mirror: &MirrorStatus) -> String {
    let MirrorStatus { url, state, accepted, heard, .. } = mirror;
    let mut text = format!("{url}: {state}, {accepted} events given, {heard} heard");
    if mirror.refused > 0 {
        text.push_str(&format!(", {} refused", mirror.refused));
    }
    if mirror.postponed > 0 {
        text.push_str(&format!(", {} offered again later", mirror.postponed));
    }
    if *state == MirrorState::Connected && !mirror.listens {
        text.push_str(", it does not tell what is new at the moment");
    }
    if mirror.polled > 0 {
        text.push_str(&format!(", {} people asked for every 5 minutes", mirror.polled));
    }
    if mirror.passed_over > 0 {
        text.push_str(&format!(
            ", some events missed: of {} seconds it has more than it gives at once",
            mirror.passed_over
        ));
    }
    if mirror.work > 0 {
        text.push_str(&format!(", it takes only what has {} bits of work (NIP-13)", mirror.work));
    }
    if mirror.needs_signature {
        text.push_str(
            "; it wants you to sign in (NIP-42): open the page, Network, and let it be signed, then what waits goes there",
        );
    } else if mirror.mail_waits {
        text.push_str(
            "; your direct messages there wait for your login (NIP-42): open the page, Network, and let it be signed",
        );
    } else if let Some(reason) = &mirror.reason {
        text.push_str(&format!(" ({reason})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(delegated: Option<u64>) -> Node {
        Node {
            peer_id: "12D3KooW".into(),
            npub: Some("npub1".into()),
            version: "1".into(),
            addresses: vec!["/ip4/127.0.0.1/tcp/1".into()],
            peers: 1,
            own: 0,
            connected: vec![Connected { peer: "12D3KooX".into(), path: reachability::PathKind::Punched }],
            reach: Reach::from(&nostrp2p_overlay::Reach { seeks_relays: true, ..Default::default() }),
            stored: 5,
            storage: Storage {
                own_bytes: 0,
                mail_bytes: 90 << 20,
                mail_limit: 100 << 20,
                disk_bytes: 2 << 20,
                disk_limit: 4 << 30,
            },
            delegated,
            home: Home {
                addresses: vec![],
                helpers: vec!["wss://helper.example".into()],
                link: "#peer=1".into(),
            },
            mirrors: vec![],
            warnings: vec!["another node runs with this node's key".into()],
            refused_origins: [("https://page.example".into(), 2), ("null".into(), 1)].into(),
            caught_up: Some(CaughtUp { at: 0, events: 7 }),
        }
    }

    #[test]
    fn another_node_that_has_the_port_is_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let check = |peer: &str| check_identity(peer, "127.0.0.1:1", directory.path());
        assert!(check("12D3KooW").is_ok(), "without a key to compare with it is shown");
        let own = data_dir::node_secret(directory.path()).unwrap().peer_id().to_string();
        let refused = check("12D3KooW").unwrap_err().to_string();
        assert!(
            refused.contains("is not that of the data directory") && refused.contains("12D3KooW"),
            "{refused}"
        );
        assert!(check(&own).is_ok());
    }

    #[test]
    fn a_node_without_delegation_says_what_that_means() {
        let without = describe(&node(None), Some("https://page.example"), 20000, 100).unwrap();
        assert!(without.contains("1 through a hole") && without.contains("cannot reach"), "{without}");
        assert!(without.contains("delegation  none") && without.contains("owner delegate"), "{without}");
        let with = describe(&node(Some(100 + 86_400 * 3)), None, 20000, 100).unwrap();
        assert!(without.contains("WARNING: another node runs"), "{without}");
        assert!(without.contains("--allow-origin https://page.example\n"), "{without}");
        assert!(without.contains("way home    wss://helper.example"), "{without}");
        assert!(without.contains("From anywhere, open https://page.example/#peer=1"), "{without}");
        assert!(with.contains("2 MiB of 4096 MiB on disk; mailbox 90 MiB of 100 MiB"), "{with}");
        assert!(with.contains("Warning: the mailbox holds 90 MiB of 100 MiB"), "{with}");
        assert!(with.contains("for another 3 days") && !with.contains("owner delegate"), "{with}");
    }
}
