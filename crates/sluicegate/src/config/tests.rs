use super::*;

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), &Environment::sample(variables), &Overrides::default())
}

fn faults(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let faults = load_text(text, variables).unwrap_err().0;
    let shown = faults.iter().map(|fault| {
        let shown = fault.to_string();
        shown.find("gate.toml").map_or(shown.clone(), |at| shown[at..].to_owned())
    });
    shown.collect()
}

#[test]
fn an_empty_configuration_has_the_defaults() {
    let settings = load(None, &Environment::default(), &Overrides::default()).unwrap();
    assert_eq!(settings.general.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.rate_limit.enabled);
    assert!(settings.warnings().is_empty());
}

#[test]
fn all_faults_are_reported_at_once_with_their_places() {
    let text = "listen = 5\nlisten_on = \"x\"\n[rate_limit]\nenabled = \"yes\"\nper_adress_per_minute = 3\n\
                [tokens]\ncode_lifetime_secs = 61\n[profiles]\ndefault = \"lax\"\n[trusted]\nproxies = []\n";
    let faults = faults(text, &[("SLUICEGATE_LOG__FORMAT", "xml"), ("SLUICEGATE_NO_SUCH", "1")]);
    let expected = [
        "gate.toml:1: listen: must be an address and port",
        "gate.toml:4: rate_limit.enabled: must be true or false, not \"yes\"",
        "environment variable SLUICEGATE_LOG__FORMAT: log.format: must be \"auto\", \"json\" or \"human\", not \"xml\"",
        "gate.toml:9: profiles.default: must be \"compatible\", \"oauth21\" or \"fapi2\"",
        "gate.toml:7: tokens.code_lifetime_secs: must be a whole number from 1 to 60, not 61",
        "gate.toml:2: listen_on: there is no such setting",
        "environment variable SLUICEGATE_NO_SUCH: no_such: there is no such setting",
        "gate.toml:5: rate_limit.per_adress_per_minute: there is no such setting; did you mean \
         `rate_limit.per_address_per_minute`?",
        "gate.toml:11: trusted.proxies: there is no such setting",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault} does not start with {expected}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_a_fault_with_its_line() {
    let faults = faults("listen = \"127.0.0.1:1\"\n= 3\n", &[]);
    assert!(faults[0].starts_with("gate.toml:2: this is not TOML"), "{faults:?}");
}

#[test]
fn a_missing_file_is_a_fault() {
    let missing = load(Some(Path::new("/nowhere/gate.toml")), &Environment::default(), &Overrides::default());
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("/nowhere/gate.toml: the configuration file cannot be read")
    );
}

#[test]
fn the_command_line_overrides_the_environment_which_overrides_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, "data_dir = \"a\"\nlisten = \"127.0.0.1:1\"\n[rate_limit]\nenabled = true\n")
        .unwrap();
    let environment = Environment::sample(&[
        ("SLUICEGATE_RATE_LIMIT__ENABLED", "false"),
        ("SLUICEGATE_LISTEN", "127.0.0.1:2"),
        ("SLUICEGATE_TRUSTED_PROXIES", "10.0.0.1, ::ffff:10.0.0.2, 192.0.2.0/24"),
    ]);
    let mut overrides = Overrides::default();
    overrides.set("listen", "--listen", Some("127.0.0.1:3"));
    let settings = load(Some(&path), &environment, &overrides).unwrap();
    assert_eq!(settings.general.listen.port(), 3);
    assert!(!settings.rate_limit.enabled);
    assert_eq!(settings.general.data_dir, Path::new("a"));
    assert_eq!(settings.general.trusted_proxies.len(), 3);
    assert_eq!(settings.general.trusted_proxies[1].to_string(), "10.0.0.2");
    assert_eq!(settings.warnings()[0].0, "rate_limit.enabled");
}

#[test]
fn passwords_and_the_master_key_are_not_settings() {
    let variables = [
        ("SLUICEGATE_ADMIN_PASSWORD", "x"),
        ("SLUICEGATE_USER_PASSWORD", "y"),
        ("SLUICEGATE_MASTER_KEY", "z"),
    ];
    let environment = Environment::sample(&variables);
    assert!(load(None, &environment, &Overrides::default()).is_ok());
    assert_eq!(environment.master_key(), Some("z"));
    assert!(environment.first_passwords().iter().all(Option::is_some));
}

#[test]
fn plain_http_is_refused_except_on_loopback() {
    assert!(faults("listen = \"0.0.0.0:8080\"\n", &[])[0].contains("--behind-tls-proxy"));
    assert!(load_text("listen = \"0.0.0.0:8080\"\nbehind_tls_proxy = true\n", &[]).is_ok());
    assert!(load_text("listen = \"[::1]:8080\"\n", &[]).is_ok());
    assert!(load_text("listen = \"[::ffff:127.0.0.1]:8080\"\n", &[]).is_ok());
    let tls = "listen = \"0.0.0.0:8080\"\n[tls]\ncert_file = \"a\"\n";
    assert_eq!(
        faults(tls, &[]),
        ["tls.key_file: must be set too (--tls-key FILE) if tls.cert_file (--tls-cert) is"]
    );
    assert!(load_text(&format!("{tls}key_file = \"b\"\n"), &[]).is_ok());
}

