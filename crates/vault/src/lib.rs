//! All cryptography: the key ring, sealed tokens, digests of secrets, password hashing.
//!
//! All secrets are processed here and nowhere else. The primitives are those of aws-lc-rs and of the argon2 crate; this
//! crate decides which key seals what, in which form, and what an opened text must look like.
//!
//! **Architecture invariant:** this crate knows no HTTP, no database and no clock. Opened texts must have one canonical
//! form, so that two different texts never represent the same token. An error on opening does not say why.
//!
//! Start reading at [`Vault`], then [`seal`] (the form of tokens) and [`key_ring`] (the keys).

use std::sync::Arc;

use domain::id::{ClientId, CodeId, SessionId, TokenId, UserId};
use domain::secret::{
    AccessTokenText, ClientSecret, CodeText, CsrfToken, Digest, Password, PasswordHash, RefreshTokenText,
    SessionCookie,
};
use domain::time::Timestamp;
use oauth::oidc::session_state::{BrowserState, Salt};
use oauth::token_payload::{AccessToken, AuthorizationCode, RefreshToken};

mod auth_req_ids;
pub mod certificate;
mod checked;
pub mod client_secret;
pub mod der;
mod device_codes;
mod digests;
mod dpop_nonce;
pub mod entropy;
pub mod hashing;
pub mod jose;
mod jwk;
pub mod key_ring;
mod letters;
pub mod master_key;
mod one_time_links;
pub mod password;
pub mod payload;
pub mod personal_access_tokens;
pub mod reference;
mod registration_tokens;
pub mod remembered;
pub mod seal;
pub mod second_factor;
pub mod session;
pub mod signing;
mod source_option;
mod subkey;

pub use client_secret::FreshSecret;
pub use device_codes::DeviceCodes;
pub use digests::{sha256, sha512};
pub use dpop_nonce::NONCE_WINDOW_SECS;
pub use entropy::{Entropy, SystemEntropy};
pub use hashing::{Busy, HashingSettings, Share};
pub use key_ring::{BrokenRing, KeyRing, SealedRingKey};
pub use master_key::{MasterKey, MasterKeyError};
pub use password::Verdict;
pub use registration_tokens::RegistrationToken;
pub use seal::{Purpose, Unsealed};
pub use signing::{
    BrokenExternalKey, BrokenSigningKey, ExternalKey, ExternalUse, IssuedJwt, KeyPlace, OpenedJwt,
    PublishedKeys, SealedExternalKey, SealedSigningKey, SigningFailed, SigningKey, UnsignedJwt,
    WrongSignature,
};

/// The keys of an installation, and the operations on them.
pub struct Vault {
    entropy: Arc<dyn Entropy>,
    ring: KeyRing,
    secrets: client_secret::SecretKeys,
    sessions: session::SessionKeys,
    devices: device_codes::DeviceKeys,
    auth_req_ids: auth_req_ids::AuthReqIdKey,
    references: reference::ReferenceKey,
    registrations: registration_tokens::RegistrationKey,
    personal: personal_access_tokens::PersonalKey,
    one_time_links: one_time_links::OneTimeLinkKey,
    letters: letters::LetterKey,
    factors: second_factor::FactorKeys,
    nonces: dpop_nonce::NonceKey,
    own_keys: jose::OwnKeys,
    signing: signing::SigningKeySet,
    source_options: source_option::SourceOptionKey,
    hasher: hashing::Hasher,
    remembered: remembered::RememberedPasswords,
}

impl Vault {
    /// Creates a vault from a master key and the ring keys sealed under it. The ring may be empty while an
    /// installation is being created.
    ///
    /// # Errors
    /// If a ring key was not sealed under this master key.
    pub fn open(
        master: &MasterKey,
        keys: &[SealedRingKey],
        entropy: Arc<dyn Entropy>,
        hashing: HashingSettings,
    ) -> Result<Self, BrokenRing> {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        Ok(Self {
            ring: KeyRing::open(master, keys)?,
            secrets: client_secret::SecretKeys::derive(master),
            sessions: session::SessionKeys::derive(master),
            devices: device_codes::DeviceKeys::derive(master),
            auth_req_ids: auth_req_ids::AuthReqIdKey::derive(master),
            references: reference::ReferenceKey::derive(master),
            registrations: registration_tokens::RegistrationKey::derive(master),
            personal: personal_access_tokens::PersonalKey::derive(master),
            one_time_links: one_time_links::OneTimeLinkKey::derive(master),
            letters: letters::LetterKey::derive(master),
            factors: second_factor::FactorKeys::derive(master),
            nonces: dpop_nonce::NonceKey::derive(master),
            own_keys: jose::OwnKeys::default(),
            signing: signing::SigningKeySet::derive(master),
            source_options: source_option::SourceOptionKey::derive(master),
            hasher: hashing::Hasher::new(hashing),
            remembered: remembered::RememberedPasswords::new(&seed),
            entropy,
        })
    }

