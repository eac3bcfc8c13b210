//! The configuration: the command line overrides the environment, which overrides the file, which overrides
//! the defaults. All faults are reported together.
//!
//! Every setting is declared once, with its documentation, in [`settings`]; [`document`] generates
//! `docs/configuration.md` and the JSON schema from there.

use std::path::Path;

use web::BasePath;

mod checks;
pub(crate) mod document;
pub(crate) mod environment;
mod fault;
mod file;
mod raw;
mod raw_config;
mod setting;
pub(crate) mod settings;

pub(crate) use environment::Environment;
pub(crate) use fault::{ConfigError, InvalidSetting};
pub(crate) use raw::Raw;
pub(crate) use raw_config::RawConfig;
pub(crate) use setting::{BaseUrl, LogFormat, LogLevels};
pub(crate) use settings::Settings;

/// The settings from the command line: key paths with their values and the flags that set them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides(Vec<(&'static str, Raw, &'static str)>);

impl Overrides {
    /// Sets a key if the flag was given.
    pub(crate) fn set(&mut self, key: &'static str, flag: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push((key, Raw::Text(value.to_string()), flag));
        }
    }

    /// Sets a key to `true` if the flag was given.
    pub(crate) fn switch_on(&mut self, key: &'static str, flag: &'static str, raw_config: bool) {
        if raw_config {
            self.0.push((key, Raw::Bool(true), flag));
        }
    }
}

impl Settings {
    /// The path of the public URL.
    pub(crate) fn base_path(&self) -> BasePath {
        self.general.public_url.as_ref().map_or_else(BasePath::root, BaseUrl::path)
    }
}

/// Reads the configuration.
///
/// # Errors
/// Every fault of the file, the environment and the command line.
pub(crate) fn load(
    file: Option<&Path>,
    environment: &Environment,
    overrides: &Overrides,
) -> Result<Settings, ConfigError> {
    let mut raw_config = RawConfig::default();
    let named_by_environment = environment.config_file();
    if let Some(path) = file.or(named_by_environment.as_deref()) {
        file::read(path, &mut raw_config);
    }
    environment.overlay(&mut raw_config);
    for (key, raw, flag) in &overrides.0 {
        raw_config.add((*key).to_owned(), raw.clone(), format!("command line ({flag})"));
    }
    let settings = Settings::assemble(&mut raw_config);
    let mut together = Vec::new();
    checks::keys_fit_together(&settings, &mut together);
    raw_config.locate(&mut together);
    let mut faults = raw_config.into_faults();
    faults.extend(together);
    if faults.is_empty() { Ok(settings) } else { Err(ConfigError(faults)) }
}

#[cfg(test)]
mod tests;
