//! Settings for tunnels: using helpers, and being one.

use nostrp2p_core::TunnelLimits;
use nostrp2p_protocol::{Authority, announcement::is_way};

use super::{
    Flags, SettingsFile, Tls, Unusable,
    values::{HelpOthers, help_me, help_others, page},
};

/// Sessions at a time that one node at home gets: a person's devices, each with a tab or two.
const DEFAULT_SESSIONS: usize = 8;
/// KiB a second that one node at home gets: a page of posts in well under a second.
const DEFAULT_KIB_PER_SECOND: u64 = 256;
/// MiB a day that one node at home gets. A guess: a hundred times what a busy reader needs.
const DEFAULT_MIB_PER_DAY: u64 = 1_024;

/// Settings of tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeSettings {
    /// Whether to ask helpers, unless this node is one.
    pub help_me: bool,
    /// Where browsers reach this node, if it serves as a helper: `wss://host` or `wss://host:port`.
    pub help_others: Option<String>,
    /// The limits of each node behind a router.
    pub limits: TunnelLimits,
    /// Where the web client is hosted, for links that work from anywhere: `https://...` without a `/` at its end.
    pub page: Option<String>,
}

impl HomeSettings {
    /// The lines of a settings file that says the same.
    pub(super) fn lines(&self, text: impl Fn(&str) -> String) -> [(&'static str, Option<String>); 6] {
        let TunnelLimits { sessions, bytes_per_second, bytes_per_day } = self.limits;
        [
            ("help-me-home", Some(text(if self.help_me { "auto" } else { "off" }))),
            ("help-others", Some(text(self.help_others.as_deref().unwrap_or("off")))),
            ("help-sessions", Some(sessions.to_string())),
            ("help-kib-per-second", Some((bytes_per_second / 1024).to_string())),
            ("help-mib-per-day", Some((bytes_per_day / 1024 / 1024).to_string())),
            ("page", self.page.as_deref().map(text)),
        ]
    }

    /// The name under which browsers reach this helper. The port is that of the proxy before it, if there is one.
    pub(super) fn host(&self) -> Option<Authority> {
        self.help_others.as_ref()?.strip_prefix("wss://")?.parse().ok()
    }
}

/// Flags and environment before file before defaults. A node with a certificate for a domain of its own helps unless it
/// is told not to.
pub(super) fn merge(flags: &Flags, file: &SettingsFile, tls: Option<&Tls>) -> Result<HomeSettings, Unusable> {
    fn in_file<T>(
        name: &str,
        text: Option<&String>,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Unusable> {
        let parsed = text.map(|text| parse(text)).transpose();
        parsed.map_err(|reason| Unusable::InFile(format!("{name}: {reason}")))
    }
    let help_me = in_file("help-me-home", file.help_me_home.as_ref(), help_me)?;
    let said = in_file("help-others", file.help_others.as_ref(), help_others)?;
    let hosted = in_file("page", file.page.as_ref(), page)?;
    let domain = match tls {
        Some(Tls::Acme(acme)) => {
            acme.domains.first().map(|domain| format!("wss://{domain}")).filter(|way| is_way(way))
        }
        _ => None,
    };
    let help_others = flags.help_others.clone().or(said).map_or(domain, |HelpOthers(said)| said);
    let kib = flags.help_kib_per_second.or(file.help_kib_per_second).unwrap_or(DEFAULT_KIB_PER_SECOND);
    let mib = flags.help_mib_per_day.or(file.help_mib_per_day).unwrap_or(DEFAULT_MIB_PER_DAY);
    Ok(HomeSettings {
        help_me: flags.help_me_home.or(help_me).unwrap_or(true),
        help_others,
        limits: TunnelLimits {
            sessions: flags.help_sessions.or(file.help_sessions).unwrap_or(DEFAULT_SESSIONS),
            bytes_per_second: kib.saturating_mul(1024),
            bytes_per_day: mib.saturating_mul(1024 * 1024),
        },
        page: flags.page.clone().or(hosted),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::settings::Acme;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        flags: Flags,
    }

    fn home(arguments: &[&str], file: &str, tls: Option<&Tls>) -> HomeSettings {
        let program = Program::try_parse_from([&["nostrp2p"], arguments].concat()).unwrap();
        merge(&program.flags, &toml::from_str(file).unwrap(), tls).unwrap()
    }

    #[test]
    fn a_node_helps_when_it_is_told_to_or_has_a_domain_of_its_own() {
        let acme = Tls::Acme(Acme { domains: vec!["node.example".into()], email: None, directory: None });
        let check = |arguments: &[&str], file: &str, tls: Option<&Tls>, expected: Option<&str>| {
            assert_eq!(home(arguments, file, tls).help_others.as_deref(), expected, "{arguments:?} {file}");
        };
        check(&[], "", None, None);
        check(&[], "", Some(&acme), Some("wss://node.example"));
        check(&["--help-others", "off"], "", Some(&acme), None);
        check(&[], "help-others = 'wss://other.example:8443/'", None, Some("wss://other.example:8443"));
        check(
            &["--help-others", "WSS://Third.example"],
            "help-others = 'off'",
            None,
            Some("wss://third.example"),
        );
    }

    #[test]
    fn what_is_lent_and_the_page_are_taken_and_nonsense_is_named() {
        let home = home(
            &["--help-sessions", "2", "--help-me-home", "off"],
            "help-mib-per-day = 5\npage = 'https://page.example/'\nhelp-kib-per-second = 3",
            None,
        );
        let limits = TunnelLimits { sessions: 2, bytes_per_second: 3_072, bytes_per_day: 5_242_880 };
        assert_eq!((home.limits, home.help_me), (limits, false));
        assert_eq!(home.page.as_deref(), Some("https://page.example"));
        assert!(help_others("http://node.example").is_err() && help_others("wss://a/b").is_err());
        assert!(page("http://page.example").is_err() && help_me("perhaps").is_err());
    }
}