    /// The source of randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The keys that clients bring with their proofs.
    pub fn own_keys(&self) -> &jose::OwnKeys {
        &self.own_keys
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// Creates a ring key, sealed for storage. It is used once it is in the ring that [`Vault::replace_ring`]
    /// receives.
    pub fn new_ring_key(&self, id: u32, created_at: Timestamp, activates_at: Timestamp) -> SealedRingKey {
        self.ring.seal_new(id, created_at, activates_at, self.random(), self.random())
    }

    /// Replaces the ring by the keys as they are stored now.
    ///
    /// # Errors
    /// If one of them was not sealed under the master key; the ring is unchanged then.
    pub fn replace_ring(&self, keys: &[SealedRingKey]) -> Result<(), BrokenRing> {
        self.ring.replace(keys)
    }

    /// The id of the key that seals at `now`; `None` while the ring is empty.
    pub fn active_key(&self, now: Timestamp) -> Option<u32> {
        self.ring.active(now)
    }

    /// Creates an id for an access token.
    pub fn new_token_id(&self, now: Timestamp) -> TokenId {
        TokenId::compose(now, self.random())
    }

    /// Creates an id for an authorization code.
    pub fn new_code_id(&self, now: Timestamp) -> CodeId {
        CodeId::compose(now, self.random())
    }

    /// Creates a client id: a version 4 UUID in text form.
    pub fn new_client_id(&self) -> String {
        client_secret::uuid_v4(self.random())
    }

    /// Seals an access token with the key that is active when it is issued.
    ///
    /// # Errors
    /// If the ring has no active key.
    pub fn seal_access_token(&self, token: &AccessToken) -> Result<AccessTokenText, Unsealed> {
        let text = self.ring.seal(
            Purpose::AccessToken,
            token.id.at(),
            self.random(),
            &payload::access_token(token),
        )?;
        Ok(AccessTokenText::new(text))
    }

    /// Opens an access token. The caller checks its expiry and revocation.
    ///
    /// # Errors
    /// If the text is not exactly what was sealed.
    pub fn open_access_token(&self, text: &str) -> Result<AccessToken, Unsealed> {
        let opened = self.ring.open_text(Purpose::AccessToken, text)?;
        payload::read_access_token(&opened.bytes)
    }

    /// Seals a refresh token with the key `id`; the same token and key always give the identical text.
    ///
    /// # Errors
    /// If the ring has no such key.
    pub fn seal_refresh_token(&self, token: RefreshToken, key: u32) -> Result<RefreshTokenText, Unsealed> {
        let bytes = payload::refresh_token(token);
        Ok(RefreshTokenText::new(self.ring.seal_identically(Purpose::RefreshToken, key, &bytes)?))
    }

    /// Opens a refresh token.
    ///
    /// # Errors
    /// If the text is not exactly what was sealed.
    pub fn open_refresh_token(&self, text: &str) -> Result<RefreshToken, Unsealed> {
        payload::read_refresh_token(&self.ring.open_text(Purpose::RefreshToken, text)?.bytes)
    }

    /// Seals an authorization code with the key that is active when it is issued.
    ///
    /// # Errors
    /// If the ring has no active key.
    pub fn seal_code(&self, code: &AuthorizationCode) -> Result<CodeText, Unsealed> {
        let text = self.ring.seal(Purpose::Code, code.id.at(), self.random(), &payload::code(code))?;
        Ok(CodeText::new(text))
    }

    /// Opens an authorization code.
    ///
    /// # Errors
    /// If the text is not exactly what was sealed.
    pub fn open_code(&self, text: &str) -> Result<AuthorizationCode, Unsealed> {
        payload::read_code(&self.ring.open_text(Purpose::Code, text)?.bytes)
    }

    /// Seals the position of a next link.
    ///
    /// # Errors
    /// If the ring has no active key.
    pub fn seal_position(&self, position: &[u8], now: Timestamp) -> Result<String, Unsealed> {
        self.ring.seal(Purpose::Position, now, self.random(), position)
    }

    /// Opens the position of a next link.
    ///
    /// # Errors
    /// If the text is not exactly what was sealed.
    pub fn open_position(&self, text: &str) -> Result<Vec<u8>, Unsealed> {
        Ok(self.ring.open_text(Purpose::Position, text)?.bytes)
    }

    /// Creates a client secret.
    pub fn new_client_secret(&self) -> FreshSecret {
        let secret = client_secret::compose(self.random());
        let hint = client_secret::hint(&secret);
        FreshSecret { digest: self.secrets.digest(secret.expose()), hint, secret }
    }

    /// Whether the secret matches a stored digest. A text with a wrong checksum is refused at once.
    pub fn secret_matches(&self, secret: &ClientSecret, stored: &Digest) -> bool {
        client_secret::checksum_is_valid(secret.expose())
            && self.same_digest(&self.secrets.digest(secret.expose()), stored)
    }

    /// Seals a client secret under the master key, for applications whose assertions it verifies, and for installations that
    /// allow secrets to be revealed. The seal is bound to the application, so that it opens for no other.
    pub fn seal_client_secret(&self, client: &ClientId, secret: &ClientSecret) -> Vec<u8> {
        self.secrets.seal(client, secret.expose().as_bytes(), self.random())
    }

    /// Opens a client secret that [`Vault::seal_client_secret`] sealed.
    ///
    /// # Errors
    /// If it was not sealed under this master key for this application.
    pub fn open_client_secret(&self, client: &ClientId, sealed: &[u8]) -> Result<ClientSecret, Unsealed> {
        let bytes = self.secrets.open(client, sealed)?;
        Ok(ClientSecret::new(String::from_utf8(bytes).map_err(|_| Unsealed)?))
    }

    /// Whether two digests are equal, in constant time.
    pub fn same_digest(&self, one: &Digest, other: &Digest) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
    }

