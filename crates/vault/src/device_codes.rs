//! The codes of a device: one for the device, which nobody can guess, and a short one for its user. Only keyed digests
//! of both are stored, so that a copy of the database does not show the short ones either.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::{DeviceCodeText, Digest};
use oauth::device::UserCode;

use crate::Vault;
use crate::digests::keyed_digest;
use crate::master_key::MasterKey;

/// The prefix of every device code.
const PREFIX: &str = "sgd_";

/// The length of a device code: the prefix and 32 bytes in base64url.
const LENGTH: usize = PREFIX.len() + 43;

/// New codes, to be sent once, with the digests to store.
#[derive(Debug)]
pub struct DeviceCodes {
    /// The code for the device.
    pub device_code: DeviceCodeText,
    /// The digest of the device code.
    pub device_digest: Digest,
    /// The code for its user.
    pub user_code: UserCode,
    /// The digest of the user code.
    pub user_digest: Digest,
}

impl Vault {
    /// Creates the codes of a device.
    pub fn new_device_codes(&self) -> DeviceCodes {
        self.devices.create(|| self.random())
    }

    /// The digest by which a request of a device is stored; `None` if the text cannot be a device code.
    pub fn device_code_digest(&self, code: &DeviceCodeText) -> Option<Digest> {
        self.devices.device_digest(code)
    }

    /// The digest by which a request of a device is found from the code that its user typed.
    pub fn user_code_digest(&self, code: UserCode) -> Digest {
        self.devices.user_digest(code)
    }
}

pub(crate) struct DeviceKeys {
    device: hmac::Key,
    user: hmac::Key,
}

impl DeviceKeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey(purpose));
        Self { device: key("device code digest"), user: key("user code digest") }
    }

    /// Makes codes of randomness. `random` is called until there is enough without bias for a user code.
    pub(crate) fn create(&self, mut random: impl FnMut() -> [u8; 32]) -> DeviceCodes {
        let device_code = DeviceCodeText::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random())));
        let user_code = loop {
            if let Some(code) = UserCode::from_random(&random()) {
                break code;
            }
        };
        DeviceCodes {
            device_digest: keyed_digest(&self.device, device_code.expose().as_bytes()),
            user_digest: self.user_digest(user_code),
            device_code,
            user_code,
        }
    }

    /// The digest of a device code; `None` if the text cannot be one.
    pub(crate) fn device_digest(&self, code: &DeviceCodeText) -> Option<Digest> {
        let text = code.expose();
        let may_be_ours = text.len() == LENGTH && text.starts_with(PREFIX);
        may_be_ours.then(|| keyed_digest(&self.device, text.as_bytes()))
    }

    pub(crate) fn user_digest(&self, code: UserCode) -> Digest {
        keyed_digest(&self.user, code.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> DeviceKeys {
        DeviceKeys::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap())
    }

    #[test]
    fn the_digests_of_new_codes_are_those_of_the_codes_that_come_back() {
        let mut calls = 0;
        let codes = keys().create(|| {
            calls += 1;
            // The second value has too few bytes without bias.
            if calls == 2 { [255; 32] } else { [calls; 32] }
        });
        assert_eq!(calls, 3);
        let digest = keys().device_digest(&codes.device_code).unwrap();
        assert_eq!(digest.as_bytes(), codes.device_digest.as_bytes());
        let typed = UserCode::parse(&codes.user_code.for_people().to_lowercase()).unwrap();
        assert_eq!(keys().user_digest(typed).as_bytes(), codes.user_digest.as_bytes());
        assert_ne!(codes.user_digest.as_bytes(), codes.device_digest.as_bytes());
    }

    #[test]
    fn a_device_code_has_the_entropy_of_a_key() {
        let random = [7; 32];
        let code = keys().create(|| random).device_code;
        let encoded = code.expose().strip_prefix(PREFIX).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(encoded).unwrap(), random);
    }

    #[test]
    fn a_text_that_cannot_be_a_device_code_has_no_digest() {
        for text in ["", "sgd_", "sgc_AAAA", &"x".repeat(LENGTH), &format!("sgd_{}", "A".repeat(44))] {
            assert!(keys().device_digest(&DeviceCodeText::new(text)).is_none(), "{text}");
        }
    }
}
