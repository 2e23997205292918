//! Every command and event of every domain: encodings, pairs, and what may be asked of them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::crypto::sealed::Sealed;
use crate::crypto::{KeyId, LedgerId};
use crate::limits::{ERASED_PURCHASES_MAX, EVENT_BODY_BYTES_MAX};

/// One of each command.
fn commands() -> Vec<Command> {
    let of_the_shop = shop::examples::examples().into_iter().map(|example| example.command);
    older_commands().into_iter().chain(of_the_shop).collect()
}

/// Those of the domains that have no examples of their own.
fn older_commands() -> Vec<Command> {
    let old = orders::v1::Order {
        operation: orders::Operation::Buy,
        stock_name: orders::v1::StockName::new("AAPL").unwrap(),
        quantity: 300,
        price: Some(orders::v1::Price {
            ten_thousandths: 125_000,
            currency: Some(orders::v1::Currency(*b"USD")),
        }),
    };
    let order = orders::Order {
        operation: orders::Operation::Buy,
        stock_name: orders::StockName::new("AAPL").unwrap(),
        quantity: 300.into(),
        price: Some(orders::Price {
            amount: orders::Decimal::new(125, 1).unwrap(),
            currency: orders::Currency::new("USD").ok(),
        }),
    };
    let register = accounts::Register { handle: "alice".to_owned(), public_key: vec![1; 422] };
    let place_v1 = orders::v1::PlaceOrders { orders: vec![old, orders::v1::Order { price: None, ..old }] };
    let place = orders::PlaceOrders { orders: vec![order, orders::Order { price: None, ..order }] };
    vec![
        Command::Accounts(accounts::Command::Register(register)),
        Command::Orders(orders::Command::PlaceOrdersV1(place_v1)),
        Command::Orders(orders::Command::PlaceOrders(place)),
        Command::Accounts(accounts::Command::GrantRole(accounts::GrantRole {
            account: AccountId(300),
            role: accounts::Role::Operator,
        })),
        Command::Accounts(accounts::Command::RevokeRole(accounts::RevokeRole {
            account: AccountId(300),
            role: accounts::Role::Operator,
        })),
        Command::Payments(payments::Command::Pay(payments::Pay {
            payments: vec![payments::Payment { to: AccountId(300), amount: 150, memo: "tea".to_owned() }],
        })),
        Command::Payments(payments::Command::Issue(payments::Issue { to: AccountId(2), amount: -1 })),
        Command::Payments(payments::Command::Settle(payments::Settle {
            cheque: payments::Cheque {
                ledger_id: LedgerId([1; 32]),
                payer: AccountId(2),
                key_id: KeyId([3; 32]),
                cheque_id: payments::ChequeId([4; 16]),
                payee: AccountId(5),
                amount: 6,
                expires_ms: 7,
                memo: "tea".to_owned(),
            },
            signature: vec![8; 384],
        })),
        Command::Payments(payments::Command::RevokeCheque(payments::RevokeCheque {
            cheque_id: payments::ChequeId([4; 16]),
        })),
        Command::Accounts(accounts::Command::VouchClock(accounts::VouchClock { time_ms: 300 })),
        Command::Accounts(accounts::Command::AddKey(accounts::AddKey {
            spki: vec![1; 44],
            custody: accounts::Custody::Device,
            rights: accounts::Rights::Act,
            label: "phone".to_owned(),
            proof: vec![2; 64],
            credential: None,
        })),
        Command::Accounts(accounts::Command::SetProfile(accounts::SetProfile {
            scope: ScopeUse::Open([5; 32]),
            name: Sealed { commit: [6; 32], text: vec![7; 48] },
            e_mail: Sealed { commit: [8; 32], text: vec![9; 80] },
            credential: None,
        })),
        Command::Accounts(accounts::Command::Erase(accounts::Erase {
            account: AccountId(300),
            reason: accounts::EraseReason::Law,
            force: true,
        })),
        Command::Accounts(accounts::Command::EndKey(accounts::EndKey { key_id: KeyId([3; 32]) })),
        Command::Accounts(accounts::Command::RotateKey(accounts::RotateKey {
            spki: vec![1; 422],
            custody: accounts::Custody::Roaming,
            label: "new".to_owned(),
            proof: vec![2; 384],
            ends: KeyId([3; 32]),
            credential: Some(accounts::CredentialCommit { epoch: 300, commit: [4; 32] }),
        })),
        Command::Accounts(accounts::Command::SetCredential(accounts::SetCredential {
            key_id: KeyId([3; 32]),
            epoch: 300,
            commit: [4; 32],
            via: accounts::CredentialVia::Recovery,
        })),
        Command::Accounts(accounts::Command::Join(accounts::Join {
            handle: "m-0a1b2c3d".to_owned(),
            public_key: vec![1; 422],
            custody: accounts::Custody::Roaming,
            scope_key: [5; 32],
            name: Sealed { commit: [6; 32], text: vec![7; 48] },
            e_mail: Sealed { commit: [8; 32], text: vec![9; 80] },
            commit: Some([4; 32]),
        })),
        Command::Payments(payments::Command::PayOut(payments::PayOut {
            account: AccountId(300),
            to: AccountId(2),
            amount: 150,
            reason: payments::PayOutReason::Law,
        })),
        Command::Accounts(accounts::Command::SetSecondFactor(accounts::SetSecondFactor {
            generation: 300,
            off: true,
        })),
        Command::Accounts(accounts::Command::ResetSecondFactor(accounts::ResetSecondFactor {
            account: AccountId(300),
            reason: accounts::ResetReason::Vault,
        })),
    ]
}

