//! The daemon's own edge: arguments, configuration, the data directory with its keys and its lock, and the way
//! from there to a loop that serves.

pub mod config;

mod arguments;
mod clock_file;
mod directory;
mod error;
mod files;
mod founding;
mod founding_settings;
mod keys;
mod lock;
mod log_queue;
mod logging;
mod password_switch;
mod passwords;
mod run;
mod vault;
mod vault_backup;

pub use arguments::describe;
pub use directory::DataDirectory;
pub use error::DaemonError;
pub use founding::{Founding, is_unfinished};
pub use keys::{EncryptionKey, PREVIOUS_KEY_ACCEPTED, ServerKeys};
pub use lock::{DirectoryLock, keep_as_it_is};
pub use run::main;
pub use vault_backup::{BackedUp, RestoreOptions, back_up_vault, restore_vault};
