//! What the home directory knows of ledgers and members. Nothing is made or written, and no passphrase is asked for.

use crate::chain::Genesis;
use crate::cli::context::Context;
use crate::client::{
    Account, Home, KnownServer, first_block, key_files, known_servers, load_key_file, read_account,
};
use crate::crypto::{KeyId, LedgerId, VerifyingKey};
use crate::domain::payments::Currency;
use crate::domain::{AccountId, Settings};

pub(super) struct Known {
    /// None where there is no home directory yet.
    home: Option<Home>,
    pub(super) servers: Vec<KnownServer>,
    /// The keys of this home, those that can be read without a passphrase.
    keys: Vec<VerifyingKey>,
}

impl Known {
    pub(super) fn of(context: &Context) -> Known {
        let home = context.existing_home();
        let servers = home.as_ref().and_then(|home| known_servers::all(home).ok()).unwrap_or_default();
        let keys = home.as_ref().map(own_keys).unwrap_or_default();
        Known { servers, keys, home }
    }

    /// The key of this home with this name.
    pub(super) fn own_key(&self, key_id: KeyId) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.key_id() == key_id)
    }

    pub(super) fn server(&self, ledger_id: LedgerId) -> Option<&KnownServer> {
        self.servers.iter().find(|server| server.ledger_id == ledger_id)
    }

    /// The servers whose ledger has this name. A name is nobody's property, so there may be several.
    pub(super) fn called<'a>(&'a self, origin: &'a str) -> impl Iterator<Item = &'a KnownServer> {
        self.servers.iter().filter(move |server| server.log_key.origin() == origin)
    }

    /// A ledger in words.
    pub(super) fn ledger(&self, ledger_id: LedgerId) -> String {
        match self.server(ledger_id) {
            Some(server) => {
                format!("{}, which you know at {}; id {ledger_id}", server.log_key.origin(), server.address())
            }
            None => format!("one that this home does not know; id {ledger_id}"),
        }
    }

    pub(super) fn account(&self, ledger_id: LedgerId) -> Option<Account> {
        read_account(self.home.as_ref()?, ledger_id).ok()?
    }

    /// A member of a ledger in words.
    pub(super) fn member(&self, ledger_id: LedgerId, account: AccountId) -> String {
        match self.account(ledger_id).filter(|own| own.account == account.0) {
            Some(own) => format!("{} (#{account}), who is you", own.handle),
            None => format!("#{account}"),
        }
    }

    /// The currency of a ledger, where its first block was kept.
    pub(super) fn currency(&self, ledger_id: LedgerId) -> Option<Currency> {
        currency_of(&first_block(self.home.as_ref()?, ledger_id)?)
    }
}

fn own_keys(home: &Home) -> Vec<VerifyingKey> {
    let files = key_files(home).unwrap_or_default();
    let keys = files.iter().filter_map(|file| load_key_file(home, file, &mut |_| None).ok().flatten());
    keys.map(|key| key.public().clone()).collect()
}

/// The currency that a first block names.
pub(super) fn currency_of(genesis: &Genesis) -> Option<Currency> {
    Settings::read(&genesis.settings).ok().map(|settings| settings.currency)
}

/// How amounts are written of a ledger whose currency is not known.
pub(super) fn minor_units() -> Currency {
    Currency { name: "minor units".to_owned(), scale: 0 }
}
