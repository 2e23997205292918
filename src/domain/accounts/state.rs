//! The members as replay yields them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    AddKey, CredentialCommit, Custody, Erased, FIRST_LABEL, Handle, Happened, Join, Key, Register, Rejection,
    Rights, Role, RotateKey, SecondFactorReset, SecondFactorSet, SetCredential, SetSecondFactor,
};
use crate::crypto::KeyId;
use crate::domain::{self, AccountId, Context, Hindrance, Impossible, Scopes, Value};
use crate::time::Timestamp;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The public name.
    pub handle: String,
    /// Index of the registration's block.
    pub registered_at: u64,
    /// Every key that it ever had, in the order in which they came.
    pub keys: Vec<Key>,
    /// Index of the block with the newest profile, if there is one.
    pub profile_at: Option<u64>,
    /// The number of credentials that the account ever had: the epoch of the newest.
    pub epochs: u32,
    /// The credential with which its roaming key is fetched; none without such a key.
    pub credential: Option<CredentialAt>,
    /// The number of second factors that the account ever had, those that ended one included: the generation of the newest.
    pub generations: u32,
    /// The second factor that counts; none of an account without one.
    pub second_factor: Option<SecondFactorAt>,
}

/// A second factor that counts, as its block tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SecondFactorAt {
    /// Its number.
    pub generation: u32,
    /// Index of the block.
    pub block: u64,
}

/// A credential that counts, as its block tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CredentialAt {
    /// Its number, and its digest.
    pub commit: CredentialCommit,
    /// Index of the block.
    pub block: u64,
}

/// All members, and the two ways in which a registration can clash with them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    accounts: BTreeMap<AccountId, Account>,
    by_folded_handle: BTreeMap<String, AccountId>,
    by_key: BTreeMap<KeyId, AccountId>,
    roles: BTreeMap<Role, BTreeSet<AccountId>>,
    /// The erased accounts, each with its erasure.
    erased: BTreeMap<AccountId, Erasure>,
    vouch: Option<Vouch>,
}

/// The end of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// The index of the block that erased the account.
    pub block: u64,
    /// The time of that block: what the account has may be paid out some time after it.
    pub time: Timestamp,
}

/// What an operator said of the time, the last time that one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Vouch {
    /// The time that it was.
    time: Timestamp,
    /// The block that says so.
    index: u64,
    /// The time that this block carries.
    block_time: Timestamp,
}

impl State {
    /// The member with this number.
    pub fn get(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(&account)
    }

    /// Whose handle this is, without regard to case.
    pub fn by_handle(&self, handle: &Handle) -> Option<AccountId> {
        self.by_folded_handle.get(&handle.folded()).copied()
    }

    /// Every key that an account ever had, in the order in which they came.
    pub fn keys(&self, account: AccountId) -> &[Key] {
        self.get(account).map_or(&[], |member| &member.keys)
    }

    /// A key of an account, standing or ended.
    pub fn key(&self, account: AccountId, key_id: &KeyId) -> Option<&Key> {
        self.keys(account).iter().find(|key| key.key_id == *key_id)
    }

    /// The ids of the keys of an account that stand.
    pub fn standing_keys(&self, account: AccountId) -> Vec<KeyId> {
        self.keys(account).iter().filter(|key| key.stands()).map(|key| key.key_id).collect()
    }

    /// The key of an account that a password fetches, if it has one.
    pub fn roaming_key(&self, account: AccountId) -> Option<&Key> {
        self.keys(account).iter().find(|key| key.stands() && key.custody == Custody::Roaming)
    }

    /// The credential with which the roaming key of an account is fetched.
    pub fn credential(&self, account: AccountId) -> Option<CredentialAt> {
        self.get(account)?.credential
    }

    /// The credentials that count, by account.
    pub fn credentials(&self) -> impl Iterator<Item = (AccountId, CredentialAt)> {
        self.accounts.iter().filter_map(|(account, member)| Some((*account, member.credential?)))
    }

