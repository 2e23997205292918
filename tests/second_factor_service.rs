//! The second factor at the service: what needs a code, for how long one is good and for whom, that each works once, and how
//! often codes may be guessed.

use std::time::Duration;

use ledgerd::codec;
use ledgerd::crypto::SigningKey;
use ledgerd::domain::accounts::{
    self, GrantRole, ResetReason, ResetSecondFactor, RevokeRole, Role, SetSecondFactor,
};
use ledgerd::domain::payments::{self, Issue};
use ledgerd::domain::{AccountId, Command, Fact, Value};
use ledgerd::limits::Limits;
use ledgerd::second_factor::{STEP_SECONDS, Secret, SpareCode};
use ledgerd::wire::{FactorGiven, Followed, JournalPlace, Push, Refusal, Reply, Request, Side, WrongCodes};

use crate::forge::member_key;
use crate::password_service::{E_MAIL, PASSWORD, Person, join, log_in, log_in_from};
use crate::profile_service::accepted;
use crate::service_world::{Client, Signed, World, refused};

const HERE: &str = "192.0.2.1";
pub(crate) const THERE: &str = "198.51.100.1";
pub(crate) const STEP: Duration = Duration::from_secs(STEP_SECONDS);

/// A look into the journal, which takes a role.
const LOOK: Request<'static> = Request::Journal {
    account: None,
    since_ms: 0,
    from: JournalPlace { file_ms: 0, record: 0 },
    limit: 1_000,
};

/// What a telephone and a piece of paper hold.
pub(crate) struct Factor {
    secret: Secret,
    pub(crate) spare: Vec<SpareCode>,
}

impl Factor {
    /// The code that the telephone shows.
    pub(crate) fn code(&self, world: &World) -> String {
        self.secret.code_at(world.now.wall).to_string()
    }
}

pub(crate) fn world() -> World {
    World::new(Limits::default(), |_| ())
}

fn set(generation: u32, off: bool) -> Command {
    Command::Accounts(accounts::Command::SetSecondFactor(SetSecondFactor { generation, off }))
}

fn grant(account: u64, role: Role) -> Command {
    Command::Accounts(accounts::Command::GrantRole(GrantRole { account: AccountId(account), role }))
}

fn reset(account: u64) -> Command {
    let (account, reason) = (AccountId(account), ResetReason::Lost);
    Command::Accounts(accounts::Command::ResetSecondFactor(ResetSecondFactor { account, reason }))
}

fn issue() -> Command {
    Command::Payments(payments::Command::Issue(Issue { to: AccountId(2), amount: 1 }))
}

fn with_code(code: &str) -> Vec<u8> {
    codec::encode(&Side { code: Some(code.to_owned()), ..Side::default() })
}

fn signed(world: &mut World, member: usize, key: &SigningKey, command: &Command) -> Signed {
    let first = world.command_by(member, key, command);
    // Time has passed since the world began.
    let (message, now) = (first.message, world.now.wall.millis());
    let ledgerd::chain::Message { header, body, .. } = ledgerd::chain::Message::parse(&message).unwrap();
    let message = ledgerd::chain::Header { issued_at: now, ..header }.message(body);
    let signature = key.sign(&mut world.rng, &[&message]).to_vec();
    Signed { message, signature }
}

pub(crate) fn submit(world: &mut World, client: &mut Client, member: usize, command: &Command) -> Reply {
    let signed = signed(world, member, member_key(member), command);
    world.submit(client, &signed)
}

/// What the server offers.
fn offer(world: &mut World, client: &mut Client, keep_secret: bool) -> (u32, Option<Secret>, Vec<SpareCode>) {
    match world.ask(client, &Request::SecondFactorBegin { keep_secret }) {
        Reply::FactorOffer(offer) => {
            let spare = offer.codes.map(SpareCode::of_bytes).to_vec();
            (offer.generation, offer.secret.map(Secret::of_bytes), spare)
        }
        other => panic!("{other:?}"),
    }
}

