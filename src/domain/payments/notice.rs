//! News about money for members who may not read the block in which it moved.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Happened;
use crate::domain::AccountId;

/// News about money, told at most once. Numbers on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Notice {
    /// Money came in a block that pays others too, so that the payee may not read it. The statement has the line.
    Paid {
        /// Index of the block.
        index: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Paid { index } => write!(
                f,
                "block {index}: money came in a block that pays others too; `ledgerctl statement` has the line"
            ),
        }
    }
}

impl Happened {
    /// Visits the payees who may not read this block.
    pub(in crate::domain) fn notices(&self, index: u64, each: &mut dyn FnMut(AccountId, Notice)) {
        match self {
            Happened::Paid(pay, _) => {
                let mut alone = false;
                self.concerns(&mut |_| alone = true);
                if !alone {
                    pay.payments.iter().for_each(|payment| each(payment.to, Notice::Paid { index }));
                }
            }
            Happened::Issued(..)
            | Happened::Settled(..)
            | Happened::ChequeRevoked(..)
            | Happened::PaidOut(..) => {}
        }
    }
}
