//! The words of membership in scenarios: registrations, keys, roles, and an operator's word about the time.

use ledgerd::codec;
use ledgerd::crypto::sealed::{ScopeId, Sealed};
use ledgerd::crypto::{KeyId, KeyPolicyError, LedgerId};
use ledgerd::domain::accounts::{
    self, CredentialAt, CredentialCommit, Event, Handle, InvalidHandle, Key, Rejection as A,
};
use ledgerd::domain::{self, AccountId, Rejection, Role, ScopeKind, ScopeUse, SecondFactorAt, State};
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde::Serialize;

use super::domain::{Asked, Domain, RawCommand};
use super::world::{LEDGER, START_MS, spki};

pub(super) struct Accounts;

impl Domain for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn command(&self, asked: &Asked) -> Option<RawCommand> {
        if asked.verb == "register" {
            let (handle, key) = (asked.named.get("handle")?, asked.named.get("key")?);
            let nothing_else = asked.named.len() == 2 && asked.words.is_empty();
            return nothing_else.then(|| register(handle, key));
        }
        if asked.verb == "join" {
            let (handle, key) = (asked.named.get("handle")?, asked.named.get("key")?);
            let words: Vec<&str> = asked.words.iter().map(String::as_str).collect();
            return if asked.named.len() == 2 { join(handle, key, &words) } else { None };
        }
        let (verb, words) = asked.plain()?;
        let (words, credential) = credential_behind(&words);
        match (verb, words) {
            ("grant", [account, role]) => {
                Some(role_change(accounts::GRANT_ROLE, account.parse().ok()?, role_number(role)?))
            }
            ("revoke", [account, role]) => {
                Some(role_change(accounts::REVOKE_ROLE, account.parse().ok()?, role_number(role)?))
            }
            ("add-key", [key, label, custody, rights]) => add_key(key, label, custody, rights, credential),
            ("end-key", [key]) => {
                Some(RawCommand::new(accounts::END_KEY, codec::encode(&KeyId::of_spki(spki(key)))))
            }
            ("rotate-key", [key, label, custody, "ends", ends]) => {
                rotate_key(key, label, custody, ends, credential)
            }
            ("set-credential", [key]) => set_credential(key, credential?, accounts::CredentialVia::Password),
            ("set-credential", [key, "recovery"]) => {
                set_credential(key, credential?, accounts::CredentialVia::Recovery)
            }
            ("set-profile", ["open"]) => Some(set_profile(ScopeUse::Open([3; 32]), 48, credential)),
            ("set-profile", ["open", "bytes", bytes]) => {
                Some(set_profile(ScopeUse::Open([3; 32]), bytes.parse().ok()?, credential))
            }
            ("set-profile", ["in", scope]) => {
                Some(set_profile(ScopeUse::In(scope_id(scope)?), 80, credential))
            }
            ("set-profile", ["in", scope, "bytes", bytes]) => {
                Some(set_profile(ScopeUse::In(scope_id(scope)?), bytes.parse().ok()?, credential))
            }
            ("erase", [account, reason]) => erase(account, reason, false),
            ("erase", [account, reason, "force"]) => erase(account, reason, true),
            ("set-second-factor", [generation]) => set_second_factor(generation, false),
            ("set-second-factor", [generation, "off"]) => set_second_factor(generation, true),
            ("reset-second-factor", [account, reason]) => reset_second_factor(account, reason),
            // Seconds from the start of the story, which may be before it.
            ("vouch-clock", [seconds]) => {
                let time_ms = START_MS.saturating_add_signed(1_000 * seconds.parse::<i64>().ok()?);
                Some(RawCommand::new(accounts::VOUCH_CLOCK, codec::encode(&time_ms)))
            }
            _ => None,
        }
    }

    fn outcome(&self, event: &domain::Event) -> Option<String> {
        let domain::Event::Accounts(event) = event else { return None };
        Some(match event {
            Event::Registered(registered) => format!("account {}", registered.account),
            Event::RoleGranted(granted) => format!("holders {}", granted.holders),
            Event::RoleRevoked(revoked) => format!("holders {}", revoked.holders),
            Event::KeyAdded(added) => format!("standing {}", added.standing),
            Event::KeyEnded(ended) => format!("standing {}", ended.standing),
            Event::KeyRotated(rotated) => format!("standing {}", rotated.standing),
            Event::ProfileSet(set) => format!("scopes {}", set.scopes),
            Event::CredentialSet(set) => format!("replaces {}", set.replaces),
            Event::SecondFactorSet(set) => match set.replaces {
                Some(block) => format!("replaces {block}"),
                None => "replaces none".to_owned(),
            },
            Event::SecondFactorReset(reset) => format!("ends {}", reset.ends),
            Event::Erased(accounts::Erased { keys, roles, scopes, secrets, purchases }) => {
                let cancelled: String = purchases
                    .iter()
                    .map(|(number, refund)| format!(" cancels {number} for {refund}"))
                    .collect();
                format!("erased keys {keys} roles {roles} scopes {scopes} secrets {secrets}{cancelled}")
            }
            Event::ClockVouched(vouched) => format!("vouched {}", vouched.ahead_ms),
        })
    }

    fn answer(&self, state: &State, question: &[&str]) -> Option<String> {
        let accounts = &state.accounts;
        match *question {
            ["accounts"] => Some(accounts.count().to_string()),
            ["operators"] => Some(accounts.holders(Role::Operator).to_string()),
            ["handle", handle] => Some(or_nobody(accounts.by_handle(&Handle::new(handle).ok()?))),
            ["keys", account] => {
                let keys = accounts.keys(AccountId(account.parse().ok()?));
                let face = |key: &Key| {
                    let state = if key.stands() { "" } else { " ended" };
                    format!("{} {} {} {}{state}", key.label, key.kind().name(), key.custody, key.rights)
                };
                Some(keys.iter().map(face).collect::<Vec<_>>().join(", "))
            }
            ["erased", account] => {
                let block = accounts.erased_at(AccountId(account.parse().ok()?));
                Some(block.map_or_else(|| "no".to_owned(), |block| format!("block {block}")))
            }
            ["profile", account] => {
                let account = AccountId(account.parse().ok()?);
                let block = accounts.get(account)?.profile_at;
                Some(block.map_or_else(|| "none".to_owned(), |block| format!("block {block}")))
            }
            ["credential", account] => {
                let credential = accounts.credential(AccountId(account.parse().ok()?));
                let face = |at: CredentialAt| format!("epoch {} block {}", at.commit.epoch, at.block);
                Some(credential.map_or_else(|| "none".to_owned(), face))
            }
            ["second-factor", account] => {
                let factor = accounts.second_factor(AccountId(account.parse().ok()?));
                let face = |at: SecondFactorAt| format!("number {} block {}", at.generation, at.block);
                Some(factor.map_or_else(|| "none".to_owned(), face))
            }
            ["subject-scope", account] => {
                let scope = state.scopes.newest(ScopeKind::Subject, account.parse().ok()?);
                let from = scope.and_then(|scope| state.scopes.get(&scope)).map(|scope| scope.from);
                Some(from.map_or_else(|| "none".to_owned(), |from| format!("from {from}")))
            }
            ["key", key] => Some(or_nobody(accounts.by_key(&KeyId::of_spki(spki(key))))),
            _ => None,
        }
    }

    fn refusals(&self) -> Vec<Rejection> {
        let refusals = [
            A::NotAnonymous,
            A::InvalidHandle(InvalidHandle::Length(2)),
            A::InvalidKey(KeyPolicyError::Even),
            A::NotItsKey,
            A::AlreadyRegistered(AccountId(1)),
            A::HandleTaken,
            A::NotOperator,
            A::InvalidUser(AccountId(1)),
            A::RoleHeld,
            A::RoleNotHeld,
            A::LastOperator,
            A::ClockInLine,
            A::NoSuchSigner,
            A::KeyEnded(1),
            A::NeedsFullKey,
            A::TooManyKeys(8),
            A::KeyKnown(AccountId(1)),
            A::InvalidLabel,
            A::InvalidRights,
            A::NoProfile,
            A::CredentialUnwanted,
            A::CredentialNeeded,
            A::RoamingExists,
            A::InvalidCustody,
            A::StaleEpoch(2),
            A::StaleGeneration(2),
            A::NotEnrolled(AccountId(1)),
            A::NotRoaming,
            A::NotThisKey,
            A::NoSuchKey,
            A::LastFullKey,
            A::EndsOtherKey,
            A::WrongScope(None),
            A::InvalidSealed,
            A::Erased { account: AccountId(1), block: 1 },
            A::MayNotErase,
        ];
        for refusal in &refusals {
            match refusal {
                A::NotAnonymous | A::InvalidHandle(_) | A::InvalidKey(_) => {}
                A::NotItsKey | A::AlreadyRegistered(_) | A::HandleTaken => {}
                A::NotOperator | A::InvalidUser(_) | A::RoleHeld | A::RoleNotHeld | A::LastOperator => {}
                A::ClockInLine => {}
                A::NoSuchSigner | A::KeyEnded(_) | A::NeedsFullKey | A::TooManyKeys(_) => {}
                A::KeyKnown(_) | A::InvalidLabel | A::InvalidRights | A::NoProfile => {}
                A::CredentialNeeded | A::RoamingExists | A::InvalidCustody | A::StaleEpoch(_) => {}
                A::NotRoaming | A::NotThisKey | A::StaleGeneration(_) | A::NotEnrolled(_) => {}
                A::CredentialUnwanted | A::NoSuchKey | A::LastFullKey | A::EndsOtherKey => {}
                A::WrongScope(_) | A::InvalidSealed | A::Erased { .. } | A::MayNotErase => {}
            }
        }
        refusals.into_iter().map(Rejection::Accounts).collect()
    }

    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>) {
        let key = prop_oneof![8 => "[1-4]", 1 => Just("n_even".to_owned())];
        let handle = prop_oneof![8 => "(alice|ALICE|Bob|carol|dave)", 1 => ".{0,6}"];
        let known = prop_oneof![4 => "d[1-5]", 2 => "[1-4]", 1 => Just("d_small_order".to_owned())];
        let commands = prop_oneof![
            2 => (handle, key).prop_map(|(handle, key)| register(&handle, &key)),
            1 => (known.clone(), "(phone|a b)", "(device|file|roaming)", "(act|full)").prop_map(
                |(key, label, custody, rights)| {
                    add_key(&key, &label, &custody, &rights, None).expect("words that mean something")
                }
            ),
            1 => known.prop_map(|key| {
                RawCommand::new(accounts::END_KEY, codec::encode(&KeyId::of_spki(spki(&key))))
            }),
            1 => ("d[1-5]", "[1-4]").prop_map(|(key, ends)| {
                rotate_key(&key, "next", "file", &ends, None).expect("words that mean something")
            }),
            1 => ("[1-4]", "(own_wish|law)", prop::bool::ANY).prop_map(|(account, reason, force)| {
                erase(&account, &reason, force).expect("words that mean something")
            }),
            1 => ("(dora|eve)", "[1-4]", prop::bool::ANY).prop_map(|(handle, key, roams)| {
                let words: &[&str] = if roams { &["roaming", "credential"] } else { &["file"] };
                join(&handle, &key, words).expect("words that mean something")
            }),
            1 => ("[1-4]", 1..4_u32).prop_map(|(key, epoch)| {
                let credential = CredentialCommit { epoch, commit: [0; 32] };
                let via = accounts::CredentialVia::Password;
                set_credential(&key, credential, via).expect("words that mean something")
            }),
            1 => prop_oneof![Just(48_usize), Just(49)].prop_map(|bytes| {
                set_profile(ScopeUse::Open([3; 32]), bytes, None)
            }),
            1 => ("[1-4]", prop::bool::ANY).prop_map(|(generation, off)| {
                set_second_factor(&generation, off).expect("words that mean something")
            }),
            1 => "[1-4]".prop_map(|account| {
                reset_second_factor(&account, "lost").expect("words that mean something")
            }),
        ];
        (3, commands.boxed())
    }
}

