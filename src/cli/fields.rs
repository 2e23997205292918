//! Fields with a name each: an object with `--json`, else a table.

use comfy_table::{Table, presets};
use serde_json::{Map, Value};

use super::context::Context;
use crate::client::ClientError;
use crate::text::escape;

/// A field of an object.
pub(super) type Field = (&'static str, Value);

/// Prints fields whose names this program knows.
pub(super) fn print(context: &Context, fields: &[Field]) -> Result<(), ClientError> {
    let named: Vec<(String, Value)> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    print_named(context, named)
}

/// Prints fields that a server names.
pub(super) fn print_named(context: &Context, fields: Vec<(String, Value)>) -> Result<(), ClientError> {
    if context.out.json {
        let object: Map<String, Value> = fields.into_iter().collect();
        return context.out.line(&Value::Object(object).to_string());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), |text| escape(text).into_owned());
        table.add_row([escape(name).into_owned(), text]);
    }
    context.out.line(&table.to_string())
}
