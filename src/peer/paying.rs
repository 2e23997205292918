//! Paying a member from hand to hand: a cheque is signed, kept, handed over, and followed to its end. Whatever ends a
//! connection or a process on the way, the same payment given again is the same cheque, and is settled once.

use super::dialler::{HandedOver, PeerLink};
use crate::chain::Receipt;
use crate::client::question;
use crate::client::{
    ClientError, Draft, End, IdempotencyKey, Member, Registrant, Reopen, SentCheque, SentCheques,
    SignedCheque, conflict, end_of, fate_of, proves_settled, refuse_id_of_command, revoke_cheque,
    sign_cheque,
};
use crate::crypto::random;
use crate::domain::payments::{Cheque, ChequeId, Fate};
use crate::refusal;
use crate::wire::{PeerReply, Refusal};

/// Days that a sent cheque is good for.
const SENT_DAYS: u64 = 7;

/// What became of a cheque that an earlier run of another payment handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierCheque {
    /// It was settled, in this block.
    Settled(u64),
    /// It was revoked, in this block.
    Revoked(u64),
    /// It has expired.
    Expired,
    /// It may still be settled.
    Open,
}

/// Hears how a payment goes on.
pub trait HandOverTold {
    /// Hears what became of a cheque of an earlier run.
    fn earlier(&mut self, id: ChequeId, became: EarlierCheque);

    /// The cheque of this payment left before, and is handed over again.
    fn again(&mut self);

    /// The command that takes the cheque back was sent before.
    fn sent_before(&mut self);

    /// The payment is one that nobody has begun before. Nothing has left yet: what stands in the way is told now.
    ///
    /// # Errors
    /// What stands in the way; nothing is signed then.
    fn begins(&mut self) -> Result<(), ClientError>;
}

/// A payment that was made. Whoever tells it does so with [`PaidByHand::tell`].
#[derive(Debug)]
pub struct PaidByHand {
    /// The cheque with which it was made.
    pub cheque_id: ChequeId,
    /// The receipt of its settlement.
    pub receipt: Receipt,
    /// Whether an earlier run made it.
    pub duplicate: bool,
    /// The cheque as it was kept, if it still is.
    sent: Option<SentCheque>,
}

impl PaidByHand {
    /// Tells that money went; then its cheque is forgotten, and the same payment given again is another one.
    ///
    /// # Errors
    /// [`ClientError::Untold`].
    pub fn tell(
        self,
        telling: impl FnOnce(&PaidByHand) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let index = self.receipt.index;
        let told = telling(&self);
        let forgotten = told.and_then(|()| self.sent.map_or(Ok(()), SentCheque::forget));
        forgotten.map_err(|error| ClientError::untold(index, error))
    }
}

/// Hands a cheque over to its payee, who is online, and waits until it is settled.
///
/// # Errors
/// [`ClientError::Unreachable`] when the payee is not online, [`ClientError::Refused`] when nothing can come of the
/// payment any more, [`ClientError::Unknown`] when the same payment given again has to find out.
pub fn pay_by_hand(
    member: &mut Member,
    draft: &Draft,
    key: Option<&IdempotencyKey>,
    telling: &mut dyn HandOverTold,
) -> Result<PaidByHand, ClientError> {
    let (sent, settled) = loop {
        let begun = match key {
            None => left_behind(member, draft, telling)?,
            Some(key) => of_key(member, draft, key)?,
        };
        match begun {
            Begun::Settled(sent, cheque_id, receipt) => {
                return Ok(PaidByHand { cheque_id, receipt, duplicate: true, sent });
            }
            Begun::Open(sent) => {
                telling.again();
                let settled = match reach(member, &draft.payee) {
                    Ok(link) => hand_over(member, link, &sent, telling)?,
                    // It left before: that it cannot leave now says nothing about its end.
                    Err(ClientError::Unreachable(why)) => Ok(look_up(member, &sent.signed, &why)?),
                    Err(error) => return Err(error),
                };
                break (sent, settled);
            }
            Begun::Nothing(of_key) => {
                if of_key.is_none() {
                    telling.begins()?;
                }
                let is_keyed = of_key.is_some();
                let cheque_id = of_key.unwrap_or_else(|| ChequeId(random::bytes(&mut random::os())));
                let signed = sign_cheque(member, draft, cheque_id, SENT_DAYS)?;
                let link = reach(member, &draft.payee)?;
                // Another run with the same key may have begun meanwhile: then its outcome is this one's.
                let Some(sent) = SentCheques::of(member).keep(signed, is_keyed)? else { continue };
                let settled = hand_over(member, link, &sent, telling)?;
                break (sent, settled);
            }
        }
    };
    match settled {
        Ok(receipt) => {
            let cheque_id = sent.signed.cheque.cheque_id;
            Ok(PaidByHand { cheque_id, receipt, duplicate: false, sent: Some(sent) })
        }
        // Nothing can come of the cheque any more.
        Err(refusal) => {
            sent.forget()?;
            Err(ClientError::Refused(refusal))
        }
    }
}

