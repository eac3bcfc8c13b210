//! Everything by which applications prove who they are: their secrets, keys and certificates, and the tokens by which
//! clients that registered themselves could replace these.

use std::borrow::Cow;

use domain::id::{ApplicationId, UserId};
use oauth::application::{ClientMetadata, KnownToDeputies};

use crate::columns::Impossible;
use crate::relational::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};

/// The metadata of an application.
struct StoredMetadata {
    id: ApplicationId,
    metadata: ClientMetadata,
}

impl Record for StoredMetadata {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let id = row.read()?;
        let json: Option<Cow<'_, str>> = row.read()?;
        let metadata =
            ClientMetadata::from_json(json.as_deref()).map_err(|error| Impossible(error.to_string()))?;
        Ok(Self { id, metadata })
    }
}

/// What is stored instead of a token that has ended: no digest is empty.
pub(in crate::relational) const NO_TOKEN: &[u8] = &[];

/// Removes the credentials of every application of a user.
pub(in crate::relational) async fn remove_of_owner<S: SqlTransaction>(db: &S, owner: UserId) -> Read<(), S> {
    static SECRETS: NamedStatement = NamedStatement::new(
        "DELETE FROM secrets WHERE application_id IN (SELECT id FROM applications WHERE owner_id = :owner)",
    );
    static NEXT: NamedStatement = NamedStatement::new(
        "SELECT id, client_metadata FROM applications
        WHERE owner_id = :owner AND id > :after AND client_metadata IS NOT NULL ORDER BY id LIMIT 100",
    );
    static REPLACE: NamedStatement =
        NamedStatement::new("UPDATE applications SET client_metadata = :metadata WHERE id = :id");
    db.execute(&SECRETS, values! { owner }).await?;
    end_tokens_of_owner(db, owner).await?;
    let mut after = ApplicationId::new(0);
    loop {
        let found: Vec<StoredMetadata> = db.list(&NEXT, values! { owner, after }).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.id;
        for StoredMetadata { id, mut metadata } in found {
            let had_keys = metadata.authentication.remove_credentials();
            let nobody = KnownToDeputies::default();
            let were_known = std::mem::replace(&mut metadata.deputies, nobody) != nobody;
            if had_keys || were_known {
                db.execute(&REPLACE, values! { metadata: metadata.to_json(), id }).await?;
            }
        }
    }
}

/// Ends the tokens of the clients that belong to the user.
async fn end_tokens_of_owner<S: SqlTransaction>(db: &S, owner: UserId) -> Read<(), S> {
    static END: NamedStatement = NamedStatement::new(
        "UPDATE client_registrations SET token_digest = :none
        WHERE application_id IN (SELECT id FROM applications WHERE owner_id = :owner)",
    );
    db.execute(&END, values! { none: NO_TOKEN, owner }).await.map(drop)
}
