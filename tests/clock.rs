//! A ledger whose newest block carries a time that has not come yet, with the real binaries: who is told, what goes on,
//! and how an operator gets out of it.

use std::time::{SystemTime, UNIX_EPOCH};

use ledgerd::crypto::random;
use ledgerd::daemon::{DataDirectory, Founding};
use ledgerd::domain::Settings;
use ledgerd::eventlog::Options;
use ledgerd::time::Timestamp;
use serde_json::Value;

use super::binaries::{DAEMON, Daemon, Place};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const NOBODY: &str = "127.0.0.1:1";

/// A ledger that was made when the clock was so many days ahead, with an operator, who is called bank.
pub(crate) fn made_ahead(place: &Place, days: u64) {
    let pem = place.done("bank", NOBODY, &["keygen"]);
    let key = ledgerd::crypto::VerifyingKey::from_pem(&pem).unwrap().key_id();
    let settings = Settings { opening_grant: 100, operator: Some(key), ..Settings::default() };
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let founding = Founding {
        origin: Some("ledger.example/clock"),
        options: Options { segment_bytes: 64 << 10, ..Options::default() },
        now: Timestamp::from_millis(clock + days * DAY_MS),
        settings: &settings,
        passwords: None,
    };
    DataDirectory::open_or_create(&place.data(), &founding, &mut random::os()).unwrap();
}

/// Any free port at the first start; members know the server by its address afterwards.
fn start(place: &Place, at: &str, more: &[&str]) -> Daemon {
    Daemon::start_with(&place.data(), at, more)
}

fn mode(place: &Place, member: &str, at: &str) -> (String, Value) {
    let said: Value = serde_json::from_str(&place.done(member, at, &["status", "--json"])).unwrap();
    (said["mode"].as_str().unwrap().to_owned(), said["mode_reason"].clone())
}

#[test]
fn blocks_of_a_time_that_has_not_come_stop_nobody_once_the_operator_vouches_for_the_clock() {
    let place = Place::new();
    made_ahead(&place, 400);
    let daemon = start(&place, "127.0.0.1:0", &["--accept-clock"]);
    let at = daemon.address.clone();
    for member in ["bank", "alice", "bob"] {
        place.join(member, &at);
    }
    place.done("alice", &at, &["pay", "bob", "1"]);
    assert_eq!(daemon.terminate(), Some(0));

    // Without the operator's word the ledger can be read, and says to everybody why nothing else.
    let daemon = start(&place, &at, &[]);
    place.done("alice", &at, &["balance"]);
    for (member, arguments) in [("alice", &["pay", "bob", "1"][..]), ("bank", &["vouch-clock"])] {
        let complaint = place.ends(3, member, &at, arguments);
        assert!(complaint.contains("clock_jumped"), "{complaint}");
        assert!(complaint.contains("--accept-clock") && two_times(&complaint), "{complaint}");
    }
    let (mode_now, reason) = mode(&place, "alice", &at);
    assert_eq!(mode_now, "read_only");
    assert!(reason.as_str().unwrap().starts_with("clock_jumped: "), "{reason}");
    assert!(two_times(reason.as_str().unwrap()), "{reason}");
    assert_eq!(daemon.terminate(), Some(0));

    let daemon = start(&place, &at, &["--accept-clock"]);
    assert_eq!(mode(&place, "alice", &at), ("read_write".to_owned(), Value::Null));
    place.done("alice", &at, &["pay", "bob", "1"]);
    assert!(place.ends(3, "alice", &at, &["vouch-clock"]).contains("no_permission"));
    let vouched: Value = serde_json::from_str(&place.done("bank", &at, &["vouch-clock", "--json"])).unwrap();
    assert!(vouched["time"].as_str().unwrap() < vouched["timestamp"].as_str().unwrap(), "{vouched}");
    assert_eq!(daemon.terminate(), Some(0));

    // From now on it is in the log.
    let daemon = start(&place, &at, &[]);
    place.done("alice", &at, &["pay", "bob", "1"]);
    place.done("bob", &at, &["pay", "alice", "2"]);
    assert_eq!(mode(&place, "alice", &at), ("read_write".to_owned(), Value::Null));
    let copied = place.done("bank", &at, &["copy", "--json"]);
    assert!(copied.contains("\"operation_type\":\"vouch_clock\",\"time\":\"2"), "{copied}");
    drop(daemon);
    let audited = place.done("nobody", NOBODY, &["audit", place.data().to_str().unwrap()]);
    assert!(audited.starts_with("intact"), "{audited}");
}

