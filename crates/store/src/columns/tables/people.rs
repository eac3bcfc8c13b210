//! The tables about people: users with their roles, their sessions, and how they sign in.

use super::{bytes, flag, number, text};
use crate::columns::table::StoredColumn;

pub(super) const PERSONAL_ACCESS_TOKENS: &[StoredColumn] = &[
    number("id"),
    number("user_id"),
    number("user_epoch"),
    bytes("digest"),
    text("name"),
    number("scopes"),
    text("data").or_null(),
    number("created_at"),
    number("expires_at"),
    number("last_used_at").or_null(),
];

pub(super) const ONE_TIME_LINKS: &[StoredColumn] = &[
    number("id"),
    number("user_id"),
    number("user_epoch"),
    bytes("digest"),
    text("purpose"),
    number("created_by").or_null(),
    text("sent_to").or_null(),
    text("continue_to").or_null(),
    number("created_at"),
    number("expires_at"),
];

pub(super) const MAILS: &[StoredColumn] = &[
    number("id"),
    number("link_id"),
    bytes("sealed"),
    number("attempts"),
    number("due_at"),
    number("created_at"),
];

pub(super) const SECOND_FACTORS: &[StoredColumn] =
    &[number("user_id"), bytes("secret"), number("last_step"), number("created_at")];

pub(super) const USERS: &[StoredColumn] = &[
    number("id"),
    number("epoch"),
    flag("active"),
    text("name"),
    text("folded_name"),
    text("password"),
    number("password_expires_at").or_null(),
    number("failures"),
    number("failures_since").or_null(),
    number("locked_until").or_null(),
    number("created_at"),
    number("updated_at"),
    text("attributes").or_null(),
    text("subject_seed"),
];

pub(super) const ROLES: &[StoredColumn] = &[
    number("id"),
    text("name"),
    text("folded_name"),
    text("description"),
    number("permissions"),
    flag("requires_second_factor"),
];

pub(super) const SESSIONS: &[StoredColumn] = &[
    number("id"),
    number("user_id"),
    number("user_epoch"),
    bytes("digest"),
    number("auth_time"),
    number("expires_at"),
    text("sid").or_null(),
    flag("second_factor"),
    text("device").or_null(),
    text("address").or_null(),
    number("last_used_at").or_null(),
];

pub(super) const FAMILIAR_NETWORKS: &[StoredColumn] = &[
    number("id"),
    number("user_id"),
    number("user_epoch"),
    text("network"),
    number("succeeded_at"),
    number("failures"),
    number("failures_since").or_null(),
    number("locked_until").or_null(),
];
