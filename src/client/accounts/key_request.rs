//! A key request: the public key of a new machine and its proof, as a text that is carried to a machine whose key may
//! introduce it.

use pem_rfc7468::LineEnding;

use crate::chain::armour::{self, NotOne};
use crate::client::ClientError;
use crate::crypto::{LedgerId, SigningKey, VerifyingKey, random};
use crate::domain::AccountId;
use crate::domain::accounts::key_proof_bytes;

/// What the lines around a request say (RFC 7468).
const LABEL: &str = "LEDGERD KEY REQUEST";

/// What its bytes begin with.
const CONTEXT: &[u8; 22] = b"ledgerd/key-request/1\0";

/// That a key wants to be one of an account's. Its bytes, integers big-endian:
/// `"ledgerd/key-request/1\0" ‖ ledger_id[32] ‖ account u64 ‖ n u16 ‖ SPKI[n] ‖ proof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// On which ledger.
    pub ledger_id: LedgerId,
    /// Of which account.
    pub account: AccountId,
    /// The key.
    pub key: VerifyingKey,
    /// Its signature over [`key_proof_bytes`].
    pub proof: Vec<u8>,
}

impl KeyRequest {
    /// The request of a key.
    pub fn of(key: &SigningKey, ledger_id: LedgerId, account: AccountId) -> KeyRequest {
        let signed = key_proof_bytes(ledger_id, account, &key.public().key_id());
        let proof = key.sign(&mut random::os(), &[&signed]).into_vec();
        KeyRequest { ledger_id, account, key: key.public().clone(), proof }
    }

    /// The request as text.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`], which does not happen: a request is short.
    pub fn to_pem(&self) -> Result<String, ClientError> {
        let spki = self.key.spki();
        let bytes = [
            &CONTEXT[..],
            &self.ledger_id.0,
            &self.account.0.to_be_bytes(),
            &(spki.len() as u16).to_be_bytes(),
            spki,
            &self.proof,
        ];
        pem_rfc7468::encode_string(LABEL, LineEnding::LF, &bytes.concat())
            .map_err(|error| ClientError::Unexpected(error.to_string()))
    }

    /// Whether a text holds something that is said to be a key request.
    pub fn is_in(text: &str) -> bool {
        armour::pem(text, LABEL) != Err(NotOne::Absent)
    }

    /// Reads a request out of a text as a person hands it on, and checks the key and its proof.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn find(text: &str) -> Result<KeyRequest, String> {
        let text = armour::pem(text, LABEL).map_err(|error| match error {
            NotOne::Absent => "there is no key request in it: `ledgerctl keys request` prints one".to_owned(),
            several => format!("key requests: {several}"),
        })?;
        let (_, bytes) = pem_rfc7468::decode_vec(text.as_bytes())
            .map_err(|error| format!("not a key request: {error}"))?;
        KeyRequest::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<KeyRequest, String> {
        let cut_off = || "not a key request, or cut off".to_owned();
        let rest = bytes.strip_prefix(CONTEXT).ok_or_else(cut_off)?;
        let (ledger_id, rest) = rest.split_first_chunk::<32>().ok_or_else(cut_off)?;
        let (account, rest) = rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut_off)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (spki, proof) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        let (ledger_id, account) = (LedgerId(*ledger_id), AccountId(u64::from_be_bytes(*account)));
        let key = VerifyingKey::from_spki(spki).map_err(|error| format!("invalid_key: {error}"))?;
        let signed = key_proof_bytes(ledger_id, account, &key.key_id());
        key.verify(&[&signed], proof).map_err(|_| "bad_key_proof: the key has not signed this request")?;
        Ok(KeyRequest { ledger_id, account, key, proof: proof.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyKind;
    use crate::crypto::random::Seeded;

    #[test]
    fn a_request_reads_back_and_every_other_byte_is_refused() {
        let key = SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new("request"));
        let request = KeyRequest::of(&key, LedgerId([1; 32]), AccountId(7));
        let text = request.to_pem().unwrap();
        assert_eq!(KeyRequest::find(&text), Ok(request.clone()));
        assert_eq!(KeyRequest::find(&format!("Hello,\n\n> {}", text.replace('\n', "\r\n> "))), Ok(request));
        let (_, bytes) = pem_rfc7468::decode_vec(text.as_bytes()).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(KeyRequest::parse(&other).is_err(), "byte {at}");
            assert!(KeyRequest::parse(&bytes[..at]).is_err(), "{at} bytes");
        }
        assert!(KeyRequest::parse(&[&bytes[..], &[0]].concat()).is_err());
        assert!(KeyRequest::find("nothing").unwrap_err().contains("there is no key request"));
    }
}