#[derive(Serialize)]
struct RawRegister<'a> {
    handle: &'a str,
    #[serde(with = "serde_bytes")]
    public_key: &'a [u8],
}

fn register(handle: &str, key: &str) -> RawCommand {
    let body = codec::encode(&RawRegister { handle, public_key: spki(key) });
    RawCommand { key: Some(key.to_owned()), ..RawCommand::new(accounts::REGISTER, body) }
}

/// The proof is looked at by nobody here, like every signature.
fn add_key(
    key: &str,
    label: &str,
    custody: &str,
    rights: &str,
    credential: Option<CredentialCommit>,
) -> Option<RawCommand> {
    let add = accounts::AddKey {
        spki: spki(key).to_vec(),
        custody: custody.parse().ok()?,
        rights: rights.parse().ok()?,
        label: label.to_owned(),
        proof: vec![0; 64],
        credential,
    };
    Some(RawCommand::new(accounts::ADD_KEY, codec::encode(&add)))
}

/// The words before `credential [EPOCH]`, and the credential, whose number is 1 if none is said.
fn credential_behind<'a, 'b>(words: &'b [&'a str]) -> (&'b [&'a str], Option<CredentialCommit>) {
    match words {
        [before @ .., "credential"] => (before, Some(CredentialCommit { epoch: 1, commit: [0; 32] })),
        [before @ .., "credential", epoch] => match epoch.parse() {
            Ok(epoch) => (before, Some(CredentialCommit { epoch, commit: [0; 32] })),
            Err(_) => (words, None),
        },
        _ => (words, None),
    }
}

