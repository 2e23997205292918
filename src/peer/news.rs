//! What a listening member hears of.

use std::net::SocketAddr;

use crate::domain::AccountId;
use crate::domain::payments::Movement;
use crate::wire::Refusal;

/// Something for the person who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The server tells others that this member listens here.
    Online(SocketAddr),
    /// The server could not be reached, and why.
    Offline(String),
    /// Money came.
    Incoming(Incoming),
    /// A cheque was not taken: from whom, and why.
    Refused(String, Refusal),
}

/// Money that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What moved it: a cheque that was settled, a payment, or an operator who issued it.
    pub movement: Movement,
    /// Who paid; nobody where the money was held for a purchase.
    pub payer: Option<AccountId>,
    /// The payer's public name.
    pub handle: String,
    /// Minor units.
    pub amount: u64,
    /// What it was for.
    pub memo: String,
    /// In which block it stands.
    pub index: u64,
}
