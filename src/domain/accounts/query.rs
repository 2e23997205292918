//! What anybody may ask of members.

use serde::{Deserialize, Serialize};

use super::{Custody, Handle, Key, Rights, State};
use crate::crypto::KeyId;
use crate::crypto::sealed::ScopeId;
use crate::domain::{Access, AccountId, Declined, ScopeKind, Scopes};
use crate::refusal;

/// The number under which the journal notes [`Query::Member`]: see [`crate::domain::noted_questions`].
pub const NOTED_MEMBER: u16 = 0;
/// The number under which the journal notes [`Query::Keys`].
pub const NOTED_KEYS: u16 = 1;
/// The number under which the journal notes [`Query::Profile`].
pub const NOTED_PROFILE: u16 = 2;

/// A question about members. Numbers on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// The member with this public name, without regard to case.
    Member(&'a str),
    /// The keys of the member with this number.
    Keys(AccountId),
    /// Where the profile of the asker stands.
    Profile,
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A member's public face.
    Member(Member),
    /// Every key that the member ever had, in the order in which they came.
    Keys(Vec<KeyFace>),
    /// Where the profile stands.
    Profile(ProfilePlace),
}

/// Where a member finds its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilePlace {
    /// The scope of the texts.
    pub scope: ScopeId,
    /// The index of the block that holds them; none before there is one.
    pub block: Option<u64>,
}

/// What every member may know of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Number.
    pub account: AccountId,
    /// Public name, as it was registered.
    pub handle: String,
    /// Names the keys that stand.
    pub keys: Vec<KeyId>,
}

/// What every member may know of a key. Whether it stands is the server's word; an audit checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFace {
    /// Names it.
    pub key_id: KeyId,
    /// The kind of key, by its name.
    pub kind: String,
    /// Where its private half is, by its owner's word.
    pub custody: Custody,
    /// What it may sign.
    pub rights: Rights,
    /// Its public name.
    pub label: String,
    /// Index of the block that introduced it.
    pub added_at: u64,
    /// Index of the block that ended it; none while it stands.
    pub ended_at: Option<u64>,
}

impl Query<'_> {
    pub(in crate::domain) fn access(&self) -> Access {
        match self {
            Query::Member(_) | Query::Keys(_) | Query::Profile => Access::Member,
        }
    }

    pub(in crate::domain) fn noted(&self) -> (u16, AccountId) {
        match self {
            Query::Member(_) => (NOTED_MEMBER, AccountId::NONE),
            Query::Keys(account) => (NOTED_KEYS, *account),
            Query::Profile => (NOTED_PROFILE, AccountId::NONE),
        }
    }
}

pub(in crate::domain) fn answer(
    state: &State,
    scopes: &Scopes,
    asker: AccountId,
    query: &Query<'_>,
) -> Result<Answer, Declined> {
    match query {
        Query::Member(handle) => {
            let account = Handle::new(handle).ok().and_then(|handle| state.by_handle(&handle));
            let found = account.and_then(|account| Some((account, state.get(account)?)));
            let (account, member) = found
                .ok_or_else(|| Declined::new(refusal::INVALID_USER, "there is no member of this name"))?;
            let (handle, keys) = (member.handle.clone(), state.standing_keys(account));
            Ok(Answer::Member(Member { account, handle, keys }))
        }
        Query::Keys(account) => {
            let member = state.get(*account);
            let member = member
                .ok_or_else(|| Declined::new(refusal::INVALID_USER, "there is no account of this number"))?;
            Ok(Answer::Keys(member.keys.iter().map(KeyFace::of).collect()))
        }
        Query::Profile => {
            let block = state.get(asker).and_then(|member| member.profile_at);
            let scope = scopes.newest(ScopeKind::Subject, asker.0);
            let found = scope.map(|scope| Answer::Profile(ProfilePlace { scope, block }));
            found.ok_or_else(|| Declined::new(refusal::NO_PROFILE, "you have not said who you are yet"))
        }
    }
}

impl KeyFace {
    fn of(key: &Key) -> KeyFace {
        KeyFace {
            key_id: key.key_id,
            kind: key.kind().name().to_owned(),
            custody: key.custody,
            rights: key.rights,
            label: key.label.clone(),
            added_at: key.added_at,
            ended_at: key.ended_at,
        }
    }
}
