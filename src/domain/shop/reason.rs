//! Why units of an item come into the stock, and why they leave it without being sold.

use crate::domain::numbered::numbered;

numbered! {
    /// The reason for which units come into the stock. It stands in the block for ever.
    pub enum StockInReason("reason") {
        /// A supplier delivered them.
        Delivery = 0 "delivery",
        /// They were there and had not been counted.
        Found = 1 "found",
        /// An earlier number was wrong.
        Correction = 2 "correction",
        /// Anything else.
        Other = 3 "other",
    }
}

numbered! {
    /// The reason for which units leave the stock without being sold. It stands in the block for ever.
    pub enum StockOutReason("reason") {
        /// They cannot be sold any more.
        Damaged = 0 "damaged",
        /// They are not there.
        Lost = 1 "lost",
        /// They were given away.
        Given = 2 "given",
        /// An earlier number was wrong.
        Correction = 3 "correction",
        /// Anything else.
        Other = 4 "other",
    }
}
