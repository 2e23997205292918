//! The caps that a format fixes, that several rooms share or that an operator may set, each with its unit, and the
//! relations between them that must hold. A cap of one room alone stands in that room.
//!
//! What an operator may set lives in the configuration and has its default here; what a format fixes is a
//! constant and cannot be set.

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

/// Payments in one command.
pub const PAYMENTS_MAX: usize = 8_192;

/// Minor units that ever come into being on one ledger: what every language's integers hold.
pub const ISSUED_MAX: u64 = i64::MAX as u64;

/// Microseconds between the time of an account's erasure and the first time at which what the account has may be paid
/// out: 30 days. A part of that command's rule, for ever.
pub const PAY_OUT_WAIT_MICROS: u64 = 30 * 24 * 60 * 60 * 1_000_000;

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

/// What an operator may set, with the defaults of the channel's specification. Durations are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections_max: u64,
    /// Connections at once that have not authenticated.
    pub connections_unauthenticated_max: u64,
    /// Connections at once of one account; 0 for no bound.
    pub connections_per_account_max: u64,
    /// Connections at once from one network that is not the machine itself; 0 for no bound.
    pub connections_per_prefix_max: u64,
    /// Bytes of memory for messages that have not arrived whole, or wait for their turn, of all connections.
    pub input_bytes_max: u64,
    /// Time until the first frame is complete.
    pub first_frame_ms: u64,
    /// Time until the handshake is complete.
    pub handshake_ms: u64,
    /// Time without any input on an open connection.
    pub idle_ms: u64,
    /// Time without any input on the connection of a member who is online.
    pub presence_ms: u64,
    /// Life of an anonymous session.
    pub anonymous_ms: u64,
    /// Messages of an anonymous session.
    pub anonymous_messages_max: u64,
    /// Bytes of frames up to and including the client's Finished.
    pub handshake_bytes_max: u64,
    /// Registrations a second, on average.
    pub registrations_per_second: u64,
    /// Registrations at once.
    pub registrations_burst: u64,
    /// Registrations a second from one network, on average.
    pub registrations_per_prefix_per_second: u64,
    /// Registrations from one network at once.
    pub registrations_per_prefix_burst: u64,
    /// Tries to log in a second, of all together, on average.
    pub logins_per_second: u64,
    /// Tries to log in at once, of all together.
    pub logins_burst: u64,
    /// Tries to log in a minute from one network, which may all come at once.
    pub logins_per_prefix_per_minute: u64,
    /// Tries to log in with one e-mail at once, from anywhere.
    pub logins_per_e_mail: u64,
    /// Time in which one of them comes back.
    pub login_e_mail_refill_ms: u64,
    /// Tries to log in with one e-mail from one network at once.
    pub logins_per_e_mail_and_prefix: u64,
    /// Time in which one of them comes back.
    pub login_pair_refill_ms: u64,
    /// Recoveries with one e-mail an hour.
    pub recoveries_per_e_mail_per_hour: u64,
    /// Registrations of a password by one member an hour.
    pub password_changes_per_hour: u64,
    /// Life of an anonymous session on which somebody joins or logs in.
    pub login_ms: u64,
    /// Messages of such a session.
    pub login_messages_max: u64,
    /// Full handshakes waiting for the RSA helper.
    pub handshakes_waiting_max: u64,
    /// Resumption tickets held.
    pub tickets_max: u64,
    /// Resumption tickets held for one account.
    pub tickets_per_account_max: u64,
    /// Life of a ticket.
    pub ticket_lifetime_ms: u64,
    /// Bytes waiting to be sent on one connection, beyond one message, before it is no longer read from.
    pub output_bytes_max: u64,
    /// Time without progress on waiting output.
    pub output_stalled_ms: u64,
    /// Commands of one account whose signatures are being checked.
    pub commands_in_flight_max: u64,
    /// Bytes of the log that one account may write in a day of UTC; 0 for no bound.
    pub log_bytes_per_account_day: u64,
    /// Bytes that the journal takes on the disk.
    pub journal_bytes_max: u64,
    /// Days for which a backup of the vault may be put back. An erasure is complete when so many are over.
    pub vault_backup_days: u64,
    /// Days after which the vault goes over to another key; 0 for never.
    pub vault_rewrap_days: u64,
}

