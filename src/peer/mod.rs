//! Members who speak to each other without the server: a payer hands a payment order to the payee, who settles it.
//!
//! ```text
//! dialler ── session::peer ──→ listener (in the loop of `reactor`) ──→ errands (a helper thread) ──→ the server
//!         ←── receipt ────────────────────────────────────────────────────────┘
//! ```
//! The listener decides and carries, without IO; everything that waits for the server or takes long is an errand.
//! Neither side believes the other: keys are proven by the ledger, and so is the settlement.

mod dialler;
mod errands;
mod handler;
mod job;
mod listener;

pub use dialler::{HandedOver, PeerLink};
pub use errands::{Errands, lanes};
pub use job::{Answer, Job, Settlement};
pub use listener::{Incoming, Listener, News};
