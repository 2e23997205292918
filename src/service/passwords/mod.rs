//! Log-in by e-mail and password, the server's side: a registration of a password, a log-in in two steps, a recovery. What any
//! of them gives is a wrapped key; the session that follows is opened with that key.
//!
//! ```text
//! throttle   how often a password may be guessed
//! login      the log-in of a connection on its way
//! brought    the credential that comes beside a command
//! ```
//!
//! Whether an e-mail is known shows in no answer of a log-in or a recovery before the password or the code was right: the
//! sentence is the same, and so is the work.

mod brought;

pub(in crate::service) use brought::BroughtCredential;

use serde_bytes::ByteBuf;

use super::job::{PasswordAnswer, PasswordJob, PasswordStep};
use super::log_in::LogIn;
use super::proofs::NoProof;
use super::throttle::{Charge, Wait};
use super::turns::{CHECKPOINT_WORK, PROOF_WORK};
use super::{ConnectionId, Job, Service};
use crate::domain::{AccountId, Fact, TextForm};
use crate::password::{Credential, LoginKeys, OpaqueError, context, normalised_e_mail};
use crate::refusal;
use crate::time::Now;
use crate::wire::{
    LoginProof, LoginRequest, Refusal, RegistrationResponse, Reply, Unlocked, WrongCodes, in_sequences,
    put_together,
};

/// The sentence for everything that is not right about a log-in: it may tell nobody what.
const NOT_RIGHT: &str = "e-mail or password not right";

impl Service {
    /// Answers the first message of a registration: of a newcomer, or of a member who sets a password.
    pub(in crate::service) fn password_register(
        &mut self,
        id: ConnectionId,
        request: u32,
        (account, e_mail, blinded): (AccountId, &str, [u8; 32]),
        now: Now,
    ) {
        match self.registration_step(id, account, e_mail, now) {
            Ok(credential_id) => {
                let step = PasswordStep::Register { request: blinded };
                self.ask_passwords(id, request, credential_id, step);
            }
            Err(refusal) => self.hold_durable(id, request, Reply::Refused(refusal)),
        }
    }

    /// What the e-mail of a registration is called, after everything that has to be asked before.
    fn registration_step(
        &mut self,
        id: ConnectionId,
        account: AccountId,
        e_mail: &str,
        now: Now,
    ) -> Result<[u8; 32], Refusal> {
        let keys = self.login_keys()?.clone();
        if !TextForm::EMail.fits(e_mail) {
            return Err(Refusal::fail(refusal::INVALID_TEXT, TextForm::EMail.sentence()));
        }
        let charge = self.charge(id, e_mail, false, now)?;
        if let Some(connection) = self.door.connections.get_mut(&id) {
            connection.registration = Some(charge);
        }
        if account != AccountId::NONE {
            self.throttle.charge_member(account.0, now.mono).map_err(wait)?;
        }
        match self.secrets.owner_of_e_mail(&keys.index.vault_name(e_mail)) {
            Some(owner) if owner != account => Err(email_taken()),
            _ => Ok(keys.index.credential_id(e_mail)),
        }
    }

    /// Answers the first message of a log-in.
    pub(in crate::service) fn password_start(
        &mut self,
        id: ConnectionId,
        request: u32,
        (e_mail, ke1): (&str, &LoginRequest),
        now: Now,
    ) {
        let (keys, charge) = match self.begin(id, e_mail, false, now) {
            Ok(begun) => begun,
            Err(refusal) => return self.hold_durable(id, request, Reply::Refused(refusal)),
        };
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let Some(exporter) = connection.session.exporter() else {
            return self.hold_durable(id, request, Reply::Refused(not_anonymous()));
        };
        let context = context(self.ledger.ledger_id(), keys.opaque.stretch, exporter);
        // For an e-mail that nobody has, another one's record is read, and not used.
        let found = self.secrets.credential_of_e_mail(&keys.index.vault_name(e_mail));
        let (account, credential) = match found {
            Ok(found) => found,
            Err(error) => {
                self.fatal.get_or_insert(error);
                return;
            }
        };
        let record = account.and(credential).map(|credential| Box::new(credential.record));
        connection.login = Some(Box::new(LogIn::Asked { account, charge, context: context.clone() }));
        let step = PasswordStep::LogIn { record, ke1: Box::new(put_together(ke1)), context };
        self.ask_passwords(id, request, keys.index.credential_id(e_mail), step);
    }

