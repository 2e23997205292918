//! The ledger client: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ledgerd::cli::main(std::env::args_os()).into()
}
