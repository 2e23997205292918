//! What each fuzz target does with bytes of a stranger, and what has to hold of them. The fuzzer and the ordinary test
//! `tests/fuzzing.rs` call the same functions: one looks for inputs, the other replays those in `corpus/`.
//!
//! A target panics where something does not hold, and otherwise says whether the bytes were taken for what they claim
//! to be.

mod formats;
mod session;

pub use formats::{ORIGIN, SEED, frame, note, orders, receipt, segment, strict};
pub use session::{Beginning, client_hello, session};

/// A target: its name, which is that of its folder in `corpus/`, and its function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("frame", frame),
    ("session", session),
    ("strict", strict),
    ("note", note),
    ("receipt", receipt),
    ("segment", segment),
    ("orders", orders),
];
