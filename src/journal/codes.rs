//! The numbers under which the journal notes things. A number is never used twice: files of years ago are read with them.

use crate::domain::noted_questions;
use crate::refusal;

/// The number of something that the journal notes.
pub type Code = u16;

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something about the journal itself.
    Journal,
    /// A member opened a session.
    Session,
    /// A question.
    Question,
    /// A refusal of a question or of a command.
    Refusal,
}

impl Kind {
    /// The name by which people and programs know it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Journal => "journal",
            Kind::Session => "session",
            Kind::Question => "question",
            Kind::Refusal => "refusal",
        }
    }
}

/// Things happened that found no room in the journal: so many.
pub(super) const MISSED: Code = 0;
/// A member opened a session by a full handshake, with one of the account's keys.
pub const SESSION_OPENED: Code = 1;
/// A member opened a session with a ticket of an earlier one.
pub const SESSION_RESUMED: Code = 2;
/// An agent was given the key of a purchase's texts, as an agent.
pub const PURCHASE_KEY_GIVEN: Code = 3;

/// The code of request number 0 of the wire; each other request has its own number more.
pub const REQUESTS_FROM: Code = 100;

/// The code of the first question of the domains: each has the number that its domain says more.
pub const QUESTIONS_FROM: Code = 200;

/// The first code of a refusal.
const REFUSALS_FROM: Code = 1_000;

/// What is noted beside questions of the domains and refusals.
const OTHERS: &[(Code, Kind, &str)] = &[
    (MISSED, Kind::Journal, "missed"),
    (SESSION_OPENED, Kind::Session, "opened"),
    (SESSION_RESUMED, Kind::Session, "resumed"),
    (PURCHASE_KEY_GIVEN, Kind::Question, "purchase_key"),
    (102, Kind::Question, "follow"),
    (103, Kind::Question, "copy"),
    (104, Kind::Question, "receipt"),
    (105, Kind::Question, "inclusions"),
    (106, Kind::Question, "consistency"),
    (107, Kind::Question, "checkpoint"),
    (108, Kind::Question, "cosigned"),
    (109, Kind::Question, "cosign"),
    (110, Kind::Question, "whoami"),
    (111, Kind::Question, "status"),
    (112, Kind::Question, "verify"),
    (113, Kind::Question, "announce"),
    (114, Kind::Question, "online"),
    (115, Kind::Question, "locate"),
    (117, Kind::Question, "scope_keys"),
    (118, Kind::Question, "erasure"),
    (119, Kind::Question, "password_register"),
    (120, Kind::Question, "password_start"),
    (121, Kind::Question, "password_finish"),
    (122, Kind::Question, "recover"),
    (123, Kind::Question, "log_out"),
    (124, Kind::Question, "journal"),
    (125, Kind::Question, "second_factor_begin"),
    (126, Kind::Question, "second_factor"),
];

