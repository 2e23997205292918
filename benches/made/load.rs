//! Latencies, alone and beside something else.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ledgerd::client::Signer;
use ledgerd::client::bench::{self, Accounts, Plan};

/// Pairs of one measurement alone and one beside what disturbs. An odd number, so that there is a median.
pub(crate) const ROUNDS: usize = 3;

/// Members who place orders, one in a command and one command under way each.
pub(crate) struct Load {
    accounts: Accounts,
    signers: Vec<Signer>,
}

impl Load {
    /// Of these members, who sign with their first keys, of RSA.
    pub(crate) fn of(accounts: Accounts) -> Load {
        let signers = accounts.signers(false).unwrap();
        Load { accounts, signers }
    }

    /// Of these members, who sign with device keys, of Ed25519: many more commands are signed in the same time.
    pub(crate) fn with_device_keys(accounts: Accounts) -> Load {
        accounts.add_device_keys(&|| ()).unwrap();
        let signers = accounts.signers(true).unwrap();
        Load { accounts, signers }
    }

    /// The members.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Signs so many commands of the first `connections` members, and makes what sends them and gives their latencies
    /// in microseconds: signing is work of the members' machines and must not stand beside what is measured.
    pub(crate) fn signed(&self, connections: usize, commands: usize) -> impl FnOnce() -> Histogram<u64> {
        let plan = Plan {
            connections,
            commands,
            orders_per_command: 1,
            inflight: 1,
            payments: false,
            device_keys: false,
        };
        let loads = bench::sign(&plan, &self.signers, &|| ()).unwrap();
        let members = self.accounts.connect(connections, &|| ()).unwrap();
        move || {
            let outcome = bench::run(members, loads, 1).unwrap();
            assert_eq!(outcome.accepted, commands as u64);
            outcome.latencies
        }
    }
}

/// The latencies of what is done again and again for so long, in microseconds.
pub(crate) fn latencies(time: Duration, mut work: impl FnMut()) -> Histogram<u64> {
    let mut latencies = Histogram::new(3).unwrap();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let start = Instant::now();
        work();
        latencies.record(start.elapsed().as_micros() as u64).unwrap();
    }
    latencies
}

/// Latencies alone and beside something, round by round.
pub(crate) struct Comparison {
    what: &'static str,
    /// The most that the 99th percentile may be of what it is alone.
    bar: f64,
    alone: Vec<Histogram<u64>>,
    beside: Vec<Histogram<u64>>,
}

impl Comparison {
    /// Nothing was measured yet.
    pub(crate) fn new(what: &'static str, bar: f64) -> Comparison {
        Comparison { what, bar, alone: Vec::new(), beside: Vec::new() }
    }

    /// Takes in a measurement.
    pub(crate) fn add(&mut self, disturbed: bool, latencies: Histogram<u64>) {
        if disturbed { self.beside.push(latencies) } else { self.alone.push(latencies) }
    }

    /// Prints both and their ratio: medians of the rounds, the ratio as that of each round's pair.
    pub(crate) fn print(&self) {
        let show = |runs: &[Histogram<u64>]| {
            let ms = |quantile| median(runs.iter().map(|run| run.value_at_quantile(quantile) as f64 / 1e3));
            let max = median(runs.iter().map(|run| run.max() as f64 / 1e3));
            format!("p50 {:.2}, p99 {:.2}, most {max:.2} ms", ms(0.5), ms(0.99))
        };
        let p99 = |run: &Histogram<u64>| run.value_at_quantile(0.99) as f64;
        let ratios = self.alone.iter().zip(&self.beside).map(|(alone, beside)| p99(beside) / p99(alone));
        let ratios: Vec<f64> = ratios.collect();
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        println!("{}", self.what);
        println!("  alone:  {}", show(&self.alone));
        println!("  beside: {}", show(&self.beside));
        println!(
            "  p99 beside / alone: {:.2} (bar {}; rounds: {})",
            median(ratios.into_iter()),
            self.bar,
            each.join(" ")
        );
    }
}

/// The middle of an odd number of figures.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