    /// The number that the next credential of an account has to have.
    pub fn next_epoch(&self, account: AccountId) -> u32 {
        self.get(account).map_or(0, |member| member.epochs).saturating_add(1)
    }

    /// The second factor of an account; none of an account without one.
    pub fn second_factor(&self, account: AccountId) -> Option<SecondFactorAt> {
        self.get(account)?.second_factor
    }

    /// The second factors that count, by account.
    pub fn second_factors(&self) -> impl Iterator<Item = (AccountId, SecondFactorAt)> {
        self.accounts.iter().filter_map(|(account, member)| Some((*account, member.second_factor?)))
    }

    /// How many secrets the server keeps for an account beside the keys of its scopes: a password is one, a second factor and its
    /// codes are two.
    pub fn secrets_of(&self, account: AccountId) -> u64 {
        u64::from(self.credential(account).is_some()) + 2 * u64::from(self.second_factor(account).is_some())
    }

    /// The number that the next second factor of an account has to have.
    pub fn next_generation(&self, account: AccountId) -> u32 {
        self.get(account).map_or(0, |member| member.generations).saturating_add(1)
    }

    /// Number of keys of all members, those that ended included.
    pub fn keys_count(&self) -> u64 {
        self.by_key.len() as u64
    }

    /// Whose key this is, or was before it ended.
    pub fn by_key(&self, key_id: &KeyId) -> Option<AccountId> {
        self.by_key.get(key_id).copied()
    }

    /// Whether a member has a role.
    pub fn has_role(&self, account: AccountId, role: Role) -> bool {
        self.roles.get(&role).is_some_and(|holders| holders.contains(&account))
    }

    /// Whether a member is an operator.
    pub fn is_operator(&self, account: AccountId) -> bool {
        self.has_role(account, Role::Operator)
    }

    /// The roles that a member has.
    pub fn roles_of(&self, account: AccountId) -> impl Iterator<Item = Role> {
        let held = self.roles.iter().filter(move |(_, holders)| holders.contains(&account));
        held.map(|(role, _)| *role)
    }

    /// The block that erased an account; none of an account that was not erased.
    pub fn erased_at(&self, account: AccountId) -> Option<u64> {
        self.erasure(account).map(|erasure| erasure.block)
    }

    /// The erasure of an account; none of an account that was not erased.
    pub fn erasure(&self, account: AccountId) -> Option<Erasure> {
        self.erased.get(&account).copied()
    }

    /// All accounts that were erased.
    pub fn erased_accounts(&self) -> impl Iterator<Item = AccountId> {
        self.erased.keys().copied()
    }

    /// How many accounts were erased.
    pub fn erased_count(&self) -> u64 {
        self.erased.len() as u64
    }

    /// How many members have a role.
    pub fn holders(&self, role: Role) -> u64 {
        self.roles.get(&role).map_or(0, |holders| holders.len() as u64)
    }

    /// The time that an operator vouched for, as long as block times are not caught up: each block since carries
    /// the least time that it can, a microsecond more than the one before. `index` and `block_time` are those of
    /// the newest block.
    pub fn vouched_time(&self, index: u64, block_time: Timestamp) -> Option<Timestamp> {
        let vouch = self.vouch?;
        let least = vouch.block_time.plus_micros(index.checked_sub(vouch.index)?);
        (block_time == least).then_some(vouch.time)
    }

