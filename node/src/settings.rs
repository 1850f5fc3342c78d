//! Settings of a node: from flags, environment variables and a settings file, in this order of precedence.
//!
//! `merge` is pure and decides; [`load`] reads the file. Code behind it need not check a setting again.

mod flags;
mod home;
mod inbox;
mod names;
mod reach;
mod sample;
mod storage;
mod tls;
mod unused;
mod values;

mod explain;

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
};

use nostrp2p_core::InboxTerms;
use nostrp2p_overlay::PeerAddress;
use nostrp2p_protocol::{Authority, PublicKey};
use serde::Deserialize;

pub use explain::explain;
pub use flags::Flags;
pub use sample::sample;

pub use names::Pages;

pub use home::HomeSettings;
pub use reach::ReachSettings;
pub use tls::{Acme, Tls, TlsFiles};
pub(crate) use values::public_key;
pub use values::{HelpOthers, Reachable, RelayQuota, RelaySlots};

use crate::{
    relay_url::relay_url,
    store::{CacheSize, Retention},
};

/// The default listen address, that of the original.
const DEFAULT_LISTEN: &str = "127.0.0.1:20000";
/// How long a claim link holds by default, in minutes.
const DEFAULT_CLAIM_MINUTES: u64 = 60;

/// The settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SettingsFile {
    listen_addr_port: Option<OneOrMany>,
    boot_peer_addr_port: Vec<String>,
    public_key: Option<String>,
    writable: Option<bool>,
    debug: Option<bool>,
    ssl: Option<bool>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    acme_domain: Vec<String>,
    acme_email: Option<String>,
    acme_directory: Option<String>,
    reachable: Option<String>,
    external_addr: Vec<String>,
    relay: Option<String>,
    relay_quota: Option<u64>,
    upnp: Option<bool>,
    mdns: Option<bool>,
    help_me_home: Option<String>,
    help_others: Option<String>,
    help_sessions: Option<usize>,
    help_kib_per_second: Option<u64>,
    help_mib_per_day: Option<u64>,
    page: Option<String>,
    allow_host: Vec<String>,
    allow_origin: Vec<String>,
    legacy_rest: Option<bool>,
    open_relay: Option<bool>,
    inbox: Option<bool>,
    inbox_work: Option<u8>,
    public_replies: Option<bool>,
    nip05_name: Vec<String>,
    mirror: Vec<String>,
    mirror_lists: Option<bool>,
    mirror_ca: Option<PathBuf>,
    public_read: Option<bool>,
    max_disk: Option<u64>,
    max_mail: Option<u64>,
    cache_mib: Option<u64>,
    claim_minutes: Option<u64>,
    no_qr: Option<bool>,
}

/// The settings of a node, all checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The listen address for other nodes.
    pub listen: SocketAddr,
    /// The listen address for clients: the same address, the next port.
    pub listen_clients: SocketAddr,
    /// Further addresses, for nodes and for clients.
    pub listen_also: Vec<(SocketAddr, SocketAddr)>,
    /// Nodes that are already in the network.
    pub bootstrap: Vec<PeerAddress>,
    /// The owner, if fixed.
    pub owner: Option<PublicKey>,
    /// Whether the owner may publish.
    pub writable: bool,
    /// Whether to log.
    pub debug: bool,
    /// How to serve clients over TLS, if at all.
    pub tls: Option<Tls>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Settings about being reached and about relaying.
    pub reach: ReachSettings,
    /// Settings of tunnels.
    pub home: HomeSettings,
    /// Names of this node that the operator gave.
    pub allow_hosts: Vec<Authority>,
    /// Pages of other sites that may talk to this node.
    pub pages: Pages,
    /// Whether the REST interface asks for no login.
    pub legacy_rest: bool,
    /// Whether the relay asks for no login.
    pub open_relay: bool,
    /// The owner's requirements for strangers who write to the inbox; None for no inbox.
    pub inbox: Option<InboxTerms>,
    /// Whether replies that other programs than the page write are for everyone.
    pub public_replies: bool,
    /// Names of the owner at the domain of the node (NIP-05).
    pub person_names: Vec<String>,
    /// Relays to mirror to and from.
    pub mirrors: Vec<String>,
    /// Whether relay lists are used besides.
    pub mirror_lists: bool,
    /// Certificates by which relays are known besides those of public authorities.
    pub mirror_ca: Option<PathBuf>,
    /// Whether guests see the public events.
    pub public_read: bool,
    /// The bounds of the store.
    pub retention: Retention,
    /// How much memory its pages may take.
    pub cache: CacheSize,
    /// How long a claim link holds, in seconds.
    pub claim_seconds: u64,
    /// Whether to draw the claim link as a QR code.
    pub qr: bool,
}

