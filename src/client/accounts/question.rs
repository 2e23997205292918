//! Questions about members.

use crate::client::link::question::{Question, question};
use crate::domain::accounts::{self, Member};
use crate::domain::{Answer, Query};
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
