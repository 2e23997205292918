//! Purchases as their customers and agents deal with them. Addresses and the like are sealed here, and opened here: the server's
//! word for them is not taken.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::question;
use crate::chain::{Block, CommandId, Header, Message};
use crate::client::ClientError;
use crate::client::link::Member;
use crate::client::proofs::fetch_receipt;
use crate::client::sealing::{Using, fetch_scope_key, header_of};
use crate::client::sending::{Submitted, submit_once, submit_sealed_once};
use crate::codec;
use crate::crypto::sealed::ScopeKey;
use crate::domain::shop;
use crate::domain::shop::purchases::{
    self, CONFIRM_SHIPMENT, ConfirmShipment, PurchaseFace, PurchaseId, PurchasesWanted, SHIP, Ship,
};
use crate::domain::{AccountId, Command, SealedText, Tag};
use crate::refusal;
use crate::wire::ReceiptOf;

/// A text of a purchase, opened from a proven block.
#[derive(Clone, Debug)]
pub struct PurchaseText {
    /// What it is: `address` or `tracking`.
    pub what: &'static str,
    /// The index of the block.
    pub block: u64,
    /// The text.
    pub text: Zeroizing<String>,
}

/// Has a command about a purchase carried out that has no text.
///
/// # Errors
/// As for [`submit_once`].
pub fn deal(
    member: &mut Member,
    command: purchases::Command,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_once(member, &in_shop(command), None, again)
}

/// Says that a purchase may be sent, perhaps with the address to which.
///
/// # Errors
/// [`ClientError::Usage`] for an address that cannot be sealed, otherwise as for [`submit_once`].
pub fn confirm_shipment(
    member: &mut Member,
    purchase: PurchaseId,
    address: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = |address| purchases::Command::ConfirmShipment(ConfirmShipment { purchase, address });
    match address {
        None => deal(member, command(None), again),
        Some(text) => {
            let sealing = Sealing { tag: CONFIRM_SHIPMENT, purchase, what: "address", text };
            sealing.submit(member, &|sealed| command(Some(sealed)), again)
        }
    }
}

/// Says that a purchase was sent, or that the parcel was found, perhaps with how it is traced.
///
/// # Errors
/// As for [`confirm_shipment`].
pub fn ship(
    member: &mut Member,
    (purchase, found): (PurchaseId, bool),
    tracking: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = |tracking| purchases::Command::Ship(Ship { purchase, found, tracking });
    match tracking {
        None => deal(member, command(None), again),
        Some(text) => {
            let sealing = Sealing { tag: SHIP, purchase, what: "tracking", text };
            sealing.submit(member, &|sealed| command(Some(sealed)), again)
        }
    }
}

/// Fetches a purchase.
///
/// # Errors
/// [`ClientError::Refused`] with `no_such_purchase` for what is not there and for what is another's.
pub fn fetch_purchase(member: &mut Member, purchase: PurchaseId) -> Result<PurchaseFace, ClientError> {
    member.ask(&question::Purchase(purchase)).map(|face| *face)
}

/// Visits purchases by number: those of a customer, or where there is none, as an agent, all.
///
/// # Errors
/// [`ClientError`], also that of `each`.
pub fn each_purchase(
    member: &mut Member,
    customer: Option<AccountId>,
    each: &mut dyn FnMut(PurchaseFace) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut from = PurchaseId(1);
    loop {
        let wanted = question::Purchases(PurchasesWanted { customer, from });
        let page = member.ask(&wanted)?;
        page.purchases.into_iter().try_for_each(&mut *each)?;
        match page.next {
            None => return Ok(()),
            Some(next) if next > from => from = next,
            Some(_) => return Err(ClientError::other_answer()),
        }
    }
}

