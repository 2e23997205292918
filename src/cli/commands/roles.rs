//! `ledgerctl keygen`, `grant`, `revoke`, `vouch-clock`: who operates a ledger, and what only they may do.

use super::Context;
use super::money::whom;
use super::money_arguments::{GrantCommand, KeygenCommand, RevokeCommand, VouchClockCommand};
use super::register::keep_a_copy;
use super::settling::open_member;
use super::submitting::{show, submit, tell};
use crate::client::{ClientError, Registrant, User, clock, find_member, load_key, make_key};
use crate::domain::Command;
use crate::domain::accounts::{self, GrantRole, RevokeRole, VouchClock};
use crate::terminal::exit::Exit;
use crate::time::Timestamp;

/// Makes the key of this home before there is a ledger, and prints its public half.
pub(super) fn keygen(context: &Context, command: &KeygenCommand) -> Result<Exit, ClientError> {
    let home = context.home()?;
    let key = match load_key(&home, &mut context.passphrase())? {
        Some(key) => key,
        None => {
            home.check_writable()?;
            let passphrase = context.passphrase_of_new_key(command.passphrase)?;
            let key = make_key(&home, passphrase.as_ref().map(|text| text.as_str()))?;
            context.out.note(&keep_a_copy(&home));
            key
        }
    };
    let key_id = key.public().key_id();
    context.out.note(&format!("key id {key_id}"));
    if command.json || context.out.json {
        let value = serde_json::json!({ "key_id": key_id.to_string(), "public_key": key.public().to_pem() });
        context.out.line(&value.to_string())?;
    } else {
        context.out.line(key.public().to_pem().trim_end())?;
    }
    Ok(Exit::Done)
}

pub(super) fn grant(context: &Context, command: &GrantCommand) -> Result<Exit, ClientError> {
    let (user, role): (User, _) = (command.user.parse().map_err(ClientError::Usage)?, command.role);
    let mut member = open_member(context)?;
    let Registrant { account, handle, .. } = find_member(&mut member, &user)?;
    let granted = Command::Accounts(accounts::Command::GrantRole(GrantRole { account, role }));
    let submitted = submit(context, &mut member, &granted, None)?;
    let words = format!("{} is {role}", whom(&handle, account));
    let fields =
        [("account", account.0.into()), ("handle", handle.into()), ("role", role.to_string().into())];
    tell(submitted, |accepted| show(context, command.json, accepted, &words, &fields))
}

pub(super) fn revoke(context: &Context, command: &RevokeCommand) -> Result<Exit, ClientError> {
    let (user, role): (User, _) = (command.user.parse().map_err(ClientError::Usage)?, command.role);
    let mut member = open_member(context)?;
    let Registrant { account, handle, .. } = find_member(&mut member, &user)?;
    let revoked = Command::Accounts(accounts::Command::RevokeRole(RevokeRole { account, role }));
    let submitted = submit(context, &mut member, &revoked, None)?;
    let words = format!("{} is {role} no more", whom(&handle, account));
    let fields =
        [("account", account.0.into()), ("handle", handle.into()), ("role", role.to_string().into())];
    tell(submitted, |accepted| show(context, command.json, accepted, &words, &fields))
}

/// Vouches for this machine's clock; the server's has to agree with it.
pub(super) fn vouch_clock(context: &Context, command: &VouchClockCommand) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let vouch = VouchClock { time_ms: clock::now().wall.millis() };
    let time = Timestamp::from_millis(vouch.time_ms);
    let vouched = Command::Accounts(accounts::Command::VouchClock(vouch));
    let submitted = submit(context, &mut member, &vouched, None)?;
    tell(submitted, |accepted| {
        let until = accepted.timestamp;
        let words = format!("it is {time}; commands are measured by the clock until it is past {until}");
        show(context, command.json, accepted, &words, &[("time", time.to_string().into())])
    })
}
