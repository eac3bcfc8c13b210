//! Secret options of data sources, such as the password of a database.

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::SealedOption;
use domain::id::DataSourceId;
use zeroize::Zeroizing;

use crate::Vault;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;
use crate::subkey::{self, NONCE};

/// The key that seals secret options. It is derived from the master key and never changes.
pub(crate) struct SourceOptionKey(LessSafeKey);

impl SourceOptionKey {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self(subkey::aead(&master.subkey("data source option seal")))
    }

    pub(crate) fn seal(
        &self,
        id: DataSourceId,
        option: &str,
        value: &[u8],
        nonce: [u8; NONCE],
    ) -> SealedOption {
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(value);
        subkey::seal_in_place(&self.0, nonce, &context(id, option), &mut bytes, NONCE);
        SealedOption::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(crate) fn open(
        &self,
        id: DataSourceId,
        option: &str,
        sealed: &SealedOption,
    ) -> Result<Vec<u8>, Unsealed> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.as_str()).map_err(|_| Unsealed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Unsealed)?;
        subkey::open(&self.0, *nonce, &context(id, option), sealed)
    }
}

/// What a seal is bound to: the data source and the option, so that a sealed value is worth nothing in another
/// place.
fn context(id: DataSourceId, option: &str) -> Vec<u8> {
    let mut context = id.get().to_be_bytes().to_vec();
    context.extend_from_slice(option.as_bytes());
    context
}

impl Vault {
    /// Seals the value of a secret option of a data source under the master key. The seal is bound to the data
    /// source and to the option, so that it opens nowhere else.
    pub fn seal_source_option(&self, id: DataSourceId, option: &str, value: &str) -> SealedOption {
        self.source_options.seal(id, option, value.as_bytes(), self.random())
    }

    /// Opens what [`Vault::seal_source_option`] sealed.
    ///
    /// # Errors
    /// If it was not sealed under this master key for this option of this data source.
    pub fn open_source_option(
        &self,
        id: DataSourceId,
        option: &str,
        sealed: &SealedOption,
    ) -> Result<Zeroizing<String>, Unsealed> {
        let bytes = self.source_options.open(id, option, sealed)?;
        String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| Unsealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_option_opens_only_unchanged_and_in_its_own_place() {
        let keys = SourceOptionKey::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap());
        let (id, other) = (DataSourceId::new(1), DataSourceId::new(2));
        let sealed = keys.seal(id, "password", b"hunter2", [1; NONCE]);
        assert_eq!(keys.open(id, "password", &sealed).unwrap(), b"hunter2");
        assert!(keys.open(other, "password", &sealed).is_err());
        assert!(keys.open(id, "token", &sealed).is_err());
        let stranger =
            SourceOptionKey::derive(&MasterKey::from_text(&format!("{}A", "B".repeat(42))).unwrap());
        assert!(stranger.open(id, "password", &sealed).is_err());
        for at in 0..sealed.as_str().len() {
            let mut changed = sealed.as_str().to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = SealedOption::new(String::from_utf8(changed).unwrap());
            assert!(keys.open(id, "password", &changed).is_err(), "character {at}");
            let cut = SealedOption::new(sealed.as_str()[..at].to_owned());
            assert!(keys.open(id, "password", &cut).is_err(), "cut to {at}");
        }
        assert!(!format!("{sealed:?}").contains(sealed.as_str()));
    }
}
