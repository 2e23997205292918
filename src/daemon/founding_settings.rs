//! What the options of the first start say of a new ledger, from strings to checked values.
#![expect(clippy::disallowed_methods, reason = "the operator's key is a file that was named")]

use super::error::DaemonError;
use crate::chain::armour;
use crate::crypto::{KeyId, KeyKind, VerifyingKey};
use crate::domain::{BadSetting, Settings};
use crate::limits::ISSUED_MAX;
use crate::password::Stretch;

/// What the options say that holds for the whole life of a new ledger.
///
/// # Errors
/// [`DaemonError::Usage`].
pub(super) fn founding(
    currency: Option<String>,
    scale: Option<String>,
    opening_grant: Option<String>,
    operator: Option<String>,
) -> Result<Settings, DaemonError> {
    let operator = operator.map(|text| operator_key(&text)).transpose()?;
    let pair = |key: &str, value: Option<String>| value.map(|value| (key.to_owned(), value));
    let pairs: Vec<(String, String)> = [
        pair("currency", currency),
        pair("opening_grant", opening_grant),
        pair("operator", operator.map(|key| key.to_string())),
        pair("scale", scale),
    ]
    .into_iter()
    .flatten()
    .collect();
    let settings = Settings::read(&pairs).map_err(|BadSetting { key, value }| {
        let (option, expected) = match key.as_str() {
            "currency" => ("--currency", "1 to 12 ASCII letters and digits"),
            "scale" => ("--scale", "a whole number from 0 to 9"),
            _ => ("--opening-grant", "a whole number"),
        };
        usage(&format!("{option} {value:?}: expected {expected}"))
    })?;
    if settings.opening_grant > ISSUED_MAX {
        let grant = settings.opening_grant;
        return Err(usage(&format!(
            "--opening-grant {grant}: expected a whole number from 0 to {ISSUED_MAX}"
        )));
    }
    Ok(settings)
}

fn operator_key(text: &str) -> Result<KeyId, DaemonError> {
    if let Ok(id) = const_hex::decode_to_array(text) {
        return Ok(KeyId(id));
    }
    let bad = |reason: String| usage(&format!("--operator {text:?}: {reason}"));
    let file = std::fs::read(text).map_err(|error| bad(error.to_string()))?;
    let file = armour::text_of(&file);
    // The key may have come by mail.
    let pem = armour::pem(&file, "PUBLIC KEY").unwrap_or(file);
    let key = VerifyingKey::from_pem(&pem).map_err(|error| bad(error.to_string()))?;
    // Nobody registers with a key of another kind, so that there would never be an operator.
    match key.kind() {
        KeyKind::Rsa3072 => Ok(key.key_id()),
        KeyKind::Ed25519 => {
            Err(bad("an account begins with a key of RSA, and this is one of Ed25519".to_owned()))
        }
    }
}

/// What an option says of the cost of a guess at a password.
///
/// # Errors
/// [`DaemonError::Usage`].
pub(super) fn password_cost(text: &str) -> Result<Stretch, DaemonError> {
    let mut numbers = text.split(',').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let cost = match (next(), next(), next()) {
        (Some(m_kib), Some(t), Some(p)) => Some(Stretch { m_kib, t, p }),
        _ => None,
    };
    let cost = cost.filter(|cost| cost.is_acceptable() && numbers.next().is_none());
    cost.ok_or_else(|| {
        usage(&format!(
            "--password-cost {text:?}: expected KiB of memory from {} to {}, passes from {} to {} and lanes from 1 to {}, as in 65536,3,4",
            Stretch::M_KIB_MIN,
            Stretch::M_KIB_MAX,
            Stretch::T_MIN,
            Stretch::T_MAX,
            Stretch::P_MAX
        ))
    })
}

fn usage(message: &str) -> DaemonError {
    DaemonError::Usage(message.to_owned())
}
