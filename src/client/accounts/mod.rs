//! Members: who somebody is, who is meant by a name, and how an account comes into being.

pub mod question;
mod opening;
mod online;
mod registration;
mod user;
mod whoami;

pub use online::fetch_online;
pub use opening::find_account;
pub use registration::{Joined, Registration, register, untold_registration};
pub use user::{User, find_member};
pub use whoami::{Me, fetch_me};
