//! Signals. The first SIGTERM or SIGINT asks the loop to finish; the second ends the process on the spot, from
//! within the handler, even while the loop hangs in a system call. What was acknowledged by then is on disk.
//!
//! SIGHUP, SIGUSR1 and SIGUSR2 would end a process that does not take them. The daemon notes them in its log and goes
//! on: what they commonly ask for, to read settings again, takes a start. A program at a terminal leaves them as they
//! are, because SIGHUP tells it that the terminal is gone.
//!
//! SIGXFSZ is taken and forgotten, so that a file at its size limit shows as an error of the write (`EFBIG`),
//! which the log understands as a full disk. SIGPIPE is ignored by Rust's runtime already.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::Registry;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::flag;
use signal_hook_mio::v1_0::Signals;

use super::token;

/// Exit code of a process that was told twice to end: it did not close its log.
const EXIT_AT_ONCE: i32 = 1;

/// The signals of the process, taken from the default handlers.
pub struct SignalSource {
    signals: Signals,
}

impl SignalSource {
    /// Takes over the signals of a daemon: from now on they wait until the loop looks.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_daemon() -> io::Result<SignalSource> {
        SignalSource::install(&[SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
    }

    /// Takes over the signals that ask a program at a terminal to end.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_terminal() -> io::Result<SignalSource> {
        SignalSource::install(&[SIGTERM, SIGINT])
    }

    fn install(taken: &[i32]) -> io::Result<SignalSource> {
        let (terminate, interrupt) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (signal, seen, other) in [(SIGTERM, &terminate, &interrupt), (SIGINT, &interrupt, &terminate)] {
            // Order matters: the first signal finds its flag unset, passes, and sets it. Two threads may run the
            // handlers of two signals at the same time, so each looks for the other only after it set its own:
            // one of them finds both. Two of one kind that close together count as one, as they do for the system
            // while the first waits.
            flag::register_conditional_shutdown(signal, EXIT_AT_ONCE, Arc::clone(seen))?;
            flag::register(signal, Arc::clone(seen))?;
            flag::register_conditional_shutdown(signal, EXIT_AT_ONCE, Arc::clone(other))?;
        }
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(SignalSource { signals: Signals::new(taken)? })
    }

    /// Lets the poll tell of signals; one that arrived before is told of at once.
    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.signals, token::SIGNALS, mio::Interest::READABLE)
    }

    /// Whether the process was asked to end since the last call. Signals that change nothing are noted in the log.
    pub(super) fn asked_to_end(&mut self) -> bool {
        let mut asked = false;
        for signal in self.signals.pending() {
            match signal {
                SIGTERM | SIGINT => asked = true,
                other => tracing::info!(
                    signal = signal_hook::low_level::signal_name(other),
                    "a signal that changes nothing: settings are read at a start"
                ),
            }
        }
        asked
    }
}
