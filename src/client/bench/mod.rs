//! Load for a running server: throw-away accounts, commands signed before the clock starts, and what the server
//! and the generator used while it ran.
//!
//! The commands are real ones, so the ledger keeps them: measure a ledger that may be thrown away.

mod accounts;
mod load;
mod report;
mod run;
mod workers;

pub use accounts::{Accounts, Needy};
pub use load::{payments_of, sign};
pub use report::Report;
pub use run::{Outcome, run};

use super::{ClientError, Member};
use crate::client::link::question;
use crate::wire::Figures;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connections, each with an account of its own.
    pub connections: usize,
    /// Commands over all connections.
    pub commands: usize,
    /// Orders, or payments, in each command.
    pub orders_per_command: usize,
    /// Commands under way at once on each connection.
    pub inflight: usize,
    /// Payments instead of orders.
    pub payments: bool,
    /// Signed with device keys (Ed25519) instead of the accounts' first keys (RSA).
    pub device_keys: bool,
}

impl Plan {
    /// How many of the commands go over this connection.
    pub fn share(&self, connection: usize) -> usize {
        let each = self.commands / self.connections.max(1);
        each + usize::from(connection < self.commands % self.connections.max(1))
    }

    /// Accounts needed: a payment needs somebody else.
    pub fn accounts(&self) -> usize {
        self.connections.max(if self.payments { 2 } else { 1 })
    }
}

/// Tells that one more of many steps is done, from whichever thread did it.
pub type Step<'a> = dyn Fn() + Sync + 'a;

/// How old the server's figures of its own process may be.
const FIGURES_AGE: std::time::Duration = std::time::Duration::from_millis(300);

/// The server's figures once it is at rest. The first question makes it read its process's figures again, the
/// second gets them.
///
/// # Errors
/// As for [`Member::ask`].
pub fn status_at_rest(member: &mut Member) -> Result<Figures, ClientError> {
    std::thread::sleep(FIGURES_AGE);
    member.ask(&question::Figures)?;
    member.ask(&question::Figures)
}
