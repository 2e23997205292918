//! The commands of a run, built and signed before the clock starts: signing is the client's work and dear.

use super::workers::on_all_cores;
use super::{Plan, Step};
use crate::chain::CommandId;
use crate::client::{ClientError, Signed, Signer};
use crate::crypto::random;
use crate::domain::orders::{self, Decimal, Operation, Order, PlaceOrders, Price, StockName};
use crate::domain::payments::{self, Pay, Payment};
use crate::domain::{AccountId, Command};

/// Minor units that the commands of this connection pay.
pub fn payments_of(plan: &Plan, connection: usize) -> u64 {
    (plan.share(connection) as u64).saturating_mul(plan.orders_per_command as u64)
}

/// Builds and signs all commands, on all cores; gives those of each connection.
///
/// # Errors
/// [`ClientError::Unexpected`] when there are fewer signers than the plan needs.
pub fn sign(plan: &Plan, signers: &[Signer], done: &Step<'_>) -> Result<Vec<Vec<Signed>>, ClientError> {
    let too_few = || ClientError::Unexpected("there are fewer accounts than the plan needs".to_owned());
    let mut commands = Vec::with_capacity(plan.connections);
    for connection in 0..plan.connections {
        let next = signers.get((connection + 1) % signers.len().max(1)).ok_or_else(too_few)?;
        commands.push(command(plan, next.account)?);
    }
    let one = |number: usize| {
        // Commands go round the connections, so that each gets its share.
        let connection = number % plan.connections;
        let (signer, command) = signers.get(connection).zip(commands.get(connection)).ok_or_else(too_few)?;
        Ok(signer.sign(CommandId(random::bytes(&mut random::os())), command))
    };
    let mut loads = vec![Vec::new(); plan.connections];
    for (number, signed) in on_all_cores(plan.commands, one, done)?.into_iter().enumerate() {
        if let Some(load) = loads.get_mut(number % plan.connections) {
            load.push(signed);
        }
    }
    Ok(loads)
}

/// What every command of a connection holds; only its id differs.
fn command(plan: &Plan, next: AccountId) -> Result<Command, ClientError> {
    if plan.payments {
        let payment = Payment { to: next, amount: 1, memo: String::new() };
        let payments = vec![payment; plan.orders_per_command];
        return Ok(Command::Payments(payments::Command::Pay(Pay { payments })));
    }
    let stock_name = StockName::new("BENCH").map_err(|error| ClientError::Unexpected(error.to_string()))?;
    let hundredths = |number| Decimal::new(number, 2).unwrap_or_default();
    let order = |number: usize| Order {
        operation: if number.is_multiple_of(2) { Operation::Buy } else { Operation::Sell },
        stock_name,
        quantity: Decimal::from(1 + number as u64 % 100),
        price: Some(Price { amount: hundredths(10_000 + number as u64 % 100), currency: None }),
    };
    let orders = (0..plan.orders_per_command).map(order).collect();
    Ok(Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders })))
}
