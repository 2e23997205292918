//! Passwords at the service: what a log-in tells and what it does not, what it is bound to, how often it may be tried, and what
//! comes beside a command.

use std::sync::LazyLock;
use std::time::Duration;

use ledgerd::chain::{CommandId, Header};
use ledgerd::codec;
use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::sealed::{ScopeKey, Sealed};
use ledgerd::crypto::{KeyKind, SigningKey};
use ledgerd::domain::accounts::{self, AddKey, CredentialVia, Custody, Join, SetCredential};
use ledgerd::domain::{AccountId, Command, CredentialCommit, Rights};
use ledgerd::limits::Limits;
use ledgerd::password::{
    Blob, ClientLogin, ClientRegistration, Credential, ExportKey, OpaqueError, OpaqueKey, RecoveryCode,
    VaultKey,
};
use ledgerd::wire::{Reply, Request, Side, SideCredential, Unlocked, in_sequences, put_together};

use crate::profile_service::{accepted, said, scope_of};
use crate::service_world::{Client, START_MS, Signed, World, refused};

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";
pub(crate) const E_MAIL: &str = "ash@pallet.example";
pub(crate) const PASSWORD: &str = "correct horse battery";

static ASH: LazyLock<SigningKey> = LazyLock::new(|| key_of("ash"));
static GARY: LazyLock<SigningKey> = LazyLock::new(|| key_of("gary"));

fn key_of(name: &str) -> SigningKey {
    SigningKey::generate(KeyKind::Rsa3072, &mut Seeded::new(name))
}

fn world() -> World {
    World::new(Limits::default(), |_| ())
}

/// Somebody who joins, or has joined.
pub(crate) struct Person {
    pub(crate) key: SigningKey,
    vault_key: VaultKey,
    pub(crate) code: RecoveryCode,
}

impl Person {
    pub(crate) fn ash(world: &mut World) -> Person {
        Person::new(world, &ASH)
    }

    fn gary(world: &mut World) -> Person {
        Person::new(world, &GARY)
    }

    fn new(world: &mut World, key: &SigningKey) -> Person {
        let key = key.clone();
        let (vault_key, code) = (VaultKey::generate(&mut world.rng), RecoveryCode::generate(&mut world.rng));
        Person { key, vault_key, code }
    }

    fn blob(&self, world: &World, export_key: &ExportKey) -> Blob {
        Blob::new(world.ledger_id(), &self.key, &self.vault_key, export_key, &self.code).unwrap()
    }
}

fn opaque(world: &World) -> OpaqueKey {
    *world.descriptor.opaque_key().unwrap()
}

/// Registers a password; the record, and what wraps.
fn register(
    world: &mut World,
    client: &mut Client,
    e_mail: &str,
    password: &str,
) -> Result<([u8; 192], ExportKey), String> {
    let (registration, request) = ClientRegistration::start(password, &mut world.rng).unwrap();
    let response = match world.ask(client, &Request::PasswordRegister { e_mail, request }) {
        Reply::PasswordResponse(response) => put_together(&response),
        other => return Err(refused(other)),
    };
    let (ledger_id, opaque) = (world.ledger_id(), opaque(world));
    let done = registration.finish(password, &response, (ledger_id, &opaque), &mut world.rng).unwrap();
    Ok((done.record, done.export_key))
}

fn beside(credential: &Credential, scope_key: Option<[u8; 32]>) -> Vec<u8> {
    let stretch = credential.stretch;
    let credential = SideCredential {
        opaque: credential.opaque,
        m_kib: stretch.m_kib,
        t: stretch.t,
        p: stretch.p,
        record: in_sequences(&credential.record),
        blob: credential.blob.as_bytes().to_vec().into(),
    };
    codec::encode(&Side { scope_key, credential: Some(credential), code: None })
}

