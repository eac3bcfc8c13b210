//! All tables of the system database with their columns, so that a database can be copied, column by column,
//! into a database of a different kind. The tests of each backend compare its schema with [`TABLES`], so that
//! no migration can forget this list.

use super::table::OnRestore::{Compared, Disarmed, Emptied, Kept};
use super::table::{Ids, OnRestore, StoredColumn, StoredKind, StoredTable};

mod people;

use people::{
    FAMILIAR_NETWORKS, MAILS, ONE_TIME_LINKS, PERSONAL_ACCESS_TOKENS, ROLES, SECOND_FACTORS, SESSIONS, USERS,
};

const fn number(name: &'static str) -> StoredColumn {
    StoredColumn { name, kind: StoredKind::Number, nullable: false }
}

const fn flag(name: &'static str) -> StoredColumn {
    StoredColumn { name, kind: StoredKind::Flag, nullable: false }
}

const fn text(name: &'static str) -> StoredColumn {
    StoredColumn { name, kind: StoredKind::Text, nullable: false }
}

const fn bytes(name: &'static str) -> StoredColumn {
    StoredColumn { name, kind: StoredKind::Bytes, nullable: false }
}

const fn given_once(
    name: &'static str,
    on_restore: OnRestore,
    columns: &'static [StoredColumn],
) -> StoredTable {
    StoredTable { name, columns, key_columns: 1, ids: Ids::GivenOnce, on_restore }
}

const fn chosen(
    name: &'static str,
    on_restore: OnRestore,
    key_columns: usize,
    columns: &'static [StoredColumn],
) -> StoredTable {
    StoredTable { name, columns, key_columns, ids: Ids::Chosen, on_restore }
}

/// All tables that hold records. A table comes after the tables to which it refers. For a table that is
/// [`OnRestore::Compared`], each backend has statements of its own; one that is [`OnRestore::Disarmed`] has an operation
/// in [`crate::relational`].
pub const TABLES: &[StoredTable] = &[
    given_once("users", Compared, USERS),
    given_once("roles", Compared, ROLES),
    chosen("user_roles", Compared, 2, &[number("user_id"), number("role_id")]),
    given_once("sessions", Emptied, SESSIONS),
    given_once("familiar_networks", Emptied, FAMILIAR_NETWORKS),
    chosen("second_factors", Compared, 1, SECOND_FACTORS),
    given_once("recovery_codes", Compared, &[number("id"), number("user_id"), bytes("digest")]),
    given_once("personal_access_tokens", Emptied, PERSONAL_ACCESS_TOKENS),
    given_once("one_time_links", Emptied, ONE_TIME_LINKS),
    given_once("mails", Emptied, MAILS),
    given_once("applications", Compared, APPLICATIONS),
    chosen("session_applications", Emptied, 2, &[number("session_id"), number("application_id")]),
    given_once("application_origins", Compared, APPLICATION_ORIGINS),
    given_once("secrets", Compared, SECRETS),
    chosen(
        "client_registrations",
        Disarmed,
        1,
        &[number("application_id"), bytes("token_digest"), number("registered_at")],
    ),
    given_once("initial_access_tokens", Emptied, INITIAL_ACCESS_TOKENS),
    given_once("consents", Emptied, CONSENTS),
    given_once("grants", Emptied, GRANTS),
    given_once("device_authorizations", Emptied, DEVICE_AUTHORIZATIONS),
    given_once("backchannel_authentications", Emptied, BACKCHANNEL_AUTHENTICATIONS),
    given_once("pushed_requests", Emptied, PUSHED_REQUESTS),
    given_once("used_assertions", Compared, &[number("id"), bytes("digest"), number("expires_at")]),
    given_once("logout_deliveries", Kept, LOGOUT_DELIVERIES),
    chosen("revocations", Emptied, 1, REVOCATIONS),
    given_once("data_sources", Compared, DATA_SOURCES),
    chosen("data_source_shares", Compared, 2, &[number("data_source_id"), number("user_id")]),
    chosen("data_source_models", Compared, 1, &[number("data_source_id"), text("document")]),
    // A group grants nothing, so a member that comes back is within the rights on it.
    chosen("data_source_members", Kept, 2, &[number("group_id"), number("member_id"), text("prefix")]),
    // What a user has deleted since must not come back.
    chosen(
        "data_source_credentials",
        Emptied,
        2,
        &[number("data_source_id"), number("user_id"), text("sealed")],
    ),
    chosen("limits", Kept, 1, &[number("id"), number("value")]),
    given_once("trusted_origins", Compared, TRUSTED_ORIGINS),
    given_once("trusted_issuers", Compared, TRUSTED_ISSUERS),
    chosen("allow_lists", Compared, 2, &[number("owner_kind"), number("owner_id"), text("lists")]),
    given_once("resource_servers", Kept, RESOURCE_SERVERS),
    given_once("scopes", Compared, SCOPES),
    chosen("ring_keys", Emptied, 1, RING_KEYS),
    chosen("signing_keys", Emptied, 1, SIGNING_KEYS),
    chosen("external_signing_keys", Emptied, 1, EXTERNAL_SIGNING_KEYS),
    given_once("audit_events", Kept, AUDIT_EVENTS),
    chosen("versions", Kept, 1, VERSIONS),
    chosen("sweeps", Kept, 1, SWEEPS),
    chosen("probes", Kept, 1, &[number("id"), number("written")]),
];

