//! Cheques in a member's hands: signed, written to a file, and what became of them.

use pem_rfc7468::LineEnding;

use crate::chain::Receipt;
use crate::chain::armour::{self, NotOne};
use crate::client::ClientError;
use crate::client::clock;
use crate::client::link::Member;
use crate::client::proofs::{command_of, conflict, fetch_end, fetch_key};
use crate::crypto::{Signature, SigningKey, VerifyingKey, random};
use crate::domain::AccountId;
use crate::domain::payments::{self, Cheque, ChequeId, Fate, Settle};

/// What the lines around a cheque in a file say (RFC 7468).
const LABEL: &str = "LEDGERD CHEQUE";

/// Milliseconds of a day.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A cheque and its payer's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheque {
    /// What the payer signed.
    pub cheque: Cheque,
    /// The signature.
    pub signature: Vec<u8>,
}

impl SignedCheque {
    /// Signs a cheque with its payer's key.
    pub fn sign(cheque: Cheque, key: &SigningKey) -> SignedCheque {
        let signature = key.sign(&mut random::os(), &[&cheque.encode()]).into_vec();
        SignedCheque { cheque, signature }
    }

    /// Whether the payer signed it, whose key this is.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        self.cheque.key_id == key.key_id() && key.verify(&[&self.cheque.encode()], &self.signature).is_ok()
    }

    /// Whether it has expired, with a day for clocks that differ.
    pub fn is_over(&self) -> bool {
        self.cheque.expires_ms.saturating_add(DAY_MS) < clock::now().wall.millis()
    }

    /// The cheque as text that survives mail and paper.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`], which does not happen: a cheque is short.
    pub fn to_pem(&self) -> Result<String, ClientError> {
        let bytes = [&self.cheque.encode()[..], &self.signature].concat();
        pem_rfc7468::encode_string(LABEL, LineEnding::LF, &bytes)
            .map_err(|error| ClientError::Unexpected(error.to_string()))
    }

    /// Reads a cheque out of a text as a person hands it on, whatever mail made of it: see [`armour`].
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn find(text: &str) -> Result<SignedCheque, String> {
        SignedCheque::from_pem(text).or_else(|error| match armour::pem(text, LABEL) {
            Ok(cheque) => SignedCheque::from_pem(&cheque),
            Err(NotOne::Absent) => Err(error),
            Err(several) => Err(format!("cheques: {several}")),
        })
    }

    /// Whether a text holds something that is said to be a cheque.
    pub fn is_in(text: &str) -> bool {
        armour::pem(text, LABEL) != Err(NotOne::Absent)
    }

    /// Reads [`SignedCheque::to_pem`]. Nothing is checked but the form.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn from_pem(text: &str) -> Result<SignedCheque, String> {
        let (label, bytes) =
            pem_rfc7468::decode_vec(text.as_bytes()).map_err(|error| format!("not a cheque: {error}"))?;
        if label != LABEL {
            return Err(format!("not a cheque, but a {label}"));
        }
        let (cheque, signature) = Cheque::parse_front(&bytes).map_err(|error| error.to_string())?;
        let signature = Signature::from_bytes(signature).ok_or("the cheque is cut off")?;
        Ok(SignedCheque { cheque, signature: signature.into_vec() })
    }

    /// The command with which the payee settles it.
    pub fn settle(&self) -> crate::domain::Command {
        let Self { cheque, signature } = self.clone();
        crate::domain::Command::Payments(payments::Command::Settle(Settle { cheque, signature }))
    }
}

/// What became of a cheque of the member's, or to it, with the proof; none while it can still be settled.
///
/// # Errors
/// [`ClientError::Refused`] with the name `conflict` when another payment was settled under this cheque's id.
pub fn fate_of(member: &mut Member, cheque: &Cheque) -> Result<Option<(Fate, Receipt)>, ClientError> {
    let Some((ended, receipt)) = end_of(member, cheque.payer, cheque.cheque_id)? else { return Ok(None) };
    let fate = match ended {
        End::Revoked => Fate::Revoked(receipt.index),
        End::Settled(settled) if is_same_payment(member, &settled, cheque)? => Fate::Settled(receipt.index),
        End::Settled(_) => return Err(ClientError::Refused(conflict(cheque.cheque_id, receipt.index))),
    };
    Ok(Some((fate, receipt)))
}

