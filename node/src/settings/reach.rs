//! What the operator says about being reached by other nodes, and what the node may do for it.

use nostrp2p_overlay::{
    DEFAULT_RELAY_BYTES, DEFAULT_RELAY_SLOTS, InvalidPeerAddress, MAX_RELAY_SLOTS, PeerAddress,
};

use super::{Flags, SettingsFile, Unusable, values::boolish};

/// What the operator says about being reached by other nodes, and what the node may do for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachSettings {
    /// Whether other nodes can dial this one; auto lets them try.
    pub reachable: Reachable,
    /// Addresses that the node does not see itself.
    pub external: Vec<PeerAddress>,
    /// How many nodes may be reached through this one at a time; 0 refuses.
    pub relay_slots: RelaySlots,
    /// How much is relayed for one of them in a day.
    pub relay_quota: RelayQuota,
    /// Whether to ask the router to open the port.
    pub upnp: bool,
    /// Whether to look for nodes in the local network.
    pub mdns: bool,
}

/// `--reachable`: nothing said stands for auto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable(pub Option<bool>);

/// `--relay`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelaySlots(pub usize);

/// `--relay-quota`, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayQuota(pub u64);

const MIB: u64 = 1024 * 1024;
/// The highest quota: 1 TiB a day, which is more than any line carries.
const MAX_QUOTA: u64 = MIB;

impl RelayQuota {
    pub(crate) const fn bytes(self) -> u64 {
        self.0 * MIB
    }
}

impl ReachSettings {
    /// The lines of a settings file that says the same.
    pub(super) fn lines(
        &self,
        list: impl Fn(Vec<String>) -> String,
        text: impl Fn(&str) -> String,
    ) -> [(&'static str, Option<String>); 6] {
        let reachable = match self.reachable.0 {
            None => "auto",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let relay = match self.relay_slots.0 {
            0 => "off".to_owned(),
            slots => slots.to_string(),
        };
        [
            ("reachable", Some(text(reachable))),
            ("external-addr", Some(list(self.external.iter().map(ToString::to_string).collect()))),
            ("relay", Some(text(&relay))),
            ("relay-quota", Some(self.relay_quota.0.to_string())),
            ("upnp", Some(self.upnp.to_string())),
            ("mdns", Some(self.mdns.to_string())),
        ]
    }
}

/// Flags and environment before file before defaults.
pub(super) fn merge(flags: &Flags, file: &SettingsFile) -> Result<ReachSettings, Unusable> {
    fn in_file<T>(name: &str, parsed: Result<T, String>) -> Result<T, Unusable> {
        parsed.map_err(|reason| Unusable::InFile(format!("{name}: {reason}")))
    }
    let said = file.reachable.as_deref().map(|text| in_file("reachable", reachable(text))).transpose()?;
    let slots = file.relay.as_deref().map(|text| in_file("relay", relay_slots(text))).transpose()?;
    let quota = file.relay_quota.map(|mib| in_file("relay-quota", quota(mib))).transpose()?;
    let named = file.external_addr.iter().map(|text| in_file("external-addr", external(text)));
    let named: Vec<_> = named.collect::<Result<_, _>>()?;
    Ok(ReachSettings {
        reachable: flags.reachable.or(said).unwrap_or(Reachable(None)),
        external: if flags.external_addr.is_empty() { named } else { flags.external_addr.clone() },
        relay_slots: flags.relay.or(slots).unwrap_or(RelaySlots(DEFAULT_RELAY_SLOTS)),
        relay_quota: flags.relay_quota.or(quota).unwrap_or(RelayQuota(DEFAULT_RELAY_BYTES / MIB)),
        upnp: flags.upnp.or(file.upnp).unwrap_or(true),
        mdns: flags.mdns.or(file.mdns).unwrap_or(false),
    })
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

fn quota(mib: u64) -> Result<RelayQuota, String> {
    let fits = (1..=MAX_QUOTA).contains(&mib);
    fits.then_some(RelayQuota(mib))
        .ok_or_else(|| format!("say 1 to {MAX_QUOTA} MiB; to relay nothing at all, say --relay off"))
}

pub(super) fn external(text: &str) -> Result<PeerAddress, String> {
    let address: PeerAddress = text.parse().map_err(|error: InvalidPeerAddress| error.to_string())?;
    if address.is_circuit() || address.has_name() {
        return Err(format!(
            "{address}: give the IP address and port that others dial, for nodes look up no names that others tell them"
        ));
    }
    Ok(address)
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

    fn reach(arguments: &[&str], file: &str) -> ReachSettings {
        let program = Program::try_parse_from([&["nostrp2p"], arguments].concat()).unwrap();
        merge(&program.flags, &toml::from_str(file).unwrap()).unwrap()
    }

    #[test]
    fn what_is_said_about_being_reached_is_taken() {
        let default = reach(&[], "");
        assert_eq!((default.reachable, default.relay_slots), (Reachable(None), RelaySlots(64)));
        assert_eq!(default.relay_quota, RelayQuota(128));
        assert!(default.upnp && !default.mdns && default.external.is_empty());
        let file =
            "reachable = 'no'\nrelay = '5'\nrelay-quota = 7\nupnp = false\nexternal-addr = ['8.8.8.8:1']";
        let from_file = reach(&[], file);
        assert_eq!((from_file.reachable, from_file.relay_slots), (Reachable(Some(false)), RelaySlots(5)));
        assert_eq!(from_file.relay_quota.bytes(), 7 * 1024 * 1024);
        assert!(!from_file.upnp && from_file.external.len() == 1);
        let flags =
            ["--reachable", "yes", "--relay", "off", "--mdns", "--external-addr", "9.9.9.9:1,[2a01::1]:2"];
        let from_flags = reach(&flags, file);
        assert_eq!((from_flags.reachable, from_flags.relay_slots), (Reachable(Some(true)), RelaySlots(0)));
        assert_eq!(reach(&["--relay-quota", "9"], file).relay_quota, RelayQuota(9));
        assert!(from_flags.mdns && from_flags.external.len() == 2);
    }
}