const INITIAL_ACCESS_TOKENS: &[StoredColumn] = &[
    number("id"),
    bytes("digest"),
    text("description"),
    text("created_by"),
    number("created_at"),
    number("expires_at"),
    number("most_uses").or_null(),
    number("uses"),
];

const LOGOUT_DELIVERIES: &[StoredColumn] = &[
    number("id"),
    number("application_id"),
    number("user_id"),
    text("subject_seed"),
    text("sid").or_null(),
    number("attempts"),
    number("due_at"),
    number("created_at"),
];

const APPLICATIONS: &[StoredColumn] = &[
    number("id"),
    number("epoch"),
    text("client_id"),
    number("owner_id"),
    text("name"),
    text("folded_name"),
    text("description"),
    text("folded_description"),
    text("redirect_urls"),
    text("profile"),
    text("client_type"),
    text("grant_types"),
    number("scopes"),
    text("token_format"),
    number("access_token_lifetime_secs").or_null(),
    text("contacts"),
    text("logo_url").or_null(),
    number("created_at"),
    number("updated_at"),
    number("last_used_at").or_null(),
    text("cors_origins"),
    text("created_by").or_null(),
    number("handed_over_at").or_null(),
    text("further_scopes").or_null(),
    text("client_metadata").or_null(),
];

const APPLICATION_ORIGINS: &[StoredColumn] = &[number("id"), number("application_id"), text("origin")];

const TRUSTED_ORIGINS: &[StoredColumn] =
    &[number("id"), text("domain"), text("description"), text("modified_by"), number("modified_at")];

const TRUSTED_ISSUERS: &[StoredColumn] =
    &[number("id"), text("issuer"), text("settings"), number("created_at"), number("updated_at")];

const SECRETS: &[StoredColumn] = &[
    number("id"),
    number("application_id"),
    bytes("digest"),
    text("hint"),
    number("created_at"),
    number("expires_at").or_null(),
    number("last_used_at").or_null(),
    bytes("sealed").or_null(),
];

const CONSENTS: &[StoredColumn] = &[
    number("id"),
    number("user_id"),
    number("application_id"),
    number("user_epoch"),
    number("application_epoch"),
    number("scopes"),
    number("created_at"),
    text("further_scopes").or_null(),
    text("data").or_null(),
];

const RESOURCE_SERVERS: &[StoredColumn] =
    &[number("id"), text("identifier"), text("name"), number("created_at"), number("updated_at")];

const SCOPES: &[StoredColumn] = &[
    number("id"),
    number("resource_server_id"),
    text("name"),
    text("description"),
    text("risk"),
    number("assignment").or_null(),
    number("created_at"),
    number("updated_at"),
    text("implies").or_null(),
];

const GRANTS: &[StoredColumn] = &[
    number("id"),
    number("application_id"),
    number("application_epoch"),
    number("user_id"),
    number("user_epoch"),
    bytes("code_id").or_null(),
    number("scopes"),
    flag("refreshable"),
    number("generation"),
    number("rotated_at").or_null(),
    number("key"),
    number("created_at"),
    number("last_used_at").or_null(),
    number("expires_at").or_null(),
    number("revoked_at").or_null(),
    number("origin").or_null(),
    text("further_scopes").or_null(),
    text("details").or_null(),
];

