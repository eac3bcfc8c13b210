//! The vectors of [Wycheproof](https://github.com/C2SP/wycheproof) for JSON Web Signatures and Keys, where their folder is:
//!
//! ```sh
//! SLUICEGATE_WYCHEPROOF=FOLDER cargo test -p vault --test wycheproof
//! ```
//!
//! The folder contains files whose names end with `json_web_signature_test.json` and `json_web_key_test.json`. The repository
//! has vectors of its own, so that a checkout alone tests everything; these are more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::jwt::{Header, JwtFault};
use oauth::signing::JwsAlgorithm;
use serde_json::{Value, json};
use vault::jose::{AcceptedJwt, KeySet, verify, verify_with_secret};

const FOLDER: &str = "SLUICEGATE_WYCHEPROOF";
const FILES: [&str; 2] = ["json_web_signature_test.json", "json_web_key_test.json"];

/// Vectors whose results are in dispute. 346, 347, 350 and 351 are called valid, but the key is for another algorithm than that
/// of the header; 367 and 370 are called invalid and equal a valid one; 372 and 373 are called valid and contain a character
/// outside of base64url, which [RFC 7515 §2](https://www.rfc-editor.org/rfc/rfc7515#section-2) forbids.
const DISPUTED: [u64; 8] = [346, 347, 350, 351, 367, 370, 372, 373];

const TYPES: [Option<&str>; 2] = [None, Some("jwt")];
const ALL: AcceptedJwt<'static> = AcceptedJwt { algorithms: &JwsAlgorithm::ALL, types: &TYPES };

/// How many vectors were tried, and how many are about something that this server does not have.
#[derive(Default)]
struct Counts {
    valid: usize,
    invalid: usize,
    left_out: usize,
    wrong: Vec<String>,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says where the vectors are")]
fn the_vectors_of_wycheproof_get_the_results_that_they_name() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        say(&format!("no vectors of Wycheproof were tried: {FOLDER} names no folder"));
        return;
    };
    for end in FILES {
        let mut counts = Counts::default();
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let file = entries.into_iter().find(|path| path.to_string_lossy().ends_with(end));
        let file = file.unwrap_or_else(|| panic!("{} has no {end}", folder.display()));
        let vectors: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for group in vectors["testGroups"].as_array().unwrap() {
            for vector in group["tests"].as_array().unwrap() {
                counts.add(end, group, vector);
            }
        }
        let Counts { valid, invalid, left_out, wrong } = counts;
        say(&format!("{end}: {valid} valid and {invalid} invalid vectors were tried, {left_out} left out"));
        assert!(valid > 0 && invalid > 0);
        assert_eq!(wrong, Vec::<String>::new());
    }
}

impl Counts {
    fn add(&mut self, file: &str, group: &Value, vector: &Value) {
        let is_valid = vector["result"] == "valid";
        let text = vector["jws"].as_str();
        let is_disputed = file == FILES[0] && DISPUTED.contains(&vector["tcId"].as_u64().unwrap());
        let accepted = text.filter(|text| !(is_disputed || is_valid && is_foreign(text)));
        let Some(accepted) = accepted.and_then(|text| is_accepted(group, text)) else {
            self.left_out += 1;
            return;
        };
        if accepted != is_valid {
            self.wrong.push(format!("{} of {}: {}", vector["tcId"], group["comment"], vector["comment"]));
        }
        self.valid += usize::from(is_valid);
        self.invalid += usize::from(!is_valid);
    }
}

/// Whether the algorithm is none of ours.
fn is_foreign(text: &str) -> bool {
    let header = text.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header = header.and_then(|json| Header::parse(&json).ok());
    header.is_some_and(|header| {
        header.algorithm != "HS256" && JwsAlgorithm::from_name(&header.algorithm).is_none()
    })
}

/// Whether the signature is accepted; `None` for secrets of other algorithms and for sets of secrets, which no client of this
/// server has.
fn is_accepted(group: &Value, text: &str) -> Option<bool> {
    let verified = if let Some(public) = group.get("public") {
        let set = if public.get("keys").is_some() { public.clone() } else { json!({ "keys": [public] }) };
        let Ok(set) = KeySet::parse(set.to_string().as_bytes()) else { return Some(false) };
        verify(text, &set, ALL)
    } else {
        let private = &group["private"];
        let key = match private["keys"].as_array().map(Vec::as_slice) {
            None => private,
            Some([only]) => only,
            Some(_) => return None,
        };
        if key["kty"] != "oct" || key["alg"] != "HS256" {
            return None;
        }
        let secret = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
        verify_with_secret(text, &secret, &TYPES)
    };
    // The payloads of the vectors are no claims; they are read after the signature is verified.
    Some(matches!(verified, Ok(_) | Err(JwtFault::PayloadMalformed)))
}

/// Writes a line that the test run shows also when the test passes.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
