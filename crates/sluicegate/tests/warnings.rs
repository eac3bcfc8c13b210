//! Names in a configuration that nothing has yet: the command or the server does its work, and warns.

use testkit::{ADMIN, Installation, USER};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

/// The warnings that a command of the operator prints.
fn warnings(installation: &Installation, arguments: &[&str]) -> Vec<String> {
    let output = installation.command(arguments).output().expect("the binary runs");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let warnings = printed.lines().filter(|line| line.starts_with("warning: "));
    warnings.map(|line| line.split(';').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_trusted_issuer_that_names_what_does_not_exist_is_warned_about() {
    let installation = Installation::new(BINARY);
    let settings = |more: &str| {
        format!(r#"{{"purposes":["identity_assertion"],"jwksUri":"https://idp.example.com/keys",{more}}}"#)
    };
    let known = settings(&format!(
        r#""clients":["*","https://agent.example/id"],"subjects":{{"e-1":"{}","e-2":"{}"}},
        "scopes":["api.access.odata"],"scopeNames":{{"read":"api.access.odata"}}"#,
        ADMIN.name, USER.name,
    ));
    let add = ["trusted-issuer", "add", "https://idp.example.com", "--settings", &known];
    assert_eq!(warnings(&installation, &add), Vec::<String>::new());
    let unknown = settings(
        r#""clients":["0b7a4c3e-3f5c-4c8e-9d1f-5c0f2f1f9a11"],"subjects":{"e-3":"nobody"},
        "scopeNames":{"write":"orders.write","read":"api.access.odata"}"#,
    );
    let expected = [
        "warning: no application has the client id 0b7a4c3e-3f5c-4c8e-9d1f-5c0f2f1f9a11",
        "warning: there is no user nobody",
        "warning: there is no scope orders.write",
    ];
    let update = ["trusted-issuer", "update", "1", "--settings", &unknown];
    assert_eq!(warnings(&installation, &update), expected);
    let add = ["trusted-issuer", "add", "https://other.example.com", "--settings", &unknown];
    assert_eq!(warnings(&installation, &add), expected);
}

#[test]
fn an_application_that_needs_an_attester_is_warned_about_until_one_is_trusted() {
    let installation = Installation::new(BINARY);
    let register = [
        "application",
        "register",
        "Crane",
        "--token-endpoint-auth-method",
        "attest_jwt_client_auth",
        "--grant-type",
        "client_credentials",
    ];
    let expected = "warning: --token-endpoint-auth-method needs an attester, and none is trusted for this application: add \
         a trusted issuer with the purpose client_attestation whose clients contain its client id";
    assert_eq!(warnings(&installation, &register), [expected]);
    let settings =
        r#"{"purposes":["client_attestation"],"jwksUri":"https://attester.example/keys","clients":["*"]}"#;
    let add = ["trusted-issuer", "add", "https://attester.example", "--settings", settings];
    assert_eq!(warnings(&installation, &add), Vec::<String>::new());
    assert_eq!(warnings(&installation, &register), Vec::<String>::new());
}

#[test]
fn scopes_of_clients_that_register_themselves_are_warned_about_if_they_do_not_exist() {
    let installation = Installation::new(BINARY);
    let scopes = [
        ("SLUICEGATE_REGISTRATION__MODE", "open"),
        ("SLUICEGATE_REGISTRATION__SCOPES", "api.access.odata,orders.read,orders.write"),
    ];
    let served = installation.serve_with(&[], &scopes);
    let (_, printed) = served.terminate();
    let reported: Vec<&str> =
        printed.lines().filter(|line| line.contains("there is no such scope")).collect();
    assert_eq!(reported.len(), 2, "{printed}");
    for (line, scope) in reported.iter().zip(["orders.read", "orders.write"]) {
        assert!(line.contains("registration.scopes") && line.contains(scope), "{line}");
        assert!(line.contains("`sluicegate scope list`"), "{line}");
    }
}
