//! What a listening member has to ask of the server, and the signatures that it makes: on threads that may wait.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::job::{Answer, Job, Settlement};
use super::known_keys::KnownKeys;
use super::news::Incoming;
use crate::client::{
    ClientError, Member, Registrant, Reopen, SignedCheque, clock, fate_of, fetch_key, fetch_receipt,
    fetch_standing_key, submit_once,
};
use crate::client::{payments_question, question};
use crate::crypto::{KeyId, SigningKey, random};
use crate::domain::AccountId;
use crate::domain::payments::{Fate, StatementLine, StatementPlace};
use crate::reactor::Lane;
use crate::refusal;
use crate::wire::{ReceiptOf, Refusal};

/// Lines of the statement asked for at once.
const PAGE_LINES: u64 = 512;

/// How long a lost server is waited for at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lanes of a listener: signatures of its own, and everything that waits for the server.
pub fn lanes(key: SigningKey, mut errands: Errands) -> Vec<Lane<Job, Answer>> {
    let sign: crate::reactor::Work<Job, Answer> = Box::new(move |job, emit| {
        if let Job::Sign { id, signed } = job {
            let signature = key.sign(&mut random::os(), &[&signed]);
            emit(Answer::Signed { id, signature });
        }
    });
    let ask: crate::reactor::Work<Job, Answer> = Box::new(move |job, emit| {
        if let Some(answer) = errands.run(job) {
            emit(answer);
        }
    });
    vec![
        Lane { name: "signing", on_grid: false, workers: vec![sign] },
        Lane { name: "errands", on_grid: false, workers: vec![ask] },
    ]
}

/// The member's connection to the server, through which it is online.
pub struct Errands {
    member: Member,
    address: SocketAddr,
    hidden: bool,
    /// The first place of the member's statement that was not looked at yet, once it is known.
    unseen: Option<StatementPlace>,
    /// Blocks from there on whose money was handed over here, and told then.
    told: BTreeSet<u64>,
    known_keys: KnownKeys,
}

impl Errands {
    /// Runs errands for a member who listens at `address`; a `hidden` one is not listed.
    pub fn new(member: Member, address: SocketAddr, hidden: bool) -> Errands {
        Errands {
            member,
            address,
            hidden,
            unseen: None,
            told: BTreeSet::new(),
            known_keys: KnownKeys::default(),
        }
    }

