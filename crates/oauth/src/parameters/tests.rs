use proptest::prelude::*;

use super::*;
use crate::oidc::logout::STATE;

fn pairs(given: &[(&str, &str)]) -> Parameters {
    crate::sample::pairs(given)
}

fn fault(name: &'static str, fault: ParameterFault) -> Refusal {
    Refusal::Parameter { name, fault }
}

#[test]
fn a_parameter_without_a_value_counts_as_omitted() {
    assert_eq!(pairs(&[("scope", "")]).one(SCOPE), Ok(None));
    assert_eq!(pairs(&[("scope", "")]).required(SCOPE), Err(fault("scope", ParameterFault::Missing)));
}

#[test]
fn a_repeated_parameter_is_refused_even_with_equal_values() {
    let twice = pairs(&[("scope", "odata"), ("scope", "odata")]);
    assert_eq!(twice.one(SCOPE), Err(fault("scope", ParameterFault::Repeated)));
    let other_spelling = pairs(&[("client_id", "a"), ("clientId", "a"), ("clientId", "a")]);
    assert!(other_spelling.one(CLIENT_ID).is_ok(), "the alias repeats the same value");
}

#[test]
fn two_spellings_of_a_parameter_must_have_the_same_value() {
    assert_eq!(pairs(&[("clientId", "a")]).one(CLIENT_ID), Ok(Some("a")));
    assert_eq!(pairs(&[("clientId", "a"), ("client_id", "a")]).one(CLIENT_ID), Ok(Some("a")));
    let differ = pairs(&[("clientId", "a"), ("client_id", "b")]);
    assert_eq!(differ.one(CLIENT_ID), Err(fault("client_id", ParameterFault::SpellingsDiffer)));
}

#[test]
fn unknown_parameters_are_ignored_even_repeated() {
    assert_eq!(pairs(&[("x", "1"), ("x", "2"), ("scope", "odata")]).one(SCOPE), Ok(Some("odata")));
}

#[test]
fn overlong_values_and_control_characters_are_refused() {
    let long = "x".repeat(1025);
    assert_eq!(pairs(&[("scope", &long)]).one(SCOPE), Err(fault("scope", ParameterFault::TooLong)));
    for value in ["a\0b", "a\nb", "a\u{7f}b", "a\u{85}b"] {
        assert_eq!(
            pairs(&[("scope", value)]).one(SCOPE),
            Err(fault("scope", ParameterFault::ControlCharacter))
        );
    }
}

#[test]
fn opaque_values_are_never_malformed() {
    const TOKEN: Name = Name::opaque("token");
    for value in ["x".repeat(60_000), "a\0b\n\u{85}\u{202e}".to_owned(), "\u{fffd}".to_owned()] {
        assert_eq!(pairs(&[("token", &value)]).one(TOKEN), Ok(Some(value.as_str())));
    }
    for form in [b"token=%ff%fe".as_slice(), b"token=\xff\xfe", b"token=%FF%fe&other=%ff"] {
        let read = Parameters::from_form(form).unwrap();
        assert_eq!(read.one(TOKEN), Ok(Some("\u{fffd}\u{fffd}")));
    }
    assert_eq!(pairs(&[("token", "")]).one(TOKEN), Ok(None));
    let twice = pairs(&[("token", "a"), ("token", "a")]);
    assert_eq!(twice.one(TOKEN), Err(fault("token", ParameterFault::Repeated)));
}

#[test]
fn forms_are_decoded() {
    let form =
        Parameters::from_form(b"scope=api.access.odata+odata&client_id=%61&empty&=x&%zz=%zz&").unwrap();
    assert_eq!(form.one(SCOPE), Ok(Some("api.access.odata odata")));
    assert_eq!(form.one(CLIENT_ID), Ok(Some("a")));
    assert_eq!(form.one(Name::new("%zz", 10)), Ok(Some("%zz")));
    for form in [b"scope=%ff".as_slice(), b"scope=\xff"] {
        assert_eq!(Parameters::from_form(form).unwrap().one(SCOPE), Err(Refusal::NotUtf8));
    }
}

