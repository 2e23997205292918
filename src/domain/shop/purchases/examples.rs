//! One of each command of purchases with its event, and the bytes of both, which stand in logs.

use super::*;
use crate::crypto::sealed::{ScopeId, Sealed};
use crate::domain::shop::examples::Example;
use crate::domain::shop::{self, ItemId};
use crate::domain::{self, AccountId, ScopeUse, SealedText};
use crate::time::Timestamp;

fn example(command: Command, body: &[u8], [event, largest]: [Event; 2], event_bytes: &[u8]) -> Example {
    Example {
        command: domain::Command::Shop(shop::Command::Purchases(command)),
        event: domain::Event::Shop(shop::Event::Purchases(event)),
        largest: domain::Event::Shop(shop::Event::Purchases(largest)),
        body: body.to_vec(),
        event_bytes: event_bytes.to_vec(),
    }
}

pub(in crate::domain::shop) fn examples() -> Vec<Example> {
    const MOST: u64 = u64::MAX;
    let purchase = PurchaseId(300);
    let text = Sealed { commit: [6; 32], text: vec![7; 48] };
    let address = SealedText { scope: ScopeUse::Open([5; 32]), text: text.clone() };
    let confirmed = [&b"\xac\x02\x01\0"[..], &[5; 32], &[6; 32], b"\x30", &[7; 48]].concat();
    let tracking = SealedText { scope: ScopeUse::In(ScopeId([4; 16])), text };
    let shipped = [&b"\xac\x02\x01\x01\x01"[..], &[4; 16], &[6; 32], b"\x30", &[7; 48]].concat();
    let line = |item, n, max_price| Wanted { item: ItemId(item), n, max_price };
    let time = |micros| Timestamp::from_micros(micros);
    let account = AccountId;
    vec![
        example(
            Command::Buy(Buy { lines: vec![line(300, 2, 9), line(1, 5, 300)] }),
            b"\x02\xac\x02\x02\x09\x01\x05\xac\x02",
            [(300, 9), (MOST, MOST)].map(|(number, price)| {
                let (purchase, prices) = (PurchaseId(number), vec![price; 2]);
                Event::Bought(Bought { purchase, settings: number, prices })
            }),
            b"\0\x01\0\x39\xac\x02\xac\x02\x02\x09\x09",
        ),
        example(
            Command::ConfirmShipment(ConfirmShipment { purchase, address: Some(address) }),
            &confirmed,
            [300, MOST].map(|by| Event::ShipmentConfirmed(ShipmentConfirmed { ship_by: time(by) })),
            b"\0\x01\0\x3a\xac\x02",
        ),
        example(
            Command::Cancel(Cancel { purchase, lines: Some(vec![ItemUnits { item: ItemId(300), n: 1 }]) }),
            b"\xac\x02\x01\x01\xac\x02\x01",
            [300, MOST].map(|n| Event::Cancelled(Cancelled { customer: account(n), refund: n, left: n })),
            b"\0\x01\0\x3b\xac\x02\xac\x02\xac\x02",
        ),
        example(
            Command::Ship(Ship { purchase, found: true, tracking: Some(tracking) }),
            &shipped,
            [300, MOST].map(|n| Event::Shipped(Shipped { customer: account(n), received_by: time(n) })),
            b"\0\x01\0\x3c\xac\x02\xac\x02",
        ),
        example(
            Command::ConfirmReceipt(ConfirmReceipt { purchase }),
            b"\xac\x02",
            [300, MOST].map(|by| Event::ReceiptConfirmed(ReceiptConfirmed { return_by: time(by) })),
            b"\0\x01\0\x3d\xac\x02",
        ),
        example(
            Command::ReportMissing(ReportMissing { purchase }),
            b"\xac\x02",
            [300, MOST].map(|by| Event::MissingReported(MissingReported { found_by: time(by) })),
            b"\0\x01\0\x3e\xac\x02",
        ),
        example(
            Command::RefundMissing(RefundMissing { purchase }),
            b"\xac\x02",
            [300, MOST].map(|n| Event::MissingRefunded(MissingRefunded { customer: account(n), refund: n })),
            b"\0\x01\0\x3f\xac\x02\xac\x02",
        ),
        example(
            Command::Release(Release { purchases: vec![purchase] }),
            b"\x01\xac\x02",
            [300, MOST].map(|n| {
                let (till, customer) = (account(n), Some(account(n)));
                Event::Released(Released { till, customer, amounts: vec![n] })
            }),
            b"\0\x01\0\x40\xac\x02\x01\xac\x02\x01\xac\x02",
        ),
    ]
}
