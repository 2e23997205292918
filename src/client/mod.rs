//! The client as a library: a home directory with keys and pinned servers, and a connection that a program can
//! wait on. `ledgerctl` is made of it, and other programs may be.
//!
//! ```no_run
//! use ledgerd::client::{Home, Member};
//! use ledgerd::wire::Request;
//!
//! # fn main() -> Result<(), ledgerd::client::ClientError> {
//! let home = Home::open(None)?;
//! let mut member = Member::open(&home, "127.0.0.1:7878", &mut |_| None)?;
//! let status = member.ask(&Request::Status, &mut |_| ())?;
//! # drop(status);
//! # Ok(())
//! # }
//! ```

mod away;
pub mod bench;
pub mod bookkeeping;
mod checked;
mod checkpoints;
pub mod clock;
mod connection;
mod copying;
mod elements;
mod error;
mod first_blocks;
mod home;
mod idempotency;
mod identity;
mod journal;
pub mod known_servers;
mod member;
mod newest;
mod once;
mod order_fields;
mod orders_csv;
pub mod orders_input;
mod payment_orders;
pub mod payments_input;
mod receipts;
mod registration;
mod retry;
mod sent_orders;
pub mod show;
mod statement;
mod submit;
mod submitter;
mod user;
mod witness;

pub(crate) use away::{away, no_answer};
pub use checkpoints::{Successor, accept_successor};
pub use connection::{Bell, Connection, NotOpened, Opening, PATIENCE, Waited, get_key};
pub use copying::Copying;
pub use error::ClientError;
pub use first_blocks::{first_block, keep_first_block};
pub use home::{Home, Tell, not_writable};
pub use idempotency::{IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyKey};
pub use identity::{
    Account, KEY_FILE, PassphraseSource, is_key_encrypted, load_key, make_key, read_account, set_passphrase,
};
pub use journal::{Journal, Leftover, RunKind, Runner, Unsettled, leftovers};
pub use known_servers::KnownServer;
pub use member::{Anonymous, Member, Reopen, pinned};
pub use once::{Submitted, submit_once};
pub use payment_orders::{End, SignedOrder, conflict, end_of, fate_of, proves_settled};
pub use receipts::{Registrant, fetch_receipt, fetch_registrant};
pub use registration::{Joined, Registration, find_account, register, untold_registration};
pub use retry::{REFUSALS, Retry, retry_of_refusal};
pub use sent_orders::{SentOrder, SentOrders};
pub use statement::Statement;
pub use submit::{Earlier, Signer, check_own_block, settle};
pub use submitter::{DEADLINE, News, Outcome, Submitter, submit_one};
pub use user::{User, find_member};
pub use witness::{Cosigned, demand_cosigned, witness_key, witness_round};