    /// What an account may know of its membership, by name.
    pub(in crate::domain) fn visit_account(
        &self,
        account: AccountId,
        each: &mut dyn FnMut(&'static str, Value),
    ) {
        let Some(member) = self.get(account) else { return };
        each("user_id", account.0.into());
        each("handle", member.handle.as_str().into());
        each("registered_at", member.registered_at.into());
        each("second_factor_at", member.second_factor.map(|factor| factor.block).into());
    }

    /// Number of members.
    pub fn count(&self) -> u64 {
        self.accounts.len() as u64
    }

    /// The number that the next member gets: accounts are numbered without a gap.
    pub fn next_id(&self) -> AccountId {
        AccountId(self.count() + 1)
    }

    /// Somebody without whom nobody could give or take a role stays.
    pub fn hinders_erasure(&self, account: AccountId) -> Option<Hindrance> {
        let is_last = self.is_operator(account) && self.holders(Role::Operator) == 1;
        let rejection = domain::Rejection::Accounts(Rejection::LastOperator);
        is_last.then_some(Hindrance { rejection, lifted_by_force: false })
    }
}

/// Takes a new member in or erases one, gives or takes a key or a role, or notes a profile or what time an operator says it is. `operator` is
/// the key that genesis names; `scopes` has the scope that the block opened.
///
/// # Errors
/// [`Impossible`] when the event says something else than follows; the state is of no use then.
pub fn apply(
    state: &mut State,
    happened: &Happened,
    operator: Option<&KeyId>,
    scopes: &Scopes,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    match happened {
        Happened::Registered(register, registered) => {
            Impossible::unless_equal("account", registered.account.0, state.next_id().0)?;
            let Register { handle, public_key } = register;
            register_member(state, (handle, public_key, Custody::File), operator, context)
        }
        Happened::Joined(join, registered) => {
            Impossible::unless_equal("account", registered.account.0, state.next_id().0)?;
            let Join { handle, public_key, custody, .. } = join;
            register_member(state, (handle, public_key, *custody), operator, context)?;
            if let Some(member) = state.accounts.get_mut(&registered.account) {
                member.profile_at = Some(context.index);
            }
            set_credential(state, registered.account, join.credential(), context)
        }
        Happened::RoleGranted(grant, granted) => {
            let is_new = state.roles.entry(grant.role).or_default().insert(grant.account);
            Impossible::unless(is_new, Impossible::Twice("a role"))?;
            Impossible::unless_equal("holders", granted.holders, state.holders(grant.role))
        }
        Happened::RoleRevoked(revoke, revoked) => {
            let was_held = state.roles.entry(revoke.role).or_default().remove(&revoke.account);
            Impossible::unless(was_held, Impossible::NoSuch("a role"))?;
            Impossible::unless_equal("holders", revoked.holders, state.holders(revoke.role))
        }
        Happened::KeyAdded(add, added) => {
            let AddKey { spki, custody, rights, label, credential, .. } = add;
            introduce(state, (spki, *custody, *rights, label), context)?;
            set_credential(state, context.author, *credential, context)?;
            Impossible::unless_equal("standing", added.standing, standing(state, context))
        }
        Happened::KeyEnded(end, ended) => {
            end_key(state, &end.key_id, context)?;
            Impossible::unless_equal("standing", ended.standing, standing(state, context))
        }
        Happened::KeyRotated(rotate, rotated) => {
            let RotateKey { spki, custody, label, ends, credential, .. } = rotate;
            end_key(state, ends, context)?;
            introduce(state, (spki, *custody, Rights::Full, label), context)?;
            set_credential(state, context.author, *credential, context)?;
            Impossible::unless_equal("standing", rotated.standing, standing(state, context))
        }
        Happened::Erased(erase, erased) => erase_account(state, erase.account, erased, context),
        Happened::CredentialSet(set, replaced) => {
            let before = state.credential(context.author).ok_or(Impossible::NoSuch("a credential"))?;
            Impossible::unless_equal("replaces", replaced.replaces, before.block)?;
            let SetCredential { epoch, commit, .. } = *set;
            set_credential(state, context.author, Some(CredentialCommit { epoch, commit }), context)
        }
        Happened::SecondFactorSet(set, replaced) => set_second_factor(state, *set, *replaced, context),
        Happened::SecondFactorReset(reset, ended) => reset_second_factor(state, reset.account, *ended),
        Happened::ProfileSet(profile, set) => {
            set_credential(state, context.author, profile.credential, context)?;
            let member = state.accounts.get_mut(&context.author);
            member.ok_or(Impossible::NoSuch("an account"))?.profile_at = Some(context.index);
            Impossible::unless_equal("scopes", set.scopes, scopes.count())
        }
        Happened::ClockVouched(vouch, vouched) => {
            // A clock that is behind is not ahead.
            let ahead_ms = context.timestamp.millis().saturating_sub(vouch.time_ms);
            Impossible::unless_equal("ahead_ms", vouched.ahead_ms, ahead_ms)?;
            let time = Timestamp::from_millis(vouch.time_ms);
            state.vouch = Some(Vouch { time, index: context.index, block_time: context.timestamp });
            Ok(())
        }
    }
}

fn register_member(
    state: &mut State,
    (handle, spki, custody): (&str, &[u8], Custody),
    operator: Option<&KeyId>,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let account = state.next_id();
    let others = state.by_folded_handle.insert(handle.to_ascii_lowercase(), account);
    Impossible::unless(others.is_none(), Impossible::Twice("a handle"))?;
    let others = state.by_key.insert(context.key_id, account);
    Impossible::unless(others.is_none(), Impossible::Twice("a key"))?;
    let key = Key {
        key_id: context.key_id,
        spki: spki.to_vec(),
        custody,
        rights: Rights::Full,
        label: FIRST_LABEL.to_owned(),
        added_at: context.index,
        ended_at: None,
    };
    let (handle, registered_at) = (handle.to_owned(), context.index);
    let member = Account {
        handle,
        registered_at,
        keys: vec![key],
        profile_at: None,
        epochs: 0,
        credential: None,
        generations: 0,
        second_factor: None,
    };
    state.accounts.insert(account, member);
    if operator == Some(&context.key_id) {
        state.roles.entry(Role::Operator).or_default().insert(account);
    }
    Ok(())
}

/// Notes the credential that a block brings, if it brings one.
fn set_credential(
    state: &mut State,
    account: AccountId,
    commit: Option<CredentialCommit>,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let Some(commit) = commit else { return Ok(()) };
    Impossible::unless_equal("epoch", commit.epoch.into(), state.next_epoch(account).into())?;
    let member = state.accounts.get_mut(&account).ok_or(Impossible::NoSuch("an account"))?;
    member.epochs = commit.epoch;
    member.credential = Some(CredentialAt { commit, block: context.index });
    Ok(())
}

/// Notes the second factor that the author has from now on, or that there is none.
fn set_second_factor(
    state: &mut State,
    SetSecondFactor { generation, off }: SetSecondFactor,
    replaced: SecondFactorSet,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let next = state.next_generation(context.author);
    Impossible::unless_equal("generation", generation.into(), next.into())?;
    let member = state.accounts.get_mut(&context.author).ok_or(Impossible::NoSuch("an account"))?;
    let before = member.second_factor.map(|before| before.block);
    Impossible::unless(!off || before.is_some(), Impossible::NoSuch("a second factor"))?;
    // No block of index 0 brings a second factor.
    Impossible::unless_equal("replaces", replaced.replaces.unwrap_or(0), before.unwrap_or(0))?;
    member.generations = generation;
    member.second_factor = (!off).then_some(SecondFactorAt { generation, block: context.index });
    Ok(())
}

/// Ends the second factor of a member, who may have a further one.
fn reset_second_factor(
    state: &mut State,
    account: AccountId,
    ended: SecondFactorReset,
) -> Result<(), Impossible> {
    let generation = state.next_generation(account);
    let member = state.accounts.get_mut(&account).ok_or(Impossible::NoSuch("an account"))?;
    let before = member.second_factor.take().ok_or(Impossible::NoSuch("a second factor"))?;
    member.generations = generation;
    Impossible::unless_equal("ends", ended.ends, before.block)
}

/// Ends the keys and the roles of an account, for ever.
fn erase_account(
    state: &mut State,
    account: AccountId,
    erased: &Erased,
    context: &Context<'_>,
) -> Result<(), Impossible> {
    Impossible::unless_equal("secrets", erased.secrets, state.secrets_of(account))?;
    let member = state.accounts.get_mut(&account).ok_or(Impossible::NoSuch("an account"))?;
    let mut keys = 0;
    for key in member.keys.iter_mut().filter(|key| key.stands()) {
        key.ended_at = Some(context.index);
        keys += 1;
    }
    member.profile_at = None;
    member.credential = None;
    member.second_factor = None;
    let roles = state.roles.values_mut().map(|holders| u64::from(holders.remove(&account))).sum();
    let before = state.erased.insert(account, Erasure { block: context.index, time: context.timestamp });
    Impossible::unless(before.is_none(), Impossible::Twice("an erasure"))?;
    Impossible::unless_equal("keys", erased.keys, keys)?;
    Impossible::unless_equal("roles", erased.roles, roles)
}

/// Gives the author a further key.
fn introduce(
    state: &mut State,
    (spki, custody, rights, label): (&[u8], Custody, Rights, &str),
    context: &Context<'_>,
) -> Result<(), Impossible> {
    let (key_id, label) = (KeyId::of_spki(spki), label.to_owned());
    let others = state.by_key.insert(key_id, context.author);
    Impossible::unless(others.is_none(), Impossible::Twice("a key"))?;
    let key =
        Key { key_id, spki: spki.to_vec(), custody, rights, label, added_at: context.index, ended_at: None };
    let member = state.accounts.get_mut(&context.author);
    member.ok_or(Impossible::NoSuch("an account"))?.keys.push(key);
    Ok(())
}

/// Ends a key of the author's, for ever.
fn end_key(state: &mut State, key_id: &KeyId, context: &Context<'_>) -> Result<(), Impossible> {
    let member = state.accounts.get_mut(&context.author).ok_or(Impossible::NoSuch("an account"))?;
    let key = member.keys.iter_mut().find(|key| key.key_id == *key_id && key.stands());
    let key = key.ok_or(Impossible::NoSuch("a key"))?;
    key.ended_at = Some(context.index);
    // A credential is of no use without the key that it fetches.
    if key.custody == Custody::Roaming {
        member.credential = None;
    }
    Ok(())
}

/// How many keys of the author's stand.
fn standing(state: &State, context: &Context<'_>) -> u64 {
    state.keys(context.author).iter().filter(|key| key.stands()).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::{ClockVouched, Happened, VouchClock};
    use super::*;
    use crate::crypto::LedgerId;
    use crate::domain::CommandId;

    #[test]
    fn a_time_that_was_vouched_for_holds_until_a_block_is_later_than_it_has_to_be() {
        let at = Timestamp::from_millis(1_000_000);
        let context = Context {
            ledger_id: LedgerId([0; 32]),
            author: AccountId(1),
            key_id: KeyId([0; 32]),
            command_id: CommandId::default(),
            message: &[],
            timestamp: at,
            index: 5,
        };
        let mut state = State::default();
        assert_eq!(state.vouched_time(5, at), None);
        let happened = Happened::ClockVouched(VouchClock { time_ms: 7 }, ClockVouched { ahead_ms: 999_993 });
        apply(&mut state, &happened, None, &Scopes::default(), &context).unwrap();
        let vouched = Some(Timestamp::from_millis(7));
        assert_eq!(state.vouched_time(5, at), vouched);
        assert_eq!(state.vouched_time(8, at.plus_micros(3)), vouched);
        assert_eq!(state.vouched_time(8, at.plus_micros(4)), None, "the clock has come up to the blocks");
        assert_eq!(state.vouched_time(4, at), None);
    }
}
