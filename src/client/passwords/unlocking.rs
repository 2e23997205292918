//! A log-in, or a recovery, up to the key: what the server hands out is believed only where it is the credential that the
//! newest of the account's blocks speaks of.

use super::question;
use super::registering::{opaque_key_of, refused};
use super::seen::{self, Seen};
use crate::chain::{Block, LeafHash, Message};
use crate::client::link::question::CarriedOver;
use crate::client::link::{
    Addresses, Anonymous, Member, PATIENCE, Reopen, audit, say_wrong_codes, server_time_of,
};
use crate::client::proofs::{Copying, fetch_owner_of_key};
use crate::client::{Account, ClientError, Home};
use crate::crypto::{KeyId, SigningKey, random};
use crate::domain::{AccountId, Command, CredentialPart, Event, accounts};
use crate::password::{
    Blob, BlobError, ClientLogin, Credential, OPAQUE_NUMBER, OpaqueKey, RecoveryCode, VaultKey,
    normalised_password,
};
use crate::refusal;
use crate::wire::{Unlocked, in_sequences, put_together};

/// Somebody who has logged in: a session with the fetched key, and what a further change of the password needs. The home keeps
/// nothing of the session.
pub struct LoggedIn {
    /// The session.
    pub member: Member,
    /// The key that was fetched.
    pub key: SigningKey,
    pub(super) vault_key: VaultKey,
    pub(super) blob: Blob,
    pub(super) epoch: u32,
    pub(super) opaque: OpaqueKey,
}

/// Logs in with e-mail and password.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_login` when e-mail or password is not right, or `try_later`;
/// [`ClientError::Integrity`] with `credential_rolled_back` when the server goes back to an older password.
pub fn log_in(
    home: &Home,
    addresses: &Addresses,
    e_mail: &str,
    password: &str,
) -> Result<LoggedIn, ClientError> {
    let mut link = Anonymous::open(home, addresses)?;
    let (opaque, ledger_id) = (opaque_key_of(home, link.server())?, link.server().ledger_id);
    let (rng, password) = (&mut random::os(), normalised_password(password));
    let (client, ke1) = ClientLogin::start(&password, rng).map_err(refused)?;
    let exporter = link.connection().exporter().ok_or_else(ClientError::other_answer)?;
    let start = question::Start { e_mail: e_mail.to_owned(), ke1: in_sequences(&ke1) };
    let challenge = put_together(&*link.connection().ask(&start)?);
    let done = client.finish(&password, &challenge, (ledger_id, &opaque), &exporter, rng).map_err(refused)?;
    let unlocked = link.connection().ask(&question::Finish(in_sequences(&done.ke3)));
    let unlocked = with_code(home, &mut link, unlocked)?;
    let open = |blob: &Blob, key_id| blob.open_by_password(ledger_id, key_id, &done.export_key);
    go_on(home, addresses, link, opaque, &unlocked, &open)
}

/// Logs in with e-mail and recovery code, to set a new password.
///
/// # Errors
/// As for [`log_in`].
pub fn recover(
    home: &Home,
    addresses: &Addresses,
    e_mail: &str,
    code: &RecoveryCode,
) -> Result<LoggedIn, ClientError> {
    let mut link = Anonymous::open(home, addresses)?;
    let (opaque, ledger_id) = (opaque_key_of(home, link.server())?, link.server().ledger_id);
    let recover = question::Recover { e_mail: e_mail.to_owned(), shown: *code.secrets().shown };
    let unlocked = link.connection().ask(&recover);
    let unlocked = with_code(home, &mut link, unlocked)?;
    let open = |blob: &Blob, key_id| blob.open_by_code(ledger_id, key_id, code);
    go_on(home, addresses, link, opaque, &unlocked, &open)
}

/// Gives the code that the server wants after the password, if the account has a second factor.
fn with_code(
    home: &Home,
    link: &mut Anonymous,
    first: Result<Box<Unlocked>, ClientError>,
) -> Result<Box<Unlocked>, ClientError> {
    let mut unlocked = first;
    loop {
        let refusal = match unlocked {
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::SECOND_FACTOR_NEEDED => refusal,
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::INVALID_CODE => {
                server_time_of(home, &refusal);
                refusal
            }
            done => return done,
        };
        let Some(code) = home.ask_code("Code of your second factor: ") else {
            return Err(ClientError::Refused(refusal));
        };
        unlocked = link.connection().ask(&question::Code(code));
    }
}

/// What opens a blob: a password or a recovery code.
type Opens<'a> = dyn Fn(&Blob, KeyId) -> Result<(SigningKey, VaultKey), BlobError> + 'a;