#[test]
fn a_public_url_is_an_origin_and_perhaps_a_plain_path() {
    let url = |text: &str| load_text(&format!("public_url = \"{text}\"\n"), &[]);
    assert_eq!(
        url("https://Gate.Example.org/").unwrap().general.public_url.unwrap().as_str(),
        "https://gate.example.org"
    );
    for good in ["https://a/b", "https://a:8443/b/c-d_e.f~g", "http://[::1]:8080/b", "https://a/B"] {
        assert_eq!(url(good).unwrap().general.public_url.unwrap().as_str(), good);
    }
    for bad in [
        "gate.example.org",
        "https://a?b",
        "https://u:p@a",
        "ftp://a",
        "https://a/b/",
        "https://a//b",
        "https://a//",
        "https://a/b//c",
        "https://a/./b",
        "https://a/b/..",
        "https://a/b/../c",
        "https://a/b%20c",
        "https://a/%62",
        "https://a/b;c",
        "https://a/b?c",
        "https://a/b#c",
        "https://a/bä",
        "https://a/.well-known/b",
    ] {
        assert!(url(bad).is_err(), "{bad}");
    }
    assert!(url(&format!("https://a/{}", "b".repeat(200))).is_err());
    assert!(url("https://a\\\\b").is_err());
}

#[test]
fn clients_with_certificates_find_the_server_below_the_same_path() {
    let both = |url: &str, other: &str| {
        let proxies = "[client_certificates]\nproxies = [\"10.0.0.1\"]";
        load_text(&format!("public_url = \"{url}\"\n{proxies}\npublic_url = \"{other}\"\n"), &[]).is_ok()
    };
    assert!(both("https://a/b", "https://m.a/b"));
    assert!(both("https://a", "https://m.a:8443"));
    assert!(!both("https://a/b", "https://m.a"));
    assert!(!both("https://a", "https://m.a/b"));
}

#[test]
fn a_public_url_without_tls_must_be_on_loopback() {
    let url = |text: &str| load_text(&format!("public_url = \"{text}\"\n"), &[]).is_ok();
    for good in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "http://gate.localhost"] {
        assert!(url(good), "{good}");
    }
    for bad in
        ["http://gate.example.org", "http://10.0.0.1", "http://0.0.0.0", "http://localhost.example.org"]
    {
        assert!(!url(bad), "{bad}");
        assert!(url(&bad.replacen("http", "https", 1)), "{bad}");
    }
    assert!(!url("http://[2001:db8::1]"));
}

#[test]
fn trusted_proxies_are_addresses_and_networks_but_never_all_addresses() {
    let proxies = |list: &str| load_text(&format!("trusted_proxies = [{list}]\n"), &[]);
    assert!(proxies("\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.1\"").is_ok());
    for bad in ["10.0.0.1/8", "0.0.0.0/0", "proxy.example.org", "10.0.0.0/99"] {
        assert!(faults(&format!("trusted_proxies = [\"{bad}\"]\n"), &[])[0].contains("network"), "{bad}");
    }
}

#[test]
fn all_faults_of_a_list_are_reported_and_nobody_trusts_everybody() {
    let list = r#"trusted_proxies = ["0.0.0.0/0", "x", "10.0.0.0/8", "10.0.0.1/8", "::/0"]"#;
    let message = faults(list, &[]).join("\n");
    for part in ["not \"x\" or \"10.0.0.1/8\"", "\"0.0.0.0/0\" is everybody", "\"::/0\" is everybody"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(message.contains("anybody could claim any address"), "{message}");
    assert!(!message.contains("10.0.0.0/8\" or"), "a good entry is not told: {message}");
    let variable = ("SLUICEGATE_TRUSTED_PROXIES", "x,y");
    assert!(faults("", &[variable])[0].contains("not \"x\" or \"y\""));
}

#[test]
fn the_longest_matching_target_determines_the_log_level() {
    use tracing::level_filters::LevelFilter;
    let levels = LogLevels::new("warn,app=info,app::node::feed=trace").unwrap();
    assert_eq!(levels.of("web::front"), LevelFilter::WARN);
    assert_eq!(levels.of("app::node::keys"), LevelFilter::INFO);
    assert_eq!(levels.of("application"), LevelFilter::WARN);
    assert_eq!(levels.of("app::node::feed"), LevelFilter::TRACE);
    assert_eq!(levels.most(), LevelFilter::TRACE);
    assert!(LogLevels::new("verbose").is_none());
}

#[test]
fn the_documents_list_every_setting_with_its_variable() {
    let text = document::markdown();
    assert!(text.contains("### `rate_limit.per_address_per_minute`"));
    assert!(text.contains("`SLUICEGATE_RATE_LIMIT__PER_ADDRESS_PER_MINUTE`"));
    let schema: serde_json::Value = serde_json::from_str(&document::schema()).unwrap();
    assert_eq!(schema["properties"]["tokens"]["properties"]["code_lifetime_secs"]["maximum"], 60);
}

#[test]
fn a_reference_lives_below_ten_minutes() {
    let schema: serde_json::Value = serde_json::from_str(&document::schema()).unwrap();
    assert_eq!(schema["properties"]["pushed_requests"]["properties"]["lifetime_secs"]["maximum"], 599);
}

#[test]
fn a_signer_and_its_algorithms_are_set_together() {
    let signer = |lines: &str| format!("[external_signing]\n{lines}");
    let both = load_text(&signer("socket = \"/run/s\"\nalgorithms = [\"ES256\", \"EdDSA\"]"), &[]).unwrap();
    assert_eq!(both.external_signing.algorithms.len(), 2);
    for (lines, expected) in [
        ("socket = \"/run/s\"", "must name at least one algorithm if external_signing.socket is set"),
        ("algorithms = [\"ES256\"]", "must be set too if external_signing.algorithms names some"),
        (
            "socket = \"/run/s\"\nalgorithms = [\"HS256\"]",
            "each must be \"EdDSA\", \"ES256\", \"RS256\" or \"PS256\", not \"HS256\"",
        ),
    ] {
        let faults = faults(&signer(lines), &[]);
        assert!(faults.iter().any(|fault| fault.ends_with(expected)), "{lines}: {faults:?}");
    }
}
