//! The client as a library: a home directory with keys and pinned servers, and a connection that a program can
//! wait on. The whole protocol is here. `ledgerctl` only parses arguments, calls functions of this library and prints,
//! and other programs may call them as well.
//!
//! ```text
//! home, identity, signer      the files of a member, and the key
//! link                        the way to a server: channels, tickets, the audit of every checkpoint, questions
//! sending                     commands on their way: nothing is sent twice, whatever breaks
//! proofs, show                receipts, own blocks, witnesses; blocks as JSON
//! accounts, orders, payments, shop  what a member does in each domain
//! second_factor               enrolling one, and ending it
//! passwords                   log-ins by e-mail and password: the password fetches the key
//! following                   blocks as they come
//! bookkeeping, bench          money for other programs; load for a server
//! ```
//!
//! ```no_run
//! use ledgerd::client::{Home, Member, payments_question};
//!
//! # fn main() -> Result<(), ledgerd::client::ClientError> {
//! let home = Home::open(None)?;
//! let mut member = Member::open(&home, &"127.0.0.1:7878".parse()?, &mut |_| None)?;
//! let balance = member.ask(&payments_question::Balance)?.balance;
//! # let _shown = balance;
//! # Ok(())
//! # }
//! ```

pub mod clock;
mod error;
mod home;
mod identity;
mod signer;
mod elements;
mod table;
mod written_amount;
pub mod show;
mod link;
mod figures;
mod journal;
mod proofs;
mod sending;
mod accounts;
mod passwords;
mod second_factor;
mod orders;
mod payments;
mod sealing;
mod shop;
mod following;
pub mod bookkeeping;
pub mod bench;

pub use accounts::question as accounts_question;
pub use accounts::{
    Erased, Introduced, Joined, KeyRequest, Me, Profile, Registration, User, WantedKey, add_own_key,
    add_requested_key, check_request, end_key, erase, fetch_erasure, fetch_keys, fetch_me, fetch_online,
    fetch_profile, fetch_standing_key, find_member, grant, is_end_untold, label_of_request,
    machine_made_label, own_erasure_was_told, register, restore_account, revoke, rotate_key, set_profile,
    untold_registration, vouch_clock,
};
pub use error::ClientError;
pub use figures::fetch_figures;
pub use following::{Heard, Subscription};
pub use home::{AskCode, Home, Tell, not_writable};
pub use identity::{
    Account, KEY_FILE, KeyFile, PassphraseSource, PendingKey, first_encrypted_key, is_key_encrypted,
    key_files, load_key, load_key_file, make_key, read_account, set_passphrase,
};
pub use journal::Journal;
pub use link::{
    Addresses, Anonymous, Bell, Connection, Forgotten, Found, KnownServer, Member, NotOpened, Opening,
    PATIENCE, Question, Reopen, Successor, Waited, accept_successor, find_server, forget_server, get_key,
    known_servers, pinned, question,
};
pub(crate) use link::{away, no_answer};
pub use orders::input as orders_input;
pub use orders::{Input, LineAnswer, Placed, PlacingTold, StreamTold, Tally, place, place_each};
pub use passwords::{
    JoinedByPassword, LoggedIn, LoggedOut, Newcomer, Roaming, add_password, change_e_mail, change_password,
    check_compared, check_password, join, keep_key, log_in, log_out, log_out_here, make_roaming, recover,
    replace_roaming_key, set_after_recovery, settle_change, settle_join, settle_replacement,
};
pub use payments::input as payments_input;
pub use payments::question as payments_question;
pub use payments::{
    ApartTold, Draft, End, Issued, Moved, PaidOut, Payee, SentCheque, SentCheques, SignedCheque, Statement,
    balance_after_issuing, balance_after_paying, balance_after_paying_out, end_of, fate_of, fetch_balance,
    issue, issue_to, pay, pay_apart, pay_out, proves_settled, revoke_cheque, settle, sign_cheque,
    write_cheque,
};
pub use proofs::{
    Copying, Cosigned, OwnBlocks, Registrant, Verdict, conflict, demand_cosigned, fetch_key,
    fetch_owner_of_key, fetch_receipt, fetch_registrant, first_block, have_verified, keep_first_block,
    refuse_id_of_command, witness_key, witness_round,
};
pub use second_factor::{
    FactorOffer, begin_factor, confirm_factor, end_factor, give_code, reset_factor, settle_factor,
};
pub use sending::{
    DEADLINE, Earlier, IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyKey, Leftover, News, Outcome, RunBook, RunKind,
    Runner, Submitted, Submitter, Unresolved, leftovers, resolve_earlier_runs, submit_once, submit_one,
};
pub use shop::question as shop_question;
pub use shop::{
    ItemNamed, Loaded, Opened, PurchaseText, StockLine, TillConsent, confirm_shipment, consent, deal,
    each_item, each_of_stock, each_purchase, event_of, fetch_purchase, fetch_shop, fetch_stock_item,
    fetch_texts, find_item, keep_stock, leave_till, load_stock, open_shop, price_of, read_stock, ship,
};
pub use signer::{Signed, Signer};
