//! How a change of membership is shown.

use std::fmt;

use super::Happened;
use crate::domain::{AccountId, Shown, Sink};
use crate::time::Timestamp;

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(1)?;
        match self {
            Happened::Registered(register, registered) => {
                to.entry(registered.account, "register")?;
                to.field("handle", " as ", Shown::Text(&register.handle))
            }
            Happened::RoleGranted(grant, _) => {
                to.entry(author, "grant")?;
                to.field("account", " ", Shown::Account(grant.account))?;
                to.field("role", " the role ", Shown::Name(&grant.role))
            }
            Happened::RoleRevoked(revoke, _) => {
                to.entry(author, "revoke")?;
                to.field("account", " from ", Shown::Account(revoke.account))?;
                to.field("role", " the role ", Shown::Name(&revoke.role))
            }
            Happened::ClockVouched(vouch, _) => {
                to.entry(author, "vouch_clock")?;
                to.field("time", ": it is ", Shown::Time(Timestamp::from_millis(vouch.time_ms)))
            }
        }
    }
}
