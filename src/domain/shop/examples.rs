//! One of each command of the shop with its event, and the bytes of both, which stand in logs: a change of any of them is a new
//! schema, not a new expectation.

use super::*;
use crate::crypto::KeyId;
use crate::domain::{self, AccountId};

/// A command and its event.
pub(in crate::domain) struct Example {
    pub(in crate::domain) command: domain::Command,
    pub(in crate::domain) event: domain::Event,
    /// The event with the numbers that take most bytes.
    pub(in crate::domain) largest: domain::Event,
    /// The bytes of the command, without its tag.
    pub(in crate::domain) body: Vec<u8>,
    /// The bytes of the event, with its tag.
    pub(in crate::domain) event_bytes: Vec<u8>,
}

fn example(command: Command, body: &[u8], [event, largest]: [Event; 2], event_bytes: &[u8]) -> Example {
    Example {
        command: domain::Command::Shop(command),
        event: domain::Event::Shop(event),
        largest: domain::Event::Shop(largest),
        body: body.to_vec(),
        event_bytes: event_bytes.to_vec(),
    }
}

pub(in crate::domain) fn examples() -> Vec<Example> {
    let mut all = examples_of_stock();
    all.extend(purchases::examples::examples());
    all
}

fn examples_of_stock() -> Vec<Example> {
    const MOST: u64 = u64::MAX;
    let item = ItemId(300);
    let consent = Consent { key_id: KeyId([3; 32]), signature: vec![8; 384] };
    let settings = vec![(6, 0), (0, 3)];
    let opened = [&b"\xac\x02\x01"[..], &[3; 32], b"\x80\x03", &[8; 384], b"\x02\x06\0\0\x03"].concat();
    let load = LoadStock {
        items: vec![
            LoadedItem { name: "Mewtwo".to_owned(), n: 1, price: Some(250) },
            LoadedItem { name: "Caterpie".to_owned(), n: 300, price: None },
        ],
        publish: true,
    };
    vec![
        example(
            Command::OpenShop(OpenShop { till: AccountId(300), consent: Some(consent), settings }),
            &opened,
            [300, MOST].map(|settings| Event::ShopOpened(ShopOpened { settings })),
            b"\0\x01\0\x30\xac\x02",
        ),
        example(
            Command::LeaveTill(LeaveTill {}),
            b"",
            [300, MOST].map(|since| Event::TillLeft(TillLeft { since })),
            b"\0\x01\0\x31\xac\x02",
        ),
        example(
            Command::AddItem(AddItem { name: "Caterpie".to_owned(), price: Some(9) }),
            b"\x08Caterpie\x01\x09",
            [300, MOST].map(|item| Event::ItemAdded(ItemAdded { item: ItemId(item) })),
            b"\0\x01\0\x32\xac\x02",
        ),
        example(
            Command::StockIn(StockIn { item, n: 5, reason: 2 }),
            b"\xac\x02\x05\x02",
            [300, MOST].map(|unlisted| Event::StockedIn(StockedIn { unlisted })),
            b"\0\x01\0\x33\xac\x02",
        ),
        example(
            Command::StockOut(StockOut { item, n: 5, reason: 0 }),
            b"\xac\x02\x05\0",
            [300, MOST].map(|unlisted| Event::StockedOut(StockedOut { unlisted })),
            b"\0\x01\0\x34\xac\x02",
        ),
        example(
            Command::Publish(Publish { item, n: 5, price: None }),
            b"\xac\x02\x05\0",
            [300, MOST].map(|listed| Event::Published(Published { listed })),
            b"\0\x01\0\x35\xac\x02",
        ),
        example(
            Command::Unpublish(Unpublish { item, n: Some(5) }),
            b"\xac\x02\x01\x05",
            [300, MOST].map(|n| Event::Unpublished(Unpublished { n })),
            b"\0\x01\0\x36\xac\x02",
        ),
        example(
            Command::SetPrice(SetPrice { item, price: 9 }),
            b"\xac\x02\x09",
            [300, MOST].map(|before| Event::PriceSet(PriceSet { before: Some(before) })),
            b"\0\x01\0\x37\x01\xac\x02",
        ),
        example(
            Command::LoadStock(load),
            b"\x02\x06Mewtwo\x01\x01\xfa\x01\x08Caterpie\xac\x02\0\x01",
            [300, MOST].map(|items| Event::StockLoaded(StockLoaded { items })),
            b"\0\x01\0\x38\xac\x02",
        ),
    ]
}
