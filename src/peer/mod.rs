//! Members who speak to each other without the server: a payer hands a cheque to the payee, who settles it.
//!
//! ```text
//! dialler ── session::peer ──→ listener (in the loop of `reactor`) ──→ errands (a helper thread) ──→ the server
//!         ←── receipt ────────────────────────────────────────────────────────┘
//! ```
//! The listener decides and carries, without IO; everything that waits for the server or takes long is an errand.
//! Neither side believes the other: keys are proven by the ledger, and so is the settlement.

mod dialler;
mod errands;
mod job;
mod known_keys;
mod listener;
mod news;
mod paying;
mod places;

use crate::client::Member;
use crate::session::PeerIdentity;

pub use dialler::{HandedOver, PeerLink};
pub use errands::{Errands, lanes};
pub use job::{Answer, Job, Settlement};
pub use listener::Listener;
pub use news::{Incoming, News};
pub use paying::{EarlierCheque, HandOverTold, PaidByHand, pay_by_hand};

/// A member as the channel between peers names it.
pub fn identity_of(member: &Member) -> PeerIdentity {
    PeerIdentity {
        ledger_id: member.server().ledger_id,
        account: member.account().account,
        key_id: member.key().public().key_id(),
    }
}