/// Every refusal, in the order in which the journal learned of them: its place, from 1, is its number above 1000. A new one is
/// appended; number 1000 stands for one that is not listed.
const REFUSALS: &[&str] = &[
    refusal::ALREADY_REGISTERED,
    refusal::ALREADY_SETTLED,
    refusal::BAD_CHECKPOINT,
    refusal::BAD_CHEQUE_SIGNATURE,
    refusal::BAD_COSIGNATURE,
    refusal::BAD_KEY_PROOF,
    refusal::BAD_SIGNATURE,
    refusal::BALANCE_LEFT,
    refusal::BUSY,
    refusal::CLOCK_DIFFERS,
    refusal::CLOCK_IN_LINE,
    refusal::CLOCK_JUMPED,
    refusal::CONFLICT,
    refusal::CREDENTIAL_UNWANTED,
    refusal::DISK_FULL,
    refusal::DISPLACED,
    refusal::ERASED,
    refusal::EXPIRED,
    refusal::HANDLE_TAKEN,
    refusal::HOME_NOT_WRITABLE,
    refusal::INSUFFICIENT_BALANCE,
    refusal::INVALID_ADDRESS,
    refusal::INVALID_CURRENCY,
    refusal::INVALID_HANDLE,
    refusal::INVALID_INPUT,
    refusal::INVALID_KEY,
    refusal::INVALID_LABEL,
    refusal::INVALID_MEMO,
    refusal::INVALID_QUANTITY,
    refusal::INVALID_RIGHTS,
    refusal::INVALID_SEALED,
    refusal::INVALID_TEXT,
    refusal::INVALID_USER,
    refusal::ISSUED_AT_OUT_OF_RANGE,
    refusal::KEY_ENDED,
    refusal::KEY_KNOWN,
    refusal::KEY_MISMATCH,
    refusal::KEY_MISSING,
    refusal::LAST_FULL_KEY,
    refusal::LAST_OPERATOR,
    refusal::LOG_QUOTA,
    refusal::MALFORMED_CHEQUE,
    refusal::MALFORMED_COMMAND,
    refusal::NEGATIVE_AMOUNT,
    refusal::NO_ORDERS,
    refusal::NO_PAYMENTS,
    refusal::NO_PERMISSION,
    refusal::NO_PLACE,
    refusal::NO_PROFILE,
    refusal::NO_SUCH_BLOCK,
    refusal::NO_SUCH_KEY,
    refusal::NO_SUCH_PROOF,
    refusal::NO_SUCH_SCOPE,
    refusal::NO_VAULT,
    refusal::NOT_AUTHENTICATED,
    refusal::NOT_COSIGNED,
    refusal::NOT_ERASED,
    refusal::OTHER_LEDGER,
    refusal::OVERFLOW,
    refusal::REVOKED,
    refusal::ROLE_HELD,
    refusal::ROLE_NOT_HELD,
    refusal::SEAL_BROKEN,
    refusal::SELF_PAYMENT,
    refusal::SIDE_MISMATCH,
    refusal::TOO_EARLY,
    refusal::TOO_MANY_KEYS,
    refusal::TOO_MANY_ORDERS,
    refusal::TOO_MANY_PAYMENTS,
    refusal::UNAVAILABLE,
    refusal::UNREADABLE,
    refusal::WRONG_SCOPE,
    refusal::ZERO_AMOUNT,
    refusal::CREDENTIAL_NEEDED,
    refusal::EMAIL_TAKEN,
    refusal::INVALID_CUSTODY,
    refusal::INVALID_LOGIN,
    refusal::NO_PASSWORDS,
    refusal::NOT_ROAMING,
    refusal::ROAMING_EXISTS,
    refusal::STALE_EPOCH,
    refusal::TRY_LATER,
    refusal::UNFINISHED,
    refusal::INVALID_CODE,
    refusal::NOT_ENROLLED,
    refusal::SECOND_FACTOR_NEEDED,
    refusal::STALE_GENERATION,
    refusal::BAD_CONSENT,
    refusal::DUPLICATE_ITEM,
    refusal::INVALID_ITEM,
    refusal::INVALID_NAME,
    refusal::INVALID_REASON,
    refusal::INVALID_SETTING,
    refusal::INVALID_TILL,
    refusal::IS_TILL,
    refusal::NAME_TAKEN,
    refusal::NO_LINES,
    refusal::NO_PRICE,
    refusal::NO_SHOP,
    refusal::NOT_THAT_MANY,
    refusal::NOTHING_TO_PUBLISH,
    refusal::TOO_MANY_LINES,
    refusal::ALREADY_FOUND,
    refusal::ALREADY_RELEASED,
    refusal::DUPLICATE,
    refusal::NO_SUCH_PURCHASE,
    refusal::NO_TILL,
    refusal::NOT_FOR_SALE,
    refusal::NOT_YOURS,
    refusal::NOTHING_HELD,
    refusal::NOTHING_TO_CANCEL,
    refusal::OPEN_BUSINESS,
    refusal::OPEN_PURCHASES,
    refusal::OUT_OF_STOCK,
    refusal::OWN_BUSINESS,
    refusal::PRICE_CHANGED,
    refusal::WRONG_STATE,
];

/// The code of a refusal, by its name.
pub fn of_refusal(name: &str) -> Code {
    let place = REFUSALS.iter().zip(REFUSALS_FROM + 1..).find(|(known, _)| **known == name);
    place.map_or(REFUSALS_FROM, |(_, code)| code)
}

/// All codes, in their order, each with its kind and its name.
pub fn described() -> impl Iterator<Item = (Code, Kind, &'static str)> {
    let (before, after): (Vec<_>, Vec<_>) =
        OTHERS.iter().copied().partition(|(code, ..)| *code < QUESTIONS_FROM);
    let questions = noted_questions().map(|(number, name)| (QUESTIONS_FROM + number, Kind::Question, name));
    let unlisted = (REFUSALS_FROM, Kind::Refusal, "other");
    let refusals = REFUSALS.iter().zip(REFUSALS_FROM + 1..);
    let refusals = refusals.map(|(name, code)| (code, Kind::Refusal, *name));
    before.into_iter().chain(questions).chain(after).chain([unlisted]).chain(refusals)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_one_code_and_every_code_one_meaning() {
        let listed: BTreeSet<&str> = REFUSALS.iter().copied().collect();
        assert_eq!(listed.len(), REFUSALS.len(), "a refusal is listed twice");
        assert_eq!(listed, refusal::ALL.iter().map(|(name, _)| *name).collect());
        let codes: Vec<Code> = described().map(|(code, ..)| code).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
        for (code, kind, name) in described().filter(|(_, kind, _)| *kind == Kind::Refusal).skip(1) {
            assert_eq!(of_refusal(name), code, "{kind:?}");
        }
        assert_eq!(of_refusal("of a later version"), REFUSALS_FROM);
    }
}
