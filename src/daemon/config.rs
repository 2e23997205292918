//! `ledgerd.toml`: every limit by its key, and where and under which name the ledger is served. A file that is not
//! understood whole is refused: a typing error must not leave a limit at its default unnoticed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::limits::{Limits, SETTINGS, Setting};

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Every limit; those that the file does not name have their defaults.
    pub limits: Limits,
    /// The directory of the ledger, as it stands in the file.
    pub data: Option<String>,
    /// The address to listen on.
    pub listen: Option<String>,
    /// The name of a new ledger.
    pub origin: Option<String>,
}

/// A setting that is text. The command line has an option of the same name, which comes first.
pub struct TextSetting {
    /// Key in the configuration file.
    pub key: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// An example of a value.
    pub example: &'static str,
    /// The field that it sets.
    pub field: fn(&mut Config) -> &mut Option<String>,
}

/// Every setting that is text, in the order of the reference.
pub const TEXT_SETTINGS: &[TextSetting] = &[
    TextSetting {
        key: "data",
        meaning: "directory of the ledger; a relative path starts at the folder of this file",
        example: "/srv/ledger",
        field: |config| &mut config.data,
    },
    TextSetting {
        key: "listen",
        meaning: "address to listen on",
        example: "127.0.0.1:7878",
        field: |config| &mut config.listen,
    },
    TextSetting {
        key: "origin",
        meaning: "name of the ledger, given at its first start and kept for life",
        example: "ledger.example/prod",
        field: |config| &mut config.origin,
    },
];

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
    /// A value that is no text, or not one that means something here.
    BadText {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A variable of the environment that is not understood.
    Variable {
        /// Its name.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a configuration; a file that does not exist and was not asked for gives the defaults.
///
/// # Errors
/// [`ConfigError`] names key, value and what is allowed.
#[expect(clippy::disallowed_methods, reason = "the configuration is read here and nowhere else")]
pub fn read(path: &Path, must_exist: bool) -> Result<Config, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Config::default()),
        Err(error) => Err(ConfigError::Unreadable(path.to_owned(), error)),
    }
}

/// Reads a configuration from the text of a file.
///
/// # Errors
/// [`ConfigError`] names key, value and what is allowed.
pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax(path.to_owned(), error.to_string()))?;
    let mut config = Config::default();
    for (key, value) in &table {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
            *(setting.field)(&mut config.limits) = number(path, setting, value)?;
        } else if let Some(setting) = TEXT_SETTINGS.iter().find(|setting| setting.key == key) {
            *(setting.field)(&mut config) = Some(text_of(path, setting, value)?);
        } else {
            return Err(ConfigError::UnknownKey(path.to_owned(), key.clone()));
        }
    }
    Ok(config)
}

fn number(path: &Path, setting: &Setting, value: &toml::Value) -> Result<u64, ConfigError> {
    let (least, most) = setting.range;
    let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| ConfigError::BadValue {
        path: path.to_owned(),
        key: setting.key,
        value: value.to_string(),
        range: setting.range,
    })
}

fn text_of(path: &Path, setting: &TextSetting, value: &toml::Value) -> Result<String, ConfigError> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| ConfigError::BadText {
        path: path.to_owned(),
        key: setting.key,
        value: value.to_string(),
        reason: format!("expected text in quotes, such as \"{}\"", setting.example),
    })
}

/// The reference of all keys with meaning, default and range, as a commented file that changes nothing.
pub fn reference() -> String {
    let mut text = String::from("# ledgerd.toml: what can be set, and every limit with its default.\n");
    for setting in TEXT_SETTINGS {
        text.push_str(&format!("\n# {}\n# {} = \"{}\"\n", setting.meaning, setting.key, setting.example));
    }
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
                let keys = SETTINGS.iter().map(|setting| setting.key);
                let close = keys.chain(TEXT_SETTINGS.iter().map(|setting| setting.key));
                let close = close
                    .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
                close.map_or(Ok(()), |close| write!(f, "; did you mean {close}?"))
            }
            ConfigError::BadValue { path, key, value, range: (least, most) } => {
                let path = path.display();
                write!(f, "{path}: {key} = {value}: expected a whole number from {least} to {most}")
            }
            ConfigError::BadText { path, key, value, reason } => {
                write!(f, "{}: {key} = {value}: {reason}", path.display())
            }
            ConfigError::Variable { name, value, reason } => write!(f, "{name}={value}: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_config(text: &str) -> Result<Config, String> {
        parse(Path::new("ledgerd.toml"), text).map_err(|error| error.to_string())
    }

    fn parse_text(text: &str) -> Result<Limits, String> {
        parse_config(text).map(|config| config.limits)
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
    fn every_text_sets_its_own_field_stands_in_the_reference_and_has_to_be_text() {
        for setting in TEXT_SETTINGS {
            let line = format!("{} = \"{}\"", setting.key, setting.example);
            assert!(reference().contains(&format!("\n# {}\n# {line}\n", setting.meaning)), "{line}");
            let mut expected = Config::default();
            *(setting.field)(&mut expected) = Some(setting.example.to_owned());
            assert_eq!(parse_config(&line), Ok(expected));
            for bad in ["5", "[\"x\"]", "\"\""] {
                let error = parse_config(&format!("{} = {bad}", setting.key)).unwrap_err();
                assert!(error.contains(setting.key) && error.contains(setting.example), "{error}");
            }
        }
        let error = parse_config("listn = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.contains("did you mean listen?"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_closest_one() {
        let error = parse_text("idle_msec = 5").unwrap_err();
        assert!(error.contains("idle_msec") && error.contains("idle_ms"), "{error}");
        assert!(parse_text("= 5").is_err());
    }
}