/// Why the settings cannot be used. The program ends with status 2.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// `-l`
    #[error(
        "-l {text}: {reason}; give an address and a port below 65535, such as 127.0.0.1:20000 or [::1]:20000"
    )]
    Listen {
        /// As given.
        text: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The settings file.
    #[error("the settings file {} cannot be used: {reason}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why it cannot be used.
        reason: String,
    },
    /// There is no home directory.
    #[error("this user has no home directory to keep data in; say where with --data-dir DIR")]
    NoDataDir,
}

/// Reads the settings file and merges everything.
///
/// # Errors
/// When the file cannot be read or a value cannot be used.
pub fn load(flags: Flags) -> Result<Settings, InvalidSettings> {
    let default_dir = dirs::data_dir().map(|dir| dir.join("nostrp2p"));
    let data_dir = flags.data_dir.clone().or(default_dir).ok_or(InvalidSettings::NoDataDir)?;
    let file = match &flags.settings {
        Some(path) => read(path)?,
        None => {
            let path = data_dir.join("nostrp2p.toml");
            if path.exists() { read(&path)? } else { SettingsFile::default() }
        }
    };
    let path = flags.settings.clone().unwrap_or_else(|| data_dir.join("nostrp2p.toml"));
    merge(flags, file, data_dir).map_err(|invalid| match invalid {
        Unusable::Listen { text, reason } => InvalidSettings::Listen { text, reason },
        Unusable::InFile(reason) => InvalidSettings::File { path, reason },
    })
}

fn read(path: &Path) -> Result<SettingsFile, InvalidSettings> {
    let invalid = |reason: String| InvalidSettings::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    toml::from_str(&text).map_err(|error| invalid(error.to_string().trim().replace('\n', " ")))
}

/// What a settings file alone makes of a node. A name in `listen-addr-port` is not looked up but passed over.
///
/// # Errors
/// When it is no settings file, or a value cannot be used.
pub fn decode_file(text: &str) -> Result<Settings, String> {
    let mut file: SettingsFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.listen_addr_port =
        file.listen_addr_port.filter(|all| all.iter().all(|text| text.parse::<SocketAddr>().is_ok()));
    merge(Flags::default(), file, PathBuf::from("data")).map_err(|unusable| match unusable {
        Unusable::Listen { reason, .. } | Unusable::InFile(reason) => reason,
    })
}

/// Why a merge failed.
#[derive(Debug, PartialEq, Eq)]
enum Unusable {
    Listen { text: String, reason: String },
    InFile(String),
}

