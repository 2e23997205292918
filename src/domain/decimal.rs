//! Decimals of up to eight places, in one form: what is the same number has the same bytes.

use std::fmt;

/// Decimals at most.
pub const SCALE_MAX: u8 = 8;

/// A number that is not negative: `mantissa` with the point `scale` digits before its end. A mantissa with decimals
/// does not end in a zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    mantissa: u64,
    scale: u8,
}

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidDecimal {
    /// Something else than digits with perhaps a point between them.
    NoNumber,
    /// A sign stands before it.
    Negative,
    /// More than [`SCALE_MAX`] decimals.
    Decimals,
    /// Without its point it does not fit 64 bits.
    TooLarge,
}

impl Decimal {
    /// The number with this mantissa and scale. None when the scale is too large.
    pub fn new(mut mantissa: u64, mut scale: u8) -> Option<Decimal> {
        if mantissa == 0 {
            scale = 0;
        }
        while scale > 0 && mantissa.is_multiple_of(10) {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        (scale <= SCALE_MAX).then_some(Decimal { mantissa, scale })
    }

    /// The digits of the number, without its point.
    pub fn mantissa(self) -> u64 {
        self.mantissa
    }

    /// How many of the digits stand behind the point.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Reads digits with perhaps a point between them. Zeros at the end of the decimals mean nothing, however many.
    ///
    /// # Errors
    /// [`InvalidDecimal`].
    pub fn parse(text: &str) -> Result<Decimal, InvalidDecimal> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (unsigned, negative) = whole.strip_prefix('-').map_or((whole, false), |rest| (rest, true));
        if !plain(unsigned) || !plain(decimals) {
            return Err(InvalidDecimal::NoNumber);
        }
        let decimals = decimals.trim_end_matches('0');
        if negative && !(unsigned.bytes().all(|byte| byte == b'0') && decimals.is_empty()) {
            return Err(InvalidDecimal::Negative);
        }
        let scale = u8::try_from(decimals.len()).ok().filter(|scale| *scale <= SCALE_MAX);
        let scale = scale.ok_or(InvalidDecimal::Decimals)?;
        let mut mantissa = 0u64;
        for byte in unsigned.bytes().chain(decimals.bytes()) {
            let more = mantissa.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(byte - b'0')));
            mantissa = more.ok_or(InvalidDecimal::TooLarge)?;
        }
        Ok(Decimal { mantissa, scale })
    }
}

impl From<u64> for Decimal {
    fn from(whole: u64) -> Decimal {
        Decimal { mantissa: whole, scale: 0 }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decimal { mantissa, scale } = *self;
        if scale == 0 {
            return mantissa.fmt(f);
        }
        let unit = 10u64.pow(u32::from(scale));
        write!(f, "{}.{:0width$}", mantissa / unit, mantissa % unit, width = usize::from(scale))
    }
}

impl fmt::Display for InvalidDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidDecimal::NoNumber => f.write_str("no number with digits and a point alone"),
            InvalidDecimal::Negative => f.write_str("negative"),
            InvalidDecimal::Decimals => write!(f, "more than {SCALE_MAX} decimals"),
            InvalidDecimal::TooLarge => f.write_str("too large"),
        }
    }
}

impl std::error::Error for InvalidDecimal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_number_has_one_form() {
        for (text, shown) in [
            ("0.00400000", "0.004"),
            ("36000.00000000", "36000"),
            ("0.00001300", "0.000013"),
            ("187.500000", "187.5"),
            ("1.000000000000", "1"),
            ("007", "7"),
            ("-0.00", "0"),
            ("0.00000001", "0.00000001"),
            ("184467440737.09551615", "184467440737.09551615"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!(decimal.to_string(), shown);
            assert_eq!(Decimal::parse(shown), Ok(decimal));
            assert_eq!(Decimal::new(decimal.mantissa(), decimal.scale()), Some(decimal));
        }
        assert_eq!(Decimal::new(125_000, 4), Decimal::parse("12.5").ok());
        assert_eq!(Decimal::new(0, 200), Some(Decimal::default()));
        assert_eq!(Decimal::new(1, 9), None);
    }

    #[test]
    fn what_is_no_decimal_says_why() {
        for (text, why) in [
            ("", InvalidDecimal::NoNumber),
            (".5", InvalidDecimal::NoNumber),
            ("5.", InvalidDecimal::NoNumber),
            ("+5", InvalidDecimal::NoNumber),
            (" 5", InvalidDecimal::NoNumber),
            ("1e2", InvalidDecimal::NoNumber),
            ("1,234.50", InvalidDecimal::NoNumber),
            ("1.2.3", InvalidDecimal::NoNumber),
            ("--1", InvalidDecimal::NoNumber),
            ("-25", InvalidDecimal::Negative),
            ("-0.01", InvalidDecimal::Negative),
            ("0.000000001", InvalidDecimal::Decimals),
            ("18446744073709551616", InvalidDecimal::TooLarge),
            ("184467440737.09551616", InvalidDecimal::TooLarge),
        ] {
            assert_eq!(Decimal::parse(text), Err(why), "{text}");
        }
    }
}