    /// Answers the message that proves the password.
    pub(in crate::service) fn password_finish(&mut self, id: ConnectionId, request: u32, ke3: &LoginProof) {
        let ledger_id = self.ledger.ledger_id();
        let login = self.door.connections.get_mut(&id).and_then(|connection| connection.login.take());
        let proven = match login.map(|login| *login) {
            Some(LogIn::Started { account, charge, context, state }) => {
                let right = state.finish(&put_together(ke3), (ledger_id, &context));
                right.ok().and(account).map(|account| (account, charge))
            }
            Some(LogIn::Asked { .. } | LogIn::Proven { .. }) | None => None,
        };
        self.proven_to(id, request, proven);
    }

    /// Answers whoever has forgotten the password and shows what the recovery code stands for.
    pub(in crate::service) fn recover(
        &mut self,
        id: ConnectionId,
        request: u32,
        (e_mail, shown): (&str, &[u8; 32]),
        now: Now,
    ) {
        let (keys, charge) = match self.begin(id, e_mail, true, now) {
            Ok(begun) => begun,
            Err(refusal) => return self.hold_durable(id, request, Reply::Refused(refusal)),
        };
        let found = self.secrets.credential_of_e_mail(&keys.index.vault_name(e_mail));
        let (account, credential) = match found {
            Ok(found) => found,
            Err(error) => {
                self.fatal.get_or_insert(error);
                return;
            }
        };
        let knows = credential.is_some_and(|credential| credential.blob.knows_code(shown));
        self.proven_to(id, request, account.filter(|_| knows).map(|account| (account, charge)));
    }

    /// Goes on when the password or the recovery code was right: with the second factor, if the account has one.
    fn proven_to(&mut self, id: ConnectionId, request: u32, proven: Option<(AccountId, Charge)>) {
        let with_code = proven.filter(|(account, _)| self.logs_in_with_code(*account));
        let state = self.ledger.replica().state();
        let with_code =
            with_code.and_then(|(account, charge)| Some((account, charge, state.credential(account)?)));
        let Some((account, charge, counts)) = with_code else {
            return self.unlock(id, request, proven, (None, WrongCodes::default()));
        };
        if let Some(connection) = self.door.connections.get_mut(&id) {
            let (epoch, wrong) = (counts.commit.epoch, 0);
            connection.login = Some(Box::new(LogIn::Proven { account, charge, epoch, wrong }));
        }
        let sentence = "the account has a second factor: a code of it has to come";
        let refusal = Refusal::fail(refusal::SECOND_FACTOR_NEEDED, sentence);
        self.hold_durable(id, request, Reply::Refused(refusal));
    }

    /// Hands out what roams, if everything was right; otherwise the sentence that says nothing. `factor` is what carries the code
    /// over that was given, with the wrong ones before it.
    pub(in crate::service) fn unlock(
        &mut self,
        id: ConnectionId,
        request: u32,
        proven: Option<(AccountId, Charge)>,
        (factor, wrong_codes): (Option<[u8; 32]>, WrongCodes),
    ) {
        self.work += PROOF_WORK + CHECKPOINT_WORK;
        let unlocked =
            proven.map(|(account, charge)| (self.unlocked(account, (factor, wrong_codes)), charge));
        match unlocked {
            Some((Ok(Some(unlocked)), charge)) => {
                self.throttle.give_back(&charge);
                if let Some(connection) = self.door.connections.get_mut(&id) {
                    connection.session.forget_exporter();
                }
                tracing::info!(connection = %id, account = %unlocked.account, "log-in by password");
                self.hold_durable(id, request, Reply::Unlocked(Box::new(unlocked)));
            }
            Some((Err(NoProof::Unavailable), _)) => {
                let refusal = self.unavailable();
                self.hold_durable(id, request, Reply::Refused(refusal));
            }
            Some((Err(NoProof::Log(error)), _)) => {
                self.fatal.get_or_insert(error);
            }
            Some((Ok(None), _)) | None => self.hold_durable(id, request, Reply::Refused(invalid_login())),
        }
    }

    /// What an account gets after a log-in; none if the credential is not the one that its newest durable block speaks of.
    fn unlocked(
        &mut self,
        account: AccountId,
        (factor, wrong_codes): (Option<[u8; 32]>, WrongCodes),
    ) -> Result<Option<Unlocked>, NoProof> {
        self.sign_checkpoint();
        let size = self.note.size();
        let Some(counts) = self.ledger.replica().state().credential(account) else {
            return Ok(None);
        };
        let kept = self.secrets.credential(account)?;
        let kept = kept.filter(|kept| self.commit_of(kept) == Some(counts.commit.commit));
        let (Some(kept), true) = (kept, counts.block < size) else { return Ok(None) };
        let Some((block, inclusion)) = self.proven(counts.block, size)? else { return Ok(None) };
        let (_, note) = self.hand_out_note();
        let (record, blob) = (in_sequences(&kept.record), ByteBuf::from(kept.blob.as_bytes()));
        let (epoch, key_id) = (kept.epoch, kept.key_id);
        Ok(Some(Unlocked {
            account,
            epoch,
            key_id,
            record,
            blob,
            block,
            inclusion,
            note,
            factor,
            wrong_codes,
        }))
    }