    /// Tells the server at once, so that a mistake shows before anything is waited for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn announce(&mut self) -> Result<SocketAddr, ClientError> {
        let listens = question::Announce { address: self.address, hidden: self.hidden };
        let address = self.member.ask(&listens)?;
        if self.unseen.is_none() {
            // What came before this member listened is in the statement, and no news.
            let index = self.member.newest_checkpoint()?.size;
            self.unseen = Some(StatementPlace { index, element: 0 });
        }
        Ok(address)
    }

    /// The newest checkpoint that was proven to extend all before it.
    pub fn note(&self) -> String {
        self.member.server().checkpoint.clone().unwrap_or_default()
    }

    /// Runs an errand; signatures are none.
    fn run(&mut self, job: Job) -> Option<Answer> {
        let answer = match job {
            Job::Sign { .. } => return None,
            Job::Announce => self.keep_announcing(),
            Job::Look => match self.member.connection().displaced() {
                None => Answer::Looked,
                Some(address) => {
                    let text = format!("this member listens at {address} since: nothing comes here any more");
                    Answer::Failed(ClientError::Refused(Refusal::fail(refusal::DISPLACED, text)))
                }
            },
            Job::Verify { id, account, key_id, signed, signature } => {
                let good = |peer: &Registrant| peer.key.verify(&[&signed], &signature).is_ok();
                match self.standing_key(account, key_id) {
                    Ok(peer) => Answer::Verified { id, handle: peer.filter(good).map(|peer| peer.handle) },
                    Err(error @ ClientError::Integrity(_)) => Answer::Failed(error),
                    // Who cannot be looked up has proven nothing.
                    Err(_) => Answer::Verified { id, handle: None },
                }
            }
            Job::Settle { id, request, note, cheque } => match self.settle(&note, &cheque) {
                Ok(settlement) => Answer::Settled { id, request, cheque, settlement },
                Err(error) if error.is_away() || matches!(error, ClientError::Unknown(_)) => {
                    tracing::warn!(%error, "the outcome of a settlement is not known yet");
                    Answer::Settled { id, request, cheque, settlement: Settlement::Unknown }
                }
                Err(ClientError::Refused(refusal)) => {
                    Answer::Settled { id, request, cheque, settlement: Settlement::Refused(refusal) }
                }
                Err(error) => Answer::Failed(error),
            },
        };
        Some(answer)
    }

    /// A key of another member, if it stands: by the server's word of the last minute, or of the last ten while the server is
    /// away.
    fn standing_key(&mut self, account: AccountId, key_id: KeyId) -> Result<Option<Registrant>, ClientError> {
        if let Some(known) = self.known_keys.fresh(account, key_id, clock::now().mono) {
            return Ok(Some(known));
        }
        match self.patiently(|member| fetch_standing_key(member, account, key_id)) {
            Ok(standing) => {
                self.known_keys.note(account, key_id, standing.as_ref(), clock::now().mono);
                Ok(standing)
            }
            Err(error) if error.is_away() => {
                Ok(self.known_keys.without_server(account, key_id, clock::now().mono))
            }
            Err(error) => Err(error),
        }
    }

    fn keep_announcing(&mut self) -> Answer {
        let mut again = false;
        let announced = match self.announce() {
            Err(error) if error.is_away() => {
                again = true;
                self.member.reopen(PATIENCE).and_then(|()| self.announce())
            }
            other => other,
        };
        // Whoever dials is told the newest checkpoint there is.
        let announced = announced.and_then(|address| {
            let size = self.member.newest_checkpoint()?.size;
            Ok((address, self.came_before(size)?))
        });
        match announced {
            Ok((address, came)) => Answer::Announced { address, note: self.note(), again, came },
            Err(error) if error.is_away() => Answer::NotAnnounced(error.to_string()),
            Err(error) => Answer::Failed(error),
        }
    }

    /// What came within the first `size` blocks and was not told yet: payments that nobody handed over here, of which
    /// the statement speaks.
    fn came_before(&mut self, size: u64) -> Result<Vec<Incoming>, ClientError> {
        let mut came = Vec::new();
        while let Some(from) = self.unseen.filter(|place| place.index < size) {
            let page = self.member.ask(&payments_question::Statement { from, limit: PAGE_LINES })?;
            let in_order = page.lines.is_sorted_by(|a, b| a.place < b.place);
            let begins = page.lines.first().is_none_or(|line| line.place >= from);
            let ends = page.lines.last().map_or(from, |line| line.place.next());
            if !in_order || !begins || page.next.is_some_and(|next| next < ends || next == from) {
                return Err(ClientError::Integrity("the server's statement does not go on".to_owned()));
            }
            came.extend(page.lines.into_iter().filter_map(|line| self.news_of(line)));
            let to = StatementPlace { index: size, element: 0 };
            self.unseen = Some(page.next.unwrap_or_else(|| ends.max(to)));
        }
        self.told.retain(|index| *index >= size);
        Ok(came)
    }

    /// A line of the statement as news, if money came and it was not told when it was handed over.
    fn news_of(&self, line: StatementLine) -> Option<Incoming> {
        let StatementLine { place, movement, amount, counterparty, handle, memo, .. } = line;
        let amount = u64::try_from(amount).ok().filter(|_| !self.told.contains(&place.index))?;
        Some(Incoming { movement, payer: counterparty, handle, amount, memo, index: place.index })
    }

    /// Asks, over a new connection if the old one is lost.
    fn patiently<T>(
        &mut self,
        mut ask: impl FnMut(&mut Member) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        match ask(&mut self.member) {
            Err(error) if error.is_away() => {
                self.member.reopen(PATIENCE)?;
                ask(&mut self.member)
            }
            other => other,
        }
    }

    /// Checks a cheque for itself, then has the ledger settle it.
    fn settle(&mut self, note: &str, cheque: &SignedCheque) -> Result<Settlement, ClientError> {
        if let Some(refusal) = self.compare(note)? {
            return Ok(Settlement::Refused(refusal));
        }
        let (payer, key_id) = (cheque.cheque.payer, cheque.cheque.key_id);
        let payer = self.patiently(|member| fetch_key(member, payer, key_id))?;
        if !cheque.is_signed_by(&payer.key) {
            let text = "the cheque does not hold the signature of its payer";
            return Ok(Settlement::Refused(Refusal::fail(refusal::BAD_CHEQUE_SIGNATURE, text)));
        }
        match submit_once(&mut self.member, &cheque.settle(), None, &mut || ()) {
            Ok(submitted) => {
                let (index, already) = (submitted.accepted.index, submitted.accepted.duplicate);
                // The payer's cheque tells the outcome for ever; nothing else has to remember it.
                if let Err(error) = submitted.told() {
                    tracing::warn!(%error, "a settlement");
                }
                let (receipt, _) = self.patiently(|member| fetch_receipt(member, ReceiptOf::Block(index)))?;
                self.told.insert(index);
                Ok(Settlement::Done { receipt: receipt.to_text(), index, already })
            }
            // The payer asks again because an answer was lost.
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::ALREADY_SETTLED => {
                match self.patiently(|member| fate_of(member, &cheque.cheque)) {
                    Ok(Some((Fate::Settled(index), receipt))) => {
                        Ok(Settlement::Done { receipt: receipt.to_text(), index, already: true })
                    }
                    Ok(_) => Ok(Settlement::Refused(refusal)),
                    // The payer signed two payments with one cheque id: that is the payer's doing, and nobody else's.
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Holds the dialler's checkpoint against the server's own. A note that the server did not sign is the
    /// dialler's problem; one that it signed and contradicts is the server's.
    fn compare(&mut self, note: &str) -> Result<Option<Refusal>, ClientError> {
        if !self.member.has_signed(note) {
            let text = "the checkpoint is not one of this ledger";
            return Ok(Some(Refusal::fail(refusal::BAD_CHECKPOINT, text)));
        }
        self.patiently(|member| {
            member.newest_checkpoint()?;
            member.prove_kept(note)
        })?;
        Ok(None)
    }
}