/// The registration of somebody with a password that was registered, and what goes beside it.
fn joining(
    world: &World,
    person: &Person,
    handle: &str,
    e_mail: &str,
    (record, export_key): ([u8; 192], ExportKey),
) -> (Signed, Vec<u8>) {
    let (ledger_id, key_id) = (world.ledger_id(), person.key.public().key_id());
    let command_id = CommandId([handle.len() as u8; 16]);
    let (account, issued_at, tag) = (AccountId::NONE, START_MS + 1_000, accounts::JOIN);
    let header = Header { ledger_id, account, key_id, command_id, issued_at, tag };
    let (scope, key) = (header.opened_scope(), ScopeKey::from_bytes([5; 32]));
    let seal = |field, text| -> Sealed {
        key.leaf(&command_id.0, field).seal(&header.place(scope, field), text).unwrap()
    };
    let opaque = opaque(world);
    let credential = Credential::new(key_id, 1, &opaque, record, person.blob(world, &export_key));
    let join = Command::Accounts(accounts::Command::Join(Join {
        handle: handle.to_owned(),
        public_key: person.key.public().spki().to_vec(),
        custody: Custody::Roaming,
        scope_key: key.commitment(ledger_id, scope),
        name: seal(0, "Ash"),
        e_mail: seal(1, e_mail),
        commit: Some(credential.commit(ledger_id, &opaque.server_key)),
    }));
    let message = header.message(&join.encode().1);
    let signature = person.key.sign(&mut ledgerd::crypto::random::os(), &[&message]).to_vec();
    (Signed { message, signature }, beside(&credential, Some([5; 32])))
}

/// Joins from a network; the block.
pub(crate) fn join(world: &mut World, person: &Person, handle: &str, e_mail: &str, password: &str) -> u64 {
    let mut client = world.stranger(HERE);
    let registered = register(world, &mut client, e_mail, password).unwrap();
    let (signed, side) = joining(world, person, handle, e_mail, registered);
    accepted(world.ask(&mut client, &signed.request_with(&side))).0
}

/// What a log-in came to: the answer to its last message, and what unwraps.
pub(crate) fn log_in(
    world: &mut World,
    client: &mut Client,
    e_mail: &str,
    password: &str,
) -> Result<(Unlocked, ExportKey), Reply> {
    let exporter = client.session.exporter().unwrap().clone();
    let (login, ke1) = ClientLogin::start(password, &mut world.rng).unwrap();
    let ke2 = match world.ask(client, &Request::PasswordStart { e_mail, ke1: in_sequences(&ke1) }) {
        Reply::LoginChallenge(ke2) => put_together(&ke2),
        other => return Err(other),
    };
    let (ledger_id, opaque) = (world.ledger_id(), opaque(world));
    let done = login.finish(password, &ke2, (ledger_id, &opaque), &exporter, &mut world.rng);
    // Whoever has the wrong password says something all the same.
    let ke3 = done.as_ref().map_or([7; 64], |done| done.ke3);
    match world.ask(client, &Request::PasswordFinish { ke3: in_sequences(&ke3) }) {
        Reply::Unlocked(unlocked) => Ok((*unlocked, done.unwrap().export_key)),
        other => Err(other),
    }
}

/// The same over a channel of its own.
pub(crate) fn log_in_from(
    world: &mut World,
    from: &str,
    e_mail: &str,
    password: &str,
) -> Result<(Unlocked, ExportKey), Reply> {
    let mut client = world.stranger(from);
    log_in(world, &mut client, e_mail, password)
}

