//! From the declared type of a column to the type as which it is served.
//!
//! SQLite stores any value; the declared type says what was meant. The name therefore decides, and only
//! unknown names fall back to [SQLite's rules of
//! affinity](https://www.sqlite.org/datatype3.html#determination_of_column_affinity).

use odata::edm_type::EdmType;

/// The type of a column declared as `declared`, such as `VARCHAR(40)`.
///
/// Integers have 64 bits whatever `INT` means elsewhere, because SQLite stores them so; only names that
/// promise less are taken literally. `TINYINT` is signed unless it says otherwise. A column without a type,
/// whose values may be of any kind, is a string, because every value can be written as one.
pub(super) fn edm_type(declared: &str) -> EdmType {
    let (name, arguments) = split(declared);
    let first = arguments.first().copied();
    let sized = EdmType::String { max_length: first };
    let free = EdmType::String { max_length: None };
    match name.as_str() {
        "BOOLEAN" | "BOOL" | "BIT" => EdmType::Boolean,
        "TINYINT" => EdmType::SByte,
        "UNSIGNED TINYINT" | "TINYINT UNSIGNED" | "BYTE" => EdmType::Byte,
        "SMALLINT" | "INT2" => EdmType::Int16,
        "MEDIUMINT" | "INT4" | "SMALLINT UNSIGNED" | "UNSIGNED SMALLINT" => EdmType::Int32,
        "REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT" | "FLOAT4" | "FLOAT8" | "SINGLE" => EdmType::Double,
        "DECIMAL" | "NUMERIC" | "DEC" | "NUMBER" | "NUM" => decimal(&arguments),
        "MONEY" => EdmType::Decimal { precision: Some(19), scale: Some(4) },
        "SMALLMONEY" => EdmType::Decimal { precision: Some(10), scale: Some(4) },
        "VARCHAR" | "NVARCHAR" | "CHAR" | "NCHAR" | "CHARACTER" | "VARCHAR2" | "NVARCHAR2"
        | "CHARACTER VARYING" | "VARYING CHARACTER" | "NATIVE CHARACTER" | "STRING" | "TEXT" => sized,
        "CLOB" | "NTEXT" | "JSON" | "XML" | "ANY" | "" => free,
        "BLOB" | "BINARY" | "VARBINARY" | "IMAGE" | "BYTEA" | "JSONB" => EdmType::Binary,
        "DATE" => EdmType::Date,
        "TIME" | "TIME WITHOUT TIME ZONE" => EdmType::TimeOfDay,
        "DATETIME"
        | "DATETIME2"
        | "SMALLDATETIME"
        | "DATETIMEOFFSET"
        | "TIMESTAMP"
        | "TIMESTAMPTZ"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITHOUT TIME ZONE" => EdmType::DateTimeOffset,
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => EdmType::Guid,
        unknown => by_affinity(unknown),
    }
}

fn by_affinity(name: &str) -> EdmType {
    let has = |part: &str| name.contains(part);
    if has("INT") {
        EdmType::Int64
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        EdmType::String { max_length: None }
    } else if has("BLOB") {
        EdmType::Binary
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        EdmType::Double
    } else {
        EdmType::String { max_length: None }
    }
}

/// `DECIMAL(p)` has no digits after the point; `DECIMAL` alone promises nothing.
fn decimal(arguments: &[u32]) -> EdmType {
    let narrow = |number: Option<&u32>| number.and_then(|&number| u16::try_from(number).ok());
    let precision = narrow(arguments.first()).filter(|&precision| precision > 0);
    let scale = narrow(arguments.get(1)).or(precision.map(|_| 0));
    EdmType::Decimal { precision, scale: scale.filter(|&scale| precision.is_some_and(|most| scale <= most)) }
}

/// The name in upper case with single spaces and without its arguments, and the numeric arguments.
fn split(declared: &str) -> (String, Vec<u32>) {
    let upper = declared.to_ascii_uppercase();
    let (before, rest) = upper.split_once('(').unwrap_or((&upper, ""));
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let words: Vec<&str> = before.split_ascii_whitespace().chain(after.split_ascii_whitespace()).collect();
    let first_word = |argument: &str| argument.split_ascii_whitespace().next()?.parse().ok();
    let arguments =
        inside.split(',').map_while(first_word).filter(|&number| number > 0 || inside.contains(','));
    (words.join(" "), arguments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: EdmType = EdmType::String { max_length: None };

    fn text(length: u32) -> EdmType {
        EdmType::String { max_length: Some(length) }
    }

    fn decimal(precision: u16, scale: u16) -> EdmType {
        EdmType::Decimal { precision: Some(precision), scale: Some(scale) }
    }

    #[test]
    fn declared_types_are_served_as_what_they_mean() {
        let open = EdmType::Decimal { precision: None, scale: None };
        for (declared, expected) in [
            ("INTEGER", EdmType::Int64),
            ("int", EdmType::Int64),
            ("BIGINT", EdmType::Int64),
            ("INT8", EdmType::Int64),
            ("UNSIGNED BIG INT", EdmType::Int64),
            ("int(11)", EdmType::Int64),
            ("SMALLINT", EdmType::Int16),
            ("MEDIUMINT", EdmType::Int32),
            ("TINYINT", EdmType::SByte),
            ("TINYINT UNSIGNED", EdmType::Byte),
            ("TINYINT(3) UNSIGNED", EdmType::Byte),
            ("boolean", EdmType::Boolean),
            ("BIT", EdmType::Boolean),
            ("REAL", EdmType::Double),
            ("Double  Precision", EdmType::Double),
            ("FLOAT", EdmType::Double),
            ("DECIMAL(10,2)", decimal(10, 2)),
            ("NUMERIC( 18 , 4 )", decimal(18, 4)),
            ("DECIMAL(5)", decimal(5, 0)),
            ("NUMERIC(3,0)", decimal(3, 0)),
            ("NUMERIC", open),
            ("VARCHAR(40)", text(40)),
            ("NVARCHAR(160)", text(160)),
            ("CHARACTER(20)", text(20)),
            ("VARYING CHARACTER (255)", text(255)),
            ("VARCHAR(MAX)", TEXT),
            ("VARCHAR2(30 CHAR)", text(30)),
            ("TEXT", TEXT),
            ("CLOB", TEXT),
            ("BLOB", EdmType::Binary),
            ("VARBINARY(16)", EdmType::Binary),
            ("DATE", EdmType::Date),
            ("DATETIME", EdmType::DateTimeOffset),
            ("timestamp with time zone", EdmType::DateTimeOffset),
            ("TIMESTAMP(3)", EdmType::DateTimeOffset),
            ("TIME", EdmType::TimeOfDay),
            ("UUID", EdmType::Guid),
            ("uniqueidentifier", EdmType::Guid),
            ("", TEXT),
            ("ANY", TEXT),
            ("FLOATING POINT", EdmType::Int64),
            ("GEOMETRY", TEXT),
            ("LONGBLOB", EdmType::Binary),
            ("VARCHAR(", TEXT),
            ("VARCHAR(99999999999)", TEXT),
            ("DECIMAL(2,9)", EdmType::Decimal { precision: Some(2), scale: None }),
        ] {
            assert_eq!(edm_type(declared), expected, "{declared}");
        }
    }
}
