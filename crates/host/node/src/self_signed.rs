//! A CA for development with a server certificate, in the data directory: made once and kept, so that what trusts it
//! goes on trusting it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::StartError;

/// The folder in the data directory.
const FOLDER: &str = "tls";
const CA_DAYS: u64 = 3_650;
/// Some clients refuse server certificates that hold longer.
const SERVER_DAYS: u64 = 397;
/// A server certificate that ends sooner is made anew at the start.
const RENEW_DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is there now.
pub(crate) struct SelfSigned {
    /// Certificate and key of the server.
    pub(crate) server: (PathBuf, PathBuf),
}

/// Makes what is not there yet.
pub(crate) fn ensure(data_dir: &Path) -> Result<SelfSigned, StartError> {
    let folder = data_dir.join(FOLDER);
    let cannot = |problem: String| {
        let shown = folder.display();
        StartError::Tls(format!(
            "the certificates for --tls-self-signed cannot be made in '{shown}': {problem}"
        ))
    };
    let [ca, ca_key, server, server_key] =
        ["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| folder.join(name));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| cannot(error.to_string()))?;
    if !(ca.exists() && ca_key.exists()) {
        let (certificate, key) = make_ca().map_err(|error| cannot(error.to_string()))?;
        write(&ca_key, &key, 0o600).map_err(|error| cannot(error.to_string()))?;
        write(&ca, &certificate, 0o644).map_err(|error| cannot(error.to_string()))?;
    }
    if !(server_key.exists() && is_fresh(&server)) {
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| cannot(error.to_string()));
        let (ca, ca_key) = (read(&ca)?, read(&ca_key)?);
        let (certificate, key) = make_server(&ca, &ca_key).map_err(|error| {
            cannot(format!("{error}; remove ca.pem and ca.key to have a new CA made, and trust that one"))
        })?;
        write(&server_key, &key, 0o600).map_err(|error| cannot(error.to_string()))?;
        write(&server, &certificate, 0o644).map_err(|error| cannot(error.to_string()))?;
    }
    Ok(SelfSigned { server: (server, server_key) })
}

/// What a person has to know to use it.
pub(crate) fn notice(data_dir: &Path) -> String {
    let ca = data_dir.join(FOLDER).join("ca.pem");
    let ca = ca.display();
    format!(
        "TLS with a development CA: have clients trust '{ca}' \
         (curl --cacert FILE, openssl s_client -CAfile FILE, SSL_CERT_FILE=FILE for many languages, \
         NODE_EXTRA_CA_CERTS=FILE, or import it into the browser). Not for production: its key lies beside it"
    )
}

fn make_ca() -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    let made = now().as_secs();
    // Two of them with the same name confuse whoever trusts both.
    params.distinguished_name.push(DnType::CommonName, format!("TernMQ development CA {made}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_days(&mut params, CA_DAYS);
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn make_server(ca: &str, ca_key: &str) -> Result<(String, String), rcgen::Error> {
    let issuer = Issuer::from_ca_cert_pem(ca, KeyPair::from_pem(ca_key)?)?;
    let mut names = vec!["localhost".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if !host.is_empty() && host != "localhost" {
        names.push(host);
    }
    let mut params = CertificateParams::new(names)?;
    for address in [std::net::IpAddr::from([127, 0, 0, 1]), std::net::Ipv6Addr::LOCALHOST.into()] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_days(&mut params, SERVER_DAYS);
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
}

#[allow(clippy::disallowed_methods, reason = "certificates hold by the wall clock")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn set_days(params: &mut CertificateParams, days: u64) {
    let days = u32::try_from(days).unwrap_or(u32::MAX);
    // A day back, for clients whose clock is behind.
    let start = UNIX_EPOCH + now().saturating_sub(DAY);
    params.not_before = start.into();
    params.not_after = (start + DAY * days).into();
}

/// Whether a certificate is there and holds for some time yet.
fn is_fresh(path: &Path) -> bool {
    let until_s = fs::read(path).ok().and_then(|pem| {
        let (_, pem) = parse_x509_pem(&pem).ok()?;
        let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
        u64::try_from(certificate.validity().not_after.timestamp()).ok()
    });
    let least = now() + DAY * u32::try_from(RENEW_DAYS).unwrap_or(u32::MAX);
    until_s.is_some_and(|until_s| until_s > least.as_secs())
}

/// Whole or not at all.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls_source::TlsSource;

    #[test]
    fn they_are_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = ensure(dir.path()).unwrap();
        let source = TlsSource { pairs: vec![made.server.clone()], ..TlsSource::default() };
        source.server().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = dir.path().join(FOLDER);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("ca.key")), 0o600);
        assert_eq!(mode(&made.server.1), 0o600);
        let ca = folder.join("ca.pem");
        let before = [&ca, &made.server.0, &made.server.1].map(|path| fs::read(path).unwrap());
        let again = ensure(dir.path()).unwrap();
        assert_eq!([&ca, &again.server.0, &again.server.1].map(|path| fs::read(path).unwrap()), before);
    }

    #[test]
    fn a_server_certificate_that_is_gone_comes_from_the_same_ca() {
        let dir = tempfile::tempdir().unwrap();
        let made = ensure(dir.path()).unwrap();
        let ca = fs::read(dir.path().join("tls/ca.pem")).unwrap();
        fs::write(&made.server.0, "damaged").unwrap();
        let again = ensure(dir.path()).unwrap();
        assert_eq!(fs::read(dir.path().join("tls/ca.pem")).unwrap(), ca);
        TlsSource { pairs: vec![again.server], ..TlsSource::default() }.server().unwrap();
    }
}
