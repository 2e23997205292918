//! `ledgerctl bench`: load for a running server, and what came of it.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};
use comfy_table::{Table, presets};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member_for;
use crate::cli::telling::note_sent_before;
use crate::client::bench::{self, Accounts, Needy, Plan, Report};
use crate::client::{ClientError, clock, issue_to, pinned};
use crate::domain::Rights;
use crate::limits::{ORDERS_MAX, PAYMENTS_MAX};
use crate::refusal;
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::Refusal;

const _: () = assert!(ORDERS_MAX == PAYMENTS_MAX, "one option counts both");

/// Put load on a running server and measure it.
///
/// Commands are those of throw-away accounts, and stay in the ledger: use one that may be thrown away.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "bench", example = "ledgerctl bench --connections 64 --commands 20000")]
pub struct Bench {
    /// connections, each with an account of its own, 1 to 256, 10 if not given
    #[argh(option, default = "10", from_str_fn(connections))]
    pub connections: usize,

    /// commands over all connections, 1 to 1000000, 1000 if not given; signed beforehand, which takes RSA some 6 ms each
    #[argh(option, default = "1_000", from_str_fn(commands))]
    pub commands: usize,

    /// orders, or payments, in each command, 1 to 8192, 1 if not given
    #[argh(option, default = "1", from_str_fn(orders))]
    pub orders_per_command: usize,

    /// commands under way at once on each connection, 1 to 1024, 1 if not given
    #[argh(option, default = "1", from_str_fn(inflight))]
    pub inflight: usize,

    /// payments of one minor unit instead of orders
    #[argh(switch)]
    pub payments: bool,

    /// sign with device keys, of Ed25519, instead of the accounts' first keys, of RSA
    #[argh(switch)]
    pub device_keys: bool,

    /// directory of the throw-away accounts; bench in the home directory if not given
    #[argh(option)]
    pub cache: Option<PathBuf>,
}

fn connections(text: &str) -> Result<usize, String> {
    number_in(text, 1, 256).map(|number| number as usize)
}

fn commands(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_000_000).map(|number| number as usize)
}

fn orders(text: &str) -> Result<usize, String> {
    number_in(text, 1, ORDERS_MAX as u64).map(|number| number as usize)
}

fn inflight(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_024).map(|number| number as usize)
}

impl Run for Bench {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let plan = Plan {
            connections: self.connections,
            commands: self.commands,
            orders_per_command: self.orders_per_command,
            inflight: self.inflight,
            payments: self.payments,
            device_keys: self.device_keys,
        };
        if plan.commands < plan.connections {
            let text = format!("--commands {}: fewer than --connections {}", plan.commands, plan.connections);
            return Err(ClientError::Usage(text));
        }
        let accounts = prepare(context, self.cache.as_deref(), &plan)?;
        if plan.payments {
            fund(context, &accounts, &plan)?;
        }
        if plan.device_keys {
            with_bar(context, "adding device keys", plan.accounts(), |step| accounts.add_device_keys(step))?;
        }
        let signers = accounts.signers(plan.device_keys)?;
        let began = clock::now().mono.0;
        let loads =
            with_bar(context, "signing commands", plan.commands, |step| bench::sign(&plan, &signers, step))?;
        let signing = clock::now().mono.0.saturating_sub(began);
        let members = with_bar(context, "connecting", plan.connections, |step| {
            accounts.connect(plan.connections, step)
        })?;
        let mut control = accounts.control()?;
        let before = bench::status_at_rest(&mut control)?;
        let outcome = bench::run(members, loads, plan.inflight)?;
        let after = bench::status_at_rest(&mut control)?;
        let report = Report::new(&plan, &outcome, &before, &after).signed_in(signing);
        show(context, &report)?;
        warn(context, &report);
        Ok(match &outcome.first_refusal {
            Some(refusal) => {
                complain(context, refusal, outcome.refused);
                Exit::Refused
            }
            None => Exit::Done,
        })
    }
}

