//! What the shop asks of other domains.

use crate::domain::{Scopes, accounts, payments};

/// What the rules of the shop may know of other domains.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    /// The members.
    pub accounts: &'a accounts::State,
    /// The balances.
    pub payments: &'a payments::State,
    /// The scopes of sealed texts.
    pub scopes: &'a Scopes,
}
