//! The consent of a member to be the till, as a text that is carried to the operator.

use pem_rfc7468::LineEnding;

use crate::chain::CommandId;
use crate::chain::armour::{self, NotOne};
use crate::client::ClientError;
use crate::crypto::{KeyId, LedgerId, SigningKey, is_signature_length, random};
use crate::domain::AccountId;
use crate::domain::shop::{Consent, consent_bytes};

/// What the lines around a consent say (RFC 7468).
const LABEL: &str = "LEDGERD TILL CONSENT";

/// What the signed bytes begin with.
const CONTEXT: &[u8; 23] = b"ledgerd/till-consent/1\0";

/// That a member wants to be the till of an operator's shop. Its bytes are those that are signed ([`consent_bytes`]), and
/// the signature behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillConsent {
    /// On which ledger.
    pub ledger_id: LedgerId,
    /// The account that is to be the till.
    pub till: AccountId,
    /// The operator who may use it.
    pub operator: AccountId,
    /// The id of the one command in which the operator may use it.
    pub command_id: CommandId,
    /// Key and signature of the till.
    pub consent: Consent,
}

impl TillConsent {
    /// The consent of an account, signed with a key of its own.
    pub fn of(
        key: &SigningKey,
        ledger_id: LedgerId,
        till: AccountId,
        operator: AccountId,
        command_id: CommandId,
    ) -> TillConsent {
        let key_id = key.public().key_id();
        let signed = consent_bytes(ledger_id, till, &key_id, operator, command_id);
        let signature = key.sign(&mut random::os(), &[&signed]).into_vec();
        TillConsent { ledger_id, till, operator, command_id, consent: Consent { key_id, signature } }
    }

    /// The consent as text.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`], which does not happen: a consent is short.
    pub fn to_pem(&self) -> Result<String, ClientError> {
        let TillConsent { ledger_id, till, operator, command_id, consent } = self;
        let mut bytes = consent_bytes(*ledger_id, *till, &consent.key_id, *operator, *command_id);
        bytes.extend_from_slice(&consent.signature);
        pem_rfc7468::encode_string(LABEL, LineEnding::LF, &bytes)
            .map_err(|error| ClientError::Unexpected(error.to_string()))
    }

    /// Reads a consent out of a text as a person hands it on. Whether its signature holds, the server says.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn find(text: &str) -> Result<TillConsent, String> {
        let text = armour::pem(text, LABEL).map_err(|error| match error {
            NotOne::Absent => {
                "there is no consent in it: `ledgerctl shop consent` prints one in the home of the till"
                    .to_owned()
            }
            several => format!("consents: {several}"),
        })?;
        let (_, bytes) =
            pem_rfc7468::decode_vec(text.as_bytes()).map_err(|error| format!("not a consent: {error}"))?;
        TillConsent::parse(&bytes).ok_or_else(|| "not a consent, or cut off".to_owned())
    }

    fn parse(bytes: &[u8]) -> Option<TillConsent> {
        let rest = bytes.strip_prefix(CONTEXT)?;
        let (ledger_id, rest) = rest.split_first_chunk::<32>()?;
        let (till, rest) = rest.split_first_chunk::<8>()?;
        let (key_id, rest) = rest.split_first_chunk::<32>()?;
        let (operator, rest) = rest.split_first_chunk::<8>()?;
        let (command_id, signature) = rest.split_first_chunk::<16>()?;
        let consent = Consent { key_id: KeyId(*key_id), signature: signature.to_vec() };
        is_signature_length(signature.len()).then_some(TillConsent {
            ledger_id: LedgerId(*ledger_id),
            till: AccountId(u64::from_be_bytes(*till)),
            operator: AccountId(u64::from_be_bytes(*operator)),
            command_id: CommandId(*command_id),
            consent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyKind;
    use crate::crypto::random::Seeded;

    #[test]
    fn a_consent_reads_back_out_of_a_letter_and_no_other_length_does() {
        let key = SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new("consent"));
        let consent =
            TillConsent::of(&key, LedgerId([1; 32]), AccountId(7), AccountId(2), CommandId([3; 16]));
        let text = consent.to_pem().unwrap();
        assert_eq!(TillConsent::find(&format!("Here:\n\n> {}", text.replace('\n', "\r\n> "))), Ok(consent));
        let (_, bytes) = pem_rfc7468::decode_vec(text.as_bytes()).unwrap();
        assert!((0..bytes.len()).all(|length| TillConsent::parse(&bytes[..length]).is_none()));
        assert_eq!(TillConsent::parse(&[&bytes[..], &[0]].concat()), None);
        assert!(TillConsent::find("nothing").unwrap_err().contains("there is no consent in it"));
    }
}
