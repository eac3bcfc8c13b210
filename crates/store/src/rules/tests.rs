use std::collections::BTreeMap;

use domain::account::{ADMINISTRATOR_ROLE, Authority, Credential, Lockout, Rights, SealedOption, USER_ROLE};
use domain::id::{ApplicationId, Epoch};
use domain::secret::{Digest, PasswordHash};
use oauth::application::{
    ApplicationSettings, ClientMetadata, GrantType, Profile, StoredSecret, TokenFormat,
};

use super::*;

fn event(permissions: &[Permission]) -> NewAuditEvent {
    let caller = Rights { user: UserId::new(7), epoch: Epoch::new(1), permissions: permissions.to_vec() };
    let authority = Authority { caller, subject: None, credential: Credential::Password };
    let event = NewAuditEvent::new(Action::UpdateRole, Outcome::Success, Timestamp::from_secs(0));
    NewAuditEvent { authority: Some(Box::new(authority)), ..event }
}

#[test]
fn nobody_changes_what_carries_more_rights_than_they_have_or_still_have() {
    let event = event(&[Permission::WebUI]);
    assert_eq!(rights_cover(true, &event, &[Permission::WebUI]), Ok(()));
    assert_eq!(rights_cover(true, &event, &[Permission::MgmtAPI]), Err(UserRefusal::BeyondRights));
    assert_eq!(rights_cover(false, &event, &[]), Err(UserRefusal::RightsChanged));
}

#[test]
fn only_an_application_that_still_has_the_scope_may_manage() {
    assert!(may_still_manage(Some(ScopeSet::from_iter([BuiltInScope::Management]))));
    assert!(!may_still_manage(Some(ScopeSet::from_iter([BuiltInScope::OData]))));
    assert!(!may_still_manage(None));
}

#[test]
fn a_role_keeps_the_permission_through_which_the_last_administrator_has_it() {
    let role = |id: RoleId, permissions: &[Permission]| Role {
        id,
        name: "Support".to_owned(),
        description: String::new(),
        permissions: permissions.to_vec(),
        requires_second_factor: false,
    };
    let now = |through_other_roles, any| Administrators { through_other_roles, any };
    let (stripped, kept) = (role(RoleId::new(9), &[]), role(RoleId::new(9), &[Permission::Administrator]));
    let last = Err(UserRefusal::LastAdministrator);
    assert_eq!(role_leaves_an_administrator(&stripped, now(false, true)), last);
    assert_eq!(role_leaves_an_administrator(&stripped, now(true, true)), Ok(()));
    assert_eq!(role_leaves_an_administrator(&stripped, now(false, false)), Ok(()), "there was none");
    assert_eq!(role_leaves_an_administrator(&kept, now(false, true)), Ok(()));
    let built_in = role(ADMINISTRATOR_ROLE, &[]);
    assert_eq!(role_leaves_an_administrator(&built_in, now(true, true)), last, "the built-in role keeps it");
}

#[test]
fn a_role_that_is_built_in_or_used_stays() {
    assert_eq!(role_may_be_deleted(RoleId::new(9), false), Ok(()));
    assert_eq!(role_may_be_deleted(RoleId::new(9), true), Err(UserRefusal::RoleInUse));
    assert_eq!(role_may_be_deleted(USER_ROLE, false), Err(UserRefusal::RoleInUse));
}

#[test]
fn the_last_active_administrator_stays_one() {
    let user = |active| User {
        id: UserId::new(7),
        name: "ada".to_owned(),
        password: PasswordHash::new("hash".to_owned()),
        active,
        password_expires_at: None,
        roles: vec![ADMINISTRATOR_ROLE],
        epoch: Epoch::new(1),
        lockout: Lockout::default(),
        attributes: None,
        subject_seed: domain::account::attributes::SubjectSeed::new("00".repeat(16)),
        has_second_factor: false,
        created_at: Timestamp::from_secs(0),
        updated_at: Timestamp::from_secs(0),
    };
    let change = |was, stays, another| AdministratorChange { was, stays, another };
    let last = Err(UserRefusal::LastAdministrator);
    assert_eq!(user_leaves_an_administrator(&user(true), change(true, false, false)), last);
    for passes in [change(true, true, false), change(true, false, true), change(false, false, false)] {
        assert_eq!(user_leaves_an_administrator(&user(true), passes), Ok(()));
    }
    assert_eq!(user_leaves_an_administrator(&user(false), change(true, false, false)), Ok(()));
}

#[test]
fn options_that_changed_since_the_decision_refuse_it() {
    let options = |path: &str| StoredOptions::from(BTreeMap::from([("path".to_owned(), path.to_owned())]));
    let change = |judged_for| DataSourceChange {
        max_authentication_age: None,
        requires_second_factor: None,
        writable: None,
        name: None,
        description: String::new(),
        options: None,
        judged_for,
        at: Timestamp::from_secs(0),
    };
    assert_eq!(options_are_those_judged(&change(None), &options("a")), Ok(()));
    assert_eq!(options_are_those_judged(&change(Some(options("a"))), &options("a")), Ok(()));
    let refused = options_are_those_judged(&change(Some(options("b"))), &options("a"));
    assert_eq!(refused, Err(DataSourceRefusal::OptionsChanged));
    let mut sealed = options("a");
    sealed.sealed.insert("password".to_owned(), SealedOption::new("sealed".to_owned()));
    let refused = options_are_those_judged(&change(Some(options("a"))), &sealed);
    assert_eq!(refused, Err(DataSourceRefusal::OptionsChanged), "another secret");
}

