//! What members choose stays in its place, and what does not add up is refused.

use proptest::prelude::*;

use super::*;
use crate::domain::Place;

const DAY_US: u64 = 86_400_000_000;

fn usd() -> Currency {
    Currency { name: "USD".to_owned(), scale: 2 }
}

fn moment(day: u64) -> Moment {
    Moment { timestamp: Timestamp::from_micros(day * DAY_US), index: day, element: 0 }
}

fn moved(from: Option<u64>, to: u64, amount: u64, memo: &str) -> Transfer<'_> {
    let movement = if from.is_some() { Movement::Payment } else { Movement::Issue };
    let account = |number| Place::Account(AccountId(number));
    Transfer { movement, from: from.map_or(Place::Issued, account), to: account(to), amount, memo }
}

/// A book in which anna is given 10.00 on the first day and pays bert 2.50 on the second.
fn written(format: Format, own: Option<AccountId>, memo: &str) -> String {
    let mut out = String::new();
    let mut book = Book::begin(format, &usd(), own, &mut out).unwrap();
    book.member(moment(1).timestamp, AccountId(1), "anna", &mut out).unwrap();
    book.transfer(moment(1), &moved(None, 1, 1_000, ""), &mut out).unwrap();
    book.member(moment(2).timestamp, AccountId(2), "be.rt", &mut out).unwrap();
    book.transfer(moment(2), &moved(Some(1), 2, 250, memo), &mut out).unwrap();
    book.end(&mut out).unwrap();
    out
}

#[test]
fn each_format_has_its_form() {
    let hledger = "decimal-mark .\ncommodity 1000.00 USD\npayee grant\npayee issue\npayee payment\n\
        payee settlement\npayee pay_out\npayee purchase\npayee refund\npayee release\naccount members  ; type: A\naccount escrow  ; type: A\naccount equity:issued  ; type: E\n\n\
        account members:1:anna\n\n\
        1970-01-02 (1.0) issue\n    equity:issued  -10.00 USD\n    members:1:anna  10.00 USD = 10.00 USD\n\n\
        account members:2:be.rt\n\n\
        1970-01-03 (2.0) payment | tea, \"hot\"\n    members:1:anna  -2.50 USD = 7.50 USD\n    \
        members:2:be.rt  2.50 USD = 2.50 USD\n\n";
    let beancount = "option \"operating_currency\" \"USD\"\n1970-01-01 open Equity:Issued USD\n\n\
        1970-01-02 open Assets:Members:M1-anna USD\n\n\
        1970-01-02 * \"issue\" \"\"\n  block: 1\n  element: 0\n  Equity:Issued  -10.00 USD\n  \
        Assets:Members:M1-anna  10.00 USD\n\n\
        1970-01-03 open Assets:Members:M2-be-rt USD\n\n\
        1970-01-03 * \"payment\" \"tea; \\\"hot\\\"\"\n  block: 2\n  element: 0\n  \
        Assets:Members:M1-anna  -2.50 USD\n  Assets:Members:M2-be-rt  2.50 USD\n\n\
        1970-01-04 balance Assets:Members:M1-anna  7.50 ~ 0 USD\n\
        1970-01-04 balance Assets:Members:M2-be-rt  2.50 ~ 0 USD\n";
    let csv = "index,element,timestamp,movement,from,from_handle,from_balance,to,to_handle,to_balance,amount,\
        currency,memo\r\n\
        1,0,1970-01-02T00:00:00.000000Z,issue,,,,1,anna,10.00,10.00,USD,\"\"\r\n\
        2,0,1970-01-03T00:00:00.000000Z,payment,1,anna,7.50,2,be.rt,2.50,2.50,USD,\"tea; \"\"hot\"\"\"\r\n";
    let jsonl = "{\"index\":1,\"element\":0,\"timestamp\":\"1970-01-02T00:00:00.000000Z\",\"movement\":\"issue\",\
        \"from\":null,\"from_handle\":null,\"from_balance\":null,\"from_balance_minor\":null,\"to\":1,\"to_handle\":\"anna\",\
        \"to_balance\":\"10.00\",\"to_balance_minor\":\"1000\",\"amount\":\"10.00\",\"minor\":\"1000\",\"currency\":\"USD\",\"scale\":2,\"memo\":\"\"}\n\
        {\"index\":2,\"element\":0,\"timestamp\":\"1970-01-03T00:00:00.000000Z\",\"movement\":\"payment\",\
        \"from\":1,\"from_handle\":\"anna\",\"from_balance\":\"7.50\",\"from_balance_minor\":\"750\",\"to\":2,\"to_handle\":\"be.rt\",\
        \"to_balance\":\"2.50\",\"to_balance_minor\":\"250\",\"amount\":\"2.50\",\"minor\":\"250\",\"currency\":\"USD\",\"scale\":2,\"memo\":\"tea; \\\"hot\\\"\"}\n";
    for (name, expected) in [("hledger", hledger), ("beancount", beancount), ("csv", csv), ("jsonl", jsonl)] {
        assert_eq!(written(name.parse().unwrap(), None, "tea; \"hot\""), expected, "{name}");
    }
    assert!("ledger".parse::<Format>().unwrap_err().contains("hledger, beancount, csv, jsonl"));
}

