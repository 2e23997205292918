//! What a member asks for.

use serde::{Deserialize, Serialize};

use super::cheque::{Cheque, ChequeId};
use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};

/// The tag of [`Pay`].
pub const PAY: Tag = Tag { schema: 1, kind: 32 };

/// The tag of [`Issue`].
pub const ISSUE: Tag = Tag { schema: 1, kind: 33 };

/// The tag of [`Settle`].
pub const SETTLE: Tag = Tag { schema: 1, kind: 34 };

/// The tag of [`RevokeCheque`].
pub const REVOKE_CHEQUE: Tag = Tag { schema: 1, kind: 35 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Pay others.
    Pay(Pay),
    /// Make money.
    Issue(Issue),
    /// Turn a cheque into money.
    Settle(Settle),
    /// Take a cheque back.
    RevokeCheque(RevokeCheque),
}

/// Pay others, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    /// 1 to [`crate::limits::PAYMENTS_MAX`] payments.
    pub payments: Vec<Payment>,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Who receives it.
    pub to: AccountId,
    /// Minor units; signed, so that a negative one can be refused as what it is.
    pub amount: i64,
    /// What it is for: at most [`super::MEMO_BYTES_MAX`] bytes.
    pub memo: String,
}

/// Make money and give it to somebody: an operator's command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Who receives it.
    pub to: AccountId,
    /// Minor units.
    pub amount: i64,
}

/// Turn a cheque into money: the payee's command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// What the payer signed.
    pub cheque: Cheque,
    /// The payer's signature over it.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// Take a cheque back, as long as it is not settled: the payer's command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeCheque {
    /// Which of the author's cheques.
    pub cheque_id: ChequeId,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            PAY => Ok(Command::Pay(codec::strict(bytes)?)),
            ISSUE => Ok(Command::Issue(codec::strict(bytes)?)),
            SETTLE => Ok(Command::Settle(codec::strict(bytes)?)),
            REVOKE_CHEQUE => Ok(Command::RevokeCheque(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Pay(pay) => (PAY, codec::encode(pay)),
            Command::Issue(issue) => (ISSUE, codec::encode(issue)),
            Command::Settle(settle) => (SETTLE, codec::encode(settle)),
            Command::RevokeCheque(revoke) => (REVOKE_CHEQUE, codec::encode(revoke)),
        }
    }
}
