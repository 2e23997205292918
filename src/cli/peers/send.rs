//! `ledgerctl send`: a payment from hand to hand.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use crate::chain::{CommandId, Receipt, block_hash};
use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::named_files::NewFile;
use crate::cli::payments::order::{DAY_MS, sign};
use crate::cli::payments::revoke_order::{revocation, sent_orders};
use crate::cli::payments::wanted::{Wanted, open_for};
use crate::cli::run::Run;
use crate::cli::telling::{submit, untold};
use crate::client::{
    ClientError, End, IdempotencyKey, Member, Registrant, Reopen, SentOrder, SignedOrder, clock, conflict,
    end_of, fate_of, fetch_receipt, proves_settled,
};
use crate::crypto::random;
use crate::domain::AccountId;
use crate::domain::payments::{Fate, OrderId, PaymentOrder};
use crate::peer::{HandedOver, PeerLink};
use crate::terminal::exit::Exit;
use crate::wire::{PeerReply, ReceiptOf, Refusal, Reply, Request};

/// Hand a payment order to a member who is online, and wait until it is settled.
///
/// Run again after an unknown outcome, it hands the same order over and pays nothing twice.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "send", example = "ledgerctl send bob 12.50 --memo lunch")]
pub struct Send {
    /// who is paid: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// write the receipt of the settlement to this file
    #[argh(option)]
    pub receipt: Option<PathBuf>,

    /// with --receipt: replace what is there
    #[argh(switch)]
    pub force: bool,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,
}

/// Days that a sent order is good for.
const SENT_DAYS: u64 = 7;

impl Run for Send {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let file = self.receipt.as_deref().map(|path| NewFile::again(path, self.force)).transpose()?;
        let (mut member, wanted) = open_for(context, &self.user, &self.amount, &self.memo)?;
        let (sent, receipt) = loop {
            let begun = match &self.idempotency_key {
                None => left_behind(context, &mut member, &wanted)?,
                Some(key) => of_key(&mut member, &wanted, key)?,
            };
            match begun {
                Begun::Settled(sent, order_id, receipt) => {
                    let paid = Paid { wanted: &wanted, order_id, receipt: &receipt, file, duplicate: true };
                    return tell_paid(context, &paid, sent);
                }
                Begun::Open(sent) => {
                    context
                        .out
                        .note("the same order left before and its end was not told: handing it over again");
                    let receipt = match reach(&mut member, &wanted.payee) {
                        Ok(link) => hand_over(context, &mut member, link, &sent)?,
                        // It left before: that it cannot leave now says nothing about its end.
                        Err(ClientError::Unreachable(why)) => Ok(look_up(&mut member, &sent.signed, &why)?),
                        Err(error) => return Err(error),
                    };
                    break (sent, receipt);
                }
                Begun::Nothing(of_key) => {
                    if let Some(path) = self.receipt.as_deref().filter(|_| of_key.is_none()) {
                        // An earlier run of the same would have written it.
                        NewFile::new(path, self.force)?;
                    }
                    let is_keyed = of_key.is_some();
                    let order_id = of_key.unwrap_or_else(|| OrderId(random::bytes(&mut random::os())));
                    let signed = sign(&member, &wanted, order_id, SENT_DAYS)?;
                    let link = reach(&mut member, &wanted.payee)?;
                    // Another run with the same key may have begun meanwhile: then its outcome is this one's.
                    let Some(sent) = sent_orders(&member).keep(signed, is_keyed)? else { continue };
                    let receipt = hand_over(context, &mut member, link, &sent)?;
                    break (sent, receipt);
                }
            }
        };
        let receipt = match receipt {
            Ok(receipt) => receipt,
            // Nothing can come of the order any more.
            Err(refusal) => {
                sent.forget()?;
                return Err(ClientError::Refused(refusal));
            }
        };
        let order_id = sent.signed.order.order_id;
        let paid = Paid { wanted: &wanted, order_id, receipt: &receipt, file, duplicate: false };
        tell_paid(context, &paid, Some(sent))
    }
}

/// Where a payment stands when a run begins.
enum Begun {
    /// It was made, and not told by the run that made it; or it was made with the same key.
    Settled(Option<SentOrder>, OrderId, Receipt),
    /// Its order left, and its end is not known.
    Open(SentOrder),
    /// It begins here; with this order id, where a key was given.
    Nothing(Option<OrderId>),
}

fn is_same(order: &PaymentOrder, wanted: &Wanted) -> bool {
    (order.payee, order.amount, order.memo.as_str())
        == (wanted.payee.account, wanted.amount, wanted.memo.as_str())
}

