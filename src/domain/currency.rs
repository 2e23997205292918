//! What money is called and how it is written.

use std::fmt;

use serde::Serialize;

/// Decimals that a currency has at most.
const SCALE_MAX: u8 = 9;

/// Bytes of a currency's name at most.
const NAME_BYTES_MAX: usize = 12;

/// The currency of a ledger. Amounts are whole minor units: with scale 2, 150 is shown as 1.50.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Currency {
    /// 1 to 12 ASCII letters and digits, such as `TWD`.
    pub name: String,
    /// Decimals shown, 0 to 9.
    pub scale: u8,
}

impl Default for Currency {
    fn default() -> Currency {
        Currency { name: "UNIT".to_owned(), scale: 0 }
    }
}

impl Currency {
    /// The name, if it may be one.
    pub fn checked_name(name: &str) -> Option<String> {
        let good = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        good.then(|| name.to_owned())
    }

    /// The scale, if it may be one.
    pub fn checked_scale(scale: u8) -> Option<u8> {
        (scale <= SCALE_MAX).then_some(scale)
    }

    /// An amount as people write it, without the name.
    pub fn show(&self, amount: u64) -> String {
        self.shown(amount.into()).to_string()
    }

    /// An amount with its sign as people write it, without the name: to be written where it belongs, without a text of
    /// its own.
    pub fn shown(&self, minor: i128) -> impl fmt::Display {
        let (sign, amount) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
        // No command holds an amount of more than 64 bits.
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        let (unit, width) = (10u64.pow(u32::from(self.scale)), usize::from(self.scale));
        fmt::from_fn(move |to| match width {
            0 => write!(to, "{sign}{amount}"),
            _ => write!(to, "{sign}{}.{:0width$}", amount / unit, amount % unit),
        })
    }

    /// An amount with its sign, as people write it, without the name.
    pub fn show_signed(&self, amount: i64) -> String {
        self.shown(amount.into()).to_string()
    }

    /// An amount with the name: `1.50 USD`.
    pub fn show_named(&self, amount: u64) -> String {
        format!("{} {}", self.show(amount), self.name)
    }

    /// Reads an amount as people write it: minor units, perhaps negative. None when it is no number, has more
    /// decimals than the scale, or does not fit.
    pub fn read(&self, text: &str) -> Option<i64> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text),
        };
        let (whole, decimals) = digits.split_once('.').map_or((digits, ""), |(whole, rest)| (whole, rest));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let scale = usize::from(self.scale);
        let ends_in_point = digits.ends_with('.');
        if whole.is_empty() || !plain(whole) || !plain(decimals) || decimals.len() > scale || ends_in_point {
            return None;
        }
        format!("{sign}{whole}{decimals:0<scale$}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_the_scale_and_read_back() {
        let twd = Currency { name: "TWD".to_owned(), scale: 0 };
        let usd = Currency { name: "USD".to_owned(), scale: 2 };
        assert_eq!(
            (twd.show(150).as_str(), usd.show(150).as_str(), usd.show(5).as_str()),
            ("150", "1.50", "0.05")
        );
        for amount in [0, 1, 99, 100, 12_345, i64::MAX as u64] {
            for currency in [&twd, &usd] {
                assert_eq!(currency.read(&currency.show(amount)), Some(amount as i64));
            }
        }
        assert_eq!((usd.read("1"), usd.read("1.5"), usd.read("-0.01")), (Some(100), Some(150), Some(-1)));
        for bad in ["", "-", ".5", "1.", "1.234", "+1", "1,5", "1e3", " 1", "92233720368547758.08"] {
            assert_eq!(usd.read(bad), None, "{bad:?}");
        }
    }
}