#[test]
fn a_value_that_is_not_utf8_changes_no_other() {
    for bad in [b"\xff".as_slice(), b"\xc3", b"%ff", b"%\xff", b"%4\xff", b"\xe2\x82"] {
        let form =
            [b"state=".as_slice(), bad, "&scope=a+%C3%A4\u{e4}&client_id=%4&nonce=\u{20ac}".as_bytes()]
                .concat();
        let form = Parameters::from_form(&form).unwrap();
        assert_eq!(form.one(SCOPE), Ok(Some("a \u{e4}\u{e4}")), "{bad:?}");
        assert_eq!(form.one(CLIENT_ID), Ok(Some("%4")), "{bad:?}");
        assert_eq!(form.one(STATE), Err(Refusal::NotUtf8), "{bad:?}");
    }
}

#[test]
fn too_many_parameters_are_refused() {
    let flood = "a=b&".repeat(129);
    assert_eq!(Parameters::from_form(flood.as_bytes()).unwrap_err(), Refusal::TooManyParameters);
    assert!(Parameters::from_form("a=b&".repeat(128).as_bytes()).is_ok());
}

#[test]
fn json_objects_of_strings_are_parsed() {
    let json = Parameters::from_json(br#"{"clientId":"a","scope":"odata"}"#).unwrap();
    assert_eq!((json.one(CLIENT_ID), json.one(SCOPE)), (Ok(Some("a")), Ok(Some("odata"))));
    let repeated = Parameters::from_json(br#"{"scope":"a","scope":"b"}"#).unwrap();
    assert_eq!(repeated.one(SCOPE), Err(fault("scope", ParameterFault::Repeated)));
}

#[test]
fn json_other_than_an_object_of_strings_is_refused() {
    for (body, refusal) in [
        ("", Refusal::NotAJsonObject),
        ("[]", Refusal::NotAJsonObject),
        ("\"x\"", Refusal::NotAJsonObject),
        ("{}{}", Refusal::NotAJsonObject),
        ("{\"a\":", Refusal::NotAJsonObject),
        ("{\"a\":1}", Refusal::NotAString),
        ("{\"a\":null}", Refusal::NotAString),
        ("{\"a\":[\"b\"]}", Refusal::NotAString),
    ] {
        assert_eq!(Parameters::from_json(body.as_bytes()).unwrap_err(), refusal, "{body}");
    }
}

#[test]
fn debug_output_shows_no_parameter_values() {
    let printed = format!("{:?}", pairs(&[("client_secret", "sgs_hidden")]));
    assert!(printed.contains("client_secret") && !printed.contains("hidden"));
}

proptest! {
    #[test]
    fn parsing_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for parameters in [Parameters::from_form(&bytes), Parameters::from_json(&bytes)].into_iter().flatten() {
            let _ = parameters.one(SCOPE);
        }
    }

    #[test]
    fn forms_are_parsed_as_the_url_standard_says(pieces in prop::collection::vec("[&=+%a-f0-9é]{0,3}|%[0-9A-Fa-f]{2}|\\PC{0,20}", 0..12)) {
        let form = pieces.concat();
        let read = Parameters::from_form(form.as_bytes()).unwrap();
        let read: Vec<_> = read.pairs.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
        let expected: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).collect();
        let expected: Vec<_> = expected.iter().map(|(name, value)| (&**name, &**value)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn encoded_forms_are_parsed_back_unchanged(name in "[a-z_]{1,12}", value in "\\PC{0,40}") {
        let text = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
        let read = Parameters::from_form(text.as_bytes()).unwrap();
        let expected = vec![Pair { name, value, is_utf8: true }];
        prop_assert!(read.pairs == expected);
    }
}
