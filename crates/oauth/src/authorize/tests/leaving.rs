//! Tests of errors that leave the server.

use super::*;
use crate::application::SelfRegistered;

/// What a redirector needs is a request that fails, or one that is silent.
#[test]
fn an_error_leaves_only_after_a_sign_in_and_to_a_stranger_only_after_a_question() {
    let known = sample::application(|_| {});
    let mut stranger = sample::application(|_| {});
    stranger.settings.client_metadata.self_registered = Some(SelfRegistered::default());
    let (other, ally) = (AtBrowser::User { allows_client: false }, AtBrowser::User { allows_client: true });
    for (prompt, user, of_known, of_stranger) in [
        ("", AtBrowser::Nobody, Leaving::AfterSignIn, Leaving::AfterSignIn),
        ("login", AtBrowser::Nobody, Leaving::AfterSignIn, Leaving::AfterSignIn),
        ("none login", AtBrowser::Nobody, Leaving::AfterSignIn, Leaving::AfterSignIn),
        ("none", AtBrowser::Nobody, Leaving::AtOnce, Leaving::AfterQuestion),
        (" none ", AtBrowser::Nobody, Leaving::AtOnce, Leaving::AfterQuestion),
        ("none", other, Leaving::AtOnce, Leaving::AfterQuestion),
        ("none", ally, Leaving::AtOnce, Leaving::AtOnce),
        ("", other, Leaving::AtOnce, Leaving::AfterQuestion),
        ("", ally, Leaving::AtOnce, Leaving::AtOnce),
    ] {
        for (application, expected) in [(&known, of_known), (&stranger, of_stranger)] {
            let pairs = [("client_id", sample::CLIENT_ID), ("redirect_uri", REDIRECT), ("prompt", prompt)];
            let request = AuthorizeRequest::parse(&sample::pairs(&pairs)).unwrap();
            let refused = refuse(&request, Some(application), Refusal::ScopeUnknown);
            let AuthorizeRefusal::Redirect(refused) = refused else { panic!("{refused:?}") };
            assert_eq!(refused.leaving(user), expected, "{prompt:?} {user:?}");
        }
    }
}
