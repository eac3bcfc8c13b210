//! Why the store creates no grant.

use oauth::grant::GrantOrigin;
use oauth::refusal::Refusal;

/// The refusal if the preconditions of a grant no longer hold.
pub(super) fn gone(origin: GrantOrigin) -> Refusal {
    match origin {
        GrantOrigin::Code(_) => Refusal::CodeOutlived,
        GrantOrigin::Device(_) => Refusal::DeviceAccessRevoked,
        GrantOrigin::Backchannel(_) => Refusal::BackchannelAccessRevoked,
        GrantOrigin::Password => Refusal::UserInactive,
        GrantOrigin::Assertion => Refusal::GrantAssertionOutlived,
    }
}

/// The refusal if the code has created a grant before. Password and assertion have no code.
pub(super) fn replayed(origin: GrantOrigin) -> Refusal {
    match origin {
        GrantOrigin::Device(_) => Refusal::DeviceCodeReplayed,
        GrantOrigin::Backchannel(_) => Refusal::AuthReqIdReplayed,
        GrantOrigin::Code(_) | GrantOrigin::Password | GrantOrigin::Assertion => Refusal::CodeReplayed,
    }
}
