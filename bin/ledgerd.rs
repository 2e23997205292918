//! The ledger daemon: arguments, exit code, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Result<Vec<String>, _> = std::env::args_os().skip(1).map(|a| a.into_string()).collect();
    // A lossy copy would be another path than the one that was meant, so it is refused like any other mistake.
    let arguments = arguments.unwrap_or_else(|bad| vec![format!("{}: not UTF-8", bad.to_string_lossy())]);
    ledgerd::daemon::main(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}
