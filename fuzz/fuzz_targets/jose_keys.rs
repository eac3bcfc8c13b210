#![no_main]
//! No key set makes the parser panic. A set that is used contains no private key, and each of its keys is for one family
//! of algorithms.

use oauth::jwt::parse_object;
use oauth::signing::JwsAlgorithm;
use vault::jose::KeySet;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(set) = KeySet::parse(json) else { return };
    let members = parse_object(json).expect("a set is an object");
    for key in members["keys"].as_array().expect("a set has an array of keys") {
        assert!(["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().all(|name| key.get(name).is_none()));
    }
    for key in set.keys() {
        let fits: Vec<JwsAlgorithm> =
            JwsAlgorithm::ALL.into_iter().filter(|algorithm| key.fits(*algorithm)).collect();
        let is_rsa = |algorithm: &JwsAlgorithm| {
            ["RS", "PS"].iter().any(|family| algorithm.as_str().starts_with(family))
        };
        assert!(fits.len() == 1 || (fits.len() == 6 && fits.iter().all(is_rsa)));
        assert_eq!(key.thumbprint(), key.thumbprint());
        assert!(key.id().is_none_or(|id| set.has_id(id)));
    }
});
