//! Where a command's output goes: data to stdout, words about it to stderr, tables and bars only to a terminal.
//! Characters that nobody can see are written out wherever it goes.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::json;
use super::visible::Visible;
use crate::client::ClientError;
use crate::terminal::exit::Exit;
use crate::text::{escape, without_numbers};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlet {
    /// Whether `--json` was given.
    pub(super) json: bool,
}

impl Outlet {
    pub(super) fn new(json: bool) -> Outlet {
        Outlet { json }
    }

    /// Writes a line of data.
    pub(super) fn line(self, text: &str) -> Result<(), ClientError> {
        self.data(|out| writeln!(out, "{text}")).map(|_| ())
    }

    /// Writes a line that says what was done. Unlike other data it has to arrive: whoever does not read it does not
    /// know.
    pub(super) fn tell(self, text: &str) -> Result<(), ClientError> {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        written.map_err(|error| ClientError::Unexpected(format!("stdout: {error}")))
    }

    /// Writes data with a function of its own, buffered. False when nobody reads it any more.
    pub(super) fn data(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<bool, ClientError> {
        let mut out = Visible::new(io::BufWriter::new(io::stdout().lock()));
        written(write(&mut out).and_then(|()| out.flush()))
    }

    /// Says something about the data.
    pub(super) fn note(self, text: &str) {
        // With stderr gone there is nobody to tell.
        drop(writeln!(Visible::new(io::stderr().lock()), "{}", without_numbers(text)));
    }

    /// Says what went wrong: an object with `--json`, words without. What the server said is in it, so every line is
    /// made harmless.
    pub(super) fn complain(self, error: &ClientError) {
        let text = error.to_string();
        let text = without_numbers(&text);
        let lines: Vec<Cow<'_, str>> = text.lines().map(escape).collect();
        let said = if self.json {
            failure(error, &lines.join("\n")).to_string()
        } else {
            format!("ledgerctl: {}", lines.join("\n"))
        };
        // With stderr gone there is nobody to tell; the exit code still says what happened.
        drop(writeln!(io::stderr().lock(), "{said}"));
    }

    /// A bar on a terminal; nothing elsewhere.
    pub(super) fn bar(self, what: &'static str, total: u64) -> ProgressBar {
        if !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
        let bar = ProgressBar::new(total).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// An error for programs.
pub(super) fn failure(error: &ClientError, message: &str) -> serde_json::Value {
    let facts = match error {
        ClientError::Refused(refusal) => json::of_facts(refusal),
        _ => serde_json::json!({}),
    };
    serde_json::json!({ "error": {
        "name": escape(error.name()),
        "code": Exit::from(error) as u8,
        "message": message,
        "retry": error.retry().to_string(),
        "facts": facts,
    } })
}

/// A reader of our output that has gone away is no failure of ours: whoever pipes into `head` wants just that.
/// It is told apart, so that nothing more is fetched for it.
fn written(result: io::Result<()>) -> Result<bool, ClientError> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(ClientError::Unexpected(format!("stdout: {error}"))),
    }
}
