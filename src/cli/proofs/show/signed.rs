//! What somebody signed, and the keys to check it with.

use serde_json::Value;

use super::known::{Known, currency_of, minor_units};
use super::{Check, Shown};
use crate::chain::{Block, Checkpoint, Genesis, Message, Receipt, ReceiptError, armour};
use crate::cli::block_words::write_block;
use crate::client::known_servers::read_checkpoint;
use crate::client::{KeyRequest, KnownServer, SignedCheque, clock};
use crate::crypto::cosignature::WitnessPublicKey;
use crate::crypto::note::LogPublicKey;
use crate::crypto::{LedgerId, VerifyingKey};
use crate::session::Descriptor;

/// A receipt, whether it proves something or not.
pub(super) fn receipt(text: &str, known: &Known) -> Option<Shown> {
    let shown = Shown::new("receipt", "a receipt: the proof that a block is in a ledger, and who signed it");
    let receipt = match Receipt::find(text) {
        Ok(receipt) => receipt,
        // Another text, or a receipt that was damaged on its way.
        Err(_) if armour::receipt(text) == Err(armour::NotOne::Absent) => return None,
        Err(error) => return Some(shown.check(Check::Wrong(format!("it cannot be read: {error}")))),
    };
    let Ok(block) = Block::parse(&receipt.block) else {
        return Some(shown.check(Check::Wrong("what it holds is not a block".to_owned())));
    };
    let genesis = Genesis::from_block(&receipt.block).ok();
    let named = Message::parse(block.message).ok().map(|message| message.header.ledger_id);
    let Some(ledger_id) = genesis.as_ref().map(|(_, id)| *id).or(named) else {
        return Some(shown.check(Check::Wrong("its block is neither signed nor a first block".to_owned())));
    };
    let currency = match &genesis {
        Some((genesis, _)) => currency_of(genesis),
        None => known.currency(ledger_id),
    };
    let mut json = String::new();
    let json = crate::client::show::json_line(&receipt.block, currency.as_ref(), &mut json)
        .ok()
        .and_then(|()| serde_json::from_str(&json).ok());
    let mut words = String::new();
    if write_block(&receipt.block, &currency.unwrap_or_else(minor_units), &mut words).is_err() {
        words = "a block of a kind that this program does not know".to_owned();
    }
    let shown = shown
        .fact_as("ledger_id", ledger_id.to_string(), known.ledger(ledger_id))
        .fact_as("index", receipt.index, receipt.index.to_string())
        .fact_as("block", json.unwrap_or(Value::Null), words);
    Some(match known.server(ledger_id) {
        Some(server) => proven(shown, &receipt, server, known),
        None => shown
            .fact_as("author", Value::Null, known.member(ledger_id, block.author))
            .check(Check::Open(
                "nothing: this ledger's key is not known here; `ledgerctl check-receipt FILE --vkey KEY` checks all \
                 of it, with the verifier key from a source that you trust"
                    .to_owned(),
            )),
    })
}

/// What a receipt proves under the key of a ledger that is known.
fn proven(shown: Shown, receipt: &Receipt, server: &KnownServer, known: &Known) -> Shown {
    let proven = match receipt.check(&server.log_key) {
        Ok(proven) => proven,
        Err(error) => {
            let reason = match error {
                ReceiptError::Note(_) => format!("{error}, {}", server.log_key),
                error => error.to_string(),
            };
            return shown.check(Check::Wrong(format!("NOTHING IS PROVEN: {reason}")));
        }
    };
    let size = proven.checkpoint.size;
    let shown = match &proven.author {
        None => shown.fact_as("author", Value::Null, "nobody: it is the first block"),
        Some(author) => {
            let who = known.member(proven.ledger_id, author.account);
            let words = format!("{who}, registered as {}, with the key {}", author.handle, author.key_id);
            let value = serde_json::json!({
                "user_id": author.account.0,
                "handle": author.handle,
                "key_id": author.key_id.to_string(),
                "custody": author.custody.to_string(),
                "command_id": author.command_id.to_string(),
            });
            shown.fact_as("author", value, words)
        }
    };
    shown
        .check(Check::Holds(format!(
            "the ledger at {} signed for it, as block {} of {size}, and its author signed the command",
            server.address(), proven.index
        )))
        .check(Check::Open(format!(
            "the time, {}, is the server's word; whether everybody is shown this ledger, checkpoints and witnesses tell",
            proven.timestamp
        )))
}