#[test]
fn a_newest_block_ahead_of_the_clock_is_told_at_the_start_with_both_times() {
    let place = Place::new();
    made_ahead(&place, 1);
    let said = |more: &[&str]| {
        let mut command = std::process::Command::new(DAEMON);
        command.arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0"]).args(more);
        command.env("LEDGERD_LOG", "warn").stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut ready).unwrap();
        assert!(ready.starts_with("READY"), "{ready}");
        // Lines of the log are written beside the loop: a daemon that ends in good order has written all of them.
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    };
    let told = said(&[]);
    assert!(told.contains("ERROR") && told.contains("clock_jumped") && two_times(&told), "{told}");
    let told = said(&["--accept-clock"]);
    assert!(told.contains("WARN") && told.contains("vouch-clock"), "{told}");
    // A newest block that is long past is a pause, and nothing to tell.
    std::fs::remove_dir_all(place.data()).unwrap();
    assert_eq!(start(&place, "127.0.0.1:0", &[]).terminate(), Some(0));
}

#[test]
fn a_clock_that_jumped_between_two_starts_is_told_until_the_operator_accepts_it() {
    let place = Place::new();
    let daemon = start(&place, "127.0.0.1:0", &[]);
    let at = daemon.address.clone();
    place.join("alice", &at);
    assert_eq!(daemon.terminate(), Some(0));
    note_an_earlier_clock(&place, 400);

    // No restart makes it good, and none changes what the first start has noted.
    for _ in 0..2 {
        let daemon = start(&place, &at, &[]);
        let (mode_now, reason) = mode(&place, "alice", &at);
        assert_eq!(mode_now, "read_only");
        let reason = reason.as_str().unwrap();
        assert!(
            reason.starts_with("clock_jumped: the server's clock has jumped") && two_times(reason),
            "{reason}"
        );
        place.done("bob", &at, &["getKey", "--accept-new"]);
        assert!(place.ends(3, "bob", &at, &["register", "--", "bob"]).contains("clock_jumped"));
        assert_eq!(daemon.terminate(), Some(0));
    }
    for accepted in [&["--accept-clock"][..], &[]] {
        let daemon = start(&place, &at, accepted);
        assert_eq!(mode(&place, "alice", &at), ("read_write".to_owned(), Value::Null));
        assert_eq!(daemon.terminate(), Some(0));
    }
}

/// Has `DIR/clock` say that the wall clock was so many days behind what it has said on this boot of the machine.
fn note_an_earlier_clock(place: &Place, days: u64) {
    let file = place.data().join("clock");
    let noted = std::fs::read_to_string(&file).unwrap();
    let [boot_id, wall, since_boot, _sum] = noted.trim_end().split(' ').collect::<Vec<_>>()[..] else {
        panic!("{noted}");
    };
    let wall = wall.parse::<u64>().unwrap() - days * DAY_MS * 1_000;
    let fields = format!("{boot_id} {wall} {since_boot} ");
    std::fs::write(file, format!("{fields}{:08x}\n", crc32c::crc32c(fields.as_bytes()))).unwrap();
}

/// Whether a sentence holds two different times.
fn two_times(text: &str) -> bool {
    let times: std::collections::BTreeSet<&str> =
        text.split([' ', ',', ';']).filter(|word| word.ends_with('Z') && word.contains('T')).collect();
    times.len() >= 2
}
