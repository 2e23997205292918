//! Small files of the home that end with a checksum, because a bit of them that turned over would go unnoticed and
//! pay twice, cost an account, or accuse a server: text, then a line `crc32c` and eight hexadecimal digits.

use super::Home;
use crate::client::ClientError;

/// What the last line starts with.
const LABEL: &str = "crc32c ";

/// What to do about a file that is damaged, by what its name starts with.
const ADVICE: &[(&str, &str)] = &[
    ("accounts/", "remove it, and run `ledgerctl getKey`, which finds the account by its key"),
    (
        "newest/",
        "remove it: the next receipt makes it anew, and only until then a block that is withheld goes unnoticed",
    ),
    (
        "passwords/",
        "remove it: the next log-in makes it anew, and only until then a server that goes back to an old password goes unnoticed",
    ),
    (
        "pending/",
        "it holds commands whose outcome is not known: look with `ledgerctl copy`, and remove it only then",
    ),
    (
        "sent/",
        "it holds a cheque that may still be settled: take it back with `ledgerctl revoke-cheque` and the id at \
         the end of its name, then remove it",
    ),
    ("witness", "put a copy of it back: with another key or view this is another witness"),
];

/// The text with its checksum behind it.
fn sealed(text: &str) -> String {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let sum = crc32c::crc32c_append(crc32c::crc32c(text.as_bytes()), end.as_bytes());
    format!("{text}{end}{LABEL}{sum:08x}\n")
}

/// The text without its checksum, if that fits.
fn unsealed(text: &str) -> Option<&str> {
    let last = text.strip_suffix('\n')?.rfind('\n')? + 1;
    let (body, last) = text.split_at_checked(last)?;
    let sum = last.strip_suffix('\n')?.strip_prefix(LABEL)?;
    (sum == format!("{:08x}", crc32c::crc32c(body.as_bytes()))).then_some(body)
}

/// That a file of the home is damaged, and what to do about it.
pub(in crate::client) fn damaged(home: &Home, name: &str) -> ClientError {
    let advice = ADVICE.iter().find(|(start, _)| name.starts_with(start));
    let advice = advice.map_or("put a copy of it back", |(_, advice)| advice);
    ClientError::Config(format!("{} is damaged: {advice}", home.path(name).display()))
}

impl Home {
    /// The text of a file that was written with its checksum, if it is there; it ends with a line feed.
    ///
    /// # Errors
    /// [`ClientError::Config`] when the checksum does not fit, with what to do; [`ClientError::File`].
    pub fn read_checked(&self, name: &str) -> Result<Option<String>, ClientError> {
        // What is not even text is damaged as well.
        let Some(bytes) = self.read_bytes(name)? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).ok().and_then(unsealed);
        text.map(|text| Some(text.to_owned())).ok_or_else(|| damaged(self, name))
    }

    /// Replaces a file, durably, with a text and its checksum.
    ///
    /// # Errors
    /// As for [`Home::write`].
    pub fn write_checked(&self, name: &str, text: &str) -> Result<(), ClientError> {
        self.write(name, sealed(text).as_bytes())
    }

    /// Makes a file that must not be there yet of a text and its checksum. False when it is there.
    ///
    /// # Errors
    /// As for [`Home::create`].
    pub fn create_checked(&self, name: &str, text: &str) -> Result<bool, ClientError> {
        self.create(name, zeroize::Zeroizing::new(sealed(text)).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_turned_over_anywhere_is_noticed() {
        let text = sealed("1 alice\nsecond line\n");
        assert_eq!(unsealed(&text), Some("1 alice\nsecond line\n"));
        assert_eq!(unsealed(&sealed("no end of line")), Some("no end of line\n"));
        assert_eq!(unsealed(&sealed("")), Some("\n"));
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let found = std::str::from_utf8(&bytes).ok().and_then(unsealed);
                assert_eq!(found, None, "bit {bit} of byte {at}");
            }
            assert_eq!(unsealed(&text[..at]), None, "cut at {at}");
        }
    }
}
