//! Fields with a name each: an object with `--json`, else a table.

use comfy_table::{Table, presets};
use serde_json::{Map, Value};

use super::context::Context;
use super::json;
use crate::client::ClientError;
use crate::text::escape;
use crate::wire::{Figure, Figures};

/// Figures as the server names them: a client that is older than the server shows those that came later, too.
pub(super) fn of_figures(figures: Figures) -> Vec<(String, Value)> {
    let field = |figure: Figure| (figure.name, json::of_value(figure.value));
    figures.0.into_iter().map(field).collect()
}

/// Prints fields that a server names.
pub(super) fn print(context: &Context, fields: Vec<(String, Value)>) -> Result<(), ClientError> {
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