/// How a cheque ended.
#[derive(Clone, Debug)]
pub enum End {
    /// It is money: the cheque as its payee brought it.
    Settled(SignedCheque),
    /// Its payer took it back.
    Revoked,
}

/// How the cheque with this id ended, with the proof; none while it can still be settled, or was never signed.
///
/// # Errors
/// [`ClientError`].
pub fn end_of(
    member: &mut Member,
    payer: AccountId,
    cheque_id: ChequeId,
) -> Result<Option<(End, Receipt)>, ClientError> {
    let Some(receipt) = fetch_end(member, payer, cheque_id)? else { return Ok(None) };
    let end = match command_of(&receipt) {
        Some((_, payments::Command::Settle(Settle { cheque, signature }))) => {
            End::Settled(SignedCheque { cheque, signature })
        }
        // `fetch_end` has checked that the block ends this cheque.
        _ => End::Revoked,
    };
    Ok(Some((end, receipt)))
}

/// Whether a settled cheque is this one. The payer may have signed the same payment once more, until a later day or with
/// another key of the account: a cheque id is settled once, whichever of the two it is.
fn is_same_payment(
    member: &mut Member,
    settled: &SignedCheque,
    cheque: &Cheque,
) -> Result<bool, ClientError> {
    if settled.cheque == *cheque {
        return Ok(true);
    }
    let key_id = settled.cheque.key_id;
    let once_more = Cheque { expires_ms: settled.cheque.expires_ms, key_id, ..cheque.clone() };
    if settled.cheque != once_more {
        return Ok(false);
    }
    let payer = fetch_key(member, cheque.payer, key_id)?;
    Ok(settled.is_signed_by(&payer.key))
}

/// Checks that a receipt proves the settlement of a cheque by its payee.
///
/// # Errors
/// [`ClientError::Integrity`] when it does not.
pub fn proves_settled(member: &mut Member, text: &str, cheque: &Cheque) -> Result<Receipt, ClientError> {
    let bad = |text: String| ClientError::Integrity(format!("the payee's receipt is refused: {text}"));
    let receipt = Receipt::parse(text).map_err(|error| bad(error.to_string()))?;
    let proven = receipt.check(&member.server().log_key).map_err(|error| bad(error.to_string()))?;
    let by_payee = proven.author.is_some_and(|author| author.account == cheque.payee);
    let settled = match command_of(&receipt) {
        Some((_, payments::Command::Settle(Settle { cheque: settled, signature }))) => {
            is_same_payment(member, &SignedCheque { cheque: settled, signature }, cheque)?
        }
        _ => false,
    };
    if proven.ledger_id == cheque.ledger_id && by_payee && settled {
        Ok(receipt)
    } else {
        Err(bad("it is not for the settlement of this cheque".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::LedgerId;

    #[test]
    fn a_cheque_in_a_file_reads_back_and_no_other_text_does() {
        let pem = include_str!("../../../fixtures/keys/client.pem");
        let key = SigningKey::from_pkcs8_pem(pem, None).unwrap();
        let cheque = Cheque {
            ledger_id: LedgerId([1; 32]),
            payer: AccountId(1),
            key_id: key.public().key_id(),
            cheque_id: ChequeId([2; 16]),
            payee: AccountId(3),
            amount: 4,
            expires_ms: 5,
            memo: "für Tee".to_owned(),
        };
        let signed = SignedCheque::sign(cheque, &key);
        assert!(signed.is_signed_by(key.public()));
        let text = signed.to_pem().unwrap();
        assert_eq!(SignedCheque::from_pem(&text), Ok(signed.clone()));
        let mut other = signed;
        other.cheque.amount += 1;
        assert!(!other.is_signed_by(key.public()));
        for bad in ["", pem, &text[..text.len() / 2], &text.replace("CHEQUE", "CHEQUES")] {
            assert!(SignedCheque::from_pem(bad).is_err(), "{bad}");
        }
    }
}
