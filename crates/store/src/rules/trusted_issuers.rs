//! The rules of trusted issuers. All changes to them run one at a time, so a list that was loaded in the transaction of
//! the write stays true until its commit.

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use oauth::trusted_issuer::{MOST_TRUSTED_ISSUERS, NewTrustedIssuer, TrustedIssuer};

use crate::TrustedIssuerRefusal;

/// The issuer may be added.
///
/// # Errors
/// [`TrustedIssuerRefusal::IssuerTaken`], [`TrustedIssuerRefusal::ServiceTaken`] or [`TrustedIssuerRefusal::TooMany`].
pub fn issuer_may_be_added(
    all: &[TrustedIssuer],
    new: &NewTrustedIssuer,
) -> Result<(), TrustedIssuerRefusal> {
    names_are_free(all, None, new)?;
    let is_full = all.len() >= MOST_TRUSTED_ISSUERS;
    if is_full { Err(TrustedIssuerRefusal::TooMany) } else { Ok(()) }
}

/// The issuer as it is after the change.
///
/// # Errors
/// [`TrustedIssuerRefusal::Unknown`], [`TrustedIssuerRefusal::IssuerTaken`] or [`TrustedIssuerRefusal::ServiceTaken`].
pub fn changed_issuer(
    all: &[TrustedIssuer],
    id: TrustedIssuerId,
    new: &NewTrustedIssuer,
    at: Timestamp,
) -> Result<TrustedIssuer, TrustedIssuerRefusal> {
    let before = known_issuer(all, id)?;
    names_are_free(all, Some(id), new)?;
    Ok(TrustedIssuer { created_at: before.created_at, ..added_issuer(id, new, at) })
}

/// The issuer with this id.
///
/// # Errors
/// [`TrustedIssuerRefusal::Unknown`].
pub fn known_issuer(
    all: &[TrustedIssuer],
    id: TrustedIssuerId,
) -> Result<&TrustedIssuer, TrustedIssuerRefusal> {
    all.iter().find(|known| known.id == id).ok_or(TrustedIssuerRefusal::Unknown)
}

/// A new issuer.
pub fn added_issuer(id: TrustedIssuerId, new: &NewTrustedIssuer, at: Timestamp) -> TrustedIssuer {
    TrustedIssuer {
        id,
        issuer: new.issuer.clone(),
        settings: new.settings.clone(),
        created_at: at,
        updated_at: at,
    }
}

fn names_are_free(
    all: &[TrustedIssuer],
    own: Option<TrustedIssuerId>,
    new: &NewTrustedIssuer,
) -> Result<(), TrustedIssuerRefusal> {
    for other in all.iter().filter(|other| Some(other.id) != own) {
        if other.issuer == new.issuer {
            return Err(TrustedIssuerRefusal::IssuerTaken);
        }
        if new.settings.service.is_some() && other.settings.service == new.settings.service {
            return Err(TrustedIssuerRefusal::ServiceTaken);
        }
    }
    Ok(())
}
