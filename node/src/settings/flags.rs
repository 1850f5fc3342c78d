//! The flags of a node, each with its environment variable.

use std::path::PathBuf;

use clap::Args;
use nostrp2p_overlay::PeerAddress;
use nostrp2p_protocol::PublicKey;

use super::values::{self, HelpOthers, Reachable, RelayQuota, RelaySlots, boolish};
use crate::relay_url::relay_url;

/// Flags and environment variables. Everything is optional; `merge` fills in the rest.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Address and port for other nodes; clients use the next port; may be given several times, and `[::]` takes IPv4 too
    /// [default: 127.0.0.1:20000]
    #[arg(
        short = 'l',
        long,
        value_name = "ADDR:PORT",
        env = "NOSTRP2P_LISTEN_ADDR_PORT",
        value_delimiter = ','
    )]
    pub listen_addr_port: Vec<String>,

    /// A node that is already in the network: host:port or a multiaddr; may be given several times
    #[arg(
        short = 'b',
        long,
        value_name = "PEER",
        env = "NOSTRP2P_BOOT_PEER_ADDR_PORT",
        value_delimiter = ','
    )]
    pub boot_peer_addr_port: Vec<PeerAddress>,

    /// Your public key (npub or hex): the node is yours from the start and prints no claim link
    #[arg(short = 'p', long, value_name = "KEY", env = "NOSTRP2P_PUBLIC_KEY", value_parser = values::public_key)]
    pub public_key: Option<PublicKey>,

    /// Whether your clients may publish [default: true]
    #[arg(short = 'w', long, value_name = "BOOL", env = "NOSTRP2P_WRITABLE",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub writable: Option<bool>,

    /// Log what the node does, to stderr [default: false]
    #[arg(short = 'd', long, value_name = "BOOL", env = "NOSTRP2P_DEBUG",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub debug: Option<bool>,

    /// Serve clients over TLS; the certificate is read again when it is renewed [default: false, true when one of the
    /// next options is given]
    #[arg(short = 's', long, value_name = "BOOL", env = "NOSTRP2P_SSL",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub ssl: Option<bool>,

    /// The certificate chain, PEM [default: fullchain.pem in the current directory]
    #[arg(long, value_name = "FILE", env = "NOSTRP2P_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM [default: privkey.pem in the current directory]
    #[arg(long, value_name = "FILE", env = "NOSTRP2P_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// Get a certificate for this domain by ACME (Let's Encrypt), and renew it; clients must reach this node at port
    /// 443 of it; may be given several times
    #[arg(long, value_name = "DOMAIN", env = "NOSTRP2P_ACME_DOMAIN", value_delimiter = ',')]
    pub acme_domain: Vec<String>,

    /// Where the certificate authority writes to when something is wrong with a certificate
    #[arg(long, value_name = "EMAIL", env = "NOSTRP2P_ACME_EMAIL")]
    pub acme_email: Option<String>,

    /// Another certificate authority's ACME directory [default: that of Let's Encrypt]
    #[arg(long, value_name = "URL", env = "NOSTRP2P_ACME_DIRECTORY")]
    pub acme_directory: Option<String>,

    /// Where the node keeps its key, its events and the addresses it knows [default: nostrp2p in this user's folder for
    /// data, on Linux ~/.local/share]
    #[arg(long, value_name = "DIR", env = "NOSTRP2P_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Settings file in TOML; its keys are the long names of these flags [default: nostrp2p.toml in the data directory]
    #[arg(long, value_name = "FILE", env = "NOSTRP2P_SETTINGS")]
    pub settings: Option<PathBuf>,

    /// Whether other nodes can dial this one: auto, yes or no; auto lets them try [default: auto]
    #[arg(long, value_name = "WORD", env = "NOSTRP2P_REACHABLE", value_parser = values::reachable)]
    pub reachable: Option<Reachable>,

    /// An address at which other nodes reach this one although it does not see that itself, such as a port that your
    /// router forwards: IP:port (TCP) or a multiaddr; may be given several times
    #[arg(long, value_name = "ADDR", env = "NOSTRP2P_EXTERNAL_ADDR", value_delimiter = ',', value_parser = values::external)]
    pub external_addr: Vec<PeerAddress>,

    /// How many nodes behind routers may be reached through this one at a time, as long as it is reachable itself; off
    /// refuses it [default: 64]
    #[arg(long, value_name = "N", env = "NOSTRP2P_RELAY", value_parser = values::relay_slots)]
    pub relay: Option<RelaySlots>,

    /// How many MiB are relayed for one node behind a router in a day, to it and from it [default: 128]
    #[arg(long, value_name = "MIB", env = "NOSTRP2P_RELAY_QUOTA", value_parser = values::relay_quota)]
    pub relay_quota: Option<RelayQuota>,

    /// Ask the router to open the port, by UPnP; not done on loopback [default: true]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_UPNP",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub upnp: Option<bool>,

    /// Look for nodes in the local network, by mDNS, and be found there [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_MDNS",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub mdns: Option<bool>,

    /// Be reached through helpers, nodes that browsers reach, from wherever you are: auto or off [default: auto]
    #[arg(long, value_name = "WORD", env = "NOSTRP2P_HELP_ME_HOME", value_parser = values::help_me)]
    pub help_me_home: Option<bool>,

    /// Lend a hand to nodes at home: the address at which browsers reach this node, wss://host or wss://host:port, or off
    /// [default: off, the domain with --acme-domain]
    #[arg(long, value_name = "ADDR", env = "NOSTRP2P_HELP_OTHERS", value_parser = values::help_others)]
    pub help_others: Option<HelpOthers>,

    /// How many clients of one node at home may come through this one at a time [default: 8]
    #[arg(long, value_name = "N", env = "NOSTRP2P_HELP_SESSIONS")]
    pub help_sessions: Option<usize>,

    /// How much one node at home gets of this one's line, in KiB a second [default: 256]
    #[arg(long, value_name = "KIB", env = "NOSTRP2P_HELP_KIB_PER_SECOND")]
    pub help_kib_per_second: Option<u64>,

    /// How much one node at home gets in a day, in MiB [default: 1024]
    #[arg(long, value_name = "MIB", env = "NOSTRP2P_HELP_MIB_PER_DAY")]
    pub help_mib_per_day: Option<u64>,

    /// Where you open the web client when you are not at home, an https address; links that work from anywhere lead there
    #[arg(long, value_name = "URL", env = "NOSTRP2P_PAGE", value_parser = values::page)]
    pub page: Option<String>,

    /// A name of this node, HOST or HOST:PORT, besides those of its certificate, its own addresses, and those that you
    /// confirm in the page; may be given several times
    #[arg(long, value_name = "HOST", env = "NOSTRP2P_ALLOW_HOST", value_delimiter = ',')]
    pub allow_host: Vec<String>,

    /// A web page of another site that may talk to this node, `https://page.example`, or none; may be given several times
    /// [default: none; with --allow-host the pages of those hosts]
    #[arg(long, value_name = "ORIGIN", env = "NOSTRP2P_ALLOW_ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<String>,

    /// Serve the REST interface to clients of the original without login, for a node on loopback or inside a VPN
    /// [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_LEGACY_REST",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub legacy_rest: Option<bool>,

    /// Serve Nostr programs that cannot sign in (NIP-42) as if they were yours, for a node on loopback or inside a VPN
    /// [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_OPEN_RELAY",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub open_relay: Option<bool>,

    /// Take what anybody brings for you at the relay, without login: direct messages, and posts, reposts, likes, comments and
    /// zap receipts that name you; for a node that others can reach (docs/relay.md) [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_INBOX",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub inbox: Option<bool>,

    /// Bits of work (NIP-13) that strangers must put into what they bring; people whom you follow, and whom those follow,
    /// need none [default: 0]
    #[arg(long, value_name = "BITS", env = "NOSTRP2P_INBOX_WORK", value_parser = values::work)]
    pub inbox_work: Option<u8>,

    /// What you write with other programs than the page (replies, mentions, comments, likes) is for everyone, and not only for
    /// the people it names; the page can change that [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_PUBLIC_REPLIES",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub public_replies: Option<bool>,

    /// A name of yours at the domain of this node (NIP-05), such as `bob` for bob@node.example, `_` for the domain itself;
    /// may be given several times [default: _]
    #[arg(long, value_name = "NAME", env = "NOSTRP2P_NIP05_NAME", value_delimiter = ',')]
    pub nip05_name: Vec<String>,

    /// A relay to which your public events go, and from which come those of people who are not on this network;
    /// may be given several times (docs/mirrors.md)
    #[arg(long, value_name = "URL", env = "NOSTRP2P_MIRROR", value_delimiter = ',', value_parser = relay_url)]
    pub mirror: Vec<String>,

    /// Mirror also to the relays of your relay list (NIP-65), and read where the people you follow write
    /// [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_MIRROR_LISTS",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub mirror_lists: Option<bool>,

    /// The certificates (PEM) of an authority of your own, for mirrors with wss:// whose certificates no public
    /// authority has signed; public ones are taken besides
    #[arg(long, value_name = "FILE", env = "NOSTRP2P_MIRROR_CA")]
    pub mirror_ca: Option<PathBuf>,

    /// Show the public events to guests who are not signed in [default: false]
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_PUBLIC_READ",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub public_read: Option<bool>,

    /// How much disk the store may take, in MiB; the node warns at 80 % [default: 4096]
    #[arg(long, value_name = "MIB", env = "NOSTRP2P_MAX_DISK", value_parser = values::mib)]
    pub max_disk: Option<u64>,

    /// How much of it may be taken by what others address to you (replies, likes, messages), in MiB; the node warns at 80 %
    /// [default: 1024]
    #[arg(long, value_name = "MIB", env = "NOSTRP2P_MAX_MAIL", value_parser = values::mib)]
    pub max_mail: Option<u64>,

    /// How much memory the pages of the store may take, in MiB; more makes a store of hundreds of thousands of events
    /// quicker [default: 8]
    #[arg(long, value_name = "MIB", env = "NOSTRP2P_CACHE_MIB", value_parser = values::cache_mib)]
    pub cache_mib: Option<u64>,

    /// How many minutes the claim link of a new node holds [default: 60]
    #[arg(long, value_name = "MINUTES", env = "NOSTRP2P_CLAIM_MINUTES")]
    pub claim_minutes: Option<u64>,

    /// Print the claim link without its QR code
    #[arg(long, value_name = "BOOL", env = "NOSTRP2P_NO_QR",
          num_args = 0..=1, default_missing_value = "true", value_parser = boolish)]
    pub no_qr: Option<bool>,
}
