//! The tables of docs/wire-protocol.md against the types: every enum of the wire has a table there, whose rows are its
//! variants, by number and by name.

use std::fmt;

use ledgerd::domain::{Answer, Fact, Notice, Query, Value, accounts, payments, shop};
use ledgerd::wire::{Followed, PeerReply, PeerRequest, Push, ReceiptOf, Reply, Request};
use serde::de::{Deserialize, Deserializer, Visitor, value};
use serde::forward_to_deserialize_any;

/// Stops a type that is being read as soon as it says which variants it has.
struct Variants<'v>(&'v mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Variants<'_> {
    type Error = value::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, value::Error> {
        *self.0 = variants;
        Err(serde::de::Error::custom("seen"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(serde::de::Error::custom("not an enum"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The names of a type's variants, in the order of their numbers.
pub(crate) fn variants<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    let stopped = T::deserialize(Variants(&mut found));
    assert!(stopped.is_err() && !found.is_empty(), "not an enum");
    found
}

/// The rows of the table whose second column has this title.
fn rows(document: &str, title: &str) -> Vec<String> {
    let head = format!("| number | {title} |");
    let table = document.split(&head).nth(1).unwrap_or_else(|| panic!("no table of {title}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let (number, name) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        format!("{number} {}", name.trim_matches('`'))
    })
    .collect()
}

fn is_as_documented(document: &str, title: impl fmt::Display, variants: &[&str]) {
    let expected: Vec<String> =
        variants.iter().enumerate().map(|(number, name)| format!("{number} {name}")).collect();
    assert_eq!(rows(document, &format!("`{title}`")), expected, "the table of {title}");
}

#[test]
fn every_enum_of_the_wire_has_its_table_with_the_same_numbers_and_names() {
    let document = std::fs::read_to_string("docs/wire-protocol.md").unwrap();
    is_as_documented(&document, "Request", variants::<Request<'_>>());
    is_as_documented(&document, "Followed", variants::<Followed>());
    is_as_documented(&document, "ReceiptOf", variants::<ReceiptOf>());
    is_as_documented(&document, "Reply", variants::<Reply>());
    is_as_documented(&document, "Push", variants::<Push>());
    is_as_documented(&document, "Fact", variants::<Fact>());
    is_as_documented(&document, "Value", variants::<Value>());
    is_as_documented(&document, "Query", variants::<Query<'_>>());
    is_as_documented(&document, "accounts::Query", variants::<accounts::Query<'_>>());
    is_as_documented(&document, "payments::Query", variants::<payments::Query>());
    is_as_documented(&document, "shop::Query", variants::<shop::Query<'_>>());
    is_as_documented(&document, "Notice", variants::<Notice>());
    is_as_documented(&document, "payments::Notice", variants::<payments::Notice>());
    is_as_documented(&document, "PeerRequest", variants::<PeerRequest<'_>>());
    is_as_documented(&document, "PeerReply", variants::<PeerReply>());
}

#[test]
fn an_answer_has_the_number_of_its_question() {
    assert_eq!(variants::<Answer>(), variants::<Query<'_>>());
    assert_eq!(variants::<accounts::Answer>(), variants::<accounts::Query<'_>>());
    assert_eq!(variants::<payments::Answer>(), variants::<payments::Query>());
}
