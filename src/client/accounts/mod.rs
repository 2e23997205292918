//! Members: who somebody is, who is meant by a name, and how an account comes into being.

mod opening;
mod online;
mod registration;
mod user;

pub use online::fetch_online;
pub use opening::find_account;
pub use registration::{Joined, Registration, register, untold_registration};
pub use user::{User, find_member};
