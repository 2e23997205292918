//! The questions that the rooms around the domains may ask of any command, of what happened, and of the state. Each
//! question is a method with one `match`, so that the compiler demands an answer of every further domain. The answers
//! themselves stand in the folders of the domains.

use std::fmt;

use super::answers::{
    CredentialPart, Endorsement, EndsSessions, Hindrance, KeyChange, Opened, Signer, Unbalanced,
};
use super::{
    AccountId, Command, CommandId, Context, CredentialAt, Declined, Domain, Erasing, Happened, Impossible,
    Notice, Rejection, Rights, Role, RoleUse, Scope, ScopeKind, SealedPart, SecondFactorAt, SetSecondFactor,
    Settings, Sink, State, TAG_BYTES, Tag, Transfer, Value, accounts, shop,
};
use crate::crypto::sealed::ScopeId;
use crate::crypto::{KeyId, LedgerId};
use crate::time::Timestamp;

impl Command {
    /// The key that signs the command: one of its author's, or the key that the command itself brings.
    pub fn signer(&self) -> Signer<'_> {
        match self {
            Command::Accounts(command) => command.signer(),
            Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => Signer::Author,
        }
    }

    /// The rights that a key needs to sign the command as its author.
    pub fn needs(&self) -> Rights {
        match self {
            Command::Accounts(command) => command.needs(),
            Command::Orders(_) => Rights::Act,
            Command::Payments(command) => command.needs(),
            Command::Shop(command) => command.needs(),
        }
    }

    /// The signatures that the command has to carry beside its author's. A kind of command that has any is named by
    /// [`super::Tag::is_endorsed`] as well.
    pub fn endorsements(
        &self,
        ledger_id: LedgerId,
        author: AccountId,
        command_id: CommandId,
    ) -> Vec<Endorsement<'_>> {
        match self {
            Command::Accounts(command) => command.endorsements(ledger_id, author),
            Command::Orders(_) => Vec::new(),
            Command::Payments(command) => command.endorsements(),
            Command::Shop(command) => command.endorsements(ledger_id, author, command_id),
        }
    }

    /// Whose sessions, tickets and follows end with the command: a member whose rights were taken away authenticates again.
    pub fn ends_sessions_of(&self) -> Option<EndsSessions> {
        match self {
            Command::Accounts(command) => command.ends_sessions_of(),
            Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => None,
        }
    }

    /// The sealed fields of the command, with their scope; none of a command that has none. A kind of command that has any
    /// is named by [`super::Tag::is_sealed`] as well.
    pub fn sealed(&self) -> Option<SealedPart<'_>> {
        match self {
            Command::Accounts(command) => command.sealed(),
            Command::Shop(command) => command.sealed(),
            Command::Orders(_) | Command::Payments(_) => None,
        }
    }

    /// The credential whose commit the command carries; none of a command that brings none. A kind of command that may bring
    /// one is named by [`super::Tag::may_bring_credential`] as well.
    pub fn credential(&self) -> Option<CredentialPart> {
        match self {
            Command::Accounts(command) => command.credential(),
            Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => None,
        }
    }

    /// The account that the command erases.
    pub fn erases(&self) -> Option<AccountId> {
        match self {
            Command::Accounts(accounts::Command::Erase(erase)) => Some(erase.account),
            Command::Accounts(_) | Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => None,
        }
    }

    /// The role by virtue of which its author may give the command; none of what every member may.
    pub fn role_use(&self, author: AccountId) -> Option<RoleUse> {
        match self {
            Command::Accounts(command) => command.role_use(author),
            Command::Orders(_) => None,
            Command::Payments(command) => command.role_use(),
            Command::Shop(command) => command.role_use(),
        }
    }

    /// The second factor that the command brings for its author, or ends: its number, and whether it ends. None of every other
    /// command. A kind of command that may bring one is named by [`super::Tag::may_bring_second_factor`] as well.
    pub fn second_factor(&self) -> Option<SetSecondFactor> {
        match self {
            Command::Accounts(accounts::Command::SetSecondFactor(set)) => Some(*set),
            Command::Accounts(_) | Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => None,
        }
    }

    /// The account whose second factor is another one after the command, or none.
    pub fn moves_second_factor_of(&self, author: AccountId) -> Option<AccountId> {
        match self {
            Command::Accounts(accounts::Command::SetSecondFactor(_)) => Some(author),
            Command::Accounts(accounts::Command::ResetSecondFactor(reset)) => Some(reset.account),
            Command::Accounts(_) | Command::Orders(_) | Command::Payments(_) | Command::Shop(_) => None,
        }
    }

    /// Bytes of the largest event that the command can lead to, tag included. Room for the event is made on the disk before
    /// the rules are asked.
    pub fn event_bytes_max(&self) -> usize {
        let body = match self {
            Command::Accounts(command) => command.event_bytes_max(),
            Command::Orders(command) => command.event_bytes_max(),
            Command::Payments(command) => command.event_bytes_max(),
            Command::Shop(command) => command.event_bytes_max(),
        };
        TAG_BYTES + body
    }

    /// Checks what a new command has to meet beside the rules. A rule is part of the format: what a rule once allowed stays
    /// allowed in every replay and audit. A guard is asked of new commands only, so that a guard may become stricter.
    /// `clock` is the time that the server's clock shows.
    ///
    /// # Errors
    /// [`Declined`] by the first guard that the command does not pass.
    pub fn guard(&self, clock: Timestamp) -> Result<(), Declined> {
        match self {
            Command::Accounts(command) => command.guard(clock),
            Command::Orders(_) => Ok(()),
            Command::Payments(command) => command.guard(),
            Command::Shop(command) => command.guard(),
        }
    }
}

