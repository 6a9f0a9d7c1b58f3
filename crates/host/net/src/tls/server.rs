//! What a listener with TLS offers, replaceable while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::certificates::{CertificatePem, TlsError, read_certificates, read_pair};
use super::names::ByName;
use super::subject::LoginFrom;

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2: the least that is ever spoken (S3).
    #[default]
    V1_2,
    /// 1.3.
    V1_3,
}

/// What clients have to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate is asked for.
    #[default]
    Off,
    /// One is asked for; who has one must show a good one.
    Wanted,
    /// Nobody comes in without one.
    Required,
}

/// Everything that can be set about TLS.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// What is shown to clients; the first one to those that ask for no name or an unknown one.
    pub certificates: Vec<CertificatePem>,
    /// Whose clients are trusted: where it came from, and its text.
    pub client_ca: Option<(String, Vec<u8>)>,
    /// What clients have to show.
    pub client_auth: ClientAuth,
    /// Least version.
    pub least: TlsVersion,
    /// Highest version; absent: the highest there is.
    pub most: Option<TlsVersion>,
    /// Which user a certificate stands for; absent: none, certificates are only verified.
    pub login_from: Option<LoginFrom>,
    /// Most certificates between that of a client and its CA; absent: as many as the verification follows.
    pub max_intermediates: Option<usize>,
}

/// One reading of the options.
pub(crate) struct TlsConfig {
    pub(crate) rustls: Arc<ServerConfig>,
    pub(crate) login_from: Option<LoginFrom>,
    pub(crate) max_intermediates: Option<usize>,
}

/// The TLS of some listeners. New connections take what is current; running ones keep what they began with.
pub struct TlsServer {
    current: Mutex<Arc<TlsConfig>>,
}

impl TlsServer {
    /// Checks everything and makes it ready.
    ///
    /// # Errors
    /// [`TlsError`]: which file, and what to do.
    pub fn new(options: &TlsOptions) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self { current: Mutex::new(Arc::new(build(options)?)) }))
    }

    /// Puts others in place for the connections that come from now on.
    ///
    /// # Errors
    /// As [`TlsServer::new`]; the old ones stay in use.
    pub fn replace(&self, options: &TlsOptions) -> Result<(), TlsError> {
        let next = Arc::new(build(options)?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<TlsConfig> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The library's form, for a server that is no shard. Ask for each connection: it may have been replaced.
    #[must_use]
    pub fn rustls(&self) -> Arc<ServerConfig> {
        self.current().rustls.clone()
    }
}

fn build(options: &TlsOptions) -> Result<TlsConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut pairs = Vec::new();
    for pem in &options.certificates {
        pairs.push(read_pair(pem, &provider)?);
    }
    let mut pairs = pairs.into_iter();
    let first = pairs.next().ok_or(TlsError::NothingToShow)?;
    let most = options.most.unwrap_or(TlsVersion::V1_3);
    let versions: Vec<_> =
        [(TlsVersion::V1_3, &rustls::version::TLS13), (TlsVersion::V1_2, &rustls::version::TLS12)]
            .into_iter()
            .filter(|(version, _)| (options.least..=most).contains(version))
            .map(|(_, it)| it)
            .collect();
    let verifier = verifier(options, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(ByName::new(first, pairs.collect())));
    // A client that comes back needs no full handshake; the node keeps nothing per client, and the key of these
    // tickets is gone with this configuration.
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(TlsConfig {
        rustls: Arc::new(config),
        login_from: options.login_from,
        max_intermediates: options.max_intermediates,
    })
}

/// Never less than was asked for (S3).
fn verifier(
    options: &TlsOptions,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    if options.client_auth == ClientAuth::Off {
        return Ok(Arc::new(NoClientAuth));
    }
    let (name, pem) = options.client_ca.as_ref().ok_or(TlsError::NoTrust)?;
    let mut roots = RootCertStore::empty();
    for der in read_certificates(name, pem)? {
        roots.add(der).map_err(|_| TlsError::BadCertificate(name.clone()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let builder = match options.client_auth {
        ClientAuth::Wanted => builder.allow_unauthenticated(),
        ClientAuth::Off | ClientAuth::Required => builder,
    };
    builder.build().map_err(|_| TlsError::BadCertificate(name.clone()))
}