/// From what the server has handed out to a session with the key.
fn go_on(
    home: &Home,
    addresses: &Addresses,
    mut link: Anonymous,
    opaque: OpaqueKey,
    unlocked: &Unlocked,
    open: &Opens<'_>,
) -> Result<LoggedIn, ClientError> {
    let server = link.server().clone();
    let Unlocked { account, epoch, key_id, .. } = *unlocked;
    let blob = Blob::from_bytes(unlocked.blob.to_vec()).map_err(|error| bad(&error.to_string()))?;
    let (key, vault_key) = open(&blob, key_id).map_err(|error| bad(&error.to_string()))?;
    let kept = Credential {
        key_id,
        epoch,
        opaque: OPAQUE_NUMBER,
        stretch: opaque.stretch,
        record: unlocked.record(),
        blob: blob.clone(),
    };
    let block = check_block(&mut link, unlocked, kept.commit(server.ledger_id, &opaque.server_key))?;
    let seen = seen::recall(home, server.ledger_id, account)?;
    if seen.is_some_and(|seen| seen.epoch > epoch) {
        return Err(rolled_back(account));
    }
    let owner = fetch_owner_of_key(&mut link, key_id)?.filter(|owner| owner.account == account);
    let owner = owner.ok_or_else(|| bad("the key is none of the account's"))?;
    // The log-in has served its purpose: the session is one like any other.
    drop(link);
    let of_key = Account::new(account.0, &owner.handle, key_id, "");
    let mut member = Member::open_as(home, (server.clone(), addresses), of_key, key.clone(), PATIENCE)?;
    member.pass_by();
    say_wrong_codes(home, unlocked.wrong_codes);
    if let Some(factor) = unlocked.factor {
        member.ask(&CarriedOver(factor))?;
    }
    let from = seen.filter(|seen| seen.epoch == epoch).map_or(block + 1, |seen| seen.walked.max(block + 1));
    let walked = nothing_newer(&mut member, from)?;
    match seen::remember(home, server.ledger_id, account, Seen { epoch, walked }) {
        Err(ClientError::File(path, error)) => home.not_kept(&path, &error),
        other => other?,
    }
    Ok(LoggedIn { member, key, vault_key, blob, epoch, opaque })
}

/// Checks that a block of the ledger speaks of this credential; gives the index of the block.
fn check_block(link: &mut Anonymous, unlocked: &Unlocked, commit: [u8; 32]) -> Result<u64, ClientError> {
    let (home, server, connection) = link.parts();
    let checkpoint = audit(home, server, connection, &unlocked.note)?;
    let block = Block::parse(&unlocked.block).map_err(|error| bad(&error.to_string()))?;
    let leaf = LeafHash::of_block(&unlocked.block);
    let included = unlocked.inclusion.check(checkpoint.size, checkpoint.root, block.index, leaf);
    included.map_err(|_| bad("the block is not in the ledger"))?;
    let none = || bad("the block brings no password of the account");
    let message = Message::parse(block.message).map_err(|_| none())?;
    let command = Command::decode(message.header.tag, message.body).map_err(|_| none())?;
    let account = match Event::decode(block.event) {
        Ok(Event::Accounts(accounts::Event::Registered(registered))) => registered.account,
        _ => block.author,
    };
    let CredentialPart { key_id, commit: said } = command.credential().ok_or_else(none)?;
    let is_of_key = key_id.is_none_or(|key_id| key_id == unlocked.key_id);
    if account != unlocked.account || !is_of_key || said.epoch != unlocked.epoch || said.commit != commit {
        return Err(rolled_back(unlocked.account));
    }
    Ok(block.index)
}

/// Looks through the member's own blocks from this index on: a newer password stands in none of them. Gives where to look next
/// time.
fn nothing_newer(member: &mut Member, from: u64) -> Result<u64, ClientError> {
    let account = member.account_id();
    let mut walked = from;
    let mut own = Copying::start(member, from, u64::MAX, false)?;
    while let Some(page) = own.next_page()? {
        for bytes in page {
            let block = Block::parse(&bytes).map_err(|error| bad(&error.to_string()))?;
            let newer = Message::parse(block.message)
                .ok()
                .and_then(|message| Command::decode(message.header.tag, message.body).ok()?.credential());
            if newer.is_some() {
                return Err(rolled_back(account));
            }
            walked = block.index + 1;
        }
    }
    Ok(walked)
}

fn rolled_back(account: AccountId) -> ClientError {
    ClientError::Integrity(format!(
        "credential_rolled_back: the server serves an older password of account {account} than the ledger has. Somebody may be \
         trying to use one that leaked"
    ))
}

fn bad(text: &str) -> ClientError {
    ClientError::Integrity(format!("what the server keeps for the log-in is refused: {text}"))
}
