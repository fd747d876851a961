//! A root of trust made at start, and a server certificate signed by it: AWS's part in a handshake, on loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A server's certificate and key (ECDSA P-256, as short as what AWS and Stripe use), and the root that vouches for it.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    root: CertificateDer<'static>,
}

impl Identity {
    /// A new one for 127.0.0.1.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self> {
        let mut root = CertificateParams::new(Vec::new())?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(rcgen::DnType::CommonName, "Crossdock bench root");
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        leaf.use_authority_key_identifier_extension = true; // Python refuses a certificate without it
        let certificate = leaf.signed_by(&key, &root)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?,
            root: root.der().clone(),
        })
    }

    /// The root, for whoever builds a root store.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// Writes the root as `root.der` and `root.pem` below `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write_root(&self, folder: &Path) -> Result<RootFiles> {
        std::fs::create_dir_all(folder)?;
        let files = RootFiles { der: folder.join("root.der"), pem: folder.join("root.pem") };
        std::fs::write(&files.der, &self.root)?;
        std::fs::write(&files.pem, pem(&self.root))?;
        Ok(files)
    }

    /// TLS 1.3 and 1.2 with ring, as the functions' side.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The root in the two forms that runtimes read.
#[derive(Clone, Debug)]
pub struct RootFiles {
    /// Binary.
    pub der: PathBuf,
    /// Text.
    pub pem: PathBuf,
}

/// RFC 7468: base64 in lines of 64.
fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
