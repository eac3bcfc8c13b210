//! The numbers of the types that every database of PostgreSQL has.

/// A type by its number.
pub(super) type Oid = u32;

pub(super) const BOOL: Oid = 16;
pub(super) const BYTEA: Oid = 17;
pub(super) const CHAR: Oid = 18;
pub(super) const NAME: Oid = 19;
pub(super) const INT8: Oid = 20;
pub(super) const INT2: Oid = 21;
pub(super) const INT4: Oid = 23;
pub(super) const TEXT: Oid = 25;
pub(super) const OID: Oid = 26;
pub(super) const JSON: Oid = 114;
pub(super) const XML: Oid = 142;
pub(super) const FLOAT4: Oid = 700;
pub(super) const FLOAT8: Oid = 701;
pub(super) const UNKNOWN: Oid = 705;
pub(super) const MONEY: Oid = 790;
pub(super) const BPCHAR: Oid = 1042;
pub(super) const VARCHAR: Oid = 1043;
pub(super) const DATE: Oid = 1082;
pub(super) const TIME: Oid = 1083;
pub(super) const TIMESTAMP: Oid = 1114;
pub(super) const TIMESTAMPTZ: Oid = 1184;
pub(super) const INTERVAL: Oid = 1186;
pub(super) const NUMERIC: Oid = 1700;
pub(super) const UUID: Oid = 2950;
pub(super) const JSONB: Oid = 3802;

/// The first number of a type that does not belong to the server itself. The binary form of an enumeration is its text.
pub(super) const FIRST_OF_USERS: Oid = 16_384;