/// Does something that takes many steps, under a bar that counts them.
fn with_bar<T>(
    context: &Context,
    what: &'static str,
    total: usize,
    work: impl FnOnce(&bench::Step<'_>) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let bar = context.out.bar(what, total as u64);
    let done = work(&|| bar.inc(1));
    bar.finish_and_clear();
    done
}

/// Opens the accounts; makes and registers those that are not there yet.
fn prepare(context: &Context, cache: Option<&Path>, plan: &Plan) -> Result<Accounts, ClientError> {
    let home = context.home()?;
    let addresses = context.server()?;
    let server = pinned(&home, &addresses)?;
    let cache = cache.map_or_else(|| home.path("bench"), Path::to_owned);
    let accounts = Accounts::open(&cache, &home, server, addresses, plan.accounts())?;
    let homes = accounts.without_key()?;
    with_bar(context, "making keys", homes.len(), |step| Accounts::make_keys(&homes, step))?;
    let homes = accounts.unregistered()?;
    with_bar(context, "registering", homes.len(), |step| accounts.register(&homes, step))?;
    Ok(accounts)
}

/// Sees to it that every account can pay: an operator issues what is missing.
fn fund(context: &Context, accounts: &Accounts, plan: &Plan) -> Result<(), ClientError> {
    let needy =
        with_bar(context, "asking for balances", plan.connections, |step| accounts.needy(plan, step))?;
    let Some(first) = needy.first() else { return Ok(()) };
    let mut operator = match open_member_for(context, Rights::Full) {
        Err(ClientError::Usage(_)) => return Err(penniless(first)),
        other => other?,
    };
    for needy in &needy {
        let amount = i64::try_from(needy.missing).map_err(|_| penniless(needy))?;
        let again = &mut || note_sent_before(context);
        match issue_to(&mut operator, needy.account, amount, None, again) {
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_PERMISSION => {
                return Err(penniless(needy));
            }
            // The next measurement asks for balances again.
            other => other?.told()?,
        }
    }
    Ok(())
}

fn penniless(needy: &Needy) -> ClientError {
    ClientError::Usage(format!(
        "account {} lacks {} minor units for its payments: measure a ledger that was started with \
         `ledgerd --opening-grant 1000000000`, or run this as an operator, who issues what is missing",
        needy.account, needy.missing
    ))
}

fn show(context: &Context, report: &Report) -> Result<(), ClientError> {
    if context.out.json {
        let text = serde_json::to_string(report);
        return context.out.line(&text.map_err(|error| ClientError::Unexpected(error.to_string()))?);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value, more) in rows(report) {
        table.add_row([name.to_owned(), value, more]);
    }
    context.out.line(&table.to_string())
}

/// Each figure with its name, and what there is to say about it.
fn rows(report: &Report) -> Vec<(&'static str, String, String)> {
    let (rate, what) = if report.payments { ("payments/s", "payments") } else { ("orders/s", "orders") };
    let ms = |us: u64| format!("{:.3} ms", us as f64 / 1_000.0);
    let seconds = |us: u64| format!("{:.3} s", us as f64 / 1_000_000.0);
    let busy = report.generator_busy * 100.0;
    let latency = |name, us| (name, ms(us), String::new());
    vec![
        ("elapsed", seconds(report.elapsed_us), format!("{} commands", report.commands)),
        ("commands/s", format!("{:.1}", report.commands_per_second), format!("{} accepted", report.accepted)),
        (rate, format!("{:.1}", report.orders_per_second), format!("{} {what}", report.orders)),
        (
            "signed/s beforehand",
            format!("{:.1}", report.signed_per_second),
            format!("by {} keys", if report.device_keys { "device" } else { "RSA" }),
        ),
        latency("latency p50", report.p50_us),
        latency("latency p90", report.p90_us),
        latency("latency p99", report.p99_us),
        latency("latency p99.9", report.p999_us),
        latency("latency max", report.max_us),
        (
            "server CPU",
            seconds(report.server_cpu_us),
            format!("{:.1} µs a command", report.server_cpu_us_per_command),
        ),
        ("generator CPU", seconds(report.generator_cpu_us), format!("{busy:.0} % busy")),
        ("blocks", report.blocks.to_string(), format!("{:.1} a batch", report.blocks_per_batch)),
        ("batches", report.batches.to_string(), format!("{} syncs", report.syncs)),
        (
            "bytes written",
            report.bytes_written.to_string(),
            format!("{:.1} for each of the {what}", report.bytes_per_order),
        ),
    ]
}

/// Says so when the figures tell more about the generator than about the server.
fn warn(context: &Context, report: &Report) {
    if report.generator_bound {
        let busy = report.generator_busy * 100.0;
        let (own, server) = (report.generator_cpu_us / 1_000, report.server_cpu_us / 1_000);
        context.out.note(&format!(
            "warning: the generator may be the limit, not the server: it was busy {busy:.0} % of the time and \
             used {own} ms of CPU time, the server {server} ms"
        ));
    }
}

fn complain(context: &Context, refusal: &Refusal, count: u64) {
    let (name, message) = (escape(&refusal.name), escape(&refusal.message));
    context
        .out
        .note(&format!("{count} commands were refused; the first: {name} ({}): {message}", refusal.code));
}