/// A cheque.
pub(super) fn cheque(text: &str, known: &Known) -> Option<Shown> {
    let shown = Shown::new("cheque", "a cheque: a promise that its payee can settle once");
    let signed = match SignedCheque::find(text) {
        Ok(signed) => signed,
        Err(_) if !SignedCheque::is_in(text) => return None,
        Err(error) => return Some(shown.check(Check::Wrong(format!("it cannot be read: {error}")))),
    };
    let cheque = &signed.cheque;
    let id = cheque.ledger_id;
    let currency = known.currency(id);
    let amount = currency.as_ref().map(|currency| currency.show(cheque.amount));
    let amount_words = currency.unwrap_or_else(minor_units).show_named(cheque.amount);
    let expires = cheque.expires();
    let over = if cheque.expires_ms < clock::now().wall.millis() { ", which is over" } else { "" };
    let shown = shown
        .fact_as("ledger_id", id.to_string(), known.ledger(id))
        .fact_as("from", cheque.payer.0, known.member(id, cheque.payer))
        .fact_as("to", cheque.payee.0, known.member(id, cheque.payee))
        .fact_as("amount", amount, amount_words)
        // Programs read it beside the amount; people have read it.
        .fact_as("minor", cheque.amount.to_string(), "")
        .fact_as("memo", cheque.memo.clone(), cheque.memo.clone())
        .fact_as("expires", expires.to_string(), format!("{expires}{over}"))
        .fact("cheque_id", cheque.cheque_id)
        .fact_as("key_id", cheque.key_id.to_string(), format!("{}, which signed it", cheque.key_id));
    let shown = match known.own_key(cheque.key_id) {
        Some(key) if signed.is_signed_by(key) => {
            shown.check(Check::Holds("it is signed with a key of this home".to_owned()))
        }
        Some(_) => shown.check(Check::Wrong("it names a key of this home, which did not sign it".to_owned())),
        None => shown.check(Check::Open(format!(
            "the signature, because the key of #{} is not here; the ledger checks it when the cheque is settled",
            cheque.payer
        ))),
    };
    Some(
        shown.check(Check::Open(
            "whether it is covered, and neither settled nor revoked: the ledger tells when it is settled"
                .to_owned(),
        )),
    )
}

/// A public key.
pub(super) fn public_key(text: &str, known: &Known) -> Option<Shown> {
    let shown = Shown::new("public_key", "a public key: whoever has it can check what its owner signed");
    let pem = armour::pem(text, "PUBLIC KEY").ok()?;
    let key = match VerifyingKey::from_pem(&pem) {
        Ok(key) => key,
        Err(error) => return Some(shown.check(Check::Wrong(format!("no ledger takes it: {error}")))),
    };
    let id = key.key_id();
    let server = known.servers.iter().find(|server| server.encryption_key == id);
    let owner = match (known.own_key(id), server) {
        (Some(_), _) => "you: the private half is in this home".to_owned(),
        (_, Some(server)) => format!("the server at {}, to encrypt to it", server.address()),
        _ => "not known here".to_owned(),
    };
    Some(shown.fact("key_id", id).fact_as("owner", owner.clone(), owner))
}

/// A key request.
pub(super) fn key_request(text: &str, known: &Known) -> Option<Shown> {
    let title = "a key request: a new machine asks that its key be added to an account";
    let shown = Shown::new("key_request", title);
    let request = match KeyRequest::find(text) {
        Ok(request) => request,
        Err(_) if !KeyRequest::is_in(text) => return None,
        Err(error) => return Some(shown.check(Check::Wrong(error))),
    };
    let (id, key) = (request.ledger_id, &request.key);
    let owner = match known.own_key(key.key_id()) {
        Some(_) => "you: the private half is in this home",
        None => "not known here",
    };
    let shown = shown
        .fact_as("ledger_id", id.to_string(), known.ledger(id))
        .fact_as("account", request.account.0, known.member(id, request.account))
        .fact("key_kind", key.kind().name())
        .fact("key_id", key.key_id())
        .fact_as("owner", owner, owner)
        .check(Check::Holds(
            "the key has signed that it is to be one of this account on this ledger".to_owned(),
        ))
        .check(Check::Open(
            "whose machine it is: compare the key's id with what that machine printed before you add it"
                .to_owned(),
        ));
    Some(shown)
}

/// What a server says of itself.
pub(super) fn descriptor(text: &str, known: &Known) -> Option<Shown> {
    if !text.contains("ledgerd-server-descriptor") {
        return None;
    }
    let title = "a server's description of itself: its ledger, its keys; signed with its log key";
    let shown = Shown::new("descriptor", title);
    let plain = text.replace('\r', "");
    let descriptor = match Descriptor::parse(plain.trim_start_matches('\u{feff}')) {
        Ok(descriptor) => descriptor,
        Err(error) => return Some(shown.check(Check::Wrong(error.to_string()))),
    };
    let id = descriptor.ledger_id();
    let shown = shown
        .fact_as("ledger_id", id.to_string(), known.ledger(id))
        .fact("fingerprint", descriptor.fingerprint())
        .fact("vkey", descriptor.log_key())
        .fact_as("serial", descriptor.serial(), descriptor.serial().to_string())
        .fact("enc_key_id", descriptor.encryption_key().key_id())
        .check(Check::Holds("it is signed with the log key that it names".to_owned()));
    Some(match known.server(id) {
        Some(server) if server.log_key == *descriptor.log_key() => {
            shown.check(Check::Holds(format!("that key is the one that is pinned for {}", server.address())))
        }
        Some(_) => shown.check(Check::Wrong("another log key is pinned for this ledger".to_owned())),
        None => {
            shown.check(Check::Open("whether it is the right server: compare the fingerprint".to_owned()))
        }
    })
}

