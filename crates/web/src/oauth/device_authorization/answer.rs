//! The wire form of the codes of a device.

use app::protocol::device::IssuedDeviceCodes;
use serde::Serialize;

/// [RFC 8628 §3.2](https://www.rfc-editor.org/rfc/rfc8628#section-3.2).
#[derive(Serialize)]
pub(super) struct DeviceBody<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: &'a str,
    expires_in: i64,
    interval: i64,
}

impl<'a> From<&'a IssuedDeviceCodes> for DeviceBody<'a> {
    fn from(issued: &'a IssuedDeviceCodes) -> Self {
        Self {
            device_code: issued.device_code.expose(),
            user_code: &issued.user_code,
            verification_uri: &issued.verification_uri,
            verification_uri_complete: &issued.verification_uri_complete,
            expires_in: issued.expires_in,
            interval: issued.interval,
        }
    }
}