/// Goes through the orders that earlier runs have left behind: one of the very payment that is wanted is this run's,
/// of the others is said what the ledger knows.
fn left_behind(context: &Context, member: &mut Member, wanted: &Wanted) -> Result<Begun, ClientError> {
    let sent = sent_orders(member);
    let _looking = sent.lock_to_look()?;
    let mut begun = Begun::Nothing(None);
    for kept in sent.left_behind()? {
        let is_wanted =
            matches!(begun, Begun::Nothing(_)) && !kept.is_keyed && is_same(&kept.signed.order, wanted);
        if kept.is_settled && !is_wanted {
            continue;
        }
        let order = kept.signed.order.clone();
        let id = order.order_id;
        match fate(member, &order)? {
            Some((Fate::Settled(_), receipt)) if is_wanted => {
                begun = Begun::Settled(Some(kept), id, receipt);
            }
            Some((Fate::Settled(index), _)) => {
                context.out.note(&format!("order {id} of an earlier run was settled in block {index}"));
                kept.settled()?;
            }
            Some((Fate::Revoked(index), _)) => {
                context.out.note(&format!("order {id} of an earlier run was revoked in block {index}"));
                kept.forget()?;
            }
            None if is_over(&order) => {
                context.out.note(&format!("order {id} of an earlier run has expired"));
                kept.forget()?;
            }
            None if is_wanted => begun = Begun::Open(kept),
            None => context.out.note(&format!("order {id} of an earlier run is not settled yet")),
        }
    }
    Ok(begun)
}

/// Whether an order has expired, with a day for clocks that differ.
fn is_over(order: &PaymentOrder) -> bool {
    order.expires_ms.saturating_add(DAY_MS) < clock::now().wall.millis()
}

fn fate(member: &mut Member, order: &PaymentOrder) -> Result<Option<(Fate, Receipt)>, ClientError> {
    let key = member.key().public().clone();
    fate_of(member, order, &key)
}

/// What became of the payment with this key: its order id is the key's, whoever hands it over, and an order id is
/// settled once.
fn of_key(member: &mut Member, wanted: &Wanted, key: &IdempotencyKey) -> Result<Begun, ClientError> {
    let (ledger_id, me) = (member.server().ledger_id, AccountId(member.account().account));
    let command_id = key.command_id(ledger_id, me, 0);
    let order_id = OrderId(command_id.0);
    refuse_command_of_key(member, command_id)?;
    // A run with the same key that is going on is waited for.
    let kept = sent_orders(member).keyed(order_id)?;
    if let Some((end, receipt)) = end_of(member, me, order_id)? {
        return match end {
            End::Settled(settled) if is_same(&settled.order, wanted) => {
                Ok(Begun::Settled(kept, order_id, receipt))
            }
            End::Settled(_) => Err(ClientError::Refused(conflict(order_id, receipt.index))),
            End::Revoked => {
                kept.map_or(Ok(()), SentOrder::forget)?;
                let text = format!(
                    "the payment with this key was revoked in block {}: nothing can come of it any more",
                    receipt.index
                );
                Err(ClientError::Refused(Refusal::fail("revoked", text)))
            }
        };
    }
    match kept {
        Some(kept) if is_over(&kept.signed.order) => {
            kept.forget()?;
            Ok(Begun::Nothing(Some(order_id)))
        }
        Some(kept) if is_same(&kept.signed.order, wanted) => Ok(Begun::Open(kept)),
        Some(_) => {
            let text = "another payment with this key is under way; nothing was changed";
            Err(ClientError::Refused(Refusal::fail("conflict", text)))
        }
        None => Ok(Begun::Nothing(Some(order_id))),
    }
}

/// A key that stands for a command already is not free for an order.
fn refuse_command_of_key(member: &mut Member, id: CommandId) -> Result<(), ClientError> {
    match fetch_receipt(member, ReceiptOf::Command(id)) {
        Ok((receipt, _)) => {
            let text =
                format!("this key stands for the command in block {}; nothing was changed", receipt.index);
            Err(ClientError::Refused(Refusal::fail("conflict", text)))
        }
        Err(ClientError::Refused(refusal)) if refusal.name == "no_such_block" => Ok(()),
        Err(error) => Err(error),
    }
}

/// Hands an order over and waits for its end: the receipt of its settlement, or why nothing can come of it.
fn hand_over(
    context: &Context,
    member: &mut Member,
    link: PeerLink,
    sent: &SentOrder,
) -> Result<Result<Receipt, Refusal>, ClientError> {
    let signed = &sent.signed;
    let note = member.server().checkpoint.clone().unwrap_or_default();
    let why = match link.hand_over(&note, signed) {
        HandedOver::Answered(PeerReply::Settled(text)) => {
            let receipt = proves_settled(member, &text, &signed.order)?;
            let held = member.newest_checkpoint().and_then(|_| member.prove_kept(&receipt.note));
            held.map_err(|error| untold(receipt.index, error))?;
            return Ok(Ok(receipt));
        }
        HandedOver::Answered(PeerReply::Refused(refusal)) => {
            return take_back(context, member, signed, refusal);
        }
        HandedOver::Answered(PeerReply::Unknown) => "the payee could not reach the ledger".to_owned(),
        HandedOver::Lost(why) => why,
    };
    look_up(member, signed, &why).map(Ok)
}