#[test]
fn whoever_has_joined_logs_in_and_gets_the_key_back_and_nobody_else_learns_whether_an_address_is_known() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    let block = join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    let (unlocked, export_key) = log_in_from(&mut world, HERE, "Ash@Pallet.Example", PASSWORD).unwrap();
    assert_eq!((unlocked.account, unlocked.epoch), (AccountId(4), 1));
    let blob = Blob::from_bytes(unlocked.blob.to_vec()).unwrap();
    let (key, _) = blob.open_by_password(world.ledger_id(), unlocked.key_id, &export_key).unwrap();
    assert_eq!(key.public(), ash.key.public());
    let shown = ledgerd::chain::Block::parse(&unlocked.block).unwrap();
    assert_eq!(shown.index, block);
    // A wrong password and an unknown address are told the same, in the same bytes.
    let wrong = log_in_from(&mut world, HERE, E_MAIL, "correct house battery").unwrap_err();
    let unknown = log_in_from(&mut world, HERE, "nobody@pallet.example", PASSWORD).unwrap_err();
    assert_eq!(codec::encode(&wrong), codec::encode(&unknown));
    assert_eq!(refused(wrong), "invalid_login");
    // So is whoever recovers with a wrong code, or for nobody.
    let shown = *ash.code.secrets().shown;
    let mut stranger = world.stranger(HERE);
    for (e_mail, shown) in [(E_MAIL, [1; 32]), ("nobody@pallet.example", shown)] {
        let reply = world.ask(&mut stranger, &Request::Recover { e_mail, shown });
        assert_eq!(codec::encode(&reply), codec::encode(&unknown), "{e_mail}");
    }
    let Reply::Unlocked(unlocked) = world.ask(&mut stranger, &Request::Recover { e_mail: E_MAIL, shown })
    else {
        panic!("the right code is refused")
    };
    let (key, _) = blob.open_by_code(world.ledger_id(), unlocked.key_id, &ash.code).unwrap();
    assert_eq!(key.public(), ash.key.public());
}

#[test]
fn a_log_in_is_bound_to_its_channel_and_happens_on_an_anonymous_one() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    // Somebody in between has a channel of its own with the server, and passes everything on.
    let mut between = world.stranger(HERE);
    let (victim, ke1) = ClientLogin::start(PASSWORD, &mut world.rng).unwrap();
    let start = Request::PasswordStart { e_mail: E_MAIL, ke1: in_sequences(&ke1) };
    let Reply::LoginChallenge(ke2) = world.ask(&mut between, &start) else { panic!("no challenge") };
    let (ledger_id, opaque) = (world.ledger_id(), opaque(&world));
    let done = victim.finish(PASSWORD, &put_together(&ke2), (ledger_id, &opaque), &[9; 32], &mut world.rng);
    assert_eq!(done.err(), Some(OpaqueError::NotRight));
    // A proof without a challenge proves nothing.
    let finish = Request::PasswordFinish { ke3: [[0; 32]; 2] };
    let mut other = world.stranger(HERE);
    assert_eq!(refused(world.ask(&mut other, &finish)), "invalid_login");
    // Nor does a member log in over its session.
    let mut member = world.member(HERE, 0);
    assert!(member.session.exporter().is_none());
    assert_eq!(refused(world.ask(&mut member, &start)), "no_permission");
    assert!(between.session.exporter().is_some());
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_evaluated() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    world.helpers_wait = true;
    for number in 0..20 {
        world.wait(Duration::from_secs(200));
        let mut stranger = {
            world.helpers_wait = false;
            let stranger = world.stranger(&format!("203.0.{number}.1"));
            world.helpers_wait = true;
            stranger
        };
        let refusal = register(&mut world, &mut stranger, E_MAIL, PASSWORD).unwrap_err();
        assert_eq!(refusal, "email_taken");
    }
    assert!(world.jobs.is_empty(), "something was evaluated");
}

#[test]
fn of_two_who_join_with_one_address_the_second_is_refused_whoever_registered_first() {
    let mut world = world();
    let (ash, gary) = (Person::ash(&mut world), Person::gary(&mut world));
    let (mut first, mut second) = (world.stranger(HERE), world.stranger(ELSEWHERE));
    let of_ash = register(&mut world, &mut first, E_MAIL, PASSWORD).unwrap();
    let of_gary = register(&mut world, &mut second, E_MAIL, "quite another password").unwrap();
    let (signed, side) = joining(&world, &gary, "m-gary", E_MAIL, of_gary);
    accepted(world.ask(&mut second, &signed.request_with(&side)));
    let (signed, side) = joining(&world, &ash, "m-ash", E_MAIL, of_ash);
    assert_eq!(refused(world.ask(&mut first, &signed.request_with(&side))), "email_taken");
}

