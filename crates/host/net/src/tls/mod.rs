//! TLS for every listener: settings and certificates ([`TlsServer`]), and the stream of one connection.
//!
//! Invariants: below TLS 1.2 nothing is spoken and verification never falls back to less than was asked for (S3); a
//! connection that has nothing under way holds no buffer.

mod certificates;
mod names;
mod server;
mod stream;
mod subject;

pub use certificates::{CertificatePem, TlsError};
pub use server::{ClientAuth, TlsOptions, TlsServer, TlsVersion};
pub use subject::LoginFrom;

pub(crate) use server::TlsConfig;
pub(crate) use stream::Tls;
