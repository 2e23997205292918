//! The shop at the service: what an agent may do and see only with a second factor, what everybody sees, whose consent is taken,
//! and who is handed its blocks.

use ledgerd::domain::accounts::Role;
use ledgerd::domain::shop::{
    self, Answer, ItemId, ItemsWanted, LoadStock, LoadedItem, OpenShop, Page, Query, ShopFace,
};
use ledgerd::domain::{self, AccountId, Command};
use ledgerd::wire::{Followed, Push, Reply, Request};

use crate::profile_service::accepted;
use crate::second_factor_service::{enrol, submit, with_role};
use crate::service_world::{Client, World, refused};

const THERE: &str = "198.51.100.1";

fn open(till: u64) -> Command {
    let open = OpenShop { till: AccountId(till), consent: None, settings: vec![(6, 0)] };
    Command::Shop(shop::Command::OpenShop(open))
}

fn load(lines: u64) -> Command {
    let line = |number: u64| LoadedItem { name: format!("Card {number:05}"), n: number + 1, price: Some(9) };
    let load = LoadStock { items: (0..lines).map(line).collect(), publish: true };
    Command::Shop(shop::Command::LoadStock(load))
}

fn asked<'a>(query: Query<'a>) -> Request<'a> {
    Request::Ask(domain::Query::Shop(query))
}

fn answer(world: &mut World, client: &mut Client, query: Query<'_>) -> Answer {
    match world.ask(client, &asked(query)) {
        Reply::Answer(domain::Answer::Shop(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

fn wanted(name_part: &str, from: u64) -> ItemsWanted<'_> {
    ItemsWanted { name_part, from: ItemId(from) }
}

#[test]
fn an_agent_keeps_and_sees_the_stock_with_a_second_factor_and_everybody_sees_what_is_sold() {
    let (mut world, mut operator, _, mut agent) = with_role(Role::Agent);
    let mut carl = world.member(THERE, 2);
    let items = asked(Query::Items(wanted("", 1)));
    let stock = asked(Query::Stock(wanted("", 1)));
    for question in [&items, &asked(Query::Shop)] {
        assert_eq!(refused(world.ask(&mut carl, question)), "no_shop");
    }
    assert_eq!(refused(submit(&mut world, &mut carl, 2, &open(3))), "no_permission");
    let mut elsewhere = world.member(THERE, 0);
    assert_eq!(refused(submit(&mut world, &mut elsewhere, 0, &open(1))), "second_factor_needed");
    accepted(submit(&mut world, &mut operator, 0, &open(1)));
    assert_eq!(refused(submit(&mut world, &mut agent, 1, &load(1))), "second_factor_needed");
    assert_eq!(refused(world.ask(&mut agent, &stock)), "second_factor_needed");
    assert!(matches!(answer(&mut world, &mut agent, Query::Items(wanted("", 1))), Answer::Items(_)));
    enrol(&mut world, &mut agent, 1);
    accepted(submit(&mut world, &mut agent, 1, &load(2)));
    assert_eq!(refused(submit(&mut world, &mut operator, 0, &load(1))), "no_permission");
    assert_eq!(refused(world.ask(&mut operator, &stock)), "no_permission");
    assert_eq!(refused(world.ask(&mut carl, &stock)), "no_permission");
    let Answer::Items(Page { items, next: None }) =
        answer(&mut world, &mut carl, Query::Items(wanted("CARD 00001", 1)))
    else {
        panic!("a page");
    };
    assert_eq!(items.iter().map(|item| (item.item.0, item.listed)).collect::<Vec<_>>(), [(2, 2)]);
    let Answer::Shop(ShopFace { till, settings, items, .. }) = answer(&mut world, &mut carl, Query::Shop)
    else {
        panic!("the shop");
    };
    assert_eq!((till, settings, items), (Some(AccountId(1)), 0, 2));
}

#[test]
fn a_large_stock_comes_in_pages_and_each_item_once() {
    let (mut world, mut operator, _, mut agent) = with_role(Role::Agent);
    accepted(submit(&mut world, &mut operator, 0, &open(1)));
    enrol(&mut world, &mut agent, 1);
    accepted(submit(&mut world, &mut agent, 1, &load(3_000)));
    for (part, count) in [("", 3_000), ("card 02", 1_000), ("9", 813), ("no such", 0)] {
        let (mut numbers, mut from, mut pages) = (Vec::new(), Some(ItemId(1)), 0);
        while let Some(first) = from {
            let Answer::Stock(page) = answer(&mut world, &mut agent, Query::Stock(wanted(part, first.0)))
            else {
                panic!("a page");
            };
            numbers.extend(page.items.iter().map(|item| item.item.0));
            (from, pages) = (page.next, pages + 1);
        }
        assert_eq!((numbers.len(), pages), (count, 3), "{part:?}");
        assert!(numbers.is_sorted_by(|a, b| a < b), "{part:?}");
    }
    for (from, count) in [(0, 1_024), (3_000, 1), (3_001, 0), (u64::MAX - 1, 0), (u64::MAX, 0)] {
        let Answer::Stock(page) = answer(&mut world, &mut agent, Query::Stock(wanted("", from))) else {
            panic!("a page");
        };
        assert_eq!(page.items.len(), count, "from {from}");
    }
    let long = "x".repeat(65);
    let Answer::Items(page) = answer(&mut world, &mut agent, Query::Items(wanted(&long, 1))) else {
        panic!("a page");
    };
    assert_eq!(page, Page { items: Vec::new(), next: None }, "no name is so long");
}

#[test]
fn an_agent_is_handed_the_blocks_of_the_shop_and_no_others_of_other_members() {
    let (mut world, mut operator, _, mut agent) = with_role(Role::Agent);
    accepted(submit(&mut world, &mut operator, 0, &open(1)));
    let payment = world.payment(0, 1);
    accepted(world.submit(&mut operator, &payment));
    enrol(&mut world, &mut agent, 1);
    agent.replies.clear();
    world.send(&mut agent, 7, &Request::Follow { from: 0, of: Followed::Readable });
    (0..6).for_each(|_| world.exchange(&mut agent));
    let mut kinds = Vec::new();
    for (_, reply) in agent.replies.drain(..) {
        let Reply::Push(Push::Blocks(pushed)) = reply else { continue };
        for block in &pushed.blocks {
            let block = ledgerd::chain::Block::parse(block).unwrap();
            // Genesis is everybody's.
            let Ok(message) = ledgerd::chain::Message::parse(block.message) else { continue };
            if block.author != AccountId(2) {
                kinds.push(message.header.tag.kind);
            }
        }
    }
    assert_eq!(kinds, [shop::OPEN_SHOP.kind]);
}
