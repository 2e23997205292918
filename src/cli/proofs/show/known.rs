//! What the home directory knows of ledgers and members. Nothing is made or written, and no passphrase is asked for.

use crate::chain::Genesis;
use crate::cli::context::Context;
use crate::client::{Account, Home, KnownServer, first_block, known_servers, load_key, read_account};
use crate::crypto::{LedgerId, VerifyingKey};
use crate::domain::payments::Currency;
use crate::domain::{AccountId, Settings};

pub(super) struct Known {
    /// None where there is no home directory yet.
    home: Option<Home>,
    pub(super) servers: Vec<KnownServer>,
    /// The own key, where it can be read without a passphrase.
    pub(super) key: Option<VerifyingKey>,
}

impl Known {
    pub(super) fn of(context: &Context) -> Known {
        let home = context.existing_home();
        let servers = home.as_ref().and_then(|home| known_servers::all(home).ok()).unwrap_or_default();
        let key = home.as_ref().and_then(|home| load_key(home, &mut |_| None).ok().flatten());
        Known { servers, key: key.map(|key| key.public().clone()), home }
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

/// The currency that a first block names.
pub(super) fn currency_of(genesis: &Genesis) -> Option<Currency> {
    Settings::read(&genesis.settings).ok().map(|settings| settings.currency)
}

/// How amounts are written of a ledger whose currency is not known.
pub(super) fn minor_units() -> Currency {
    Currency { name: "minor units".to_owned(), scale: 0 }
}
