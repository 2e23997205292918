//! What anybody may ask of members.

use serde::{Deserialize, Serialize};

use super::{Handle, State};
use crate::crypto::KeyId;
use crate::domain::{Access, AccountId, Declined};
use crate::refusal;

/// A question about members. Numbers on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// The member with this public name, without regard to case.
    Member(&'a str),
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A member's public face.
    Member(Member),
}

/// What every member may know of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Number.
    pub account: AccountId,
    /// Public name, as it was registered.
    pub handle: String,
    /// Names the member's keys.
    pub keys: Vec<KeyId>,
}

impl Query<'_> {
    pub(in crate::domain) fn access(&self) -> Access {
        match self {
            Query::Member(_) => Access::Member,
        }
    }
}

pub(in crate::domain) fn answer(state: &State, query: &Query<'_>) -> Result<Answer, Declined> {
    match query {
        Query::Member(handle) => {
            let account = Handle::new(handle).ok().and_then(|handle| state.by_handle(&handle));
            let found = account.and_then(|account| Some((account, state.get(account)?)));
            let (account, member) = found
                .ok_or_else(|| Declined::new(refusal::INVALID_USER, "there is no member of this name"))?;
            let (handle, keys) = (member.handle.as_str().to_owned(), vec![member.key_id]);
            Ok(Answer::Member(Member { account, handle, keys }))
        }
    }
}
