//! What whoever ran a command can do after it failed, for programs: the answer to "shall I try again?".

use std::fmt;

/// Whether trying again can help, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot: what was asked for can never become right.
    Never,
    /// It may, as a new command, once something has changed: a rule's refusal sticks to the command it refused.
    NewCommand,
    /// It does, as the same command again: either its outcome is not known, which asking again resolves without doing
    /// anything twice, or something has to be there first.
    SameCommand,
    /// It does, after a pause: nothing was done, and nothing is wrong with what was asked for.
    Later,
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Retry::Never => "never",
            Retry::NewCommand => "new_command",
            Retry::SameCommand => "same_command",
            Retry::Later => "later",
        })
    }
}

/// Every refusal that this version knows, by name.
pub const REFUSALS: &[(&str, Retry)] = &[
    ("already_registered", Retry::Never),
    ("already_settled", Retry::Never),
    ("bad_checkpoint", Retry::Never),
    ("bad_cheque_signature", Retry::Never),
    ("bad_cosignature", Retry::Never),
    ("bad_signature", Retry::Never),
    ("busy", Retry::Later),
    ("clock_differs", Retry::NewCommand),
    ("clock_in_line", Retry::Never),
    ("clock_jumped", Retry::Later),
    ("conflict", Retry::NewCommand),
    ("disk_full", Retry::Later),
    ("displaced", Retry::NewCommand),
    ("expired", Retry::Never),
    ("handle_taken", Retry::Never),
    ("home_not_writable", Retry::Later),
    ("insufficient_balance", Retry::NewCommand),
    ("invalid_address", Retry::Never),
    ("invalid_currency", Retry::Never),
    ("invalid_handle", Retry::Never),
    ("invalid_key", Retry::Never),
    ("invalid_memo", Retry::Never),
    ("invalid_quantity", Retry::Never),
    ("invalid_user", Retry::NewCommand),
    ("issued_at_out_of_range", Retry::Later),
    ("key_mismatch", Retry::Never),
    ("last_operator", Retry::NewCommand),
    ("log_quota", Retry::Later),
    ("malformed_cheque", Retry::Never),
    ("malformed_command", Retry::Never),
    ("negative_amount", Retry::Never),
    ("no_orders", Retry::Never),
    ("no_payments", Retry::Never),
    ("no_permission", Retry::NewCommand),
    ("no_place", Retry::NewCommand),
    ("no_such_block", Retry::Never),
    ("no_such_proof", Retry::Never),
    ("not_authenticated", Retry::SameCommand),
    ("not_cosigned", Retry::Later),
    ("other_ledger", Retry::Never),
    ("overflow", Retry::Never),
    ("revoked", Retry::Never),
    ("role_held", Retry::NewCommand),
    ("role_not_held", Retry::NewCommand),
    ("self_payment", Retry::Never),
    ("too_many_orders", Retry::Never),
    ("too_many_payments", Retry::Never),
    ("unavailable", Retry::Later),
    ("unreadable", Retry::Later),
    ("zero_amount", Retry::Never),
];

/// What helps after a refusal. One that this version does not know changed nothing either and, like any rule's,
/// sticks to its command.
pub fn retry_of_refusal(name: &str) -> Retry {
    REFUSALS.iter().find(|(known, _)| *known == name).map_or(Retry::NewCommand, |(_, retry)| *retry)
}
