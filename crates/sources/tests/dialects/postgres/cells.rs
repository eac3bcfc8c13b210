//! Cells from PostgreSQL's binary form.

use bytes::BytesMut;
use odata::cell::{Cell, Interval, Row, SinceEpoch, TypedCell, Value};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Microseconds and days from 1970 to 2000, where PostgreSQL counts from.
const MICROSECONDS: i64 = 946_684_800_000_000;
const DAYS: i32 = 10_957;

/// A cell of its own.
#[derive(Debug, Clone)]
enum Stored {
    Plain(Value),
    Typed(TypedCell<'static>),
    Decimal(String),
    Guid([u8; 16]),
}

/// A row that has been read.
pub(crate) struct ReadRow(Vec<Stored>);

impl ReadRow {
    pub(crate) fn of(row: &tokio_postgres::Row) -> Self {
        Self((0..row.len()).map(|index| row.get::<_, Stored>(index)).collect())
    }
}

impl Row for ReadRow {
    fn cell(&self, index: usize) -> Cell<'_> {
        match &self.0[index] {
            Stored::Plain(value) => value.as_cell(),
            Stored::Typed(typed) => Cell::Typed(*typed),
            Stored::Decimal(digits) => Cell::Typed(TypedCell::Decimal(digits)),
            Stored::Guid(guid) => Cell::Typed(TypedCell::Guid(guid)),
        }
    }
}

impl<'a> FromSql<'a> for Stored {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let integer = |value: i64| Self::Plain(Value::Integer(value));
        Ok(match *ty {
            Type::BOOL => Self::Typed(TypedCell::Boolean(raw == [1])),
            Type::INT2 => integer(i16::from_be_bytes(raw.try_into()?).into()),
            Type::INT4 => integer(i32::from_be_bytes(raw.try_into()?).into()),
            Type::INT8 => integer(i64::from_be_bytes(raw.try_into()?)),
            Type::FLOAT4 => Self::Typed(TypedCell::Single(f32::from_be_bytes(raw.try_into()?))),
            Type::FLOAT8 => Self::Plain(Value::Real(f64::from_be_bytes(raw.try_into()?))),
            Type::NUMERIC => Self::Decimal(digits(raw)),
            Type::BYTEA => Self::Plain(Value::Blob(raw.to_vec())),
            Type::UUID => Self::Guid(raw.try_into()?),
            Type::DATE => {
                Self::Typed(TypedCell::Date(i32::from_be_bytes(raw.try_into()?).saturating_add(DAYS)))
            }
            Type::TIME => {
                let microseconds = u64::from_be_bytes(raw.try_into()?);
                Self::Typed(TypedCell::TimeOfDay(microseconds * 1000))
            }
            Type::TIMESTAMPTZ => Self::Typed(TypedCell::Timestamp(instant(raw.try_into()?))),
            Type::TIMESTAMP => Self::Typed(TypedCell::Local(instant(raw.try_into()?))),
            Type::INTERVAL => Self::Typed(TypedCell::Interval(Interval {
                microseconds: i64::from_be_bytes(raw[..8].try_into()?),
                days: i32::from_be_bytes(raw[8..12].try_into()?),
                months: i32::from_be_bytes(raw[12..].try_into()?),
            })),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => {
                Self::Plain(Value::Text(String::from_utf8(raw.to_vec())?))
            }
            _ => return Err(format!("a cell of the type {ty}").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Plain(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// An instant; the infinite ones are outside of every range.
fn instant(raw: [u8; 8]) -> SinceEpoch {
    let microseconds = i64::from_be_bytes(raw).saturating_add(MICROSECONDS);
    let nanoseconds = u32::try_from(microseconds.rem_euclid(1_000_000)).unwrap() * 1000;
    SinceEpoch { seconds: microseconds.div_euclid(1_000_000), nanoseconds }
}

/// The text of a number: groups of four decimal digits, the place of the first, the sign, and the digits after the point.
fn digits(raw: &[u8]) -> String {
    let word = |at: usize| i16::from_be_bytes([raw[at * 2], raw[at * 2 + 1]]);
    let (groups, weight, scale) = (word(0), i32::from(word(1)), usize::try_from(word(3)).unwrap());
    let sign = match u16::from_be_bytes([raw[4], raw[5]]) {
        0 => "",
        0x4000 => "-",
        0xc000 => return "NaN".to_owned(),
        _ => return "Infinity".to_owned(),
    };
    let group = |place: i32| match usize::try_from(weight - place) {
        Ok(at) if at < usize::try_from(groups).unwrap() => word(4 + at),
        _ => 0,
    };
    let digits = |places: &mut dyn Iterator<Item = i32>| {
        places.fold(String::new(), |digits, place| format!("{digits}{:04}", group(place)))
    };
    let whole = digits(&mut (0..=weight.max(0)).rev());
    let whole = whole.trim_start_matches('0');
    let places = i32::try_from(scale.div_ceil(4)).unwrap();
    let fraction = digits(&mut (1..=places).map(|place| -place));
    let whole = if whole.is_empty() { "0" } else { whole };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &fraction[..scale]) }
}

/// A parameter in the type of its value.
#[derive(Debug)]
pub(crate) struct Parameter<'v>(pub(crate) &'v Value);

impl Parameter<'_> {
    pub(crate) fn ty(&self) -> Type {
        match self.0 {
            Value::Integer(_) => Type::INT8,
            Value::Real(_) => Type::FLOAT8,
            Value::Text(_) | Value::Untyped(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
            Value::Null | Value::RawText(_) => panic!("the dialect binds {:?}", self.0),
        }
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Integer(integer) => integer.to_sql(ty, out),
            Value::Real(real) => real.to_sql(ty, out),
            Value::Text(text) | Value::Untyped(text) => text.to_sql(ty, out),
            Value::Blob(blob) => blob.to_sql(ty, out),
            Value::Null | Value::RawText(_) => Err("no parameter is null".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
