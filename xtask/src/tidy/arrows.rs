//! The allowed dependencies between our crates.

use serde_json::Value;

use super::{Fault, Tree};

const RULE: &str = "arrows";

/// The dependencies of the architecture. `store-*` stands for each backend of the system database.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "sluicegate",
        &[
            "web", "app", "vault", "sources", "fetch", "mail", "store", "store-*", "domain", "oauth",
            "signer", "pkcs11",
        ],
    ),
    ("web", &["app", "domain", "oauth", "odata"]),
    ("app", &["domain", "oauth", "odata", "store", "vault", "sources", "fetch", "mail", "signer"]),
    ("store-*", &["store", "domain", "oauth"]),
    ("store", &["domain", "oauth"]),
    ("vault", &["domain", "oauth"]),
    ("sources", &["domain", "odata"]),
    ("fetch", &["domain"]),
    ("mail", &["domain"]),
    ("signer", &["oauth"]),
    ("pkcs11", &["signer", "oauth", "vault"]),
    ("oauth", &["domain"]),
    ("domain", &[]),
    ("odata", &[]),
    (
        "testkit",
        &[
            "web", "app", "vault", "sources", "fetch", "store", "store-*", "domain", "oauth", "odata",
            "signer",
        ],
    ),
    ("bench", &["testkit"]),
    ("xtask", &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let packages = tree.metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    packages.iter().flat_map(|package| package_faults(package, packages)).collect()
}

fn package_faults(package: &Value, packages: &[Value]) -> Vec<Fault> {
    let name = package["name"].as_str().unwrap_or_default();
    let manifest = if name == "xtask" || name == "bench" {
        format!("{name}/Cargo.toml")
    } else {
        format!("crates/{name}/Cargo.toml")
    };
    let Some(allowed) = ARROWS.iter().find(|(from, _)| matches(from, name)).map(|(_, to)| *to) else {
        return vec![Fault::new(RULE, &manifest, 0, format!("the architecture knows no crate {name}"))];
    };
    let ours = |dependency: &&str| packages.iter().any(|other| other["name"] == **dependency);
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(ours)
        .filter(|dependency| !allowed.iter().any(|pattern| matches(pattern, dependency)))
        .map(|dependency| Fault::new(RULE, &manifest, 0, format!("{name} must not depend on {dependency}")))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Tree, check};

    #[test]
    fn a_forbidden_dependency_is_a_fault() {
        let mut tree = Tree::sample(&[]);
        tree.metadata = json!({"packages": [
            {"name": "oauth", "dependencies": [{"name": "store", "kind": null}, {"name": "serde", "kind": null}]},
            {"name": "store", "dependencies": [{"name": "oauth", "kind": null}]},
            {"name": "store-sqlite", "dependencies": [{"name": "store", "kind": null}, {"name": "testkit", "kind": "dev"}]},
            {"name": "testkit", "dependencies": []},
            {"name": "extra", "dependencies": []},
        ]});
        let messages: Vec<String> = check(&tree).into_iter().map(|fault| fault.message).collect();
        assert_eq!(messages, ["oauth must not depend on store", "the architecture knows no crate extra"]);
    }
}
