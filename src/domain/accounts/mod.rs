//! Members: who they are and with which key they sign.
//!
//! Rules. Anybody may register, with a command signed by the very key that it contains. A handle is public: 3
//! to 64 ASCII letters, digits and `._-`, unique without regard to case. A key is RSA with 3072 bits and
//! belongs to one account, for ever. Accounts are numbered 1, 2, … in order of registration. The account that
//! registers the key named in genesis is an operator; operators give and take roles, and one is always left. Where
//! blocks carry a time that has not come yet, an operator says what time it is, until it has.

mod command;
mod decide;
mod asked;
mod event;
mod handle;
mod happened;
mod show;
mod state;
mod query;

pub use crate::domain::role::Role;
pub use command::{
    Command, GRANT_ROLE, GrantRole, REGISTER, REVOKE_ROLE, Register, RevokeRole, VOUCH_CLOCK, VouchClock,
};
pub use decide::{Rejection, decide};
pub use event::{
    CLOCK_VOUCHED, ClockVouched, Event, REGISTERED, ROLE_GRANTED, ROLE_REVOKED, Registered, RoleGranted,
    RoleRevoked,
};
pub use handle::{HANDLE_BYTES_MAX, HANDLE_BYTES_MIN, Handle, InvalidHandle};
pub use happened::Happened;
pub(in crate::domain) use query::answer;
pub use query::{Answer, Member, Query};
pub use state::{Account, State, apply};
