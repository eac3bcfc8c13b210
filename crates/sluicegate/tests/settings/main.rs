//! Every setting has an effect: the table names a test for each setting and each limit that observes what it
//! changes. A setting without a row fails.

mod mail;
mod observed;
mod telemetry;

use std::path::Path;

use serde_json::Value;
use testkit::Installation;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// A setting or a limit, the observed effect, and the file and name of the test.
type Row = (&'static str, &'static str, &'static str, &'static str);

const HERE: &str = "crates/sluicegate/tests/settings/observed.rs";
const POOL: &str = "crates/store-postgres/tests/faults.rs";
const TELEMETRY: &str = "crates/sluicegate/tests/settings/telemetry.rs";
const MAIL: &str = "crates/sluicegate/tests/settings/mail.rs";
const PROCESS: &str = "crates/sluicegate/tests/process.rs";
const TRANSPORT: &str = "crates/sluicegate/tests/transport.rs";
const HTTP2: &str = "crates/sluicegate/tests/http2/main.rs";
const MAINTENANCE: &str = "crates/web/tests/protocol/maintenance.rs";
const LIMITS: &str = "crates/web/tests/protocol/limits.rs";
const ODATA: &str = "crates/web/tests/odata/limits.rs";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("listen", "the server answers there", PROCESS, "the_ready_line_names_the_port_on_which_the_server_answers"),
    ("public_url", "the issuer of the metadata", HERE, "a_server_behind_a_proxy_uses_its_public_url"),
    ("data_dir", "the files are made there", "crates/sluicegate/tests/command_line.rs", "the_master_key_is_for_its_owner_alone"),
    ("database", "the server serves from PostgreSQL", "crates/sluicegate/tests/copy.rs", "credentials_are_as_valid_after_a_migration_as_before"),
    ("behind_tls_proxy", "cookies are for TLS only", HERE, "a_server_behind_a_proxy_uses_its_public_url"),
    ("trusted_proxies", "the audit log has the address that the proxy names", HERE, "a_server_behind_a_proxy_uses_its_public_url"),
    ("database_pool.max_connections", "connections that the database counts", POOL, "connections_waits_and_acts_are_bounded_by_the_options"),
    ("database_pool.wait_millis", "requests beyond the connections are answered 503", POOL, "connections_waits_and_acts_are_bounded_by_the_options"),
    ("database_pool.patience_millis", "an operation that the database delays is answered 503", POOL, "connections_waits_and_acts_are_bounded_by_the_options"),
    ("tls.cert_file", "the certificate of the handshake", "crates/sluicegate/tests/tls.rs", "both_versions_of_http_are_offered"),
    ("tls.key_file", "the certificate of the handshake", "crates/sluicegate/tests/tls.rs", "both_versions_of_http_are_offered"),
    ("rate_limit.enabled", "wrong secrets are never answered 429", HERE, "rate_limits_follow_the_settings"),
    ("rate_limit.per_address_per_minute", "further successes are answered 429", HERE, "rate_limits_follow_the_settings"),
    ("rate_limit.per_application_per_minute", "further successes are answered 429", HERE, "rate_limits_follow_the_settings"),
    ("rate_limit.failures_per_address_per_minute", "further wrong secrets are answered 429", HERE, "rate_limits_follow_the_settings"),
    ("log.format", "each line is JSON", HERE, "the_log_follows_the_settings"),
    ("log.level", "requests have no line", HERE, "the_log_follows_the_settings"),
    ("observation.listen", "the metrics are there", PROCESS, "a_taken_metrics_port_is_an_error_only_if_it_was_configured"),
    ("compatibility.reveal_client_secret", "GET of an application shows the secret", HERE, "tokens_and_secrets_follow_the_settings"),
    ("profiles.message_signing", "a plain request is refused", "crates/web/tests/protocol/fapi.rs", "message_signing_demands_signed_requests_and_signs_responses"),
    ("profiles.default", "the profile of an application that names none", HERE, "tokens_and_secrets_follow_the_settings"),
    ("profiles.minimum", "a less strict profile is refused", HERE, "tokens_and_secrets_follow_the_settings"),
    ("tokens.code_lifetime_secs", "a code is refused after it", MAINTENANCE, "the_lifetime_of_a_code_follows_the_setting"),
    ("tokens.refresh_grace_secs", "a rotated refresh token is refused at once", HERE, "tokens_and_secrets_follow_the_settings"),
    ("tokens.refresh_lifetime_secs", "the client is told the end of its grant, after which it is refused", "crates/web/tests/protocol/refresh.rs", "a_refresh_token_ends_with_the_lifetime_of_its_grant"),
    ("tokens.refresh_idle_secs", "a refresh token that is not used in time is refused", "crates/web/tests/protocol/refresh.rs", "a_refresh_token_that_is_not_used_in_time_ends"),
    ("pushed_requests.lifetime_secs", "a reference is refused after it", "crates/web/tests/protocol/pushed_requests.rs", "a_pushed_request_expires_if_no_browser_presents_it"),
    ("request_objects.required", "plain parameters are refused", "crates/web/tests/protocol/request_objects.rs", "a_signed_request_can_be_required_of_everybody"),
    ("request_objects.by_reference", "no object is fetched", "crates/web/tests/protocol/request_objects.rs", "objects_are_fetched_only_from_registered_addresses"),
    ("request_objects.unregistered_addresses", "an object is fetched from any address", "crates/web/tests/protocol/request_objects.rs", "objects_are_fetched_only_from_registered_addresses"),
    ("pushed_requests.required", "a request that was not pushed is refused", "crates/web/tests/protocol/pushed_requests.rs", "pushing_can_be_required_of_everybody"),
    ("client_certificates.listen", "clients can present certificates there", "crates/sluicegate/tests/client_certificates.rs", "a_certificate_authenticates_a_client_and_binds_its_tokens"),
    ("client_certificates.public_url", "the metadata name it", "crates/sluicegate/tests/client_certificates.rs", "a_certificate_authenticates_a_client_and_binds_its_tokens"),
    ("client_certificates.authorities_file", "certificates of those authorities are accepted", "crates/sluicegate/tests/client_certificates.rs", "a_certificate_authenticates_a_client_and_binds_its_tokens"),
    ("client_certificates.proxies", "the header of another address is ignored", "crates/web/tests/protocol/certificates.rs", "a_proxy_passes_on_the_certificate_and_nobody_else_can"),
    ("dpop.require_nonce", "a proof without a nonce is refused", "crates/web/tests/protocol/dpop_nonce.rs", "nonces_can_be_required_of_every_proof"),
    ("registration.mode", "anybody registers, those with a token, or nobody", "crates/web/tests/protocol/client_registration.rs", "the_setting_decides_who_may_register"),
    ("registration.grant_types", "other grant types are left out", "crates/web/tests/protocol/client_registration.rs", "the_policy_is_the_one_of_the_settings"),
    ("registration.scopes", "other scopes are left out", "crates/web/tests/protocol/client_registration.rs", "the_policy_is_the_one_of_the_settings"),
    ("registration.redirect_hosts", "other hosts are refused", "crates/web/tests/protocol/client_registration.rs", "the_policy_is_the_one_of_the_settings"),
    ("registration.require_software_statement", "a client without one is refused", "crates/web/tests/protocol/software_statements.rs", "a_statement_may_be_required_and_a_replaced_registration_keeps_one"),
    ("registration.max_clients", "a further client is refused", "crates/web/tests/protocol/client_registration.rs", "the_number_of_clients_is_limited"),
    ("registration.per_address_per_minute", "further registrations are answered 429", "crates/web/tests/protocol/client_registration.rs", "registrations_of_one_network_are_limited"),
    ("registration.unused_days", "an unused client is gone", "crates/web/tests/protocol/client_registration.rs", "an_unused_client_is_deleted_and_a_used_one_stays"),
    ("personal_access_tokens.enabled", "they are refused", "crates/web/tests/odata/personal_access_tokens.rs", "an_administrator_can_forbid_them"),
    ("personal_access_tokens.max_days", "longer ones are refused", "crates/web/tests/odata/personal_access_tokens.rs", "a_form_that_cannot_be_granted_is_shown_again_as_it_was"),
    ("clients.metadata_documents", "a URL is not a client id", "crates/web/tests/protocol/client_documents.rs", "documents_can_be_switched_off"),
    ("clients.allowed_document_hosts", "documents of other hosts are refused", "crates/web/tests/protocol/document_clients.rs", "an_administrator_chooses_the_hosts_of_documents"),
    ("clients.forbidden_document_hosts", "its documents are refused", "crates/web/tests/protocol/document_clients.rs", "an_administrator_chooses_the_hosts_of_documents"),
    ("clients.private_use_schemes", "other schemes without a dot are refused", "crates/web/tests/protocol/private_use_schemes.rs", "a_scheme_that_is_not_listed_is_refused_in_each_way_of_registering"),
    ("outbound.danger_loopback_authority", "loopback addresses are fetched from", "crates/fetch/tests/requests.rs", "loopback_is_refused_without_the_switch"),
    ("client_secrets.overlap_secs", "the end of the older secret", HERE, "tokens_and_secrets_follow_the_settings"),
    ("sessions.lifetime_secs", "the end of a session", HERE, "tokens_and_secrets_follow_the_settings"),
    ("keys.rotate_every_days", "a new key is made", MAINTENANCE, "keys_are_rotated_as_often_as_the_setting_says"),
    ("external_signing.socket", "tokens are signed there", "crates/sluicegate/tests/external_signing.rs", "tokens_are_signed_by_keys_in_a_module_and_outlive_its_absence"),
    ("external_signing.algorithms", "others are signed by the server", "crates/web/tests/protocol/external_signing.rs", "keys_of_both_places_sign_side_by_side"),
    ("audit.retention_days", "older events are gone", MAINTENANCE, "audit_events_are_kept_as_long_as_the_setting_says"),
    ("data_sources.sqlite_folders", "a user may name a file there", HERE, "limits_of_data_sources_follow_the_settings"),
    ("data_sources.allowed_hosts", "no other host is connected to", "crates/sources/src/executor/tests.rs", "a_host_or_a_password_that_is_refused_opens_nothing"),
    ("data_sources.page_size", "the rows of a page", HERE, "limits_of_data_sources_follow_the_settings"),
    ("data_sources.timeout_secs", "a long statement is ended", ODATA, "a_request_that_waits_too_long_gets_retry_after"),
    ("data_sources.max_connections", "no source opens more", "crates/sources/src/registry/tests.rs", "more_sources_than_connections_share_them"),
    ("mail.host", "mail arrives there", MAIL, "mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings"),
    ("mail.port", "mail arrives there", MAIL, "mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings"),
    ("mail.protection", "a mail server without TLS gets nothing", MAIL, "a_mail_server_that_cannot_be_used_as_the_settings_say_gets_no_password"),
    ("mail.authorities_file", "the certificate of the mail server is accepted", MAIL, "a_mail_server_that_cannot_be_used_as_the_settings_say_gets_no_password"),
    ("mail.user", "the mail server learns it", MAIL, "mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings"),
    ("mail.password_file", "the mail server learns it", MAIL, "mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings"),
    ("mail.from", "the sender of the mail", MAIL, "mail_is_sent_over_tls_with_the_credentials_and_the_sender_of_the_settings"),
    ("mail.timeout_secs", "a mail server that says nothing is given up", "crates/mail/tests/sending.rs", "a_mail_server_that_says_nothing_is_given_up"),
    ("telemetry.otlp_endpoint", "spans arrive there", TELEMETRY, "a_request_is_told_as_a_span_of_the_trace_of_its_caller"),
    ("telemetry.otlp_headers_file", "messages have these fields", TELEMETRY, "a_request_is_told_as_a_span_of_the_trace_of_its_caller"),
    ("telemetry.otlp_authorities_file", "the certificate of the collector is accepted", TELEMETRY, "a_request_is_told_as_a_span_of_the_trace_of_its_caller"),
    ("telemetry.sampled_percent", "other requests have no span", TELEMETRY, "only_the_chosen_share_of_requests_without_a_trace_is_told"),
    ("telemetry.metrics_interval_secs", "metrics arrive so often", TELEMETRY, "metrics_are_sent_at_intervals"),
    ("limits.max_body_bytes", "a longer body is answered 413", HERE, "request_size_limits_follow_the_settings"),
    ("limits.max_uri_bytes", "a longer address is answered 414", HERE, "request_size_limits_follow_the_settings"),
    ("limits.max_header_bytes", "a longer head is answered 431", HERE, "request_size_limits_follow_the_settings"),
    ("limits.max_connections", "further connections wait", TRANSPORT, "concurrent_connections_are_limited"),
    ("limits.max_connections_per_address", "further connections are closed", TRANSPORT, "one_address_cannot_hold_every_connection"),
    ("limits.max_buffered_bytes", "further bodies are answered 503", HTTP2, "unfinished_bodies_use_no_more_than_their_budget"),
    ("limits.header_timeout_secs", "a slow head is cut off", TRANSPORT, "a_slow_request_head_is_disconnected"),
    ("limits.body_timeout_secs", "a silent body is cut off", TRANSPORT, "a_stalled_body_gets_408_and_is_disconnected"),
    ("limits.body_total_timeout_secs", "a slow body is answered 408", HTTP2, "a_body_that_arrives_byte_by_byte_gets_408"),
    ("limits.drain_secs", "not ready while requests are served", HERE, "a_draining_server_serves_and_reports_that_it_is_not_ready"),
    ("limits.shutdown_secs", "requests that never finish are cut off", "crates/sluicegate/tests/signals.rs", "requests_that_never_finish_are_aborted_in_time"),

    ("MaxFetchRows", "the rows of one request", ODATA, "max_fetch_rows_shortens_pages_and_loses_no_row"),
    ("PasswordLockoutInterval", "failures further apart do not add up", LIMITS, "failures_add_up_within_the_interval_of_limit_2"),
    ("PasswordLockoutLimit", "so many failures lock; 0 never locks", LIMITS, "limit_3_is_the_number_of_failures_that_lock"),
    ("PasswordLockoutPeriod", "the end of the lock", LIMITS, "limit_4_is_the_duration_of_a_lock"),
    ("CORSBehavior", "which pages may read responses", "crates/web/tests/protocol/cors.rs", "limit_5_trusts_every_origin_or_those_in_the_list"),
    ("ODataMaxConcurrentPagingQueries", "further paged responses wait", ODATA, "paged_responses_above_their_limit_wait_and_others_do_not"),
    ("ODataMaxConcurrentRequests", "further requests wait", ODATA, "requests_above_both_concurrency_limits_are_refused"),
    ("ODataMaxWaitingRequests", "further requests are refused", ODATA, "requests_above_both_concurrency_limits_are_refused"),
    ("OAuthAccessTokenLifetime", "the life of a token", LIMITS, "limit_100_is_the_lifetime_of_a_token"),
];

/// The root of the repository.
fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every setting of the documentation and every limit of the server.
fn everything_that_can_be_set() -> Vec<String> {
    let documented = std::fs::read_to_string(root().join("docs/configuration.md")).expect("the document");
    let keys = documented.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let installation = Installation::new(BINARY);
    let limits = installation.command(&["limit", "list", "--json"]).output().expect("it runs").stdout;
    let limits: Vec<Value> = serde_json::from_slice(&limits).expect("JSON");
    let names = limits.iter().map(|limit| limit["name"].as_str().expect("a name").to_owned());
    keys.map(str::to_owned).chain(names).collect()
}

#[test]
fn every_setting_and_every_limit_has_a_test_of_its_effect() {
    let all = everything_that_can_be_set();
    assert!(all.len() > 45, "{all:?}");
    for name in &all {
        let rows = ROWS.iter().filter(|(known, ..)| known == name).count();
        assert_eq!(rows, 1, "{name}: each setting needs one row that names the test of its effect");
    }
    for (name, observed, file, test) in ROWS {
        assert!(all.iter().any(|known| known == name), "{name} is neither a setting nor a limit");
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}(")), "{name} ({observed}): {file} has no test {test}");
    }
}
