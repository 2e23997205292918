//! What an operator may set: each setting with its meaning, its range and its default.

use super::INPUT_BYTES_LEAST;

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
    /// Whether what members do by their role needs a second factor: 1, or 0 where nobody is asked for one.
    pub second_factor: u64,
    /// Time for which a code of a second factor is good for the sessions of one authentication.
    pub factor_age_ms: u64,
    /// Wrong codes of one account from one network at once.
    pub codes_per_account_and_prefix: u64,
    /// Wrong codes of one account at once, before the next ones have to wait.
    pub codes_per_account: u64,
    /// Time in which one of either comes back.
    pub code_refill_ms: u64,
    /// The longest wait for another code of an account that had as many wrong ones.
    pub code_wait_ms_max: u64,
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
            second_factor: 1,
            factor_age_ms: 12 * 60 * 60 * 1_000,
            codes_per_account_and_prefix: 5,
            codes_per_account: 20,
            code_refill_ms: 180_000,
            code_wait_ms_max: 60_000,
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
        key: "second_factor",
        meaning: "1: what members do by their role needs a second factor; 0: nobody is asked for one",
        range: (0, 1),
        field: |limits| &mut limits.second_factor,
    },
    Setting {
        key: "factor_age_ms",
        meaning: "milliseconds for which a code of a second factor is good",
        range: (1_000, 86_400_000),
        field: |limits| &mut limits.factor_age_ms,
    },
    Setting {
        key: "codes_per_account_and_prefix",
        meaning: "wrong codes of a second factor of one account at once from one network (/24 or /64)",
        range: (1, 1_000),
        field: |limits| &mut limits.codes_per_account_and_prefix,
    },
    Setting {
        key: "codes_per_account",
        meaning: "wrong codes of one account at once from anywhere, before the next ones have to wait",
        range: (1, 1_000),
        field: |limits| &mut limits.codes_per_account,
    },
    Setting {
        key: "code_refill_ms",
        meaning: "milliseconds in which one of either comes back",
        range: (1, 86_400_000),
        field: |limits| &mut limits.code_refill_ms,
    },
    Setting {
        key: "code_wait_ms_max",
        meaning: "milliseconds that the next code waits at most after that",
        range: (1, 86_400_000),
        field: |limits| &mut limits.code_wait_ms_max,
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
