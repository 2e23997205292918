//! The log-in of a connection on its way.

use super::throttle::Charge;
use crate::domain::AccountId;
use crate::password::LoginStarted;

/// What a connection holds between the first message of a log-in and the last one.
pub(super) enum LogIn {
    /// The helper makes the answer to the first message.
    Asked {
        /// The account with this e-mail; none if nobody has it.
        account: Option<AccountId>,
        /// What was counted for the try.
        charge: Charge,
        /// What the log-in is bound to.
        context: Vec<u8>,
    },
    /// The answer is on its way to the client, who has to prove the password.
    Started {
        /// As before.
        account: Option<AccountId>,
        /// As before.
        charge: Charge,
        /// As before.
        context: Vec<u8>,
        /// What the proof is checked with.
        state: LoginStarted,
    },
    /// The password or the recovery code was right, and a code of the second factor has to come.
    Proven {
        /// The account.
        account: AccountId,
        /// As before.
        charge: Charge,
        /// The number of the password.
        epoch: u32,
        /// Wrong codes of the second factor so far.
        wrong: u32,
    },
}

impl LogIn {
    /// The log-in after the helper has made its answer.
    pub(super) fn started(self, state: LoginStarted) -> Option<Box<LogIn>> {
        match self {
            LogIn::Asked { account, charge, context } => {
                Some(Box::new(LogIn::Started { account, charge, context, state }))
            }
            LogIn::Started { .. } | LogIn::Proven { .. } => None,
        }
    }
}
