//! Two lists: names by which clients reach the node, and sites whose pages may talk to it.

use nostrp2p_protocol::{Authority, normal_origin};

use super::{Settings, Tls, Unusable};

/// The word for no page of another site.
const NONE: &str = "none";

/// Pages of other sites that may talk to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pages {
    /// `--allow-origin`: these origins, in their normal form.
    Listed(Vec<String>),
    /// As before there was `--allow-origin`: pages of the hosts of `--allow-host`, at each port and in each scheme.
    AsHosts,
}

impl Pages {
    /// The line of a settings file with the same meaning; None if no `allow-origin` expresses it.
    pub(super) fn line(&self) -> Option<Vec<String>> {
        match self {
            Self::Listed(origins) if origins.is_empty() => Some(vec![NONE.to_owned()]),
            Self::Listed(origins) => Some(origins.clone()),
            Self::AsHosts => None,
        }
    }
}

impl Settings {
    /// Whether the node listens on its own machine alone.
    pub(crate) fn is_on_loopback(&self) -> bool {
        let also = self.listen_also.iter().flat_map(|(nodes, clients)| [nodes, clients]);
        also.chain([&self.listen, &self.listen_clients]).all(|address| address.ip().is_loopback())
    }

    /// All names that were configured: those of `--allow-host`, of the ACME domains, and a helper's own.
    pub(crate) fn own_hosts(&self) -> Vec<Authority> {
        let domains = match &self.tls {
            Some(Tls::Acme(acme)) => acme.domains.as_slice(),
            _ => &[],
        };
        let domains = domains.iter().filter_map(|domain| domain.parse().ok());
        self.allow_hosts.iter().cloned().chain(self.home.host()).chain(domains).collect()
    }

    /// The advice when `--allow-host` is given as it was before there was `--allow-origin`.
    pub(crate) fn pages_advice(&self) -> Option<String> {
        let host = self.allow_hosts.first().filter(|_| self.pages == Pages::AsHosts)?;
        Some(format!(
            "--allow-host also lets web pages of that site talk to the node, as it did before; say \
             --allow-origin https://{host} if you want that, and --allow-origin none if not"
        ))
    }
}

/// Reads both lists.
pub(super) fn merge(hosts: &[String], origins: &[String]) -> Result<(Vec<Authority>, Pages), Unusable> {
    let given = |list: &[String]| -> Vec<String> {
        list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let host = |text: &String| {
        let unusable =
            || format!("allow-host: {text:?} is no host; give its name only, such as node.example");
        // A name is compared whole: a pattern would match nothing.
        let whole = Some(text).filter(|text| !text.contains('*')).and_then(|text| text.parse().ok());
        whole.ok_or_else(|| Unusable::InFile(unusable()))
    };
    let hosts = given(hosts).iter().map(host).collect::<Result<Vec<_>, _>>()?;
    let origins = given(origins);
    if origins.is_empty() {
        let pages = if hosts.is_empty() { Pages::Listed(vec![]) } else { Pages::AsHosts };
        return Ok((hosts, pages));
    }
    let origin = |text: &String| {
        let unusable = || {
            format!(
                "allow-origin: {text:?} is no origin; give scheme and host, such as https://page.example, or none"
            )
        };
        normal_origin(text).ok_or_else(|| Unusable::InFile(unusable()))
    };
    let named = origins.iter().filter(|text| *text != NONE);
    Ok((hosts, Pages::Listed(named.map(origin).collect::<Result<_, _>>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn an_old_allow_host_counts_as_both_with_a_warning_until_origins_are_given() {
        let old = settings(&["--allow-host", "Node.example"], "").unwrap();
        assert_eq!(old.pages, Pages::AsHosts);
        assert!(old.pages_advice().unwrap().contains("--allow-origin https://node.example"));
        let new =
            settings(&["--allow-host", "node.example", "--allow-origin", "https://Page.example:443"], "");
        let new = new.unwrap();
        assert_eq!(new.pages, Pages::Listed(vec!["https://page.example".into()]));
        assert_eq!(new.pages_advice(), None);
        for none in [&["--allow-host", "node.example", "--allow-origin", "none"][..], &[]] {
            let none = settings(none, "").unwrap();
            assert_eq!((none.pages.clone(), none.pages_advice()), (Pages::Listed(vec![]), None));
        }
    }

    #[test]
    fn names_come_from_everywhere_and_nonsense_is_named() {
        let hosts = |arguments: &[&str], file: &str| {
            let own = settings(arguments, file).unwrap().own_hosts();
            own.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(hosts(&["--allow-host", "a.example:8443,b.example"], ""), ["a.example:8443", "b.example"]);
        assert_eq!(hosts(&["--help-others", "wss://c.example:1"], "allow-host = ['']"), ["c.example:1"]);
        assert_eq!(
            hosts(&["--acme-domain", "d.example,e.example", "--help-others", "off"], ""),
            ["d.example", "e.example"]
        );
        for (flag, value) in [
            ("--allow-host", "https://a.example"),
            ("--allow-host", "*.example"),
            ("--allow-origin", "a.example"),
            ("--allow-origin", "https://a/x"),
        ] {
            let reason = settings(&[flag, value], "").unwrap_err();
            assert!(matches!(&reason, Unusable::InFile(text) if text.contains(&flag[2..])), "{reason:?}");
        }
    }
}