    fn commit_of(&self, credential: &Credential) -> Option<[u8; 32]> {
        let keys = self.secrets.login_keys()?;
        Some(credential.commit(self.ledger.ledger_id(), &keys.opaque.server_key))
    }

    /// Takes the answer of the helper.
    pub(in crate::service) fn password_answered(
        &mut self,
        id: ConnectionId,
        request: u32,
        answer: Result<PasswordAnswer, OpaqueError>,
    ) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let reply = match answer {
            Ok(PasswordAnswer::Registered(response)) => {
                let response: RegistrationResponse = in_sequences(&response);
                Reply::PasswordResponse(response)
            }
            Ok(PasswordAnswer::Started(state, ke2)) => {
                connection.login = connection.login.take().and_then(|login| login.started(*state));
                Reply::LoginChallenge(Box::new(in_sequences(&ke2[..])))
            }
            Err(_) => {
                connection.login = None;
                Reply::Refused(invalid_login())
            }
        };
        self.door.touched.insert(id);
        self.hold_durable(id, request, reply);
    }

    /// Gives the helper a step of the protocol.
    fn ask_passwords(&mut self, id: ConnectionId, request: u32, credential_id: [u8; 32], step: PasswordStep) {
        let ledger_id = self.ledger.ledger_id();
        self.jobs.push(Job::Password(PasswordJob {
            connection: id,
            request,
            ledger_id,
            credential_id,
            step,
        }));
    }

    /// The keys for log-ins, or why there are none.
    fn login_keys(&self) -> Result<&LoginKeys, Refusal> {
        if !self.secrets.are_here() {
            return Err(super::sealed_fields::no_vault());
        }
        self.secrets.login_keys().ok_or_else(no_passwords)
    }

    /// What is asked before a password or a code is looked at; the try is counted with that.
    fn begin(
        &mut self,
        id: ConnectionId,
        e_mail: &str,
        recovers: bool,
        now: Now,
    ) -> Result<(LoginKeys, Charge), Refusal> {
        let keys = self.login_keys()?.clone();
        self.check_one_login(id)?;
        Ok((keys, self.charge(id, e_mail, recovers, now)?))
    }

    /// One log-in at a time on a connection.
    fn check_one_login(&self, id: ConnectionId) -> Result<(), Refusal> {
        let connection = self.door.connections.get(&id);
        if connection
            .is_some_and(|connection| matches!(connection.login.as_deref(), Some(LogIn::Asked { .. })))
        {
            return Err(Refusal::fail(refusal::BUSY, "another log-in is under way on this connection"));
        }
        Ok(())
    }

    /// Counts a try before anything is looked up.
    fn charge(
        &mut self,
        id: ConnectionId,
        e_mail: &str,
        recovers: bool,
        now: Now,
    ) -> Result<Charge, Refusal> {
        let connection = self.door.connections.get_mut(&id).ok_or_else(invalid_login)?;
        let prefix = connection.prefix();
        if connection.account() == AccountId::NONE && !connection.logs_in {
            connection.logs_in = true;
            self.schedule(id);
        }
        self.throttle.charge(&normalised_e_mail(e_mail), prefix, recovers, now.mono).map_err(wait)
    }
}

pub(in crate::service) fn wait(wait: Wait) -> Refusal {
    match wait {
        Wait::Busy => Refusal::fail(refusal::BUSY, "too many log-ins at once; try again in a moment"),
        Wait::Milliseconds(milliseconds) => {
            let seconds = milliseconds.div_ceil(1_000);
            let sentence = format!("too many tries; the next one is possible in {seconds} seconds");
            let facts = vec![(Fact::Seconds, seconds.into())];
            Refusal { facts, ..Refusal::fail(refusal::TRY_LATER, sentence) }
        }
    }
}

pub(in crate::service) fn invalid_login() -> Refusal {
    Refusal::fail(refusal::INVALID_LOGIN, NOT_RIGHT)
}

fn not_anonymous() -> Refusal {
    let sentence = "a log-in happens on a session without an account";
    Refusal::fail(refusal::NO_PERMISSION, sentence)
}

pub(in crate::service) fn no_passwords() -> Refusal {
    Refusal::fail(refusal::NO_PASSWORDS, "this server has no log-ins by password")
}

pub(in crate::service) fn email_taken() -> Refusal {
    let sentence = "another account logs in with this e-mail address";
    Refusal::fail(refusal::EMAIL_TAKEN, sentence)
}
