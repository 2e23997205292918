//! `ledgerctl send`, `order`, `settle`, `revoke-order`: payments that go from hand to hand.

use std::path::Path;

use super::Context;
use super::amounts::{self, Field};
use super::money::{fetch_balance, to_fields, whom};
use super::named_files::{NewFile, read_handed_on};
use super::peer_arguments::{OrderCommand, RevokeOrderCommand, SendCommand, SettleCommand};
use super::settling::{Session, open_member};
use super::submitting::{show, submit};
use crate::chain::{Receipt, block_hash};
use crate::cli::exit::Exit;
use crate::client::payments_input;
use crate::client::{
    ClientError, Member, Registrant, Reopen, SentOrders, SignedOrder, clock, fate_of, fetch_registrant,
    find_member, proves_settled,
};
use crate::crypto::random;
use crate::domain::payments::{self, Currency, Fate, OrderId, PaymentOrder, RevokeOrder};
use crate::domain::{AccountId, Command};
use crate::peer::{HandedOver, PeerLink};
use crate::wire::{PeerReply, Refusal, Reply, Request};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Days that a sent order is good for.
const SENT_DAYS: u64 = 7;

pub(super) fn order(context: &Context, command: &OrderCommand) -> Result<Exit, ClientError> {
    let out = command.out.as_deref().map(|path| NewFile::new(path, command.force)).transpose()?;
    let (member, wanted) = open_for(context, &command.user, &command.amount, &command.memo)?;
    let signed = sign(&member, &wanted, command.expires)?;
    let text = signed.to_pem()?;
    match out {
        Some(file) => file.write(text.as_bytes())?,
        None => context.out.line(text.trim_end())?,
    }
    let Wanted { payee, amount, currency, .. } = &wanted;
    let (order_id, expires) = (signed.order.order_id, signed.order.expires());
    let (amount, name) = (currency.show(*amount), &currency.name);
    let payee = whom(&payee.handle, payee.account);
    context.out.note(&format!("order {order_id} for {amount} {name} to {payee} expires {expires}"));
    Ok(Exit::Done)
}

/// Whom somebody wants to pay, proven by the ledger, and what.
struct Wanted {
    payee: Registrant,
    amount: u64,
    memo: String,
    currency: Currency,
}

/// Opens the session, once what was typed makes sense, and looks up what it means on this ledger.
fn open_for<'a>(
    context: &'a Context,
    user: &str,
    amount: &str,
    memo: &Option<String>,
) -> Result<(Session<'a>, Wanted), ClientError> {
    let typed = payments_input::one(user, amount, memo.as_deref().unwrap_or_default())?;
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let amount = typed.amount(&currency)?.unsigned_abs();
    let payee = find_member(&mut member, &typed.to)?;
    Ok((member, Wanted { payee, amount, memo: typed.memo, currency }))
}

/// Signs an order of the member's.
fn sign(member: &Member, wanted: &Wanted, days: u64) -> Result<SignedOrder, ClientError> {
    let payer = AccountId(member.account().account);
    if wanted.payee.account == payer {
        let text = "payer and payee are the same";
        return Err(ClientError::Refused(Refusal::fail("self_payment", text)));
    }
    let order = PaymentOrder {
        ledger_id: member.server().ledger_id,
        payer,
        key_id: member.key().public().key_id(),
        order_id: OrderId(random::bytes(&mut random::os())),
        payee: wanted.payee.account,
        amount: wanted.amount,
        expires_ms: clock::now().wall.millis().saturating_add(days * DAY_MS),
        memo: wanted.memo.clone(),
    };
    Ok(SignedOrder::sign(order, member.key()))
}