#[test]
fn of_others_no_balance_is_claimed() {
    let mine = written(Format::Hledger, Some(AccountId(1)), "");
    assert!(mine.contains("= 7.50 USD") && mine.contains("members:2:be.rt  2.50 USD\n"), "{mine}");
    let mine = written(Format::Beancount, Some(AccountId(1)), "");
    assert_eq!(mine.matches(" balance ").count(), 1, "{mine}");
    let mine = written(Format::Csv, Some(AccountId(1)), "");
    assert!(mine.contains(",7.50,2,be.rt,,2.50,"), "{mine}");
}

#[test]
fn what_does_not_add_up_is_refused() {
    let mut out = String::new();
    let mut book = Book::begin(Format::Csv, &usd(), None, &mut out).unwrap();
    for handle in ["x", "a b", "a\nb", "a;b", ""] {
        assert!(book.member(moment(1).timestamp, AccountId(1), handle, &mut out).is_err(), "{handle:?}");
    }
    book.member(moment(2).timestamp, AccountId(1), "anna", &mut out).unwrap();
    book.member(moment(2).timestamp, AccountId(2), "bert", &mut out).unwrap();
    assert!(book.member(moment(2).timestamp, AccountId(2), "cleo", &mut out).is_err(), "another handle");
    book.transfer(moment(2), &moved(None, 1, 100, ""), &mut out).unwrap();
    assert!(book.transfer(moment(1), &moved(None, 1, 1, ""), &mut out).is_err(), "time goes back");
    assert!(book.transfer(moment(3), &moved(Some(1), 2, 101, ""), &mut out).is_err(), "not that much");
    assert!(book.transfer(moment(3), &moved(None, 1, u64::MAX, ""), &mut out).is_err(), "too much");
    assert!(book.transfer(moment(3), &moved(Some(1), 9, 1, ""), &mut out).is_err(), "nobody's account");
    let never = Moment { timestamp: Timestamp::from_micros(u64::MAX), index: 9, element: 0 };
    assert!(book.transfer(never, &moved(None, 1, 1, ""), &mut out).is_err(), "no day");
}

#[test]
fn a_currency_that_beancount_cannot_name_is_refused_before_anything_is_written() {
    for (name, symbol) in
        [("twd", Some("TWD")), ("A9", Some("A9")), ("T", None), ("9A", None), ("null", None)]
    {
        let mut out = String::new();
        let currency = Currency { name: name.to_owned(), scale: 0 };
        let begun = Book::begin(Format::Beancount, &currency, None, &mut out);
        match symbol {
            Some(symbol) => assert!(begun.is_ok() && out.contains(symbol), "{name}: {out}"),
            None => assert!(matches!(begun, Err(ClientError::Usage(_))) && out.is_empty(), "{name}"),
        }
    }
    let mut out = String::new();
    let currency = Currency { name: "U2".to_owned(), scale: 0 };
    Book::begin(Format::Hledger, &currency, None, &mut out).map(drop).unwrap();
    assert!(out.contains("commodity 1000. \"U2\"\n"), "{out}");
}

/// The records of a table: RFC 4180, read by the letter.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut inside, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => inside = !inside,
            ',' if !inside => record.push(std::mem::take(&mut field)),
            '\r' if !inside => {
                assert_eq!(chars.next(), Some('\n'));
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    assert!(!inside && record.is_empty() && field.is_empty());
    records
}

proptest! {
    #[test]
    fn no_memo_breaks_out_of_its_place(memo in "[\\PC\\n\\r\\t;|\"\\\\{}@,=*!()]{1,96}") {
        let csv = records(&written(Format::Csv, None, &memo));
        prop_assert_eq!(csv.len(), 3);
        prop_assert!(csv.iter().all(|record| record.len() == 13));
        prop_assert_eq!(&csv[2][12], &memo);

        let jsonl = written(Format::Jsonl, None, &memo);
        let line: serde_json::Value = serde_json::from_str(jsonl.lines().nth(1).unwrap()).unwrap();
        prop_assert_eq!(line["memo"].as_str(), Some(memo.as_str()));
        prop_assert_eq!(jsonl.matches('\n').count(), 2);

        // All lines but the one with the memo are those of a harmless one.
        for format in [Format::Hledger, Format::Beancount] {
            let (hostile, harmless) = (written(format, None, &memo), written(format, None, "m"));
            let differ: Vec<_> = hostile.split('\n').zip(harmless.split('\n')).filter(|(a, b)| a != b).collect();
            prop_assert_eq!(hostile.split('\n').count(), harmless.split('\n').count());
            prop_assert!(differ.len() <= 1, "{:?}", differ);
            let Some((line, _)) = differ.first() else { continue };
            if format == Format::Hledger {
                let note = line.strip_prefix("1970-01-03 (2.0) payment | ");
                prop_assert!(note.is_some_and(|note| !note.contains(';')), "{}", line);
            } else {
                let text = line.strip_prefix("1970-01-03 * \"payment\" \"").and_then(|rest| rest.strip_suffix('"'));
                let mut chars = text.unwrap().chars();
                let mut read = String::new();
                while let Some(c) = chars.next() {
                    prop_assert!(c != '"', "{}", line);
                    read.extend(if c == '\\' { chars.next() } else { Some(c) });
                }
                prop_assert_eq!(read, one_line(&memo));
            }
        }
    }
}