/// Flags and environment before file before defaults.
fn merge(flags: Flags, file: SettingsFile, data_dir: PathBuf) -> Result<Settings, Unusable> {
    let tls = tls::merge(&flags, &file)?;
    let reach = reach::merge(&flags, &file)?;
    let retention = storage::merge(&flags, &file)?;
    let cache = storage::cache(&flags, &file)?;
    let (inbox, person_names) = (inbox::merge(&flags, &file)?, inbox::names(&flags, &file)?);
    let home = home::merge(&flags, &file, tls.as_ref())?;
    let listen = listening(flags.listen_addr_port, file.listen_addr_port)?;
    let ((listen, listen_clients), listen_also) = listen;
    let bootstrap = if flags.boot_peer_addr_port.is_empty() {
        let parse = |text: &String| {
            text.parse().map_err(|error| Unusable::InFile(format!("boot-peer-addr-port: {error}")))
        };
        file.boot_peer_addr_port.iter().map(parse).collect::<Result<_, _>>()?
    } else {
        flags.boot_peer_addr_port
    };
    let owner_in_file = || {
        let parse = |text: String| {
            public_key(&text).map_err(|reason| Unusable::InFile(format!("public-key: {reason}")))
        };
        file.public_key.map(parse).transpose()
    };
    let owner = flags.public_key.map_or_else(owner_in_file, |key| Ok(Some(key)))?;
    let mirrors = if flags.mirror.is_empty() {
        let parse =
            |text: &String| relay_url(text).map_err(|reason| Unusable::InFile(format!("mirror: {reason}")));
        file.mirror.iter().map(parse).collect::<Result<_, _>>()?
    } else {
        flags.mirror
    };
    let (allow_hosts, pages) = names::merge(
        if flags.allow_host.is_empty() { &file.allow_host } else { &flags.allow_host },
        if flags.allow_origin.is_empty() { &file.allow_origin } else { &flags.allow_origin },
    )?;
    let claim_minutes = flags.claim_minutes.or(file.claim_minutes).unwrap_or(DEFAULT_CLAIM_MINUTES);
    Ok(Settings {
        listen,
        listen_clients,
        listen_also,
        bootstrap,
        owner,
        writable: flags.writable.or(file.writable).unwrap_or(true),
        debug: flags.debug.or(file.debug).unwrap_or(false),
        tls,
        data_dir,
        reach,
        allow_hosts,
        pages,
        home,
        legacy_rest: flags.legacy_rest.or(file.legacy_rest).unwrap_or(false),
        inbox,
        public_replies: flags.public_replies.or(file.public_replies).unwrap_or(false),
        person_names,
        mirrors,
        mirror_lists: flags.mirror_lists.or(file.mirror_lists).unwrap_or(false),
        mirror_ca: flags.mirror_ca.or(file.mirror_ca),
        open_relay: flags.open_relay.or(file.open_relay).unwrap_or(false),
        public_read: flags.public_read.or(file.public_read).unwrap_or(false),
        retention,
        cache,
        claim_seconds: claim_minutes.saturating_mul(60),
        qr: !flags.no_qr.or(file.no_qr).unwrap_or(false),
    })
}

/// An address for nodes with the one for clients.
type Listening = (SocketAddr, SocketAddr);

/// The listen addresses, from flags or else the file: the first one, by which links and commands name the node, and
/// the others.
fn listening(flags: Vec<String>, file: Option<OneOrMany>) -> Result<(Listening, Vec<Listening>), Unusable> {
    let of_file = || file.map(|file| file.iter().map(str::to_owned).collect());
    let given = Some(flags).filter(|flags| !flags.is_empty()).or_else(of_file).unwrap_or_default();
    let wrong = |text: &str, reason| Unusable::Listen { text: text.to_owned(), reason };
    let all = given.iter().map(|text| addresses(text).map_err(|reason| wrong(text, reason)));
    let mut all: Vec<Listening> = all.collect::<Result<_, _>>()?;
    if all.is_empty() {
        all.push(addresses(DEFAULT_LISTEN).map_err(|reason| wrong(DEFAULT_LISTEN, reason))?);
    }
    let first = all.remove(0);
    Ok((first, all))
}

/// One address, or several, in a settings file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(all) => all,
        };
        all.iter().map(String::as_str)
    }
}

