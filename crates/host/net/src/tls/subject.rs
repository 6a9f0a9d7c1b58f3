//! Which user a client's certificate stands for (S4). The chain was verified before; here only its subject is read.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

use crate::arrival::ClientCertificate;

/// Longest name of a user.
const MAX_NAME_BYTES: usize = 255;

/// Where in a certificate the user's name stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginFrom {
    /// The whole subject, as RFC 4514 writes it: `CN=app,O=Shop`.
    #[default]
    DistinguishedName,
    /// The common name, of which there must be exactly one.
    CommonName,
    /// A DNS name among the alternative names, by its place from 0.
    DnsName(usize),
    /// A mail address among the alternative names, by its place from 0.
    Email(usize),
    /// A URI among the alternative names, by its place from 0.
    Uri(usize),
}

/// Reads what the rule needs; without a rule it names nobody. `None`: the certificate cannot be read at all.
pub(crate) fn read(der: &CertificateDer<'_>, from: Option<LoginFrom>) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = distinguished_name(certificate.subject());
    let user = from.and_then(|from| match from {
        LoginFrom::DistinguishedName => subject.clone(),
        LoginFrom::CommonName => common_name(certificate.subject()),
        LoginFrom::DnsName(at) => alternative(&certificate, at, |name| match name {
            GeneralName::DNSName(name) => Some(name),
            _ => None,
        }),
        LoginFrom::Email(at) => alternative(&certificate, at, |name| match name {
            GeneralName::RFC822Name(name) => Some(name),
            _ => None,
        }),
        LoginFrom::Uri(at) => alternative(&certificate, at, |name| match name {
            GeneralName::URI(name) => Some(name),
            _ => None,
        }),
    });
    let until_s = certificate.validity().not_after.timestamp();
    Some(ClientCertificate {
        user: user.filter(|name| is_name(name)).map(Arc::from),
        subject: subject.unwrap_or_default().into(),
        issuer: distinguished_name(certificate.issuer()).unwrap_or_default().into(),
        valid_until_ms: u64::try_from(until_s).unwrap_or(0).saturating_mul(1_000),
    })
}

/// Whether a certificate is its own issuer.
pub(crate) fn is_root(der: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(der)
        .is_ok_and(|(_, certificate)| certificate.subject().as_raw() == certificate.issuer().as_raw())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)
}

fn common_name(subject: &X509Name<'_>) -> Option<String> {
    let mut names = subject.iter_common_name();
    // Two of them name nobody: which one counts would be a guess.
    let (name, None) = (names.next()?, names.next()) else { return None };
    text(name.attr_value())
}

fn alternative<'a>(
    certificate: &'a X509Certificate<'a>,
    at: usize,
    pick: impl Fn(&'a GeneralName<'a>) -> Option<&'a str>,
) -> Option<String> {
    let extension = certificate.subject_alternative_name().ok()??;
    extension.value.general_names.iter().filter_map(pick).nth(at).map(str::to_owned)
}

/// The name in the form of RFC 4514, most specific part first. `None`: a part of it is no text.
fn distinguished_name(name: &X509Name<'_>) -> Option<String> {
    let mut shown = String::new();
    let sets: Vec<_> = name.iter_rdn().collect();
    for set in sets.into_iter().rev() {
        for (number, attribute) in set.iter().enumerate() {
            if !shown.is_empty() {
                shown.push(if number == 0 { ',' } else { '+' });
            }
            match short_name(&attribute.attr_type().to_id_string()) {
                Some(short) => shown.push_str(short),
                None => shown.push_str(&attribute.attr_type().to_id_string()),
            }
            shown.push('=');
            escape_into(&text(attribute.attr_value())?, &mut shown);
        }
    }
    Some(shown)
}

fn text(value: &x509_parser::der_parser::asn1_rs::Any<'_>) -> Option<String> {
    use x509_parser::der_parser::asn1_rs::Tag;
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            std::str::from_utf8(value.data).ok().map(str::to_owned)
        }
        Tag::T61String => value.data.is_ascii().then(|| String::from_utf8_lossy(value.data).into_owned()),
        Tag::BmpString => {
            let units: Vec<u16> =
                value.data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

/// Letters that have a meaning in a name get a backslash; bytes that are no visible ASCII become `\XX`, as RabbitMQ
/// shows them.
fn escape_into(value: &str, shown: &mut String) {
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => {
                shown.push('\\');
                shown.push(char::from(byte));
            }
            b'#' if at == 0 => shown.push_str("\\#"),
            b' ' if at == 0 || at == last => shown.push_str("\\ "),
            0x20..=0x7d => shown.push(char::from(byte)),
            other => shown.push_str(&format!("\\{other:02X}")),
        }
    }
}

fn short_name(id: &str) -> Option<&'static str> {
    Some(match id {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "TITLE",
        "2.5.4.42" => "GIVENNAME",
        "2.5.4.43" => "INITIALS",
        "2.5.4.44" => "GENERATIONQUALIFIER",
        "2.5.4.46" => "DNQUALIFIER",
        "2.5.4.65" => "PSEUDONYM",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "EMAILADDRESS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    fn made(parts: &[(DnType, &str)], names: Vec<SanType>) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn check(parts: &[(DnType, &str)], from: LoginFrom, expect: Option<&str>) {
        let names = vec![
            SanType::DnsName("one.example".try_into().unwrap()),
            SanType::Rfc822Name("a@example".try_into().unwrap()),
            SanType::DnsName("two.example".try_into().unwrap()),
            SanType::URI("urn:x".try_into().unwrap()),
        ];
        let found = read(&made(parts, names), Some(from)).unwrap();
        assert_eq!(found.user.as_deref(), expect, "{parts:?} {from:?}");
    }

    #[test]
    fn s4_the_user_is_what_the_rule_says() {
        use DnType::{CommonName, OrganizationName};
        use LoginFrom::{DistinguishedName as Dn, DnsName, Email, Uri};
        let plain = [(OrganizationName, "Shop"), (CommonName, "app")];
        check(&plain, Dn, Some("CN=app,O=Shop"));
        check(&plain, LoginFrom::CommonName, Some("app"));
        check(&plain, DnsName(0), Some("one.example"));
        check(&plain, DnsName(1), Some("two.example"));
        check(&plain, DnsName(2), None);
        check(&plain, Email(0), Some("a@example"));
        check(&plain, Uri(0), Some("urn:x"));
        check(&[(OrganizationName, "Shop")], LoginFrom::CommonName, None);
        check(&[], Dn, None);
        check(&[(CommonName, "a\0b")], LoginFrom::CommonName, None);
    }

    #[test]
    fn a_name_cannot_pass_for_another() {
        use DnType::CommonName;
        let check = |name: &str, expect: &str| {
            check(&[(CommonName, name)], LoginFrom::DistinguishedName, Some(expect))
        };
        check("a,O=Shop", r"CN=a\,O=Shop");
        check("a+b\"c\\d;e<f>", r#"CN=a\+b\"c\\d\;e\<f\>"#);
        check(" #a ", r"CN=\ #a\ ");
        check("#a", r"CN=\#a");
        check("Müller", r"CN=M\C3\BCller");
        check("a\0b", r"CN=a\00b");
    }
}
