//! The words of membership in scenarios: registrations, roles, and an operator's word about the time.

use ledgerd::codec;
use ledgerd::crypto::{KeyId, KeyPolicyError};
use ledgerd::domain::accounts::{self, Event, Handle, InvalidHandle, Rejection as A};
use ledgerd::domain::{self, AccountId, Rejection, Role, State};
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use serde::Serialize;

use super::domain::{Asked, Domain, RawCommand};
use super::world::{START_MS, spki};

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
        let (verb, words) = asked.plain()?;
        match (verb, words.as_slice()) {
            ("grant", [account, role]) => {
                Some(role_change(accounts::GRANT_ROLE, account.parse().ok()?, role_number(role)?))
            }
            ("revoke", [account, role]) => {
                Some(role_change(accounts::REVOKE_ROLE, account.parse().ok()?, role_number(role)?))
            }
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
            Event::ClockVouched(vouched) => format!("vouched {}", vouched.ahead_ms),
        })
    }

    fn answer(&self, state: &State, question: &[&str]) -> Option<String> {
        let accounts = &state.accounts;
        match *question {
            ["accounts"] => Some(accounts.count().to_string()),
            ["operators"] => Some(accounts.holders(Role::Operator).to_string()),
            ["handle", handle] => Some(or_nobody(accounts.by_handle(&Handle::new(handle).ok()?))),
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
        ];
        for refusal in &refusals {
            match refusal {
                A::NotAnonymous | A::InvalidHandle(_) | A::InvalidKey(_) => {}
                A::NotItsKey | A::AlreadyRegistered(_) | A::HandleTaken => {}
                A::NotOperator | A::InvalidUser(_) | A::RoleHeld | A::RoleNotHeld | A::LastOperator => {}
                A::ClockInLine => {}
            }
        }
        refusals.into_iter().map(Rejection::Accounts).collect()
    }

    fn commands(&self) -> (u32, BoxedStrategy<RawCommand>) {
        let key = prop_oneof![8 => "[1-4]", 1 => Just("n_even".to_owned())];
        let handle = prop_oneof![8 => "(alice|ALICE|Bob|carol|dave)", 1 => ".{0,6}"];
        (2, (handle, key).prop_map(|(handle, key)| register(&handle, &key)).boxed())
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

fn role_change(tag: domain::Tag, account: u64, role: u8) -> RawCommand {
    RawCommand::new(tag, codec::encode(&(account, role)))
}

/// A role by its name, or by a number that may be nobody's.
fn role_number(word: &str) -> Option<u8> {
    match word {
        "operator" => Some(0),
        "witness" => Some(3),
        number => number.parse().ok(),
    }
}

fn or_nobody(account: Option<AccountId>) -> String {
    account.map_or_else(|| "nobody".to_owned(), |account| account.to_string())
}