pub(super) fn settle(context: &Context, command: &SettleCommand) -> Result<Exit, ClientError> {
    let signed = read_order(&command.file)?;
    let mut member = open_member(context)?;
    // Asked before, so that nothing but the outcome is left to tell afterwards. Whoever is not there is refused by the
    // ledger, in its own words.
    let payer = match fetch_registrant(&mut member, signed.order.payer) {
        Ok(payer) => Some(payer.handle),
        Err(ClientError::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    let accepted = submit(context, &mut member, &signed.settle())?;
    let (balance, currency) = fetch_balance(&mut member)?;
    let PaymentOrder { amount, payer: account, .. } = signed.order;
    let from = payer.as_deref().map_or_else(|| format!("#{account}"), |handle| whom(handle, account));
    let (paid, left) = (currency.show_named(amount), currency.show_named(balance));
    let words = format!("settled {paid} from {from}; balance {left}");
    // What was settled was issued before, and so fits.
    let amount = amounts::amount(i64::try_from(amount).unwrap_or(i64::MAX), &currency);
    let from: [Field; 2] = [("from", account.0.into()), ("from_handle", payer.into())];
    let fields: Vec<Field> =
        from.into_iter().chain(amount).chain(amounts::balance(balance, &currency)).collect();
    show(context, command.json, &accepted, &words, &fields)?;
    Ok(Exit::Done)
}

fn read_order(name: &str) -> Result<SignedOrder, ClientError> {
    SignedOrder::find(&read_handed_on(name)?).map_err(|error| ClientError::Usage(format!("{name}: {error}")))
}

pub(super) fn revoke_order(context: &Context, command: &RevokeOrderCommand) -> Result<Exit, ClientError> {
    let order_id = match command.order.parse::<OrderId>() {
        Ok(id) => id,
        Err(_) if Path::new(&command.order).exists() || command.order == "-" => {
            read_order(&command.order)?.order.order_id
        }
        Err(expected) => {
            let text = format!("{:?}: {expected}, or the name of a file", command.order);
            return Err(ClientError::Usage(text));
        }
    };
    let mut member = open_member(context)?;
    let accepted = submit(context, &mut member, &revocation(order_id))?;
    sent_orders(&member).forget(order_id)?;
    let fields = [("order_id", order_id.to_string().into())];
    show(context, command.json, &accepted, &format!("order {order_id} is revoked"), &fields)?;
    Ok(Exit::Done)
}

fn revocation(order_id: OrderId) -> Command {
    Command::Payments(payments::Command::RevokeOrder(RevokeOrder { order_id }))
}

fn sent_orders(member: &Member) -> SentOrders {
    let account = AccountId(member.account().account);
    SentOrders::of(member.home(), member.server().ledger_id, account)
}

pub(super) fn send(context: &Context, command: &SendCommand) -> Result<Exit, ClientError> {
    let (mut member, wanted) = open_for(context, &command.user, &command.amount, &command.memo)?;
    let sent = sent_orders(&member);
    let same = |order: &PaymentOrder| {
        (order.payee, order.amount, order.memo.as_str())
            == (wanted.payee.account, wanted.amount, wanted.memo.as_str())
    };
    let earlier = earlier(context, &mut member, &sent, &same)?;
    // Looked at before anything leaves. An earlier run of the same may have written it.
    let look = if matches!(earlier, Earlier::None) { NewFile::new } else { NewFile::again };
    let file = command.receipt.as_deref().map(|path| look(path, command.force)).transpose()?;
    let signed = match earlier {
        Earlier::Settled(signed, receipt) => {
            return done(context, command, &wanted, &signed, (&receipt, file));
        }
        Earlier::Open(signed) => {
            context
                .out
                .note("the same order left before and its outcome was not known: handing it over again");
            signed
        }
        Earlier::None => sign(&member, &wanted, SENT_DAYS)?,
    };
    let link = reach(&mut member, &wanted.payee)?;
    sent.keep(&signed)?;
    let note = member.server().checkpoint.clone().unwrap_or_default();
    let receipt = match link.hand_over(&note, &signed) {
        HandedOver::Answered(PeerReply::Settled(text)) => {
            let receipt = proves_settled(&member, &text, &signed.order)?;
            member.newest_checkpoint()?;
            member.prove_kept(&receipt.note)?;
            receipt
        }
        HandedOver::Answered(PeerReply::Refused(refusal)) => {
            take_back(context, &mut member, &sent, &signed, refusal)?
        }
        HandedOver::Answered(PeerReply::Unknown) => {
            look_up(&mut member, &signed, "the payee could not reach the ledger")?
        }
        HandedOver::Lost(why) => look_up(&mut member, &signed, &why)?,
    };
    sent.forget(signed.order.order_id)?;
    done(context, command, &wanted, &signed, (&receipt, file))
}

/// What is known of orders that left earlier.
enum Earlier {
    /// The very payment that is wanted was made.
    Settled(SignedOrder, Receipt),
    /// It is under way.
    Open(SignedOrder),
    /// There is none like it.
    None,
}

/// Asks the ledger what became of earlier orders, and forgets those that have ended.
fn earlier(
    context: &Context,
    member: &mut Member,
    sent: &SentOrders,
    same: &dyn Fn(&PaymentOrder) -> bool,
) -> Result<Earlier, ClientError> {
    let mut found = Earlier::None;
    for signed in sent.all()? {
        let order = &signed.order;
        let id = order.order_id;
        match fate_of(member, order)? {
            Some((Fate::Settled(index), receipt)) => {
                sent.forget(id)?;
                if same(order) && matches!(found, Earlier::None) {
                    found = Earlier::Settled(signed, receipt);
                } else {
                    context.out.note(&format!("order {id} of an earlier run was settled in block {index}"));
                }
            }
            Some((Fate::Revoked(index), _)) => {
                sent.forget(id)?;
                context.out.note(&format!("order {id} of an earlier run was revoked in block {index}"));
            }
            // A day for clocks that differ.
            None if order.expires_ms.saturating_add(DAY_MS) < clock::now().wall.millis() => {
                sent.forget(id)?;
                context.out.note(&format!("order {id} of an earlier run has expired"));
            }
            None if same(order) && matches!(found, Earlier::None) => found = Earlier::Open(signed),
            None => context.out.note(&format!("order {id} of an earlier run is not settled yet")),
        }
    }
    Ok(found)
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
    sent: &SentOrders,
    signed: &SignedOrder,
    refusal: Refusal,
) -> Result<Receipt, ClientError> {
    let order_id = signed.order.order_id;
    match submit(context, member, &revocation(order_id)) {
        Ok(_) => {}
        // The payee said otherwise, but it stands in the ledger.
        Err(ClientError::Refused(other)) if other.name == "already_settled" => {
            return look_up(member, signed, "the payee refused it");
        }
        Err(ClientError::Refused(other)) if other.name == "revoked" => {}
        Err(error) => return Err(error),
    }
    sent.forget(order_id)?;
    Err(ClientError::Refused(refusal))
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
    match fate_of(member, &signed.order) {
        Ok(Some((Fate::Settled(_), receipt))) => Ok(receipt),
        Ok(Some((Fate::Revoked(index), _))) => {
            let text = format!("the payment order was revoked by its payer in block {index}");
            Err(ClientError::Refused(Refusal::fail("revoked", text)))
        }
        Ok(None) => Err(unknown(why)),
        Err(ClientError::Unreachable(text)) => Err(unknown(&text)),
        Err(error) => Err(error),
    }
}

/// Shows that money went, and the receipt of it.
fn done(
    context: &Context,
    command: &SendCommand,
    wanted: &Wanted,
    signed: &SignedOrder,
    (receipt, file): (&Receipt, Option<NewFile<'_>>),
) -> Result<Exit, ClientError> {
    if let Some(file) = file {
        file.write_receipt(receipt)?;
    }
    let Wanted { payee, amount, currency, .. } = wanted;
    let (index, hash) = (receipt.index, block_hash(&receipt.block));
    if command.json || context.out.json {
        let mut fields = vec![
            ("index", index.into()),
            ("hash", hash.to_string().into()),
            ("order_id", signed.order.order_id.to_string().into()),
        ];
        fields.extend(to_fields(payee.account, &payee.handle));
        fields.extend(amounts::amount(i64::try_from(*amount).unwrap_or(i64::MAX), currency));
        context.out.line(&amounts::object(fields).to_string())?;
    } else {
        let (amount, name) = (currency.show(*amount), &currency.name);
        let payee = whom(&payee.handle, payee.account);
        context.out.line(&format!("block {index} {hash} sent {amount} {name} to {payee}"))?;
    }
    Ok(Exit::Done)
}
