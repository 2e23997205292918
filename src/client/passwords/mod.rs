//! Log-ins by e-mail and password, the client's side. The password never authorises anything: it fetches the signing key, with
//! which a session is opened as with any other key.
//!
//! ```text
//! strength     whether a new password is good enough
//! registering  a password becomes what the server keeps
//! joining      a new account, whose key roams
//! unlocking    a log-in or a recovery, up to the key; seen: what this home knows of earlier ones
//! changing     another password, a first one for a member with a key file, a new one after a recovery
//! leaving      a log-out, and a key that a log-in puts into the home
//! ```

mod changing;
mod joining;
mod leaving;
mod question;
mod registering;
mod seen;
mod strength;
mod unlocking;

pub use changing::{
    add_password, change_e_mail, change_password, replace_roaming_key, set_after_recovery, settle_change,
    settle_replacement,
};
pub use joining::{JoinedByPassword, Newcomer, join, settle_join};
pub use leaving::{LoggedOut, keep_key, log_out, log_out_here};
pub use registering::{Roaming, check_compared, make_roaming};
pub use strength::check_password;
pub use unlocking::{LoggedIn, log_in, recover};