/// One setting: how it is called, what it may be, and where it lives.
pub struct Setting {
    /// Key in the configuration file.
    pub key: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// Smallest and largest allowed value.
    pub range: (u64, u64),
    /// The field that it sets.
    pub field: fn(&mut Limits) -> &mut u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 16_384,
            connections_unauthenticated_max: 1_024,
            connections_per_account_max: 64,
            connections_per_prefix_max: 1_024,
            input_bytes_max: 64 << 20,
            first_frame_ms: 5_000,
            handshake_ms: 10_000,
            idle_ms: 600_000,
            presence_ms: 25_000,
            anonymous_ms: 30_000,
            anonymous_messages_max: 8,
            handshake_bytes_max: 4_096,
            registrations_per_second: 10,
            registrations_burst: 100,
            registrations_per_prefix_per_second: 1,
            registrations_per_prefix_burst: 20,
            logins_per_second: 50,
            logins_burst: 200,
            logins_per_prefix_per_minute: 30,
            logins_per_e_mail: 100,
            login_e_mail_refill_ms: 60_000,
            logins_per_e_mail_and_prefix: 5,
            login_pair_refill_ms: 180_000,
            recoveries_per_e_mail_per_hour: 5,
            password_changes_per_hour: 10,
            login_ms: 120_000,
            login_messages_max: 12,
            handshakes_waiting_max: 64,
            tickets_max: 100_000,
            tickets_per_account_max: 8,
            ticket_lifetime_ms: 12 * 60 * 60 * 1_000,
            output_bytes_max: 256 << 10,
            output_stalled_ms: 30_000,
            commands_in_flight_max: 1_024,
            log_bytes_per_account_day: 1 << 30,
            journal_bytes_max: 256 << 20,
            vault_backup_days: 30,
            vault_rewrap_days: 0,
        }
    }
}

