//! The fleet's own CA, made once, and a certificate for each node.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use ternmq_env::{Clock, SystemClock};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::disk::{self, Lasting};
use crate::error::FleetError;
use crate::name::NodeName;

const CA_DAYS: u64 = 3_650;
/// Some clients refuse server certificates that hold longer.
const NODE_DAYS: u64 = 397;
/// A certificate that ends sooner is made anew.
const RENEW_DAYS: u64 = 30;
const DAY_S: u64 = 24 * 60 * 60;

/// What signs the certificates of nodes.
pub(crate) struct Authority {
    certificate: PathBuf,
    pem: String,
    key: KeyPair,
}

impl Authority {
    /// Takes the CA that is in the directory, or makes one. Its key never leaves it.
    pub(crate) fn open(dir: &Path) -> Result<Self, FleetError> {
        let (certificate, key_path) = (dir.join("ca.pem"), dir.join("ca.key"));
        let damaged = |path: &Path, error: rcgen::Error| FleetError::Damaged {
            path: path.into(),
            problem: format!("can't be used: {error}; remove ca.pem and ca.key to have a new CA made"),
        };
        // The certificate is written last: with it the pair is whole.
        if !certificate.exists() {
            let (pem, key) = make_authority().map_err(|error| damaged(&certificate, error))?;
            disk::write_whole(&key_path, key.as_bytes(), Lasting::Power)?;
            disk::write_whole(&certificate, pem.as_bytes(), Lasting::Power)?;
        }
        let read = |path: &Path| fs::read_to_string(path).map_err(disk::cannot("read", path));
        let (pem, key) = (read(&certificate)?, read(&key_path)?);
        let key = KeyPair::from_pem(&key).map_err(|error| damaged(&key_path, error))?;
        Ok(Self { certificate, pem, key })
    }

    /// File of the CA's certificate, for whoever has to trust it.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Makes sure that the file holds a certificate of this CA for exactly these names, with its key, which holds for some
    /// time yet. Certificate and key are in one file: they change together.
    pub(crate) fn ensure(
        &self,
        node: &NodeName,
        path: &Path,
        host_names: &[String],
    ) -> Result<(), FleetError> {
        let names = Names::of(host_names);
        if disk::read(path)?.is_some_and(|pem| self.is_good(&pem, &names)) {
            return Ok(());
        }
        let made = self
            .sign(&names)
            .map_err(|error| FleetError::Certificate { name: node.clone(), problem: error.to_string() })?;
        disk::write_whole(path, made.as_bytes(), Lasting::Process)
    }

    fn is_good(&self, pem: &[u8], names: &Names) -> bool {
        let held = parse_x509_pem(pem).ok().and_then(|(_, pem)| {
            let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
            let (_, authority) = parse_x509_pem(self.pem.as_bytes()).ok()?;
            let (_, authority) = X509Certificate::from_der(&authority.contents).ok()?;
            let is_ours = certificate.issuer().as_raw() == authority.subject().as_raw();
            let until_s = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
            Some((Names::in_certificate(&certificate)?, until_s, is_ours))
        });
        held.is_some_and(|(held, until_s, is_ours)| {
            is_ours && held == *names && until_s > now_s() + RENEW_DAYS * DAY_S
        })
    }

    fn sign(&self, names: &Names) -> Result<String, rcgen::Error> {
        let issuer = Issuer::from_ca_cert_pem(&self.pem, &self.key)?;
        let mut params = CertificateParams::new(names.dns.clone())?;
        params.subject_alt_names.extend(names.addresses.iter().map(|address| SanType::IpAddress(*address)));
        // The longest host name does not fit here (RFC 5280: 64 letters), and clients read the names above.
        params.distinguished_name.push(DnType::CommonName, "TernMQ node");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_days(&mut params, NODE_DAYS);
        let key = KeyPair::generate()?;
        Ok(format!("{}{}", params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
    }
}

/// Names of a certificate, each once and in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Names {
    /// Those that were asked for, and those of this machine's own loopback.
    fn of(host_names: &[String]) -> Self {
        let mut names = Self {
            dns: vec!["localhost".into()],
            addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        };
        for name in host_names {
            match name.parse() {
                Ok(address) => names.addresses.push(address),
                Err(_) => names.dns.push(name.to_ascii_lowercase()),
            }
        }
        names.in_order()
    }

    fn in_certificate(certificate: &X509Certificate<'_>) -> Option<Self> {
        let mut names = Self::default();
        for name in &certificate.subject_alternative_name().ok()??.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => names.addresses.push(address(bytes)?),
                _ => return None,
            }
        }
        Some(names.in_order())
    }

    fn in_order(mut self) -> Self {
        self.dns.sort();
        self.dns.dedup();
        self.addresses.sort();
        self.addresses.dedup();
        self
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn make_authority() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    // Two of them with the same name confuse whoever trusts both.
    let mark: String = key.public_key_raw().iter().rev().take(8).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name.push(DnType::CommonName, format!("TernMQ service CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_days(&mut params, CA_DAYS);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// Certificates hold by the wall clock.
fn now_s() -> u64 {
    SystemClock::new().wall_ms() / 1_000
}

fn set_days(params: &mut CertificateParams, days: u64) {
    // A day back, for clients whose clock is behind.
    let start_s = now_s().saturating_sub(DAY_S);
    params.not_before = (UNIX_EPOCH + Duration::from_secs(start_s)).into();
    params.not_after = (UNIX_EPOCH + Duration::from_secs(start_s + days * DAY_S)).into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_anew_when_they_have_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls.pem");
        let node = crate::spec::tests::spec(1).name;
        let authority = Authority::open(dir.path()).unwrap();
        let names = ["B-1.mq.local".to_owned(), "10.0.0.1".to_owned()];
        let ensure = |authority: &Authority, names: &[String]| {
            authority.ensure(&node, &path, names).unwrap();
            fs::read_to_string(&path).unwrap()
        };
        let first = ensure(&authority, &names);
        assert!(first.contains("BEGIN CERTIFICATE") && first.contains("PRIVATE KEY"));
        assert_eq!(ensure(&authority, &names), first);
        let (_, pem) = parse_x509_pem(first.as_bytes()).unwrap();
        let (_, certificate) = X509Certificate::from_der(&pem.contents).unwrap();
        let held = Names::in_certificate(&certificate).unwrap();
        assert_eq!(held.dns, ["b-1.mq.local", "localhost"]);
        assert_eq!(held.addresses.len(), 3);
        let second = ensure(&authority, &names[1..]);
        assert_ne!(second, first);
        fs::write(&path, "half").unwrap();
        let third = ensure(&authority, &names);
        let again = Authority::open(dir.path()).unwrap();
        assert_eq!(ensure(&again, &names), third);
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Authority::open(elsewhere.path()).unwrap();
        assert!(!other.is_good(third.as_bytes(), &Names::of(&names)));
    }

    #[test]
    fn a_ca_half_made_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ca.key"), "half").unwrap();
        let made = Authority::open(dir.path()).unwrap();
        assert!(made.certificate().exists());
    }
}
