//! The certificate authorities by which relays are trusted: public ones, and those that the owner adds.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Why the file of `--mirror-ca` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--mirror-ca cannot use {}: {reason}; name a file with the certificate of your authority (PEM)", file.display())]
pub struct TrustError {
    file: PathBuf,
    reason: String,
}

/// How the node checks relays when it connects.
///
/// # Errors
/// When the file is missing, cannot be read, or holds no certificate of an authority.
pub(super) fn configuration(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    if let Some(file) = authorities {
        let wrong = |reason: String| TrustError { file: file.to_owned(), reason };
        let named: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| wrong(error.to_string()))?;
        if named.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        for certificate in named {
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let configuration = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(configuration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        let reason = || configuration(Some(&file)).unwrap_err().to_string();
        assert!(reason().contains("ca.pem") && reason().contains("--mirror-ca"), "{}", reason());
        std::fs::write(&file, "").unwrap();
        assert!(reason().contains("holds no certificate"), "{}", reason());
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(reason().contains("ca.pem"), "{}", reason());
        assert!(configuration(None).is_ok());
    }
}
