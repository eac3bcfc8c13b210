//! Setting up one's own second factor, and turning it off.
//!
//! Nothing is stored before a code has confirmed that the authenticator works. Until then the secret is in a ticket that the
//! browser sends back, sealed, bound to its session, and short-lived.

use std::sync::Arc;

use domain::account::second_factor::{DIGITS, STEP_SECS, SecondFactor, TypedCode};
use domain::audit::Action;
use domain::secret::{Password, RecoveryCode, SessionCookie, StepTicket, TotpSecretText};
use store::{NewSecondFactor, SecondFactorRefusal};
use url::Url;
use vault::jose;
use vault::second_factor::TotpSecret;

use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::sign_in::{SignInCredentials, SignInRefusal, SignInService};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use crate::{Context, Fault};

/// How long the confirming code may come after the secret was shown, in seconds.
const SET_UP_SECS: i64 = 1_800;

/// A second factor that waits for its confirmation.
#[derive(Debug)]
pub struct SetUp {
    /// The secret, for authenticators that cannot read the QR code.
    pub secret: TotpSecretText,
    /// The [address](https://github.com/google/google-authenticator/wiki/Key-Uri-Format) that the QR code contains.
    pub address: TotpSecretText,
    /// What the browser sends back with the code.
    pub ticket: StepTicket,
}

