//! The table of grant types, from which registration, metadata and the token endpoint learn what there is.
//!
//! A new grant type is one row here and one file below [`crate::token`], which parses its parameters and
//! decides. The compiler then asks for its handler in `app`.

use super::{ClientType, Profile};
use crate::profile::ProfileRules;
use crate::refusal::Refusal;

/// Passes the table to the macro `$define`. A row has the name on the wire, the parsed request with its module
/// in [`crate::token`], and the [`GrantTypeRules`].
macro_rules! grant_types {
    ($define:ident) => {
        $define! {
            /// A user allows it in a browser ([RFC 6749 §4.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1)).
            AuthorizationCode {
                name: "authorization_code",
                request: authorization_code::CodeExchange,
                rules: { given_by: GivenBy::Default, barriers: &[], warning: None },
            }
            /// With a refresh token, without the user ([RFC 6749
            /// §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
            RefreshToken {
                name: "refresh_token",
                request: refresh_token::Refresh,
                rules: { given_by: GivenBy::Default, barriers: &[], warning: None },
            }
            /// With the user's name and password ([RFC 6749 §4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.3)).
            Password {
                name: "password",
                request: password::PasswordRequest,
                rules: {
                    given_by: GivenBy::Default,
                    barriers: &[NO_PASSWORD_IN_PROFILE, NO_PASSWORD_FOR_PUBLIC],
                    warning: Some(PASSWORD_WARNING),
                },
            }
            /// On behalf of its own owner ([RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
            ClientCredentials {
                name: "client_credentials",
                request: client_credentials::ServiceRequest,
                rules: {
                    given_by: GivenBy::Owner,
                    barriers: &[NO_CLIENT_CREDENTIALS_FOR_PUBLIC],
                    warning: None,
                },
            }
            /// From a device without a browser; its user allows it on another one ([RFC 8628
            /// §3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4)).
            DeviceCode {
                name: "urn:ietf:params:oauth:grant-type:device_code",
                request: device_code::DevicePoll,
                rules: { given_by: GivenBy::Owner, barriers: &[], warning: None },
            }
            /// With a token of another application, as a policy of Administrators allows ([RFC
            /// 8693](https://www.rfc-editor.org/rfc/rfc8693)).
            TokenExchange {
                name: "urn:ietf:params:oauth:grant-type:token-exchange",
                request: token_exchange::TokenExchange,
                rules: {
                    given_by: GivenBy::Owner,
                    barriers: &[NO_TOKEN_EXCHANGE_FOR_PUBLIC],
                    warning: None,
                },
            }
            /// With an assertion of a trusted issuer ([RFC 7523
            /// §2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)).
            JwtBearer {
                name: "urn:ietf:params:oauth:grant-type:jwt-bearer",
                request: jwt_bearer::JwtBearer,
                rules: {
                    given_by: GivenBy::Owner,
                    barriers: &[NO_JWT_BEARER_FOR_PUBLIC],
                    warning: None,
                },
            }
            /// With the decision of a user whom the application names, and who decides where they are signed in ([CIBA
            /// Core](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html)).
            Ciba {
                name: "urn:openid:params:grant-type:ciba",
                request: backchannel::BackchannelPoll,
                rules: {
                    given_by: GivenBy::Administrator,
                    barriers: &[NO_CIBA_FOR_PUBLIC],
                    warning: None,
                },
            }
        }
    };
}

pub(crate) use grant_types;

macro_rules! define_grant_type {
    ($($(#[$doc:meta])* $variant:ident {
        name: $name:literal,
        request: $module:ident::$request:ident,
        rules: $rules:tt,
    })*) => {
        /// A way to obtain tokens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GrantType {
            $($(#[$doc])* $variant,)*
        }

        impl GrantType {
            /// Every grant type, in the order in which they are written.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Who may use it.
            pub(crate) const fn rules(self) -> &'static GrantTypeRules {
                match self {
                    $(Self::$variant => &GrantTypeRules $rules,)*
                }
            }
        }
    };
}

grant_types!(define_grant_type);

impl GrantType {
    /// The grant type with this name on the wire.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// What bars applications of this profile and type from the grant type, whatever they are registered for.
    pub(crate) fn barriers(
        self,
        profile: Profile,
        client_type: ClientType,
    ) -> impl DoubleEndedIterator<Item = &'static Barrier> {
        self.rules().barriers.iter().filter(move |barrier| match barrier.bars {
            Barred::Profiles(bars) => bars(profile.rules()),
            Barred::ClientType(barred) => barred == client_type,
        })
    }
}