#[test]
fn a_data_source_is_not_shared_with_its_owner() {
    let (owner, other) = (UserId::new(1), UserId::new(2));
    for sharing in [Sharing::With(vec![owner, other]), Sharing::Also(vec![owner, other])] {
        assert_eq!(sharing.added(), [owner, other]);
        assert_eq!(sharing.added_besides(owner).collect::<Vec<_>>(), [other]);
    }
    assert!(Sharing::Without(other).added().is_empty());
}

fn application(secrets: &[(i64, Option<i64>)]) -> Application {
    let at = Timestamp::from_secs(0);
    let secret = |(id, expires): &(i64, Option<i64>)| StoredSecret {
        id: SecretId::new(*id),
        digest: Digest::from_bytes([0; 32]),
        hint: "abcd".to_owned(),
        created_at: at,
        expires_at: expires.map(Timestamp::from_secs),
        last_used_at: None,
        sealed: None,
    };
    Application {
        id: ApplicationId::new(1),
        client_id: "00000000-0000-4000-8000-000000000000".parse().unwrap(),
        owner: UserId::new(1),
        owner_name: "ada".to_owned(),
        handed_over: None,
        epoch: Epoch::new(1),
        settings: ApplicationSettings {
            name: "app".to_owned(),
            description: String::new(),
            redirect_urls: Vec::new(),
            profile: Profile::OAuth21,
            client_type: ClientType::Confidential,
            grant_types: vec![GrantType::ClientCredentials],
            scopes: ScopeSet::from_bits(0),
            token_format: TokenFormat::Opaque,
            access_token_lifetime_secs: None,
            contacts: Vec::new(),
            logo_url: None,
            cors_origins: Vec::new(),
            client_metadata: ClientMetadata::default(),
        },
        secrets: secrets.iter().map(secret).collect(),
        created_at: at,
        updated_at: at,
        last_used_at: None,
    }
}

#[test]
fn two_secrets_are_live_at_most_and_one_at_least() {
    let now = Timestamp::from_secs(10);
    let one = application(&[(1, Some(5)), (2, None)]);
    let two = application(&[(1, Some(20)), (2, None)]);
    assert_eq!(a_secret_may_be_added(&one, now), Ok(()));
    assert_eq!(a_secret_may_be_added(&two, now), Err(ApplicationRefusal::TwoLiveSecrets));
    assert_eq!(remaining_secret(&two, SecretId::new(1), now), Ok(SecretId::new(2)));
    assert_eq!(remaining_secret(&one, SecretId::new(2), now), Err(ApplicationRefusal::LastSecret));
    assert_eq!(remaining_secret(&one, SecretId::new(1), now), Err(ApplicationRefusal::UnknownSecret));
}

#[test]
fn a_public_application_has_no_secrets() {
    let mut application = application(&[]);
    assert_eq!(is_confidential(&application), Ok(()));
    application.settings.client_type = ClientType::Public;
    assert_eq!(is_confidential(&application), Err(ApplicationRefusal::Public));
}

#[test]
fn trusted_origins_are_listed_once_and_bounded_in_number() {
    let entry = |domain: &str| NewTrustedOrigin {
        domain: domain.to_owned(),
        description: String::new(),
        modified_by: "ada".to_owned(),
        at: Timestamp::from_secs(3),
    };
    let new = [entry("https://a.example"), entry("https://b.example"), entry("https://a.example")];
    assert_eq!(entries_are_new(&new[..2], &[]), Ok(()));
    assert_eq!(entries_are_new(&new, &[]), Err(TrustedOriginRefusal::Listed(2)));
    let listed = ["https://b.example".to_owned()];
    assert_eq!(entries_are_new(&new, &listed), Err(TrustedOriginRefusal::Listed(1)));
    let most = u32::try_from(MOST_TRUSTED).unwrap();
    assert_eq!(list_has_room(most - 2, &new[..2]), Ok(()));
    assert_eq!(list_has_room(most - 1, &new[..2]), Err(TrustedOriginRefusal::Full));
    assert_eq!(trusted_origin(TrustedOriginId::new(4), &new[0]).modified_at, Timestamp::from_secs(3));
}

#[test]
fn a_limit_of_a_newer_version_is_skipped() {
    let known = Limit::ALL[0];
    assert_eq!(known_limits(vec![(known.id(), 5), (i64::MAX, 6)]), [(known, 5)]);
}

#[test]
fn a_lock_is_recorded_as_done_with_the_circumstances_of_the_refusal() {
    let refused = NewAuditEvent { outcome: Outcome::Refused, ..event(&[]) };
    let locked = lock_event(&refused);
    assert_eq!(
        (locked.action, locked.outcome, locked.at),
        (Action::LockAccount, Outcome::Success, refused.at)
    );
}
