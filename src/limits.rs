//! The caps that a format fixes, that several rooms share or that an operator may set, each with its unit, and the
//! relations between them that must hold. A cap of one room alone stands in that room.
//!
//! What an operator may set lives in the configuration and has its default here; what a format fixes is a
//! constant and cannot be set.

mod settings;

pub use settings::{Limits, SETTINGS, Setting};

/// Accounts of which cosignatures are kept.
pub const COSIGNERS_MAX: usize = 64;

/// Cosignatures kept of each of them: those of the largest checkpoints.
pub const COSIGNED_SIZES_MAX: usize = 16;

/// Milliseconds for which an account without the role witness keeps its place after its last cosignature: 30 days.
pub const COSIGNED_PLACE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Keys of an account that stand at the same time.
pub const KEYS_STANDING_MAX: usize = 8;

/// Keys that an account introduces in all its life. A receipt holds a block for each at most.
pub const KEYS_EVER_MAX: usize = 64;

/// Orders in one command.
pub const ORDERS_MAX: usize = 8_192;

/// Items of the stock in one command.
pub const STOCK_LINES_MAX: usize = 8_192;

/// Units of an item that one command brings in or takes out.
pub const STOCK_UNITS_MAX: u64 = 1_000_000_000;

/// Items of one purchase.
pub const PURCHASE_LINES_MAX: usize = 64;

/// Units of an item in one purchase.
pub const LINE_UNITS_MAX: u64 = 10_000;

/// Purchases whose money the till takes with one command.
pub const RELEASED_PURCHASES_MAX: usize = 1_024;

/// Purchases that an erasure of their customer cancels.
pub const ERASED_PURCHASES_MAX: usize = 1_024;

/// Microseconds of a day.
pub const DAY_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

/// Payments in one command.
pub const PAYMENTS_MAX: usize = 8_192;

/// Minor units that ever come into being on one ledger: what every language's integers hold.
pub const ISSUED_MAX: u64 = i64::MAX as u64;

/// Microseconds between the time of an account's erasure and the first time at which what the account has may be paid
/// out: 30 days. A part of that command's rule, for ever.
pub const PAY_OUT_WAIT_MICROS: u64 = 30 * DAY_MICROS;

/// Bytes of one application message on an authenticated channel.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Bytes of one application message on an anonymous channel.
pub const MESSAGE_ANONYMOUS_BYTES_MAX: usize = 32 << 10;

/// Bytes of one application message between peers.
pub const PEER_MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Bytes of the postcard part of a signed command: a message less the room its envelope needs.
pub const COMMAND_BODY_BYTES_MAX: usize = MESSAGE_BYTES_MAX - (1 << 10);

/// Bytes of what comes beside a command, its side, at most.
pub const SIDE_BYTES_MAX: usize = 8 << 10;

/// Bytes of the postcard part of an event.
pub const EVENT_BODY_BYTES_MAX: usize = 64 << 10;

/// Bytes of one encoded block: a signed command at its largest, its signature, the event, the fixed fields.
pub const BLOCK_BYTES_MAX: usize = MESSAGE_BYTES_MAX + EVENT_BODY_BYTES_MAX + (4 << 10);

/// Bytes of one batch frame in the log, all included. A constant of the log format.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// Nominal bytes of a segment: default, and the least that may be set.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;
/// See [`SEGMENT_BYTES_DEFAULT`].
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// See [`SEGMENT_BYTES_DEFAULT`]. Offsets in a segment fit 32 bits.
pub const SEGMENT_BYTES_MAX: u64 = 2 << 30;

/// Milliseconds that a command's `issued_at` may lie before the ledger's time.
pub const ISSUED_AT_PAST_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Milliseconds that a command's `issued_at` may lie after the ledger's time.
pub const ISSUED_AT_FUTURE_MS_MAX: u64 = 5 * 60 * 1_000;

/// Milliseconds by which the wall clock may run ahead of the time that passed, while the daemon runs, before the
/// ledger is read-only. Half of [`ISSUED_AT_PAST_MS_MAX`]: blocks of a time that is not further ahead keep nobody's
/// commands out once the clock is right again.
pub const CLOCK_JUMP_MS_MAX: u64 = 12 * 60 * 60 * 1_000;

/// Milliseconds by which a block has to be ahead of the time that an operator vouches for in it. A part of that
/// command's rule, for ever.
pub const VOUCH_AHEAD_MS: u64 = 5 * 60 * 1_000;

/// Refusals remembered, so that a copy of a refused command under way elsewhere cannot succeed later.
pub const REFUSALS_REMEMBERED_MAX: usize = 100_000;

/// Of them, of one author: who has more forgets its own oldest.
pub const REFUSALS_REMEMBERED_PER_AUTHOR_MAX: usize = 10_000;

/// Blocks read for one page of an answer.
pub const PAGE_BLOCKS_READ_MAX: u64 = 256;

/// Bytes read for one page of an answer before it ends; the last block that is read may be of any size.
pub const PAGE_BYTES_READ_MAX: u64 = 256 << 10;

/// Times that one connection may follow.
pub const FOLLOWS_PER_CONNECTION_MAX: usize = 8;

/// Lines of an account's list of blocks that are looked at for one page of an answer, read or not.
pub const PAGE_LINES_LOOKED_AT_MAX: u64 = 65_536;

/// Bytes that a page of an answer holds at most, a single larger block excepted.
pub const PAGE_BYTES_MAX: usize = 256 << 10;

/// Members looked at for one page of those who are online, hidden ones included.
pub const PAGE_MEMBERS_READ_MAX: usize = 4_096;

/// Accounts that wait for a check of the log at once. Each asks once.
pub const VERIFICATIONS_ASKED_MAX: usize = 1_024;

/// Milliseconds between writing the anchor and syncing it, at most.
pub const ANCHOR_SYNC_MS_MAX: u64 = 100;

/// The least for messages that have not arrived whole: two of them at their largest, in memory that grows by doubling.
pub const INPUT_BYTES_LEAST: u64 = 4 << 20;

const _: () = {
    assert!(INPUT_BYTES_LEAST >= 4 * MESSAGE_BYTES_MAX as u64);
    assert!(BLOCK_BYTES_MAX + (64 << 10) < BATCH_BYTES_MAX, "a batch holds at least one block of any size");
    assert!(SEGMENT_BYTES_MAX + 2 * (BATCH_BYTES_MAX as u64) < u32::MAX as u64, "offsets fit 32 bits");
    assert!(COMMAND_BODY_BYTES_MAX < MESSAGE_BYTES_MAX);
    assert!(
        CLOCK_JUMP_MS_MAX + ISSUED_AT_FUTURE_MS_MAX < ISSUED_AT_PAST_MS_MAX,
        "such blocks keep nobody out"
    );
};