/// Enrols a second factor over a session.
fn enrol_by(world: &mut World, client: &mut Client, member: usize, key: &SigningKey) -> Factor {
    let (generation, secret, spare) = offer(world, client, false);
    let factor = Factor { secret: secret.unwrap(), spare };
    let (command, side) =
        (signed(world, member, key, &set(generation, false)), with_code(&factor.code(world)));
    accepted(world.ask(client, &command.request_with(&side)));
    factor
}

pub(crate) fn enrol(world: &mut World, client: &mut Client, member: usize) -> Factor {
    enrol_by(world, client, member, member_key(member))
}

pub(crate) fn give(code: &str, world: &mut World, client: &mut Client) -> Result<WrongCodes, Refusal> {
    match world.ask(client, &Request::SecondFactor(FactorGiven::Code(code))) {
        Reply::FactorTaken(wrong) => Ok(wrong),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn name_of<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().name
}

/// The operator with a second factor, and the second member with a role and none.
pub(crate) fn with_role(role: Role) -> (World, Client, Factor, Client) {
    let mut world = world();
    let mut operator = world.member(HERE, 0);
    let factor = enrol(&mut world, &mut operator, 0);
    accepted(submit(&mut world, &mut operator, 0, &grant(2, role)));
    let other = world.member(HERE, 1);
    (world, operator, factor, other)
}

#[test]
fn an_operator_without_a_second_factor_goes_on_but_for_what_weighs_most() {
    let mut world = world();
    let mut operator = world.member(HERE, 0);
    accepted(submit(&mut world, &mut operator, 0, &issue()));
    accepted(submit(&mut world, &mut operator, 0, &grant(3, Role::Witness)));
    assert!(matches!(world.ask(&mut operator, &LOOK), Reply::Journal(_)));
    for command in [grant(2, Role::Agent), grant(2, Role::Auditor), reset(2)] {
        let refused = refused(submit(&mut world, &mut operator, 0, &command));
        assert_eq!(refused, "second_factor_needed", "{command:?}");
    }
    let factor = enrol(&mut world, &mut operator, 0);
    accepted(submit(&mut world, &mut operator, 0, &grant(2, Role::Agent)));

    // From then on another session gives a code for whatever takes the role, and for nothing else.
    let mut elsewhere = world.member(THERE, 0);
    assert_eq!(refused(submit(&mut world, &mut elsewhere, 0, &issue())), "second_factor_needed");
    assert_eq!(refused(world.ask(&mut elsewhere, &LOOK)), "second_factor_needed");
    let payment = world.payment(0, 1);
    accepted(world.submit(&mut elsewhere, &payment));
    assert_eq!(give(&factor.spare[0].to_text(), &mut world, &mut elsewhere), Ok(WrongCodes::default()));
    accepted(submit(&mut world, &mut elsewhere, 0, &issue()));
    assert!(matches!(world.ask(&mut elsewhere, &LOOK), Reply::Journal(_)));
    // Whoever has not got the role is told that, and not asked for a code.
    let mut member = world.member(HERE, 2);
    assert_eq!(refused(submit(&mut world, &mut member, 2, &issue())), "no_permission");
    assert_eq!(refused(world.ask(&mut member, &LOOK)), "no_permission");
}

#[test]
fn an_agent_and_an_auditor_do_nothing_with_the_role_before_they_have_enrolled() {
    let follow = Request::Follow { from: 0, of: Followed::Readable };
    for (role, question) in [(Role::Agent, &LOOK), (Role::Auditor, &follow)] {
        let (mut world, _, _, mut member) = with_role(role);
        let refusal = match world.ask(&mut member, question) {
            Reply::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(refusal.name, "second_factor_needed");
        assert!(refusal.message.contains("enrol one first"), "{}", refusal.message);
        assert_eq!(name_of(give("123456", &mut world, &mut member)), "not_enrolled");
        enrol(&mut world, &mut member, 1);
        let answer = world.ask(&mut member, question);
        assert!(matches!(answer, Reply::Journal(_) | Reply::Push(Push::Blocks(_))), "{role}: {answer:?}");
    }
}

#[test]
fn where_nobody_is_to_be_asked_for_a_second_factor_nobody_is() {
    let mut world = World::new(Limits { second_factor: 0, ..Limits::default() }, |_| ());
    let mut operator = world.member(HERE, 0);
    accepted(submit(&mut world, &mut operator, 0, &grant(2, Role::Agent)));
    let mut agent = world.member(HERE, 1);
    assert!(matches!(world.ask(&mut agent, &LOOK), Reply::Journal(_)));
}

#[test]
fn a_code_of_the_telephone_works_once_and_only_a_later_one_after_it() {
    let (mut world, _, _, mut agent) = with_role(Role::Agent);
    let factor = enrol(&mut world, &mut agent, 1);
    let mut other = world.member(THERE, 1);
    assert_eq!(name_of(give(&factor.code(&world), &mut world, &mut other)), "invalid_code", "it enrolled");
    world.wait(STEP);
    let (early, now) = (factor.code(&world), world.now.wall);
    world.wait(STEP);
    let later = factor.code(&world);
    assert!(give(&later, &mut world, &mut other).is_ok());
    for used in [&later, &early] {
        assert_eq!(name_of(give(used, &mut world, &mut other)), "invalid_code");
    }
    world.wait(STEP);
    assert!(give(&factor.code(&world), &mut world, &mut other).is_ok());
    world.wait(2 * STEP);
    let refusal = give(&factor.secret.code_at(now), &mut world, &mut other).unwrap_err();
    assert_eq!(refusal.facts.first(), Some(&(Fact::Until, Value::Time(world.now.wall))), "the server's time");
}

#[test]
fn a_spare_code_works_once_however_it_is_typed() {
    let (mut world, _, _, mut agent) = with_role(Role::Agent);
    let factor = enrol(&mut world, &mut agent, 1);
    let text = factor.spare[3].to_text();
    assert!(give(&text.to_lowercase().replace('-', " "), &mut world, &mut agent).is_ok());
    assert_eq!(name_of(give(&text, &mut world, &mut agent)), "invalid_code");
    assert!(give(&factor.spare[4].to_text(), &mut world, &mut agent).is_ok());
}

#[test]
fn a_code_counts_for_what_descends_from_one_signature_and_for_twelve_hours() {
    let (mut world, _, operators, mut agent) = with_role(Role::Agent);
    let factor = enrol(&mut world, &mut agent, 1);
    let ticket = agent.ticket.clone().unwrap();
    let mut resumed = world.resume(THERE, &ticket);
    assert!(matches!(world.ask(&mut resumed, &LOOK), Reply::Journal(_)));
    let mut other = world.member(HERE, 1);
    assert_eq!(refused(world.ask(&mut other, &LOOK)), "second_factor_needed");
    // A code that a resumed session gives counts for the one that it descends from.
    world.wait(Duration::from_hours(11));
    assert!(give(&factor.code(&world), &mut world, &mut resumed).is_ok());
    world.wait(Duration::from_mins(59));
    let mut third = world.resume(HERE, &ticket);
    assert!(matches!(world.ask(&mut third, &LOOK), Reply::Journal(_)), "twelve hours from the newest code");
    let revoke = RevokeRole { account: AccountId(2), role: Role::Agent };
    let revoke = Command::Accounts(accounts::Command::RevokeRole(revoke));
    let mut fresh = world.member(HERE, 0);
    assert_eq!(
        refused(submit(&mut world, &mut fresh, 0, &revoke)),
        "second_factor_needed",
        "it is over there"
    );
    assert!(give(&operators.spare[0].to_text(), &mut world, &mut fresh).is_ok());
    // Whose role is taken away gives a code again.
    accepted(submit(&mut world, &mut fresh, 0, &revoke));
    accepted(submit(&mut world, &mut fresh, 0, &grant(2, Role::Agent)));
    assert!(!world.resume(THERE, &ticket).is_open);
    let mut again = world.member(HERE, 1);
    assert_eq!(refused(world.ask(&mut again, &LOOK)), "second_factor_needed");
}

#[test]
fn a_follow_by_virtue_of_a_role_ends_with_the_second_factor_unless_another_code_came() {
    let limits = Limits { factor_age_ms: 60_000, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let mut operator = world.member(HERE, 0);
    let factor = enrol(&mut world, &mut operator, 0);
    world.send(&mut operator, 7, &Request::Follow { from: 0, of: Followed::Readable });
    (0..4).for_each(|_| world.exchange(&mut operator));
    assert!(operator.replies.iter().any(|(id, reply)| *id == 7 && matches!(reply, Reply::Push(_))));
    world.wait(Duration::from_secs(40));
    assert!(give(&factor.code(&world), &mut world, &mut operator).is_ok());
    world.wait(Duration::from_secs(30));
    operator.replies.clear();
    (0..4).for_each(|_| world.exchange(&mut operator));
    assert!(operator.replies.is_empty(), "{:?}", operator.replies);
    world.wait(Duration::from_secs(31));
    (0..4).for_each(|_| world.exchange(&mut operator));
    let ended = operator.replies.pop().unwrap();
    assert_eq!((ended.0, refused(ended.1)), (7, "second_factor_needed".to_owned()));
}

#[test]
fn a_log_in_of_a_member_with_a_second_factor_takes_a_code_and_carries_it_over() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "ash", E_MAIL, PASSWORD);
    let mut session = world.member_by(HERE, 3, &ash.key);
    let factor = enrol_by(&mut world, &mut session, 3, &ash.key);
    let mut operator = world.member(HERE, 0);
    enrol(&mut world, &mut operator, 0);
    accepted(submit(&mut world, &mut operator, 0, &grant(4, Role::Agent)));

    let mut stranger = world.stranger(THERE);
    let needed = log_in(&mut world, &mut stranger, E_MAIL, PASSWORD).map(|_| ()).unwrap_err();
    assert_eq!(refused(needed), "second_factor_needed");
    assert_eq!(name_of(give("000000", &mut world, &mut stranger)), "invalid_code");
    let code = factor.spare[0].to_text();
    let unlocked = match world.ask(&mut stranger, &Request::SecondFactor(FactorGiven::Code(&code))) {
        Reply::Unlocked(unlocked) => unlocked,
        other => panic!("{other:?}"),
    };
    assert_eq!((unlocked.account, unlocked.wrong_codes.count), (AccountId(4), 1));
    let carried = Request::SecondFactor(FactorGiven::Carry(unlocked.factor.unwrap()));
    // Nothing is carried over to another member, nor to another key.
    let mut gary = world.member(THERE, 1);
    assert_eq!(refused(world.ask(&mut gary, &carried)), "invalid_code");
    let mut own = world.member_by(THERE, 3, &ash.key);
    assert_eq!(refused(world.ask(&mut own, &carried)), "invalid_code", "it is good once, whoever shows it");

    world.wait(STEP);
    let mut stranger = world.stranger(THERE);
    log_in(&mut world, &mut stranger, E_MAIL, PASSWORD).map(|_| ()).unwrap_err();
    let code = factor.code(&world);
    let Reply::Unlocked(unlocked) =
        world.ask(&mut stranger, &Request::SecondFactor(FactorGiven::Code(&code)))
    else {
        panic!("the code is right");
    };
    assert_eq!(unlocked.wrong_codes, WrongCodes::default(), "they were told");
    let carried = Request::SecondFactor(FactorGiven::Carry(unlocked.factor.unwrap()));
    let mut own = world.member_by(THERE, 3, &ash.key);
    assert_eq!(refused(world.ask(&mut own, &LOOK)), "second_factor_needed");
    assert!(matches!(world.ask(&mut own, &carried), Reply::FactorTaken(_)));
    assert!(matches!(world.ask(&mut own, &LOOK), Reply::Journal(_)));
    assert_eq!(refused(world.ask(&mut own, &carried)), "invalid_code");
    // A code before a password, and one that comes too late, are nothing.
    let mut stranger = world.stranger(HERE);
    let code = factor.spare[1].to_text();
    assert_eq!(name_of(give(&code, &mut world, &mut stranger)), "invalid_login");
}

#[test]
fn a_recovery_takes_a_code_as_well_and_a_wrong_password_asks_for_none() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "ash", E_MAIL, PASSWORD);
    let mut session = world.member_by(HERE, 3, &ash.key);
    let factor = enrol_by(&mut world, &mut session, 3, &ash.key);
    let mut stranger = world.stranger(HERE);
    let recover = Request::Recover { e_mail: E_MAIL, shown: *ash.code.secrets().shown };
    assert_eq!(refused(world.ask(&mut stranger, &recover)), "second_factor_needed");
    let code = factor.spare[0].to_text();
    let answer = world.ask(&mut stranger, &Request::SecondFactor(FactorGiven::Code(&code)));
    assert!(matches!(answer, Reply::Unlocked(_)), "{answer:?}");
    let wrong = log_in_from(&mut world, THERE, E_MAIL, "not this one").map(|_| ()).unwrap_err();
    assert_eq!(refused(wrong), "invalid_login");
}

