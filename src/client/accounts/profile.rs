//! Who a member is: a name and an e-mail address, which stand sealed in the ledger. The key of their scope lies in the server's
//! vault; what the server sends is believed only where it opens what a proven block holds.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::question::OwnProfile;
use crate::chain::receipt::ShownLeaf;
use crate::chain::{Block, CommandId, Header, Message};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _, question};
use crate::client::proofs::fetch_receipt;
use crate::client::sending::{Submitted, submit_sealed_once};
use crate::codec;
use crate::crypto::random;
use crate::crypto::sealed::{ScopeId, ScopeKey, Sealed};
use crate::domain::accounts::{self, CredentialCommit, ProfilePlace, SET_PROFILE, SetProfile};
use crate::domain::{Command, ScopeUse, Tag, TextForm};
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

/// A command of the member's that has no outcome yet.
fn header_of(member: &Member, tag: Tag, command_id: CommandId) -> Header {
    let (ledger_id, account) = (member.server().ledger_id, member.account_id());
    Header { ledger_id, account, key_id: member.key().public().key_id(), command_id, issued_at: 0, tag }
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
    let known = fetch(member)?.map(|(Profile { scope, .. }, key)| Using {
        scope,
        key,
        used: ScopeUse::In(scope),
        side: Side::default(),
    });
    let header = header_of(member, SET_PROFILE, CommandId::default());
    let seal = |command_id: CommandId| {
        let header = Header { command_id, ..header };
        let Using { scope, key, used, side } = known.unwrap_or_else(|| Using::opened(&header));
        let (name, e_mail) = seal_profile(&header, (scope, &key), name, e_mail)?;
        let credential = brought.map(|(commit, _)| *commit);
        let side = Side { credential: brought.and_then(|(_, side)| side.credential.clone()), ..side };
        let profile = SetProfile { scope: used, name, e_mail, credential };
        Ok((Command::Accounts(accounts::Command::SetProfile(profile)), side))
    };
    submit_sealed_once(member, SET_PROFILE, texts, seal, again)
}

/// A scope with its key, as a command uses it.
struct Using {
    scope: ScopeId,
    key: ScopeKey,
    used: ScopeUse,
    side: Side,
}

impl Using {
    /// A new scope, which the command opens.
    fn opened(header: &Header) -> Using {
        let scope = header.opened_scope();
        let key = ScopeKey::generate(&mut random::os());
        let used = ScopeUse::Open(key.commitment(header.ledger_id, scope));
        let side = Side { scope_key: Some(*key.as_bytes()), ..Side::default() };
        Using { scope, key, used, side }
    }
}

/// Seals a name and an e-mail address as the fields of a command.
///
/// # Errors
/// [`ClientError::Usage`] for a text that cannot be sealed.
pub(in crate::client) fn seal_profile(
    header: &Header,
    (scope, key): (ScopeId, &ScopeKey),
    name: &str,
    e_mail: &str,
) -> Result<(Sealed, Sealed), ClientError> {
    let name: Zeroizing<String> = Zeroizing::new(name.nfc().collect());
    if !TextForm::Name.fits(&name) {
        return Err(ClientError::Usage(format!("the name: {}", TextForm::Name.sentence())));
    }
    let sealed = |field, text, what: &str| {
        let sealed = key.leaf(&header.command_id.0, field).seal(&header.place(scope, field), text);
        sealed.map_err(|error| ClientError::Usage(format!("the {what}: {error}")))
    };
    Ok((sealed(0, &name, "name")?, sealed(1, e_mail, "e-mail address")?))
}

/// Where the member's profile stands; none before there is one.
fn place_of_profile(member: &mut Member) -> Result<Option<ProfilePlace>, ClientError> {
    match member.ask(&OwnProfile) {
        Ok(place) => Ok(Some(place)),
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_PROFILE => Ok(None),
        Err(error) => Err(error),
    }
}

fn fetch_scope_key(member: &mut Member, scope: ScopeId) -> Result<ScopeKey, ClientError> {
    let keys = member.ask(&question::ScopeKeysOf(vec![scope]))?;
    match keys.0.as_slice() {
        [key] => Ok(ScopeKey::from_bytes(*key)),
        _ => Err(ClientError::other_answer()),
    }
}

fn bad(text: &str) -> ClientError {
    ClientError::Integrity(format!("the server's profile is refused: {text}"))
}
