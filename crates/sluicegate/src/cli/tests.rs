use super::*;
use crate::messages::advice;
use crate::messages::{given, place_in_list, sentence};

/// Every command that is not hidden.
fn visible(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let help = command.clone().render_long_help().to_string();
    found.push((path.to_owned(), help));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        visible(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let mut found = Vec::new();
    visible(&program(), "sluicegate", &mut found);
    assert!(found.len() > 25, "{}", found.len());
    for (path, help) in found {
        assert!(help.contains("Example"), "{path} has no example");
        let (help, _) = help.split_once("Example").expect("an example");
        assert!(!help.contains('`'), "{path}: {help}");
    }
}

const DEPLOYED: [(&str, &str); 3] = [
    ("sluicegate.service", include_str!("../../../../deploy/sluicegate.service")),
    ("sluicegate-backup.service", include_str!("../../../../deploy/sluicegate-backup.service")),
    ("Dockerfile", include_str!("../../../../deploy/Dockerfile")),
];

/// Follows words through the commands of a program, and returns the command if it exists.
fn command_of<'a>(program: &'a clap::Command, words: &[&str]) -> Option<&'a clap::Command> {
    let inner = program.find_subcommand(words.first()?)?;
    command_of(inner, &words[1..]).or(Some(inner))
}

#[test]
fn commands_and_flags_in_deployment_files_exist() {
    let program = <CommandLine as clap::CommandFactory>::command();
    let mut found = Vec::new();
    for (file, text) in DEPLOYED {
        let text = text.replace("\\\n#", " ");
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for at in (0..words.len()).filter(|at| words[*at].trim_start_matches('/').ends_with("sluicegate"))
            {
                let Some(command) = command_of(&program, &words[at + 1..]) else { continue };
                for flag in words[at + 1..].iter().filter_map(|word| word.strip_prefix("--")) {
                    let known = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                    assert!(known, "{file}: {} has no --{flag}", command.get_name());
                }
                found.push(format!("{file}: {}", command.get_name()));
            }
        }
    }
    let wanted =
        ["sluicegate.service: init", "sluicegate.service: serve", "sluicegate-backup.service: backup"];
    for wanted in wanted.into_iter().chain(["Dockerfile: init"]) {
        assert!(found.iter().any(|found| found == wanted), "{wanted}: {found:?}");
    }
}

#[test]
fn environment_variables_of_the_image_are_settings() {
    let (_, text) = DEPLOYED[2];
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    let variables: Vec<_> = pairs.filter(|(name, _)| name.starts_with("SLUICEGATE_")).collect();
    assert!(variables.len() >= 3, "{variables:?}");
    let settings = InstallationArgs::default().settings(&Environment::sample(&variables)).unwrap();
    assert_eq!(settings.general.data_dir, PathBuf::from("/data"));
}

#[test]
fn the_image_runs_an_existing_command() {
    let (_, text) = DEPLOYED[2];
    let words = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let words: Vec<String> = serde_json::from_str(words).unwrap();
    assert_eq!(words, ["serve", "--listen", "0.0.0.0:8080"]);
    let typed = std::iter::once("sluicegate".to_owned()).chain(words);
    <CommandLine as clap::Parser>::try_parse_from(typed).unwrap();
}

