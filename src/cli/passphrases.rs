//! Where the passphrase of a key comes from: the command line, the environment, or the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use zeroize::Zeroizing;

use super::Arguments;
use crate::client::ClientError;

/// Bytes of a passphrase at most; more is another file by mistake.
const PASSPHRASE_BYTES_MAX: usize = 4096;

/// Reads what `--WHAT-file` or `--WHAT-fd` name.
pub(super) fn named(
    what: &str,
    file: Option<&str>,
    number: Option<u32>,
) -> Result<Option<Zeroizing<String>>, ClientError> {
    let (name, path) = match (file, number) {
        (Some(_), Some(_)) => {
            return Err(ClientError::Usage(format!("either --{what}-file or --{what}-fd, not both")));
        }
        (None, None) => return Ok(None),
        (Some("-"), None) => (format!("--{what}-file -"), "/dev/fd/0".to_owned()),
        (Some(file), None) => (format!("--{what}-file {file}"), file.to_owned()),
        (None, Some(number)) => (format!("--{what}-fd {number}"), format!("/dev/fd/{number}")),
    };
    let mut source = File::open(path).map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
    first_line(&mut source).map(Some).map_err(|why| ClientError::Usage(format!("{name}: {why}")))
}

/// The next line, without its end. Not a byte behind it is read: the rest may be for somebody else.
fn first_line(source: &mut dyn Read) -> Result<Zeroizing<String>, String> {
    let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX));
    let mut byte = [0];
    loop {
        match source.read(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
            Ok(0) => break,
            Ok(_) if byte == [b'\n'] => break,
            Ok(_) if line.len() == PASSPHRASE_BYTES_MAX => {
                return Err(format!("its first line has more than {PASSPHRASE_BYTES_MAX} bytes"));
            }
            Ok(_) => line.extend_from_slice(&byte),
        }
    }
    let line = line.strip_suffix(b"\r").unwrap_or(&line);
    // Some editors begin a file with a mark, which nobody types.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| "its first line is not UTF-8".to_owned())?;
    if text.is_empty() {
        Err("its first line is empty".to_owned())
    } else {
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// The passphrase of the key, from where there is one.
#[derive(Clone)]
pub(super) struct Passphrases {
    /// What the command line named.
    named: Option<Zeroizing<String>>,
}

impl Passphrases {
    /// With the passphrase that the command line names, if it names one.
    pub(super) fn of(arguments: &Arguments) -> Result<Passphrases, ClientError> {
        let (file, number) = (arguments.passphrase_file.as_deref(), arguments.passphrase_fd);
        Ok(Passphrases { named: named("passphrase", file, number)? })
    }

    /// The passphrase of a key that is there: from the command line, the environment, or the terminal if somebody is
    /// there.
    pub(super) fn of_key(&self, prompt: &str) -> Option<Zeroizing<String>> {
        self.unprompted().or_else(|| ask(prompt))
    }

    /// The passphrase that a person was not asked for.
    pub(super) fn unprompted(&self) -> Option<Zeroizing<String>> {
        let variable = || std::env::var("LEDGERCTL_PASSPHRASE").ok().map(Zeroizing::new);
        self.named.clone().or_else(variable)
    }

    /// The passphrase of a key that is made now; none if nobody wants one. Whoever names a passphrase wants one.
    pub(super) fn of_new_key(&self, wanted: bool) -> Result<Option<Zeroizing<String>>, ClientError> {
        if !wanted && self.named.is_none() {
            return Ok(None);
        }
        let new = self.unprompted().map_or_else(ask_for_new, Ok)?;
        if new.is_empty() { Err(empty()) } else { Ok(Some(new)) }
    }
}

fn empty() -> ClientError {
    ClientError::Usage("the passphrase is empty".to_owned())
}

/// Asks at the terminal, if there is one.
pub(super) fn ask(prompt: &str) -> Option<Zeroizing<String>> {
    // The question goes to the terminal itself, so input that is piped in is no obstacle while somebody looks.
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return None;
    }
    rpassword::prompt_password(prompt).ok().map(Zeroizing::new)
}

/// Asks twice at the terminal.
pub(super) fn ask_for_new() -> Result<Zeroizing<String>, ClientError> {
    let ask = |prompt| {
        ask(prompt).ok_or_else(|| {
            ClientError::Usage(
                "there is nobody to ask for the new passphrase: name a file or an open file that holds it"
                    .to_owned(),
            )
        })
    };
    let first = ask("New passphrase: ")?;
    if first.is_empty() {
        return Err(empty());
    }
    if *first != *ask("The same again: ")? {
        return Err(ClientError::Usage("the two passphrases differ".to_owned()));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_a_line_and_what_is_behind_it_is_left_to_others() {
        let mut source = &b" blanks stay \r\nan order\n"[..];
        assert_eq!(*first_line(&mut source).unwrap(), " blanks stay ");
        assert_eq!(source, b"an order\n");
        assert_eq!(*first_line(&mut &b"no end of line"[..]).unwrap(), "no end of line");
        assert!(first_line(&mut &b"\nsecond line"[..]).is_err(), "empty");
        assert!(first_line(&mut &b"\xff\n"[..]).is_err(), "not UTF-8");
        let long = [b'x'; PASSPHRASE_BYTES_MAX + 1];
        assert!(first_line(&mut &long[..]).is_err(), "a wrong file");
        assert_eq!(first_line(&mut &long[1..]).unwrap().len(), PASSPHRASE_BYTES_MAX);
    }
}
