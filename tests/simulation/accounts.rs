//! Roles and keys in the simulator: member 0 is the operator and gives and takes the role of a witness; the others try. Every
//! member adds a key and ends it, so that a run ends in between, too, puts another key in the place of its first one, says who it is, and gets
//! a password and changes it.
//! The operator erases an account.

use std::collections::BTreeSet;

use ledgerd::chain::Block;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{KeyId, SigningKey};
use ledgerd::domain::accounts::{
    AddKey, Command as Accounted, Custody, EndKey, Erase, EraseReason, GrantRole, RevokeRole, Rights, Role,
    RotateKey, key_proof_bytes,
};
use ledgerd::domain::{AccountId, Command, State};

use super::domains::{Domain, Witness, number_of};
use super::template::{OPERATOR, SEASONED, SEASONED_PROFILE, Template, command_id};
use super::vault::{LEAVER, Opener};
use super::{factors, passwords};

/// See the module.
pub(super) struct Accounts;

/// Who receives and loses a role.
const WITNESS: AccountId = AccountId(2);

/// The command that puts another key in the place of its author's first one.
pub(super) const ROTATION: u32 = 7;

/// The command that says who its author is, in a scope that it opens; the next one says it in that scope.
const PROFILE: u32 = 8;

/// The command that erases an account.
const ERASURE: u32 = 10;

/// The command that gives its author a key which a password fetches.
const PASSWORD: u32 = 11;

/// The commands that change the password, which that key signs.
pub(super) const BY_ROAMING: [u32; 4] = [12, 13, 14, 15];

/// The command that ends the second factor of another member, and the one that ends the author's own.
const RESET: u32 = 16;
const OFF: u32 = 17;

/// An account that there is not.
const NOBODY: AccountId = AccountId(99);

impl Domain for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn count(&self) -> u32 {
        OFF + 1
    }

    fn command(&self, template: &Template, member: usize, n: u32) -> Command {
        Command::Accounts(match n {
            0 => Accounted::GrantRole(GrantRole { account: WITNESS, role: Role::Witness }),
            1 => Accounted::RevokeRole(RevokeRole { account: WITNESS, role: Role::Witness }),
            2 => Accounted::GrantRole(GrantRole { account: NOBODY, role: Role::Operator }),
            4 => {
                let key = &template.devices[member];
                Accounted::AddKey(AddKey {
                    spki: key.public().spki().to_vec(),
                    custody: Custody::Device,
                    rights: Rights::Act,
                    label: "device".to_owned(),
                    proof: proof(template, member, key),
                    credential: None,
                })
            }
            ROTATION => {
                let key = &template.next[member];
                Accounted::RotateKey(RotateKey {
                    spki: key.public().spki().to_vec(),
                    custody: Custody::File,
                    label: "next".to_owned(),
                    proof: proof(template, member, key),
                    ends: template.members[member].public().key_id(),
                    credential: None,
                })
            }
            PROFILE | 9 => {
                let opened_by = match member {
                    SEASONED => command_id(SEASONED_PROFILE),
                    _ => command_id(number_of("accounts", PROFILE)),
                };
                let (account, key_id) = (account_of(member), template.members[member].public().key_id());
                let opener = Opener { account, key_id, opened_by: &opened_by };
                return opener.profile(template.ledger_id, command_id(number_of("accounts", n)));
            }
            PASSWORD => {
                let proof = proof(template, member, &template.roaming[member]);
                passwords::first(template.ledger_id, account_of(member), &template.roaming[member], proof)
            }
            12..=15 => passwords::change(template, account_of(member), n - 10),
            ERASURE => Accounted::Erase(Erase { account: LEAVER, reason: EraseReason::Other, force: true }),
            RESET => factors::reset(),
            OFF => factors::off(),
            5 => Accounted::EndKey(EndKey { key_id: template.devices[member].public().key_id() }),
            // It is somebody else's.
            6 => {
                let other = &template.members[(member + 1) % template.members.len()];
                Accounted::EndKey(EndKey { key_id: other.public().key_id() })
            }
            // There is no other operator.
            _ => Accounted::RevokeRole(RevokeRole { account: account_of(OPERATOR), role: Role::Operator }),
        })
    }

    fn breaks_a_rule(&self, member: usize, n: u32) -> bool {
        n == 6
            || n < 4 && (member != OPERATOR || n > 1)
            || [ERASURE, RESET].contains(&n) && member != OPERATOR
            || n == OFF && !factors::ENROLLED.contains(&member)
            || n == PASSWORD && member == SEASONED
    }

    fn depends_on_state(&self) -> &'static [&'static str] {
        &[
            "role_held",
            "role_not_held",
            "key_known",
            "no_such_key",
            "key_ended",
            "last_full_key",
            "wrong_scope",
            "no_profile",
            "roaming_exists",
            "stale_epoch",
            "stale_generation",
            "not_enrolled",
        ]
    }

    fn witness(&self) -> Box<dyn Witness> {
        Box::new(Roles::default())
    }
}