#[test]
fn the_command_line_is_consistent() {
    <CommandLine as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn faults_name_the_flags_that_were_given() {
    let faults =
        [("redirectUrls[1]", "is not a URL"), ("scopes", "is empty"), ("options.path", "is required")];
    let faults = faults.map(|(field, message)| (field.to_owned(), message.to_owned()));
    let message = sentence(faults.into_iter()).to_string();
    assert_eq!(message, "--redirect-url (number 2) is not a URL; --scope is empty; the path is required");
}

#[test]
fn members_of_the_api_are_shown_as_flags_and_objects() {
    for member in ["transferTo", "sharedUsers[0]", "dataStore", "corsOrigins[2]", "options.keys"] {
        assert!(!given(member).contains(member.split('[').next().unwrap()), "{member}");
    }
    assert_eq!(given("tokenExchange.clients[0]"), "clients (number 1) in --token-exchange");
    assert_eq!(given("issuedBefore"), "--issued-before");
    assert_eq!(place_in_list("sharedUsers[3]"), Some(3));
    assert_eq!(place_in_list("sharedUsers"), None);
}

/// An update with only the location of the installation and the subject is refused.
#[test]
fn an_update_needs_a_change() {
    let program = <CommandLine as clap::CommandFactory>::command();
    for what in ["application", "role", "user", "data-source"] {
        let update = program.find_subcommand(what).unwrap().find_subcommand("update").unwrap();
        let group = update.get_groups().find(|group| group.get_id() == "changes").unwrap();
        let changes: Vec<_> = group.get_args().collect();
        let installation = ["data-dir", "config", "database"];
        for flag in update.get_opts().filter(|flag| !installation.contains(&flag.get_long().unwrap())) {
            assert!(changes.contains(&flag.get_id()), "{what} update --{}", flag.get_long().unwrap());
        }
        let typed = ["sluicegate", what, "update", "1"];
        let refused = <CommandLine as clap::Parser>::try_parse_from(typed).unwrap_err().to_string();
        assert!(refused.contains("--name") && refused.contains("Usage:"), "{refused}");
        assert_eq!(refused.matches("--name").count(), 1, "{refused}");
        let renamed = typed.into_iter().chain(["--name", "X"]);
        <CommandLine as clap::Parser>::try_parse_from(renamed).unwrap();
    }
}

#[test]
fn invalid_numbers_and_addresses_are_refused_with_a_message() {
    for (typed, message) in [
        (&["audit", "list", "--limit", "x"][..], "a whole number from 1 to 1000"),
        (&["audit", "list", "--limit", "1001"], "a whole number from 1 to 1000"),
        (&["limit", "set", "MaxFetchRows", "x"], "a whole number"),
        (&["application", "update", "1", "--access-token-lifetime", "x"], "a whole number"),
        (&["application", "show", "Reports"], "`application list` shows"),
        (&["demo", "--listen", "0.0.0.0:0"], "stays on this machine"),
    ] {
        let typed = std::iter::once(&"sluicegate").chain(typed);
        let refused = <CommandLine as clap::Parser>::try_parse_from(typed).unwrap_err().to_string();
        assert!(refused.contains(message), "{refused}");
        assert!(!refused.contains("invalid digit") && !refused.contains("--tls-cert"), "{refused}");
    }
}

#[test]
fn a_permission_error_says_once_what_is_wrong_and_what_to_do() {
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let path = PathBuf::from("/srv/master.key");
    let error = anyhow::Error::from(vault::MasterKeyError::File { path, source: denied });
    let message = format!("{error:#}{}", advice(&error));
    assert_eq!(message.matches("permission denied").count(), 1, "{message}");
    assert!(message.contains("/srv/master.key") && message.contains("Run this as the user"), "{message}");
    assert_eq!(advice(&anyhow::anyhow!("something else")), "");
}

/// Every command that shows something has `--json`, and every irreversible one has `--yes`.
#[test]
fn every_list_has_json_and_every_irreversible_command_has_yes() {
    fn check(command: &clap::Command, path: &str) {
        let has = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
        match command.get_name() {
            "list" | "show" | "permissions" => assert!(has("json"), "{path} has no --json"),
            "delete" | "end" | "reset" | "reset-secret" | "revoke" => {
                assert!(has("yes"), "{path} has no --yes");
            }
            _ => {}
        }
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
    }
    check(&<CommandLine as clap::CommandFactory>::command(), "sluicegate");
}

/// The members of a payload with the arguments that give them.
type Arguments = &'static [(&'static str, &'static str)];

#[test]
fn the_help_names_every_grant_type() {
    let register = command(&["application", "register"]);
    let help = register.clone().render_long_help().to_string();
    for grant_type in oauth::application::GrantType::ALL {
        assert!(help.contains(grant_type.as_str()), "{help}");
    }
}

/// The payloads with their commands. An argument that is left out belongs to another command, or
/// the member cannot be anything else.
const MEMBERS: [(&str, &[&str], &[Arguments]); 16] = [
    ("ApplicationPayload", &["application", "register"], &[APPLICATION, &[("clientType", "public")]]),
    // The type cannot change.
    ("ApplicationPayload", &["application", "update"], &[APPLICATION, &[("clientType", "")]]),
    ("UserPayload", &["user", "add"], &[USER]),
    ("UserChange", &["user", "update"], &[USER_CHANGE]),
    ("RolePayload", &["role", "add"], &[ROLE]),
    ("RolePayload", &["role", "update"], &[ROLE]),
    ("ResourceServerPayload", &["resource-server", "add"], &[RESOURCE_SERVER]),
    ("ResourceServerPayload", &["resource-server", "update"], &[RESOURCE_SERVER]),
    (
        "InitialAccessTokenPayload",
        &["initial-access-token", "create"],
        &[&[("description", "description"), ("expiresAt", "expires"), ("maxUses", "max_uses")]],
    ),
    ("TrustedIssuerPayload", &["trusted-issuer", "add"], &[TRUSTED_ISSUER]),
    ("TrustedIssuerPayload", &["trusted-issuer", "update"], &[TRUSTED_ISSUER]),
    ("ScopePayload", &["scope", "add"], &[SCOPE]),
    ("ScopePayload", &["scope", "update"], &[SCOPE_CHANGE]),
    ("TrustedOriginPayload", &["cors", "add"], &[&[("domain", "origins"), ("description", "description")]]),
    ("DataSourcePayload", &["data-source", "add"], &[DATA_SOURCE]),
    ("DataSourceChange", &["data-source", "update"], &[DATA_SOURCE_CHANGE]),
];

const RESOURCE_SERVER: Arguments = &[("identifier", "identifier"), ("name", "name")];

const TRUSTED_ISSUER: Arguments = &[
    ("issuer", "issuer"),
    ("jwks", "settings"),
    ("jwksUri", "settings"),
    ("algorithms", "settings"),
    ("purposes", "settings"),
    ("audience", "settings"),
    ("subjectClaim", "settings"),
    ("subjectIs", "settings"),
    ("subjects", "settings"),
    ("clients", "settings"),
    ("resources", "settings"),
    ("scopes", "settings"),
    ("scopeNames", "settings"),
    ("service", "settings"),
    ("untypedAccessTokens", "settings"),
    ("workloads", "settings"),
    ("reusableAssertions", "settings"),
    ("workloadGrant", "settings"),
];

const SCOPE: Arguments = &[
    ("name", "name"),
    ("description", "description"),
    ("risk", "risk"),
    ("assignableBy", "assignable_by"),
    ("implies", "implies"),
];

const SCOPE_CHANGE: Arguments = &[
    ("name", "new_name"),
    ("description", "description"),
    ("risk", "risk"),
    ("assignableBy", "assignable_by"),
    ("implies", "implies"),
];

const APPLICATION: Arguments = &[
    ("name", "name"),
    ("description", "description"),
    ("redirectUrls", "redirect_urls"),
    ("profile", "profile"),
    ("grantTypes", "grant_types"),
    ("scopes", "scopes"),
    ("tokenFormat", "token_format"),
    ("accessTokenSigningAlg", "access_token_signing_alg"),
    ("introspectionSignedResponseAlg", "introspection_signed_response_alg"),
    ("introspectionAudiences", "introspection_audiences"),
    ("tokenEndpointAuthMethod", "token_endpoint_auth_method"),
    ("tokenEndpointAuthSigningAlg", "token_endpoint_auth_signing_alg"),
    ("jwks", "jwks"),
    ("jwksUri", "jwks_uri"),
    ("dpopBoundAccessTokens", "dpop_bound_access_tokens"),
    ("requirePushedAuthorizationRequests", "require_pushed_authorization_requests"),
    ("requireSecondFactor", "require_second_factor"),
    ("requireSignedRequestObject", "require_signed_request_object"),
    ("requestObjectSigningAlg", "request_object_signing_alg"),
    ("requestUris", "request_uris"),
    ("authorizationSignedResponseAlg", "authorization_signed_response_alg"),
    ("tlsClientAuth.subjectDn", "tls_client_auth"),
    ("tlsClientAuth.sanDns", "tls_client_auth"),
    ("tlsClientAuth.sanUri", "tls_client_auth"),
    ("tlsClientAuth.sanIp", "tls_client_auth"),
    ("tlsClientAuth.sanEmail", "tls_client_auth"),
    ("tlsClientCertificateBoundAccessTokens", "tls_client_certificate_bound_access_tokens"),
    ("tokenExchange", "token_exchange"),
    ("openid.subjectType", "openid"),
    ("openid.sectorIdentifierUri", "openid"),
    ("openid.idTokenSignedResponseAlg", "openid"),
    ("openid.userinfoSignedResponseAlg", "openid"),
    ("openid.defaultMaxAge", "openid"),
    ("openid.requireAuthTime", "openid"),
    ("openid.defaultAcrValues", "openid"),
    ("openid.postLogoutRedirectUris", "openid"),
    ("openid.initiateLoginUri", "openid"),
    ("openid.frontchannelLogoutUri", "openid"),
    ("openid.frontchannelLogoutSessionRequired", "openid"),
    ("openid.backchannelLogoutUri", "openid"),
    ("openid.backchannelLogoutSessionRequired", "openid"),
    ("openid.backchannelTokenDeliveryMode", "openid"),
    ("accessTokenLifetime", "access_token_lifetime"),
    ("contacts", "contacts"),
    ("logoUrl", "logo_url"),
    ("corsOrigins", "cors_origins"),
];

const USER: Arguments = &[
    ("userName", "name"),
    ("statusInfo.status", "disabled"),
    // Only a lock that there is can be ended.
    ("statusInfo.accountLocked", ""),
    ("passwordInfo.password", "password_stdin"),
    ("passwordInfo.passwordStatus", "password_expires"),
    ("passwordInfo.passwordExpiration", "password_expires"),
    ("permissions.roles", "roles"),
    // `user update` sets them.
    ("attributes.name", ""),
    ("attributes.givenName", ""),
    ("attributes.familyName", ""),
    ("attributes.middleName", ""),
    ("attributes.nickname", ""),
    ("attributes.preferredUsername", ""),
    ("attributes.profile", ""),
    ("attributes.picture", ""),
    ("attributes.website", ""),
    ("attributes.email", ""),
    ("attributes.emailVerified", ""),
    ("attributes.gender", ""),
    ("attributes.birthdate", ""),
    ("attributes.zoneinfo", ""),
    ("attributes.locale", ""),
    ("attributes.phoneNumber", ""),
    ("attributes.phoneNumberVerified", ""),
    ("attributes.address", ""),
];

const USER_CHANGE: Arguments = &[
    ("userName", "new_name"),
    // `user enable`, `user disable`, `user unlock` and `user set-password`.
    ("statusInfo.status", ""),
    ("statusInfo.accountLocked", ""),
    ("passwordInfo.password", ""),
    ("passwordInfo.passwordStatus", "password_expires"),
    ("passwordInfo.passwordExpiration", "password_expires"),
    ("permissions.roles", "roles"),
    ("attributes.name", "attributes"),
    ("attributes.givenName", "attributes"),
    ("attributes.familyName", "attributes"),
    ("attributes.middleName", "attributes"),
    ("attributes.nickname", "attributes"),
    ("attributes.preferredUsername", "attributes"),
    ("attributes.profile", "attributes"),
    ("attributes.picture", "attributes"),
    ("attributes.website", "attributes"),
    ("attributes.email", "attributes"),
    ("attributes.emailVerified", "attributes"),
    ("attributes.gender", "attributes"),
    ("attributes.birthdate", "attributes"),
    ("attributes.zoneinfo", "attributes"),
    ("attributes.locale", "attributes"),
    ("attributes.phoneNumber", "attributes"),
    ("attributes.phoneNumberVerified", "attributes"),
    ("attributes.address", "attributes"),
];

const ROLE: Arguments = &[
    ("name", "name"),
    ("description", "description"),
    ("permissions", "permissions"),
    ("requireSecondFactor", "require_second_factor"),
];

const DATA_SOURCE: Arguments = &[
    ("name", "name"),
    ("description", "description"),
    // There is one of each.
    ("dataStore", ""),
    ("connectionType", ""),
    ("options.path", "path"),
    ("options.keys", "keys"),
    ("options.storageForms", "storage_forms"),
    ("maxAuthenticationAge", "max_authentication_age"),
    ("requireSecondFactor", "require_second_factor"),
    ("writable", "writable"),
];

const DATA_SOURCE_CHANGE: Arguments = &[
    ("name", "new_name"),
    ("description", "description"),
    // Cannot be changed.
    ("dataStore", ""),
    ("connectionType", ""),
    ("isGroup", ""),
    ("options.path", "path"),
    ("options.keys", "keys"),
    ("options.storageForms", "storage_forms"),
    ("maxAuthenticationAge", "max_authentication_age"),
    ("requireSecondFactor", "require_second_factor"),
    ("writable", "writable"),
];

/// The members of a payload, those of objects inside by their paths.
fn members(schemas: &serde_json::Value, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (member, schema) in schemas[name]["properties"].as_object().expect("an object") {
        match schema["properties"].as_object() {
            Some(inner) => found.extend(inner.keys().map(|inner| format!("{member}.{inner}"))),
            None if member == "options" => {
                let options = sources::sqlite::STORE.options.iter();
                found.extend(options.map(|option| format!("options.{}", option.name)));
            }
            None => found.push(member.clone()),
        }
    }
    found
}

fn command(path: &[&str]) -> clap::Command {
    let mut command = <CommandLine as clap::CommandFactory>::command();
    for name in path {
        command = command.find_subcommand(name).unwrap_or_else(|| panic!("{path:?}")).clone();
    }
    command
}

#[test]
fn every_member_of_a_payload_has_an_argument() {
    let described: serde_json::Value = serde_json::from_str(web::reference::OPENAPI).expect("JSON");
    for (schema, path, arguments) in MEMBERS {
        let command = command(path);
        for member in members(&described["components"]["schemas"], schema) {
            let row = arguments.iter().copied().flatten().find(|(known, _)| *known == member);
            let (_, argument) =
                row.unwrap_or_else(|| panic!("{schema}: {member} has no argument of {path:?}"));
            if argument.is_empty() {
                continue;
            }
            let known = command.get_arguments().find(|known| known.get_id() == argument);
            let known = known.unwrap_or_else(|| panic!("{path:?} has no {argument}"));
            if let (Some(long), false) = (known.get_long(), path[0] == "trusted-issuer") {
                // Several commands have arguments for the name of something.
                let words = given(&member);
                let is_named = words.contains(&format!("--{long}")) || words.starts_with("the ");
                assert!(is_named, "{path:?}: {member} is called {words}, and its flag is --{long}");
            }
        }
    }
}

/// Members of objects inside are named as in JSON, and so are those that are part of the settings of an issuer too.
#[test]
fn a_fault_names_the_flag_that_was_given() {
    for (schema, path, arguments) in MEMBERS {
        let command = command(path);
        let is_named = |member: &str| !member.contains('.') && !member.starts_with("jwks");
        if !matches!(schema, "ApplicationPayload" | "ScopePayload" | "InitialAccessTokenPayload") {
            continue;
        }
        for (member, argument) in arguments.iter().copied().flatten().filter(|(member, _)| is_named(member)) {
            let flag = command.get_arguments().find(|known| known.get_id() == argument);
            let named = given(member);
            // The commands have a positional argument for a name, or a flag for a new one.
            if let Some(flag) = flag.and_then(clap::Arg::get_long).filter(|_| *member != "name") {
                let is_flag = named == format!("--{flag}");
                assert!(
                    is_flag || ["openid", "tokenExchange"].contains(member),
                    "{member} is called {named}"
                );
            }
        }
    }
}

/// The operations of the management API with the commands that do the same.
const OPERATIONS: &[(&str, &str)] = &[
    ("revokeAccess", "revoke"),
    ("listApplications", "application list"),
    ("registerApplication", "application register"),
    ("getApplication", "application show"),
    ("updateApplication", "application update"),
    ("deleteApplication", "application delete"),
    ("resetSecret", "application reset-secret"),
    ("addSecret", "secret add"),
    ("endSecret", "secret end"),
    ("listAllowed", "allowed list"),
    ("revokeAllowed", "allowed revoke"),
    ("listPersonalAccessTokens", "personal-access-token list"),
    ("getPersonalAccessToken", "personal-access-token list"),
    ("endPersonalAccessToken", "personal-access-token end"),
    ("listUsers", "user list"),
    ("createUser", "user add"),
    ("getUser", "user show"),
    ("updateUser", "user update"),
    ("deleteUser", "user delete"),
    ("getSecondFactor", "user show"),
    ("resetSecondFactor", "user reset-second-factor"),
    ("listOneTimeLinks", "user show"),
    ("createOneTimeLink", "user reset-link"),
    ("endOneTimeLinks", "user end-links"),
    ("inviteUser", "user invite"),
    ("testMail", "mail test"),
    ("listRoles", "role list"),
    ("createRole", "role add"),
    ("getRole", "role show"),
    ("updateRole", "role update"),
    ("deleteRole", "role delete"),
    ("listResourceServers", "resource-server list"),
    ("createResourceServer", "resource-server add"),
    ("getResourceServer", "resource-server show"),
    ("updateResourceServer", "resource-server update"),
    ("deleteResourceServer", "resource-server delete"),
    ("listInitialAccessTokens", "initial-access-token list"),
    ("createInitialAccessToken", "initial-access-token create"),
    ("getInitialAccessToken", "initial-access-token show"),
    ("deleteInitialAccessToken", "initial-access-token delete"),
    ("listTrustedIssuers", "trusted-issuer list"),
    ("createTrustedIssuer", "trusted-issuer add"),
    ("getTrustedIssuer", "trusted-issuer show"),
    ("updateTrustedIssuer", "trusted-issuer update"),
    ("deleteTrustedIssuer", "trusted-issuer delete"),
    ("listScopes", "scope list"),
    ("createScope", "scope add"),
    ("getScope", "scope show"),
    ("updateScope", "scope update"),
    ("deleteScope", "scope delete"),
    ("listPermissions", "role permissions"),
    ("ownPermissions", "role permissions"),
    ("listSessions", "session list"),
    ("endSessions", "session end"),
    ("endSession", "session end"),
    ("getSystemAllowLists", "allow-list show"),
    ("createSystemAllowLists", "allow-list set"),
    ("setSystemAllowLists", "allow-list set"),
    ("deleteSystemAllowLists", "allow-list clear"),
    ("getUserAllowLists", "allow-list show"),
    ("createUserAllowLists", "allow-list set"),
    ("setUserAllowLists", "allow-list set"),
    ("deleteUserAllowLists", "allow-list clear"),
    ("getApplicationAllowLists", "allow-list show"),
    ("setApplicationAllowLists", "allow-list set"),
    ("deleteApplicationAllowLists", "allow-list clear"),
    ("listLimits", "limit list"),
    ("listSystemLimits", "limit list"),
    ("getLimit", "limit show"),
    ("setLimit", "limit set"),
    ("replaceLimit", "limit set"),
    ("resetLimit", "limit reset"),
    ("listTrustedOrigins", "cors list"),
    ("addTrustedOrigins", "cors add"),
    ("getTrustedOrigin", "cors show"),
    ("updateTrustedOrigin", "cors update"),
    ("deleteTrustedOrigin", "cors delete"),
    // There is one kind of database, and a command for it.
    ("listDataStores", "data-source add"),
    ("getDataStore", "data-source add"),
    ("listDataSources", "data-source list"),
    ("createDataSource", "data-source add"),
    ("getDataSource", "data-source show"),
    ("updateDataSource", "data-source update"),
    ("deleteDataSource", "data-source delete"),
    ("storeCredentials", "data-source credentials"),
    ("deleteCredentials", "data-source credentials"),
    ("getMembers", "data-source members"),
    ("replaceMembers", "data-source members"),
    ("addMembers", "data-source members"),
    ("getModel", "data-source show"),
    ("putModel", "data-source model import"),
    ("reloadModel", "data-source reload"),
    ("deleteModel", "data-source model delete"),
    ("getModelFindings", "data-source model findings"),
    ("listSchemas", "data-source tables"),
    ("listTables", "data-source tables"),
    ("getTable", "data-source tables"),
    ("listColumns", "data-source tables"),
    ("listPrimaryKeys", "data-source tables"),
    ("testNewDataSource", "data-source add"),
    ("testDataSource", "data-source test"),
    ("listSharedUsers", "data-source show"),
    ("shareDataSource", "data-source share"),
    ("shareDataSourceAlso", "data-source share"),
    ("unshareDataSource", "data-source share"),
    ("unshareDataSourceWith", "data-source share"),
    ("listAudit", "audit list"),
];

#[test]
fn every_operation_of_the_management_api_has_a_command() {
    let described: serde_json::Value = serde_json::from_str(web::reference::OPENAPI).expect("JSON");
    let is_management = |path: &str| path.starts_with("/api/admin/") || path.starts_with("/api/mgmt/");
    let paths = described["paths"].as_object().expect("paths").iter();
    let paths = paths.filter(|(path, _)| is_management(path) && !path.starts_with("/api/mgmt/oauth2/"));
    for operation in paths.flat_map(|(_, operations)| operations.as_object().expect("operations").values()) {
        let Some(id) = operation["operationId"].as_str() else { continue };
        let row = OPERATIONS.iter().find(|(known, _)| *known == id);
        let (_, path) = row.unwrap_or_else(|| panic!("{id} has no command"));
        command(&path.split(' ').collect::<Vec<_>>());
    }
}
