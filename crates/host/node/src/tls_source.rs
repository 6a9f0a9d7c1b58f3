//! Where certificates and keys come from: files that are named, or those of the development CA.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ternmq_configuration::{CertificateLogin, SanKind, TlsSettings};
use ternmq_net::{CertificatePem, ClientAuth, LoginFrom, TlsOptions, TlsServer, TlsVersion};

use crate::error::StartError;
use crate::options::TlsFlags;
use crate::self_signed;

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Files and rules from which the TLS of some listeners is made, and made again when they change.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsSource {
    /// Certificate and key; the first one is the default.
    pub(crate) pairs: Vec<(PathBuf, PathBuf)>,
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) least: TlsVersion,
    pub(crate) most: Option<TlsVersion>,
    pub(crate) login_from: Option<LoginFrom>,
    pub(crate) max_intermediates: Option<usize>,
}

/// What of the files would show a change: changed when, how long, which file.
pub(crate) type Print = Vec<Option<(SystemTime, u64, u64)>>;

impl TlsSource {
    /// What the command line says. `None`: nothing.
    pub(crate) fn of_flags(flags: &TlsFlags, data_dir: &Path) -> Result<Option<Self>, StartError> {
        let TlsFlags { certificates, keys, client_ca, client_auth, least, login_from, is_self_signed } =
            flags;
        if !is_certificate_given(flags) {
            return Ok(None);
        }
        let mut pairs: Vec<_> = certificates.iter().cloned().zip(keys.iter().cloned()).collect();
        if *is_self_signed {
            pairs.push(self_signed::ensure(data_dir)?.server);
        }
        let client_auth =
            client_auth.unwrap_or(if client_ca.is_some() { ClientAuth::Wanted } else { ClientAuth::Off });
        let (least, login_from) = (*least, *login_from);
        let client_ca = client_ca.clone();
        Ok(Some(Self {
            pairs,
            client_ca,
            client_auth,
            least,
            login_from,
            most: None,
            max_intermediates: None,
        }))
    }

    /// What the configuration file says. `None`: nothing.
    pub(crate) fn of_file(file: &TlsSettings, login_from: LoginFrom) -> Option<Self> {
        let version = |version| match version {
            ternmq_configuration::TlsVersion::V1_2 => TlsVersion::V1_2,
            ternmq_configuration::TlsVersion::V1_3 => TlsVersion::V1_3,
        };
        let pair = (file.certificate_file.as_ref()?.into(), file.key_file.as_ref()?.into());
        let client_auth = match (file.is_peer_verified, file.is_certificate_required) {
            (Some(true), Some(true)) => ClientAuth::Required,
            (Some(true), _) => ClientAuth::Wanted,
            _ => ClientAuth::Off,
        };
        Some(Self {
            pairs: vec![pair],
            client_ca: file.ca_file.as_ref().map(PathBuf::from),
            client_auth,
            least: file.least.map(version).unwrap_or_default(),
            most: file.most.map(version),
            login_from: Some(login_from),
            max_intermediates: file.max_intermediates.map(usize::from),
        })
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.pairs.iter().flat_map(|(certificate, key)| [certificate, key]).chain(&self.client_ca)
    }

    /// Compares cheaply; taken before the files are read, so that a change while they are read is seen later.
    pub(crate) fn print(&self) -> Print {
        use std::os::unix::fs::MetadataExt;
        let of = |path: &PathBuf| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len(), facts.ino()))
        };
        self.files().map(of).collect()
    }

    /// Reads all files.
    pub(crate) fn read(&self) -> Result<TlsOptions, StartError> {
        let mut certificates = Vec::new();
        for (certificate, key) in &self.pairs {
            certificates.push(CertificatePem {
                certificate_name: certificate.display().to_string(),
                certificate: read(certificate)?,
                key_name: key.display().to_string(),
                key: read(key)?,
            });
        }
        let client_ca = match &self.client_ca {
            Some(path) => Some((path.display().to_string(), read(path)?)),
            None => None,
        };
        Ok(TlsOptions {
            certificates,
            client_ca,
            client_auth: self.client_auth,
            least: self.least,
            most: self.most,
            login_from: self.login_from,
            max_intermediates: self.max_intermediates,
        })
    }

    /// The server for the start.
    pub(crate) fn server(&self) -> Result<Arc<TlsServer>, StartError> {
        TlsServer::new(&self.read()?).map_err(|error| StartError::Tls(error.to_string()))
    }
}

/// Whether the command line gives a certificate.
pub(crate) fn is_certificate_given(flags: &TlsFlags) -> bool {
    flags.is_self_signed || !flags.certificates.is_empty()
}

/// Whether what the command line says belongs together.
pub(crate) fn check_flags(flags: &TlsFlags) -> Result<(), StartError> {
    let TlsFlags { certificates, keys, client_ca, client_auth, .. } = flags;
    if certificates.len() != keys.len() {
        return Err(StartError::Usage(format!(
            "--tls-cert is given {} times and --tls-key {} times; each certificate needs its key, in the same order",
            certificates.len(),
            keys.len()
        )));
    }
    let stray = [(client_ca.is_some(), "--tls-ca"), (client_auth.is_some(), "--tls-clients")];
    match stray.iter().find(|(is_there, _)| *is_there && !is_certificate_given(flags)) {
        Some((_, name)) => Err(StartError::Usage(format!(
            "{name} needs a certificate to show: say --tls-cert FILE with --tls-key FILE, or --tls-self-signed"
        ))),
        None => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    let cannot = |problem: String| StartError::Tls(format!("'{}' {problem}", path.display()));
    let facts =
        fs::metadata(path).map_err(|error| cannot(format!("cannot be read: {error}; check the path")))?;
    if facts.len() > MAX_FILE_BYTES {
        return Err(cannot(format!(
            "is longer than {MAX_FILE_BYTES} bytes; it should hold certificates or a key"
        )));
    }
    fs::read(path).map_err(|error| cannot(format!("cannot be read: {error}; check its permissions")))
}

/// The rule of the configuration file for names in certificates.
pub(crate) fn login_from(file: &ternmq_configuration::Settings) -> LoginFrom {
    let at = file.san_index.unwrap_or(0) as usize;
    match file.certificate_login {
        None | Some(CertificateLogin::DistinguishedName) => LoginFrom::DistinguishedName,
        Some(CertificateLogin::CommonName) => LoginFrom::CommonName,
        Some(CertificateLogin::AlternativeName) => match file.san_kind.unwrap_or(SanKind::Dns) {
            SanKind::Dns => LoginFrom::DnsName(at),
            SanKind::Email => LoginFrom::Email(at),
            SanKind::Uri => LoginFrom::Uri(at),
        },
    }
}
