//! The files below `deploy`, read by the tools that people use for them: Helm, Compose, Prometheus and Caddy. What they make
//! of the files is given to the real binary. Not tested here: that a cluster or a container engine runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testkit::postgres::PostgresServer;

use crate::stage::{clients, installed, text};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const PASSWORD: &str = "correct-horse-battery";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// Runs a program, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

/// What the tools say about the files, as `tests/clients/deployment.py` prints it.
fn read(temporary: &TempDir) -> Value {
    let example = std::fs::read_to_string(folder().join("example.env")).unwrap();
    let filled = example.replace("=\n", &format!("={PASSWORD}\n"));
    assert!(filled.matches(PASSWORD).count() >= 4, "{example}");
    let environment = temporary.path().join("env");
    std::fs::write(&environment, filled).unwrap();
    let mut compose = Command::new("docker-compose");
    compose.arg("--file").arg(folder().join("compose.yaml")).arg("--env-file").arg(environment);
    let composition = temporary.path().join("compose.yaml");
    std::fs::write(&composition, run(compose.args(["--profile", "monitoring", "config"]))).unwrap();
    let mut python = Command::new(installed("CLIENTS_PYTHON"));
    let printed = run(python.arg(clients().join("deployment.py")).arg(folder()).arg(composition));
    serde_json::from_str(&printed).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list"))
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(text).collect()
}

/// A program with its arguments and variables, as a container would run it.
struct Container {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Container {
    fn of_compose(service: &Value) -> Self {
        let variables = service["environment"].as_object().unwrap().iter();
        let variables = variables.map(|(name, value)| (name.clone(), text(value))).collect();
        Self { arguments: texts(&service["command"]), variables }
    }

    fn of_chart(container: &Value) -> Self {
        let variables = list(&container["env"]).iter().map(|variable| {
            let value = match variable["valueFrom"]["secretKeyRef"]["key"].as_str() {
                None => text(&variable["value"]),
                Some("database") => "postgres://a:b@database/c".to_owned(),
                Some("master-key") => "0f".repeat(32),
                Some("admin-password" | "user-password") => PASSWORD.to_owned(),
                Some(other) => panic!("{other} is not a key of the secret"),
            };
            (text(&variable["name"]), value)
        });
        Self { arguments: texts(&container["args"]), variables: variables.collect() }
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(other, _)| other == name);
        found.map_or_else(|| panic!("{name} is not set"), |(_, value)| value)
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().envs(self.variables.iter().cloned()).args(arguments);
        command
    }

    /// The server accepts its settings, without a warning.
    fn is_accepted(&self) {
        assert_eq!(self.arguments[0], "serve");
        let arguments = [vec!["check-config".to_owned()], self.arguments[1..].to_vec()].concat();
        assert_eq!(run(&mut self.command(&arguments)), "the configuration is valid\n");
    }

    /// It makes an installation in an empty database, and then leaves it as it is.
    fn initialises(mut self) {
        assert_eq!(self.arguments, ["init", "--if-needed"]);
        let database = PostgresServer::shared().create_database();
        let node = tempfile::tempdir().unwrap();
        self.variables.retain(|(name, _)| name != "SLUICEGATE_DATABASE");
        self.variables.push(("SLUICEGATE_DATABASE".to_owned(), database.url()));
        self.variables.push(("SLUICEGATE_DATA_DIR".to_owned(), node.path().display().to_string()));
        let made = run(&mut self.command(&self.arguments));
        assert!(made.contains("is initialised\n") && !made.contains("shown only now"), "{made}");
        let found = run(&mut self.command(&self.arguments));
        assert!(found.contains("is initialised already; nothing was changed"), "{found}");
        let again = self.command(&["init".to_owned()]).output().unwrap();
        assert_eq!(again.status.code(), Some(1));
        database.run("DELETE FROM user_roles; DELETE FROM users");
        let half = self.command(&self.arguments).output().unwrap();
        let said = String::from_utf8_lossy(&half.stderr).into_owned();
        assert!(half.status.code() == Some(1) && said.contains("only half initialised"), "{said}");
    }
}

#[test]
fn the_composition_runs_the_server_behind_the_proxy_that_it_trusts() {
    let temporary = tempfile::tempdir().unwrap();
    let said = read(&temporary);
    let services = &said["compose"]["services"];
    let server = Container::of_compose(&services["sluicegate"]);
    server.is_accepted();
    Container::of_compose(&services["init"]).initialises();
    let proxy = text(&services["proxy"]["networks"]["outer"]["ipv4_address"]);
    assert_eq!(server.variable("SLUICEGATE_TRUSTED_PROXIES"), proxy);
    for (name, service) in services.as_object().unwrap() {
        let is_ours = ["init", "sluicegate"].contains(&name.as_str());
        assert!(!is_ours || service["read_only"] == true && service["cap_drop"][0] == "ALL", "{name}");
        let published = ["proxy", "grafana"].contains(&name.as_str());
        assert_eq!(service["ports"].is_array(), published, "{name}");
    }
    let (_, port) = server.variable("SLUICEGATE_OBSERVATION__LISTEN").split_once(':').unwrap();
    let scraped = &said["scraped"]["scrape_configs"][0];
    assert_eq!(scraped["job_name"], "sluicegate");
    assert_eq!(scraped["static_configs"][0]["targets"][0], format!("sluicegate:{port}"));
}

