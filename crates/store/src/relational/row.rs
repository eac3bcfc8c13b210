//! Reading rows.

use std::borrow::Cow;

use domain::handover::Handover;
use domain::id::{
    ApplicationId, AuditId, BackchannelAuthenticationId, ConsentId, DataSourceId, DeviceAuthorizationId,
    Epoch, GrantId, InitialAccessTokenId, LogoutDeliveryId, MailId, OneTimeLinkId, PersonalAccessTokenId,
    ResourceServerId, RoleId, ScopeId, SecretId, SessionId, TrustedOriginId, UserId,
};
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;

use oauth::scope::ScopeSet;

use crate::columns::{Impossible, scopes_from_columns};

/// A row of a result. Columns are numbered from 0. Each function fails if the column contains something else.
pub trait ResultRow {
    /// A number, or `None` for NULL.
    fn integer(&self, column: usize) -> Result<Option<i64>, Impossible>;
    /// A truth value.
    fn boolean(&self, column: usize) -> Result<bool, Impossible>;
    /// A text, or `None` for NULL.
    fn text(&self, column: usize) -> Result<Option<&str>, Impossible>;
    /// Bytes, or `None` for NULL.
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Impossible>;
}

/// The columns of a row, read from left to right.
#[derive(Debug)]
pub struct Columns<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: ResultRow> Columns<'r, R> {
    /// Reads the next column.
    pub fn read<T: ColumnValue<'r>>(&mut self) -> Result<T, Impossible> {
        let column = self.next;
        self.next += 1;
        T::from_row(self.row, column)
    }

    /// Reads the columns of a record that is a part of this one.
    pub fn record<T: Record>(&mut self) -> Result<T, Impossible> {
        T::read(self)
    }

    /// Reads a list of numbers, which is stored as text, separated by spaces.
    pub fn numbers<T>(&mut self, new: fn(i64) -> T) -> Result<Vec<T>, Impossible> {
        let text: Option<&str> = self.read()?;
        let numbers = text.unwrap_or_default().split_ascii_whitespace().map(|number| number.parse().map(new));
        numbers.collect::<Result<_, _>>().map_err(|_| Impossible("a list without numbers".to_owned()))
    }

    /// Reads a set of scopes: the bits, then the further scopes.
    pub fn scopes(&mut self) -> Result<ScopeSet, Impossible> {
        scopes_from_columns(self.read()?, self.read()?)
    }

    /// Reads the name of the creator and the time of the handover.
    pub fn handover(&mut self) -> Result<Option<Handover>, Impossible> {
        Ok(Handover::from_columns(self.read()?, self.read()?))
    }
}

/// Reads a record from a row.
pub fn read_row<T: Record, R: ResultRow>(row: &R) -> Result<T, Impossible> {
    T::read(&mut Columns { row, next: 0 })
}

/// A record that a row contains.
pub trait Record: Sized {
    /// Reads the record.
    fn read<R: ResultRow>(columns: &mut Columns<'_, R>) -> Result<Self, Impossible>;
}

/// A value that a column contains.
pub trait ColumnValue<'r>: Sized {
    /// Reads the value.
    fn from_row<R: ResultRow>(row: &'r R, column: usize) -> Result<Self, Impossible>;
}

/// A row with a single column.
impl<T: for<'r> ColumnValue<'r>> Record for T {
    fn read<R: ResultRow>(columns: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        columns.read()
    }
}

/// A row with two columns.
impl<A: for<'r> ColumnValue<'r>, B: for<'r> ColumnValue<'r>> Record for (A, B) {
    fn read<R: ResultRow>(columns: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok((columns.read()?, columns.read()?))
    }
}

fn present<T>(value: Option<T>, column: usize) -> Result<T, Impossible> {
    value.ok_or_else(|| Impossible(format!("nothing in column {column}")))
}

/// Types that are stored as a number, or NULL if they are optional.
macro_rules! numbers {
    ($($type:ty: $new:expr),+ $(,)?) => {$(
        impl ColumnValue<'_> for $type {
            fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
                present(row.integer(column)?, column).map($new)
            }
        }

        impl ColumnValue<'_> for Option<$type> {
            fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
                Ok(row.integer(column)?.map($new))
            }
        }
    )+};
}

numbers! {
    i64: i64::from,
    Timestamp: Timestamp::from_micros,
    Epoch: Epoch::new,
    ApplicationId: ApplicationId::new,
    AuditId: AuditId::new,
    ConsentId: ConsentId::new,
    GrantId: GrantId::new,
    InitialAccessTokenId: InitialAccessTokenId::new,
    PersonalAccessTokenId: PersonalAccessTokenId::new,
    LogoutDeliveryId: LogoutDeliveryId::new,
    DataSourceId: DataSourceId::new,
    BackchannelAuthenticationId: BackchannelAuthenticationId::new,
    DeviceAuthorizationId: DeviceAuthorizationId::new,
    MailId: MailId::new,
    OneTimeLinkId: OneTimeLinkId::new,
    ResourceServerId: ResourceServerId::new,
    RoleId: RoleId::new,
    ScopeId: ScopeId::new,
    SecretId: SecretId::new,
    SessionId: SessionId::new,
    TrustedOriginId: TrustedOriginId::new,
    UserId: UserId::new,
}

impl ColumnValue<'_> for Option<u32> {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        let unsigned =
            |stored| u32::try_from(stored).map_err(|_| Impossible(format!("{stored} in column {column}")));
        row.integer(column)?.map(unsigned).transpose()
    }
}

impl ColumnValue<'_> for u32 {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        present(ColumnValue::from_row(row, column)?, column)
    }
}

impl ColumnValue<'_> for bool {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        row.boolean(column)
    }
}

impl<'r> ColumnValue<'r> for Option<&'r str> {
    fn from_row<R: ResultRow>(row: &'r R, column: usize) -> Result<Self, Impossible> {
        row.text(column)
    }
}

impl<'r> ColumnValue<'r> for Cow<'r, str> {
    fn from_row<R: ResultRow>(row: &'r R, column: usize) -> Result<Self, Impossible> {
        present(row.text(column)?, column).map(Cow::from)
    }
}

impl<'r> ColumnValue<'r> for Option<Cow<'r, str>> {
    fn from_row<R: ResultRow>(row: &'r R, column: usize) -> Result<Self, Impossible> {
        Ok(row.text(column)?.map(Cow::from))
    }
}

impl ColumnValue<'_> for Option<String> {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        Ok(row.text(column)?.map(str::to_owned))
    }
}

impl ColumnValue<'_> for String {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        present(row.text(column)?, column).map(str::to_owned)
    }
}

impl ColumnValue<'_> for PasswordHash {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        String::from_row(row, column).map(Self::new)
    }
}

impl ColumnValue<'_> for Option<Vec<u8>> {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        Ok(row.bytes(column)?.map(<[u8]>::to_vec))
    }
}

impl ColumnValue<'_> for Vec<u8> {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        present(ColumnValue::from_row(row, column)?, column)
    }
}

impl<const N: usize> ColumnValue<'_> for Option<[u8; N]> {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        let sized = |stored: &[u8]| {
            stored.try_into().map_err(|_| Impossible(format!("{} bytes in column {column}", stored.len())))
        };
        row.bytes(column)?.map(sized).transpose()
    }
}

impl ColumnValue<'_> for Digest {
    fn from_row<R: ResultRow>(row: &R, column: usize) -> Result<Self, Impossible> {
        present(ColumnValue::from_row(row, column)?, column).map(Self::from_bytes)
    }
}
