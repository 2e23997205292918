//! What a run comes to, in numbers.

use std::time::Duration;

use serde::Serialize;

use super::{Outcome, Plan};
use crate::wire::Figures;

/// Share of a core from which the generator, which is one thread, is held to be the limit.
const GENERATOR_BUSY: f64 = 0.8;

/// The report; its fields are those of `--json`, and only ever added to. "Orders" are payments in a run of
/// payments. Figures per something are 0 where there was nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Connections.
    pub connections: usize,
    /// Commands sent.
    pub commands: usize,
    /// Orders in each.
    pub orders_per_command: usize,
    /// Commands under way at once on each connection.
    pub inflight: usize,
    /// Whether they were payments.
    pub payments: bool,
    /// Commands that stand in the ledger.
    pub accepted: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// Orders that stand in the ledger.
    pub orders: u64,
    /// From the first command to the last answer.
    pub elapsed_us: u64,
    /// Accepted commands a second.
    pub commands_per_second: f64,
    /// Accepted orders a second.
    pub orders_per_second: f64,
    /// Latency: half of the commands took at most this long.
    pub p50_us: u64,
    /// Latency of 90 %.
    pub p90_us: u64,
    /// Latency of 99 %.
    pub p99_us: u64,
    /// Latency of 99.9 %.
    pub p999_us: u64,
    /// The longest latency.
    pub max_us: u64,
    /// The server's CPU time meanwhile.
    pub server_cpu_us: u64,
    /// The same for each accepted command.
    pub server_cpu_us_per_command: f64,
    /// Blocks added.
    pub blocks: u64,
    /// Batches written.
    pub batches: u64,
    /// Syncs of the log.
    pub syncs: u64,
    /// Blocks in a batch.
    pub blocks_per_batch: f64,
    /// Bytes written to the log.
    pub bytes_written: u64,
    /// The same for each accepted order.
    pub bytes_per_order: f64,
    /// CPU time of the generator.
    pub generator_cpu_us: u64,
    /// Share of the run in which the generator's thread was at work.
    pub generator_busy: f64,
    /// Whether the generator was at work for most of the run, or used more CPU time than the server.
    pub generator_bound: bool,
    /// Whether the commands were signed with device keys.
    pub device_keys: bool,
    /// Commands signed a second, beforehand, on all cores.
    pub signed_per_second: f64,
}

impl Report {
    /// Puts together what was counted here and, before and after, by the server.
    pub fn new(plan: &Plan, outcome: &Outcome, before: &Figures, after: &Figures) -> Report {
        let number = |figures: &Figures, name| figures.number(name).unwrap_or_default();
        let grown = |name| number(after, name).saturating_sub(number(before, name));
        let quantile = |share| outcome.latencies.value_at_quantile(share);
        let orders = outcome.accepted.saturating_mul(plan.orders_per_command as u64);
        let seconds = outcome.elapsed.as_secs_f64();
        let (server_cpu_us, generator_cpu_us) = (grown("cpu_us"), micros(outcome.generator_cpu));
        let generator_busy = ratio(outcome.generator_cpu.as_secs_f64(), seconds);
        let (blocks, batches) = (grown("blocks"), grown("batches"));
        let bytes_written = grown("bytes_written");
        Report {
            connections: plan.connections,
            commands: plan.commands,
            orders_per_command: plan.orders_per_command,
            inflight: plan.inflight,
            payments: plan.payments,
            accepted: outcome.accepted,
            refused: outcome.refused,
            orders,
            elapsed_us: micros(outcome.elapsed),
            commands_per_second: ratio(outcome.accepted as f64, seconds),
            orders_per_second: ratio(orders as f64, seconds),
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            max_us: outcome.latencies.max(),
            server_cpu_us,
            server_cpu_us_per_command: ratio(server_cpu_us as f64, outcome.accepted as f64),
            blocks,
            batches,
            syncs: grown("syncs"),
            blocks_per_batch: ratio(blocks as f64, batches as f64),
            bytes_written,
            bytes_per_order: ratio(bytes_written as f64, orders as f64),
            generator_cpu_us,
            generator_busy,
            generator_bound: generator_busy > GENERATOR_BUSY || generator_cpu_us > server_cpu_us,
            device_keys: plan.device_keys,
            signed_per_second: 0.0,
        }
    }

    /// The report with the time that signing the commands took.
    pub fn signed_in(self, signing: Duration) -> Report {
        Report { signed_per_second: ratio(self.commands as f64, signing.as_secs_f64()), ..self }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Rounded to three decimals; nothing measured more is worth printing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1_000.0).round() / 1_000.0 } else { 0.0 }
}
