//! The consent of a member whose account becomes the shop's till: a signature that stands in the operator's command.

use serde::{Deserialize, Serialize};

use crate::crypto::{KeyId, LedgerId};
use crate::domain::{AccountId, CommandId};

/// The signature with which a member says that its account may be the till.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The id of the key that signed, which is one of the till's, with full rights.
    pub key_id: KeyId,
    /// The signature over [`consent_bytes`].
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// The bytes that a member signs to consent, integers big-endian: `"ledgerd/till-consent/1\0" ‖ ledger_id[32] ‖ till u64 ‖
/// key_id[32] ‖ operator u64 ‖ command_id[16]`. The id is that of the operator's command, so that a consent is good for one
/// command and no other.
pub fn consent_bytes(
    ledger_id: LedgerId,
    till: AccountId,
    key_id: &KeyId,
    operator: AccountId,
    command_id: CommandId,
) -> Vec<u8> {
    let (till, operator) = (till.0.to_be_bytes(), operator.0.to_be_bytes());
    [b"ledgerd/till-consent/1\0", &ledger_id.0[..], &till, &key_id.0, &operator, &command_id.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_bytes_name_ledger_till_key_operator_and_command() {
        let (ledger_id, key_id) = (LedgerId([1; 32]), KeyId([3; 32]));
        let bytes = consent_bytes(ledger_id, AccountId(2), &key_id, AccountId(4), CommandId([5; 16]));
        assert_eq!(bytes[..23], *b"ledgerd/till-consent/1\0");
        assert_eq!(bytes[23..55], [1; 32]);
        assert_eq!(bytes[55..63], 2u64.to_be_bytes());
        assert_eq!(bytes[63..95], [3; 32]);
        assert_eq!(bytes[95..103], 4u64.to_be_bytes());
        assert_eq!(bytes[103..], [5; 16]);
    }
}
