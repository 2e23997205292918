//! Purchases as they are shown: a line each in a list, and one with everything that is known of it.

use serde_json::Value;

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::members::whom;
use crate::client::{ClientError, PurchaseText};
use crate::domain::Currency;
use crate::domain::shop::purchases::{LineFace, PurchaseFace, PurchaseState, Step};
use crate::text::escape;

/// A purchase in a list.
pub(super) fn show_row(
    context: &Context,
    face: &PurchaseFace,
    currency: &Currency,
) -> Result<(), ClientError> {
    if context.out.json {
        return context.out.line(&object(face, currency).to_string());
    }
    let items = face.lines.iter().map(|line| format!("{} x {}", line.bought, escape(&line.name)));
    let items = items.collect::<Vec<_>>().join(", ");
    let (number, state, since) = (face.purchase, face.state, face.since);
    let who = whom(&face.handle, face.customer);
    let held = currency.show_named(face.held);
    context.out.line(&format!("{number}  {state} since {since}  {who}  {items}; held: {held}"))
}

/// A purchase with everything that is known of it.
pub(super) fn show_face(
    context: &Context,
    face: &PurchaseFace,
    texts: &[PurchaseText],
    currency: &Currency,
) -> Result<(), ClientError> {
    if context.out.json {
        let mut object = object(face, currency);
        let text = |text: &PurchaseText| {
            amounts::object([
                ("what", text.what.into()),
                ("block", text.block.into()),
                ("text", text.text.as_str().into()),
            ])
        };
        object["texts"] = texts.iter().map(text).collect();
        return context.out.line(&object.to_string());
    }
    let mut lines = vec![head(face)];
    lines.extend(face.lines.iter().map(|line| line_words(line, currency)));
    let money = [("paid", face.paid), ("given back", face.refunded), ("held", face.held)];
    let money = money.map(|(what, minor)| format!("{what} {}", currency.show_named(minor)));
    lines.push(format!("  {}", money.join(", ")));
    lines.extend(face.steps.iter().map(step_words));
    for text in texts {
        // An address has lines of its own.
        let indented: Vec<_> = text.text.lines().map(|line| format!("    {}", escape(line))).collect();
        lines.push(format!("  {} (block {}):\n{}", text.what, text.block, indented.join("\n")));
    }
    context.out.line(&lines.join("\n"))
}

fn head(face: &PurchaseFace) -> String {
    let PurchaseFace { purchase, customer, handle, state, since, until, .. } = face;
    let until = until.map(|until| match state {
        PurchaseState::Confirmed => format!("; to be sent by {until}"),
        PurchaseState::Shipped => format!("; counts as received from {until} on"),
        PurchaseState::Received => format!("; can be returned until {until}"),
        PurchaseState::Missing => format!("; to be found by {until}"),
        PurchaseState::Paid | PurchaseState::Cancelled | PurchaseState::Closed | PurchaseState::Completed => {
            format!("; until {until}")
        }
    });
    let who = whom(handle, *customer);
    format!("purchase {purchase} of {who}: {state} since {since}{}", until.unwrap_or_default())
}

fn line_words(line: &LineFace, currency: &Currency) -> String {
    let LineFace { item, name, price, bought, cancelled, shipped, lost } = line;
    let price = currency.show_named(*price);
    let counts = [("cancelled", cancelled), ("shipped", shipped), ("lost", lost)].into_iter();
    let counts = counts.filter(|(_, units)| **units > 0);
    let counts: String = counts.map(|(what, units)| format!(", {what} {units}")).collect();
    format!("  {bought} x {} (item {item}) at {price}{counts}", escape(name))
}

fn step_words(step: &Step) -> String {
    match step.block {
        Some(block) => format!("  {}  {}  block {block}", step.time, step.state),
        None => format!("  {}  {}, by its deadline", step.time, step.state),
    }
}

/// The fields of an amount: as people see it, and in minor units.
fn money([name, minor_name]: [&'static str; 2], minor: u64, currency: &Currency) -> [Field; 2] {
    [(name, currency.show(minor).into()), (minor_name, minor.to_string().into())]
}

fn object(face: &PurchaseFace, currency: &Currency) -> Value {
    let mut fields = vec![
        ("purchase", face.purchase.0.into()),
        ("customer", face.customer.0.into()),
        ("handle", face.handle.as_str().into()),
        ("state", face.state.name().into()),
        ("since", face.since.to_string().into()),
        ("until", face.until.map(|until| until.to_string()).into()),
    ];
    fields.extend(money(["paid", "paid_minor"], face.paid, currency));
    fields.extend(money(["refunded", "refunded_minor"], face.refunded, currency));
    fields.extend(money(["held", "held_minor"], face.held, currency));
    let line = |line: &LineFace| {
        let fields = [("item", line.item.0.into()), ("name", line.name.as_str().into())].into_iter();
        let counts = [
            ("bought", line.bought.into()),
            ("cancelled", line.cancelled.into()),
            ("shipped", line.shipped.into()),
            ("lost", line.lost.into()),
        ];
        amounts::object(fields.chain(money(["price", "price_minor"], line.price, currency)).chain(counts))
    };
    fields.push(("lines", face.lines.iter().map(line).collect()));
    let step = |step: &Step| {
        amounts::object([
            ("state", step.state.name().into()),
            ("time", step.time.to_string().into()),
            ("block", step.block.into()),
        ])
    };
    fields.push(("steps", face.steps.iter().map(step).collect()));
    amounts::object(fields)
}
