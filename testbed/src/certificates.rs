//! In: a directory. Out: the keys and certificates of one control plane, written there.
//! All of it is made anew for each server, is worth nothing elsewhere and is never printed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// Where the keys and certificates lie.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// Certificate of the authority that both sides trust.
    pub(crate) authority: PathBuf,
    /// Certificate of the API server, for loopback.
    pub(crate) serving_certificate: PathBuf,
    /// Key to it.
    pub(crate) serving_key: PathBuf,
    /// Certificate of a member of `system:masters`.
    pub(crate) admin_certificate: PathBuf,
    /// Key to it.
    pub(crate) admin_key: PathBuf,
    /// Signs the tokens of ServiceAccounts.
    pub(crate) token_key: PathBuf,
    /// Verifies them.
    pub(crate) token_public_key: PathBuf,
}

impl Certificates {
    /// Makes them all in `directory`.
    pub(crate) fn make(directory: &Path) -> Result<Self> {
        let files = Self {
            authority: directory.join("ca.crt"),
            serving_certificate: directory.join("serving.crt"),
            serving_key: directory.join("serving.key"),
            admin_certificate: directory.join("admin.crt"),
            admin_key: directory.join("admin.key"),
            token_key: directory.join("tokens.key"),
            token_public_key: directory.join("tokens.pub"),
        };
        files.fill().context("could not make the certificates of the API server")?;
        Ok(files)
    }

    fn fill(&self) -> Result<()> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "testbed");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        fs::write(&self.authority, authority.pem())?;

        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let mut serving = CertificateParams::new(names)?;
        serving.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        fs::write(&self.serving_certificate, serving.signed_by(&key, &authority)?.pem())?;
        fs::write(&self.serving_key, key.serialize_pem())?;

        let mut admin = CertificateParams::default();
        admin.distinguished_name.push(DnType::OrganizationName, "system:masters");
        admin.distinguished_name.push(DnType::CommonName, "testbed-admin");
        admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        fs::write(&self.admin_certificate, admin.signed_by(&key, &authority)?.pem())?;
        fs::write(&self.admin_key, key.serialize_pem())?;

        let key = KeyPair::generate()?;
        fs::write(&self.token_key, key.serialize_pem())?;
        fs::write(&self.token_public_key, key.public_key_pem())?;
        Ok(())
    }
}

/// The content of `file` as a kubeconfig carries it.
pub(crate) fn encoded(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    Ok(STANDARD.encode(bytes))
}
