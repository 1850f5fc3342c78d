//! Settings of TLS for clients.

use std::path::PathBuf;

use super::{Flags, SettingsFile, Unusable};

/// Longest name of the domain name system, in bytes (RFC 1035).
const MAX_DOMAIN_BYTES: usize = 253;

/// The source of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// PEM files that somebody else renews.
    Files(TlsFiles),
    /// The node gets it itself.
    Acme(Acme),
}

/// The two files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM, the node's own certificate first.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// How to get a certificate by ACME (RFC 8555, challenge TLS-ALPN-01 of RFC 8737).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// The names in the certificate.
    pub domains: Vec<String>,
    /// The address to which the authority may write.
    pub email: Option<String>,
    /// The authority's directory; none for that of Let's Encrypt.
    pub directory: Option<String>,
}

/// How clients are served over TLS: a domain by ACME, files, or not at all.
pub(super) fn merge(flags: &Flags, file: &SettingsFile) -> Result<Option<Tls>, Unusable> {
    let first = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
    let (cert, key) = (first(&flags.tls_cert, &file.tls_cert), first(&flags.tls_key, &file.tls_key));
    let domains = if flags.acme_domain.is_empty() { &file.acme_domain } else { &flags.acme_domain };
    let named = cert.is_some() || key.is_some();
    if named && !domains.is_empty() {
        let reason = "acme-domain and tls-cert or tls-key cannot go together: either the node gets its certificate, \
                      or it reads one";
        return Err(Unusable::InFile(reason.to_owned()));
    }
    let wanted = flags.ssl.or(file.ssl).unwrap_or(named || !domains.is_empty());
    if !wanted {
        return Ok(None);
    }
    if !domains.is_empty() {
        let text = |flag: &Option<String>, file: &Option<String>| flag.clone().or_else(|| file.clone());
        return Ok(Some(Tls::Acme(Acme {
            domains: domains.iter().map(|text| domain(text)).collect::<Result<_, _>>()?,
            email: text(&flags.acme_email, &file.acme_email),
            directory: text(&flags.acme_directory, &file.acme_directory),
        })));
    }
    let cert = cert.unwrap_or_else(|| "fullchain.pem".into());
    let key = key.unwrap_or_else(|| "privkey.pem".into());
    Ok(Some(Tls::Files(TlsFiles { cert, key })))
}

/// A name that a certificate can be got for, in small letters.
fn domain(text: &str) -> Result<String, Unusable> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let sound = text.len() <= MAX_DOMAIN_BYTES
        && text.split('.').all(|label| !label.is_empty() && label.bytes().all(plain));
    if sound {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Unusable::InFile(format!(
        "acme-domain: {text:?} is no domain; give its name only, such as node.example"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn a_certificate_comes_from_files_or_by_acme() {
        let tls = |arguments: &[&str]| settings(arguments, "").unwrap().tls;
        let files = |cert: &str, key: &str| Some(Tls::Files(TlsFiles { cert: cert.into(), key: key.into() }));
        assert_eq!(tls(&["-s"]), files("fullchain.pem", "privkey.pem"), "as in the original");
        assert_eq!(tls(&["--tls-cert", "a.pem"]), files("a.pem", "privkey.pem"));
        assert_eq!(tls(&["--tls-cert", "a.pem", "-s", "false"]), None);
        let Some(Tls::Acme(acme)) = tls(&["--acme-domain", "a.example,b.example"]) else { panic!("no ACME") };
        assert_eq!((acme.domains.len(), acme.email), (2, None));
        assert!(settings(&["--acme-domain", "a.example", "--tls-key", "k.pem"], "").is_err());
        for text in ["", "!.example", "https://a.example", "a.example:443", "*.example", "a..example"] {
            assert!(settings(&["--acme-domain", text], "").is_err(), "{text}");
        }
    }
}