/// One of each event.
fn events() -> Vec<Event> {
    let of_the_shop = shop::examples::examples().into_iter().map(|example| example.event);
    older_events().into_iter().chain(of_the_shop).collect()
}

fn older_events() -> Vec<Event> {
    vec![
        Event::Accounts(accounts::Event::Registered(accounts::Registered { account: AccountId(300) })),
        Event::Orders(orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: 300 })),
        Event::Accounts(accounts::Event::RoleGranted(accounts::RoleGranted { holders: 300 })),
        Event::Accounts(accounts::Event::RoleRevoked(accounts::RoleRevoked { holders: 1 })),
        Event::Payments(payments::Event::Paid(payments::Paid { balance: 300 })),
        Event::Payments(payments::Event::Issued(payments::Issued { balance: 300 })),
        Event::Payments(payments::Event::Settled(payments::Settled { settlement: 300 })),
        Event::Payments(payments::Event::ChequeRevoked(payments::ChequeRevoked { revocation: 0 })),
        Event::Accounts(accounts::Event::ClockVouched(accounts::ClockVouched { ahead_ms: 300 })),
        Event::Accounts(accounts::Event::KeyAdded(accounts::KeyAdded { standing: 2 })),
        Event::Accounts(accounts::Event::KeyEnded(accounts::KeyEnded { standing: 1 })),
        Event::Accounts(accounts::Event::KeyRotated(accounts::KeyRotated { standing: 8 })),
        Event::Accounts(accounts::Event::ProfileSet(accounts::ProfileSet { scopes: 300 })),
        Event::Accounts(accounts::Event::CredentialSet(accounts::CredentialSet { replaces: 300 })),
        Event::Accounts(accounts::Event::Erased(accounts::Erased {
            keys: 300,
            roles: 1,
            scopes: 2,
            secrets: 3,
            purchases: vec![(4, 300)],
        })),
        Event::Payments(payments::Event::PaidOut(payments::PaidOut { balance: 300 })),
        Event::Accounts(accounts::Event::SecondFactorSet(accounts::SecondFactorSet { replaces: Some(300) })),
        Event::Accounts(accounts::Event::SecondFactorReset(accounts::SecondFactorReset { ends: 300 })),
    ]
}

#[test]
fn the_kinds_with_sealed_fields_are_those_whose_commands_have_any() {
    for command in commands() {
        let (tag, _) = command.encode();
        assert_eq!(tag.is_sealed(), command.sealed().is_some(), "{tag:?}");
    }
}

#[test]
fn a_command_that_brings_a_credential_is_of_a_kind_that_may() {
    for command in commands() {
        let (tag, _) = command.encode();
        assert!(tag.may_bring_credential() || command.credential().is_none(), "{tag:?}");
    }
    let bringing = commands().into_iter().filter(|command| command.credential().is_some());
    assert_eq!(bringing.count(), 3, "a rotation, a new password, a registration");
}

