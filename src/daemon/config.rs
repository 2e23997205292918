//! `ledgerd.toml`: every limit, by its key. A file that is not understood whole is refused: a typing error
//! must not leave a limit at its default unnoticed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::limits::{Limits, SETTINGS};

/// Why a configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is not TOML.
    Syntax(PathBuf, String),
    /// A key that means nothing.
    UnknownKey(PathBuf, String),
    /// A value outside its range, or not a whole number.
    BadValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// Smallest and largest allowed value.
        range: (u64, u64),
    },
}

/// Reads the limits from a file; one that does not exist and was not asked for gives the defaults.
///
/// # Errors
/// [`ConfigError`] names key, value and allowed range.
#[expect(clippy::disallowed_methods, reason = "the configuration is read here and nowhere else")]
pub fn read(path: &Path, must_exist: bool) -> Result<Limits, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Limits::default()),
        Err(error) => Err(ConfigError::Unreadable(path.to_owned(), error)),
    }
}

/// Reads the limits from the text of a file.
///
/// # Errors
/// [`ConfigError`] names key, value and allowed range.
pub fn parse(path: &Path, text: &str) -> Result<Limits, ConfigError> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax(path.to_owned(), error.to_string()))?;
    let mut limits = Limits::default();
    for (key, value) in &table {
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .ok_or_else(|| ConfigError::UnknownKey(path.to_owned(), key.clone()))?;
        let (least, most) = setting.range;
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        *(setting.field)(&mut limits) = number.ok_or_else(|| ConfigError::BadValue {
            path: path.to_owned(),
            key: setting.key,
            value: value.to_string(),
            range: setting.range,
        })?;
    }
    Ok(limits)
}

/// The reference of all keys with meaning, default and range, as a commented file that changes nothing.
pub fn reference() -> String {
    let mut text = String::from("# ledgerd.toml: every limit with its default.\n");
    for setting in SETTINGS {
        let (least, most) = setting.range;
        let default = *(setting.field)(&mut Limits::default());
        text.push_str(&format!(
            "\n# {}; {least} to {most}\n# {} = {default}\n",
            setting.meaning, setting.key
        ));
    }
    text
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            ConfigError::Syntax(path, error) => write!(f, "{}: {error}", path.display()),
            ConfigError::UnknownKey(path, key) => {
                write!(f, "{}: there is no setting {:?}", path.display(), key)?;
                let close = SETTINGS.iter().map(|setting| setting.key);
                let close = close
                    .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
                close.map_or(Ok(()), |close| write!(f, "; did you mean {close}?"))
            }
            ConfigError::BadValue { path, key, value, range: (least, most) } => {
                let path = path.display();
                write!(f, "{path}: {key} = {value}: expected a whole number from {least} to {most}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Limits, String> {
        parse(Path::new("ledgerd.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_default_lies_in_its_range_and_the_reference_uncommented_gives_the_defaults() {
        let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        let text: String = reference()
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.split(" = ").next().is_some_and(|key| keys.contains(&key)))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(text.lines().count(), SETTINGS.len());
        assert_eq!(parse_text(&text), Ok(Limits::default()));
    }

    #[test]
    fn every_setting_sets_its_own_field_and_refuses_what_is_out_of_range() {
        for setting in SETTINGS {
            let (least, most) = setting.range;
            let limits = parse_text(&format!("{} = {most}", setting.key)).unwrap();
            let mut expected = Limits::default();
            *(setting.field)(&mut expected) = most;
            assert_eq!(limits, expected, "{}", setting.key);
            for bad in
                [(i128::from(least) - 1).to_string(), (most + 1).to_string(), "\"x\"".into(), "1.5".into()]
            {
                let error = parse_text(&format!("{} = {bad}", setting.key)).unwrap_err();
                for part in [setting.key, &bad, &least.to_string(), &most.to_string()] {
                    assert!(error.contains(part), "{error} should name {part}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_closest_one() {
        let error = parse_text("idle_msec = 5").unwrap_err();
        assert!(error.contains("idle_msec") && error.contains("idle_ms"), "{error}");
        assert!(parse_text("= 5").is_err());
    }
}
