//! What may be asked of a command of the shop, and what a new one has to meet beside the rules.

use super::{
    Command, ItemAdded, OpenShop, PriceSet, Published, Rejection, ShopOpened, StockLoaded, StockedIn,
    StockedOut, TillLeft, Unpublished, consent_bytes,
};
use crate::crypto::LedgerId;
use crate::domain::{
    self, AccountId, CommandId, Declined, Endorsement, Endorser, Fact, Rights, Role, RoleUse, SealedPart,
    Value,
};
use crate::refusal;
use crate::text;

impl Command {
    /// A member whose account becomes the till has signed that it may.
    pub(in crate::domain) fn endorsements(
        &self,
        ledger_id: LedgerId,
        author: AccountId,
        command_id: CommandId,
    ) -> Vec<Endorsement<'_>> {
        let Command::OpenShop(OpenShop { till, consent: Some(consent), .. }) = self else {
            return Vec::new();
        };
        vec![Endorsement {
            by: Endorser::Of {
                account: *till,
                key_id: consent.key_id,
                needs: Rights::Full,
                unknown: domain::Rejection::Shop(Rejection::BadConsent(*till)),
            },
            signed: consent_bytes(ledger_id, *till, &consent.key_id, author, command_id),
            signature: &consent.signature,
            refusal: (
                refusal::BAD_CONSENT,
                "the consent does not hold the signature of the till for this command",
            ),
        }]
    }

    /// Whoever says which account pays for the shop, and whoever stops paying for it, needs a key with full rights.
    pub(in crate::domain) fn needs(&self) -> Rights {
        match self {
            Command::OpenShop(_) | Command::LeaveTill(_) => Rights::Full,
            Command::AddItem(_)
            | Command::StockIn(_)
            | Command::StockOut(_)
            | Command::Publish(_)
            | Command::Unpublish(_)
            | Command::SetPrice(_)
            | Command::LoadStock(_)
            | Command::Purchases(_) => Rights::Act,
        }
    }

    /// The shop is an operator's to open, and its stock is for agents to keep: the role without which nobody may give the command.
    pub(super) fn only_for(&self) -> Option<Role> {
        match self {
            Command::OpenShop(_) => Some(Role::Operator),
            Command::AddItem(_)
            | Command::StockIn(_)
            | Command::StockOut(_)
            | Command::Publish(_)
            | Command::Unpublish(_)
            | Command::SetPrice(_)
            | Command::LoadStock(_) => Some(Role::Agent),
            Command::Purchases(command) => command.only_for(),
            Command::LeaveTill(_) => None,
        }
    }

    /// What customers may do with a purchase, an agent who does it does as an agent.
    pub(in crate::domain) fn role_use(&self) -> Option<RoleUse> {
        let role = match self {
            Command::Purchases(command) => command.done_as(),
            other => other.only_for(),
        };
        role.map(|role| RoleUse { role, weighty: role == Role::Operator })
    }

    /// The sealed texts; none of a command that has none.
    pub(in crate::domain) fn sealed(&self) -> Option<SealedPart<'_>> {
        match self {
            Command::Purchases(command) => command.sealed(),
            Command::OpenShop(_)
            | Command::LeaveTill(_)
            | Command::AddItem(_)
            | Command::StockIn(_)
            | Command::StockOut(_)
            | Command::Publish(_)
            | Command::Unpublish(_)
            | Command::SetPrice(_)
            | Command::LoadStock(_) => None,
        }
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::OpenShop(_) => ShopOpened::BYTES_MAX,
            Command::LeaveTill(_) => TillLeft::BYTES_MAX,
            Command::AddItem(_) => ItemAdded::BYTES_MAX,
            Command::StockIn(_) => StockedIn::BYTES_MAX,
            Command::StockOut(_) => StockedOut::BYTES_MAX,
            Command::Publish(_) => Published::BYTES_MAX,
            Command::Unpublish(_) => Unpublished::BYTES_MAX,
            Command::SetPrice(_) => PriceSet::BYTES_MAX,
            Command::LoadStock(_) => StockLoaded::BYTES_MAX,
            Command::Purchases(command) => command.event_bytes_max(),
        }
    }

    pub(in crate::domain) fn guard(&self) -> Result<(), Declined> {
        match self {
            Command::AddItem(add) => guard_name(None, &add.name),
            Command::LoadStock(load) => {
                (1..).zip(&load.items).try_for_each(|(number, line)| guard_name(Some(number), &line.name))
            }
            Command::OpenShop(_)
            | Command::LeaveTill(_)
            | Command::StockIn(_)
            | Command::StockOut(_)
            | Command::Publish(_)
            | Command::Unpublish(_)
            | Command::SetPrice(_)
            | Command::Purchases(_) => Ok(()),
        }
    }
}

/// A name is read and typed by people: nothing in it is invisible, and no blank begins or ends it.
fn guard_name(element: Option<u64>, name: &str) -> Result<(), Declined> {
    let which = element.map_or_else(String::new, |number| format!("item {number}: "));
    let wrong = match text::first_hidden(name) {
        Some(hidden) => format!("the name holds {}, which nobody can see", text::name(hidden)),
        None if name.trim() != name => "a blank begins or ends the name".to_owned(),
        None => return Ok(()),
    };
    let facts = element.map(|number| (Fact::Element, Value::Number(number))).into_iter().collect();
    Err(Declined { name: refusal::INVALID_NAME, sentence: which + &wrong, facts })
}