impl Happened {
    /// The account that the block opened; none for every other block than a registration's.
    pub fn opens(&self) -> Option<Opened<'_>> {
        match self {
            Happened::Accounts(happened) => happened.opens(),
            Happened::Orders(_) | Happened::Payments(_) | Happened::Shop(_) => None,
        }
    }

    /// Visits the keys that come with the block, and those that end with it.
    pub fn visit_keys(&self, author: AccountId, each: &mut dyn FnMut(KeyChange<'_>)) {
        match self {
            Happened::Accounts(happened) => happened.visit_keys(author, each),
            Happened::Orders(_) | Happened::Payments(_) | Happened::Shop(_) => {}
        }
    }

    /// Visits the accounts that the block concerns beside its author's. A block is handed out whole or not at all, so that
    /// each account that is visited here may read all of the block.
    pub fn concerns(&self, each: &mut dyn FnMut(AccountId)) {
        match self {
            Happened::Accounts(happened) => happened.concerns(each),
            Happened::Orders(_) => {}
            Happened::Payments(happened) => happened.concerns(each),
            Happened::Shop(happened) => happened.concerns(each),
        }
    }

    /// The scope that the block opened; none of a block that opened none.
    pub fn opens_scope(&self, context: &Context<'_>) -> Option<(ScopeId, Scope)> {
        match self {
            Happened::Accounts(happened) => happened.opens_scope(context),
            Happened::Shop(happened) => happened.opens_scope(context),
            Happened::Orders(_) | Happened::Payments(_) => None,
        }
    }

    /// What the block erased; none of a block that erased no account.
    pub fn erases(&self) -> Option<Erasing<'_>> {
        match self {
            Happened::Accounts(happened) => happened.erases(),
            Happened::Orders(_) | Happened::Payments(_) | Happened::Shop(_) => None,
        }
    }

    /// Visits the accounts that may not read the block and have to hear of it all the same, each with its news.
    pub fn notices(&self, context: &Context<'_>, each: &mut dyn FnMut(AccountId, Notice)) {
        match self {
            Happened::Accounts(_) | Happened::Orders(_) | Happened::Shop(_) => {}
            Happened::Payments(happened) => {
                happened.notices(context.index, &mut |account, notice| {
                    each(account, Notice::Payments(notice));
                });
            }
        }
    }

    /// Visits every movement of money in the block, in the order in which they are booked, until `each` returns false.
    pub fn transfers(
        &self,
        settings: &Settings,
        context: &Context<'_>,
        each: &mut dyn FnMut(Transfer<'_>) -> bool,
    ) {
        match self {
            Happened::Accounts(happened) => {
                happened.transfers(settings.opening_grant, each);
                // An erased account receives back what it had paid for purchases that end with it.
                if let Some(Erasing { account, purchases, .. }) = happened.erases() {
                    let mut refunds = purchases.iter().map(|(number, refund)| {
                        shop::purchases::refunded(shop::purchases::PurchaseId(*number), account, *refund)
                    });
                    refunds.all(each);
                }
            }
            Happened::Shop(happened) => happened.transfers(context.author, each),
            Happened::Orders(_) => {}
            Happened::Payments(happened) => happened.transfers(context.author, each),
        }
    }

    /// Shows the block to a sink: visits the things that `author` did, and of each thing its fields in order.
    ///
    /// # Errors
    /// [`fmt::Error`] of the sink.
    pub fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        match self {
            Happened::Accounts(happened) => happened.show(author, to),
            Happened::Orders(happened) => happened.show(author, to),
            Happened::Payments(happened) => happened.show(author, to),
            Happened::Shop(happened) => happened.show(author, to),
        }
    }
}

