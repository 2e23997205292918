//! The ledger client: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let raw: Vec<String> = std::env::args().skip(1).collect();
    ledgerd::cli::commands::main(&raw).into()
}
