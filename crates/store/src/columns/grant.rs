//! How the origin of a grant maps to columns.

use domain::id::CodeId;
use oauth::grant::GrantOrigin;

use super::Impossible;

const CODE: i64 = 1;
const PASSWORD: i64 = 2;
const DEVICE: i64 = 3;
const ASSERTION: i64 = 4;
const BACKCHANNEL: i64 = 5;

/// The columns of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginColumns {
    /// The kind of origin, from 1; absent if a version wrote the row that did not store it.
    pub origin: Option<i64>,
    /// The code that created the grant.
    pub code: Option<CodeId>,
}

impl From<GrantOrigin> for OriginColumns {
    fn from(origin: GrantOrigin) -> Self {
        let kind = match origin {
            GrantOrigin::Code(_) => CODE,
            GrantOrigin::Password => PASSWORD,
            GrantOrigin::Device(_) => DEVICE,
            GrantOrigin::Assertion => ASSERTION,
            GrantOrigin::Backchannel(_) => BACKCHANNEL,
        };
        Self { origin: Some(kind), code: origin.code() }
    }
}

impl TryFrom<OriginColumns> for GrantOrigin {
    type Error = Impossible;

    /// The versions that did not store the kind knew two: a grant without a code came from the password grant.
    fn try_from(columns: OriginColumns) -> Result<Self, Impossible> {
        match (columns.origin, columns.code) {
            (Some(CODE) | None, Some(code)) => Ok(Self::Code(code)),
            (Some(PASSWORD) | None, None) => Ok(Self::Password),
            (Some(DEVICE), Some(code)) => Ok(Self::Device(code)),
            (Some(BACKCHANNEL), Some(code)) => Ok(Self::Backchannel(code)),
            (Some(ASSERTION), None) => Ok(Self::Assertion),
            (Some(CODE | DEVICE | BACKCHANNEL), None) => {
                Err(Impossible("a grant from a code, without the code".to_owned()))
            }
            (Some(kind), _) => Err(Impossible(format!("a grant of the origin {kind}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(origin: Option<i64>, code: Option<CodeId>) -> Result<GrantOrigin, Impossible> {
        OriginColumns { origin, code }.try_into()
    }

    #[test]
    fn every_origin_comes_back_from_its_columns() {
        for origin in [
            GrantOrigin::Code(CodeId::from_bytes([7; 16])),
            GrantOrigin::Password,
            GrantOrigin::Assertion,
            GrantOrigin::Device(CodeId::from_bytes([7; 16])),
            GrantOrigin::Backchannel(CodeId::from_bytes([7; 16])),
        ] {
            assert_eq!(OriginColumns::from(origin).try_into(), Ok(origin));
        }
    }

    #[test]
    fn a_row_without_a_stored_origin_shows_it_by_its_code() {
        let code = CodeId::from_bytes([7; 16]);
        assert_eq!(read(None, Some(code)), Ok(GrantOrigin::Code(code)));
        assert_eq!(read(None, None), Ok(GrantOrigin::Password));
    }

    #[test]
    fn an_origin_that_contradicts_the_code_or_is_unknown_is_impossible() {
        let code = CodeId::from_bytes([7; 16]);
        assert!(read(Some(CODE), None).is_err());
        assert!(read(Some(PASSWORD), Some(code)).is_err());
        assert!(read(Some(99), None).is_err());
    }
}
