//! The figures that `status` shows: a line each.

use super::Service;
use crate::domain::Value;
use crate::eventlog;
use crate::time::Now;
use crate::wire::{Figure, Figures};

/// What a figure is called, what it says, and where it comes from. Counts run from the start of the daemon.
type Row = (&'static str, &'static str, fn(&Service, Now) -> Value);

/// Every figure but those of the domains, which stand behind `head`. The documents have the same rows.
const ROWS: &[Row] = &[
    ("blocks", "durable blocks", |service, _| service.ledger.committed().size.into()),
    ("head", "hash of the newest of them", |service, _| service.ledger.committed().head.to_string().into()),
    ("segments", "segments of the log", |service, _| service.ledger.log().figures().segments.into()),
    ("connections", "open connections", |service, _| (service.door.connections.len() as u64).into()),
    ("followers", "requests that are sent blocks as they come", |service, _| {
        service.following.count().into()
    }),
    ("handshakes_full", "handshakes with an RSA operation", |service, _| {
        service.counters.handshakes.full.into()
    }),
    ("handshakes_resumed", "handshakes with a ticket", |service, _| {
        service.counters.handshakes.resumed.into()
    }),
    ("handshakes_failed", "handshakes that failed", |service, _| service.counters.handshakes.failed.into()),
    ("commands_accepted", "commands that became blocks", |service, _| service.counters.accepted.into()),
    ("commands_refused", "commands that were refused", |service, _| service.counters.refused.into()),
    ("commands_duplicate", "commands answered with an earlier acknowledgement", |service, _| {
        service.counters.duplicate.into()
    }),
    ("batches", "batches written", |service, _| service.ledger.log().figures().batches.into()),
    ("syncs", "syncs of the log", |service, _| service.ledger.log().figures().syncs.into()),
    ("bytes_written", "bytes of blocks and frames written", |service, _| {
        service.ledger.log().figures().bytes_written.into()
    }),
    ("log_bytes", "bytes of frames in the log", |service, _| service.ledger.log().figures().log_bytes.into()),
    ("mode", "`read_write` or `read_only`", |service, _| service.mode().0.to_owned().into()),
    ("mode_reason", "why it is read-only", |service, _| service.mode().1.map_or(Value::None, Value::Text)),
    ("scopes_without_key", "scopes whose keys are not in the vault", |service, _| {
        service.secrets.missing(service.ledger.replica().state()).into()
    }),
    ("passwords_missing", "members whose passwords are not in the vault", |service, _| {
        service.secrets.locked_out(service.ledger.replica().state()).into()
    }),
    ("second_factor", "1 if what members do by their role needs a second factor, 0 if not", |service, _| {
        service.limits.second_factor.into()
    }),
    ("second_factors_missing", "members whose second factors are not in the vault", |service, _| {
        service.secrets.factors_missing(service.ledger.replica().state()).into()
    }),
    (
        "erasures_owed",
        "erased accounts whose secrets wait for room, or for the vault, to be destroyed",
        |service, _| service.secrets.owed_in_all().into(),
    ),
    (
        "vault_key",
        "number of the key that the vault is under; it goes up with every further one",
        |service, _| service.secrets.newest_kek().into(),
    ),
    ("journal_missed", "things that the journal had no room for or could not write", |service, _| {
        service.journal.missed().into()
    }),
    ("resident_bytes", "memory of the daemon", |service, _| service.process.resident_bytes.into()),
    ("cpu_us", "processor time of the daemon, in microseconds", |service, _| service.process.cpu_us.into()),
    ("uptime_us", "microseconds since the start", |_, now| (now.mono.0.as_micros() as u64).into()),
];

/// After which figure those of the domains stand.
const BEFORE_DOMAINS: &str = "head";

impl Service {
    /// All figures as they are now.
    pub(super) fn figures(&self, now: Now) -> Figures {
        let mut figures = Vec::new();
        for (name, _, value) in ROWS {
            figures.push(Figure { name: (*name).to_owned(), value: value(self, now) });
            if *name == BEFORE_DOMAINS {
                self.ledger.replica().state().figures(&mut |name, _, value| {
                    figures.push(Figure { name: name.to_owned(), value: value.into() });
                });
            }
        }
        Figures(figures)
    }

    /// Whether commands are taken, and why not.
    fn mode(&self) -> (&'static str, Option<String>) {
        match (self.clock.reason(), self.ledger.log().mode()) {
            (Some(reason), _) => ("read_only", Some(reason)),
            (None, eventlog::Mode::ReadOnly { reason }) => {
                ("read_only", Some(format!("disk_full: {reason}")))
            }
            (None, eventlog::Mode::ReadWrite) => ("read_write", None),
        }
    }
}

/// Every figure with what it says, in the order in which they are shown: what the documents are held against.
pub fn described_figures() -> Vec<(&'static str, &'static str)> {
    let mut rows = Vec::new();
    for (name, help, _) in ROWS {
        rows.push((*name, *help));
        if *name == BEFORE_DOMAINS {
            crate::domain::State::default().figures(&mut |name, help, _| rows.push((name, help)));
        }
    }
    rows
}
