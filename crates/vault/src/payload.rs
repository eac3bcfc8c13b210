//! The compact encoding of sealed payloads: a version byte, numbers as variable-length integers, and a byte
//! before each optional part. Reading accepts exactly what writing produces, except that JSON may be spelled in other ways,
//! which nobody can do without the key.
//!
//! Version 1 holds built-in scopes only, as bits. Version 2 adds the numbers of further scopes; it is written
//! only if there are any, so that nodes that do not know it read everything else. Version 3 adds the details of a
//! request, and is likewise written only if there are any.

use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, ScopeId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::grant::{AccessTokenDetails, GrantDetails, UnreadableDetails};
use oauth::proof::{KeyBinding, Thumbprint};
use oauth::scope::{MOST_SCOPES_OF_APPLICATION, ScopeSet};
use oauth::token_payload::{AccessToken, AuthorizationCode, RefreshToken};

use crate::seal::Unsealed;

const VERSION: u8 = 1;
const VERSION_WITH_FURTHER_SCOPES: u8 = 2;
const VERSION_WITH_DETAILS: u8 = 3;

/// Encodes an access token.
pub fn access_token(token: &AccessToken) -> Vec<u8> {
    let details = token.details.to_json();
    let version = if details.is_some() { VERSION_WITH_DETAILS } else { version_for(&token.scopes) };
    let mut writer = Writer::of_version(version);
    writer.array(token.id.as_bytes());
    writer.number(token.expires_at.as_micros());
    writer.number(token.application.get());
    writer.number(token.application_epoch.get());
    writer.number(token.user.get());
    writer.number(token.user_epoch.get());
    writer.scopes(&token.scopes);
    writer.optional(token.grant.as_ref(), |writer, grant| writer.number(grant.get()));
    writer.binding(token.binding);
    if let Some(details) = details {
        writer.text(&details);
    }
    writer.0
}

/// Decodes an access token.
///
/// # Errors
/// If the bytes are anything else.
pub fn read_access_token(bytes: &[u8]) -> Result<AccessToken, Unsealed> {
    let mut reader = PayloadReader::new(bytes)?;
    let token = AccessToken {
        id: TokenId::from_bytes(reader.array()?),
        expires_at: Timestamp::from_micros(reader.number()?),
        application: ApplicationId::new(reader.number()?),
        application_epoch: Epoch::new(reader.number()?),
        user: UserId::new(reader.number()?),
        user_epoch: Epoch::new(reader.number()?),
        scopes: reader.scopes()?,
        grant: reader.optional(|reader| reader.number().map(GrantId::new))?,
        binding: reader.binding()?,
        details: reader.details(AccessTokenDetails::from_json)?,
    };
    reader.end(token)
}

/// Encodes a refresh token.
pub fn refresh_token(token: RefreshToken) -> Vec<u8> {
    let mut writer = Writer::of_version(VERSION);
    writer.number(token.grant.get());
    writer.number(token.generation);
    writer.0
}

/// Decodes a refresh token.
///
/// # Errors
/// If the bytes are anything else.
pub fn read_refresh_token(bytes: &[u8]) -> Result<RefreshToken, Unsealed> {
    let mut reader = PayloadReader::new(bytes)?;
    if reader.version != VERSION {
        return Err(Unsealed);
    }
    let token = RefreshToken { grant: GrantId::new(reader.number()?), generation: reader.number()? };
    reader.end(token)
}

/// Encodes an authorization code.
pub fn code(code: &AuthorizationCode) -> Vec<u8> {
    let details = code.details.to_json();
    let version = if details.is_some() { VERSION_WITH_DETAILS } else { version_for(&code.scopes) };
    let mut writer = Writer::of_version(version);
    writer.array(code.id.as_bytes());
    writer.number(code.expires_at.as_micros());
    writer.number(code.application.get());
    writer.number(code.application_epoch.get());
    writer.number(code.user.get());
    writer.number(code.user_epoch.get());
    writer.number(code.consent.get());
    writer.scopes(&code.scopes);
    writer.optional(code.redirect_digest.as_ref(), Writer::array);
    writer.optional(code.challenge.as_ref(), Writer::array);
    writer.number(code.auth_time.as_micros());
    if let Some(details) = details {
        writer.text(&details);
    }
    writer.0
}

/// Decodes an authorization code.
///
/// # Errors
/// If the bytes are anything else.
pub fn read_code(bytes: &[u8]) -> Result<AuthorizationCode, Unsealed> {
    let mut reader = PayloadReader::new(bytes)?;
    let code = AuthorizationCode {
        id: CodeId::from_bytes(reader.array()?),
        expires_at: Timestamp::from_micros(reader.number()?),
        application: ApplicationId::new(reader.number()?),
        application_epoch: Epoch::new(reader.number()?),
        user: UserId::new(reader.number()?),
        user_epoch: Epoch::new(reader.number()?),
        consent: ConsentId::new(reader.number()?),
        scopes: reader.scopes()?,
        redirect_digest: reader.optional(PayloadReader::array)?,
        challenge: reader.optional(PayloadReader::array)?,
        auth_time: Timestamp::from_micros(reader.number()?),
        details: reader.details(|json| GrantDetails::from_json(Some(json)))?,
    };
    reader.end(code)
}