/// Where a payment stands when a run begins.
enum Begun {
    /// The payment was made: by a run that did not tell it, or with the same idempotency key.
    Settled(Option<SentCheque>, ChequeId, Receipt),
    /// The cheque of the payment left, and its end is not known.
    Open(SentCheque),
    /// The payment begins here, with this cheque id if an idempotency key was given.
    Nothing(Option<ChequeId>),
}

fn is_same(cheque: &Cheque, draft: &Draft) -> bool {
    (cheque.payee, cheque.amount, cheque.memo.as_str())
        == (draft.payee.account, draft.amount, draft.memo.as_str())
}

/// Looks through the cheques that earlier runs left behind. One for this very payment is taken over; what became of each
/// other one is told.
fn left_behind(
    member: &mut Member,
    draft: &Draft,
    telling: &mut dyn HandOverTold,
) -> Result<Begun, ClientError> {
    let sent = SentCheques::of(member);
    let _looking = sent.lock_to_look()?;
    let mut begun = Begun::Nothing(None);
    for kept in sent.left_behind()? {
        let is_wanted =
            matches!(begun, Begun::Nothing(_)) && !kept.is_keyed && is_same(&kept.signed.cheque, draft);
        if kept.is_settled && !is_wanted {
            continue;
        }
        let cheque = kept.signed.cheque.clone();
        let id = cheque.cheque_id;
        match fate_of(member, &cheque)? {
            Some((Fate::Settled(_), receipt)) if is_wanted => {
                begun = Begun::Settled(Some(kept), id, receipt);
            }
            Some((Fate::Settled(index), _)) => {
                telling.earlier(id, EarlierCheque::Settled(index));
                kept.settled()?;
            }
            Some((Fate::Revoked(index), _)) => {
                telling.earlier(id, EarlierCheque::Revoked(index));
                kept.forget()?;
            }
            None if kept.signed.is_over() => {
                telling.earlier(id, EarlierCheque::Expired);
                kept.forget()?;
            }
            None if is_wanted => begun = Begun::Open(kept),
            None => telling.earlier(id, EarlierCheque::Open),
        }
    }
    Ok(begun)
}

/// Finds out what became of the payment with this idempotency key. The id of its cheque follows from the key, whoever hands the
/// cheque over, and a cheque id is settled once.
fn of_key(member: &mut Member, draft: &Draft, key: &IdempotencyKey) -> Result<Begun, ClientError> {
    let (ledger_id, me) = (member.server().ledger_id, member.account_id());
    let command_id = key.command_id(ledger_id, me, 0);
    let cheque_id = ChequeId(command_id.0);
    refuse_id_of_command(member, command_id)?;
    // A run with the same key that is going on is waited for.
    let kept = SentCheques::of(member).keyed(cheque_id)?;
    if let Some((end, receipt)) = end_of(member, me, cheque_id)? {
        return match end {
            End::Settled(settled) if is_same(&settled.cheque, draft) => {
                Ok(Begun::Settled(kept, cheque_id, receipt))
            }
            End::Settled(_) => Err(ClientError::Refused(conflict(cheque_id, receipt.index))),
            End::Revoked => {
                kept.map_or(Ok(()), SentCheque::forget)?;
                let text = format!(
                    "the payment with this key was revoked in block {}: nothing can come of it any more",
                    receipt.index
                );
                Err(ClientError::Refused(Refusal::fail(refusal::REVOKED, text)))
            }
        };
    }
    match kept {
        Some(kept) if kept.signed.is_over() => {
            kept.forget()?;
            Ok(Begun::Nothing(Some(cheque_id)))
        }
        Some(kept) if is_same(&kept.signed.cheque, draft) => Ok(Begun::Open(kept)),
        Some(_) => {
            let text = "another payment with this key is under way; nothing was changed";
            Err(ClientError::Refused(Refusal::fail(refusal::CONFLICT, text)))
        }
        None => Ok(Begun::Nothing(Some(cheque_id))),
    }
}