/// Why a second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorFault {
    /// The password or the code is wrong; this counts as a failed sign-in.
    #[error(transparent)]
    SignIn(#[from] SignInRefusal),
    /// The user has a second factor already.
    #[error("you have set up an authenticator already; remove it first to set up another one")]
    Exists,
    /// The user has none.
    #[error("you have set up no authenticator")]
    Missing,
    /// The code is not one of the authenticator that is being set up.
    #[error(
        "the code is wrong; check that the clock of your device is right, and type the code that it shows now"
    )]
    NotConfirmed,
    /// The page was open for too long, or in another browser.
    #[error("too much time has passed; begin again")]
    Expired,
    /// The session has ended.
    #[error("you are not signed in any more; sign in again")]
    SessionOver,
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for SecondFactorFault {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<SecondFactorRefusal> for SecondFactorFault {
    fn from(refusal: SecondFactorRefusal) -> Self {
        match refusal {
            SecondFactorRefusal::Unknown => Self::Missing,
            SecondFactorRefusal::Exists => Self::Exists,
            SecondFactorRefusal::RightsChanged | SecondFactorRefusal::BeyondRights => Self::SessionOver,
        }
    }
}

/// The second factor of the user of a session.
#[derive(Clone)]
pub struct SecondFactorService {
    context: Arc<Context>,
}

service!(SecondFactorService);

impl SecondFactorService {
    /// The second factor of the user, if there is one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn find(&self, live: &LiveSession) -> Result<Option<SecondFactor>, Fault> {
        Ok(self.context.store.find_second_factor(live.session.user).await?)
    }

    /// Begins to set one up, after the password.
    ///
    /// # Errors
    /// [`SecondFactorFault`].
    pub async fn begin(
        &self,
        live: &LiveSession,
        cookie: &SessionCookie,
        password: Password,
        origin: &RequestOrigin,
    ) -> Result<SetUp, SecondFactorFault> {
        if live.caller.account().user.has_second_factor {
            return Err(SecondFactorFault::Exists);
        }
        self.check_password(live, password, origin).await?;
        let secret = self.context.vault.new_totp_secret();
        let until = self.context.now().plus_secs(SET_UP_SECS);
        let ticket = self.context.vault.seal_set_up(&secret, until, cookie.expose());
        Ok(self.shown(live, &secret, ticket))
    }

    /// The same one again, for a browser whose code was wrong.
    ///
    /// # Errors
    /// [`SecondFactorFault::Expired`].
    pub fn again(
        &self,
        live: &LiveSession,
        cookie: &SessionCookie,
        ticket: &StepTicket,
    ) -> Result<SetUp, SecondFactorFault> {
        let secret = self.open(cookie, ticket)?;
        Ok(self.shown(live, &secret, ticket.clone()))
    }

    fn open(&self, cookie: &SessionCookie, ticket: &StepTicket) -> Result<TotpSecret, SecondFactorFault> {
        let opened = self.context.vault.open_set_up(ticket.expose(), cookie.expose(), self.context.now());
        opened.map_err(|_| SecondFactorFault::Expired)
    }

    fn shown(&self, live: &LiveSession, secret: &TotpSecret, ticket: StepTicket) -> SetUp {
        let text = secret.text();
        let name = &live.caller.account().user.name;
        let address = address(&self.context.settings.public_url, name, &text);
        SetUp { secret: text, address, ticket }
    }

    /// Stores the second factor, if the code is one of its authenticator. All other sessions of the user end. Returns the
    /// recovery codes.
    ///
    /// # Errors
    /// [`SecondFactorFault`]; nothing has changed then.
    pub async fn confirm(
        &self,
        live: &LiveSession,
        cookie: &SessionCookie,
        ticket: &StepTicket,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<Vec<RecoveryCode>, SecondFactorFault> {
        let (now, user) = (self.context.now(), live.session.user);
        let secret = self.open(cookie, ticket)?;
        let step = match TypedCode::read(code) {
            Some(TypedCode::Totp(code)) => secret.step_of_code(code, now),
            Some(TypedCode::Recovery(_)) | None => None,
        };
        let step = step.ok_or(SecondFactorFault::NotConfirmed)?;
        // A secret that was removed does not come back without the password.
        let use_digest = jose::use_digest("second factor", ticket.expose());
        if !self.context.store.use_assertion(use_digest, now.plus_secs(SET_UP_SECS)).await? {
            return Err(SecondFactorFault::Expired);
        }
        let (codes, digests) = self.context.vault.new_recovery_codes(user).into_iter().unzip();
        let new = NewSecondFactor {
            user,
            user_epoch: live.session.user_epoch,
            secret: self.context.vault.seal_totp_secret(user, &secret),
            step,
            recovery_codes: digests,
            session: live.session.id,
            revocations_expire_at: revocations_expire_at(now),
        };
        let audit = live.caller.audit(Action::AddSecondFactor, now, origin);
        let ended = self.context.store.insert_second_factor(new, audit).await??;
        Revocations::of(&self.context).apply(&ended);
        self.context.logouts_stored.announce();
        self.forget();
        Ok(codes)
    }

    /// Replaces the recovery codes, after the password and a code.
    ///
    /// # Errors
    /// [`SecondFactorFault`]; the former ones remain then.
    pub async fn renew(
        &self,
        live: &LiveSession,
        password: Password,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<Vec<RecoveryCode>, SecondFactorFault> {
        self.prove(live, password, code, origin).await?;
        let user = live.session.user;
        let (codes, digests) = self.context.vault.new_recovery_codes(user).into_iter().unzip();
        let audit = live.caller.audit(Action::RenewRecoveryCodes, self.context.now(), origin);
        self.context.store.replace_recovery_codes(user, digests, audit).await??;
        Ok(codes)
    }

    /// Turns it off, after the password and a code.
    ///
    /// # Errors
    /// [`SecondFactorFault`]; it remains then.
    pub async fn remove(
        &self,
        live: &LiveSession,
        password: Password,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<(), SecondFactorFault> {
        self.prove(live, password, code, origin).await?;
        let audit = live.caller.audit(Action::RemoveSecondFactor, self.context.now(), origin);
        self.context.store.delete_second_factor(live.session.user, audit).await??;
        self.forget();
        Ok(())
    }

    async fn prove(
        &self,
        live: &LiveSession,
        password: Password,
        code: &str,
        origin: &RequestOrigin,
    ) -> Result<(), SecondFactorFault> {
        if !live.caller.account().user.has_second_factor {
            return Err(SecondFactorFault::Missing);
        }
        self.check_password(live, password, origin).await?;
        let (user, epoch) = (live.session.user, live.session.user_epoch);
        SignInService::from(&self.context).check_code(user, epoch, code, origin).await?;
        Ok(())
    }

    async fn check_password(
        &self,
        live: &LiveSession,
        password: Password,
        origin: &RequestOrigin,
    ) -> Result<(), SecondFactorFault> {
        let credentials = SignInCredentials { name: live.caller.account().user.name.clone(), password };
        SignInService::from(&self.context).check_password(&credentials, origin).await?;
        Ok(())
    }

    /// Drops what this node has cached about users without their second factor.
    fn forget(&self) {
        self.context.entities.forget_users();
        self.context.vault.forget_remembered_credentials();
    }
}

/// The address that authenticators read. The host of the server is the issuer, by which people tell their entries apart.
fn address(public_url: &str, user: &str, secret: &TotpSecretText) -> TotpSecretText {
    let host = Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let issuer = host.unwrap_or_else(|| "Sluicegate".to_owned());
    let (issuer, user) = (escaped(&issuer), escaped(user));
    let secret = secret.expose();
    TotpSecretText::new(format!(
        "otpauth://totp/{issuer}:{user}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECS}"
    ))
}

/// A text with every byte escaped that is not unreserved ([RFC 3986
/// §2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)). A space as plus would be shown as one.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_names_the_server_and_the_user() {
        let secret = TotpSecretText::new("MZXW6YTBOI");
        let address = address("https://gate.example:8443/gate", "Zoë & co", &secret);
        let expected = "otpauth://totp/gate.example:Zo%C3%AB%20%26%20co?secret=MZXW6YTBOI&issuer=gate.example&algorithm=SHA1&digits=6&period=30";
        assert_eq!(address.expose(), expected);
    }
}