/// What a new key of a member signs.
fn proof(template: &Template, member: usize, key: &SigningKey) -> Vec<u8> {
    let signed = key_proof_bytes(template.ledger_id, account_of(member), &key.public().key_id());
    key.sign(&mut Seeded::new("proof"), &[&signed]).to_vec()
}

fn account_of(member: usize) -> AccountId {
    AccountId(member as u64 + 1)
}

/// Who has which role after some blocks.
#[derive(Default)]
struct Roles {
    members: u64,
    /// Keys that came and did not end, by account.
    keys: BTreeSet<(u64, KeyId)>,
    held: BTreeSet<(u64, Role)>,
}

impl Witness for Roles {
    fn follow(&mut self, block: &Block<'_>, command: &Command, state: &State) -> Result<(), String> {
        let Command::Accounts(command) = command else { return Ok(()) };
        let changed = match command {
            Accounted::Register(register) => {
                self.members += 1;
                self.keys.insert((self.members, KeyId::of_spki(&register.public_key)));
                self.members != account_of(OPERATOR).0 || self.held.insert((self.members, Role::Operator))
            }
            Accounted::GrantRole(grant) => self.held.insert((grant.account.0, grant.role)),
            Accounted::RevokeRole(revoke) => self.held.remove(&(revoke.account.0, revoke.role)),
            Accounted::AddKey(add) => self.keys.insert((block.author.0, KeyId::of_spki(&add.spki))),
            Accounted::EndKey(end) => self.keys.remove(&(block.author.0, end.key_id)),
            Accounted::RotateKey(rotate) => {
                self.keys.remove(&(block.author.0, rotate.ends))
                    && self.keys.insert((block.author.0, KeyId::of_spki(&rotate.spki)))
            }
            Accounted::Erase(erase) => {
                let before = self.keys.len();
                self.keys.retain(|(account, _)| *account != erase.account.0);
                self.held.retain(|(account, _)| *account != erase.account.0);
                self.keys.len() < before
            }
            Accounted::Join(join) => {
                self.members += 1;
                self.keys.insert((self.members, KeyId::of_spki(&join.public_key)))
            }
            Accounted::SetCredential(_)
            | Accounted::SetProfile(_)
            | Accounted::SetSecondFactor(_)
            | Accounted::ResetSecondFactor(_)
            | Accounted::VouchClock(_) => true,
        };
        if !changed {
            return Err(format!("block {} gives or takes a role or a key in vain: {command:?}", block.index));
        }
        let same = (1..=self.members).all(|account| {
            [Role::Operator, Role::Witness].into_iter().all(|role| {
                state.accounts.has_role(AccountId(account), role) == self.held.contains(&(account, role))
            })
        });
        let standing: BTreeSet<(u64, KeyId)> = (1..=self.members)
            .flat_map(|account| {
                state.standing_keys(AccountId(account)).into_iter().map(move |key| (account, key))
            })
            .collect();
        if same && standing == self.keys && state.accounts.count() == self.members {
            Ok(())
        } else {
            Err(format!("block {}: {} members have {:?}", block.index, self.members, self.held))
        }
    }
}