    /// Creates the secret half of a session cookie, and the digest that is stored.
    pub fn new_session_secret(&self) -> (session::SessionSecret, Digest) {
        let secret = session::SessionSecret::from_bytes(self.random());
        let digest = self.sessions.digest(&secret);
        (secret, digest)
    }

    /// Composes the cookie of a session.
    pub fn session_cookie(&self, id: SessionId, secret: &session::SessionSecret) -> SessionCookie {
        session::cookie(id, secret)
    }

    /// Parses a session cookie into the session id and the digest to compare with the stored one.
    ///
    /// # Errors
    /// If it does not have the form of a session cookie.
    pub fn parse_session_cookie(&self, cookie: &SessionCookie) -> Result<(SessionId, Digest), Unsealed> {
        let (id, secret) = session::parse(cookie)?;
        Ok((id, self.sessions.digest(&secret)))
    }

    /// Creates a random value for a browser without a session, to which its forms are bound.
    pub fn new_visitor(&self) -> String {
        session::visitor(self.random())
    }

    /// Creates the state of a browser in which somebody has just signed in or out.
    pub fn new_browser_state(&self) -> BrowserState {
        BrowserState::from_bytes(self.random())
    }

    /// Creates the salt of a session state.
    pub fn new_salt(&self) -> Salt {
        Salt::from_bytes(self.random())
    }

    /// The CSRF token in forms for the browser with this cookie (a session cookie or a visitor cookie).
    pub fn csrf_token(&self, cookie: &str) -> CsrfToken {
        self.sessions.csrf_token(cookie)
    }

    /// Whether the token of a form was rendered for the browser with this cookie; in constant time.
    pub fn csrf_is_valid(&self, cookie: &str, token: &CsrfToken) -> bool {
        self.sessions.csrf_is_valid(cookie, token)
    }

    /// Creates a random password: 24 characters that are hard to confuse.
    pub fn new_password(&self) -> Password {
        Password::new(password::readable(self.random()))
    }

    /// Hashes a password on the hashing threads.
    ///
    /// # Errors
    /// If too many hashes are already waiting.
    pub async fn hash_password(&self, password: Password) -> Result<PasswordHash, Busy> {
        self.hasher.hash(password, self.random()).await
    }

    /// Whether the password matches the hash; takes as long if it does not.
    ///
    /// # Errors
    /// If too many hashes are already waiting, in total or for the same share.
    pub async fn verify_password(
        &self,
        hash: &PasswordHash,
        password: Password,
        share: Share,
    ) -> Result<Verdict, Busy> {
        self.hasher.verify(hash.clone(), password, share).await
    }

    /// Takes as long as a verification, for a name that nobody has.
    ///
    /// # Errors
    /// As for [`Vault::verify_password`].
    pub async fn verify_unknown_user(&self, password: Password, share: Share) -> Result<(), Busy> {
        self.hasher.verify_unknown_name(password, share).await
    }

    /// Whether the hash has parameters other than the current ones.
    pub fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        self.hasher.needs_rehash(hash)
    }

    /// Whether exactly this password was recently verified against exactly this hash.
    pub fn remembers(&self, hash: &PasswordHash, user: UserId, password: &Password, now: Timestamp) -> bool {
        self.remembered.knows(hash, user, password, now)
    }

    /// Remembers for a short time that the password was verified against the hash.
    pub fn remember(&self, hash: &PasswordHash, user: UserId, password: &Password, now: Timestamp) {
        self.remembered.note(hash, user, password, now);
    }

    /// Forgets every verified password.
    pub fn forget_remembered_credentials(&self) {
        self.remembered.forget();
    }
}
