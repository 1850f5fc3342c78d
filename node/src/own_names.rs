//! The names of this node: a login that names another one is refused.
//!
//! The client writes `Host`, so a name there does not make an address the node's own. The node's own names are those
//! of `--allow-host`, those of its certificate, those that the signed-in owner has confirmed, the local address of
//! the accepted connection, and loopback names over a loopback connection; the last two only with the node's own
//! port. See PROTOCOL.md, "Other requests at the client's address".

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use nostrp2p_protocol::{
    Authority,
    event_policy::is_inside_name,
    frame::{MAX_NAMES, Permission},
    normal_origin,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::{
    permissions::{Decisions, Permissions},
    settings::Pages,
};

/// Both ends of an accepted connection; `serve` puts them into each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketEnds {
    /// The client's address.
    pub(crate) from: SocketAddr,
    /// The local address at which it was accepted.
    pub(crate) at: SocketAddr,
}

impl SocketEnds {
    /// The ends of a listener without a client yet.
    pub(crate) const fn listening(at: SocketAddr) -> Self {
        Self { from: at, at }
    }
}

/// Whether a name belongs to this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// Its own.
    Own,
    /// It may belong to this node, and only the owner can tell: another IP address, loopback name, or name of a
    /// tailnet.
    Unconfirmed,
    /// None of its own.
    Foreign,
}

/// Why a name cannot be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotConfirmed {
    #[error(
        "only IP addresses, loopback names and names under .ts.net are confirmed; for others start the node with --allow-host"
    )]
    NeedsFlag,
    #[error("the node keeps at most {MAX_NAMES} confirmed names; revoke one first")]
    TooMany,
}

/// The names of a node. Clones share what changes.
#[derive(Debug, Clone)]
pub(crate) struct OwnNames {
    /// The names of `--allow-host` and the like; one without a port belongs to the node at each port.
    configured: Arc<[Authority]>,
    certificate: CertificateNames,
    confirmed: Arc<watch::Sender<BTreeSet<Authority>>>,
    pages: Arc<Pages>,
    /// The owner's decisions, pages of other sites included.
    permissions: Permissions,
    /// Whether the node serves TLS itself.
    tls: bool,
}

impl OwnNames {
    /// `confirmed` is what the store has kept.
    pub(crate) fn new(
        configured: Vec<Authority>,
        pages: Pages,
        tls: bool,
        confirmed: BTreeSet<Authority>,
    ) -> Self {
        Self {
            configured: configured.into(),
            certificate: CertificateNames::default(),
            confirmed: Arc::new(watch::Sender::new(confirmed)),
            pages: Arc::new(pages),
            permissions: Permissions::new(Decisions::new()),
            tls,
        }
    }

    /// The same with the owner's decisions in the page.
    pub(crate) fn with_permissions(self, permissions: Permissions) -> Self {
        Self { permissions, ..self }
    }

    /// The owner's decisions in the page.
    pub(crate) const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The names of the certificate, for the task that reads it.
    pub(crate) fn certificate(&self) -> CertificateNames {
        self.certificate.clone()
    }

    /// Whether a name is one of the node's own for this accepted connection. Without one no local address counts.
    pub(crate) fn is_own(&self, name: &Authority, ends: Option<&SocketEnds>) -> bool {
        self.configured.iter().any(|own| covers(own, name))
            || self.certificate.has(name)
            || self.confirmed.borrow().contains(name)
            || ends.is_some_and(|ends| self.is_local(name, ends))
    }

    /// Whether a name is own and for everybody: no address of a machine or network of somebody's own.
    pub(crate) fn is_public(&self, name: &Authority, ends: Option<&SocketEnds>) -> bool {
        self.is_own(name, ends) && !is_inside_name(name)
    }

    /// Whether a name belongs to this node.
    pub(crate) fn kind(&self, name: &Authority, ends: Option<&SocketEnds>) -> NameKind {
        if self.is_own(name, ends) {
            NameKind::Own
        } else if may_be_confirmed(name) {
            NameKind::Unconfirmed
        } else {
            NameKind::Foreign
        }
    }

    fn is_local(&self, name: &Authority, ends: &SocketEnds) -> bool {
        let port = name.port().unwrap_or(if self.tls { 443 } else { 80 });
        let here = name.ip() == Some(ends.at.ip().to_canonical())
            || name.is_loopback() && ends.from.ip().to_canonical().is_loopback();
        here && port == ends.at.port()
    }

