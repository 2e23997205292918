//! What nobody may do without a second factor: what members do by their role. An agent or an auditor can do nothing with the
//! role before there is one. An operator who has none goes on as before, but for what weighs most.

use crate::domain::{AccountId, Command, Role};
use crate::refusal;
use crate::service::{ConnectionId, Service};
use crate::time::Now;
use crate::wire::Refusal;

impl Service {
    /// Why a command may not be decided before a second factor was given.
    pub(in crate::service) fn factor_for_command(
        &self,
        id: ConnectionId,
        (command, author): (&Command, AccountId),
        now: Now,
    ) -> Option<Refusal> {
        let using = command.role_use(author)?;
        // Whoever has not got the role is refused by the rules.
        let holds = self.ledger.replica().state().has_role(author, using.role);
        if !holds || self.limits.second_factor == 0 || self.factor_until(id, now).is_some() {
            return None;
        }
        let needed = using.weighty || using.role != Role::Operator || self.is_enrolled(author);
        needed.then(|| self.needed_by(author))
    }

    /// Why a question may not be answered before a second factor was given: it is one for members with one of these roles.
    pub(in crate::service) fn factor_for_question(
        &self,
        id: ConnectionId,
        (account, roles): (AccountId, &[Role]),
        now: Now,
    ) -> Option<Refusal> {
        let state = self.ledger.replica().state();
        if self.limits.second_factor == 0 || self.factor_until(id, now).is_some() {
            return None;
        }
        let holds = |role: Role| roles.contains(&role) && state.has_role(account, role);
        let asks_as_operator = holds(Role::Operator);
        let asks_as_other = !asks_as_operator && (holds(Role::Agent) || holds(Role::Auditor));
        let needed = asks_as_other || asks_as_operator && self.is_enrolled(account);
        needed.then(|| self.needed_by(account))
    }

    fn is_enrolled(&self, account: AccountId) -> bool {
        self.ledger.replica().state().second_factor(account).is_some()
    }

    fn needed_by(&self, account: AccountId) -> Refusal {
        if self.is_enrolled(account) {
            return code_needed();
        }
        let sentence = "this needs a second factor, and the account has none: enrol one first";
        Refusal::fail(refusal::SECOND_FACTOR_NEEDED, sentence)
    }
}

/// The refusal of somebody who has a second factor, and has not given it lately.
pub(in crate::service) fn code_needed() -> Refusal {
    let sentence = "this needs a code of your second factor, and none was given to this session lately";
    Refusal::fail(refusal::SECOND_FACTOR_NEEDED, sentence)
}