#[test]
fn what_comes_beside_a_registration_is_what_it_says_or_it_is_refused() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    let mut client = world.stranger(HERE);
    let registered = register(&mut world, &mut client, E_MAIL, PASSWORD).unwrap();
    let (signed, good) = joining(&world, &ash, "m-ash", E_MAIL, registered);
    let side: Side = codec::strict(&good).unwrap();
    let credential = side.credential.clone().unwrap();
    let with = |credential: Option<SideCredential>| {
        codec::encode(&Side { scope_key: side.scope_key, credential, code: None })
    };
    let mut record = credential.record;
    record[0][0] ^= 1;
    let mut blob = credential.blob.clone();
    blob[300] ^= 1;
    let mismatched = [
        SideCredential { record, ..credential.clone() },
        SideCredential { blob, ..credential.clone() },
        SideCredential { t: 9, ..credential.clone() },
        SideCredential { opaque: 2, ..credential.clone() },
        SideCredential { blob: vec![1; 10].into(), ..credential.clone() },
    ];
    assert_eq!(refused(world.ask(&mut client, &signed.request_with(&with(None)))), "malformed_command");
    for (number, other) in (1..).zip(mismatched) {
        // A refusal by a guard sticks to the very copy: each is issued at another time.
        let mut header = ledgerd::chain::Message::parse(&signed.message).unwrap().header;
        header.issued_at += number;
        let message = header.message(ledgerd::chain::Message::parse(&signed.message).unwrap().body);
        let signature = ash.key.sign(&mut world.rng, &[&message]).to_vec();
        let copy = Signed { message, signature };
        let mut client = world.stranger(ELSEWHERE);
        let reply = world.ask(&mut client, &copy.request_with(&with(Some(other))));
        assert_eq!(refused(reply), "side_mismatch", "{number}");
    }
    let (block, _) = accepted(world.ask(&mut client, &signed.request_with(&good)));
    // What is known is answered whatever stands beside it.
    assert_eq!(accepted(world.ask(&mut client, &signed.request_with(&with(None)))), (block, true));
    // So it is to whoever has the command from a receipt, and what this one puts beside it is kept by nobody.
    let other = SideCredential { t: 9, ..credential.clone() };
    let mut stranger = world.stranger(ELSEWHERE);
    let again = world.ask(&mut stranger, &signed.request_with(&with(Some(other))));
    assert_eq!(accepted(again), (block, true));
    assert!(log_in_from(&mut world, HERE, E_MAIL, PASSWORD).is_ok(), "another password is kept");
    // And a command that needs none has none.
    let mut member = world.member(HERE, 0);
    let pay = world.payment(0, 1);
    let unwanted = codec::encode(&Side { credential: Some(credential), ..Side::default() });
    assert_eq!(refused(world.ask(&mut member, &pay.request_with(&unwanted))), "malformed_command");
}

#[test]
fn another_password_counts_from_its_block_on_and_ends_all_other_sessions() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    let (unlocked, _) = log_in_from(&mut world, HERE, E_MAIL, PASSWORD).unwrap();
    let (mut session, mut other) =
        (world.member_by(HERE, 3, &ash.key), world.member_by(ELSEWHERE, 3, &ash.key));
    let new = "another long password";
    let (record, export_key) = register(&mut world, &mut session, E_MAIL, new).unwrap();
    let blob = Blob::from_bytes(unlocked.blob.to_vec()).unwrap();
    let (key_id, ledger_id, opaque) = (unlocked.key_id, world.ledger_id(), opaque(&world));
    let blob = blob.with_password((ledger_id, key_id), &ash.vault_key, &export_key);
    let credential = Credential::new(key_id, 2, &opaque, record, blob);
    let commit = credential.commit(ledger_id, &opaque.server_key);
    let set = SetCredential { key_id, epoch: 2, commit, via: CredentialVia::Password };
    let command = Command::Accounts(accounts::Command::SetCredential(set));
    let signed = world.command_by(3, &ash.key, &command);
    accepted(world.ask(&mut session, &signed.request_with(&beside(&credential, None))));
    for _ in 0..4 {
        world.exchange(&mut other);
    }
    assert!(!other.is_open, "the other session goes on");
    assert!(matches!(world.ask(&mut session, &Request::Whoami), Reply::Whoami(_)), "this one ended");
    assert!(log_in_from(&mut world, HERE, E_MAIL, PASSWORD).is_err(), "the old password still counts");
    let (unlocked, _) = log_in_from(&mut world, HERE, E_MAIL, new).unwrap();
    assert_eq!(unlocked.epoch, 2);
    // A member may register the address of nobody else.
    let mut member = world.member(HERE, 0);
    assert_eq!(register(&mut world, &mut member, E_MAIL, new).unwrap_err(), "email_taken");
}