#[test]
fn the_kind_that_may_bring_a_second_factor_is_that_whose_commands_do() {
    for command in commands() {
        let (tag, _) = command.encode();
        assert_eq!(tag.may_bring_second_factor(), command.second_factor().is_some(), "{tag:?}");
    }
}

#[test]
fn what_members_do_by_their_role_is_known_as_that_and_what_they_do_as_members_is_not() {
    let by_role: BTreeMap<u16, bool> = commands()
        .iter()
        .filter_map(|command| Some((command.encode().0.kind, command.role_use(AccountId(2))?.weighty)))
        .collect();
    assert_eq!(
        by_role,
        BTreeMap::from([
            (accounts::GRANT_ROLE.kind, false),
            (accounts::REVOKE_ROLE.kind, false),
            (accounts::RESET_SECOND_FACTOR.kind, true),
            (accounts::ERASE.kind, false),
            (accounts::VOUCH_CLOCK.kind, false),
            (payments::ISSUE.kind, false),
            (payments::PAY_OUT.kind, true),
            (shop::OPEN_SHOP.kind, true),
            (shop::ADD_ITEM.kind, false),
            (shop::STOCK_IN.kind, false),
            (shop::STOCK_OUT.kind, false),
            (shop::PUBLISH.kind, false),
            (shop::UNPUBLISH.kind, false),
            (shop::SET_PRICE.kind, false),
            (shop::LOAD_STOCK.kind, false),
            (shop::purchases::CANCEL.kind, false),
            (shop::purchases::SHIP.kind, false),
            (shop::purchases::REFUND_MISSING.kind, false),
            (shop::purchases::RELEASE.kind, false),
        ])
    );
    let erase = commands().into_iter().find(|command| command.erases().is_some()).unwrap();
    assert_eq!(erase.role_use(AccountId(300)), None, "of oneself");
    for role in Role::ALL {
        let grant = accounts::GrantRole { account: AccountId(300), role: *role };
        let grant = Command::Accounts(accounts::Command::GrantRole(grant));
        let weighty = grant.role_use(AccountId(2)).unwrap().weighty;
        assert_eq!(weighty, matches!(role, Role::Agent | Role::Auditor), "{role}");
    }
}

#[test]
fn the_kinds_that_carry_endorsements_are_those_whose_commands_have_any() {
    for command in commands() {
        let (tag, _) = command.encode();
        assert_eq!(
            tag.is_endorsed(),
            !command.endorsements(LedgerId([1; 32]), AccountId(2), CommandId([3; 16])).is_empty(),
            "{tag:?}"
        );
    }
}

#[test]
fn a_command_pairs_with_its_own_event_and_no_other() {
    for command in commands() {
        let (tag, body) = command.encode();
        let pairs = events().into_iter().filter_map(|event| Happened::of(command.clone(), event));
        let pairs: Vec<Happened> = pairs.collect();
        assert_eq!(pairs.len(), 1, "{tag:?}");
        assert_eq!(pairs[0].command(), command);
        for event in events() {
            let decoded = Happened::decode(tag, &body, &event.encode());
            assert_eq!(decoded.ok(), Happened::of(command.clone(), event), "{tag:?}");
        }
    }
}

