use super::*;

const CN: &[u8] = &[0x55, 4, 3];
const O: &[u8] = &[0x55, 4, 10];
const UID: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1];

fn attribute(kind: &[u8], text: &str) -> NameAttribute {
    NameAttribute {
        kind: kind.to_vec(),
        text: Some(text.to_owned()),
        der: [&[0x0c, 1], text.as_bytes()].concat(),
    }
}

fn is_of(text: &str, subject: &[RelativeName]) -> bool {
    DistinguishedName::parse(text).unwrap_or_else(|_| panic!("{text}")).is_of(subject)
}

#[test]
fn a_name_is_that_of_a_subject_in_reverse_order() {
    let subject = [vec![attribute(O, "Harbour")], vec![attribute(CN, "crane 7")]];
    for (text, expected) in [
        ("CN=crane 7,O=Harbour", true),
        ("cn=crane 7,o=Harbour", true),
        ("2.5.4.3=crane 7,2.5.4.10=Harbour", true),
        ("CN=crane\\207,O=\\48arbour", true),
        ("O=Harbour,CN=crane 7", false),
        ("CN=Crane 7,O=Harbour", false),
        ("CN=crane 7", false),
        ("CN=crane 7,O=Harbour,C=DE", false),
        ("CN=crane 7+O=Harbour", false),
        ("OU=crane 7,O=Harbour", false),
    ] {
        assert_eq!(is_of(text, &subject), expected, "{text}");
    }
}

#[test]
fn a_level_is_a_set_of_attributes() {
    let subject = [vec![attribute(CN, "crane"), attribute(UID, "7")]];
    assert!(is_of("CN=crane+UID=7", &subject) && is_of("UID=7+CN=crane", &subject));
    assert!(!is_of("CN=crane+CN=crane", &subject) && !is_of("CN=crane", &subject));
}

/// [RFC 4514 §4](https://www.rfc-editor.org/rfc/rfc4514#section-4).
#[test]
fn escapes_are_those_of_the_specification() {
    let named = |kind: &[u8], text: &str| [vec![attribute(kind, text)]];
    assert!(is_of("CN=James \\\"Jim\\\" Smith\\, III", &named(CN, "James \"Jim\" Smith, III")));
    assert!(is_of("CN=Before\\0dAfter", &named(CN, "Before\rAfter")));
    assert!(is_of("CN=Lu\\C4\\8Di\\C4\\87", &named(CN, "Lučić")));
    assert!(is_of("CN=Lučić", &named(CN, "Lučić")));
    assert!(is_of("CN=\\ a\\ ", &named(CN, " a ")));
    assert!(is_of("CN=\\#a=b", &named(CN, "#a=b")));
    assert!(is_of("CN=#0C0161", &named(CN, "a")), "a value in DER");
    let no_text = [vec![NameAttribute { text: None, ..attribute(CN, "a") }]];
    assert!(!is_of("CN=a", &no_text) && is_of("CN=#0c0161", &no_text));
}

#[test]
fn another_text_is_no_name() {
    for text in [
        "",
        "CN",
        "CN=",
        "=a",
        "CN=a,",
        "CN=a,,O=b",
        "CN=a;O=b",
        "C = DE, O = Harbour",
        "CN= a",
        "CN=a ",
        "CN=a ,O=b",
        "CN=\"a\"",
        "CN=a<b",
        "CN=a\\",
        "CN=a\\4",
        "CN=a\\é",
        "CN=\\ff",
        "CN=#",
        "CN=#0",
        "CN=#0g",
        "CN=#ab cd",
        "unknown=a",
        "1=a",
        "3.1=a",
        "1.40=a",
        "1.02=a",
        "1.+2=a",
        "1..2=a",
        "2.5.4.99999999999=a",
        "/CN=a/O=b",
        &format!("CN={}", "a".repeat(LONGEST)),
    ] {
        assert_eq!(DistinguishedName::parse(text), Err(InvalidName), "{text}");
    }
}

#[test]
fn an_object_identifier_is_written_as_in_der() {
    assert_eq!(object_identifier("UID").unwrap(), UID);
    assert_eq!(object_identifier("2.999.3").unwrap(), [0x88, 0x37, 3]);
    assert_eq!(object_identifier("0.0").unwrap(), [0]);
}
