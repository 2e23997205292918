//! Roles in the simulator: member 0 is the operator and gives and takes the role of a witness; the others try.

use std::collections::BTreeSet;

use ledgerd::chain::Block;
use ledgerd::domain::accounts::{Command as Accounted, GrantRole, RevokeRole, Role};
use ledgerd::domain::{AccountId, Command, State};

use super::domains::{Domain, Witness};
use super::template::{OPERATOR, Template};

/// See the module.
pub(super) struct Accounts;

/// Who receives and loses a role.
const WITNESS: AccountId = AccountId(2);

/// An account that there is not.
const NOBODY: AccountId = AccountId(99);

impl Domain for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn count(&self) -> u32 {
        4
    }

    fn command(&self, _: &Template, _: usize, n: u32) -> Command {
        Command::Accounts(match n {
            0 => Accounted::GrantRole(GrantRole { account: WITNESS, role: Role::Witness }),
            1 => Accounted::RevokeRole(RevokeRole { account: WITNESS, role: Role::Witness }),
            2 => Accounted::GrantRole(GrantRole { account: NOBODY, role: Role::Operator }),
            // There is no other operator.
            _ => Accounted::RevokeRole(RevokeRole { account: account_of(OPERATOR), role: Role::Operator }),
        })
    }

    fn breaks_a_rule(&self, member: usize, n: u32) -> bool {
        member != OPERATOR || n > 1
    }

    fn depends_on_state(&self) -> &'static [&'static str] {
        &["role_held", "role_not_held"]
    }

    fn witness(&self) -> Box<dyn Witness> {
        Box::new(Roles::default())
    }
}

fn account_of(member: usize) -> AccountId {
    AccountId(member as u64 + 1)
}

/// Who has which role after some blocks.
#[derive(Default)]
struct Roles {
    members: u64,
    held: BTreeSet<(u64, Role)>,
}

impl Witness for Roles {
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String> {
        let Command::Accounts(command) = command else { return Ok(()) };
        let changed = match command {
            Accounted::Register(_) => {
                self.members += 1;
                self.members != account_of(OPERATOR).0 || self.held.insert((self.members, Role::Operator))
            }
            Accounted::GrantRole(grant) => self.held.insert((grant.account.0, grant.role)),
            Accounted::RevokeRole(revoke) => self.held.remove(&(revoke.account.0, revoke.role)),
            Accounted::VouchClock(_) => true,
        };
        if !changed {
            return Err(format!("block {} gives or takes a role in vain: {command:?}", block.index));
        }
        let same = (1..=self.members).all(|account| {
            [Role::Operator, Role::Witness].into_iter().all(|role| {
                state.accounts.has_role(AccountId(account), role) == self.held.contains(&(account, role))
            })
        });
        if same && state.accounts.count() == self.members {
            Ok(())
        } else {
            Err(format!("block {}: {} members have {:?}", block.index, self.members, self.held))
        }
    }
}