#[test]
fn a_first_password_that_comes_in_one_batch_with_the_profile_it_is_for_is_in_the_vault() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    let mut member = world.member(HERE, 0);
    let (record, export_key) = register(&mut world, &mut member, E_MAIL, PASSWORD).unwrap();
    let profile = said(&world, 0, None, &ScopeKey::from_bytes([5; 32]), ["Ash", E_MAIL]);
    let profile = world.command(0, START_MS + 1_000, &profile, true);
    let (ledger_id, key_id, opaque) = (world.ledger_id(), ash.key.public().key_id(), opaque(&world));
    let credential = Credential::new(key_id, 1, &opaque, record, ash.blob(&world, &export_key));
    let commit = credential.commit(ledger_id, &opaque.server_key);
    let proof = accounts::key_proof_bytes(ledger_id, AccountId(1), &key_id);
    let add = Command::Accounts(accounts::Command::AddKey(AddKey {
        spki: ash.key.public().spki().to_vec(),
        custody: Custody::Roaming,
        rights: Rights::Full,
        label: "roaming".to_owned(),
        proof: ash.key.sign(&mut ledgerd::crypto::random::os(), &[&proof]).to_vec(),
        credential: Some(CredentialCommit { epoch: 1, commit }),
    }));
    let add = world.command(0, START_MS + 1_000, &add, true);
    let side = codec::encode(&Side { scope_key: Some([5; 32]), ..Side::default() });
    let before = world.service.ledger().committed().size;
    world.send(&mut member, 7, &profile.request_with(&side));
    world.send(&mut member, 8, &add.request_with(&beside(&credential, None)));
    while member.replies.len() < 2 {
        let size = world.service.ledger().committed().size;
        assert!(size == before || size == before + 2, "the commands came in two batches");
        world.exchange(&mut member);
    }
    assert_eq!(world.service.ledger().committed().size, before + 2);
    let (unlocked, _) = log_in_from(&mut world, HERE, E_MAIL, PASSWORD).unwrap();
    assert_eq!((unlocked.epoch, unlocked.key_id), (1, key_id));
}

#[test]
fn an_address_that_is_taken_is_so_for_a_profile_whose_scope_is_opened_in_the_same_batch() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    let mut member = world.member(HERE, 0);
    let (key, scope) = (ScopeKey::from_bytes([5; 32]), scope_of(&world, 0, world.next_id()));
    let opening = said(&world, 0, None, &key, ["Gary", "gary@pallet.example"]);
    let opening = world.command(0, START_MS + 1_000, &opening, true);
    let next = said(&world, 0, Some(scope), &key, ["Gary", E_MAIL]);
    let next = world.command(0, START_MS + 1_000, &next, true);
    let side = codec::encode(&Side { scope_key: Some([5; 32]), ..Side::default() });
    world.send(&mut member, 7, &opening.request_with(&side));
    world.send(&mut member, 8, &next.request());
    while member.replies.len() < 2 {
        world.exchange(&mut member);
    }
    let replies: Vec<Reply> = member.replies.drain(..).map(|(_, reply)| reply).collect();
    let [first, second] = <[Reply; 2]>::try_from(replies).unwrap();
    accepted(first);
    assert_eq!(refused(second), "email_taken");
}

