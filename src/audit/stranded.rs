//! The money of erased accounts: nobody pays with it, and a sum of all balances has it all the same.

use crate::domain::{AccountId, Settings, State};

/// The money that erased accounts have. It counts as issued, and nothing but a pay-out moves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stranded {
    /// The settings of the ledger, which say what money is called and how it is shown.
    pub settings: Settings,
    /// The erased accounts that have money, each with what it has in minor units.
    pub accounts: Vec<(AccountId, u64)>,
}

impl Stranded {
    pub(super) fn of(state: &State) -> Stranded {
        let mut accounts = Vec::new();
        state.stranded(&mut |account, left| accounts.push((account, left)));
        Stranded { settings: state.settings.clone(), accounts }
    }
}
