//! Opening the shop, and consenting to be its till.

use super::TillConsent;
use crate::chain::CommandId;
use crate::client::ClientError;
use crate::client::accounts::{User, find_member};
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::Registrant;
use crate::client::sending::{Submitted, submit_once, submit_with_id};
use crate::crypto::random;
use crate::domain::Command;
use crate::domain::shop::{self, LeaveTill, OpenShop};

/// A shop that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The account that is the till.
    pub till: Registrant,
    /// The command.
    pub submitted: Submitted,
}

/// Opens the shop with this till and these settings, each by its number, or changes both. Another member's account is the till
/// with its consent only.
///
/// # Errors
/// [`ClientError::Usage`] for a consent that is for something else, otherwise as for [`submit_once`].
pub fn open_shop(
    member: &mut Member,
    till: &User,
    consent: Option<&TillConsent>,
    settings: &[(u8, u64)],
    again: &mut dyn FnMut(),
) -> Result<Opened, ClientError> {
    let till = find_member(member, till)?;
    let (account, ledger_id) = (member.account_id(), member.server().ledger_id);
    if let Some(consent) = consent {
        let other = |what: &str| Err(ClientError::Usage(format!("the consent is {what}")));
        if consent.ledger_id != ledger_id {
            return other("for another ledger");
        }
        if consent.till != till.account {
            return other(&format!("of account #{}, not of #{}", consent.till, till.account));
        }
        if consent.operator != account {
            return other(&format!("for the operator #{}, and you are #{account}", consent.operator));
        }
    }
    let open = OpenShop {
        till: till.account,
        consent: consent.map(|consent| consent.consent.clone()),
        settings: settings.to_vec(),
    };
    let command = Command::Shop(shop::Command::OpenShop(open));
    let submitted = match consent {
        // The till has signed for one command, which therefore has this id.
        Some(consent) => submit_with_id(member, &command, consent.command_id, again)?,
        None => submit_once(member, &command, None, again)?,
    };
    Ok(Opened { till, submitted })
}

/// Signs that the member's account may be the till of an operator's shop. Nothing is sent.
///
/// # Errors
/// As for [`find_member`].
pub fn consent(member: &mut Member, operator: &User) -> Result<(Registrant, TillConsent), ClientError> {
    let operator = find_member(member, operator)?;
    let (ledger_id, till) = (member.server().ledger_id, member.account_id());
    let command_id = CommandId(random::bytes(&mut random::os()));
    let consent = TillConsent::of(member.key(), ledger_id, till, operator.account, command_id);
    Ok((operator, consent))
}

/// Stops being the till.
///
/// # Errors
/// As for [`submit_once`].
pub fn leave_till(member: &mut Member, again: &mut dyn FnMut()) -> Result<Submitted, ClientError> {
    submit_once(member, &Command::Shop(shop::Command::LeaveTill(LeaveTill {})), None, again)
}
