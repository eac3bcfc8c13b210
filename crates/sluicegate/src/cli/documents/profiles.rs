//! `docs/profiles.md`: what each profile demands, from the rules themselves.

use oauth::profile::{Profile, rules_by_profile};

const INTRODUCTION: &str = "# Profiles

A profile says how strictly an application is treated. An application has the profile of its registration (`profile`), or
`profiles.default` if it names none. `profiles.minimum` applies to every application of the server, including those that were registered
before it was set, and makes the whole server strict with one setting. This page is generated from the rules: `cargo xtask docs`.

`compatible` is as lenient as Hybrid Data Pipeline documents. `oauth21` is OAuth 2.1. `fapi2` is the FAPI 2.0 Security Profile, for
confidential clients that prove a private key in every step. With `profiles.message_signing`, applications of `fapi2` must also sign their
authorization requests and get signed responses (FAPI 2.0 Message Signing).

Two ways in have nothing to do with applications. `profiles.minimum` decides whether users read data with their name and password (HTTP Basic).
The management API accepts name and password in every profile, because Hybrid Data Pipeline's tools sign in with them; with `fapi2` as the
minimum the server says so in a warning at start.

";

const ROTATION: &str = "
## Who rotates refresh tokens, and who must not

A refresh token that is stolen from a public client works for the thief, because nothing else is needed to use it. Public clients must
therefore rotate ([RFC 9700 §2.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-2.2.2)): each refresh replaces the token, and the use
of a replaced one revokes all tokens of the grant. MCP clients and most desktop and phone applications are public.

A confidential client authenticates when it refreshes, so its stolen token is worthless without its credential. Rotation then only adds
the risk that a lost response ends the access. `compatible` does not rotate for confidential clients; `oauth21` rotates for all, and
presents the same successor again to a client that lost a response.

A client of `fapi2` is confidential, and its access tokens are bound to a key. FAPI 2.0 therefore forbids rotation: it \"does not provide
security benefits when used with confidential clients and sender-constrained access tokens\" ([FAPI 2.0
§5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)). So public clients must rotate and clients of `fapi2`
must not. No client is both, because `fapi2` serves confidential clients only.
";

/// The page.
pub(super) fn page() -> String {
    let names = Profile::ALL.map(|profile| format!("`{}`", profile.as_str()));
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&row("rule", &names));
    page.push_str(&"|---".repeat(names.len() + 1));
    page.push_str("|\n");
    for rule in rules_by_profile() {
        page.push_str(&row(&format!("{} ({})", rule.rule, rule.source), &rule.values));
    }
    page.push_str(ROTATION);
    page
}

fn row(rule: &str, values: &[String]) -> String {
    format!("| {rule} | {} |\n", values.join(" | "))
}
