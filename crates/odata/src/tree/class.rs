//! Classes of types.

use crate::edm_type::EdmType;

/// Types, as far as expressions distinguish them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Null,
    Boolean,
    Integer,
    Decimal,
    Double,
    String,
    Guid,
    Date,
    TimeOfDay,
    DateTimeOffset,
    Duration,
    Binary,
}

impl Class {
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Double)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "Edm.Boolean",
            Self::Integer => "an integer",
            Self::Decimal => "Edm.Decimal",
            Self::Double => "Edm.Double",
            Self::String => "Edm.String",
            Self::Guid => "Edm.Guid",
            Self::Date => "Edm.Date",
            Self::TimeOfDay => "Edm.TimeOfDay",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Duration => "Edm.Duration",
            Self::Binary => "Edm.Binary",
        }
    }
}

impl Class {
    /// The widest type of the class, as which a computed value is served.
    pub(crate) fn widest(self) -> EdmType {
        match self {
            Self::Boolean => EdmType::Boolean,
            Self::Integer => EdmType::Int64,
            Self::Decimal => EdmType::Decimal { precision: None, scale: None },
            Self::Double => EdmType::Double,
            Self::Null | Self::String => EdmType::String { max_length: None },
            Self::Guid => EdmType::Guid,
            Self::Date => EdmType::Date,
            Self::TimeOfDay => EdmType::TimeOfDay,
            Self::DateTimeOffset => EdmType::DateTimeOffset,
            Self::Duration => EdmType::Duration,
            Self::Binary => EdmType::Binary,
        }
    }
}

impl From<EdmType> for Class {
    fn from(ty: EdmType) -> Self {
        match ty {
            EdmType::Boolean => Self::Boolean,
            EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32 | EdmType::Int64 => {
                Self::Integer
            }
            EdmType::Decimal { .. } => Self::Decimal,
            EdmType::Single | EdmType::Double => Self::Double,
            EdmType::String { .. } => Self::String,
            EdmType::Guid => Self::Guid,
            EdmType::Date => Self::Date,
            EdmType::TimeOfDay => Self::TimeOfDay,
            EdmType::DateTimeOffset => Self::DateTimeOffset,
            EdmType::Duration => Self::Duration,
            EdmType::Binary => Self::Binary,
        }
    }
}
