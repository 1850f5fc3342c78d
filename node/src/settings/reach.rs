//! Settings about being reached by other nodes, and about relaying for others.

use nostrp2p_overlay::{DEFAULT_RELAY_BYTES, DEFAULT_RELAY_SLOTS, PeerAddress};

use super::{
    Flags, SettingsFile, Unusable,
    values::{Reachable, RelayQuota, RelaySlots, external, quota, reachable, relay_slots},
};

/// Settings about being reached by other nodes and about relaying.
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

const MIB: u64 = 1024 * 1024;
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
