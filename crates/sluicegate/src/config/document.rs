//! The documents about the configuration, generated from the settings.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::environment::{SPECIAL, variable_of};
use super::settings::{Described, sections};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `cargo xtask docs` from the settings in crates/sluicegate/src/config/settings.rs. -->

Settings come from four sources. In order of precedence: the command line, the environment, a TOML file (`--config FILE`), the
default. In the environment, the name of a key is in upper case with the prefix `SLUICEGATE_`; table and key are joined by two
underscores, and the elements of lists are separated by commas.

```toml
listen = \"127.0.0.1:8080\"
public_url = \"https://gate.example.org\"
behind_tls_proxy = true

[rate_limit]
per_address_per_minute = 6000      # also SLUICEGATE_RATE_LIMIT__PER_ADDRESS_PER_MINUTE=6000
```

An unknown key or variable, or an invalid value, is a fault. `sluicegate check-config` reports all faults at once, with their
positions; so does the server at start, which then exits with status 2. The settings are also available as a JSON schema for
editors: [configuration.schema.json](configuration.schema.json). Settings that weaken security are logged at every start.
";

/// The text of `docs/configuration.md`.
pub(crate) fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections() {
        let title = if section.prefix.is_empty() { "Top level" } else { section.prefix };
        push(&mut text, format_args!("\n## {title}\n\n{}\n", section.about));
        for setting in &section.settings {
            push_setting(&mut text, setting);
        }
    }
    text.push_str("\n## Variables that are not settings\n\n");
    for (name, about) in SPECIAL {
        push(&mut text, format_args!("- `{name}`: {about}\n"));
    }
    text
}

fn push_setting(text: &mut String, setting: &Described) {
    let default = match &setting.default {
        Value::Null => "not set".to_owned(),
        value => format!("`{value}`"),
    };
    push(text, format_args!("\n### `{}`\n\n{}\n\n", setting.key, setting.about));
    push(text, format_args!("- Value: {}\n- Default: {default}\n", setting.kind));
    push(text, format_args!("- Variable: `{}`\n", variable_of(&setting.key)));
    if let Some(warning) = setting.warning {
        push(text, format_args!("- Weakens security: {warning}.\n"));
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a String cannot fail");
}

/// The text of `docs/configuration.schema.json`.
pub(crate) fn schema() -> String {
    let mut top = Map::new();
    for section in sections() {
        let mut properties = Map::new();
        for setting in section.settings {
            let name = setting.key.rsplit('.').next().unwrap_or_default().to_owned();
            properties.insert(name, property(&setting));
        }
        if section.prefix.is_empty() {
            top.extend(properties);
        } else {
            let table = json!({
                "type": "object",
                "description": one_line(&section.about),
                "properties": properties,
                "additionalProperties": false,
            });
            top.insert(section.prefix.to_owned(), table);
        }
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of Sluicegate",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

fn property(setting: &Described) -> Value {
    let mut schema = setting.schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(one_line(&setting.about)));
        if !setting.default.is_null() {
            schema.insert("default".to_owned(), setting.default.clone());
        }
    }
    schema
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
