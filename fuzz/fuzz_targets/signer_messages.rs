#![no_main]
//! No bytes make the parsers of the signer's protocol panic. A message is read again as it was written, and a list is bounded.

use signer::{SignerRequest, SignerResponse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = SignerRequest::parse(bytes) {
        assert_eq!(SignerRequest::parse(&request.to_message()).ok(), Some(request));
    }
    let Ok(response) = SignerResponse::parse(bytes) else { return };
    if let SignerResponse::Keys { keys } = &response {
        assert!(keys.len() <= 64 && keys.iter().all(|key| key.id.len() <= 256));
    }
    assert_eq!(SignerResponse::parse(&response.to_message()).ok(), Some(response));
});
