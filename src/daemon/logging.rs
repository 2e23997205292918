//! Log lines on stderr. Strangers' bytes can end up in them, so every control character is written as an
//! escape: nobody who reads a log with `cat` shall have a terminal driven by somebody else.
//!
//! A line that cannot be written, because the disk is full or nobody listens, is lost, and that is all: the ledger
//! goes on.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::text::escape;

/// The variable that says how much is written, such as `debug` or `ledgerd::service=debug`.
const VARIABLE: &str = "LEDGERD_LOG";

/// Starts logging. Only the first call of a process has an effect. There are no colours: with every control
/// character escaped there cannot be any.
pub(super) fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = filter.with_env_var(VARIABLE).from_env_lossy();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    // Otherwise a failed line is complained about on the very stream that failed, by panicking.
    let builder = builder.log_internal_errors(false);
    if let Err(error) = builder.with_writer(|| EscapingWriter(io::stderr())).try_init() {
        tracing::debug!(%error, "logging was started before");
    }
}

/// Passes lines on with their control characters escaped. It is handed one whole line at a time.
struct EscapingWriter<W>(W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (line, end) = bytes.strip_suffix(b"\n").map_or((bytes, ""), |line| (line, "\n"));
        let text = String::from_utf8_lossy(line);
        self.0.write_all(format!("{}{end}", escape(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_but_the_last_newline_passes() {
        let mut out = Vec::new();
        let line = "a\x1b[31mb\nc\rd\u{9b}e ü\t\n";
        EscapingWriter(&mut out).write_all(line.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u{1b}[31mb\\u{a}c\\u{d}d\\u{9b}e ü\\u{9}\n");
    }
}
