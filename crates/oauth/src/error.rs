//! The error codes of the protocol, as on the wire.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// An error code of OAuth 2.0 or of a specification based on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name),+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

codes! {
    /// A parameter is missing, repeated, malformed or unsupported.
    InvalidRequest = "invalid_request",
    /// The client did not authenticate.
    InvalidClient = "invalid_client",
    /// The code, refresh token or password is invalid.
    InvalidGrant = "invalid_grant",
    /// The client may not do this.
    UnauthorizedClient = "unauthorized_client",
    /// The token endpoint does not know the grant type.
    UnsupportedGrantType = "unsupported_grant_type",
    /// The authorization endpoint does not know the response type.
    UnsupportedResponseType = "unsupported_response_type",
    /// A scope is unknown, or exceeds what the client may have.
    InvalidScope = "invalid_scope",
    /// The user denied it.
    AccessDenied = "access_denied",
    /// The user of the device has not decided yet ([RFC 8628
    /// §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
    AuthorizationPending = "authorization_pending",
    /// The device asks too often ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
    SlowDown = "slow_down",
    /// The device code has expired ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
    ExpiredToken = "expired_token",
    /// The hint names no user ([CIBA Core
    /// §13](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.13)).
    UnknownUserId = "unknown_user_id",
    /// The message for the user cannot be shown ([CIBA Core
    /// §13](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.13)).
    InvalidBindingMessage = "invalid_binding_message",
    /// The server failed.
    ServerError = "server_error",
    /// The server cannot answer at present.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// A bearer token is invalid ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    InvalidToken = "invalid_token",
    /// A bearer token lacks a scope ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    InsufficientScope = "insufficient_scope",
    /// The user must sign in again ([RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    InsufficientUserAuthentication = "insufficient_user_authentication",
    /// A `DPoP` proof is missing or invalid ([RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449#section-5)).
    InvalidDpopProof = "invalid_dpop_proof",
    /// A `DPoP` proof needs a new nonce of the server ([RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)).
    UseDpopNonce = "use_dpop_nonce",
    /// The attestation of a client, or its proof, is invalid ([draft-ietf-oauth-attestation-based-client-auth-11
    /// §7.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.4)).
    InvalidClientAttestation = "invalid_client_attestation",
    /// The attestation of a client is too old (as above).
    UseFreshAttestation = "use_fresh_attestation",
    /// The proof of an attestation needs a new challenge of the server (as above).
    UseAttestationChallenge = "use_attestation_challenge",
    /// A redirect URI of a registration cannot be used ([RFC 7591
    /// §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
    InvalidRedirectUri = "invalid_redirect_uri",
    /// Another member of a registration cannot be used ([RFC 7591
    /// §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
    InvalidClientMetadata = "invalid_client_metadata",
    /// The software statement of a registration is invalid ([RFC 7591
    /// §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
    InvalidSoftwareStatement = "invalid_software_statement",
    /// The issuer of the software statement is not trusted for it ([RFC 7591
    /// §3.2.2](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2)).
    UnapprovedSoftwareStatement = "unapproved_software_statement",
    /// Nobody is signed in and the client does not allow the server to ask (OpenID Connect Core §3.1.2.6).
    LoginRequired = "login_required",
    /// The user must do something and the client does not allow the server to ask (OpenID Connect Core §3.1.2.6).
    InteractionRequired = "interaction_required",
    /// Nothing is allowed yet and the client does not allow the server to ask (OpenID Connect Core §3.1.2.6).
    ConsentRequired = "consent_required",
    /// The sign-in cannot fulfil what the request demands ([OpenID Connect Core Unmet Authentication
    /// Requirements](https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html)).
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// Request objects are not supported (OpenID Connect Core §3.1.2.6).
    RequestNotSupported = "request_not_supported",
    /// A requested resource is unknown or malformed ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
    InvalidTarget = "invalid_target",
    /// The authorization details are malformed, unknown or not granted ([RFC 9396
    /// §5](https://www.rfc-editor.org/rfc/rfc9396#section-5)).
    InvalidAuthorizationDetails = "invalid_authorization_details",
    /// `request_uri` refers to nothing valid (OpenID Connect Core §3.1.2.6).
    InvalidRequestUri = "invalid_request_uri",
    /// A request object is invalid (OpenID Connect Core §3.1.2.6).
    InvalidRequestObject = "invalid_request_object",
    /// A client cannot register itself within its request (OpenID Connect Core §3.1.2.6).
    RegistrationNotSupported = "registration_not_supported",
    /// Request objects by reference are not supported (OpenID Connect Core §3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported",
}
