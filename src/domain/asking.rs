//! The shapes that the questions of all domains share: who may ask, what an answer may read of the log, and why there is
//! none.

use super::{AccountId, Context, Fact, Role, Tag, Value};

/// Who may ask a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without an account too.
    Anybody,
    /// Whoever has an account.
    Member,
    /// Whoever has an account, about what is its own; and whoever has this role, about what is others'. Who has it, asks by
    /// virtue of it.
    MemberOrRole(Role),
    /// Whoever has this role.
    Role(Role),
}

/// What answers may read of the blocks of before. One answer reads no more than so much, however much there is: what comes
/// to its bound says where the next answer goes on.
pub trait Past {
    /// Visits the blocks that moved an account's money, from an index on, in order, until `each` wants no more. Gives the
    /// index at which the next answer goes on if this one has read as much as it may.
    fn money_of(
        &mut self,
        account: AccountId,
        from: u64,
        each: &mut dyn FnMut(&Recorded<'_>) -> bool,
    ) -> Option<u64>;

    /// Whether an account may read a block: it is the author, or the block concerns it.
    fn may_read(&self, account: AccountId, index: u64) -> bool;
}

/// A block of the log, as a question reads it.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// The author, the key, the time and the index of the block.
    pub context: Context<'a>,
    /// Kind and schema of the command.
    pub tag: Tag,
    /// The command's canonical bytes.
    pub body: &'a [u8],
    /// The event as it is stored.
    pub event: &'a [u8],
    /// What the account whose blocks are visited had before it, in minor units.
    pub balance_before: u64,
}

/// Why a question has no answer, or why a guard turns a command away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The stable machine name.
    pub name: &'static str,
    /// The English sentence for people.
    pub sentence: String,
    /// What the sentence is filled with, for programs and for other languages.
    pub facts: Vec<(Fact, Value)>,
}

impl Declined {
    /// A refusal without facts.
    pub fn new(name: &'static str, sentence: impl ToString) -> Declined {
        Declined { name, sentence: sentence.to_string(), facts: Vec::new() }
    }
}
