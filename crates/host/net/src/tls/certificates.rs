//! From PEM text to certificates and keys, with errors that name the file and the mend.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Longest PEM file that is read.
pub(crate) const MAX_PEM_BYTES: usize = 1 << 20;

/// A certificate with its chain, and its key, as text.
#[derive(Clone)]
pub struct CertificatePem {
    /// Where the certificate came from, for messages.
    pub certificate_name: String,
    /// Certificate first, then those that lead to the CA.
    pub certificate: Vec<u8>,
    /// Where the key came from.
    pub key_name: String,
    /// The private key.
    pub key: Vec<u8>,
}

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file without a certificate.
    #[error("'{0}' holds no certificate in PEM form; it should begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate(String),
    /// A file with something that is none.
    #[error("'{0}' holds a certificate that cannot be read; export it again in PEM form")]
    BadCertificate(String),
    /// A file without a key.
    #[error(
        "'{0}' holds no private key that can be read; it should be in PEM form and without a password (PKCS #8, PKCS #1 or SEC 1)"
    )]
    NoKey(String),
    /// Key and certificate are not a pair.
    #[error(
        "the key '{key}' does not belong to the certificate '{certificate}'; name the two files of one pair"
    )]
    Mismatch {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
    },
    /// A file is too long.
    #[error("'{0}' is longer than {MAX_PEM_BYTES} bytes; it should hold certificates and nothing else")]
    TooLong(String),
    /// No certificate at all.
    #[error("there is no certificate to show to clients; name one with its key, or say --tls-self-signed")]
    NothingToShow,
    /// Client certificates are asked for and nothing says whom to trust.
    #[error(
        "client certificates are asked for and no file of trusted CAs is named; without one none could be verified"
    )]
    NoTrust,
    /// The library refuses.
    #[error("these settings of TLS are not possible: {0}")]
    Refused(#[from] rustls::Error),
}

/// All certificates of a text, at least one.
pub(crate) fn read_certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(TlsError::TooLong(name.into()));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_| TlsError::BadCertificate(name.into()))?;
    if found.is_empty() { Err(TlsError::NoCertificate(name.into())) } else { Ok(found) }
}

/// A pair ready for use.
pub(crate) fn read_pair(
    pem: &CertificatePem,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = read_certificates(&pem.certificate_name, &pem.certificate)?;
    if pem.key.len() > MAX_PEM_BYTES {
        return Err(TlsError::TooLong(pem.key_name.clone()));
    }
    let no_key = || TlsError::NoKey(pem.key_name.clone());
    let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|_| no_key())?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| no_key())?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { certificate: pem.certificate_name.clone(), key: pem.key_name.clone() })
        }
        Err(_) => Err(TlsError::BadCertificate(pem.certificate_name.clone())),
    }
}
