//! Questions about members.

use crate::client::link::question::{Question, question};
use crate::domain::accounts::{self, KeyFace, Member, ProfilePlace};
use crate::domain::{AccountId, Answer, Query};
use crate::wire::{Reply, Request};

/// The member with this public name.
#[derive(Clone, Debug)]
pub struct MemberOf(pub String);
question!(
    MemberOf,
    Member,
    |q| Request::Ask(Query::Accounts(accounts::Query::Member(&q.0))),
    Reply::Answer(Answer::Accounts(accounts::Answer::Member(member))) => member
);

/// Every key that a member ever had.
#[derive(Clone, Copy, Debug)]
pub struct KeysOf(pub AccountId);
question!(
    KeysOf,
    Vec<KeyFace>,
    |q| Request::Ask(Query::Accounts(accounts::Query::Keys(q.0))),
    Reply::Answer(Answer::Accounts(accounts::Answer::Keys(keys))) => keys
);

/// Where the profile of the asker stands.
#[derive(Clone, Copy, Debug)]
pub struct OwnProfile;
question!(
    OwnProfile,
    ProfilePlace,
    |_q| Request::Ask(Query::Accounts(accounts::Query::Profile)),
    Reply::Answer(Answer::Accounts(accounts::Answer::Profile(place))) => place
);
