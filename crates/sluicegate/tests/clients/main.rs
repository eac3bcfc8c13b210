//! Third-party clients, run against the real binary: npm's `openid-client`, `oauth4webapi`, `newman` and the SDK of MCP,
//! Python's `requests-oauthlib`, `Authlib` and `mcp`, and the crates `oauth2` and `openidconnect`. The tools that read the files below
//! `deploy` are in [`deployment`].
//!
//! `cargo xtask test` installs the packages and passes their location; without them these tests fail rather
//! than being skipped. Start reading at [`stage`]; the programs are in `tests/clients`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deployment;
mod of_rust;
mod stage;

use stage::{Stage, node, python};

#[test]
fn openid_client_completes_the_whole_flow() {
    node(&Stage::new(), "openid-client.mjs");
}

#[test]
fn oauth4webapi_completes_the_flow_of_a_public_client() {
    node(&Stage::new(), "oauth4webapi.mjs");
}

/// Anybody may register, as these clients expect it.
const OPEN: &[(&str, &str)] = &[("SLUICEGATE_REGISTRATION__MODE", "open")];

#[test]
fn the_mcp_sdk_gets_from_a_401_to_rows() {
    node(&Stage::with(OPEN), "mcp-sdk.mjs");
}

#[test]
fn the_python_package_mcp_gets_from_a_401_to_rows() {
    python(&Stage::with(OPEN), "mcp_walkthrough.py");
}

#[test]
fn the_mcp_sdk_calls_tools_from_the_first_401_on() {
    node(&Stage::with(OPEN), "mcp-tools.mjs");
    node(&Stage::over_tls(), "mcp-tools.mjs");
}

#[test]
fn the_python_package_mcp_calls_tools_from_the_first_401_on() {
    python(&Stage::with(OPEN), "mcp_tools.py");
    python(&Stage::over_tls(), "mcp_tools.py");
}

#[test]
fn the_mcp_sdk_gets_rows_with_a_secret_and_with_a_private_key() {
    node(&Stage::new(), "mcp-client-credentials.mjs");
}

#[test]
fn the_python_package_mcp_gets_rows_with_a_secret_and_with_a_private_key() {
    python(&Stage::new(), "mcp_client_credentials.py");
}

#[test]
fn the_python_package_mcp_presents_identity_assertions_of_an_enterprise() {
    python(&Stage::new(), "mcp_identity_assertion.py");
}

/// Only those may register to whom an Administrator gave a token.
const BY_TOKEN: &[(&str, &str)] = &[("SLUICEGATE_REGISTRATION__MODE", "initial_access_token")];

#[test]
fn openid_client_registers_itself_walks_the_flow_and_manages_its_registration() {
    node(&Stage::with(OPEN), "registration.mjs");
    node(&Stage::with(BY_TOKEN), "registration.mjs");
}

#[test]
fn oauth4webapi_registers_itself_and_walks_the_flow() {
    node(&Stage::with(OPEN), "registration-oauth4webapi.mjs");
    node(&Stage::with(BY_TOKEN), "registration-oauth4webapi.mjs");
}

#[test]
fn openid_client_authenticates_with_every_method_pushes_proves_and_exchanges() {
    node(&Stage::new(), "openid-client-methods.mjs");
}

#[test]
fn oauth4webapi_authenticates_with_every_method_pushes_proves_and_exchanges() {
    node(&Stage::new(), "oauth4webapi-methods.mjs");
}

#[test]
fn openid_client_uses_the_nonces_that_the_server_demands() {
    node(&Stage::with(&[("SLUICEGATE_DPOP__REQUIRE_NONCE", "true")]), "openid-client-methods.mjs");
}

#[test]
fn openid_client_signs_requests_and_verifies_signed_responses() {
    node(&Stage::new(), "signed-requests.mjs");
}

#[test]
fn openid_client_follows_the_profile_fapi2() {
    node(&Stage::new(), "fapi.mjs");
}

/// Message Signing of FAPI 2.0.
const SIGNING: &[(&str, &str)] = &[("SLUICEGATE_PROFILES__MESSAGE_SIGNING", "true")];

