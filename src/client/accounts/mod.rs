//! Members: who somebody is, who is meant by a name, and how an account comes into being.

pub mod question;
mod key_request;
mod keys;
mod opening;
mod online;
mod registration;
mod roles;
mod user;
mod whoami;

pub use key_request::KeyRequest;
pub use keys::{
    Introduced, WantedKey, add_own_key, add_requested_key, end_key, fetch_keys, fetch_standing_key,
    machine_made_label, rotate_key,
};
pub use online::fetch_online;
pub use opening::restore_account;
pub use registration::{Joined, Registration, register, untold_registration};
pub use roles::{grant, revoke, vouch_clock};
pub use user::{User, find_member};
pub use whoami::{Me, fetch_me};
