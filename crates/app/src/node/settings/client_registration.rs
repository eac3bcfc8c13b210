//! The settings for clients that register themselves.

use oauth::client_registration::ClientPolicy;

/// Who may register clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Nobody but users of the management API.
    Off,
    /// Whoever has an initial access token.
    InitialAccessToken,
    /// Anybody.
    Open,
}

impl RegistrationMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Off, Self::InitialAccessToken, Self::Open];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::InitialAccessToken => "initial_access_token",
            Self::Open => "open",
        }
    }
}

/// The settings for clients that register themselves.
#[derive(Debug, Clone)]
pub struct ClientRegistrationSettings {
    /// Who may register.
    pub mode: RegistrationMode,
    /// What such clients may have.
    pub policy: ClientPolicy,
    /// The maximum number of such clients.
    pub most_clients: u32,
    /// The maximum number of registrations from one address in a minute.
    pub per_address_per_minute: u32,
    /// The number of days after which a client that has never obtained a token is deleted; 0 for never.
    pub unused_days: u32,
}

impl Default for ClientRegistrationSettings {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            policy: ClientPolicy::default(),
            most_clients: 10_000,
            per_address_per_minute: 20,
            unused_days: 30,
        }
    }
}