/// The addresses for nodes and for clients.
fn addresses(text: &str) -> Result<(SocketAddr, SocketAddr), String> {
    // A host name such as localhost is allowed, as in the original.
    let listen = match text.parse::<SocketAddr>() {
        Ok(address) => address,
        Err(_) => text
            .to_socket_addrs()
            .map_err(|_| "this is no address with a port".to_owned())?
            .min_by_key(|address| !matches!(address.ip(), IpAddr::V4(_)))
            .ok_or_else(|| "this name has no address".to_owned())?,
    };
    let clients = match listen.port() {
        0 => 0,
        port => {
            port.checked_add(1).ok_or_else(|| "clients need the next port, and there is none".to_owned())?
        }
    };
    Ok((listen, SocketAddr::new(listen.ip(), clients)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        flags: Flags,
    }

    /// From the official vectors of BIP-340.
    const OFF_THE_CURVE: &str = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";
    const NPUB: &str = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";

    pub(super) fn settings(arguments: &[&str], file: &str) -> Result<Settings, Unusable> {
        let arguments = [&["nostrp2p"], arguments].concat();
        let program =
            Program::try_parse_from(arguments).map_err(|error| Unusable::InFile(error.to_string()))?;
        merge(program.flags, toml::from_str(file).unwrap(), "data".into())
    }

    #[test]
    fn several_addresses_are_listened_at_from_flags_and_file() {
        let flags = Flags { listen_addr_port: vec!["0.0.0.0:7".into(), "[::]:7".into()], ..Flags::default() };
        let both = merge(flags, SettingsFile::default(), PathBuf::new()).unwrap();
        let also = vec![("[::]:7".parse().unwrap(), "[::]:8".parse().unwrap())];
        assert_eq!((both.listen, &both.listen_also), ("0.0.0.0:7".parse().unwrap(), &also));
        let file = decode_file("listen-addr-port = ['0.0.0.0:7', '[::]:7']").unwrap();
        assert_eq!((file.listen, file.listen_also), (both.listen, also));
        let one = decode_file("listen-addr-port = '0.0.0.0:7'").unwrap();
        assert_eq!((one.listen, one.listen_also), (both.listen, vec![]));
        let wrong = Flags { listen_addr_port: vec!["0.0.0.0:7".into(), "x".into()], ..Flags::default() };
        assert!(merge(wrong, SettingsFile::default(), PathBuf::new()).is_err());
    }

    #[test]
    fn the_spellings_of_the_original_are_taken() {
        for on in
            [&["-s"][..], &["-s", "true"], &["--ssl"], &["--ssl", "true"], &["--ssl=true"], &["-s=true"]]
        {
            assert!(settings(on, "").unwrap().tls.is_some(), "{on:?}");
        }
        assert!(settings(&["-s", "false"], "").unwrap().tls.is_none());
        assert!(!settings(&["-w=false"], "").unwrap().writable);
        let all =
            ["-l", "0.0.0.0:20002", "-b", "127.0.0.1:20000", "-p", NPUB, "-d", "-w", "-s", "--data-dir", "x"];
        let settings = settings(&all, "").unwrap();
        assert_eq!(settings.listen_clients, "0.0.0.0:20003".parse().unwrap());
        assert_eq!(settings.owner.unwrap().to_npub(), NPUB);
        assert!(
            settings.debug && settings.writable && settings.tls.is_some() && settings.bootstrap.len() == 1
        );
    }

    #[test]
    fn flags_go_before_the_file_and_the_file_before_defaults() {
        let file = "listen-addr-port = '127.0.0.1:5000'\nssl = true\nboot-peer-addr-port = ['a.example:1']";
        let from_file = settings(&[], file).unwrap();
        assert_eq!(
            (from_file.listen.port(), from_file.tls.is_some(), from_file.bootstrap.len()),
            (5000, true, 1)
        );
        let from_flags =
            settings(&["-l", "127.0.0.1:6000", "-s", "false", "-b", "b.example:1,c.example:2"], file);
        let from_flags = from_flags.unwrap();
        assert_eq!(
            (from_flags.listen.port(), from_flags.tls.is_some(), from_flags.bootstrap.len()),
            (6000, false, 2)
        );
        let defaults = settings(&[], "").unwrap();
        assert_eq!((defaults.listen.port(), defaults.claim_seconds, defaults.writable), (20000, 3600, true));
    }

    #[test]
    fn the_doors_for_others_open_only_when_asked() {
        let open = |arguments: &[&str], file: &str| {
            let settings = settings(arguments, file).unwrap();
            (settings.legacy_rest, settings.public_read, settings.open_relay)
        };
        assert_eq!(open(&[], ""), (false, false, false));
        assert_eq!(open(&["--legacy-rest"], ""), (true, false, false));
        assert_eq!(open(&["--open-relay"], ""), (false, false, true));
        assert_eq!(open(&["--public-read=true"], ""), (false, true, false));
        assert_eq!(
            open(&["--legacy-rest", "false"], "legacy-rest = true\npublic-read = true"),
            (false, true, false)
        );
    }

    #[test]
    fn what_cannot_be_used_is_explained() {
        let check = |arguments: &[&str], file: &str, expected: &str| {
            let reason = match settings(arguments, file).unwrap_err() {
                Unusable::Listen { reason, .. } | Unusable::InFile(reason) => reason,
            };
            assert!(reason.contains(expected), "{reason} has no {expected}");
        };
        check(&["-l", "nonsense"], "", "no address with a port");
        check(&["-l", "127.0.0.1:65535"], "", "clients need the next port");
        check(&["-p", "npub1xyz"], "", "this is not a whole npub");
        check(&["-p", "abc"], "", "64 lower-case hexadecimal digits, or begin with npub1");
        check(&["-p", "nsec1xyz"], "", "SECRET");
        check(&["-p", "NSEC1XYZ"], "", "SECRET");
        check(&["-p", "nostr:nsec1xyz"], "", "SECRET");
        check(&["-p", OFF_THE_CURVE], "", "no point of the curve");
        check(&["-s", "maybe"], "", "say true or false");
        check(&["-b", "no port"], "", "no port");
        check(&["--reachable", "maybe"], "", "say auto, yes or no");
        check(&["--relay", "97"], "", "a number up to 96");
        check(&["--relay-quota", "0"], "", "say --relay off");
        check(&[], "relay-quota = 2000000", "relay-quota: say 1 to 1048576 MiB");
        check(&["--external-addr", "example.org:1"], "", "give the IP address");
        check(&["--max-disk", "much"], "", "say a number of MiB");
        check(&["--cache-mib", "0"], "", "say 1 to 65536 MiB");
        check(&[], "cache-mib = 99999", "cache-mib: say 1 to");
        check(&["--max-mail", "0"], "", "say 1 to 16777216 MiB");
        check(&[], "max-disk = 0", "max-disk: say 1 to");
        check(&[], "relay = 'many'", "relay: say off");
        check(&[], "public-key = 'npub1xyz'", "public-key: this is not a whole npub");
        assert!(toml::from_str::<SettingsFile>("no-such-key = 1").is_err());
    }

    #[test]
    fn explained_settings_can_be_used_as_a_file_and_name_their_origin() {
        let before = settings(
            &["-l", "127.0.0.1:5000", "--tls-cert", "a \"b\".pem", "-b", "one:1,two:2", "--relay", "off"],
            "",
        )
        .unwrap();
        let text = explain(&before, &Flags::default(), |name| (name == "debug").then_some("given as a flag"));
        assert!(
            text.contains("debug = false  # given as a flag") && text.contains("# the default"),
            "{text}"
        );
        let after = settings(&[], &text).unwrap();
        assert_eq!((after.listen, after.tls, after.bootstrap), (before.listen, before.tls, before.bootstrap));
        assert_eq!(after.reach, before.reach);
        let limits = |kept: Retention| (kept.disk_bytes >> 20, kept.mail_bytes >> 20);
        assert_eq!((limits(before.retention), limits(after.retention)), ((4_096, 1_024), (4_096, 1_024)));
        let given = settings(&["--max-disk", "100"], "max-disk = 7\nmax-mail = 9").unwrap();
        assert_eq!(limits(given.retention), (100, 9));
        let given = settings(&["--cache-mib", "3"], "cache-mib = 7").unwrap();
        assert_eq!(given.cache, CacheSize::of_mib(3));
    }
}