/// A registration with a profile: `CUSTODY [bytes N] [credential]`.
fn join(handle: &str, key: &str, words: &[&str]) -> Option<RawCommand> {
    let (words, credential) = credential_behind(words);
    let (custody, bytes) = match words {
        [custody] => (custody, 48),
        [custody, "bytes", bytes] => (custody, bytes.parse().ok()?),
        _ => return None,
    };
    let sealed = |bytes| Sealed { commit: [1; 32], text: vec![2; bytes] };
    let join = accounts::Join {
        handle: handle.to_owned(),
        public_key: spki(key).to_vec(),
        custody: custody.parse().ok()?,
        scope_key: [3; 32],
        name: sealed(48),
        e_mail: sealed(bytes),
        commit: credential.map(|credential| credential.commit),
    };
    Some(RawCommand { key: Some(key.to_owned()), ..RawCommand::new(accounts::JOIN, codec::encode(&join)) })
}

fn set_credential(
    key: &str,
    credential: CredentialCommit,
    via: accounts::CredentialVia,
) -> Option<RawCommand> {
    let CredentialCommit { epoch, commit } = credential;
    let set = accounts::SetCredential { key_id: KeyId::of_spki(spki(key)), epoch, commit, via };
    Some(RawCommand::new(accounts::SET_CREDENTIAL, codec::encode(&set)))
}

