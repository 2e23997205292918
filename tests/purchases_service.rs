//! Purchases at the service: what an agent may ask and do with a second factor only, who is given the key of an address, and who
//! reads the block that holds it.

use ledgerd::crypto::sealed::{Place, ScopeId, ScopeKey};
use ledgerd::domain::accounts::Role;
use ledgerd::domain::shop::purchases::{
    self, Buy, Cancel, ConfirmShipment, PurchaseId, PurchaseState, PurchasesWanted, Ship, Wanted,
};
use ledgerd::domain::shop::{self, Answer, ItemId, LoadStock, LoadedItem, OpenShop, Query};
use ledgerd::domain::{self, AccountId, Command, ScopeUse, SealedText};
use ledgerd::wire::{ReceiptOf, Reply, Request, ScopeKeys};

use crate::profile_service::{accepted, key, scope_of, side, submit as submit_with};
use crate::second_factor_service::{enrol, submit, with_role};
use crate::service_world::{Client, START_MS, World, refused};

const THERE: &str = "198.51.100.1";

const CARL: usize = 2;

/// The purchase of this file.
const PURCHASE: PurchaseId = PurchaseId(1);

fn in_shop(command: purchases::Command) -> Command {
    Command::Shop(shop::Command::Purchases(command))
}

fn asked(query: Query<'static>) -> Request<'static> {
    Request::Ask(domain::Query::Shop(query))
}

/// A text of a member's next command, sealed in the scope that this command opens.
fn text(world: &World, member: usize, key: &ScopeKey) -> (ScopeId, SealedText) {
    let (id, ledger_id) = (world.next_id(), world.ledger_id());
    let scope = scope_of(world, member, id);
    let place = Place { ledger_id, author: member as u64 + 1, scope, command_id: id.0, field: 0 };
    let text = key.leaf(&id.0, 0).seal(&place, "1 Quiet Lane").unwrap();
    (scope, SealedText { scope: ScopeUse::Open(key.commitment(ledger_id, scope)), text })
}

/// What carl has bought may be sent to an address. The index of that block, the scope of the address, and its key.
struct Sent {
    block: u64,
    scope: ScopeId,
    key: ScopeKey,
}

/// A shop in which carl has bought something: the operator, the agent with a second factor, and carl.
fn with_a_purchase() -> (World, [Client; 3], Sent) {
    let (mut world, mut operator, _, mut agent) = with_role(Role::Agent);
    let open = OpenShop { till: AccountId(1), consent: None, settings: vec![(6, 0)] };
    let open = Command::Shop(shop::Command::OpenShop(open));
    accepted(submit(&mut world, &mut operator, 0, &open));
    enrol(&mut world, &mut agent, 1);
    let items = vec![LoadedItem { name: "Mew".to_owned(), n: 5, price: Some(1) }];
    let load = Command::Shop(shop::Command::LoadStock(LoadStock { items, publish: true }));
    accepted(submit(&mut world, &mut agent, 1, &load));
    let mut carl = world.member(THERE, CARL);
    let lines = vec![Wanted { item: ItemId(1), n: 2, max_price: 1 }];
    accepted(submit(&mut world, &mut carl, CARL, &in_shop(purchases::Command::Buy(Buy { lines }))));
    let (scope, address) = text(&world, CARL, &key(7));
    let confirm = ConfirmShipment { purchase: PURCHASE, address: Some(address) };
    let confirm = in_shop(purchases::Command::ConfirmShipment(confirm));
    let signed = world.command(CARL, START_MS + 1_000, &confirm, true);
    assert_eq!(refused(submit_with(&mut world, &mut carl, &signed, &side(&key(8)))), "side_mismatch");
    let (scope_again, address) = text(&world, CARL, &key(7));
    assert_ne!(scope, scope_again, "another command opens another scope");
    let confirm = ConfirmShipment { purchase: PURCHASE, address: Some(address) };
    let confirm = in_shop(purchases::Command::ConfirmShipment(confirm));
    let signed = world.command(CARL, START_MS + 1_000, &confirm, true);
    let (block, _) = accepted(submit_with(&mut world, &mut carl, &signed, &side(&key(7))));
    (world, [operator, agent, carl], Sent { block, scope: scope_again, key: key(7) })
}

fn is_told(reply: Reply) -> bool {
    match reply {
        Reply::Answer(domain::Answer::Shop(Answer::Purchase(face))) => {
            face.purchase == PURCHASE && face.state == PurchaseState::Confirmed && face.held == 2
        }
        _ => false,
    }
}

#[test]
fn an_agent_deals_with_purchases_of_others_with_a_second_factor_only() {
    let (mut world, [_, mut agent, mut carl], Sent { block, scope, key }) = with_a_purchase();
    let one = asked(Query::Purchase(PURCHASE));
    let all = asked(Query::Purchases(PurchasesWanted { customer: None, from: PurchaseId(1) }));
    let keys = Request::ScopeKeys(vec![scope]);
    let receipt = Request::Receipt(ReceiptOf::Block(block));
    assert!(is_told(world.ask(&mut carl, &one)), "one's own needs none");
    let given = Reply::ScopeKeys(ScopeKeys(vec![*key.as_bytes()]));
    assert_eq!(world.ask(&mut carl, &keys), given);
    let mut elsewhere = world.member(THERE, 1);
    for question in [&one, &all, &keys, &receipt] {
        assert_eq!(refused(world.ask(&mut elsewhere, question)), "second_factor_needed", "{question:?}");
    }
    let cancel = || in_shop(purchases::Command::Cancel(Cancel { purchase: PURCHASE, lines: None }));
    assert_eq!(refused(submit(&mut world, &mut elsewhere, 1, &cancel())), "second_factor_needed");
    assert!(is_told(world.ask(&mut agent, &one)));
    assert_eq!(world.ask(&mut agent, &keys), given);
    assert!(matches!(world.ask(&mut agent, &receipt), Reply::Receipt(_)));
    // The first text has opened the scope; the next one is sealed in it.
    let (_, tracking) = text(&world, 1, &key);
    let ship = Ship { purchase: PURCHASE, found: false, tracking: Some(tracking) };
    let ship = in_shop(purchases::Command::Ship(ship));
    let signed = world.command(1, START_MS + 1_000, &ship, true);
    assert_eq!(refused(submit_with(&mut world, &mut agent, &signed, &side(&key))), "wrong_scope");
    accepted(submit(&mut world, &mut agent, 1, &cancel()));
}

#[test]
fn whoever_is_neither_the_customer_nor_an_agent_learns_nothing_of_a_purchase() {
    let (mut world, [mut operator, _, _], Sent { scope, .. }) = with_a_purchase();
    for purchase in [PURCHASE, PurchaseId(9)] {
        assert_eq!(refused(world.ask(&mut operator, &asked(Query::Purchase(purchase)))), "no_such_purchase");
        let cancel = in_shop(purchases::Command::Cancel(Cancel { purchase, lines: None }));
        assert_eq!(refused(submit(&mut world, &mut operator, 0, &cancel)), "no_such_purchase");
    }
    for customer in [None, Some(AccountId(3)), Some(AccountId(9))] {
        let wanted = PurchasesWanted { customer, from: PurchaseId(1) };
        assert_eq!(refused(world.ask(&mut operator, &asked(Query::Purchases(wanted)))), "no_permission");
    }
    assert_eq!(refused(world.ask(&mut operator, &Request::ScopeKeys(vec![scope]))), "no_such_scope");
}
