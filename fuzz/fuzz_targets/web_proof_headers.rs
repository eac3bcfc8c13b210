#![no_main]
//! No headers make the readers of proofs and attestations panic. Each is read if it is there once, and refused if it is there
//! twice.

use fuzz::headers;
use http::Request;
use http::header::HeaderMap;
use oauth::proof::{DpopHeader, NO_CONTENT};
use oauth::refusal::Refusal;
use web::fuzzing::{attestation_headers, proof_facts};

const ATTESTATION: &str = "oauth-client-attestation";
const PROOF: &str = "oauth-client-attestation-pop";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let headers = headers(bytes);
    let counted = |name: &str| headers.get_all(name).iter().count();
    match attestation_headers(&headers).both() {
        Ok(sent) => {
            assert_eq!((counted(ATTESTATION), counted(PROOF)), (1, 1));
            assert_eq!(
                headers.get(ATTESTATION).map(|value| value.as_bytes()),
                Some(sent.attestation.as_bytes())
            );
            assert_eq!(headers.get(PROOF).map(|value| value.as_bytes()), Some(sent.proof.as_bytes()));
        }
        Err(Refusal::AttestationRepeated) => assert!(counted(ATTESTATION) > 1 || counted(PROOF) > 1),
        Err(Refusal::AttestationRequired) => assert_eq!((counted(ATTESTATION), counted(PROOF)), (0, 0)),
        Err(Refusal::AttestationMissing) => assert_eq!((counted(ATTESTATION), counted(PROOF)), (0, 1)),
        Err(Refusal::AttestationProofMissing) => assert_eq!((counted(ATTESTATION), counted(PROOF)), (1, 0)),
        Err(_) => assert_eq!((counted(ATTESTATION), counted(PROOF)), (1, 1), "one of them is not UTF-8"),
    }
    dpop_is_the_one_header(&headers);
});

fn dpop_is_the_one_header(headers: &HeaderMap) {
    let mut request = Request::post("/oauth2/token?x=1").body(()).expect("a request");
    *request.headers_mut() = headers.clone();
    let (parts, ()) = request.into_parts();
    let facts = proof_facts(&parts);
    assert_eq!((facts.method, facts.path), ("POST", "/oauth2/token"));
    assert_eq!(facts.content_digest, &NO_CONTENT);
    let sent = headers.get_all("dpop").iter().count();
    match facts.dpop {
        DpopHeader::None => assert_eq!(sent, 0),
        DpopHeader::One(text) => {
            assert_eq!(sent, 1);
            assert_eq!(headers.get("dpop").map(|value| value.as_bytes()), Some(text));
        }
        DpopHeader::Several => assert!(sent > 1),
    }
}