/// Hands a cheque over and waits for its end: the receipt of its settlement, or why nothing can come of it.
fn hand_over(
    member: &mut Member,
    link: PeerLink,
    sent: &SentCheque,
    telling: &mut dyn HandOverTold,
) -> Result<Result<Receipt, Refusal>, ClientError> {
    let signed = &sent.signed;
    let note = member.server().checkpoint.clone().unwrap_or_default();
    let why = match link.hand_over(&note, signed) {
        HandedOver::Answered(PeerReply::Settled(text)) => {
            let receipt = match proves_settled(member, &text, &signed.cheque) {
                // The ledger could not say whose key it is, or says that it is nobody's: then it says what came of the cheque.
                Err(error) if error.is_away() || matches!(error, ClientError::Refused(_)) => {
                    return look_up(member, signed, &error.to_string()).map(Ok);
                }
                other => other?,
            };
            let held = member.newest_checkpoint().and_then(|_| member.prove_kept(&receipt.note));
            held.map_err(|error| ClientError::untold(receipt.index, error))?;
            return Ok(Ok(receipt));
        }
        HandedOver::Answered(PeerReply::Refused(refusal)) => {
            return take_back(member, signed, refusal, telling);
        }
        HandedOver::Answered(PeerReply::Unknown) => "the payee could not reach the ledger".to_owned(),
        HandedOver::Lost(why) => why,
    };
    look_up(member, signed, &why).map(Ok)
}

/// Connects to the payee where the server says that it listens. The key is proven by the ledger, not by the server.
fn reach(member: &mut Member, payee: &Registrant) -> Result<PeerLink, ClientError> {
    let page = member.ask(&question::Locate(payee.account))?;
    let place = page.members.iter().find(|place| place.account == payee.account).ok_or_else(|| {
        let handle = &payee.handle;
        ClientError::Unreachable(format!(
            "{payee} is not online: pay with `pay`, or write a cheque with `cheque {handle} …`"
        ))
    })?;
    PeerLink::open(member, payee, place.address)
}

/// After a refusal by the payee: the cheque is revoked, so that nothing can come of it any more.
fn take_back(
    member: &mut Member,
    signed: &SignedCheque,
    refusal: Refusal,
    telling: &mut dyn HandOverTold,
) -> Result<Result<Receipt, Refusal>, ClientError> {
    match revoke_cheque(member, signed.cheque.cheque_id, &mut || telling.sent_before()) {
        // What is told is the refusal.
        Ok(revoked) => revoked.told()?,
        // The payee said otherwise, but it stands in the ledger.
        Err(ClientError::Refused(other)) if other.name == refusal::ALREADY_SETTLED => {
            return look_up(member, signed, "the payee refused it").map(Ok);
        }
        Err(ClientError::Refused(other)) if other.name == refusal::REVOKED => {}
        Err(error) => return Err(error),
    }
    Ok(Err(refusal))
}

/// Asks the ledger what became of a cheque for which no answer came.
fn look_up(member: &mut Member, signed: &SignedCheque, why: &str) -> Result<Receipt, ClientError> {
    let id = signed.cheque.cheque_id;
    let unknown = |why: &str| {
        ClientError::Unknown(format!(
            "{why}: whether cheque {id} is or will be settled is not known. Run the same command again, which pays \
             nothing twice, or take it back with `revoke-cheque {id}`"
        ))
    };
    match fate_of(member, &signed.cheque) {
        Ok(Some((Fate::Settled(_), receipt))) => Ok(receipt),
        Ok(Some((Fate::Revoked(index), _))) => {
            let text = format!("the cheque was revoked by its payer in block {index}");
            Err(ClientError::Refused(Refusal::fail(refusal::REVOKED, text)))
        }
        Ok(None) => Err(unknown(why)),
        Err(error) if error.is_away() => Err(unknown(&error.to_string())),
        Err(error) => Err(error),
    }
}
