//! Payment orders that left this home and whose end is not known yet: kept before they leave, so that no end of a
//! connection or of a process can make anybody pay twice, or lose sight of a promise.

use super::{ClientError, Home, SignedOrder};
use crate::crypto::LedgerId;
use crate::domain::AccountId;
use crate::domain::payments::OrderId;

/// The folder in the home directory.
const FOLDER: &str = "sent";

/// The sent orders of one account on one ledger.
#[derive(Clone, Debug)]
pub struct SentOrders {
    home: Home,
    /// What the names of their files start with.
    prefix: String,
}

impl SentOrders {
    /// Those of this account.
    pub fn of(home: &Home, ledger_id: LedgerId, account: AccountId) -> SentOrders {
        SentOrders { home: home.clone(), prefix: format!("{ledger_id}-{account}-") }
    }

    fn name(&self, id: OrderId) -> String {
        format!("{FOLDER}/{}{id}.order", self.prefix)
    }

    /// Keeps an order that is about to leave, durably.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn keep(&self, signed: &SignedOrder) -> Result<(), ClientError> {
        self.home.write(&self.name(signed.order.order_id), signed.to_pem()?.as_bytes())
    }

    /// Forgets an order whose end is known, or that never left.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn forget(&self, id: OrderId) -> Result<(), ClientError> {
        self.home.remove(&self.name(id))
    }

    /// All that are kept.
    ///
    /// # Errors
    /// [`ClientError::File`], or [`ClientError::Config`] when a file does not hold an order.
    pub fn all(&self) -> Result<Vec<SignedOrder>, ClientError> {
        let mut orders = Vec::new();
        let names = self.home.list(FOLDER)?;
        for name in names.iter().filter(|name| name.starts_with(&self.prefix)) {
            let name = format!("{FOLDER}/{name}");
            let Some(text) = self.home.read(&name)? else { continue };
            let order = SignedOrder::from_pem(&text).map_err(|error| {
                ClientError::Config(format!("{}: {error}", self.home.path(&name).display()))
            })?;
            orders.push(order);
        }
        Ok(orders)
    }
}