/// A signed checkpoint.
pub(super) fn checkpoint(text: &str, known: &Known) -> Option<Shown> {
    let title = "a checkpoint: a ledger's signature over how many blocks it has and which";
    let shown = Shown::new("checkpoint", title);
    let note = match Checkpoint::find_note(text) {
        Ok(note) => note,
        Err(armour::NotOne::Absent) => return None,
        Err(several) => return Some(shown.check(Check::Wrong(format!("checkpoints: {several}")))),
    };
    let (said, lines) = note.split_once("\n\n")?;
    let checkpoint = Checkpoint::parse(&format!("{said}\n")).ok()?;
    let names: Vec<String> =
        lines.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
    let (origin, size) = (checkpoint.origin.clone(), checkpoint.size);
    let witnesses: Vec<&String> = names.iter().filter(|name| **name != origin).collect();
    let mut shown = shown
        .fact("origin", &origin)
        .fact_as("size", size, format!("{size} blocks"))
        .fact("root", checkpoint.root)
        .fact_as("signed_by", names.clone(), names.join(", "));
    if !witnesses.is_empty() {
        shown = shown.check(Check::Open(
            "the cosignatures: `verify --witness KEY` demands those of witnesses that you rely on".to_owned(),
        ));
    }
    let mut servers = known.called(&origin).peekable();
    if servers.peek().is_none() {
        return Some(shown.check(Check::Open(format!(
            "the signature, because no ledger {origin} is known here: `checkpoint verify FILE --vkey KEY` checks it"
        ))));
    }
    let signer = servers.find(|server| Checkpoint::of_note(&note, &server.log_key).is_ok());
    Some(match signer {
        Some(server) => compared(shown, &checkpoint, server),
        None => shown.check(Check::Wrong(format!(
            "the ledger {origin} that is known here did not sign it: it is another one's of this name, or was changed"
        ))),
    })
}

/// A checkpoint beside the newest one that is kept of its ledger.
fn compared(shown: Shown, checkpoint: &Checkpoint, server: &KnownServer) -> Shown {
    let address = server.address();
    let shown = shown.check(Check::Holds(format!("the ledger at {address} signed it")));
    let kept = server.checkpoint.as_deref().and_then(|kept| read_checkpoint(server, kept).ok());
    let Some(kept) = kept else { return shown };
    if kept.size != checkpoint.size {
        let advice = "`checkpoint verify FILE` has the server prove that they belong together";
        return shown.check(Check::Open(format!(
            "whether it is of one history with the newest that is kept here, over {} blocks: {advice}",
            kept.size
        )));
    }
    if kept.root == checkpoint.root {
        shown.check(Check::Holds("it is the same as the newest that is kept here".to_owned()))
    } else {
        shown.check(Check::Wrong(format!(
            "CONTRADICTION: the same key signed another history of {} blocks, which is kept here",
            kept.size
        )))
    }
}

/// A key to check receipts, checkpoints or cosignatures with.
pub(super) fn verifier_key(text: &str, known: &Known) -> Option<Shown> {
    if let Some(key) = armour::word::<LogPublicKey>(text) {
        let title = "a ledger's verifier key: with it, anybody checks its receipts and checkpoints";
        let shown = Shown::new("verifier_key", title).fact("origin", key.origin()).fact("vkey", &key);
        let server = known.servers.iter().find(|server| server.log_key == key);
        return Some(match server {
            Some(server) => shown
                .fact("ledger_id", server.ledger_id)
                .check(Check::Holds(format!("it is the key that is pinned for {}", server.address()))),
            None if known.called(key.origin()).next().is_some() => shown.check(Check::Open(
                "whose it is: a ledger of this name is known here, and has another key".to_owned(),
            )),
            None => shown.check(Check::Open("whose it is: get it from a source that you trust".to_owned())),
        });
    }
    let key = armour::word::<WitnessPublicKey>(text)?;
    let title = "a witness's verifier key: `verify --witness KEY` demands its cosignature";
    let shown = Shown::new("witness_key", title).fact("name", key.name()).fact("vkey", &key);
    Some(shown.check(Check::Open("whose it is: get it from a source that you trust".to_owned())))
}

/// The ledger that a text of a home is about.
pub(super) fn ledger_of(name: &str) -> Option<LedgerId> {
    Some(LedgerId(const_hex::decode_to_array(name.get(..64)?).ok()?))
}