    /// Whether pages of this `Origin` may talk to the node by this name: those of the same origin, those under another
    /// own name, those of `--allow-origin`, and those that the owner has allowed. Under a name that is not own, only those
    /// of the same origin.
    pub(crate) fn takes_page(&self, origin: &str, name: &Authority, ends: Option<&SocketEnds>) -> bool {
        let Some(origin) = normal_origin(origin) else { return false };
        let fits_scheme = !self.tls || origin.starts_with("https://");
        if fits_scheme && name.is_of(&origin) {
            return true;
        }
        let allowed = || self.permissions.granted(Permission::WEB_ORIGIN, &origin) == Some(true);
        self.is_own(name, ends)
            && (self.is_listed(&origin) || allowed() || fits_scheme && self.is_own_page(&origin, ends))
    }

    fn is_listed(&self, origin: &str) -> bool {
        let host = || origin.split_once("://")?.1.parse::<Authority>().ok();
        match &*self.pages {
            Pages::Listed(origins) => origins.iter().any(|listed| listed == origin),
            Pages::AsHosts => {
                host().is_some_and(|page| self.configured.iter().any(|own| own.host() == page.host()))
            }
        }
    }

    /// Whether a page was served under one of the own names whose port is known: at another port of the same host may
    /// be somebody else's page.
    fn is_own_page(&self, origin: &str, ends: Option<&SocketEnds>) -> bool {
        let Some(page) = origin.split_once("://").and_then(|(_, rest)| rest.parse::<Authority>().ok()) else {
            return false;
        };
        let exact = |own: &Authority| *own == page && own.port().is_some();
        self.configured.iter().any(exact)
            || self.confirmed.borrow().iter().any(exact)
            || ends.is_some_and(|ends| self.is_local(&page, ends))
    }

    /// Whether the node serves TLS itself.
    pub(crate) const fn serves_tls(&self) -> bool {
        self.tls
    }

    /// The names that the owner has confirmed.
    pub(crate) fn confirmed(&self) -> BTreeSet<Authority> {
        self.confirmed.borrow().clone()
    }

    /// The names in the settings and in the certificate.
    pub(crate) fn configured(&self) -> BTreeSet<Authority> {
        self.configured.iter().cloned().chain(self.certificate.all()).collect()
    }

    /// The signed-in owner says that a name is the node's own. Says whether that is new; the caller writes it down.
    ///
    /// # Errors
    /// When it is a name that has to be configured, or when there are too many.
    pub(crate) fn confirm(&self, name: &Authority) -> Result<bool, NotConfirmed> {
        if !may_be_confirmed(name) {
            return Err(NotConfirmed::NeedsFlag);
        }
        let mut result = Ok(false);
        self.confirmed.send_if_modified(|names| {
            result = if names.contains(name) {
                Ok(false)
            } else if names.len() >= MAX_NAMES {
                Err(NotConfirmed::TooMany)
            } else {
                Ok(names.insert(name.clone()))
            };
            result == Ok(true)
        });
        result
    }

    /// The signed-in owner takes a name back. Says whether it was there; the caller writes it down.
    pub(crate) fn revoke(&self, name: &Authority) -> bool {
        self.confirmed.send_if_modified(|names| names.remove(name))
    }
}

/// Whether a configured name covers one of a request.
fn covers(own: &Authority, name: &Authority) -> bool {
    own.host() == name.host() && (own.port().is_none() || own.port() == name.port())
}

/// Whether the owner can say of such a name that it leads to the node: no web page can take it for its own by the domain
/// name system (DNS rebinding).
pub(crate) fn may_be_confirmed(name: &Authority) -> bool {
    name.ip().is_some() || name.is_loopback() || name.host().ends_with(".ts.net")
}

/// The names of the certificate that is in use. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateNames(Arc<RwLock<BTreeSet<Authority>>>);

impl CertificateNames {
    /// Replaces the names of the certificate. Names with `*` also cover hosts of others, and loopback names every
    /// machine, so neither counts.
    pub(crate) fn set(&self, certificate: &CertificateDer<'_>) {
        let names = names_of(certificate).into_iter().filter(|name| !name.is_loopback()).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    fn has(&self, name: &Authority) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().any(|own| covers(own, name))
    }

