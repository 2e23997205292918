//! Members: who somebody is, who is meant by a name, and how an account comes into being.

pub mod question;
mod erasing;
mod kept;
mod key_request;
mod keys;
mod opening;
mod online;
mod pending;
mod profile;
mod registration;
mod restoring;
mod roles;
mod standing;
mod user;
mod whoami;

pub use erasing::{Erased, erase, fetch_erasure, own_erasure_was_told};
pub use key_request::KeyRequest;
pub use keys::{
    Introduced, add_own_key, add_requested_key, check_request, end_key, is_end_untold, label_of_request,
    rotate_key,
};
pub use online::fetch_online;
pub use pending::{WantedKey, machine_made_label};
pub use profile::{Profile, fetch_profile, set_profile};
pub(super) use profile::{seal_profile, set_profile_with};
pub use registration::{Joined, Registration, register, untold_registration};
pub use restoring::restore_account;
pub use roles::{grant, revoke, vouch_clock};
pub use standing::{fetch_keys, fetch_standing_key};
pub use user::{User, find_member};
pub use whoami::{Me, fetch_me};
