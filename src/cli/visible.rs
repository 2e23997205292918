//! Output in which nothing hides: what strangers wrote reaches a terminal, a file or another program with every
//! hidden character written out, whichever command prints it.

use std::io::{self, Write};

use crate::text::escape_as_json;

/// Bytes that begin a character and wait for the rest of it, at most.
const BEGUN_BYTES_MAX: usize = 3;

/// Passes text on as [`escape_as_json`] makes it. Bytes that are not UTF-8 pass as they are.
pub(super) struct Visible<W: Write> {
    out: W,
    /// The begin of a character whose rest comes with the next write.
    begun: Vec<u8>,
}

impl<W: Write> Visible<W> {
    pub(super) fn new(out: W) -> Visible<W> {
        Visible { out, begun: Vec::new() }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let (text, rest) = match std::str::from_utf8(bytes) {
                Ok(text) => (text, &[][..]),
                Err(error) => {
                    let (text, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
                    (std::str::from_utf8(text).unwrap_or_default(), rest)
                }
            };
            self.out.write_all(escape_as_json(text).as_bytes())?;
            if rest.is_empty() {
                return Ok(());
            }
            let incomplete = std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
            if incomplete && rest.len() <= BEGUN_BYTES_MAX {
                self.begun = rest.to_vec();
                return Ok(());
            }
            let (foreign, more) = rest.split_at_checked(1).unwrap_or((rest, &[]));
            self.out.write_all(foreign)?;
            bytes = more;
        }
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_empty() && bytes.is_ascii() {
            // Nearly everything: nothing is looked at twice.
            self.out.write_all(bytes)?;
        } else {
            let whole = [std::mem::take(&mut self.begun).as_slice(), bytes].concat();
            self.pass(&whole)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        self.out.write_all(&begun)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut visible = Visible::new(&mut out);
        parts.iter().for_each(|part| visible.write_all(part).unwrap());
        visible.flush().unwrap();
        out
    }

    #[test]
    fn a_hidden_character_is_written_out_wherever_a_write_cuts_it() {
        let text = "é\u{202e}🙂\u{e0041}\n".as_bytes();
        let visible = "é\\u202e🙂\\udb40\\udc41\n".as_bytes();
        for first in 0..=text.len() {
            let (start, end) = text.split_at(first);
            assert_eq!(passed(&[start, end]), visible, "cut at {first}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(passed(&single), visible);
    }

    #[test]
    fn bytes_that_are_no_text_pass_as_they_are() {
        assert_eq!(passed(&[b"a\xffb\xe2\x80", b"c\xc3"]), b"a\xffb\xe2\x80c\xc3");
    }
}
