//! The overview of `ledgerctl`: its commands in groups, with a short line each. It is what `ledgerctl` alone shows, and
//! `ledgerctl --help`.

use std::fmt::Write as _;

/// The groups, in the order in which somebody new meets them.
const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "To begin",
        &[
            ("demo", "show all of this on a temporary ledger"),
            ("getKey", "fetch the server's identity, verify it and pin it"),
            ("register", "make a key, and an account under a public handle"),
            ("whoami", "your account as the ledger has it"),
            ("passphrase", "set, change or remove the passphrase of your key"),
            ("forget", "forget a pinned server"),
            ("shell", "many commands over one connection"),
        ],
    ),
    (
        "Orders",
        &[
            ("add", "place orders from JSON"),
            ("copy", "fetch your own blocks, each checked before it is shown"),
        ],
    ),
    (
        "Money",
        &[
            ("balance", "what you have"),
            ("statement", "what came and went"),
            ("pay", "pay somebody, or many at once"),
            ("online", "your balance, and who is online"),
            ("listen", "go online and take payments from hand to hand"),
            ("send", "pay a member who is online, from hand to hand"),
            ("order", "write a payment order, like a cheque"),
            ("settle", "turn a payment order for you into money"),
            ("revoke-order", "take back an order that is not settled"),
        ],
    ),
    (
        "Proofs",
        &[
            ("verify", "have the server check its whole log"),
            ("receipt", "fetch the proof of a block, for a stranger"),
            ("check-receipt", "check such a proof, offline"),
            ("show", "what a file is, who signed it and for whom"),
            ("checkpoint", "keep, check and compare what the server signed"),
            ("witness", "cosign what the server signed"),
        ],
    ),
    (
        "From a ledger's files",
        &[
            ("audit", "check a ledger"),
            ("export", "blocks as JSON Lines, or money for bookkeeping"),
            ("tiles", "write a ledger as static files"),
        ],
    ),
    (
        "For operators",
        &[
            ("keygen", "make your key before there is a ledger"),
            ("issue", "make money"),
            ("grant", "give a member a role"),
            ("revoke", "take a role away"),
            ("vouch-clock", "say in the ledger that the server's clock is right"),
            ("status", "the server's figures"),
            ("bench", "put load on a server and measure it"),
        ],
    ),
    (
        "This program",
        &[
            ("completions", "print a completion script for your shell"),
            ("man", "write the man pages"),
            ("version", "print the version"),
        ],
    ),
];

/// Options that every command takes.
pub(super) const OPTIONS: &[(&str, &str)] = &[
    ("--home DIR", "where keys and pinned servers are (LEDGERCTL_HOME)"),
    ("--server HOST:PORT", "127.0.0.1:7878 if not given (LEDGERCTL_SERVER)"),
    ("--passphrase-file F", "file whose first line is the passphrase of the key"),
    ("--passphrase-fd N", "the same from a file that is open already"),
    ("--json", "stable JSON instead of text"),
    ("-h, --help", "this, or help on a command"),
    ("-V, --version", "the version"),
];

/// Every command with its line.
pub fn overview_lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.iter().flat_map(|(_, commands)| commands.iter().copied())
}

/// The whole text.
pub(super) fn text() -> String {
    let mut text = String::from(
        "The client of a tamper-evident ledger.\n\nUsage: ledgerctl [OPTIONS] COMMAND [ARGUMENTS]\n",
    );
    for (title, lines) in GROUPS.iter().chain([&("Options, before or behind the command", OPTIONS)]) {
        // Nothing can go wrong when a String is written to.
        write!(text, "\n{title}:\n").unwrap_or_default();
        for (name, line) in *lines {
            writeln!(text, "  {name:21}{line}").unwrap_or_default();
        }
    }
    text.push_str("\nledgerctl COMMAND --help tells more and shows an example.\n");
    text
}
