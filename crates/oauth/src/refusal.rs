//! Why a request of the protocol is refused: many named reasons inside, few codes outside.

use std::fmt;

use crate::error::ErrorCode;

/// A fault of one parameter, whichever endpoint it was sent to; always `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterFault {
    /// It is required and was left out or empty.
    Missing,
    /// It is given more than once.
    Repeated,
    /// Both spellings of it are given, with different values.
    SpellingsDiffer,
    /// It is longer than the server accepts.
    TooLong,
    /// It contains a control character.
    ControlCharacter,
}

impl ParameterFault {
    /// What is wrong, to follow the parameter's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Repeated => "is given more than once",
            Self::SpellingsDiffer => "is given in two spellings with different values",
            Self::TooLong => "is too long",
            Self::ControlCharacter => "contains a control character",
        }
    }
}

/// One answer for every way in which a client fails to authenticate, so that nobody learns which client ids exist.
const CLIENT: &str = "the client is unknown or its secret is wrong";
/// One answer for every way in which a code is worthless.
const CODE: &str =
    "the authorization code is invalid, has expired, was used before or belongs to another request";
/// One answer for every way in which a refresh token is worthless.
const REFRESH: &str = "the refresh token is invalid, was revoked or belongs to another application";

macro_rules! refusals {
    ($($code:ident { $($name:ident: $detail:literal $(as $public:ident)?;)+ })+) => {
        /// Every reason for which the protocol refuses something.
        ///
        /// Displaying it gives the private detail for logs and the audit; [`Refusal::description`] is what the client
        /// may read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Refusal {
            /// A parameter is at fault.
            Parameter {
                /// Its name as the specification spells it.
                name: &'static str,
                /// What is wrong with it.
                fault: ParameterFault,
            },
            $($(#[doc = concat!("Refused because ", $detail, ".")] $name,)+)+
        }

        impl Refusal {
            /// Every reason that is not about one parameter.
            pub const ALL: &[Self] = &[$($(Self::$name),+),+];

            /// The code that the specification gives it.
            pub const fn code(self) -> ErrorCode {
                match self {
                    Self::Parameter { .. } => ErrorCode::InvalidRequest,
                    $($(Self::$name)|+ => ErrorCode::$code,)+
                }
            }

            const fn detail(self) -> &'static str {
                match self {
                    Self::Parameter { fault, .. } => fault.as_str(),
                    $($(Self::$name => $detail,)+)+
                }
            }

            const fn shared_description(self) -> Option<&'static str> {
                match self {
                    $($($(Self::$name => Some($public),)?)+)+
                    _ => None,
                }
            }
        }
    };
}

