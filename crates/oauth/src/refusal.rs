//! Why a request of the protocol is refused: many named reasons internally, few codes externally.

use crate::error::ErrorCode;

mod parameter_fault;
mod words;

pub use parameter_fault::ParameterFault;
use words::{ATTESTATION, AUTH_REQ_ID, CLIENT, CODE, DEVICE, GRANT_ASSERTION, REFRESH};

macro_rules! refusals {
    ($($code:ident { $($name:ident: $detail:literal $(as $public:ident)?;)+ })+) => {
        /// Every reason for which the protocol refuses something.
        ///
        /// `Display` gives the private detail for logs and the audit log; [`Refusal::description`] is the
        /// text for the client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Refusal {
            /// A parameter is at fault.
            Parameter {
                /// The spelling in the specification.
                name: &'static str,
                /// The fault.
                fault: ParameterFault,
            },
            /// The application is not registered for the grant type with this name.
            GrantTypeNotRegistered(&'static str),
            $($(#[doc = concat!("Refused because ", $detail, ".")] $name,)+)+
        }

        impl Refusal {
            /// Every reason that carries no name.
            pub const ALL: &[Self] = &[$($(Self::$name),+),+];

            /// The error code in the specification.
            pub const fn code(self) -> ErrorCode {
                match self {
                    Self::Parameter { .. } => ErrorCode::InvalidRequest,
                    Self::GrantTypeNotRegistered(_) => ErrorCode::UnauthorizedClient,
                    $($(Self::$name)|+ => ErrorCode::$code,)+
                }
            }

            const fn detail(self) -> &'static str {
                match self {
                    Self::Parameter { fault, .. } => fault.as_str(),
                    Self::GrantTypeNotRegistered(_) => "the application is not registered for the grant type",
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
        CertificateMissing: "the tokens of this application are bound to its certificate; send one in TLS, at the endpoint in mtls_endpoint_aliases if there is one";
        AuthorizationRepeated: "the Authorization header is given more than once";
        TwoAuthenticationMethods: "the client authenticates in two ways at once";
        ClientIdsDiffer: "client_id in the body differs from the one in the header";
        UnknownClientId: "no application has this client_id";
        RedirectUrlUnknown: "redirect_uri is not one that the application registered";
        RedirectUrlAmbiguous: "redirect_uri is missing, and the application has not registered exactly one URL";
        ResponseModeUnsupported: "response_mode must be query, fragment, form_post, jwt, query.jwt, fragment.jwt or form_post.jwt";
        FormPostToApplication: "a response_mode with a form needs a redirect_uri with http or https";
        ChallengeMissing: "code_challenge is missing; this application must use PKCE";
        ChallengeMethodMissing: "code_challenge_method is missing; it must be S256";
        ChallengeMethodUnsupported: "code_challenge_method must be S256";
        ChallengeMethodWithoutChallenge: "code_challenge_method is given without code_challenge";
        ChallengeMalformed: "code_challenge is not the unpadded base64url form of a SHA-256 digest";
        RequestAndRequestUri: "request and request_uri must not be used together";
        RequestUriInPushedRequest: "a pushed request must not contain request_uri";
        PushedRequestRequired: "this application must push its authorization requests";
        RequestObjectRequired: "this application must send the parameters of its authorization requests in a signed request object";
        SignedResponseRequired: "response_mode must be jwt, query.jwt, fragment.jwt or form_post.jwt for this application";
        PromptUnknown: "prompt has a value other than none, login, consent and select_account";
        PromptNoneCombined: "prompt none cannot be combined with other values";
        TokenTypeUnsupported: "the type of a token is not one that this server exchanges; use urn:ietf:params:oauth:token-type:access_token";
        ActorTypeWithoutToken: "actor_token_type is given without actor_token";
        SubjectTokenInvalid: "subject_token is invalid, has expired or was revoked";
        SubjectTokenBound: "subject_token is bound to a key, which an exchange cannot prove";
        SubjectTokenNotAllowed: "subject_token was issued to an application whose tokens this one may not exchange";
        ActorTokenInvalid: "actor_token is not a valid token of the application that sends the request";
        DelegationNotAllowed: "the application may not exchange tokens with an actor_token";
        ExchangedTooOften: "subject_token has been exchanged too often";
        MaxAgeMalformed: "max_age is not a number of seconds of at most ten digits";
        ClaimsMalformed: "claims is not a JSON object whose members userinfo and id_token are objects of claims";
        IdTokenHintInvalid: "id_token_hint is not an ID token of this server";
        IdTokenHintOfAnotherClient: "id_token_hint was issued to another application than client_id";
        PostLogoutUriUnknown: "post_logout_redirect_uri is not one that the application registered";
        DpopKeyMalformed: "dpop_jkt is not the unpadded base64url form of a SHA-256 digest";
        UserHintMissing: "login_hint or id_token_hint must name the user";
        UserHintsTogether: "only one of login_hint, id_token_hint and login_hint_token may be given";
        LoginHintTokenUnsupported: "login_hint_token is not supported; use login_hint or id_token_hint";
        RequestedExpiryMalformed: "requested_expiry is not a positive number of seconds";
        BackchannelRequestObject: "signed authentication requests are not supported";
        VerifierMalformed: "code_verifier is not 43 to 128 unreserved characters";
    }
    InvalidClient {
        NoClientAuthentication: "the request names no client";
        ClientUrlUnusable: "client_id is a URL that cannot identify a client: it needs https, a host and a path, and must not have user information, a fragment, an empty query or dot segments";
        ClientDocumentHost: "this server accepts no metadata documents of the host of client_id";
        ClientDocumentInside: "client_id is a URL whose host is not a public address";
        ClientDocumentAnswer: "the host of client_id does not answer with status 200 and a JSON document, without a redirect";
        ClientDocumentUnreachable: "the host of client_id cannot be reached over https at present, or has no public address";
        ClientDocumentNotNow: "the host of client_id does not answer with its metadata document at present; try again";
        ClientDocumentTooLarge: "the metadata document at client_id is longer than 5 kB";
        ClientDocumentMalformed: "the metadata document at client_id is not a JSON object whose members have the right types";
        ClientDocumentForeign: "the metadata document names another client_id than its own URL, character by character";
        ClientDocumentSecret: "the metadata document at client_id contains a secret, a private key or a method of authentication by shared secret";
        ClientDocumentMethod: "the metadata document at client_id offers no method of client authentication that is supported for it";
        ClientDocumentGrantTypes: "the metadata document at client_id offers no grant type that is supported for it";
        ClientDocumentAddress: "jwks_uri in the metadata document at client_id does not name a public host";
        ClientDocumentRedirects: "the metadata document at client_id has no redirect URI that may be used";
        UnknownClient: "no application has the client id" as CLIENT;
        WrongSecret: "the secret is not one of the live secrets of the application" as CLIENT;
        SecretInWrongPlace: "this application must send its secret where it registered: in the header with client_secret_basic, in the body with client_secret_post";
        SecretMissing: "a confidential application sent no secret" as CLIENT;
        AssertionNotRegistered: "the application is not registered to authenticate with an assertion" as CLIENT;
        ClientKeysUnusable: "what is at jwks_uri of the application is not a set of public keys" as CLIENT;
        ClientKeysUnreachable: "the keys at jwks_uri of the application cannot be fetched at present; try again";
        AssertionUnverified: "the assertion is malformed, or no key of the application verifies it" as CLIENT;
        AssertionRequired: "the application must authenticate with an assertion" as CLIENT;
        CertificateRequired: "this application must authenticate with a certificate, and the request has none; send it in TLS, at the endpoint in mtls_endpoint_aliases if there is one";
        CertificateNotAlone: "this application must authenticate with a certificate alone, and the request has another credential besides it";
        CertificateNotIssued: "no authority for clients issued the certificate of the connection, or it is not valid now" as CLIENT;
        CertificateOfAnotherSubject: "the certificate of the connection does not have the name that the application registered" as CLIENT;
        CertificateNotRegistered: "the certificate of the connection is not among the keys of the application" as CLIENT;
        AttestationRequired: "this application must authenticate with an attestation in OAuth-Client-Attestation and its proof in OAuth-Client-Attestation-PoP";
        AttestationNotRegistered: "the application is not registered to authenticate with an attestation" as CLIENT;
        AttestationNotAlone: "this application must authenticate with an attestation alone, and the request has another credential besides it";
        AssertionTypeUnknown: "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        AssertionOfAnotherClient: "iss and sub of the assertion are not the client_id";
        AssertionForAnotherServer: "aud of the assertion is not the issuer of this server";
        AssertionAudienceNotAlone: "aud of the assertion is not the issuer of this server alone, as a string";
        AssertionExpired: "exp of the assertion is missing or over, or a time in it is malformed";
        AssertionLivesTooLong: "the assertion is valid for more than an hour";
        AssertionNotYetValid: "iat or nbf of the assertion is in the future";
        AssertionWithoutId: "jti of the assertion is missing";
        AssertionReplayed: "the assertion was used before; each request needs a new one";
        WorkloadUnknown: "sub of the assertion is not a workload of an application" as CLIENT;
        WorkloadForAnotherServer: "aud of the assertion must be this server alone, in the form that is agreed with its issuer";
        WorkloadConstrained: "the assertion has a constraint that this server does not honour: cnf or authorization_details";
        AssertionKeys: "the issuer of the assertion publishes no keys that can be used";
        AssertionKeysUnavailable: "the keys of the issuer of the assertion cannot be fetched now; try again";
        SecretOfPublicClient: "a public application sent a secret" as CLIENT;
        BasicMalformed: "the Authorization header is not of the Basic form" as CLIENT;
    }
    InvalidGrant {
        CodeForged: "the code was not sealed by this server" as CODE;
        CodeExpired: "the code has expired" as CODE;
        CodeOfAnotherClient: "the code was issued to another application" as CODE;
        CodeReplayed: "the code was used before; its grant was revoked" as CODE;
        CodeOutlived: "the session of the code has ended, or the access of the consent, application or user behind it was revoked" as CODE;
        RedirectUrlDiffers: "redirect_uri differs from the one of the authorization request" as CODE;
        ChallengeNowRequired: "the code carries no challenge, which the application must use now" as CODE;
        VerifierMissing: "code_verifier is missing although the code carries a challenge";
        VerifierUnexpected: "code_verifier is given although the code carries no challenge";
        VerifierWrong: "code_verifier does not match the code's challenge";
        RefreshTokenForged: "the refresh token was not sealed by this server" as REFRESH;
        RefreshTokenOfAnotherClient: "the refresh token was issued to another application" as REFRESH;
        RefreshTokenReplayed: "the refresh token was replaced before; the grant was revoked" as REFRESH;
        RefreshTokenFromTheFuture: "the refresh token has a generation that was not issued yet" as REFRESH;
        RefreshTokenExpired: "the refresh token has expired" as REFRESH;
        ResourceGone: "a resource of the grant does not exist any more";
        GrantGone: "the grant does not exist any more" as REFRESH;
        GrantRevoked: "the grant was revoked" as REFRESH;
        GrantOutlived: "all access of the application or the user was revoked since" as REFRESH;
        PasswordGrantOver: "the grant was issued for a password, and the application may no longer use the password grant" as REFRESH;
        GrantNotRefreshable: "the grant was created without a refresh token" as REFRESH;
        RefreshTokenOfAnotherInstance: "the refresh token is bound to the key of another instance of the client" as REFRESH;
        RefreshTokenOfAnotherKey: "the refresh token is bound to a key that the request does not prove" as REFRESH;
        CodeOfAnotherKey: "the code is bound to a key that the request does not prove" as CODE;
        CodeOfAnotherInstance: "the code is bound to the key of another instance of the client" as CODE;
        DeviceCodeUnknown: "the device code was not issued by this server, or has been deleted" as DEVICE;
        DeviceCodeOfAnotherClient: "the device code was issued to another application" as DEVICE;
        DeviceCodeOfAnotherInstance: "the device code is bound to the key of another instance of the client" as DEVICE;
        DeviceCodeReplayed: "the device code was used before; its grant was revoked" as DEVICE;
        DeviceAccessRevoked: "the access of the consent, application or user behind the device code was revoked" as DEVICE;
        AuthReqIdUnknown: "auth_req_id was not issued by this server, or has been deleted" as AUTH_REQ_ID;
        AuthReqIdOfAnotherClient: "auth_req_id was issued to another application" as AUTH_REQ_ID;
        AuthReqIdOfAnotherInstance: "auth_req_id is bound to the key of another instance of the client" as AUTH_REQ_ID;
        AuthReqIdReplayed: "auth_req_id was used before; its grant was revoked" as AUTH_REQ_ID;
        BackchannelAccessRevoked: "the access of the consent, application or user behind auth_req_id was revoked" as AUTH_REQ_ID;
        GrantAssertionUntrusted: "the issuer of the assertion is not trusted for this" as GRANT_ASSERTION;
        GrantAssertionUnverified: "the assertion is malformed, has the wrong typ, or no key of its issuer verifies it" as GRANT_ASSERTION;
        GrantAssertionKeys: "the issuer of the assertion publishes no keys that can be used";
        GrantAssertionKeysUnavailable: "the keys of the issuer of the assertion cannot be fetched now; try again";
        GrantAssertionForAnotherServer: "aud of the assertion must be this server alone, in the form that is agreed with its issuer";
        GrantAssertionForAnotherClient: "client_id of the assertion is not the client that sends it, or is missing";
        GrantAssertionOfUnknownClient: "assertions of this issuer are not accepted from this client";
        GrantAssertionExpired: "exp of the assertion is over, or a time in it is missing or malformed";
        GrantAssertionLivesTooLong: "the assertion is valid for more than an hour, or is older than that";
        GrantAssertionNotYetValid: "iat or nbf of the assertion is in the future";
        GrantAssertionWithoutId: "jti of the assertion is missing";
        GrantAssertionWithoutResource: "resource of the assertion is missing or malformed";
        GrantAssertionForAnotherResource: "resource of the assertion is not one of this server that its issuer may name";
        GrantAssertionConstrained: "the assertion has a constraint that this server does not honour: cnf or authorization_details";
        GrantAssertionOfUnknownUser: "the subject of the assertion is not an active user here";
        GrantAssertionReplayed: "the assertion was used before; each request needs a new one";
        GrantAssertionOutlived: "the access of the application or the user was revoked meanwhile";
        UserInactive: "the user is inactive or was deleted";
        CredentialsWrong: "the user name or the password is wrong, or the account is locked";
        PasswordExpired: "the password has expired";
        SecondFactorNeeded: "the user signs in with a second factor, which this grant cannot ask for";
        OwnerInactive: "the owner of the application is inactive or was deleted";
    }
    InvalidToken {
        TokenOfAnotherScheme: "the access token must be presented in the way of its token_type";
        TokenUnbound: "the access token is bound to no key, and the profile of this server demands that";
    }
    InvalidDpopProof {
        ProofBesidesCertificate: "the tokens of this application are bound to its certificate; send no DPoP proof";
        DpopRequired: "this application must send a DPoP proof";
        DpopRepeated: "the DPoP header is given more than once";
        DpopUnverified: "the DPoP proof is not a JWT of type dpop+jwt that is signed with the public key in its header";
        DpopClaimMissing: "the DPoP proof has a claim that is missing or malformed";
        DpopMethodDiffers: "htm of the DPoP proof is not the method of the request";
        DpopUrlDiffers: "htu of the DPoP proof is not the URL of the request";
        DpopTimeWrong: "iat of the DPoP proof is not within the last five minutes";
        DpopReplayed: "the DPoP proof was used before";
        DpopTokenDiffers: "ath of the DPoP proof is not the digest of the access token";
        DpopDigestMalformed: "content_digest of the DPoP proof is not sha-256=:BASE64:, the SHA-256 digest of the body";
        DpopContentDiffers: "content_digest of the DPoP proof is not the digest of the body";
        DpopKeyOfAnotherRequest: "dpop_jkt names another key than that of the DPoP proof";
        DpopKeyDiffers: "the access token is bound to another key than that of the DPoP proof";
    }
    InvalidClientAttestation {
        AttestationRepeated: "OAuth-Client-Attestation or OAuth-Client-Attestation-PoP is given more than once";
        AttestationMissing: "OAuth-Client-Attestation-PoP is given without OAuth-Client-Attestation";
        AttestationProofMissing: "OAuth-Client-Attestation is given without OAuth-Client-Attestation-PoP, which a DPoP proof does not replace here";
        AttesterUnknown: "the attester is not trusted for the application" as ATTESTATION;
        AttestationUnverified: "the attestation is malformed, has the wrong typ, or no key of the attester verifies it" as ATTESTATION;
        AttesterKeys: "the attester publishes no keys that can be used";
        AttesterKeysUnavailable: "the keys of the attester cannot be fetched now; try again";
        AttestationOfAnotherClient: "sub of the attestation is not the client_id";
        AttestationTimes: "exp of the attestation is missing or more than 30 days ahead, or a time in it is malformed or in the future";
        AttestationKey: "cnf.jwk of the attestation is missing, or is not a public key that is used here";
        AttestationProofUnverified: "the proof of the attestation is not a JWT of type oauth-client-attestation-pop+jwt that the key in cnf of the attestation verifies with an allowed algorithm";
        AttestationProofForAnotherServer: "aud of the proof of the attestation is not the issuer of this server alone";
        AttestationProofTimes: "iat of the proof of the attestation is missing or not within the last five minutes, or another time in it does not fit";
        AttestationProofWithoutId: "jti of the proof of the attestation is missing";
        AttestationProofReplayed: "the proof of the attestation was used before; each request needs a new one";
        AttestationChallengeMalformed: "challenge of the proof of the attestation is not a string";
    }
    UseFreshAttestation {
        AttestationExpired: "the attestation has expired; the attester issues new ones";
    }
    UseAttestationChallenge {
        AttestationChallengeMissing: "the proof of the attestation needs the challenge in OAuth-Client-Attestation-Challenge";
        AttestationChallengeStale: "the challenge of the proof of the attestation is not one that this server issued in the last minutes; use the one in OAuth-Client-Attestation-Challenge";
    }
    UseDpopNonce {
        DpopNonceMissing: "the DPoP proof needs the nonce in DPoP-Nonce";
        DpopNonceStale: "the nonce of the DPoP proof is not one that this server issued in the last minutes; use the one in DPoP-Nonce";
    }
    UnauthorizedClient {
        PasswordNotInProfile: "the application's profile does not allow the password grant";
        PublicNotInProfile: "the profile of the application allows only confidential applications";
        PasswordWithoutSecondFactor: "the application demands a second factor, which the password grant cannot ask for";
        PublicPassword: "a public application cannot use the password grant";
        PublicClientCredentials: "a public application cannot use client_credentials";
        PublicTokenExchange: "a public application cannot exchange tokens";
        PublicJwtBearer: "a public application cannot present assertions about users";
        PublicCiba: "a public application cannot ask users to sign in elsewhere";
        ExchangeNotAllowed: "the application has no policy that allows it to exchange tokens";
        PublicIntrospection: "a public application cannot introspect tokens";
    }
    UnsupportedGrantType {
        GrantTypeUnknown: "grant_type is not one that this server knows";
    }
    UnsupportedResponseType {
        ResponseTypeUnsupported: "response_type must be code";
    }
    InvalidScope {
        ScopeUnknown: "scope contains one that this server does not know";
        ScopeNotRegistered: "scope contains one that the application is not registered for";
        ScopeWithoutEffect: "scope names nothing that the application gets here; name a scope that it is registered for";
        ScopeOfUsers: "scope contains one that identifies a user, such as openid, but there is no user";
        ScopeOfSignIn: "scope contains one that belongs to a sign-in, such as openid or offline_access; an exchanged token has none";
        ScopeWithoutOpenId: "scope must contain openid";
        ScopeWidened: "scope contains one that was not granted";
        GrantAssertionWithoutScope: "no scope is left of those that the assertion, its issuer, the request and the application allow";
        NoScopeLeft: "the application is no longer registered for any scope that was granted";
    }
    InvalidTarget {
        TargetNotAllowed: "the application may not get a token for this resource or audience";
    }
    AccessDenied {
        UserDenied: "User denied OAuth access";
        AddressNotAllowed: "requests from this address are not allowed";
    }
    AuthorizationPending {
        NotDecided: "the user has not decided yet; ask again after the interval";
    }
    SlowDown {
        PolledTooSoon: "the client asked again before the interval was over; wait five seconds longer";
    }
    ExpiredToken {
        DeviceCodeExpired: "the device code has expired; start again";
        AuthReqIdExpired: "auth_req_id has expired; ask the user again";
    }
    UnknownUserId {
        UserHintUnknown: "the hint names no user who can be asked";
    }
    InvalidBindingMessage {
        BindingMessageUnusable: "binding_message has more than 64 characters, or one that is not plain text";
    }
    UnmetAuthenticationRequirements {
        AcrUnmet: "no sign-in at this server has an acr that the request demands";
    }
    InteractionRequired {
        SecondFactorMissing: "the user must set up a second factor, and prompt none does not allow asking";
    }
    LoginRequired {
        AnotherUserSignedIn: "the user who is signed in is not the one that the request names";
        NotSignedIn: "nobody is signed in, and prompt none does not allow asking";
    }
    ConsentRequired {
        NotConsented: "the user has not allowed this, and prompt none does not allow asking";
    }
    InvalidTarget {
        ResourceMalformed: "a resource or audience is not an absolute URI without a fragment, or is too long";
        TooManyResources: "there are more than 8 resources or audiences";
        ResourceOutsideData: "a resource or audience names a data source that is not among the data of the request or of the grant";
        ResourceUnknown: "a resource or audience is not one that this server knows";
        ResourceNotGranted: "resource is not one that was granted";
    }
    InvalidAuthorizationDetails {
        AuthorizationDetailsMalformed: "authorization_details is not an array of objects of type data_source with the members that the type has";
        AuthorizationDetailsTypeUnknown: "authorization_details has a type that this server does not know; it knows data_source";
        AuthorizationDetailsTypeNotRegistered: "authorization_details has a type that is not among the authorization_details_types of the client";
        AuthorizationDetailsAction: "authorization_details has an action that a data source does not have; it has read";
        AuthorizationDetailsLocation: "authorization_details has a location that is not the address of a data source";
        AuthorizationDetailsDatatype: "authorization_details has a datatype that is not an entity set of its data source";
        AuthorizationDetailsScope: "authorization_details needs the scope api.access.odata, for which the application is not registered";
        AuthorizationDetailsNotGranted: "authorization_details names data that was not granted";
    }
    TemporarilyUnavailable {
        TooManyOpenRequests: "too many people are signing in for this application; try again later";
        ClientDocumentLater: "the server fetches too many metadata documents now; try again";
        ClientKeysLater: "the server fetches the keys of too many applications now; try again";
    }
    InvalidRequestUri {
        PushedRequestUnknown: "the pushed request is unknown, has expired, was answered or belongs to another application";
        RequestUriNotRegistered: "request_uri is not an address that the application registered for its request objects";
        RequestUriUnreachable: "the host of request_uri does not answer over https with status 200 and a request object, has no public address, or is not asked now";
    }
    InvalidRequestObject {
        RequestObjectUnverified: "the request object is not a JWT of type oauth-authz-req+jwt that a key of the application verifies with an allowed algorithm";
        RequestObjectKeysUnusable: "what is at jwks_uri of the application is not a set of public keys, so the request object is not verified";
        RequestObjectKeysUnreachable: "the keys at jwks_uri of the application cannot be fetched at present, so the request object is not verified; try again";
        RequestObjectEncrypted: "the request object is encrypted, which is not supported";
        RequestObjectOfAnotherClient: "iss and client_id of the request object are not the client_id of the request";
        RequestObjectForAnotherServer: "aud of the request object is not the issuer of this server";
        RequestObjectTimes: "exp of the request object is missing, over or more than an hour ahead, or another time in it is malformed or in the future";
        RequestObjectWithSubject: "a request object must not contain sub";
        RequestObjectNested: "a request object must not contain request or request_uri";
        RequestObjectMember: "a claim of the request object has a type that its parameter cannot have";
    }
    RegistrationNotSupported {
        RegistrationInRequest: "registration is not supported: a client registers before its request, or has a metadata document";
    }
    RequestUriNotSupported {
        RequestObjectByReference: "request objects by reference are not supported";
    }
}

impl Refusal {
    /// Whether the same request may succeed later. A host with keys or documents that is out of order is no failure of this
    /// server, and anybody can send what needs it, so the code alone does not tell.
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::ClientDocumentUnreachable
                | Self::ClientDocumentNotNow
                | Self::ClientKeysUnreachable
                | Self::RequestObjectKeysUnreachable
                | Self::AttesterKeysUnavailable
                | Self::AssertionKeysUnavailable
                | Self::GrantAssertionKeysUnavailable
        ) || matches!(self.code(), ErrorCode::TemporarilyUnavailable)
    }
}