/// Every event with the numbers that take most bytes.
fn largest_events() -> Vec<Event> {
    const MOST: u64 = u64::MAX;
    let of_the_shop = shop::examples::examples().into_iter().map(|example| example.largest);
    let mut largest = vec![
        Event::Accounts(accounts::Event::Registered(accounts::Registered { account: AccountId(MOST) })),
        Event::Orders(orders::Event::OrdersPlaced(orders::OrdersPlaced { first_order: MOST })),
        Event::Accounts(accounts::Event::RoleGranted(accounts::RoleGranted { holders: MOST })),
        Event::Accounts(accounts::Event::RoleRevoked(accounts::RoleRevoked { holders: MOST })),
        Event::Payments(payments::Event::Paid(payments::Paid { balance: MOST })),
        Event::Payments(payments::Event::Issued(payments::Issued { balance: MOST })),
        Event::Payments(payments::Event::Settled(payments::Settled { settlement: MOST })),
        Event::Payments(payments::Event::ChequeRevoked(payments::ChequeRevoked { revocation: MOST })),
        Event::Accounts(accounts::Event::ClockVouched(accounts::ClockVouched { ahead_ms: MOST })),
        Event::Accounts(accounts::Event::KeyAdded(accounts::KeyAdded { standing: MOST })),
        Event::Accounts(accounts::Event::KeyEnded(accounts::KeyEnded { standing: MOST })),
        Event::Accounts(accounts::Event::KeyRotated(accounts::KeyRotated { standing: MOST })),
        Event::Accounts(accounts::Event::ProfileSet(accounts::ProfileSet { scopes: MOST })),
        Event::Accounts(accounts::Event::CredentialSet(accounts::CredentialSet { replaces: MOST })),
        Event::Accounts(accounts::Event::Erased(accounts::Erased {
            keys: MOST,
            roles: MOST,
            scopes: MOST,
            secrets: MOST,
            purchases: vec![(MOST, MOST); ERASED_PURCHASES_MAX],
        })),
        Event::Payments(payments::Event::PaidOut(payments::PaidOut { balance: MOST })),
        Event::Accounts(accounts::Event::SecondFactorSet(accounts::SecondFactorSet { replaces: Some(MOST) })),
        Event::Accounts(accounts::Event::SecondFactorReset(accounts::SecondFactorReset { ends: MOST })),
    ];
    largest.extend(of_the_shop);
    largest
}

/// Room for an event is made before the rules are asked: one that was larger than promised would find none.
#[test]
fn a_command_promises_room_for_its_event_at_its_largest() {
    for command in commands() {
        let own = |event: &Event| Happened::of(command.clone(), event.clone()).is_some();
        let sizes: Vec<usize> =
            largest_events().iter().filter(|event| own(event)).map(|event| event.encode().len()).collect();
        assert_eq!(sizes, [command.event_bytes_max()], "{command:?}");
        assert!(command.event_bytes_max() <= EVENT_BODY_BYTES_MAX);
    }
}

#[test]
fn commands_and_events_read_back_and_no_other_bytes_do() {
    for command in commands() {
        let (tag, bytes) = command.encode();
        assert_eq!(Command::decode(tag, &bytes), Ok(command));
        for length in 0..bytes.len() {
            assert_eq!(Command::decode(tag, &bytes[..length]), Err(Undecodable::NotCanonical));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Command::decode(tag, &longer), Err(Undecodable::NotCanonical));
    }
    for event in events() {
        let bytes = event.encode();
        assert_eq!(Event::decode(&bytes), Ok(event));
        for length in 0..bytes.len() {
            assert_eq!(Event::decode(&bytes[..length]), Err(Undecodable::NotCanonical));
        }
        assert_eq!(Event::decode(&[&bytes[..], &[0]].concat()), Err(Undecodable::NotCanonical));
    }
}

