//! Checks of a certificate before it is used: its version and its validity ([RFC 5280
//! §4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1)).

use domain::time::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use vault::der::Der;

/// The relevant parts of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The version, 1 to 3.
    pub(super) version: u8,
    pub(super) validity: Validity,
}

/// The validity period of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    /// The first moment.
    pub(crate) begins: Timestamp,
    /// The last moment.
    pub(crate) ends: Timestamp,
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The tag `[0]` of the version.
const VERSION: u8 = 0xa0;
/// `rsaEncryption` ([RFC 8017 §A.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1)).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

impl Certificate {
    /// Parses DER; `None` if it is not a certificate.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).read(SEQUENCE)?);
        let mut signed = Der(certificate.read(SEQUENCE)?);
        let version = match signed.read(VERSION) {
            // The default version is 1.
            None => 1,
            Some(version) => match Der(version).read(INTEGER)? {
                [number @ 0..=2] => number + 1,
                _ => return None,
            },
        };
        signed.read(INTEGER)?;
        // The signature algorithm and the issuer.
        signed.read(SEQUENCE)?;
        signed.read(SEQUENCE)?;
        let mut validity = Der(signed.read(SEQUENCE)?);
        let (begins, ends) = (time(&mut validity)?, time(&mut validity)?);
        Some(Self { version, validity: Validity { begins, ends } })
    }
}

/// The length in bits of the modulus of an RSA key, in the form of PKCS#8 or PKCS#1; `None` for other keys.
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut key = Der(Der(key).read(SEQUENCE)?);
    key.read(INTEGER)?;
    if let Some(algorithm) = key.read(SEQUENCE) {
        if Der(algorithm).read(OBJECT_IDENTIFIER)? != RSA {
            return None;
        }
        key = Der(Der(key.read(OCTET_STRING)?).read(SEQUENCE)?);
        key.read(INTEGER)?;
    }
    let modulus = key.read(INTEGER)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeros)?;
    Some((modulus.len() - zeros) * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

/// Reads a time in one of the forms of [RFC 5280
/// §4.1.2.5](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5): to the second, in UTC.
fn time(der: &mut Der<'_>) -> Option<Timestamp> {
    let (century, text) = match der.read(UTC_TIME) {
        Some(text) => (if text.first()? < &b'5' { "20" } else { "19" }, text),
        None => ("", der.read(GENERALIZED_TIME)?),
    };
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let digits = format!("{century}{digits}");
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits[from..from + 2].parse::<i8>().ok();
    let year = digits[..4].parse().ok()?;
    let time = DateTime::new(year, part(4)?, part(6)?, part(8)?, part(10)?, part(12)?, 0).ok()?;
    let at = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_secs(at.as_second()))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn parse(pem: &str) -> Option<Certificate> {
        Certificate::parse(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn version_and_validity_are_parsed() {
        let expired = parse(include_str!("../../tests/certificates/expired.pem")).unwrap();
        assert_eq!(expired.version, 3);
        assert_eq!(expired.validity.begins, at("1999-12-31T23:59:58Z"));
        assert_eq!(expired.validity.ends, at("2020-02-29T12:34:56Z"));
        let future = parse(include_str!("../../tests/certificates/future.pem")).unwrap();
        assert_eq!(future.validity.begins, at("2090-01-01T00:00:00Z"));
        assert_eq!(parse(include_str!("../../tests/certificates/version-1.pem")).unwrap().version, 1);
    }

    #[test]
    fn truncated_certificates_are_refused() {
        let pem = include_str!("../../tests/certificates/first.pem");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        for length in 0..der.len() {
            assert_eq!(Certificate::parse(&der[..length]), None, "{length}");
        }
        for broken in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x80, 0, 0], &[0x30, 0x85]] {
            assert_eq!(Certificate::parse(broken), None);
        }
    }
}
