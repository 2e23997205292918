//! A real daemon on loopback, what it has used, and members who are registered with it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ledgerd::client::bench::Accounts;
use ledgerd::client::{
    Connection, Home, KnownServer, Opening, PATIENCE, Signer, get_key, known_servers, load_key, make_key,
    question,
};
use ledgerd::crypto::KeyKind;
use ledgerd::session::{ClientAuth, ClientTicket, Descriptor};
use rustix::process::{Pid, Signal, kill_process};

/// No shares of one account: a few accounts stand for many here.
const SETTINGS: &str = "log_bytes_per_account_day = 0\nconnections_per_account_max = 0\n";

/// Ends with the measurement, however that ends.
pub(crate) struct Daemon {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Daemon {
    /// Starts a daemon on the ledger in this directory, which is made if it is not there, and waits until it serves. It
    /// serves with [`SETTINGS`], which it says.
    pub(crate) fn start(data: &Path) -> Daemon {
        Daemon::start_with(data, &[])
    }

    /// Starts a daemon on a new ledger in this place, of which the first member will be an operator.
    pub(crate) fn start_for_operator(place: &Path) -> Daemon {
        let home = Home::open(Some(&cache().join("0001"))).unwrap();
        let key = load_key(&home, &mut |_| None).unwrap();
        let key = key.unwrap_or_else(|| make_key(&home, KeyKind::Rsa3072, None).unwrap());
        let file = place.join("operator.pem");
        std::fs::write(&file, key.public().to_pem()).unwrap();
        Daemon::start_with(&place.join("ledger"), &["--operator", file.to_str().unwrap()])
    }

    /// The same, with further options.
    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Daemon {
        let settings = data.with_extension("toml");
        std::fs::write(&settings, SETTINGS).unwrap();
        println!("ledgerd.toml: {}", SETTINGS.trim_end().replace('\n', ", "));
        let started = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
            .arg("--data")
            .arg(data)
            .arg("--config")
            .arg(settings)
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .env("LEDGERD_LOG", "error")
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("addr=").nth(1).unwrap().trim().to_owned();
        Daemon { child, address }
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// User and system time so far, from `proc_pid_stat(5)`: fields 14 and 15, in hundredths of a second.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(") ").next().unwrap();
        let fields = after_name.split(' ').skip(11).take(2);
        Duration::from_millis(fields.map(|field| field.parse::<u64>().unwrap()).sum::<u64>() * 10)
    }

    /// Lets clients, who are told their number, do something so many times each, all at once. Gives how often it was done in a
    /// second, and the daemon's CPU time for one.
    pub(crate) fn rate(
        &self,
        what: &str,
        clients: u32,
        times: u32,
        work: impl Fn(u32) + Sync,
    ) -> (f64, Duration) {
        let (start, before, work) = (Instant::now(), self.cpu_time(), &work);
        std::thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || (0..times).for_each(|_| work(client)));
            }
        });
        let (wall, cpu, count) = (start.elapsed(), self.cpu_time() - before, clients * times);
        let rate = f64::from(count) / wall.as_secs_f64();
        println!("{what}: {rate:.0} a second, {:?} of the daemon's CPU time each", cpu / count);
        (rate, cpu / count)
    }

    /// Bytes of memory that are there (`VmRSS`).
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// A home in `place` that knows this daemon, the pin, and the daemon's descriptor.
    pub(crate) fn pinned(&self, place: &Path) -> (Home, KnownServer, Descriptor) {
        let home = Home::open(Some(&place.join("home"))).unwrap();
        let descriptor = known_servers::verify_key_info(&get_key(&self.address).unwrap()).unwrap();
        let server = known_servers::keep(&home, &self.address.parse().unwrap(), &descriptor, true).unwrap();
        (home, server, descriptor)
    }

    /// So many registered members. Their keys are made once and kept beside the programs; `place` is where the home
    /// that knows the daemon lies.
    pub(crate) fn accounts(&self, place: &Path, count: usize) -> Accounts {
        let (home, server, _) = self.pinned(place);
        let addresses = self.address.parse().unwrap();
        let accounts = Accounts::open(&cache(), &home, server, addresses, count).unwrap();
        Accounts::make_keys(&accounts.without_key().unwrap(), &|| ()).unwrap();
        accounts.register(&accounts.unregistered().unwrap(), &|| ()).unwrap();
        accounts
    }
}

/// Where the keys of throw-away accounts are kept.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-accounts")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A ticket of the first of these accounts, after a full handshake: a resumed session gets no ticket while the one that
/// it was resumed with is good.
pub(crate) fn ticket(accounts: &Accounts, address: &str, descriptor: &Descriptor) -> ClientTicket {
    ticket_of(accounts.signers(false).unwrap().swap_remove(0), address, descriptor)
}

/// A ticket of each of these accounts.
pub(crate) fn tickets(accounts: &Accounts, address: &str, descriptor: &Descriptor) -> Vec<ClientTicket> {
    let signers = accounts.signers(false).unwrap();
    signers.into_iter().map(|signer| ticket_of(signer, address, descriptor)).collect()
}

fn ticket_of(signer: Signer, address: &str, descriptor: &Descriptor) -> ClientTicket {
    let Signer { account, key, .. } = signer;
    let auth = ClientAuth { account: account.0, key };
    let mut connection = Connection::open(address, &Opening::Full(descriptor, Some(auth)), PATIENCE)
        .unwrap_or_else(|error| panic!("{error:?}"));
    // The ticket is the first record after the handshake: with an answer it has come as well.
    connection.ask(&question::Whoami).unwrap();
    connection.take_tickets().pop().unwrap()
}

/// Bytes as people read them.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