/// These bytes stand in logs. A change of any of them is a new schema, not a new expectation.
#[test]
fn the_encodings_are_frozen() {
    let [
        register,
        place_v1,
        place,
        grant,
        revoke,
        pay,
        issue,
        settle,
        revoke_cheque,
        vouch,
        add,
        profile,
        erase,
        end,
        rotate,
        set_credential,
        join,
        pay_out,
        set_factor,
        reset_factor,
    ] = older_commands().try_into().unwrap();
    let (tag, bytes) = register.encode();
    assert_eq!(tag, Tag { schema: 1, kind: 1 });
    assert_eq!(bytes, [&b"\x05alice\xa6\x03"[..], &[1; 422]].concat());
    let (tag, bytes) = place.encode();
    assert_eq!(tag, Tag { schema: 2, kind: 16 });
    assert_eq!(bytes, b"\x02\x1e\x04AAPL\xac\x02\x01\x7dUSD\0\x04AAPL\xac\x02");
    let (tag, bytes) = place_v1.encode();
    assert_eq!(tag, Tag { schema: 1, kind: 16 });
    assert_eq!(bytes, b"\x02\0\x04AAPL\xac\x02\x01\xc8\xd0\x07\x01USD\0\x04AAPL\xac\x02\0");
    assert_eq!(grant.encode(), (Tag { schema: 1, kind: 2 }, b"\xac\x02\0".to_vec()));
    assert_eq!(revoke.encode(), (Tag { schema: 1, kind: 3 }, b"\xac\x02\0".to_vec()));
    assert_eq!(pay.encode(), (Tag { schema: 1, kind: 32 }, b"\x01\xac\x02\xac\x02\x03tea".to_vec()));
    assert_eq!(issue.encode(), (Tag { schema: 1, kind: 33 }, b"\x02\x01".to_vec()));
    let Command::Payments(payments::Command::Settle(payments::Settle { cheque, .. })) = &settle else {
        panic!("{settle:?}");
    };
    let settle_bytes = [&[141, 1][..], &cheque.encode(), &[128, 3], &[8; 384]].concat();
    assert_eq!(settle.encode(), (Tag { schema: 1, kind: 34 }, settle_bytes));
    assert_eq!(revoke_cheque.encode(), (Tag { schema: 1, kind: 35 }, vec![4; 16]));
    assert_eq!(vouch.encode(), (Tag { schema: 1, kind: 13 }, b"\xac\x02".to_vec()));
    let added = [&b"\x2c"[..], &[1; 44], b"\x02\x01\x05phone\x40", &[2; 64], b"\0"].concat();
    assert_eq!(add.encode(), (Tag { schema: 1, kind: 4 }, added));
    let sealed = [&[6; 32][..], b"\x30", &[7; 48], &[8; 32], b"\x50", &[9; 80]].concat();
    let profiled = [&b"\0"[..], &[5; 32], &sealed, b"\0"].concat();
    assert_eq!(profile.encode(), (Tag { schema: 1, kind: 8 }, profiled));
    assert_eq!(erase.encode(), (Tag { schema: 1, kind: 11 }, b"\xac\x02\x02\x01".to_vec()));
    assert_eq!(end.encode(), (Tag { schema: 1, kind: 5 }, vec![3; 32]));
    let (first, second) = ([&[166, 3][..], &[1; 422], b"\x01\x03new\x80\x03", &[2; 384]], [3; 32]);
    let rotated = [&first.concat()[..], &second, b"\x01\xac\x02", &[4; 32]].concat();
    assert_eq!(rotate.encode(), (Tag { schema: 1, kind: 6 }, rotated));
    let set = [&[3; 32][..], b"\xac\x02", &[4; 32], b"\x01"].concat();
    assert_eq!(set_credential.encode(), (Tag { schema: 1, kind: 7 }, set));
    let named = [&b"\x0am-0a1b2c3d\xa6\x03"[..], &[1; 422]].concat();
    let joined = [&named[..], b"\x01", &[5; 32], &sealed, b"\x01", &[4; 32]].concat();
    assert_eq!(join.encode(), (Tag { schema: 2, kind: 1 }, joined));
    assert_eq!(pay_out.encode(), (Tag { schema: 1, kind: 36 }, b"\xac\x02\x02\x96\x01\x02".to_vec()));
    assert_eq!(set_factor.encode(), (Tag { schema: 1, kind: 9 }, b"\xac\x02\x01".to_vec()));
    assert_eq!(reset_factor.encode(), (Tag { schema: 1, kind: 10 }, b"\xac\x02\x02".to_vec()));
    let [
        registered,
        placed,
        granted,
        revoked,
        paid,
        issued,
        settled,
        cheque_revoked,
        vouched,
        key_added,
        key_ended,
        key_rotated,
        profile_set,
        credential_set,
        erased,
        paid_out,
        factor_set,
        factor_reset,
    ] = older_events().try_into().unwrap();
    assert_eq!(registered.encode(), b"\0\x01\0\x01\xac\x02");
    assert_eq!(placed.encode(), b"\0\x01\0\x10\xac\x02");
    assert_eq!(granted.encode(), b"\0\x01\0\x02\xac\x02");
    assert_eq!(revoked.encode(), b"\0\x01\0\x03\x01");
    assert_eq!(paid.encode(), b"\0\x01\0\x20\xac\x02");
    assert_eq!(issued.encode(), b"\0\x01\0\x21\xac\x02");
    assert_eq!(settled.encode(), b"\0\x01\0\x22\xac\x02");
    assert_eq!(cheque_revoked.encode(), b"\0\x01\0\x23\0");
    assert_eq!(vouched.encode(), b"\0\x01\0\x0d\xac\x02");
    assert_eq!(key_added.encode(), b"\0\x01\0\x04\x02");
    assert_eq!(key_ended.encode(), b"\0\x01\0\x05\x01");
    assert_eq!(key_rotated.encode(), b"\0\x01\0\x06\x08");
    assert_eq!(profile_set.encode(), b"\0\x01\0\x08\xac\x02");
    assert_eq!(credential_set.encode(), b"\0\x01\0\x07\xac\x02");
    assert_eq!(erased.encode(), b"\0\x01\0\x0b\xac\x02\x01\x02\x03\x01\x04\xac\x02");
    assert_eq!(paid_out.encode(), b"\0\x01\0\x24\xac\x02");
    assert_eq!(factor_set.encode(), b"\0\x01\0\x09\x01\xac\x02");
    assert_eq!(factor_reset.encode(), b"\0\x01\0\x0a\xac\x02");
    for (number, example) in (0..).zip(shop::examples::examples()) {
        let tag = Tag { schema: 1, kind: shop::OPEN_SHOP.kind + number };
        assert_eq!(example.command.encode(), (tag, example.body));
        assert_eq!(example.event.encode(), example.event_bytes, "{tag:?}");
    }
}

