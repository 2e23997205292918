//! Who a member is: a name and an e-mail address, which stand sealed in the ledger. The key of their scope lies in the server's
//! vault; what the server sends is believed only where it opens what a proven block holds.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::question::OwnProfile;
use crate::chain::receipt::ShownLeaf;
use crate::chain::{Block, CommandId, Header, Message};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::fetch_receipt;
use crate::client::sealing::{Using, fetch_scope_key, header_of};
use crate::client::sending::{Submitted, submit_sealed_once};
use crate::codec;
use crate::crypto::sealed::{ScopeId, ScopeKey, Sealed};
use crate::domain::accounts::{self, CredentialCommit, ProfilePlace, SET_PROFILE, SetProfile};
use crate::domain::{Command, TextForm};
use crate::refusal;
use crate::time::Timestamp;
use crate::wire::{ReceiptOf, Side};

/// A member's own name and e-mail address, as a block holds them.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name by which people know the member.
    pub name: Zeroizing<String>,
    /// The e-mail address.
    pub e_mail: Zeroizing<String>,
    /// The index of the block.
    pub block: u64,
    /// The time of the block.
    pub since: Timestamp,
    /// The scope of both texts.
    pub scope: ScopeId,
    /// The leaves of name and e-mail address: whoever is shown one reads that text in a receipt of the block, and no other.
    pub leaves: [ShownLeaf; 2],
}

/// Fetches the member's own profile and opens it; none before there is one.
///
/// # Errors
/// [`ClientError::Integrity`] when the block is not what the server says, or does not open with the key that it sends.
pub fn fetch_profile(member: &mut Member) -> Result<Option<Profile>, ClientError> {
    Ok(fetch(member)?.map(|(profile, _)| profile))
}

/// The profile with the key of its scope, which is the right one: it has opened both texts.
fn fetch(member: &mut Member) -> Result<Option<(Profile, ScopeKey)>, ClientError> {
    let Some(ProfilePlace { scope, block: Some(index) }) = place_of_profile(member)? else { return Ok(None) };
    let (receipt, proven) = fetch_receipt(member, ReceiptOf::Block(index))?;
    let no_profile = || bad(&format!("block {index} is no profile of this account"));
    if proven.author.as_ref().map(|author| author.account) != Some(member.account_id()) {
        return Err(no_profile());
    }
    let block = Block::parse(&receipt.block).map_err(|_| no_profile())?;
    let message = Message::parse(block.message).map_err(|_| no_profile())?;
    let (name, e_mail) = match Command::decode(message.header.tag, message.body) {
        Ok(Command::Accounts(accounts::Command::SetProfile(profile))) => (profile.name, profile.e_mail),
        Ok(Command::Accounts(accounts::Command::Join(join))) => (join.name, join.e_mail),
        _ => return Err(no_profile()),
    };
    let key = fetch_scope_key(member, scope)?;
    let id = message.header.command_id;
    let open = |field, sealed| {
        let text = key.leaf(&id.0, field).open(&message.header.place(scope, field), sealed);
        text.map_err(|error| bad(&format!("block {index}: {error}")))
    };
    let (name, e_mail) = (open(0, &name)?, open(1, &e_mail)?);
    let leaves = [0, 1].map(|field| ShownLeaf { field, leaf: key.leaf(&id.0, field) });
    Ok(Some((Profile { name, e_mail, block: index, since: proven.timestamp, scope, leaves }, key)))
}

/// Says who the member is, in place of what was said before. `again` is called when an earlier run has sent the same.
///
/// # Errors
/// [`ClientError::Usage`] for a text that cannot be sealed; [`ClientError::Refused`], [`ClientError::Unknown`].
pub fn set_profile(
    member: &mut Member,
    name: &str,
    e_mail: &str,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    set_profile_with(member, (name, e_mail), None, again)
}

/// The same with the password registered anew for the e-mail address: the trace of the credential, and the credential.
///
/// # Errors
/// As for [`set_profile`].
pub(in crate::client) fn set_profile_with(
    member: &mut Member,
    (name, e_mail): (&str, &str),
    brought: Option<&(CredentialCommit, Side)>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    if !TextForm::EMail.fits(e_mail) {
        return Err(ClientError::Usage(TextForm::EMail.sentence().to_owned()));
    }
    let texts = Zeroizing::new(codec::encode(&(name, e_mail)));
    // Another command of this account may open the scope at the same moment: then this one is sealed anew, in that scope.
    match set_profile_once(member, (name, e_mail), brought, &texts, again) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::WRONG_SCOPE => {
            set_profile_once(member, (name, e_mail), brought, &texts, again)
        }
        done => done,
    }
}

fn set_profile_once(
    member: &mut Member,
    (name, e_mail): (&str, &str),
    brought: Option<&(CredentialCommit, Side)>,
    texts: &[u8],
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let known = fetch(member)?.map(|(Profile { scope, .. }, key)| Using::known(scope, key));
    let header = header_of(member, SET_PROFILE, CommandId::default());
    let seal = |command_id: CommandId| {
        let header = Header { command_id, ..header };
        let using = known.unwrap_or_else(|| Using::opened(&header));
        let (name, e_mail) = seal_profile(&header, &using, name, e_mail)?;
        let credential = brought.map(|(commit, _)| *commit);
        let side = Side { credential: brought.and_then(|(_, side)| side.credential.clone()), ..using.side };
        let profile = SetProfile { scope: using.used, name, e_mail, credential };
        Ok((Command::Accounts(accounts::Command::SetProfile(profile)), side))
    };
    submit_sealed_once(member, SET_PROFILE, texts, seal, again)
}

/// Seals a name and an e-mail address as the fields of a command.
///
/// # Errors
/// [`ClientError::Usage`] for a text that cannot be sealed.
pub(in crate::client) fn seal_profile(
    header: &Header,
    using: &Using,
    name: &str,
    e_mail: &str,
) -> Result<(Sealed, Sealed), ClientError> {
    let name: Zeroizing<String> = Zeroizing::new(name.nfc().collect());
    if !TextForm::Name.fits(&name) {
        return Err(ClientError::Usage(format!("the name: {}", TextForm::Name.sentence())));
    }
    Ok((using.seal(header, 0, &name, "name")?, using.seal(header, 1, e_mail, "e-mail address")?))
}

/// Where the member's profile stands; none before there is one.
fn place_of_profile(member: &mut Member) -> Result<Option<ProfilePlace>, ClientError> {
    match member.ask(&OwnProfile) {
        Ok(place) => Ok(Some(place)),
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_PROFILE => Ok(None),
        Err(error) => Err(error),
    }
}

fn bad(text: &str) -> ClientError {
    ClientError::Integrity(format!("the server's profile is refused: {text}"))
}