#[test]
fn five_wrong_codes_end_a_log_in_or_a_session_and_a_network_has_five_over_all_of_them() {
    let limits = Limits { codes_per_account_and_prefix: 100, codes_per_account: 100, ..Limits::default() };
    let mut world = World::new(limits, |_| ());
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "ash", E_MAIL, PASSWORD);
    let mut session = world.member_by(HERE, 3, &ash.key);
    let factor = enrol_by(&mut world, &mut session, 3, &ash.key);
    let mut stranger = world.stranger(HERE);
    log_in(&mut world, &mut stranger, E_MAIL, PASSWORD).map(|_| ()).unwrap_err();
    for _ in 0..5 {
        assert_eq!(name_of(give("000000", &mut world, &mut stranger)), "invalid_code");
    }
    assert_eq!(name_of(give(&factor.spare[0].to_text(), &mut world, &mut stranger)), "invalid_login");
    for _ in 0..5 {
        assert_eq!(name_of(give("000000", &mut world, &mut session)), "invalid_code");
    }
    (0..3).for_each(|_| world.exchange(&mut session));
    assert!(!world.holds(session.id));

    // The usual bounds: five from a network, whichever connection they come over.
    let (mut world, _, _, mut agent) = with_role(Role::Agent);
    let factor = enrol(&mut world, &mut agent, 1);
    for _ in 0..5 {
        let mut one = world.member(THERE, 1);
        assert_eq!(name_of(give("000000", &mut world, &mut one)), "invalid_code");
    }
    let mut one = world.member(THERE, 1);
    let refusal = give(&factor.spare[0].to_text(), &mut world, &mut one).unwrap_err();
    assert_eq!((refusal.name.as_str(), refusal.number(Fact::Seconds)), ("try_later", Some(180)));
    let wrong = give(&factor.spare[0].to_text(), &mut world, &mut agent).unwrap();
    assert_eq!(wrong.count, 5, "another network, which is told");
}