/// Every setting, in the order of the reference.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "connections_max",
        meaning: "connections at once",
        range: (1, 1_000_000),
        field: |limits| &mut limits.connections_max,
    },
    Setting {
        key: "connections_unauthenticated_max",
        meaning: "connections at once that have not authenticated",
        range: (1, 1_000_000),
        field: |limits| &mut limits.connections_unauthenticated_max,
    },
    Setting {
        key: "connections_per_account_max",
        meaning: "connections at once of one account; 0: no bound",
        range: (0, 1_000_000),
        field: |limits| &mut limits.connections_per_account_max,
    },
    Setting {
        key: "connections_per_prefix_max",
        meaning: "connections at once from one network (/24 or /64) that is not the machine itself; 0: no bound",
        range: (0, 1_000_000),
        field: |limits| &mut limits.connections_per_prefix_max,
    },
    Setting {
        key: "input_bytes_max",
        meaning: "bytes of memory for messages that have not arrived whole, or wait for their turn, of all connections",
        range: (INPUT_BYTES_LEAST, 1 << 40),
        field: |limits| &mut limits.input_bytes_max,
    },
    Setting {
        key: "first_frame_ms",
        meaning: "milliseconds until the first frame is complete",
        range: (10, 600_000),
        field: |limits| &mut limits.first_frame_ms,
    },
    Setting {
        key: "handshake_ms",
        meaning: "milliseconds until the handshake is complete",
        range: (10, 600_000),
        field: |limits| &mut limits.handshake_ms,
    },
    Setting {
        key: "idle_ms",
        meaning: "milliseconds without input after which a connection is closed",
        range: (10, 86_400_000),
        field: |limits| &mut limits.idle_ms,
    },
    Setting {
        key: "presence_ms",
        meaning: "milliseconds without input after which a member is no longer online",
        range: (1_000, 600_000),
        field: |limits| &mut limits.presence_ms,
    },
    Setting {
        key: "anonymous_ms",
        meaning: "milliseconds that an anonymous session may last",
        range: (10, 600_000),
        field: |limits| &mut limits.anonymous_ms,
    },
    Setting {
        key: "anonymous_messages_max",
        meaning: "messages that an anonymous session may send",
        range: (1, 1_000),
        field: |limits| &mut limits.anonymous_messages_max,
    },
    Setting {
        key: "handshake_bytes_max",
        meaning: "bytes of frames up to and including the client's Finished",
        range: (1_200, 65_536),
        field: |limits| &mut limits.handshake_bytes_max,
    },
    Setting {
        key: "registrations_per_second",
        meaning: "registrations a second, on average",
        range: (1, 100_000),
        field: |limits| &mut limits.registrations_per_second,
    },
    Setting {
        key: "registrations_burst",
        meaning: "registrations at once",
        range: (1, 1_000_000),
        field: |limits| &mut limits.registrations_burst,
    },
    Setting {
        key: "registrations_per_prefix_per_second",
        meaning: "of them, from one network (/24 or /64) that is not the machine itself",
        range: (1, 100_000),
        field: |limits| &mut limits.registrations_per_prefix_per_second,
    },
    Setting {
        key: "registrations_per_prefix_burst",
        meaning: "registrations at once from such a network",
        range: (1, 1_000_000),
        field: |limits| &mut limits.registrations_per_prefix_burst,
    },
    Setting {
        key: "logins_per_second",
        meaning: "tries to log in by password a second, of all together, on average",
        range: (1, 100_000),
        field: |limits| &mut limits.logins_per_second,
    },
    Setting {
        key: "logins_burst",
        meaning: "tries to log in at once, of all together",
        range: (1, 1_000_000),
        field: |limits| &mut limits.logins_burst,
    },
    Setting {
        key: "logins_per_prefix_per_minute",
        meaning: "tries to log in a minute from one network (/24 or /64) that is not the machine itself",
        range: (1, 60_000),
        field: |limits| &mut limits.logins_per_prefix_per_minute,
    },
    Setting {
        key: "logins_per_e_mail",
        meaning: "tries to log in with one e-mail at once, from anywhere",
        range: (1, 1_000_000),
        field: |limits| &mut limits.logins_per_e_mail,
    },
    Setting {
        key: "login_e_mail_refill_ms",
        meaning: "milliseconds in which one of them comes back",
        range: (1, 86_400_000),
        field: |limits| &mut limits.login_e_mail_refill_ms,
    },
    Setting {
        key: "logins_per_e_mail_and_prefix",
        meaning: "tries to log in with one e-mail from one network at once",
        range: (1, 1_000_000),
        field: |limits| &mut limits.logins_per_e_mail_and_prefix,
    },
    Setting {
        key: "login_pair_refill_ms",
        meaning: "milliseconds in which one of them comes back",
        range: (1, 86_400_000),
        field: |limits| &mut limits.login_pair_refill_ms,
    },
    Setting {
        key: "recoveries_per_e_mail_per_hour",
        meaning: "tries to recover a password with one e-mail an hour",
        range: (1, 3_600_000),
        field: |limits| &mut limits.recoveries_per_e_mail_per_hour,
    },
    Setting {
        key: "password_changes_per_hour",
        meaning: "registrations of a password by one member an hour",
        range: (1, 3_600_000),
        field: |limits| &mut limits.password_changes_per_hour,
    },
    Setting {
        key: "login_ms",
        meaning: "milliseconds that an anonymous session may last on which somebody joins or logs in",
        range: (10, 3_600_000),
        field: |limits| &mut limits.login_ms,
    },
    Setting {
        key: "login_messages_max",
        meaning: "messages that such a session may send",
        range: (1, 1_000),
        field: |limits| &mut limits.login_messages_max,
    },
    Setting {
        key: "handshakes_waiting_max",
        meaning: "full handshakes waiting for the RSA helper",
        range: (1, 100_000),
        field: |limits| &mut limits.handshakes_waiting_max,
    },
    Setting {
        key: "tickets_max",
        meaning: "resumption tickets held",
        range: (1, 10_000_000),
        field: |limits| &mut limits.tickets_max,
    },
    Setting {
        key: "tickets_per_account_max",
        meaning: "resumption tickets held for one account",
        range: (1, 1_000),
        field: |limits| &mut limits.tickets_per_account_max,
    },
    Setting {
        key: "ticket_lifetime_ms",
        meaning: "milliseconds that a resumption ticket lives",
        range: (1_000, 86_400_000),
        field: |limits| &mut limits.ticket_lifetime_ms,
    },
    Setting {
        key: "output_bytes_max",
        meaning: "bytes waiting on one connection, beyond one message, before it is no longer read from",
        range: (16_384, 1 << 30),
        field: |limits| &mut limits.output_bytes_max,
    },
    Setting {
        key: "output_stalled_ms",
        meaning: "milliseconds without progress on waiting output after which a connection is closed",
        range: (10, 3_600_000),
        field: |limits| &mut limits.output_stalled_ms,
    },
    Setting {
        key: "commands_in_flight_max",
        meaning: "commands of one account whose signatures are being checked",
        range: (1, 65_536),
        field: |limits| &mut limits.commands_in_flight_max,
    },
    Setting {
        key: "log_bytes_per_account_day",
        meaning: "bytes of the log that one account may write in a day of UTC; 0: no bound",
        range: (0, 1 << 50),
        field: |limits| &mut limits.log_bytes_per_account_day,
    },
    Setting {
        key: "journal_bytes_max",
        meaning: "bytes that the journal takes on the disk; its oldest file goes first",
        range: (1 << 20, 1 << 40),
        field: |limits| &mut limits.journal_bytes_max,
    },
    Setting {
        key: "vault_backup_days",
        meaning: "days after which a backup of the vault is not put back any more, unless it is forced",
        range: (1, 3_650),
        field: |limits| &mut limits.vault_backup_days,
    },
    Setting {
        key: "vault_rewrap_days",
        meaning: "days after which the vault goes over to a new key; 0: never",
        range: (0, 3_650),
        field: |limits| &mut limits.vault_rewrap_days,
    },
];