#[test]
fn a_tag_that_no_domain_has_is_unknown() {
    let (_, bytes) = commands().remove(0).encode();
    for (schema, kind) in
        [(1, 0), (0, 1), (3, 1), (1, 12), (1, 15), (1, 17), (0, 16), (3, 16), (1, 47), (2, 48), (1, 65)]
    {
        let tag = Tag { schema, kind };
        assert_eq!(Command::decode(tag, &bytes), Err(Undecodable::UnknownKind(tag)));
    }
    for (schema, kind) in [(1, 80), (1, u16::MAX), (u16::MAX, 1)] {
        let tag = Tag { schema, kind };
        assert_eq!(Command::decode(tag, &bytes), Err(Undecodable::UnknownKind(tag)));
        let [s, k] = [schema.to_be_bytes(), kind.to_be_bytes()];
        assert_eq!(Event::decode(&[s, k].concat()), Err(Undecodable::UnknownKind(tag)));
    }
}

#[test]
fn only_a_registration_is_for_those_who_have_no_account() {
    assert!(Command::is_registration(accounts::REGISTER));
    assert!(!Command::is_registration(orders::PLACE_ORDERS));
}

#[test]
fn lengths_and_numbers_longer_than_needed_are_refused() {
    let tag = orders::PLACE_ORDERS_V1;
    assert!(Command::decode(tag, &[1, 0, 1, b'A', 1, 0]).is_ok());
    for bad in [
        &[0x81, 0, 0, 1, b'A', 1, 0][..],
        &[1, 0, 0x81, 0, b'A', 1, 0],
        &[1, 0, 1, b'A', 0x81, 0, 0],
        &[1, 0, 1, b'A', 1, 2],
        &[1, 0, 1, b'A', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0],
    ] {
        assert_eq!(Command::decode(tag, bad), Err(Undecodable::NotCanonical), "{bad:x?}");
    }
}

#[test]
fn a_length_of_two_to_the_forty_is_refused_without_allocating() {
    const LENGTH: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    let refused = Err(Undecodable::NotCanonical);
    assert_eq!(Command::decode(orders::PLACE_ORDERS, &LENGTH), refused, "orders");
    assert_eq!(Command::decode(orders::PLACE_ORDERS, &[&[1, 0][..], &LENGTH].concat()), refused, "name");
    assert_eq!(Command::decode(accounts::REGISTER, &LENGTH), refused, "handle");
    let key = [&b"\x05alice"[..], &LENGTH].concat();
    assert_eq!(Command::decode(accounts::REGISTER, &key), refused, "key");
}

proptest! {
    #[test]
    fn bytes_of_a_stranger_never_panic_and_decode_only_if_they_are_canonical(
        kind in 0..60u16,
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let tag = Tag { schema: 1, kind };
        if let Ok(command) = Command::decode(tag, &bytes) {
            prop_assert_eq!(command.encode(), (tag, bytes.clone()));
        }
        if let Ok(event) = Event::decode(&bytes) {
            prop_assert_eq!(event.encode(), bytes);
        }
    }
}