#[test]
fn a_second_factor_is_replaced_or_ended_by_who_gives_a_code_of_it() {
    let mut world = world();
    let mut first = world.member(HERE, 0);
    // A code that does not fit is no enrolment, and the session may try again.
    let (generation, secret, _) = offer(&mut world, &mut first, false);
    let secret = secret.unwrap();
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    let wrong = with_code("000000");
    assert_eq!(refused(world.ask(&mut first, &command.request_with(&wrong))), "invalid_code");
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    assert_eq!(refused(world.submit(&mut first, &command)), "malformed_command", "without a code");
    let command = signed(&mut world, 0, member_key(0), &set(generation, true));
    let unwanted = with_code(&secret.code_at(world.now.wall));
    assert_eq!(refused(world.ask(&mut first, &command.request_with(&unwanted))), "malformed_command");
    let command = signed(&mut world, 0, member_key(0), &set(generation + 1, false));
    let right = with_code(&secret.code_at(world.now.wall));
    assert_eq!(refused(world.ask(&mut first, &command.request_with(&right))), "stale_generation");
    // Another session of the same member was offered nothing.
    let mut other = world.member(HERE, 0);
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    assert_eq!(refused(world.ask(&mut other, &command.request_with(&right))), "invalid_code");
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    let (block, _) = accepted(world.ask(&mut first, &command.request_with(&right)));
    assert_eq!(
        accepted(world.ask(&mut first, &command.request_with(&wrong))),
        (block, true),
        "a known command"
    );

    // Another session needs a code of it before it replaces or ends it.
    world.wait(STEP);
    let (generation, next, _) = offer(&mut world, &mut other, false);
    let next = next.unwrap();
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    let right = with_code(&next.code_at(world.now.wall));
    assert_eq!(refused(world.ask(&mut other, &command.request_with(&right))), "second_factor_needed");
    assert_eq!(refused(submit(&mut world, &mut other, 0, &set(generation, true))), "second_factor_needed");
    assert!(give(&secret.code_at(world.now.wall), &mut world, &mut other).is_ok());
    let command = signed(&mut world, 0, member_key(0), &set(generation, false));
    accepted(world.ask(&mut other, &command.request_with(&right)));
    // What the one before had let its sessions do is over.
    assert_eq!(refused(submit(&mut world, &mut first, 0, &issue())), "second_factor_needed");
    accepted(submit(&mut world, &mut other, 0, &issue()));
    world.wait(STEP);
    assert_eq!(name_of(give(&secret.code_at(world.now.wall), &mut world, &mut first)), "invalid_code");
    accepted(submit(&mut world, &mut other, 0, &set(generation + 1, true)));
    accepted(submit(&mut world, &mut first, 0, &issue()));
}