/// What the rules of registration and of the token endpoint know about a grant type.
#[derive(Debug)]
pub(crate) struct GrantTypeRules {
    /// How an application gets it.
    pub(crate) given_by: GivenBy,
    /// Who may not use it. Registration reports all that apply, the token endpoint the last one.
    pub(crate) barriers: &'static [Barrier],
    /// What registration says to those who may use it, to follow the name of the member.
    pub(crate) warning: Option<&'static str>,
}

/// How an application gets a grant type that nothing bars it from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenBy {
    /// By default.
    Default,
    /// If its registration names it.
    Owner,
    /// If a registration by an Administrator names it.
    Administrator,
}

/// Why some applications cannot use a grant type.
#[derive(Debug)]
pub(crate) struct Barrier {
    /// The applications.
    pub(crate) bars: Barred,
    /// The refusal at the token endpoint.
    pub(crate) refusal: Refusal,
    /// The fault of a registration, to follow the name of the member.
    pub(crate) fault: &'static str,
    /// What becomes of the grant type in an update that does not name it.
    pub(crate) inherited: Inherited,
}

/// The applications that a [`Barrier`] concerns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Barred {
    /// Those of the profiles whose rules bar it.
    Profiles(fn(&ProfileRules) -> bool),
    /// Those of a type.
    ClientType(ClientType),
}

/// What becomes of a barred grant type that an application had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inherited {
    /// The update is refused.
    Fault,
    /// The application loses it.
    Dropped,
}

/// [RFC 9700 §2.4](https://www.rfc-editor.org/rfc/rfc9700#section-2.4): the password grant must not be used;
/// confidential applications of the profile `compatible` may use it, and have it by default, because Hybrid
/// Data Pipeline documents it.
const NO_PASSWORD_IN_PROFILE: Barrier = Barrier {
    bars: Barred::Profiles(|rules| !rules.password_grant),
    refusal: Refusal::PasswordNotInProfile,
    fault: "must not name password: the profile does not allow it",
    inherited: Inherited::Fault,
};

/// A public application is not authenticated.
const NO_PASSWORD_FOR_PUBLIC: Barrier = Barrier {
    bars: Barred::ClientType(ClientType::Public),
    refusal: Refusal::PublicPassword,
    fault: "must not name password for a public application",
    inherited: Inherited::Dropped,
};

const PASSWORD_WARNING: &str = "holds password, by which the application learns its users' passwords; leave it out unless \
    a client cannot open a browser";

/// "The client credentials grant type MUST only be used by confidential clients" ([RFC 6749
/// §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)).
const NO_CLIENT_CREDENTIALS_FOR_PUBLIC: Barrier = Barrier {
    bars: Barred::ClientType(ClientType::Public),
    refusal: Refusal::PublicClientCredentials,
    fault: "must not name client_credentials for a public application, which has no secret",
    inherited: Inherited::Fault,
};

/// "Omitting client authentication allows for a compromised token to be leveraged" ([RFC 8693
/// §2.1](https://www.rfc-editor.org/rfc/rfc8693#section-2.1)).
const NO_TOKEN_EXCHANGE_FOR_PUBLIC: Barrier = Barrier {
    bars: Barred::ClientType(ClientType::Public),
    refusal: Refusal::PublicTokenExchange,
    fault: "must not name token-exchange for a public application, which has no secret",
    inherited: Inherited::Fault,
};

/// The assertion names the client that may present it, which must therefore authenticate.
const NO_JWT_BEARER_FOR_PUBLIC: Barrier = Barrier {
    bars: Barred::ClientType(ClientType::Public),
    refusal: Refusal::PublicJwtBearer,
    fault: "must not name jwt-bearer for a public application, which has no secret",
    inherited: Inherited::Fault,
};

/// The client must authenticate ([CIBA Core
/// §7.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.1)): anybody
/// could ask people in the name of a public one.
const NO_CIBA_FOR_PUBLIC: Barrier = Barrier {
    bars: Barred::ClientType(ClientType::Public),
    refusal: Refusal::PublicCiba,
    fault: "must not name ciba for a public application, which has no secret",
    inherited: Inherited::Fault,
};
