//! Second factors in the simulator: two members have one before the run, and give codes. No code is ever right twice, whatever
//! fails between; an operator ends one of them, and the other one is ended by its owner. After every start the vault has what
//! the blocks speak of, and nothing else.

use ledgerd::domain::accounts::{
    Command as Accounted, ResetReason, ResetSecondFactor, SecondFactorAt, SetSecondFactor,
};
use ledgerd::domain::{AccountId, Command};
use ledgerd::ledger::Ledger;
use ledgerd::second_factor::{SPARE_CODES, STEP_SECONDS, Secret, SpareCode, SpareCodes};
use ledgerd::time::Timestamp;
use ledgerd::vault::{self, FactorEntry, Key, Kind, Slot, factor_entries, factor_entry, spare_codes_entry};
use ledgerd::wire::Reply;

use super::template::{OPERATOR, SEASONED};

/// The members who have a second factor before the run.
pub(super) const ENROLLED: [usize; 2] = [OPERATOR, SEASONED];

/// What a member gives: a code, and what it is among all that there ever are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Code {
    /// Of the telephone, of this step.
    Step(u64),
    /// A spare one.
    Spare(usize),
}

fn secret(account: AccountId) -> Secret {
    Secret::of_bytes([account.0 as u8; 20])
}

fn spare(account: AccountId) -> [SpareCode; SPARE_CODES] {
    std::array::from_fn(|place| SpareCode::of_bytes([account.0 as u8 * 16 + place as u8; 10]))
}

/// A code of a member at a moment, in words.
pub(super) fn words(account: AccountId, code: &Code) -> String {
    match code {
        Code::Step(step) => {
            let moment = Timestamp::from_millis(step * STEP_SECONDS * 1_000);
            secret(account).code_at(moment).to_string()
        }
        Code::Spare(place) => spare(account)[*place].to_text().to_string(),
    }
}

/// The code that the telephone shows, or one of the spare ones.
pub(super) fn pick(now: Timestamp, choice: u64) -> Code {
    match choice.checked_sub(4) {
        None => Code::Step(now.millis() / (STEP_SECONDS * 1_000)),
        Some(place) => Code::Spare(place as usize % SPARE_CODES),
    }
}

/// The command that brings a second factor.
pub(super) fn first() -> Command {
    Command::Accounts(Accounted::SetSecondFactor(SetSecondFactor { generation: 1, off: false }))
}

/// The command with which a member has none any more.
pub(super) fn off() -> Accounted {
    Accounted::SetSecondFactor(SetSecondFactor { generation: 2, off: true })
}

/// The command that ends the one of another member.
pub(super) fn reset() -> Accounted {
    let account = AccountId(SEASONED as u64 + 1);
    Accounted::ResetSecondFactor(ResetSecondFactor { account, reason: ResetReason::Lost })
}

/// The entries of the second factors that there are at the beginning.
pub(super) fn entries(ledger: &Ledger) -> Vec<(Key, vault::Secret)> {
    let entries = |(account, at): (AccountId, SecondFactorAt)| {
        let entry = FactorEntry { secret: secret(account), last_step: 0 };
        let codes = SpareCodes::of(account.0, &spare(account));
        [
            (factor_entry(account, at.generation), entry.to_secret()),
            (spare_codes_entry(account, at.generation), FactorEntry::secret_of_spare(&codes)),
        ]
    };
    ledger.replica().state().second_factors().flat_map(entries).collect()
}

/// Whether an answer says that a code was right.
///
/// # Errors
/// An answer that no code may get.
pub(super) fn was_right(reply: &Reply) -> Result<bool, String> {
    match reply {
        Reply::FactorTaken(_) => Ok(true),
        Reply::Refused(refusal) if refusal.name == "key_missing" => {
            Err(format!("a code was refused: {}", refusal.message))
        }
        Reply::Refused(_) => Ok(false),
        other => Err(format!("a code was answered with {other:?}")),
    }
}

/// Holds the second factors in the vault against the blocks.
///
/// # Errors
/// The account whose codes nobody can check any more, or an entry that no block speaks of.
pub(super) fn look_at(ledger: &Ledger, held: &[Slot]) -> Result<(), String> {
    let of_factors = |slot: &&Slot| matches!(slot.name.kind, Kind::SecondFactor | Kind::SpareCodes);
    let held: Vec<Key> = held.iter().filter(of_factors).map(|slot| (slot.name, slot.generation)).collect();
    let mut needed = 0;
    for (account, at) in ledger.replica().state().second_factors() {
        needed += 2;
        if factor_entries(account, at).iter().any(|key| !held.contains(key)) {
            return Err(format!("the second factor of account {account} is not in the vault"));
        }
    }
    if held.len() == needed {
        Ok(())
    } else {
        Err(format!("{} entries of second factors lie in the vault, and {needed} are needed", held.len()))
    }
}