const DEVICE_AUTHORIZATIONS: &[StoredColumn] = &[
    number("id"),
    bytes("device_digest"),
    bytes("user_digest"),
    bytes("code_id"),
    number("application_id"),
    number("application_epoch"),
    number("scopes"),
    text("further_scopes").or_null(),
    text("details").or_null(),
    number("created_at"),
    number("expires_at"),
    number("polled_at").or_null(),
    number("decision").or_null(),
    number("user_id").or_null(),
    number("user_epoch").or_null(),
    number("consent_id").or_null(),
];

const BACKCHANNEL_AUTHENTICATIONS: &[StoredColumn] = &[
    number("id"),
    bytes("digest"),
    bytes("code_id"),
    number("application_id"),
    number("application_epoch"),
    number("user_id"),
    number("user_epoch"),
    number("scopes"),
    text("further_scopes").or_null(),
    text("details").or_null(),
    text("binding_message").or_null(),
    number("max_age_secs").or_null(),
    text("address").or_null(),
    number("created_at"),
    number("expires_at"),
    number("polled_at").or_null(),
    number("decision").or_null(),
    number("consent_id").or_null(),
];

const PUSHED_REQUESTS: &[StoredColumn] = &[
    number("id"),
    bytes("digest"),
    number("application_id"),
    text("parameters"),
    number("pushed_at"),
    number("opened_at").or_null(),
    number("expires_at"),
    text("provenance").or_null(),
];

const REVOCATIONS: &[StoredColumn] = &[
    number("seq"),
    number("kind"),
    bytes("token_id").or_null(),
    number("grant_id").or_null(),
    number("user_id").or_null(),
    number("application_id").or_null(),
    number("epoch").or_null(),
    number("at"),
    number("expires_at"),
];

const DATA_SOURCES: &[StoredColumn] = &[
    number("id"),
    text("name"),
    text("folded_name"),
    text("description"),
    number("data_store"),
    text("options"),
    number("owner_id"),
    number("created_at"),
    number("updated_at"),
    text("created_by").or_null(),
    number("handed_over_at").or_null(),
    text("sealed_options").or_null(),
    number("max_authentication_age").or_null(),
    number("model_version"),
    flag("writable"),
    flag("requires_second_factor"),
];

const RING_KEYS: &[StoredColumn] =
    &[number("id"), number("created_at"), number("activates_at"), bytes("sealed")];

const SIGNING_KEYS: &[StoredColumn] =
    &[number("id"), text("algorithm"), number("created_at"), number("activates_at"), bytes("sealed")];

const EXTERNAL_SIGNING_KEYS: &[StoredColumn] = &[
    number("id"),
    text("key_id"),
    text("algorithm"),
    number("created_at"),
    number("activates_at"),
    number("seen_at"),
    bytes("sealed"),
];

const AUDIT_EVENTS: &[StoredColumn] = &[
    number("id"),
    number("at"),
    text("action"),
    text("outcome"),
    number("actor_id").or_null(),
    text("actor_name").or_null(),
    text("folded_actor").or_null(),
    number("application_id").or_null(),
    text("subject").or_null(),
    text("detail").or_null(),
    text("address").or_null(),
    text("request_id").or_null(),
    number("account_id").or_null(),
];

const VERSIONS: &[StoredColumn] = &[
    number("id"),
    number("users"),
    number("roles"),
    number("applications"),
    number("data_sources"),
    number("limits"),
    number("keys"),
    number("revocations"),
];

const SWEEPS: &[StoredColumn] =
    &[number("id"), number("requested"), number("started"), number("cursor"), number("until")];

#[cfg(test)]
mod tests {
    use super::super::table::{StoredCell, StoredRow};
    use super::*;

    #[test]
    fn every_key_is_made_of_numbers_that_are_there() {
        for table in TABLES {
            let good = |column: &StoredColumn| column.kind == StoredKind::Number && !column.nullable;
            assert!(table.key_columns > 0 && table.key().iter().all(good), "{}", table.name);
            assert_eq!(table.before_all().len(), table.key_columns);
        }
    }

    #[test]
    fn a_cell_is_not_shown() {
        let row: StoredRow =
            vec![StoredCell::Number(7), StoredCell::Text("hunter2".to_owned()), StoredCell::Bytes(vec![1])];
        assert_eq!(format!("{row:?}"), "[Number(…), Text(…), Bytes(…)]");
        assert_eq!(TABLES[0].key_of(&row), Ok(vec![7]));
        assert!(TABLES[0].key_of(&vec![StoredCell::Null]).is_err());
    }
}
