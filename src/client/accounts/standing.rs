//! Which keys an account has, as the server says and the ledger proves.

use super::question;
use crate::client::ClientError;
use crate::client::identity::KeyFile;
use crate::client::link::{Member, Reopen as _};
use crate::client::proofs::{Registrant, fetch_owner_of_key};
use crate::crypto::KeyId;
use crate::domain::AccountId;
use crate::domain::accounts::KeyFace;

/// Every key that the member's account ever had, as the server tells it.
///
/// # Errors
/// [`ClientError`].
pub fn fetch_keys(member: &mut Member) -> Result<Vec<KeyFace>, ClientError> {
    let account = member.account_id();
    member.ask(&question::KeysOf(account))
}

/// Has the ledger prove that a key is one of a member's, and asks the server whether it stands; none if either is not so.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_standing_key(
    member: &mut Member,
    account: AccountId,
    key_id: KeyId,
) -> Result<Option<Registrant>, ClientError> {
    let Some(owner) = fetch_owner_of_key(member, key_id)?.filter(|owner| owner.account == account) else {
        return Ok(None);
    };
    let keys = member.ask(&question::KeysOf(account))?;
    let stands = keys.iter().any(|key| key.key_id == key_id && key.ended_at.is_none());
    Ok(Some(owner).filter(|_| stands))
}

/// The id of a key of the home, as it is written down.
pub(super) fn key_id_of(key: &KeyFile) -> Result<KeyId, ClientError> {
    let damaged = |_| ClientError::Config("what is written down of a key is damaged".to_owned());
    const_hex::decode_to_array(&key.key_id).map(KeyId).map_err(damaged)
}
