#![no_main]
//! No members of a client that registers itself make the rules panic. What they accept is within the policy, names only usable
//! addresses, and is the same when the client replaces its registration by it. A statement never sets credentials.

use std::sync::LazyLock;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use oauth::application::{AcceptedCertificates, ApplicationSettings, Profile};
use oauth::client_registration::{
    ClientPolicy, Facts, SoftwareStatement, StatementFacts, decide, may_register, software_statement,
};
use oauth::jwt::{Claims, Object, parse_object};
use oauth::reachable::Reachable;
use oauth::redirect::{self, AllowedSchemes};
use oauth::scope::ScopeRegistry;
use oauth::trusted_issuer::{IssuerSettings, Purpose, TrustedIssuer};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);
static POLICY: LazyLock<ClientPolicy> = LazyLock::new(ClientPolicy::default);

static TRUSTED: LazyLock<TrustedIssuer> = LazyLock::new(|| TrustedIssuer {
    id: TrustedIssuerId::new(1),
    issuer: "https://vendor.example".to_owned(),
    settings: IssuerSettings { purposes: vec![Purpose::SoftwareStatement], ..IssuerSettings::default() },
    created_at: NOW,
    updated_at: NOW,
});

fn facts<'a>(
    statement: Option<&'a SoftwareStatement>,
    existing: Option<&'a ApplicationSettings>,
) -> Facts<'a> {
    Facts {
        scopes: &SCOPES,
        policy: &POLICY,
        minimum_profile: Profile::Compatible,
        statement,
        reachable: Reachable::Public,
        private_use_schemes: &[],
        certificates: AcceptedCertificates::Issued,
        attestable: true,
        existing,
    }
}

fn check(members: &Object, statement: Option<&SoftwareStatement>) {
    let Ok(settings) = decide(members, facts(statement, None)) else { return };
    assert!(settings.profile >= Profile::OAuth21);
    assert!(settings.grant_types.iter().all(|grant| may_register(*grant, settings.profile)));
    assert!(
        settings.redirect_urls.iter().all(|uri| redirect::may_be_registered(
            uri,
            settings.profile,
            AllowedSchemes::NONE
        )
        .is_ok())
    );
    let metadata = &settings.client_metadata;
    for url in
        [&metadata.authentication.jwks_uri, &metadata.openid.backchannel_logout_uri, &settings.logo_url]
    {
        assert!(url.as_deref().is_none_or(|url| Reachable::Public.check(url).is_ok()));
    }
    assert_eq!(decide(members, facts(statement, Some(&settings))), Ok(settings.clone()));
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(members) = parse_object(bytes) else { return };
    let _ = software_statement(&members);
    check(&members, None);
    let Ok(claims) = Claims::parse(bytes) else { return };
    let of_server = StatementFacts { trusted: &TRUSTED, issuer: "https://gate.example", now: NOW };
    let Ok(statement) = SoftwareStatement::accept("a.b.c", claims, of_server) else { return };
    let merged = statement.merged(&Object::new());
    assert!(
        ["client_id", "client_secret", "software_statement", "iss"]
            .iter()
            .all(|name| !merged.contains_key(*name))
    );
    check(&members, Some(&statement));
});