#[test]
fn the_chart_runs_the_server_with_its_settings_and_few_rights() {
    let temporary = tempfile::tempdir().unwrap();
    let said = read(&temporary);
    let charts = said["charts"].as_object().unwrap();
    assert_eq!(charts.len(), 2);
    for (name, chart) in charts {
        let objects = list(&chart["objects"]);
        let of_kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
        let deployment = of_kind("Deployment").expect("a deployment");
        assert_eq!(deployment["metadata"]["labels"]["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"));
        let pod = &deployment["spec"]["template"]["spec"];
        is_confined(pod);
        let serving = &pod["containers"][0];
        let server = Container::of_chart(serving);
        server.is_accepted();
        finds_its_ports(serving, &server);
        let seconds = |key: &str| -> u64 { server.variable(key).parse().unwrap() };
        let announced =
            seconds("SLUICEGATE_LIMITS__DRAIN_SECS") + seconds("SLUICEGATE_LIMITS__SHUTDOWN_SECS");
        assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > announced, "{name}");
        for kind in ["Ingress", "ServiceMonitor", "PrometheusRule", "ConfigMap"] {
            assert_eq!(of_kind(kind).is_some(), name == "full", "{name}: {kind}");
        }
        if let Some(rules) = of_kind("PrometheusRule") {
            assert_eq!(rules["spec"]["groups"][0]["name"], "sluicegate");
            let dashboard = text(&of_kind("ConfigMap").unwrap()["data"]["sluicegate.json"]);
            serde_json::from_str::<Value>(&dashboard).unwrap();
            Container::of_chart(&pod["initContainers"][0]).initialises();
        }
    }
    for (refusal, part) in list(&said["refusals"]).iter().zip([
        "existingSecret",
        "existingSecret",
        "publicUrl",
        "replica",
        "settings",
    ]) {
        assert!(text(refusal).contains(part), "{refusal}");
    }
}

/// Every container of the pod is without privileges, and none gets variables of services or a token of the cluster.
fn is_confined(pod: &Value) {
    // SLUICEGATE_PORT, which a service would add, is an unknown setting.
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    for container in list(&pod["initContainers"]).iter().chain(list(&pod["containers"])) {
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(texts(&security["capabilities"]["drop"]), ["ALL"]);
    }
}

/// The ports of the container are those at which the server listens, and the probes ask what it answers.
fn finds_its_ports(container: &Value, server: &Container) {
    let (_, port) = server.arguments[2].split_once(':').unwrap();
    let (_, metrics) = server.variable("SLUICEGATE_OBSERVATION__LISTEN").split_once(':').unwrap();
    let ports = list(&container["ports"]).iter();
    let ports: Vec<String> = ports.map(|port| port["containerPort"].to_string()).collect();
    assert_eq!(ports, [port, metrics]);
    let asked = ["startupProbe", "livenessProbe", "readinessProbe"].map(|probe| {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], "http", "{probe}");
        text(&get["path"])
    });
    assert_eq!(asked, ["/healthz", "/healthz", "/readyz"]);
}

#[test]
fn prometheus_accepts_the_alerts_and_they_fire_when_they_should() {
    let monitoring = folder().join("monitoring");
    let mut rules = Command::new("promtool");
    run(rules
        .args(["test", "rules"])
        .arg(monitoring.join("alerts.test.yml"))
        .arg(monitoring.join("alerts-of-days.test.yml")));
    // The composition puts both files into one folder.
    let temporary = tempfile::tempdir().unwrap();
    for file in ["monitoring/prometheus.yml", "chart/files/alerts.yml"] {
        let file = folder().join(file);
        std::fs::copy(&file, temporary.path().join(file.file_name().unwrap())).unwrap();
    }
    run(Command::new("promtool").args(["check", "config"]).arg(temporary.path().join("prometheus.yml")));
}

#[test]
fn caddy_accepts_its_configuration() {
    let home = tempfile::tempdir().unwrap();
    let mut caddy = Command::new("caddy");
    caddy.env("HOME", home.path()).env("GATE_HOST", "gate.example.org");
    run(caddy.args(["validate", "--adapter", "caddyfile", "--config"]).arg(folder().join("Caddyfile")));
}
