//! `POST /oauth2/device_authorization`.

use app::protocol::device::DeviceService;
use axum::response::Response;
use http::StatusCode;

use self::answer::DeviceBody;
use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

mod answer;

/// Issues the codes of a device.
pub async fn issue(Use(devices): Use<DeviceService>, sent: Sent) -> Response {
    match devices.authorize(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(issued) => respond::json(StatusCode::OK, &DeviceBody::from(&issued)),
    }
}
