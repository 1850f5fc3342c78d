//! Values of single settings: their types, how text becomes one, and their ranges. A flag, an environment variable and
//! the settings file read a value alike; each error is a sentence that says what to give instead.

use nostrp2p_overlay::{InvalidPeerAddress, MAX_RELAY_SLOTS, PeerAddress};
use nostrp2p_protocol::{PublicKey, announcement::is_way};

const MIB: u64 = 1024 * 1024;
/// The highest quota of a relayed node, in MiB a day: 1 TiB, which is more than any line carries.
const MAX_QUOTA: u64 = MIB;
/// The largest disk that can be named, in MiB: 16 TiB.
const MAX_DISK_MIB: u64 = 16 * 1024 * 1024;
/// The most memory that can be named, in MiB: 64 GiB.
const MAX_CACHE_MIB: u64 = 64 * 1024;
/// The most work (NIP-13) that can be demanded, in bits: 40 keep a computer busy for days.
const MAX_WORK: u8 = 40;

/// `--reachable`: None stands for auto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable(pub Option<bool>);

/// `--relay`: how many nodes may be reached through this one at a time; 0 stands for off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelaySlots(pub usize);

/// `--relay-quota`, in MiB a day for each relayed node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayQuota(pub u64);

/// `--help-others`: None stands for off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpOthers(pub Option<String>);

impl RelayQuota {
    pub(crate) const fn bytes(self) -> u64 {
        self.0 * MIB
    }
}

/// Reads a yes or no as people write it; nothing is no.
pub(super) fn boolish(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err("say true or false".to_owned()),
    }
}

/// Reads a public key, npub or hex.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower.contains("nsec1") || lower.contains("ncryptsec1") {
        return Err("this is a SECRET key; a node never needs it. Give the public key (npub1...)".to_owned());
    }
    let key: PublicKey = if text.starts_with("npub1") {
        PublicKey::from_npub(text).map_err(|error| error.to_string())?
    } else {
        text.parse().map_err(|error| format!("{error}, or begin with npub1"))?
    };
    if key.is_point() {
        return Ok(key);
    }
    let reason = "this is no public key, for it is no point of the curve. If it is your SECRET key, a node never needs \
                  it; give the public key (npub1...)";
    Err(reason.to_owned())
}

pub(super) fn reachable(text: &str) -> Result<Reachable, String> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(Reachable(None)),
        other => {
            boolish(other).map(|said| Reachable(Some(said))).map_err(|_| "say auto, yes or no".to_owned())
        }
    }
}

pub(super) fn relay_slots(text: &str) -> Result<RelaySlots, String> {
    let slots = if text.eq_ignore_ascii_case("off") { Some(0) } else { text.parse().ok() };
    let slots = slots.filter(|slots| *slots <= MAX_RELAY_SLOTS);
    slots.map(RelaySlots).ok_or_else(|| format!("say off, or a number up to {MAX_RELAY_SLOTS}"))
}

pub(super) fn relay_quota(text: &str) -> Result<RelayQuota, String> {
    text.parse().map_err(|_| "say a number of MiB".to_owned()).and_then(quota)
}

pub(super) fn quota(mib: u64) -> Result<RelayQuota, String> {
    let fits = (1..=MAX_QUOTA).contains(&mib);
    fits.then_some(RelayQuota(mib))
        .ok_or_else(|| format!("say 1 to {MAX_QUOTA} MiB; to relay nothing at all, say --relay off"))
}

pub(super) fn external(text: &str) -> Result<PeerAddress, String> {
    let address: PeerAddress = text.parse().map_err(|error: InvalidPeerAddress| error.to_string())?;
    if address.is_circuit() || address.has_name() {
        return Err(format!(
            "{address}: give the IP address and port that others dial; nodes do not resolve names that others tell them"
        ));
    }
    Ok(address)
}

pub(super) fn help_me(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(true),
        other => boolish(other).map_err(|_| "say auto or off".to_owned()),
    }
}

pub(super) fn help_others(text: &str) -> Result<HelpOthers, String> {
    let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
    if text == "off" {
        return Ok(HelpOthers(None));
    }
    if is_way(&text) {
        Ok(HelpOthers(Some(text)))
    } else {
        Err("say off, or where browsers reach this node with TLS, such as wss://node.example".to_owned())
    }
}

pub(super) fn page(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let sound = text.starts_with("https://") && text.len() > 8 && !text.contains(['#', '?', ' ']);
    sound
        .then(|| text.to_owned())
        .ok_or_else(|| "give an https address, such as https://page.example".to_owned())
}

/// Reads a number of bits.
pub(super) fn work(text: &str) -> Result<u8, String> {
    text.trim().parse().map_err(|_| "say a number of bits, such as 20".to_owned()).and_then(checked_work)
}

pub(super) fn checked_work(bits: u8) -> Result<u8, String> {
    if bits <= MAX_WORK { Ok(bits) } else { Err(format!("say 0 to {MAX_WORK} bits")) }
}

/// Reads a number of MiB.
pub(super) fn mib(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "say a number of MiB, such as 4096".to_owned()).and_then(checked_mib)
}

pub(super) fn checked_mib(mib: u64) -> Result<u64, String> {
    if (1..=MAX_DISK_MIB).contains(&mib) { Ok(mib) } else { Err(format!("say 1 to {MAX_DISK_MIB} MiB")) }
}

/// Reads the size of the cache.
pub(super) fn cache_mib(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "say a number of MiB, such as 64".to_owned()).and_then(checked_cache)
}

pub(super) fn checked_cache(mib: u64) -> Result<u64, String> {
    if (1..=MAX_CACHE_MIB).contains(&mib) { Ok(mib) } else { Err(format!("say 1 to {MAX_CACHE_MIB} MiB")) }
}
