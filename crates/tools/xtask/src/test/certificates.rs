//! Certificates for brokers and clients under test, under the names by which py-amqp's tests look for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

/// The CA of all others.
pub(crate) const CA: &str = "ca_certificate.pem";

/// Certificate and key of one side.
pub(crate) fn pair(folder: &Path, side: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{side}_certificate.pem")), folder.join(format!("{side}_key.pem")))
}

/// Makes a CA, a server of the name localhost and a client.
pub(crate) fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "CA of the tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    std::fs::write(folder.join(CA), ca.pem())?;
    let sides =
        [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)];
    for (side, usage) in sides {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, side);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let (certificate, key_file) = pair(folder, side);
        std::fs::write(certificate, params.signed_by(&key, &ca)?.pem())?;
        std::fs::write(key_file, key.serialize_pem())?;
    }
    Ok(())
}
