//! Every cap of the system, with its unit, and the relations between caps that must hold.
//!
//! What an operator may set lives in the configuration and has its default here; what a format fixes is a
//! constant and cannot be set.

/// Orders in one command.
pub const ORDERS_MAX: usize = 8_192;

/// Bytes of one application message on an authenticated channel.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Bytes of one application message on an anonymous channel.
pub const MESSAGE_ANONYMOUS_BYTES_MAX: usize = 32 << 10;

/// Bytes of the postcard part of a signed command: a message less the room its envelope needs.
pub const COMMAND_BODY_BYTES_MAX: usize = MESSAGE_BYTES_MAX - (1 << 10);

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

/// Refusals remembered, so that a copy of a refused command under way elsewhere cannot succeed later.
pub const REFUSALS_REMEMBERED_MAX: usize = 100_000;

/// Milliseconds between writing the anchor and syncing it, at most.
pub const ANCHOR_SYNC_MS_MAX: u64 = 100;

const _: () = {
    assert!(BLOCK_BYTES_MAX + (64 << 10) < BATCH_BYTES_MAX, "a batch holds at least one block of any size");
    assert!(SEGMENT_BYTES_MAX + 2 * (BATCH_BYTES_MAX as u64) < u32::MAX as u64, "offsets fit 32 bits");
    assert!(COMMAND_BODY_BYTES_MAX < MESSAGE_BYTES_MAX);
};
