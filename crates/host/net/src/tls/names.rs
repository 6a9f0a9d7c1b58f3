//! Which certificate a client sees: the one made for the name that it asks for (SNI), else the first.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Certificates by name.
#[derive(Debug)]
pub(crate) struct ByName {
    named: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl ByName {
    /// The first certificate answers to every name that no other one has.
    pub(crate) fn new(first: Arc<CertifiedKey>, others: Vec<Arc<CertifiedKey>>) -> Self {
        let mut named = HashMap::new();
        for pair in std::iter::once(&first).chain(&others) {
            for name in pair.cert.first().map(|der| dns_names(der)).unwrap_or_default() {
                named.entry(name).or_insert_with(|| pair.clone());
            }
        }
        Self { named, first }
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        self.named.get(&name).or_else(|| {
            // A wildcard stands for one label.
            let (_, parent) = name.split_once('.')?;
            self.named.get(&format!("*.{parent}"))
        })
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| self.find(name));
        Some(found.unwrap_or(&self.first).clone())
    }
}

fn dns_names(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}
