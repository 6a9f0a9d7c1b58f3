//! What is known of a connection when its session is made.

use std::net::SocketAddr;
use std::sync::Arc;

use ternmq_broker::Session;

/// A connection that is ready for a session: accepted, its proxy's header read, its TLS handshake done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Who connects; behind a proxy that is allowed to say so, the one it names.
    pub peer: Option<SocketAddr>,
    /// Where it connected to.
    pub local: Option<SocketAddr>,
    /// Monotonic ms at which it was accepted: the time for the login counts from here (B2).
    pub now_ms: u64,
    /// Monotonic ms at which its transport was open: the first byte for the session can come from here on.
    pub opened_ms: u64,
    /// What TLS has agreed on; absent without TLS.
    pub secured: Option<Arc<Secured>>,
}

/// What a TLS handshake has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secured {
    /// Version, such as `TLSv1.3`.
    pub version: &'static str,
    /// Cipher suite by its registered name.
    pub cipher: &'static str,
    /// The certificate of the client, whose chain to a trusted CA was verified.
    pub certificate: Option<ClientCertificate>,
}

/// A client's verified certificate (S4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The user it stands for by the listener's rule; absent when the rule finds no name in it.
    pub user: Option<Arc<str>>,
    /// Its subject, in the form of RFC 4514.
    pub subject: Arc<str>,
    /// Its issuer, likewise.
    pub issuer: Arc<str>,
    /// Wall clock in ms after which it holds no longer: the connection ends within 60 s then.
    pub valid_until_ms: u64,
}

impl Arrival {
    /// The verified certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.secured.as_ref()?.certificate.as_ref()
    }

    /// The user whom the verified certificate names: a protocol may take it for a login without a password.
    #[must_use]
    pub fn certificate_user(&self) -> Option<&Arc<str>> {
        self.certificate()?.user.as_ref()
    }
}

/// Makes the session of a new connection.
pub type SessionFactory = Arc<dyn Fn(&Arrival) -> Box<dyn Session> + Send + Sync>;
