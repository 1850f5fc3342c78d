//! A certificate for localhost, or for names, that nobody but a test trusts.

use std::{path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{KeyPair, PublicKeyData};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key.
pub struct Certificate {
    chain: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Certificate {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no random numbers.
    pub fn new() -> Self {
        Self::of(&["localhost"])
    }

    /// A new one of these names.
    ///
    /// # Panics
    /// When the system has no random numbers.
    pub fn of(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self { chain: made.cert.pem(), der: made.cert.der().clone(), key: made.signing_key }
    }

    /// Writes `fullchain.pem` and `privkey.pem`.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("fullchain.pem"), &self.chain).expect("a folder");
        std::fs::write(folder.join("privkey.pem"), self.key.serialize_pem()).expect("a folder");
    }

    /// By which argument Chromium takes this certificate, and no other that it does not know.
    pub fn chromium_flag(&self) -> String {
        let digest = Sha256::digest(self.key.subject_public_key_info());
        format!("--ignore-certificate-errors-spki-list={}", STANDARD.encode(digest))
    }

    /// A server's side of TLS.
    ///
    /// # Panics
    /// When rustls does not take the certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("TLS 1.3").with_no_client_auth();
        let config = config.with_single_cert(vec![self.der.clone()], key).expect("a pair");
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