/// Connects to the payee where the server says that it listens. The key is proven by the ledger, not by the server.
fn reach(member: &mut Member, payee: &Registrant) -> Result<PeerLink, ClientError> {
    let Reply::Online(page) = member.ask(&Request::Locate(payee.account), &mut |_| ())? else {
        return Err(ClientError::unexpected_reply());
    };
    let place = page.members.iter().find(|place| place.account == payee.account).ok_or_else(|| {
        let handle = &payee.handle;
        ClientError::Unreachable(format!(
            "{} is not online: pay with `pay`, or write an order with `order {handle} …`",
            whom(handle, payee.account)
        ))
    })?;
    PeerLink::open(member, payee, place.address)
}

/// After a refusal by the payee: the order is revoked, so that nothing can come of it any more.
fn take_back(
    context: &Context,
    member: &mut Member,
    signed: &SignedOrder,
    refusal: Refusal,
) -> Result<Result<Receipt, Refusal>, ClientError> {
    match submit(context, member, &revocation(signed.order.order_id), None) {
        // What is told is the refusal.
        Ok(revoked) => revoked.told()?,
        // The payee said otherwise, but it stands in the ledger.
        Err(ClientError::Refused(other)) if other.name == "already_settled" => {
            return look_up(member, signed, "the payee refused it").map(Ok);
        }
        Err(ClientError::Refused(other)) if other.name == "revoked" => {}
        Err(error) => return Err(error),
    }
    Ok(Err(refusal))
}

/// What the ledger says of an order whose answer did not come.
fn look_up(member: &mut Member, signed: &SignedOrder, why: &str) -> Result<Receipt, ClientError> {
    let id = signed.order.order_id;
    let unknown = |why: &str| {
        ClientError::Unknown(format!(
            "{why}: whether order {id} is or will be settled is not known. Run the same command again, which pays \
             nothing twice, or take it back with `revoke-order {id}`"
        ))
    };
    match fate(member, &signed.order) {
        Ok(Some((Fate::Settled(_), receipt))) => Ok(receipt),
        Ok(Some((Fate::Revoked(index), _))) => {
            let text = format!("the payment order was revoked by its payer in block {index}");
            Err(ClientError::Refused(Refusal::fail("revoked", text)))
        }
        Ok(None) => Err(unknown(why)),
        Err(error) if error.is_away() => Err(unknown(&error.to_string())),
        Err(error) => Err(error),
    }
}

/// A payment that was made.
struct Paid<'a> {
    wanted: &'a Wanted,
    order_id: OrderId,
    receipt: &'a Receipt,
    /// Where the receipt goes, if somewhere.
    file: Option<NewFile<'a>>,
    /// Whether an earlier run made it.
    duplicate: bool,
}

/// Tells that money went and writes the receipt of it; then its order is forgotten.
fn tell_paid(context: &Context, paid: &Paid<'_>, sent: Option<SentOrder>) -> Result<Exit, ClientError> {
    let written = paid.file.map_or(Ok(()), |file| file.write_receipt(paid.receipt));
    let told = written.and_then(|()| show_paid(context, paid));
    let forgotten = told.and_then(|()| sent.map_or(Ok(()), SentOrder::forget));
    forgotten.map_err(|error| untold(paid.receipt.index, error))?;
    Ok(Exit::Done)
}

fn show_paid(context: &Context, paid: &Paid<'_>) -> Result<(), ClientError> {
    let Paid { wanted: Wanted { payee, amount, currency, .. }, order_id, receipt, duplicate, .. } = paid;
    let (index, hash) = (receipt.index, block_hash(&receipt.block));
    if context.out.json {
        let mut fields = vec![
            ("index", index.into()),
            ("hash", hash.to_string().into()),
            ("order_id", order_id.to_string().into()),
        ];
        fields.extend(to_fields(payee.account, &payee.handle));
        fields.extend(amounts::amount(i64::try_from(*amount).unwrap_or(i64::MAX), currency));
        fields.push(("duplicate", (*duplicate).into()));
        return context.out.tell(&amounts::object(fields).to_string());
    }
    let again = if *duplicate { " (was there already)" } else { "" };
    let (amount, name) = (currency.show(*amount), &currency.name);
    let payee = whom(&payee.handle, payee.account);
    context.out.tell(&format!("block {index} {hash} sent {amount} {name} to {payee}{again}"))
}