#[test]
fn guesses_are_slowed_down_the_same_for_known_and_unknown_addresses_and_right_ones_are_not() {
    let mut world = world();
    let ash = Person::ash(&mut world);
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    for _ in 0..12 {
        log_in_from(&mut world, HERE, E_MAIL, PASSWORD).unwrap();
    }
    for e_mail in [E_MAIL, "nobody@pallet.example"] {
        for _ in 0..5 {
            let refusal = log_in_from(&mut world, HERE, e_mail, "wrong").unwrap_err();
            assert_eq!(refused(refusal), "invalid_login", "{e_mail}");
        }
        let Err(Reply::Refused(refusal)) = log_in_from(&mut world, HERE, e_mail, PASSWORD) else {
            panic!("{e_mail}: the sixth try is taken")
        };
        assert_eq!(refusal.name, "try_later");
        assert_eq!(refusal.number(ledgerd::domain::Fact::Seconds), Some(180), "{e_mail}");
    }
    assert!(log_in_from(&mut world, ELSEWHERE, E_MAIL, PASSWORD).is_ok(), "another network waits as well");
    world.wait(Duration::from_secs(180));
    assert!(log_in_from(&mut world, HERE, E_MAIL, PASSWORD).is_ok());
}

#[test]
fn a_session_that_joins_or_logs_in_lasts_longer_and_says_more_and_still_ends() {
    let mut world = world();
    let mut stranger = world.stranger(HERE);
    assert!(log_in(&mut world, &mut stranger, E_MAIL, PASSWORD).is_err());
    world.wait(Duration::from_secs(60));
    world.exchange(&mut stranger);
    assert!(stranger.is_open, "a person takes longer than 30 seconds to type");
    for _ in 0..10 {
        assert!(matches!(world.ask(&mut stranger, &Request::Checkpoint), Reply::Checkpoint(_)));
    }
    world.send(&mut stranger, 13, &Request::Checkpoint);
    for _ in 0..4 {
        world.exchange(&mut stranger);
    }
    assert!(!stranger.is_open, "the thirteenth message is answered");
    let mut stranger = world.stranger(HERE);
    assert!(log_in(&mut world, &mut stranger, E_MAIL, PASSWORD).is_err());
    world.wait(Duration::from_secs(121));
    for _ in 0..4 {
        world.exchange(&mut stranger);
    }
    assert!(world.closed.contains(&stranger.id), "it is still there after two minutes");
}

#[test]
fn an_erased_account_has_no_password_and_its_address_is_free() {
    let mut world = world();
    let (ash, gary) = (Person::ash(&mut world), Person::gary(&mut world));
    join(&mut world, &ash, "m-ash", E_MAIL, PASSWORD);
    let mut session = world.member_by(HERE, 3, &ash.key);
    let erase =
        accounts::Erase { account: AccountId(4), reason: accounts::EraseReason::OwnWish, force: false };
    let command = Command::Accounts(accounts::Command::Erase(erase));
    // What every new account is given stands in the way.
    let pay = ledgerd::domain::payments::Payment {
        to: AccountId(1),
        amount: crate::service_world::GRANT as i64,
        memo: String::new(),
    };
    let pay = ledgerd::domain::payments::Command::Pay(ledgerd::domain::payments::Pay { payments: vec![pay] });
    let paid = world.command_by(3, &ash.key, &Command::Payments(pay));
    accepted(world.submit(&mut session, &paid));
    let signed = world.command_by(3, &ash.key, &command);
    accepted(world.submit(&mut session, &signed));
    let refusal = log_in_from(&mut world, HERE, E_MAIL, PASSWORD).unwrap_err();
    assert_eq!(refused(refusal), "invalid_login");
    join(&mut world, &gary, "m-gary", E_MAIL, "quite another password");
    assert!(log_in_from(&mut world, HERE, E_MAIL, "quite another password").is_ok());
}
