//! The commands of payments: a member pays, makes money, settles a cheque or takes one back, or pays out what an erased
//! account has.

use serde::{Deserialize, Serialize};

use super::cheque::{Cheque, ChequeId};
use super::reason::PayOutReason;
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

/// The tag of [`PayOut`].
pub const PAY_OUT: Tag = Tag { schema: 1, kind: 36 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Pays others.
    Pay(Pay),
    /// Makes money.
    Issue(Issue),
    /// Turns a cheque into money.
    Settle(Settle),
    /// Takes a cheque back.
    RevokeCheque(RevokeCheque),
    /// Pays out what an erased account has.
    PayOut(PayOut),
}

/// Pays others: either all payments are made or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay {
    /// 1 to [`crate::limits::PAYMENTS_MAX`] payments.
    pub payments: Vec<Payment>,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The account that receives the money.
    pub to: AccountId,
    /// The amount in minor units. It is signed so that a negative amount can be refused as what it is.
    pub amount: i64,
    /// The memo, which says what the payment is for: at most [`super::MEMO_BYTES_MAX`] bytes.
    pub memo: String,
}

/// Makes money and gives it to somebody. Only an operator may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// The account that receives the money.
    pub to: AccountId,
    /// The amount in minor units.
    pub amount: i64,
}

/// Turns a cheque into money. Only the payee may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The bytes of the cheque, which the payer signed.
    pub cheque: Cheque,
    /// The payer's signature over the cheque.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// Takes a cheque back, as long as it is not settled. Only the payer may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeCheque {
    /// The id of the cheque, which is one of the author's.
    pub cheque_id: ChequeId,
}

/// Gives money of an erased account to a member, some time after the erasure. Only an operator may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayOut {
    /// The erased account, which the money leaves.
    pub account: AccountId,
    /// The account that receives the money.
    pub to: AccountId,
    /// The amount in minor units.
    pub amount: u64,
    /// The reason.
    pub reason: PayOutReason,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            PAY => Ok(Command::Pay(codec::strict(bytes)?)),
            ISSUE => Ok(Command::Issue(codec::strict(bytes)?)),
            SETTLE => Ok(Command::Settle(codec::strict(bytes)?)),
            REVOKE_CHEQUE => Ok(Command::RevokeCheque(codec::strict(bytes)?)),
            PAY_OUT => Ok(Command::PayOut(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Pay(pay) => (PAY, codec::encode(pay)),
            Command::Issue(issue) => (ISSUE, codec::encode(issue)),
            Command::Settle(settle) => (SETTLE, codec::encode(settle)),
            Command::RevokeCheque(revoke) => (REVOKE_CHEQUE, codec::encode(revoke)),
            Command::PayOut(pay_out) => (PAY_OUT, codec::encode(pay_out)),
        }
    }
}
