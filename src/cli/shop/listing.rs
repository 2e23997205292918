//! Items as they are listed: a table for people, an object a line for programs.

use comfy_table::{CellAlignment, Table, presets};

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::client::ClientError;
use crate::domain::Currency;
use crate::domain::shop::{Buckets, CatalogueItem, StockItem};
use crate::terminal::exit::Exit;
use crate::text::escape;

/// The fields of a price: null where there is none.
pub(super) fn price(minor: Option<u64>, currency: &Currency) -> [Field; 2] {
    let shown = minor.map(|minor| currency.show(minor));
    [("price", shown.into()), ("price_minor", minor.map(|minor| minor.to_string()).into())]
}

/// A list under way.
pub(super) struct List<'a> {
    context: &'a Context,
    table: Table,
    /// The first column with numbers; those behind it have some, too.
    numbers_from: usize,
}

impl<'a> List<'a> {
    /// The list of what is sold.
    pub(super) fn of_catalogue(context: &'a Context) -> List<'a> {
        List::new(context, &["item", "name", "price", "on sale", "units"])
    }

    /// The list of the stock.
    pub(super) fn of_stock(context: &'a Context) -> List<'a> {
        let buckets = ["listed", "unlisted", "allocated", "out", "lost", "supplied", "bought back"];
        List::new(context, &[&["item", "name", "price", "on sale"][..], &buckets].concat())
    }

    fn new(context: &'a Context, header: &[&str]) -> List<'a> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(header.to_vec());
        List { context, table, numbers_from: 4 }
    }

    /// An item that is sold.
    pub(super) fn sold(&mut self, item: &CatalogueItem, currency: &Currency) -> Result<(), ClientError> {
        let CatalogueItem { item, name, price, on_sale, listed } = item;
        self.row((item.0, name, *price, *on_sale), &[("listed", *listed)], currency)
    }

    /// An item of the stock.
    pub(super) fn stock(&mut self, item: &StockItem, currency: &Currency) -> Result<(), ClientError> {
        let StockItem { item, name, price, on_sale, buckets } = item;
        let Buckets { supplied, bought_back, listed, allocated, unlisted, out, lost } = *buckets;
        let units = [
            ("listed", listed),
            ("unlisted", unlisted),
            ("allocated", allocated),
            ("out", out),
            ("lost", lost),
            ("supplied", supplied),
            ("bought_back", bought_back),
        ];
        self.row((item.0, name, *price, *on_sale), &units, currency)
    }

    fn row(
        &mut self,
        (item, name, minor, on_sale): (u64, &str, Option<u64>, bool),
        units: &[(&'static str, u64)],
        currency: &Currency,
    ) -> Result<(), ClientError> {
        if self.context.out.json {
            let fields = [("item", item.into()), ("name", name.into())].into_iter();
            let fields = fields.chain(price(minor, currency)).chain([("on_sale", on_sale.into())]);
            let fields = fields.chain(units.iter().map(|(bucket, units)| (*bucket, (*units).into())));
            return self.context.out.line(&amounts::object(fields).to_string());
        }
        let price = minor.map_or_else(|| "-".to_owned(), |minor| currency.show(minor));
        let on_sale = if on_sale { "yes" } else { "no" };
        let mut row = vec![item.to_string(), escape(name).into_owned(), price, on_sale.to_owned()];
        row.extend(units.iter().map(|(_, units)| units.to_string()));
        self.table.add_row(row);
        Ok(())
    }

    /// The list is whole.
    pub(super) fn end(mut self) -> Result<Exit, ClientError> {
        if self.context.out.json {
            return Ok(Exit::Done);
        }
        if self.table.row_count() == 0 {
            self.context.out.note("there is no such item");
            return Ok(Exit::Done);
        }
        for column in [0, 2] {
            self.align(column);
        }
        (self.numbers_from..self.table.column_count()).for_each(|column| self.align(column));
        self.context.out.line(&self.table.to_string())?;
        Ok(Exit::Done)
    }

    fn align(&mut self, column: usize) {
        if let Some(column) = self.table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
