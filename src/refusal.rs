//! The names of all refusals, for programs: one table, which says of each whether trying again can help. The documents
//! have the same rows, and a test compares them.

use std::fmt;

/// What whoever ran a command can do after it failed: the answer to "shall I try again?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Trying again cannot help: what was asked for can never become right.
    Never,
    /// A new command may help, once something has changed: a rule's refusal sticks to the command it refused.
    NewCommand,
    /// The same command again helps: either its outcome is not known, which asking again resolves without doing
    /// anything twice, or something has to be there first.
    SameCommand,
    /// Trying again helps after a pause: nothing was done, and nothing is wrong with what was asked for.
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

/// Makes a constant of every row, and the table.
macro_rules! refusals {
    ($($constant:ident $name:literal $retry:ident,)*) => {
        $(
            #[doc = concat!("The refusal `", $name, "`.")]
            pub const $constant: &str = $name;
        )*

        /// Every refusal that this version knows, by name.
        pub const ALL: &[(&str, Retry)] = &[$(($name, Retry::$retry),)*];
    };
}

refusals! {
    ALREADY_FOUND "already_found" Never,
    ALREADY_REGISTERED "already_registered" Never,
    ALREADY_RELEASED "already_released" Never,
    ALREADY_SETTLED "already_settled" Never,
    BAD_CHECKPOINT "bad_checkpoint" Never,
    BAD_CHEQUE_SIGNATURE "bad_cheque_signature" Never,
    BAD_CONSENT "bad_consent" Never,
    BAD_COSIGNATURE "bad_cosignature" Never,
    BAD_KEY_PROOF "bad_key_proof" Never,
    BAD_SIGNATURE "bad_signature" Never,
    BALANCE_LEFT "balance_left" NewCommand,
    BUSY "busy" Later,
    CLOCK_DIFFERS "clock_differs" NewCommand,
    CLOCK_IN_LINE "clock_in_line" Never,
    CLOCK_JUMPED "clock_jumped" Later,
    CONFLICT "conflict" NewCommand,
    CREDENTIAL_NEEDED "credential_needed" NewCommand,
    CREDENTIAL_UNWANTED "credential_unwanted" Never,
    DISK_FULL "disk_full" Later,
    DISPLACED "displaced" NewCommand,
    DUPLICATE "duplicate" Never,
    DUPLICATE_ITEM "duplicate_item" Never,
    EMAIL_TAKEN "email_taken" NewCommand,
    ERASED "erased" Never,
    EXPIRED "expired" Never,
    HANDLE_TAKEN "handle_taken" Never,
    HOME_NOT_WRITABLE "home_not_writable" Later,
    INSUFFICIENT_BALANCE "insufficient_balance" NewCommand,
    INVALID_ADDRESS "invalid_address" Never,
    INVALID_CODE "invalid_code" NewCommand,
    INVALID_CURRENCY "invalid_currency" Never,
    INVALID_CUSTODY "invalid_custody" Never,
    INVALID_HANDLE "invalid_handle" Never,
    INVALID_INPUT "invalid_input" Never,
    INVALID_ITEM "invalid_item" NewCommand,
    INVALID_KEY "invalid_key" Never,
    INVALID_LABEL "invalid_label" Never,
    INVALID_LOGIN "invalid_login" NewCommand,
    INVALID_MEMO "invalid_memo" Never,
    INVALID_NAME "invalid_name" Never,
    INVALID_QUANTITY "invalid_quantity" Never,
    INVALID_REASON "invalid_reason" Never,
    INVALID_RIGHTS "invalid_rights" Never,
    INVALID_SEALED "invalid_sealed" Never,
    INVALID_SETTING "invalid_setting" Never,
    INVALID_TEXT "invalid_text" Never,
    INVALID_TILL "invalid_till" NewCommand,
    INVALID_USER "invalid_user" NewCommand,
    IS_TILL "is_till" NewCommand,
    ISSUED_AT_OUT_OF_RANGE "issued_at_out_of_range" Later,
    KEY_ENDED "key_ended" Never,
    KEY_KNOWN "key_known" Never,
    KEY_MISMATCH "key_mismatch" Never,
    KEY_MISSING "key_missing" Later,
    LAST_FULL_KEY "last_full_key" NewCommand,
    LAST_OPERATOR "last_operator" NewCommand,
    LOG_QUOTA "log_quota" Later,
    MALFORMED_CHEQUE "malformed_cheque" Never,
    MALFORMED_COMMAND "malformed_command" Never,
    NAME_TAKEN "name_taken" Never,
    NEGATIVE_AMOUNT "negative_amount" Never,
    NO_LINES "no_lines" Never,
    NO_ORDERS "no_orders" Never,
    NO_PASSWORDS "no_passwords" Never,
    NO_PAYMENTS "no_payments" Never,
    NO_PERMISSION "no_permission" NewCommand,
    NO_PLACE "no_place" NewCommand,
    NO_PRICE "no_price" NewCommand,
    NO_PROFILE "no_profile" NewCommand,
    NO_SHOP "no_shop" NewCommand,
    NO_SUCH_BLOCK "no_such_block" Never,
    NO_SUCH_KEY "no_such_key" Never,
    NO_SUCH_PROOF "no_such_proof" Never,
    NO_SUCH_PURCHASE "no_such_purchase" Never,
    NO_SUCH_SCOPE "no_such_scope" Never,
    NO_TILL "no_till" NewCommand,
    NO_VAULT "no_vault" Later,
    NOT_AUTHENTICATED "not_authenticated" SameCommand,
    NOT_COSIGNED "not_cosigned" Later,
    NOT_ENROLLED "not_enrolled" NewCommand,
    NOT_ERASED "not_erased" NewCommand,
    NOT_FOR_SALE "not_for_sale" NewCommand,
    NOT_ROAMING "not_roaming" Never,
    NOT_THAT_MANY "not_that_many" NewCommand,
    NOT_YOURS "not_yours" Never,
    NOTHING_HELD "nothing_held" Never,
    NOTHING_TO_CANCEL "nothing_to_cancel" NewCommand,
    NOTHING_TO_PUBLISH "nothing_to_publish" NewCommand,
    OPEN_BUSINESS "open_business" NewCommand,
    OPEN_PURCHASES "open_purchases" NewCommand,
    OTHER_LEDGER "other_ledger" Never,
    OUT_OF_STOCK "out_of_stock" NewCommand,
    OVERFLOW "overflow" Never,
    OWN_BUSINESS "own_business" Never,
    PRICE_CHANGED "price_changed" NewCommand,
    REVOKED "revoked" Never,
    ROAMING_EXISTS "roaming_exists" NewCommand,
    ROLE_HELD "role_held" NewCommand,
    ROLE_NOT_HELD "role_not_held" NewCommand,
    SEAL_BROKEN "seal_broken" Never,
    SECOND_FACTOR_NEEDED "second_factor_needed" NewCommand,
    SELF_PAYMENT "self_payment" Never,
    SIDE_MISMATCH "side_mismatch" Never,
    STALE_EPOCH "stale_epoch" NewCommand,
    STALE_GENERATION "stale_generation" NewCommand,
    TOO_EARLY "too_early" NewCommand,
    TOO_MANY_KEYS "too_many_keys" NewCommand,
    TOO_MANY_LINES "too_many_lines" Never,
    TOO_MANY_ORDERS "too_many_orders" Never,
    TOO_MANY_PAYMENTS "too_many_payments" Never,
    TRY_LATER "try_later" Later,
    UNAVAILABLE "unavailable" Later,
    UNFINISHED "unfinished" SameCommand,
    UNREADABLE "unreadable" Later,
    WRONG_SCOPE "wrong_scope" NewCommand,
    WRONG_STATE "wrong_state" NewCommand,
    ZERO_AMOUNT "zero_amount" Never,
}

/// What helps after a refusal. One that this version does not know changed nothing either and, like any rule's,
/// sticks to its command.
pub fn retry_of(name: &str) -> Retry {
    ALL.iter().find(|(known, _)| *known == name).map_or(Retry::NewCommand, |(_, retry)| *retry)
}