/// The roles that may read blocks of others, of one kind or of all.
pub const READING_ROLES: &[Role] = &[Role::Operator, Role::Agent, Role::Auditor];

impl Tag {
    /// The roles that may read every block of this kind, whomever it concerns.
    pub fn readers(self) -> &'static [Role] {
        match self.domain() {
            Some(Domain::Accounts | Domain::Orders | Domain::Payments) | None => {
                &[Role::Operator, Role::Auditor]
            }
            // What the shop does is the business of whoever works in it.
            Some(Domain::Shop) => READING_ROLES,
        }
    }
}

impl State {
    /// Whether an account has a role that reads blocks of this kind.
    pub fn reads_kind(&self, account: AccountId, tag: Tag) -> bool {
        tag.readers().iter().any(|role| self.has_role(account, *role))
    }

    /// Whether an account may have the key of a scope: whoever it is about, and an agent that of a purchase.
    pub fn reads_scope(&self, account: AccountId, scope: &Scope) -> bool {
        let as_agent = match scope.kind {
            ScopeKind::Subject => false,
            ScopeKind::Purchase => self.has_role(account, Role::Agent),
        };
        scope.subject == account || as_agent
    }

    /// Whether an account has a role that reads blocks of others at all.
    pub fn reads_anything(&self, account: AccountId) -> bool {
        READING_ROLES.iter().any(|role| self.has_role(account, *role))
    }

    /// Whether two accounts read the same blocks of others.
    pub fn reads_same(&self, one: AccountId, other: AccountId) -> bool {
        READING_ROLES.iter().all(|role| self.has_role(one, *role) == self.has_role(other, *role))
    }

    /// A key of an account, standing or ended; none if the account has no such key.
    pub fn key(&self, account: AccountId, key_id: &KeyId) -> Option<&accounts::Key> {
        self.accounts.key(account, key_id)
    }

    /// Whether a key is one of the account's and was not ended: only with such a key a session is opened.
    pub fn stands(&self, account: AccountId, key_id: &KeyId) -> bool {
        self.key(account, key_id).is_some_and(accounts::Key::stands)
    }

    /// The account that a key belongs to, standing or ended.
    pub fn owner_of_key(&self, key_id: &KeyId) -> Option<AccountId> {
        self.accounts.by_key(key_id)
    }

    /// The public name of an account.
    pub fn handle(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(account).map(|member| member.handle.as_str())
    }

    /// The ids of the keys of an account that stand.
    pub fn standing_keys(&self, account: AccountId) -> Vec<KeyId> {
        self.accounts.standing_keys(account)
    }

    /// Whether an account has a role.
    pub fn has_role(&self, account: AccountId, role: accounts::Role) -> bool {
        self.accounts.has_role(account, role)
    }

    /// The index of the block that brought an account into being.
    pub fn registered_at(&self, account: AccountId) -> Option<u64> {
        self.accounts.get(account).map(|member| member.registered_at)
    }

    /// The time that an operator vouched for, as long as block times are not caught up. `index` and `block_time` are
    /// those of the newest block.
    pub fn vouched_time(&self, index: u64, block_time: Timestamp) -> Option<Timestamp> {
        self.accounts.vouched_time(index, block_time)
    }

    /// Visits the figures of the ledger that every member may know: each has a name, an explanation and a number.
    pub fn figures(&self, each: &mut dyn FnMut(&'static str, &'static str, u64)) {
        let State { settings: _, scopes: _, accounts, orders, payments: _, shop } = self;
        each("accounts", "accounts of the ledger", accounts.count());
        each("orders", "orders in the ledger", orders.count());
        each("items", "items of the shop", shop.items_count());
        each("purchases", "purchases from the shop", shop.purchases().count());
    }