refusals! {
    InvalidRequest {
        TooManyParameters: "there are too many parameters";
        NotUtf8: "the parameters are not valid UTF-8";
        NotAJsonObject: "the body is not a JSON object";
        NotAString: "a member of the JSON body is not a string";
        TwoAuthenticationMethods: "the client authenticates both in the header and in the body";
        ClientIdsDiffer: "client_id in the body differs from the one in the header";
        UnknownClientId: "no application has this client_id";
        RedirectUrlUnknown: "redirect_uri is not one that the application registered";
        RedirectUrlAmbiguous: "redirect_uri is missing, and the application registered no single URL to stand in";
        ResponseModeUnsupported: "response_mode must be query";
        ChallengeMissing: "code_challenge is missing; this application must use PKCE";
        ChallengeMethodMissing: "code_challenge_method is missing; it must be S256";
        ChallengeMethodUnsupported: "code_challenge_method must be S256";
        ChallengeMethodWithoutChallenge: "code_challenge_method is given without code_challenge";
        ChallengeMalformed: "code_challenge is not the unpadded base64url form of a SHA-256 digest";
        PromptUnknown: "prompt has a value other than none, login, consent and select_account";
        PromptNoneCombined: "prompt none cannot be combined with other values";
        VerifierMalformed: "code_verifier is not 43 to 128 unreserved characters";
    }
    InvalidClient {
        NoClientAuthentication: "the request names no client";
        UnknownClient: "no application has the client id" as CLIENT;
        WrongSecret: "the secret is none of the live secrets of the application" as CLIENT;
        SecretMissing: "a confidential application sent no secret" as CLIENT;
        SecretOfPublicClient: "a public application sent a secret" as CLIENT;
        BasicMalformed: "the Authorization header is not of the Basic form" as CLIENT;
    }
    InvalidGrant {
        CodeForged: "the code was not sealed by this server" as CODE;
        CodeExpired: "the code has expired" as CODE;
        CodeOfAnotherClient: "the code was issued to another application" as CODE;
        CodeReplayed: "the code was used before; what it gave was revoked" as CODE;
        CodeOutlived: "the consent, application or user behind the code has ended access" as CODE;
        RedirectUrlDiffers: "redirect_uri differs from the one of the authorization request" as CODE;
        ChallengeNowRequired: "the code carries no challenge, which the application must use by now" as CODE;
        VerifierMissing: "code_verifier is missing although the code carries a challenge";
        VerifierUnexpected: "code_verifier is given although the code carries no challenge";
        VerifierWrong: "code_verifier does not match the code's challenge";
        RefreshTokenForged: "the refresh token was not sealed by this server" as REFRESH;
        RefreshTokenOfAnotherClient: "the refresh token was issued to another application" as REFRESH;
        RefreshTokenReplayed: "the refresh token was replaced before; the grant was revoked" as REFRESH;
        RefreshTokenFromTheFuture: "the refresh token is of a generation not reached yet" as REFRESH;
        GrantGone: "the grant does not exist any more" as REFRESH;
        GrantRevoked: "the grant was revoked" as REFRESH;
        GrantOutlived: "the application or the user has ended all access since" as REFRESH;
        PasswordGrantOver: "the grant was given for a password, which the application may not use any more" as REFRESH;
        GrantNotRefreshable: "the grant was founded without a refresh token" as REFRESH;
        UserInactive: "the user is inactive or gone";
        CredentialsWrong: "the user name or the password is wrong, or the account is locked";
        PasswordExpired: "the password has expired";
        OwnerInactive: "the owner of the application is inactive or gone";
    }
    UnauthorizedClient {
        GrantTypeNotRegistered: "the application is not registered for this grant type";
        PasswordNotInProfile: "the application's profile does not know the password grant";
        PublicPassword: "a public application cannot use the password grant";
        PublicClientCredentials: "a public application cannot use client_credentials";
        PublicIntrospection: "a public application cannot introspect tokens";
    }
    UnsupportedGrantType {
        GrantTypeUnknown: "grant_type is none that this server knows";
    }
    UnsupportedResponseType {
        ResponseTypeUnsupported: "response_type must be code";
    }
    InvalidScope {
        ScopeUnknown: "scope names one that this server does not know";
        ScopeNotRegistered: "scope names one that the application is not registered for";
        ScopeWidened: "scope names one that was not granted";
        NoScopeLeft: "the application is no longer registered for any scope that was granted";
    }
    AccessDenied {
        UserDenied: "User denied OAuth access";
    }
    LoginRequired {
        NotSignedIn: "nobody is signed in, and prompt none forbids asking";
    }
    ConsentRequired {
        NotConsented: "the user has not allowed this, and prompt none forbids asking";
    }
    RequestNotSupported {
        RequestObject: "request objects are not supported";
    }
    RequestUriNotSupported {
        RequestObjectByReference: "request objects by reference are not supported";
    }
}

impl Refusal {
    /// What the client and its developer may read: `error_description`.
    pub fn description(self) -> String {
        match (self, self.shared_description()) {
            (Self::Parameter { name, fault }, _) => format!("{name} {}", fault.as_str()),
            (_, Some(shared)) => shared.to_owned(),
            (_, None) => self.detail().to_owned(),
        }
    }
}

/// The private detail.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Parameter { name, .. } = self {
            write!(f, "{name} ")?;
        }
        f.write_str(self.detail())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_hold_only_characters_that_the_specification_allows() {
        let faults = [ParameterFault::Missing, ParameterFault::Repeated, ParameterFault::ControlCharacter];
        let parameters = faults.map(|fault| Refusal::Parameter { name: "scope", fault });
        for refusal in Refusal::ALL.iter().chain(&parameters) {
            let text = refusal.description();
            let allowed = |c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
            assert!(!text.is_empty() && text.chars().all(allowed), "{refusal:?}: {text}");
        }
    }

    #[test]
    fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
        let answer = |refusal: Refusal| (refusal.code(), refusal.description());
        for refusal in [Refusal::WrongSecret, Refusal::SecretMissing, Refusal::SecretOfPublicClient] {
            assert_eq!(answer(refusal), answer(Refusal::UnknownClient));
            assert_ne!(refusal.to_string(), Refusal::UnknownClient.to_string(), "the log tells them apart");
        }
    }

    #[test]
    fn a_worthless_code_does_not_tell_why() {
        for refusal in
            [Refusal::CodeForged, Refusal::CodeExpired, Refusal::CodeReplayed, Refusal::CodeOutlived]
        {
            assert_eq!(refusal.description(), Refusal::CodeOfAnotherClient.description());
        }
    }
}
