//! Orders as the world writes them, with the real binaries: from JSON and from the tables of brokers and exchanges.

use serde_json::{Value, json};

use super::binaries::{Daemon, Place};

/// What the member's orders are shown as, block by block, in the end the newest.
fn copied(place: &Place, member: &str, at: &str) -> Vec<Value> {
    let lines = place.done(member, at, &["copy", "--json"]);
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["data"].clone()).collect()
}

fn written(place: &Place, name: &str, text: &str) -> String {
    let path = place.directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn orders_of_exchanges_come_back_as_they_were_meant_and_are_audited_clean() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let file = written(
        &place,
        "orders.json",
        r#"[{"operation_type":"BUY","stock_name":"BTCUSDT","quantity":"0.00400000","price":"36000.00000000","currency":"usdt"},
            {"operation_type":"sell","stock_name":"shib/usd","quantity":1000000,"price":1.3e-05,"currency":"USD"},
            {"operation_type":"Sell","stock_name":"VOD.L","quantity":1.0,"price":"71.440","currency":"GBX"}]"#,
    );
    place.done("alice", at, &["add", &file]);
    let shown = copied(&place, "alice", at);
    let order = |fields: Value| {
        let mut order = json!({"user_id": 1});
        order.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        order
    };
    assert_eq!(
        shown[0],
        json!([
            order(
                json!({"operation_type": "buy", "stock_name": "BTCUSDT", "quantity": "0.004", "price": "36000", "currency": "USDT"})
            ),
            order(
                json!({"operation_type": "sell", "stock_name": "shib/usd", "quantity": 1000000, "price": "0.000013", "currency": "USD"})
            ),
            order(
                json!({"operation_type": "sell", "stock_name": "VOD.L", "price": "71.44", "currency": "GBX"})
            ),
        ])
    );

    let table =
        "\u{feff}Time;Pair;B/S;Filled;Avg\r\n09:30;EURUSD=X;BUY;0.5;1.0842\r\n\r\n09:31;^GSPC;Sell;2;\r\n";
    let file = written(&place, "trades.csv", table);
    assert!(place.ends(2, "alice", at, &["add", "--csv", &file]).contains("no column for the side"));
    let columns = "--columns=side=B/S,symbol=Pair,quantity=Filled,price=Avg";
    assert!(place.done("alice", at, &["add", "--csv", columns, &file]).contains(" 2 orders"));
    assert_eq!(
        copied(&place, "alice", at)[1],
        json!([
            order(
                json!({"operation_type": "buy", "stock_name": "EURUSD=X", "quantity": "0.5", "price": "1.0842"})
            ),
            order(json!({"operation_type": "sell", "stock_name": "^GSPC", "quantity": 2})),
        ])
    );
    let bad = written(&place, "bad.csv", &table.replace(";2;", ";-2;"));
    let said = place.ends(2, "alice", at, &["add", "--csv", columns, &bad]);
    assert!(said.contains("bad.csv: line 4, element 2: column Filled: field quantity: negative"), "{said}");
    assert!(place.ends(2, "alice", at, &["add", columns, &file]).contains("--columns goes with --csv"));
    assert!(place.ends(2, "alice", at, &["add", "--each", "--csv", &file]).contains("--each takes JSON"));
    assert_eq!(daemon.terminate(), Some(0));

    let audited = place.done("nobody", "127.0.0.1:1", &["audit", place.data().to_str().unwrap()]);
    assert!(audited.starts_with("intact"), "{audited}");
}
