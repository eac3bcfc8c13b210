//! Why a request was refused, in the words of the audit log.

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// A form of our pages without the CSRF token that was rendered for this browser.
    ForgedForm,
    /// A change with a session cookie but without the correct `X-CSRF-Token`.
    CsrfTokenWrong,
    /// A change with a cookie or Basic credentials that a page of another origin requested.
    AnotherOrigin,
    /// An `Authorization` header of a user or of a client that cannot be parsed.
    AuthorizationMalformed,
    /// A client request that names no client.
    ClientUnnamed,
    /// A bearer token that this server did not issue.
    TokenUnknown,
    /// A bearer token that has expired.
    TokenExpired,
    /// A bearer token that was revoked, or whose user is no longer active.
    TokenRevoked,
    /// A bearer token that is bound to a key which the request does not prove.
    TokenUnproved,
    /// An access token of a trusted issuer that is not accepted, or the name of a service that has none.
    IssuedTokenInvalid,
    /// A personal access token that is unknown, has expired, was ended, or came with the name of another user.
    PersonalAccessTokenInvalid,
    /// A personal access token where a user's password is needed.
    PersonalAccessTokenElsewhere,
    /// A one-time link that is unknown, was used, or has expired.
    OneTimeLinkInvalid,
    /// The right password of a user who has a second factor, where none can be asked for.
    SecondFactorNeeded,
    /// A request from an address that an allow-list does not contain.
    AddressNotAllowed,
    /// An application that does not exist or belongs to somebody else.
    ApplicationOutOfReach,
    /// A data source that does not exist or belongs to somebody else.
    DataSourceOutOfReach,
    /// An application that the user has not allowed.
    NotAllowed,
    /// A session cookie that is not one of ours, has expired or was revoked.
    SessionDead,
    /// Basic credentials that a page or a link gave to a browser.
    BasicOfAnother,
    /// A request that names its client in two ways, or contains its credentials twice.
    ClientContradictory,
    /// An authorization request with an unknown client or an unregistered redirect URL.
    AuthorizationUnanswerable,
    /// An authorization request for something that the application is not registered for.
    AuthorizationBeyond,
    /// A token that was issued to another application.
    TokenOfAnother,
    /// A public application that asks about a token.
    PublicIntrospection,
    /// A data source over a file that may not be served, or not by this caller.
    FileForbidden,
    /// A scope of an application that only an Administrator may assign.
    ScopeForbidden,
    /// Credentials of an application that acts as the user on whose behalf the caller acts.
    CredentialsOfOwner,
    /// A token for registering, or for managing a registration, that is unknown or used up.
    RegistrationTokenInvalid,
    /// The caller lost a right during the request.
    RightsChanged,
    /// The password was changed while it was being verified, or while access that it gave was used.
    PasswordChanged,
}

impl RefusalReason {
    /// The reason in words, as the audit log shows it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ForgedForm => "a form that was not rendered for this browser",
            Self::CsrfTokenWrong => "a change by cookie without the right X-CSRF-Token",
            Self::AnotherOrigin => "a change that a page of another origin asked for",
            Self::AuthorizationMalformed => "an Authorization header that cannot be read",
            Self::ClientUnnamed => "a request that names no client",
            Self::TokenUnknown => "an access token that this server did not issue",
            Self::TokenExpired => "an access token that has expired",
            Self::TokenRevoked => "an access token that was revoked",
            Self::TokenUnproved => "an access token without a proof of the key to which it is bound",
            Self::IssuedTokenInvalid => "an access token of another service that is not accepted here",
            Self::PersonalAccessTokenInvalid => "a personal access token that is not accepted",
            Self::PersonalAccessTokenElsewhere => "a personal access token in place of a password",
            Self::OneTimeLinkInvalid => "a one-time link that does not work any more",
            Self::SecondFactorNeeded => "the right password without the second factor of the user",
            Self::AddressNotAllowed => "an address that is not on the allow-list",
            Self::ApplicationOutOfReach => {
                "there is no application with that id, or it belongs to somebody else"
            }
            Self::DataSourceOutOfReach => {
                "there is no data source with that id, or it belongs to somebody else"
            }
            Self::NotAllowed => "the user has not allowed an application with that id",
            Self::SessionDead => "a session cookie without a live session",
            Self::BasicOfAnother => "Basic credentials that a page or a link gave to a browser",
            Self::ClientContradictory => "credentials of a client that contradict each other",
            Self::AuthorizationUnanswerable => {
                "an authorization request with an unknown client or an unregistered redirect URL"
            }
            Self::AuthorizationBeyond => {
                "an authorization request for something that the application is not registered for"
            }
            Self::TokenOfAnother => "a token of another application",
            Self::PublicIntrospection => "a public application that asks about a token",
            Self::FileForbidden => "a data source over a file that the caller may not have served",
            Self::ScopeForbidden => "a scope that only an Administrator may assign",
            Self::CredentialsOfOwner => "credentials of an application that acts as another user",
            Self::RegistrationTokenInvalid => "a token of a registration that is unknown or used up",
            Self::RightsChanged => "a right of the caller was withdrawn during the request",
            Self::PasswordChanged => "the password was changed during the request",
        }
    }
}