#[test]
fn new_spare_codes_take_one_code_of_the_telephone_which_stays() {
    let mut world = world();
    let mut first = world.member(HERE, 0);
    let begin = Request::SecondFactorBegin { keep_secret: true };
    assert_eq!(refused(world.ask(&mut first, &begin)), "not_enrolled");
    let factor = enrol(&mut world, &mut first, 0);
    let mut other = world.member(HERE, 0);
    let (generation, none, spare) = offer(&mut world, &mut other, true);
    assert_eq!((generation, none), (2, None));
    // A spare code is none of the telephone, and a used code is none at all.
    for wrong in [factor.spare[0].to_text().to_string(), factor.code(&world)] {
        let command = signed(&mut world, 0, member_key(0), &set(generation, false));
        let side = with_code(&wrong);
        assert_eq!(refused(world.ask(&mut other, &command.request_with(&side))), "invalid_code");
    }
    world.wait(STEP);
    let (command, side) =
        (signed(&mut world, 0, member_key(0), &set(2, false)), with_code(&factor.code(&world)));
    accepted(world.ask(&mut other, &command.request_with(&side)));
    assert_eq!(name_of(give(&factor.spare[1].to_text(), &mut world, &mut first)), "invalid_code");
    assert!(give(&spare[0].to_text(), &mut world, &mut first).is_ok());
    world.wait(STEP);
    assert!(give(&factor.code(&world), &mut world, &mut first).is_ok());
}

#[test]
fn an_operator_ends_the_second_factor_of_another_who_enrols_again_before_acting() {
    let (mut world, mut operator, _, mut agent) = with_role(Role::Agent);
    enrol(&mut world, &mut agent, 1);
    accepted(submit(&mut world, &mut operator, 0, &reset(2)));
    (0..3).for_each(|_| world.exchange(&mut agent));
    assert!(!world.holds(agent.id), "its sessions end");
    let mut agent = world.member(HERE, 1);
    assert_eq!(refused(world.ask(&mut agent, &LOOK)), "second_factor_needed");
    enrol(&mut world, &mut agent, 1);
    assert!(matches!(world.ask(&mut agent, &LOOK), Reply::Journal(_)));
    let held = world.service.ledger().replica().state().second_factor(AccountId(2)).unwrap();
    assert_eq!(held.generation, 3, "one that an operator ended took a number, too");
}
