//! Log-ins by e-mail and password at a real daemon on loopback, by the client that people use: an anonymous handshake, the
//! messages of OPAQUE, another handshake with the key that was fetched, a question about it, and a look at its newest blocks. The
//! clients stretch the password on the same cores as little as a client may, so that the daemon's CPU time for
//! one, which stands beside the rate, says more than the rate. At first those who log in join, and what each leaves on the disk
//! is counted. `cargo bench --bench log_ins`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::path::Path;

use ledgerd::client::{
    Addresses, Anonymous, Home, LoggedIn, Newcomer, fetch_figures, get_key, join, known_servers, log_in,
    make_roaming,
};
use ledgerd::crypto::{KeyKind, random};
use ledgerd::password::RecoveryCode;

mod made;

use made::daemon::Daemon;
use made::load::{ROUNDS, median};

/// Clients that log in at the same time.
const CLIENTS: usize = 4;

/// Log-ins of each in a round.
const TIMES: u32 = 50;

/// What a guess costs, the least that a client does: KiB of memory, passes, lanes.
const COST: &str = "19456,2,1";

const PASSWORD: &str = "correct horse battery";

/// Bytes of the two headers of the vault's slots, of a slot and of a page (docs/vault-format.md). What is free is zeros.
const VAULT: [(&str, usize, usize); 2] = [("slots", 2 * 4_096, 128), ("pages", 0, 4_096)];

/// Somebody who has joined, on a machine of its own.
struct Person {
    home: Home,
    e_mail: String,
}

fn main() {
    let place = made::place();
    let ledger = place.path().join("ledger");
    let daemon = Daemon::start_with(&ledger, &["--password-cost", COST]);
    let addresses: Addresses = daemon.address.parse().unwrap();
    let join = |number| Person::join(place.path(), &addresses, number);
    let first = join(0);
    let before = log_bytes(&first, &addresses);
    let people: Vec<Person> = (1..=CLIENTS).map(join).collect();
    let in_the_log = (log_bytes(&first, &addresses) - before) / CLIENTS as u64;

    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (rate, cost) = daemon.rate("log-ins", CLIENTS as u32, TIMES, |client| {
            people[client as usize].log_in(&addresses);
        });
        rates.push(rate);
        costs.push(cost.as_secs_f64());
    }
    let (rate, cost) = (median(rates.into_iter()), median(costs.into_iter()));
    println!("median: {rate:.0} a second, {:.2} ms of the daemon's CPU time each", cost * 1e3);

    daemon.stop();
    println!("somebody who has joined takes {in_the_log} bytes of the log");
    for (file, header, unit) in VAULT {
        let bytes = std::fs::read(ledger.join("vault").join(file)).unwrap();
        let used = bytes[header..].chunks(unit).filter(|part| part.iter().any(|byte| *byte != 0)).count();
        println!("and of the vault's {file} {:.1}, of {unit} bytes each", used as f64 / (CLIENTS + 1) as f64);
    }
}

impl Person {
    fn join(place: &Path, addresses: &Addresses, number: usize) -> Person {
        let home = Home::open(Some(&place.join(number.to_string()))).unwrap();
        let descriptor = known_servers::verify_key_info(&get_key(&addresses.to_string()).unwrap()).unwrap();
        known_servers::keep(&home, addresses, &descriptor, true).unwrap();
        let e_mail = format!("member-{number}@example.org");
        let mut link = Anonymous::open(&home, addresses).unwrap();
        let newcomer = Newcomer { e_mail: &e_mail, name: "Ash", password: PASSWORD };
        let roaming = make_roaming(KeyKind::Rsa3072, RecoveryCode::generate(&mut random::os()));
        join(&home, &mut link, newcomer, &roaming).unwrap().told().unwrap();
        Person { home, e_mail }
    }

    fn log_in(&self, addresses: &Addresses) -> LoggedIn {
        log_in(&self.home, addresses, &self.e_mail, PASSWORD).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn log_bytes(person: &Person, addresses: &Addresses) -> u64 {
    let mut logged_in = person.log_in(addresses);
    fetch_figures(&mut logged_in.member).unwrap().number("log_bytes").unwrap()
}
