//! The names in a certificate ([RFC 5280 §4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oauth::certificate::{CertificateNames, NameAttribute, RelativeName};

use crate::der::Der;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The tags of the version, of the two unique identifiers and of the extensions.
const VERSION: u8 = 0xa0;
const ISSUER_ID: u8 = 0x81;
const SUBJECT_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;
/// `subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// The tags of alternative names ([RFC 5280 §4.2.1.6](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6)).
const MAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

/// The parts of a certificate that matter here.
pub(super) struct Parts<'a> {
    subject: &'a [u8],
    /// The algorithm of the public key and the key itself.
    pub(super) algorithm: Der<'a>,
    pub(super) key: &'a [u8],
    extensions: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(der: &'a [u8]) -> Option<Self> {
        let mut outside = Der(der);
        let mut certificate = Der(outside.read(SEQUENCE)?);
        if !outside.is_empty() {
            return None;
        }
        let mut signed = Der(certificate.read(SEQUENCE)?);
        signed.read(VERSION);
        signed.read(INTEGER)?;
        // The signature algorithm, the issuer and the validity.
        for _ in 0..3 {
            signed.read(SEQUENCE)?;
        }
        let subject = signed.read(SEQUENCE)?;
        let mut public_key = Der(signed.read(SEQUENCE)?);
        let algorithm = Der(public_key.read(SEQUENCE)?);
        let [0, key @ ..] = public_key.read(BIT_STRING)? else { return None };
        signed.read(ISSUER_ID);
        signed.read(SUBJECT_ID);
        Some(Self { subject, algorithm, key, extensions: signed.read(EXTENSIONS) })
    }
}

/// The names in a certificate in DER; `None` if it is malformed.
pub fn names(der: &[u8]) -> Option<CertificateNames> {
    let parts = Parts::of(der)?;
    let mut names = CertificateNames { subject: subject(parts.subject)?, ..CertificateNames::default() };
    let Some(extensions) = parts.extensions else { return Some(names) };
    let mut extensions = Der(Der(extensions).read(SEQUENCE)?);
    while !extensions.is_empty() {
        let mut extension = Der(extensions.read(SEQUENCE)?);
        let id = extension.read(OBJECT_IDENTIFIER)?;
        extension.read(BOOLEAN);
        let content = extension.read(OCTET_STRING)?;
        if id == ALTERNATIVE_NAMES {
            alternative_names(content, &mut names)?;
        }
    }
    Some(names)
}

fn subject(der: &[u8]) -> Option<Vec<RelativeName>> {
    let mut levels = Vec::new();
    let mut subject = Der(der);
    while !subject.is_empty() {
        let mut level = Der(subject.read(SET)?);
        let mut attributes = Vec::new();
        while !level.is_empty() {
            attributes.push(attribute(level.read(SEQUENCE)?)?);
        }
        levels.push(attributes);
    }
    Some(levels)
}

fn attribute(der: &[u8]) -> Option<NameAttribute> {
    let mut attribute = Der(der);
    let kind = attribute.read(OBJECT_IDENTIFIER)?.to_vec();
    let whole = attribute.0;
    let (tag, content) = attribute.next()?;
    let text = match tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING => String::from_utf8(content.to_vec()).ok(),
        BMP_STRING => two_byte_text(content),
        _ => None,
    };
    attribute.is_empty().then(|| NameAttribute { kind, text, der: whole.to_vec() })
}

fn two_byte_text(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

fn alternative_names(content: &[u8], names: &mut CertificateNames) -> Option<()> {
    let mut list = Der(Der(content).read(SEQUENCE)?);
    while !list.is_empty() {
        let (tag, content) = list.next()?;
        let text = || std::str::from_utf8(content).ok().filter(|text| text.is_ascii()).map(str::to_owned);
        match tag {
            MAIL => names.emails.push(text()?),
            DNS => names.dns.push(text()?),
            URI => names.uris.push(text()?),
            ADDRESS => names.addresses.push(address(content)?),
            _ => {}
        }
    }
    Some(())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|octets| Ipv6Addr::from(octets).into())).ok()
}
