//! The types of properties.

/// The primitive types of [OData CSDL 4.01
/// §3.3](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_PrimitiveTypes)
/// as which a column can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named like the primitive types")]
pub enum EdmType {
    Boolean,
    Byte,
    SByte,
    Int16,
    Int32,
    Int64,
    /// The digits in total and after the point, if the database declares them.
    Decimal {
        precision: Option<u16>,
        scale: Option<u16>,
    },
    Single,
    Double,
    /// The maximum length in characters, if the database declares one.
    String {
        max_length: Option<u32>,
    },
    Guid,
    Date,
    TimeOfDay,
    DateTimeOffset,
    Duration,
    Binary,
}

impl EdmType {
    /// The type with this qualified name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Boolean,
            Self::Byte,
            Self::SByte,
            Self::Int16,
            Self::Int32,
            Self::Int64,
            Self::Decimal { precision: None, scale: None },
            Self::Single,
            Self::Double,
            Self::String { max_length: None },
            Self::Guid,
            Self::Date,
            Self::TimeOfDay,
            Self::DateTimeOffset,
            Self::Duration,
            Self::Binary,
        ];
        all.into_iter().find(|ty| ty.name() == name)
    }

    /// The least and the greatest value, if it is a type of integers.
    pub(crate) fn whole_bounds(self) -> Option<[i64; 2]> {
        Some(match self {
            Self::Byte => [0, 255],
            Self::SByte => [-128, 127],
            Self::Int16 => [i16::MIN.into(), i16::MAX.into()],
            Self::Int32 => [i32::MIN.into(), i32::MAX.into()],
            Self::Int64 => [i64::MIN, i64::MAX],
            _ => return None,
        })
    }

    /// The qualified name in `$metadata`, such as `Edm.Int32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Edm.Boolean",
            Self::Byte => "Edm.Byte",
            Self::SByte => "Edm.SByte",
            Self::Int16 => "Edm.Int16",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::Decimal { .. } => "Edm.Decimal",
            Self::Single => "Edm.Single",
            Self::Double => "Edm.Double",
            Self::String { .. } => "Edm.String",
            Self::Guid => "Edm.Guid",
            Self::Date => "Edm.Date",
            Self::TimeOfDay => "Edm.TimeOfDay",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Duration => "Edm.Duration",
            Self::Binary => "Edm.Binary",
        }
    }
}