fn rotate_key(
    key: &str,
    label: &str,
    custody: &str,
    ends: &str,
    credential: Option<CredentialCommit>,
) -> Option<RawCommand> {
    let rotate = accounts::RotateKey {
        spki: spki(key).to_vec(),
        custody: custody.parse().ok()?,
        label: label.to_owned(),
        proof: vec![0; 64],
        ends: KeyId::of_spki(spki(ends)),
        credential,
    };
    Some(RawCommand::new(accounts::ROTATE_KEY, codec::encode(&rotate)))
}

/// A reason by its name, or by a number that may be none.
fn erase(account: &str, reason: &str, force: bool) -> Option<RawCommand> {
    let reason =
        reason.parse::<accounts::EraseReason>().map(u8::from).ok().or_else(|| reason.parse().ok())?;
    let account: u64 = account.parse().ok()?;
    Some(RawCommand::new(accounts::ERASE, codec::encode(&(account, reason, force))))
}

fn set_second_factor(generation: &str, off: bool) -> Option<RawCommand> {
    let set = accounts::SetSecondFactor { generation: generation.parse().ok()?, off };
    Some(RawCommand::new(accounts::SET_SECOND_FACTOR, codec::encode(&set)))
}

/// A reason by its name, or by a number that may be none.
fn reset_second_factor(account: &str, reason: &str) -> Option<RawCommand> {
    let reason =
        reason.parse::<accounts::ResetReason>().map(u8::from).ok().or_else(|| reason.parse().ok())?;
    let account: u64 = account.parse().ok()?;
    Some(RawCommand::new(accounts::RESET_SECOND_FACTOR, codec::encode(&(account, reason))))
}

/// The texts are opened by nobody here.
fn set_profile(scope: ScopeUse, bytes: usize, credential: Option<CredentialCommit>) -> RawCommand {
    let sealed = |bytes| Sealed { commit: [1; 32], text: vec![2; bytes] };
    let profile = accounts::SetProfile { scope, name: sealed(48), e_mail: sealed(bytes), credential };
    RawCommand::new(accounts::SET_PROFILE, codec::encode(&profile))
}

/// The scope that a block opened, as `ACCOUNT/KEY@BLOCK`.
pub(super) fn scope_id(word: &str) -> Option<ScopeId> {
    let (account, rest) = word.split_once('/')?;
    let (key, block) = rest.split_once('@')?;
    let (account, block): (u64, u64) = (account.parse().ok()?, block.parse().ok()?);
    let command_id = u128::from(block).to_be_bytes();
    Some(ScopeId::opened_by(LedgerId([LEDGER; 32]), account, KeyId::of_spki(spki(key)), &command_id))
}

fn role_change(tag: domain::Tag, account: u64, role: u8) -> RawCommand {
    RawCommand::new(tag, codec::encode(&(account, role)))
}

/// A role by its name, or by a number that may be nobody's.
fn role_number(word: &str) -> Option<u8> {
    word.parse::<Role>().map(u8::from).ok().or_else(|| word.parse().ok())
}

fn or_nobody(account: Option<AccountId>) -> String {
    account.map_or_else(|| "nobody".to_owned(), |account| account.to_string())
}
