//! Log lines on stderr. Strangers' bytes can end up in them, so every control character is written as an
//! escape: nobody who reads a log with `cat` shall have a terminal driven by somebody else.
//!
//! No line is waited for: a thread of its own writes them ([`LogQueue`]). What nobody takes in time is dropped and
//! counted, and what cannot be written, because the disk is full or nobody listens, is lost, and that is all: the
//! ledger goes on.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::env::{self, VarError};
use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::config::ConfigError;
use super::error::DaemonError;
use super::log_queue::LogQueue;
use crate::text::escape;

/// The variable that says how much is written, such as `debug` or `info,ledgerd::service=debug`.
const VARIABLE: &str = "LEDGERD_LOG";

/// Every line comes from a part of this program.
const PROGRAM: &str = "ledgerd";

/// How long the end of the process waits for a log that nobody takes.
const FAREWELL: Duration = Duration::from_millis(500);

/// The log of this process.
pub(super) struct Logging {
    queue: Arc<LogQueue>,
}

impl Logging {
    /// Starts logging, and has a panic told through the log as well. There are no colours: with every control
    /// character escaped there cannot be any.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] when `LEDGERD_LOG` is not understood, [`DaemonError::Io`] when there is no thread.
    pub(super) fn start() -> Result<Logging, DaemonError> {
        let targets = match env::var(VARIABLE) {
            Ok(text) => filter(&text)?,
            Err(VarError::NotPresent) => filter("")?,
            Err(VarError::NotUnicode(value)) => {
                return Err(not_understood(format!("{value:?}"), "it is not UTF-8"));
            }
        };
        let queue = Arc::new(LogQueue::default());
        let (writing, taking) = (Arc::clone(&queue), Arc::clone(&queue));
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writing.write_to(&mut io::stderr()))
            .map_err(DaemonError::io("starting a thread"))?;
        // Otherwise a line that cannot be formatted is complained about on the very stream that may be stuck.
        let lines = fmt::layer().with_ansi(false).log_internal_errors(false);
        let lines = lines.with_writer(move || QueueWriter(Arc::clone(&taking)));
        if let Err(error) = tracing_subscriber::registry().with(lines).with(targets).try_init() {
            tracing::debug!(%error, "logging was started before");
        }
        let logging = Logging { queue };
        logging.take_panics();
        Ok(logging)
    }

    /// A panic ends the process, and its usual way to stderr waits for whoever reads that.
    fn take_panics(&self) {
        let queue = Arc::clone(&self.queue);
        panic::set_hook(Box::new(move |panic| {
            let thread = thread::current();
            let mut text = format!("thread {:?}: {panic}", thread.name().unwrap_or_default());
            let trace = Backtrace::capture();
            if trace.status() == BacktraceStatus::Captured {
                text.push_str(&format!("\n{trace}"));
            }
            say_last(&queue, &text);
        }));
    }

    /// Says why the process ends, if that has a reason, and gives the log a moment to be written.
    pub(super) fn end(self, reason: &str) {
        say_last(&self.queue, reason);
    }
}

fn say_last(queue: &LogQueue, text: &str) {
    queue.end(lines(text), FAREWELL);
}

/// Lines of this program about itself, each with its name.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(|line| format!("{PROGRAM}: {}\n", escape(line))).collect()
}

/// Reads what is to be logged: levels, and `part=level` for parts of the program, with commas between them.
fn filter(text: &str) -> Result<Targets, DaemonError> {
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (part, level) =
            directive.split_once('=').map_or((None, directive), |(part, level)| (Some(part), level));
        let Ok(level) = level.parse::<LevelFilter>() else {
            let reason = format!("{level:?} is not a level: off, error, warn, info, debug or trace");
            return Err(not_understood(format!("{text:?}"), &reason));
        };
        targets = match part {
            None => targets.with_default(level),
            Some(part) if part == PROGRAM || part.starts_with("ledgerd::") => {
                targets.with_target(part, level)
            }
            Some(part) => {
                let reason = format!("{part:?} is not a part of the program, such as ledgerd::service");
                return Err(not_understood(format!("{text:?}"), &reason));
            }
        };
    }
    Ok(targets)
}

fn not_understood(value: String, reason: &str) -> DaemonError {
    ConfigError::Variable { name: VARIABLE, value, reason: reason.to_owned() }.into()
}

/// Passes whole lines on to the queue, with their control characters escaped.
struct QueueWriter(Arc<LogQueue>);

impl Write for QueueWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(escaped(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line in which no control character is left but the newline at its end.
fn escaped(bytes: &[u8]) -> String {
    let (line, end) = bytes.strip_suffix(b"\n").map_or((bytes, ""), |line| (line, "\n"));
    let text = String::from_utf8_lossy(line);
    format!("{}{end}", escape(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::exit::Exit;

    #[test]
    fn no_control_character_but_the_last_newline_passes() {
        let line = "a\x1b[31mb\nc\rd\u{9b}e ü\t\n";
        assert_eq!(escaped(line.as_bytes()), "a\\u{1b}[31mb\\u{a}c\\u{d}d\\u{9b}e ü\\u{9}\n");
    }

    #[test]
    fn levels_are_read_for_the_whole_and_for_parts_and_anything_else_is_refused() {
        use tracing::Level;
        let wanted = |text: &str, part: &str, level| filter(text).unwrap().would_enable(part, &level);
        assert!(wanted("", "ledgerd::service", Level::INFO) && !wanted("", "ledgerd::service", Level::DEBUG));
        assert!(wanted("debug", "ledgerd::service", Level::DEBUG));
        assert!(!wanted("off", "ledgerd::service", Level::ERROR));
        let text = " warn, ledgerd::session=trace";
        assert!(wanted(text, "ledgerd::session::server", Level::TRACE));
        assert!(!wanted(text, "ledgerd::service", Level::INFO));
        assert!(wanted("ledgerd::session=warn", "ledgerd::service", Level::INFO), "the rest stays as it is");
        for (text, part) in [
            ("verbose", "\"verbose\" is not a level"),
            ("info,debgu", "\"debgu\" is not a level"),
            ("ledgerd::service=loud", "\"loud\" is not a level"),
            ("ledger::service=debug", "\"ledger::service\" is not a part"),
            ("=debug", "\"\" is not a part"),
        ] {
            let error = filter(text).unwrap_err();
            assert_eq!(error.exit(), Exit::Config);
            let message = error.to_string();
            assert!(message.contains(part) && message.contains(VARIABLE), "{message}");
        }
    }
}