    fn all(&self) -> BTreeSet<Authority> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The subject alternative names (RFC 5280, 4.2.1.6) that are hosts.
fn names_of(certificate: &CertificateDer<'_>) -> Vec<Authority> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return vec![] };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return vec![] };
    let host = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) if !name.contains('*') => name.parse().ok(),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(bytes) => std::net::Ipv4Addr::from(bytes).to_string().parse().ok(),
            Err(_) => {
                let bytes = <[u8; 16]>::try_from(*bytes).ok()?;
                format!("[{}]", std::net::Ipv6Addr::from(bytes)).parse().ok()
            }
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Authority {
        text.parse().unwrap()
    }

    fn ends(from: &str, at: &str) -> SocketEnds {
        SocketEnds { from: from.parse().unwrap(), at: at.parse().unwrap() }
    }

    fn names(hosts: &[&str], pages: Pages) -> OwnNames {
        OwnNames::new(hosts.iter().map(|host| name(host)).collect(), pages, false, BTreeSet::new())
    }

    fn none() -> Pages {
        Pages::Listed(vec![])
    }

    #[track_caller]
    fn check(names: &OwnNames, host: &str, ends: &SocketEnds, expected: NameKind) {
        assert_eq!(names.kind(&name(host), Some(ends)), expected, "{host}");
    }

    #[test]
    fn an_address_is_own_at_its_socket_only() {
        let names = names(&["node.example", "other.example:8443"], none());
        let lan = ends("192.168.1.9:5000", "192.168.1.5:20001");
        for host in ["192.168.1.5:20001", "node.example", "NODE.example:8443", "other.example:8443"] {
            check(&names, host, &lan, NameKind::Own);
        }
        for host in [
            "192.168.1.5:20002",
            "192.168.1.5",
            "192.168.1.6:20001",
            "203.0.113.9:20001",
            "localhost:20001",
            "127.0.0.1:20001",
            "phone.tail1.ts.net",
        ] {
            check(&names, host, &lan, NameKind::Unconfirmed);
        }
        for host in
            ["evil.example", "other.example", "ts.net.evil.example", "localhost.evil.example", "ts.net"]
        {
            check(&names, host, &lan, NameKind::Foreign);
        }
    }

    #[test]
    fn loopback_names_are_own_over_loopback_and_at_the_own_port() {
        let names = names(&[], none());
        let here = ends("127.0.0.1:5000", "127.0.0.1:20001");
        for host in ["localhost:20001", "127.0.0.1:20001", "[::1]:20001", "app.localhost:20001"] {
            check(&names, host, &here, NameKind::Own);
        }
        for host in
            ["localhost:20002", "localhost", "127.0.0.1:7777", "app.localhost:7777", "phone.tail1.ts.net"]
        {
            check(&names, host, &here, NameKind::Unconfirmed);
        }
        let mapped = ends("[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:20001");
        check(&names, "127.0.0.1:20001", &mapped, NameKind::Own);
        assert_eq!(names.kind(&name("127.0.0.1:20001"), None), NameKind::Unconfirmed, "without a socket");
    }

    #[test]
    fn the_default_port_may_be_left_out() {
        let at = ends("192.0.2.1:5", "203.0.113.1:443");
        let tls = OwnNames::new(vec![], none(), true, BTreeSet::new());
        check(&tls, "203.0.113.1", &at, NameKind::Own);
        check(&names(&[], none()), "203.0.113.1", &at, NameKind::Unconfirmed);
    }

    #[test]
    fn what_the_owner_confirms_is_own_until_it_is_revoked_and_bounded() {
        let names = names(&[], none());
        let behind = ends("172.17.0.1:5000", "172.17.0.2:20001");
        let outside = name("192.0.2.7:20001");
        check(&names, "192.0.2.7:20001", &behind, NameKind::Unconfirmed);
        assert_eq!((names.confirm(&outside), names.confirm(&outside)), (Ok(true), Ok(false)));
        check(&names, "192.0.2.7:20001", &behind, NameKind::Own);
        check(&names, "192.0.2.7:20002", &behind, NameKind::Unconfirmed);
        assert!(names.revoke(&outside) && !names.revoke(&outside));
        check(&names, "192.0.2.7:20001", &behind, NameKind::Unconfirmed);
        assert_eq!(names.confirm(&name("evil.example")), Err(NotConfirmed::NeedsFlag));
        for number in 0..MAX_NAMES {
            assert_eq!(names.confirm(&name(&format!("192.0.2.7:{}", number + 1))), Ok(true));
        }
        assert_eq!(names.confirm(&outside), Err(NotConfirmed::TooMany));
    }