#[test]
fn openid_client_signs_its_messages_in_the_profile_fapi2() {
    let mut stage = Stage::with(SIGNING);
    stage.environment = vec![("MESSAGE_SIGNING", "true".into())];
    node(&stage, "fapi.mjs");
}

#[test]
fn oauth4webapi_signs_its_messages_in_the_profile_fapi2() {
    node(&Stage::with(SIGNING), "oauth4webapi-signed.mjs");
}

#[test]
fn openid_client_authenticates_with_certificates() {
    node(&Stage::over_tls(), "mtls.mjs");
}

#[test]
fn authlib_authenticates_with_certificates() {
    python(&Stage::over_tls(), "authlib_mtls.py");
}

#[test]
fn openid_client_publishes_its_requests_its_keys_and_its_metadata() {
    node(&Stage::over_tls(), "published.mjs");
}

#[test]
fn the_mcp_sdk_identifies_itself_by_its_metadata_document() {
    node(&Stage::over_tls(), "mcp-sdk.mjs");
}

#[test]
fn the_python_package_mcp_identifies_itself_by_its_metadata_document() {
    python(&Stage::over_tls(), "mcp_walkthrough.py");
}

#[test]
fn openid_client_signs_in_reads_userinfo_refreshes_and_logs_out() {
    node(&Stage::new(), "openid.mjs");
}

#[test]
fn openid_client_completes_the_flow_of_a_device() {
    node(&Stage::new(), "device.mjs");
}

#[test]
fn openid_client_and_oauth4webapi_ask_a_person_who_decides_elsewhere() {
    node(&Stage::new(), "backchannel.mjs");
}

#[test]
fn openid_client_presents_an_identity_assertion_that_jose_signs() {
    node(&Stage::new(), "identity-assertion.mjs");
}

#[test]
fn openid_client_pushes_its_request_and_jose_verifies_the_access_token() {
    node(&Stage::new(), "pushed.mjs");
}

#[test]
fn newman_runs_the_collection_from_the_metadata_to_a_revoked_token() {
    node(&Stage::new(), "newman.mjs");
}

#[test]
fn requests_oauthlib_walks_from_the_metadata_to_the_revocation() {
    python(&Stage::new(), "requests_oauthlib_walkthrough.py");
}

#[test]
fn authlib_verifies_id_tokens_and_reads_userinfo() {
    python(&Stage::new(), "authlib_openid.py");
}

#[test]
fn authlib_completes_the_whole_flow() {
    python(&Stage::new(), "authlib_walkthrough.py");
}

#[test]
fn authlib_authenticates_with_every_method_and_exchanges() {
    python(&Stage::new(), "authlib_methods.py");
}

#[test]
fn openid_client_finds_an_issuer_with_a_path_in_both_ways_and_walks_the_flow() {
    node(&Stage::below_a_path(&[]), "below-a-path.mjs");
}

#[test]
fn the_clients_of_mcp_get_from_a_401_to_rows_below_a_path() {
    node(&Stage::below_a_path(OPEN), "mcp-sdk.mjs");
    python(&Stage::below_a_path(OPEN), "mcp_walkthrough.py");
    node(&Stage::below_a_path(OPEN), "mcp-tools.mjs");
    python(&Stage::below_a_path(OPEN), "mcp_tools.py");
    let stage = Stage::below_a_path(&[]);
    node(&stage, "mcp-client-credentials.mjs");
    python(&stage, "mcp_client_credentials.py");
    python(&stage, "mcp_identity_assertion.py");
}

#[test]
fn openid_client_registers_itself_below_a_path() {
    node(&Stage::below_a_path(OPEN), "registration.mjs");
}

#[test]
fn openid_client_authenticates_with_certificates_below_a_path() {
    node(&Stage::over_tls_below_a_path(), "mtls.mjs");
}

#[test]
fn other_clients_find_an_issuer_with_a_path_and_walk_the_flow() {
    let stage = Stage::below_a_path(&[]);
    for script in ["oauth4webapi.mjs", "oauth4webapi-methods.mjs", "openid.mjs", "device.mjs"] {
        node(&stage, script);
    }
    python(&stage, "authlib_methods.py");
    python(&stage, "authlib_openid.py");
}
