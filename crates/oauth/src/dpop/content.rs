//! The body of a request as a part of its proof: the claim `content_digest` of the [DPoP profile of
//! MCP](https://github.com/modelcontextprotocol/ext-auth/blob/main/specification/draft/dpop-extension.mdx). Without it, a
//! proof covers the method and the URL only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::jwt::{Claims, MOST_CHARACTERS};
use crate::refusal::Refusal;

const CLAIM: &str = "content_digest";

/// "Verify that the calculated digest matches the `content_digest` claim value", which is `sha-256=:BASE64:` as in [RFC
/// 9530 §2](https://www.rfc-editor.org/rfc/rfc9530#section-2). The claim is checked where a proof has it.
pub(super) fn covers_the_body(claims: &Claims, digest: &[u8; 32]) -> Result<(), Refusal> {
    let Some(named) = claims.text(CLAIM).map_err(|_| Refusal::DpopDigestMalformed)? else { return Ok(()) };
    let encoded = named.strip_prefix("sha-256=:").and_then(|rest| rest.strip_suffix(':'));
    let named =
        encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).filter(|bytes| bytes.len() == digest.len());
    let named = named.ok_or(Refusal::DpopDigestMalformed)?;
    if named == digest { Ok(()) } else { Err(Refusal::DpopContentDiffers) }
}

/// Whether a proof, which is not verified, may name the digest of a body, so that the body must be read before the proof
/// is checked. Only a proof with the claim, or with an escape that may hide its name, does.
pub fn may_name_content(proof: &[u8]) -> bool {
    let Some(payload) = proof.split(|byte| *byte == b'.').nth(1).filter(|_| proof.len() <= MOST_CHARACTERS)
    else {
        return false;
    };
    let Ok(json) = URL_SAFE_NO_PAD.decode(payload) else { return false };
    json.contains(&b'\\') || json.windows(CLAIM.len()).any(|part| part == CLAIM.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::NO_CONTENT;

    /// The example of RFC 9530 for `{"hello": "world"}` and a line feed.
    const NAMED: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";

    fn judge(value: &str, digest: &[u8; 32]) -> Result<(), Refusal> {
        covers_the_body(
            &Claims::parse(format!(r#"{{"content_digest":{value}}}"#).as_bytes()).unwrap(),
            digest,
        )
    }

    #[test]
    fn a_proof_that_names_a_digest_covers_the_body() {
        let digest: [u8; 32] =
            STANDARD.decode("X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=").unwrap().try_into().unwrap();
        assert_eq!(judge(&format!("\"{NAMED}\""), &digest), Ok(()));
        assert_eq!(judge(&format!("\"{NAMED}\""), &NO_CONTENT), Err(Refusal::DpopContentDiffers));
        let empty = format!("\"sha-256=:{}:\"", STANDARD.encode(NO_CONTENT));
        assert_eq!(judge(&empty, &NO_CONTENT), Ok(()));
        assert_eq!(covers_the_body(&Claims::parse(b"{}").unwrap(), &digest), Ok(()), "it is optional");
        let short = NAMED.replace("BPE=", "BP");
        let bare = NAMED.replace(':', "");
        let url_safe = NAMED.replace('=', "").replace("sha-256", "sha-256=");
        let other = NAMED.replace("sha-256", "sha-512");
        let two = format!("{NAMED}, {NAMED}");
        for text in ["", "sha-256=::", &short, &bare, &url_safe, &other, &two] {
            assert_eq!(judge(&format!("\"{text}\""), &digest), Err(Refusal::DpopDigestMalformed), "{text}");
        }
        for value in ["7", "null", "[]"] {
            assert_eq!(judge(value, &digest), Err(Refusal::DpopDigestMalformed), "{value}");
        }
    }

    #[test]
    fn a_body_is_read_only_for_a_proof_that_may_name_it() {
        let proof = |json: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json));
        for json in [r#"{"jti":"a","content_digest":"x"}"#, r#"{"content\u005fdigest":"x"}"#] {
            assert!(may_name_content(proof(json).as_bytes()), "{json}");
        }
        assert!(!may_name_content(proof(r#"{"jti":"a","htm":"POST"}"#).as_bytes()));
        for text in ["", "a", "a.!.b", "a.content_digest.b"] {
            assert!(!may_name_content(text.as_bytes()), "{text}");
        }
    }
}
