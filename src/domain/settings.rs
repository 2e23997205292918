//! What was decided when the ledger was made, and holds for its whole life: it stands in the genesis block.

use std::fmt;

use serde::Serialize;

use super::currency::Currency;
use crate::crypto::KeyId;

/// The settings of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The money.
    pub currency: Currency,
    /// What every new account receives, in minor units.
    pub opening_grant: u64,
    /// The key whose account is an operator from its registration on.
    pub operator: Option<KeyId>,
}

/// A setting of genesis that this program does not know or cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Settings {
    /// Reads the settings of a genesis block. What is not there has its default.
    ///
    /// # Errors
    /// [`BadSetting`], the first one: a ledger with rules that this program does not know is not served.
    pub fn read(pairs: &[(String, String)]) -> Result<Settings, BadSetting> {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            settings
                .read_one(key, value)
                .ok_or_else(|| BadSetting { key: key.clone(), value: value.clone() })?;
        }
        // One spelling each: what would be written otherwise is refused.
        let written = settings.write();
        match pairs.iter().find(|pair| !written.contains(pair)) {
            Some((key, value)) => Err(BadSetting { key: key.clone(), value: value.clone() }),
            None => Ok(settings),
        }
    }

    fn read_one(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "currency" => self.currency.name = Currency::checked_name(value)?,
            "opening_grant" => self.opening_grant = value.parse().ok()?,
            "operator" => self.operator = Some(KeyId(const_hex::decode_to_array(value).ok()?)),
            "scale" => self.currency.scale = Currency::checked_scale(value.parse().ok()?)?,
            _ => return None,
        }
        Some(())
    }

    /// The settings as a genesis block holds them: sorted by key, without the operator where there is none.
    pub fn write(&self) -> Vec<(String, String)> {
        let pair = |key: &str, value: String| (key.to_owned(), value);
        let mut pairs = vec![
            pair("currency", self.currency.name.clone()),
            pair("opening_grant", self.opening_grant.to_string()),
        ];
        pairs.extend(self.operator.map(|key| pair("operator", key.to_string())));
        pairs.push(pair("scale", self.currency.scale.to_string()));
        pairs
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the genesis block's setting {:?} has a value unknown to this program: {:?}",
            self.key, self.value
        )
    }
}

impl std::error::Error for BadSetting {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_read_back_and_missing_ones_have_their_defaults() {
        let settings = Settings {
            currency: Currency { name: "TWD".to_owned(), scale: 2 },
            opening_grant: 10_000,
            operator: Some(KeyId([7; 32])),
        };
        assert_eq!(Settings::read(&settings.write()), Ok(settings.clone()));
        assert!(settings.write().is_sorted(), "genesis wants them sorted");
        assert_eq!(Settings::read(&[]), Ok(Settings::default()));
        assert_eq!(Settings::read(&Settings::default().write()), Ok(Settings::default()));
    }

    #[test]
    fn what_is_unknown_or_spelled_otherwise_is_refused_by_name() {
        for (key, value) in [
            ("colour", "red"),
            ("opening_grant", "-1"),
            ("opening_grant", "01"),
            ("opening_grant", "+1"),
            ("scale", "10"),
            ("currency", "a b"),
            ("currency", ""),
            ("operator", "00"),
            ("operator", &"AB".repeat(32)),
        ] {
            let refused = Settings::read(&pairs(&[(key, value)])).unwrap_err();
            assert_eq!((refused.key.as_str(), refused.value.as_str()), (key, value));
        }
    }
}