    /// Visits the counts of each domain, by name. Two replicas of one ledger agree in all of them.
    pub fn totals(&self, each: &mut dyn FnMut(&'static str, u64)) {
        let State { settings: _, scopes, accounts, orders, payments, shop } = self;
        each("accounts", accounts.count());
        each("keys", accounts.keys_count());
        each("scopes", scopes.count());
        each("erased", accounts.erased_count());
        each("orders", orders.count());
        payments.totals(each);
        shop.totals(each);
    }

    /// Visits what the domains know of an account, by name. Only the account itself is told.
    pub fn visit_account(&self, account: AccountId, each: &mut dyn FnMut(&'static str, Value)) {
        let State { settings: _, scopes: _, accounts, orders, payments: _, shop: _ } = self;
        accounts.visit_account(account, each);
        orders.visit_account(account, each);
    }

    /// Checks that money and goods only ever moved: all accounts together hold exactly what was issued, and every unit that
    /// came into the shop is somewhere in it, or was sent, or is lost.
    ///
    /// # Errors
    /// [`Unbalanced`], with both sums.
    pub fn conserved(&self) -> Result<(), Unbalanced> {
        self.payments.conserved()?;
        self.shop.held_is_counted(&self.payments)?;
        self.shop.conserved().map_err(Unbalanced::Stock)
    }

    /// Visits the erased accounts that have money, each with what it has in minor units. Such money is stranded: it counts as
    /// issued, and nothing but a pay-out moves it.
    pub fn stranded(&self, each: &mut dyn FnMut(AccountId, u64)) {
        let erased = self.accounts.erased_accounts();
        let left = erased.map(|account| (account, self.payments.balance(account)));
        left.filter(|(_, left)| *left > 0).for_each(|(account, left)| each(account, left));
    }

    /// The reasons of the domains for which an account cannot be erased yet, in the order in which they are asked.
    fn hindrances(&self, account: AccountId) -> impl Iterator<Item = Hindrance> {
        let State { settings: _, scopes: _, accounts, orders: _, payments, shop } = self;
        let hindrances = [
            accounts.hinders_erasure(account),
            shop.hinders_erasure(account),
            payments.hinders_erasure(account),
        ];
        hindrances.into_iter().flatten()
    }

    /// Whether an account may be erased, with or without force.
    ///
    /// # Errors
    /// The [`Rejection`] of the first domain that has a reason against it.
    pub(super) fn may_be_erased(&self, account: AccountId, force: bool) -> Result<(), Rejection> {
        let mut hindrances =
            self.hindrances(account).filter(|hindrance| !(force && hindrance.lifted_by_force));
        hindrances.next().map_or(Ok(()), |hindrance| Err(hindrance.rejection))
    }

    /// Takes an account that a block has erased out of every domain. Its number, its handle and its ended keys stay, because
    /// blocks name them for ever.
    ///
    /// # Errors
    /// [`Impossible`] when the block says something else than follows.
    pub(super) fn erase(&mut self, erasing: Erasing<'_>, context: &Context<'_>) -> Result<(), Impossible> {
        let State { settings: _, scopes, accounts: _, orders: _, payments: _, shop } = self;
        let account = erasing.account;
        Impossible::unless_equal("scopes", erasing.scopes, scopes.erase(account, context.index))?;
        shop::erase(shop, account, erasing.purchases, context)
    }

    /// The block that erased an account; none of an account that was not erased.
    pub fn erased_at(&self, account: AccountId) -> Option<u64> {
        self.accounts.erased_at(account)
    }

    /// The newest password of an account, as the blocks speak of it; none of an account that has none.
    pub fn credential(&self, account: AccountId) -> Option<CredentialAt> {
        self.accounts.credential(account)
    }

    /// The accounts that have a password, each with its newest one.
    pub fn credentials(&self) -> impl Iterator<Item = (AccountId, CredentialAt)> {
        self.accounts.credentials()
    }

    /// The second factor of an account, as the blocks speak of it; none of an account without one.
    pub fn second_factor(&self, account: AccountId) -> Option<SecondFactorAt> {
        self.accounts.second_factor(account)
    }

    /// Whether the blocks speak of anything that lies in a vault.
    pub fn speaks_of_vault(&self) -> bool {
        self.scopes.count() > 0 || self.second_factors().next().is_some()
    }

    /// The accounts that have a second factor, each with its own.
    pub fn second_factors(&self) -> impl Iterator<Item = (AccountId, SecondFactorAt)> {
        self.accounts.second_factors()
    }

    /// The number that the next second factor of an account has to have.
    pub fn next_generation(&self, account: AccountId) -> u32 {
        self.accounts.next_generation(account)
    }

    /// The key of an account that a password fetches.
    pub fn roaming_key(&self, account: AccountId) -> Option<KeyId> {
        self.accounts.roaming_key(account).map(|key| key.key_id)
    }

    /// The block in which an account said its name and its e-mail last.
    pub fn profile_at(&self, account: AccountId) -> Option<u64> {
        self.accounts.get(account)?.profile_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_roles_that_read_blocks_of_others_are_those_that_read_blocks_of_some_kind() {
        let tags = (0..=u16::MAX).map(|kind| Tag { schema: 1, kind });
        let reading: BTreeSet<Role> = tags.flat_map(|tag| tag.readers().iter().copied()).collect();
        assert_eq!(reading, READING_ROLES.iter().copied().collect());
    }
}