fn version_for(scopes: &ScopeSet) -> u8 {
    if scopes.others().is_empty() { VERSION } else { VERSION_WITH_FURTHER_SCOPES }
}

struct Writer(Vec<u8>);

impl Writer {
    fn of_version(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(version);
        Self(bytes)
    }

    /// The bits of the built-in scopes; then, if there are further scopes, their count, the first number, and
    /// for each of the others the distance from the one before.
    fn scopes(&mut self, scopes: &ScopeSet) {
        self.number(i64::from(scopes.bits()));
        if self.0.first() == Some(&VERSION) {
            return;
        }
        self.number(i64::try_from(scopes.others().len()).unwrap_or(i64::MAX));
        let mut before = 0;
        for id in scopes.others() {
            self.number(id.get().wrapping_sub(before));
            before = id.get();
        }
    }

    fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.0.extend_from_slice(bytes);
    }

    /// The length, then the bytes.
    fn text(&mut self, text: &str) {
        self.number(i64::try_from(text.len()).unwrap_or(i64::MAX));
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Zigzag encoding, then seven bits in each byte, least significant first.
    fn number(&mut self, number: i64) {
        let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.0.push(0x80 | low_byte(rest));
            rest >>= 7;
        }
        self.0.push(low_byte(rest));
    }

    /// The byte before a thumbprint says whether it is that of a key or of a certificate.
    fn binding(&mut self, binding: Option<KeyBinding>) {
        let (kind, thumbprint) = match binding {
            None => return self.0.push(0),
            Some(KeyBinding::Key(thumbprint)) => (1, thumbprint),
            Some(KeyBinding::Certificate(thumbprint)) => (2, thumbprint),
        };
        self.0.push(kind);
        self.array(thumbprint.as_bytes());
    }

    fn optional<T>(&mut self, part: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(part.is_some()));
        if let Some(part) = part {
            write(self, part);
        }
    }
}

const fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

struct PayloadReader<'a> {
    version: u8,
    rest: &'a [u8],
}

impl<'a> PayloadReader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Unsealed> {
        match bytes.split_first() {
            Some((&version @ VERSION..=VERSION_WITH_DETAILS, rest)) => Ok(Self { version, rest }),
            _ => Err(Unsealed),
        }
    }

    fn byte(&mut self) -> Result<u8, Unsealed> {
        let (byte, rest) = self.rest.split_first().ok_or(Unsealed)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unsealed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Unsealed)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn number(&mut self) -> Result<i64, Unsealed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return Err(Unsealed);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            }
        }
        Err(Unsealed)
    }

    fn scopes(&mut self) -> Result<ScopeSet, Unsealed> {
        let bits = u32::try_from(self.number()?).map_err(|_| Unsealed)?;
        if self.version == VERSION {
            return Ok(ScopeSet::from_bits(bits));
        }
        let count = usize::try_from(self.number()?).map_err(|_| Unsealed)?;
        let least = usize::from(self.version == VERSION_WITH_FURTHER_SCOPES);
        if !(least..=MOST_SCOPES_OF_APPLICATION).contains(&count) {
            return Err(Unsealed);
        }
        let mut others = Vec::with_capacity(count);
        let mut before = 0_i64;
        for at in 0..count {
            let distance = self.number()?;
            if at > 0 && distance <= 0 {
                return Err(Unsealed);
            }
            before = before.checked_add(distance).ok_or(Unsealed)?;
            others.push(ScopeId::new(before));
        }
        let scopes = ScopeSet::from_parts(bits, others);
        // A number of a built-in scope has no place here; only bits name those.
        if scopes.others().len() == count { Ok(scopes) } else { Err(Unsealed) }
    }

    /// The details of a request, which `read` reads from JSON. What has none is written in an earlier version.
    fn details<T: Default + PartialEq>(
        &mut self,
        read: impl Fn(&str) -> Result<T, UnreadableDetails>,
    ) -> Result<T, Unsealed> {
        if self.version != VERSION_WITH_DETAILS {
            return Ok(T::default());
        }
        let length = usize::try_from(self.number()?).map_err(|_| Unsealed)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Unsealed)?;
        self.rest = rest;
        let json = std::str::from_utf8(bytes).map_err(|_| Unsealed)?;
        let details = read(json).map_err(|_| Unsealed)?;
        if details == T::default() { Err(Unsealed) } else { Ok(details) }
    }

    fn binding(&mut self) -> Result<Option<KeyBinding>, Unsealed> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(KeyBinding::Key(Thumbprint::from_bytes(self.array()?)))),
            2 => Ok(Some(KeyBinding::Certificate(Thumbprint::from_bytes(self.array()?)))),
            _ => Err(Unsealed),
        }
    }

    fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unsealed>,
    ) -> Result<Option<T>, Unsealed> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Unsealed),
        }
    }

    fn end<T>(self, whole: T) -> Result<T, Unsealed> {
        if self.rest.is_empty() { Ok(whole) } else { Err(Unsealed) }
    }
}

#[cfg(test)]
mod tests;
