//! `ledgerctl send`: a payment from hand to hand.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use crate::chain::block_hash;
use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::named_files::NewFile;
use crate::cli::payments::wanted::open_for;
use crate::cli::run::Run;
use crate::cli::telling::note_sent_before;
use crate::client::{ClientError, Draft, IdempotencyKey};
use crate::domain::payments::{ChequeId, Currency};
use crate::peer::{EarlierCheque, HandOverTold, PaidByHand, pay_by_hand};
use crate::terminal::exit::Exit;

/// Hand a cheque to a member who is online, and wait until it is settled.
///
/// Run again after an unknown outcome, it hands the same cheque over and pays nothing twice.
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

impl Run for Send {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let path = self.receipt.as_deref();
        let file = path.map(|path| NewFile::again(path, self.force)).transpose()?;
        let (mut member, draft, currency) = open_for(context, &self.user, &self.amount, &self.memo)?;
        let mut told = Told { context, receipt: path, force: self.force };
        let paid = pay_by_hand(&mut member, &draft, self.idempotency_key.as_ref(), &mut told)?;
        paid.tell(|paid| {
            file.map_or(Ok(()), |file| file.write_receipt(&paid.receipt))?;
            show_paid(context, &draft, &currency, paid)
        })?;
        Ok(Exit::Done)
    }
}

/// What is said while a cheque is on its way.
struct Told<'a> {
    context: &'a Context,
    /// The file for the receipt.
    receipt: Option<&'a Path>,
    /// Whether a file that is there may be replaced.
    force: bool,
}

impl HandOverTold for Told<'_> {
    fn earlier(&mut self, id: ChequeId, became: EarlierCheque) {
        let became = match became {
            EarlierCheque::Settled(index) => format!("was settled in block {index}"),
            EarlierCheque::Revoked(index) => format!("was revoked in block {index}"),
            EarlierCheque::Expired => "has expired".to_owned(),
            EarlierCheque::Open => "is not settled yet".to_owned(),
        };
        self.context.out.note(&format!("cheque {id} of an earlier run {became}"));
    }

    fn again(&mut self) {
        self.context.out.note("the same cheque left before and its end was not told: handing it over again");
    }

    fn sent_before(&mut self) {
        note_sent_before(self.context);
    }

    fn begins(&mut self) -> Result<(), ClientError> {
        // An earlier run of the same payment would have written the receipt.
        self.receipt.map_or(Ok(()), |path| NewFile::new(path, self.force).map(|_| ()))
    }
}

fn show_paid(
    context: &Context,
    draft: &Draft,
    currency: &Currency,
    paid: &PaidByHand,
) -> Result<(), ClientError> {
    let Draft { payee, amount, .. } = draft;
    let PaidByHand { cheque_id, receipt, duplicate, .. } = paid;
    let (index, hash) = (receipt.index, block_hash(&receipt.block));
    if context.out.json {
        let mut fields = vec![
            ("index", index.into()),
            ("hash", hash.to_string().into()),
            ("cheque_id", cheque_id.to_string().into()),
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