    #[test]
    fn pages_are_taken_from_the_same_origin_and_from_the_list() {
        let listed = Pages::Listed(vec!["https://page.example".into()]);
        let names = names(&["node.example"], listed);
        let here = ends("127.0.0.1:5000", "127.0.0.1:20001");
        let takes = |origin: &str, host: &str| names.takes_page(origin, &name(host), Some(&here));
        for (origin, host) in [
            ("http://127.0.0.1:20001", "127.0.0.1:20001"),
            ("http://127.0.0.1:20001", "localhost:20001"),
            ("https://node.example", "node.example"),
            ("https://page.example", "node.example"),
            ("https://page.example:443", "localhost:20001"),
            ("https://phone.tail1.ts.net", "phone.tail1.ts.net"),
            ("http://192.0.2.7:20001", "192.0.2.7:20001"),
        ] {
            assert!(takes(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://127.0.0.1:8000", "127.0.0.1:20001"),
            ("http://localhost:8000", "localhost:20001"),
            ("https://other.tail1.ts.net", "phone.tail1.ts.net"),
            ("https://other.tail1.ts.net", "127.0.0.1:20001"),
            ("https://node.example:9999", "node.example"),
            ("https://node.example", "127.0.0.1:20001"),
            ("http://page.example", "node.example"),
            ("https://page.example", "phone.tail1.ts.net"),
            ("null", "127.0.0.1:20001"),
            ("", "127.0.0.1:20001"),
        ] {
            assert!(!takes(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn pages_that_the_owner_has_allowed_are_taken_under_own_names_and_without_an_origin_never() {
        let permissions = Permissions::new(Decisions::new());
        let names = names(&["node.example"], none()).with_permissions(permissions.clone());
        let here = ends("127.0.0.1:5000", "127.0.0.1:20001");
        let takes = |origin: &str, host: &str| names.takes_page(origin, &name(host), Some(&here));
        let page = "https://page.example";
        assert!(!takes(page, "node.example"));
        for (granted, taken) in [(Some(true), true), (Some(false), false), (Some(true), true), (None, false)]
        {
            permissions.decide(Permission::WEB_ORIGIN, page, granted).unwrap();
            assert_eq!(takes(page, "node.example"), taken, "{granted:?}");
            assert_eq!(takes("https://PAGE.example:443", "localhost:20001"), taken, "{granted:?}");
            assert!(!takes(page, "phone.tail1.ts.net") && !takes("http://page.example", "node.example"));
        }
        permissions.decide(Permission::WEB_ORIGIN, "null", Some(true)).unwrap();
        assert!(!takes("null", "node.example"));
    }

    #[test]
    fn an_old_allow_host_lets_its_pages_in_too() {
        let names = names(&["page.example"], Pages::AsHosts);
        let here = ends("127.0.0.1:5000", "127.0.0.1:20001");
        let takes = |origin: &str| names.takes_page(origin, &name("127.0.0.1:20001"), Some(&here));
        assert!(takes("https://page.example") && takes("http://page.example:8000"));
        assert!(!takes("https://evil.example"));
    }

    #[test]
    fn with_tls_of_its_own_a_page_without_it_is_of_another_origin() {
        let names = OwnNames::new(vec![name("node.example")], none(), true, BTreeSet::new());
        let takes = |origin: &str| names.takes_page(origin, &name("node.example"), None);
        assert!(takes("https://node.example") && !takes("http://node.example"));
    }

    #[test]
    fn the_names_of_a_certificate_are_own_but_for_stars_and_loopback() {
        let hosts = ["node.example", "*.example", "localhost", "203.0.113.1", "127.0.0.1"].map(String::from);
        let made = rcgen::generate_simple_self_signed(hosts).unwrap();
        let names = names(&[], none());
        names.certificate().set(made.cert.der());
        let far = ends("192.0.2.1:5", "10.0.0.1:20001");
        check(&names, "node.example:8443", &far, NameKind::Own);
        check(&names, "203.0.113.1:1", &far, NameKind::Own);
        check(&names, "other.example", &far, NameKind::Foreign);
        check(&names, "localhost:7777", &far, NameKind::Unconfirmed);
        assert_eq!(names.configured().len(), 2);
    }
}