/// Fetches and opens the texts of a purchase, oldest first.
///
/// # Errors
/// [`ClientError::Integrity`] when a block is not what the server says, or does not open with the key that it sends.
pub fn fetch_texts(member: &mut Member, face: &PurchaseFace) -> Result<Vec<PurchaseText>, ClientError> {
    let Some(scope) = face.scope else { return Ok(Vec::new()) };
    let key = fetch_scope_key(member, scope)?;
    let mut texts = Vec::new();
    for block in face.steps.iter().filter_map(|step| step.block) {
        let (receipt, _) = fetch_receipt(member, ReceiptOf::Block(block))?;
        if let Some((what, text)) = opened(&receipt.block, face.purchase, &key)? {
            texts.push(PurchaseText { what, block, text });
        }
    }
    Ok(texts)
}

/// The text of a block about a purchase; none of a block without one.
fn opened(
    block: &[u8],
    purchase: PurchaseId,
    key: &ScopeKey,
) -> Result<Option<(&'static str, Zeroizing<String>)>, ClientError> {
    let block = Block::parse(block).map_err(|_| ClientError::other_answer())?;
    let bad = |text: &str| ClientError::Integrity(format!("block {}: {text}", block.index));
    let message = Message::parse(block.message).map_err(|_| ClientError::other_answer())?;
    let command = Command::decode(message.header.tag, message.body);
    let Ok(Command::Shop(shop::Command::Purchases(command))) = command else { return Ok(None) };
    let (about, what, text) = match &command {
        purchases::Command::ConfirmShipment(confirm) => (confirm.purchase, "address", &confirm.address),
        purchases::Command::Ship(ship) => (ship.purchase, "tracking", &ship.tracking),
        _ => return Ok(None),
    };
    if about != purchase {
        return Err(bad("it is about another purchase"));
    }
    let Some(SealedText { scope, text }) = text else { return Ok(None) };
    let place = message.header.place(message.header.scope(scope), 0);
    let leaf = key.leaf(&message.header.command_id.0, 0);
    let text = leaf.open(&place, text).map_err(|error| bad(&error.to_string()))?;
    Ok(Some((what, text)))
}

fn in_shop(command: purchases::Command) -> Command {
    Command::Shop(shop::Command::Purchases(command))
}

/// A text that goes into a command about a purchase.
struct Sealing<'a> {
    tag: Tag,
    purchase: PurchaseId,
    what: &'static str,
    text: &'a str,
}

impl Sealing<'_> {
    /// Seals the text and has the command carried out. The other side may open the scope at the same moment: then the text is sealed
    /// anew, in that scope.
    fn submit(
        &self,
        member: &mut Member,
        command: &dyn Fn(SealedText) -> purchases::Command,
        again: &mut dyn FnMut(),
    ) -> Result<Submitted, ClientError> {
        member.with_second_factor(|member| match self.submit_once(member, command, again) {
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::WRONG_SCOPE => {
                self.submit_once(member, command, again)
            }
            done => done,
        })
    }

    fn submit_once(
        &self,
        member: &mut Member,
        command: &dyn Fn(SealedText) -> purchases::Command,
        again: &mut dyn FnMut(),
    ) -> Result<Submitted, ClientError> {
        let text: Zeroizing<String> = Zeroizing::new(self.text.nfc().collect());
        let texts = Zeroizing::new(codec::encode(&(self.purchase, self.what, text.as_str())));
        let known = match fetch_purchase(member, self.purchase)?.scope {
            Some(scope) => Some(Using::known(scope, fetch_scope_key(member, scope)?)),
            None => None,
        };
        let header = header_of(member, self.tag, CommandId::default());
        let seal = |command_id: CommandId| {
            let header = Header { command_id, ..header };
            let using = known.unwrap_or_else(|| Using::opened(&header));
            let sealed = using.seal(&header, 0, &text, self.what)?;
            Ok((in_shop(command(SealedText { scope: using.used, text: sealed })), using.side))
        };
        submit_sealed_once(member, self.tag, &texts, seal, again)
    }
}
