//! The second factor with the real programs: enrolled with a telephone that a program plays, given where it is asked for, and
//! carried over from a log-in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use ledgerd::second_factor::Secret;
use ledgerd::time::Timestamp;
use serde_json::Value;

use crate::binaries::{Daemon, Place};
use crate::money::bank;

/// What a telephone and a piece of paper hold.
pub(super) struct Factor {
    secret: Secret,
    /// The spare codes that are left.
    spare: Vec<String>,
}

impl Factor {
    /// A spare code, which nobody has used.
    pub(super) fn spare(&mut self) -> String {
        self.spare.pop().unwrap()
    }

    /// The code that the telephone shows.
    pub(super) fn code(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        self.secret.code_at(Timestamp::from_millis(now.as_millis() as u64)).to_string()
    }
}

/// Enrols a second factor; gives it, and the two lines that the command prints.
pub(super) fn enrol(place: &Place, member: &str, at: &str) -> (Factor, [String; 2]) {
    enrol_with(place, (member, at), &[])
}

fn enrol_with(place: &Place, (member, at): (&str, &str), words: &[&str]) -> (Factor, [String; 2]) {
    let words = [words, &["--json", "second-factor", "enrol"]].concat();
    let mut command = place.command(member, at, &words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let offer = output.next().unwrap().unwrap();
    let shown: Value = serde_json::from_str(&offer).unwrap();
    let secret = data_encoding::BASE32_NOPAD.decode(shown["secret"].as_str().unwrap().as_bytes()).unwrap();
    let secret = Secret::of_bytes(secret.try_into().unwrap());
    assert!(shown["uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{shown}");
    let spare = shown["spare_codes"].as_array().unwrap();
    let spare = spare.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    let factor = Factor { secret, spare };
    writeln!(child.stdin.take().unwrap(), "000000\n{}", factor.code()).unwrap();
    let done = output.next().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    (factor, [offer, done])
}

#[test]
fn an_operator_and_an_agent_give_a_code_where_one_is_needed_and_one_is_good_for_more() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    place.done("bank", at, &["issue", "alice", "5"]);
    let refused = place.ends(3, "bank", at, &["grant", "bob", "agent"]);
    assert!(refused.contains("second_factor_needed") && refused.contains("enrol one first"), "{refused}");
    assert_eq!(place.done("bank", at, &["second-factor"]), "you have no second factor\n");
    let (mut factor, _) = enrol(&place, "bank", at);
    assert!(place.done("bank", at, &["second-factor"]).starts_with("you have a second factor since block "));
    // The enrolment has shown a code for this home; another home of the same member gives one.
    place.done("bank", at, &["grant", "bob", "agent"]);
    place.copy("bank", "laptop");
    std::fs::remove_dir_all(place.directory.path().join("laptop/tickets")).unwrap();
    let refused = place.ends(3, "laptop", at, &["issue", "alice", "1"]);
    assert!(refused.contains("second_factor_needed"), "{refused}");
    let refused = place.ends(3, "laptop", at, &["--code", "000000", "issue", "alice", "1"]);
    assert!(refused.contains("invalid_code") && refused.contains("the server's clock says"), "{refused}");
    let told = place.run("laptop", at, &["--code", &factor.spare(), "issue", "alice", "1"]);
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8_lossy(&told.stderr).contains("1 wrong codes since"));
    place.done("laptop", at, &["issue", "alice", "1"]);
    let all = place.done("laptop", at, &["tail", "--all"]);
    assert!(all.lines().count() > 5, "{all}");

    // The agent can look at nothing before there is a second factor.
    assert!(place.ends(3, "bob", at, &["journal"]).contains("second_factor_needed"));
    let (mut agent, _) = enrol(&place, "bob", at);
    place.done("bob", at, &["journal"]);
    // Whoever has lost it is helped by an operator, with a code.
    std::fs::remove_dir_all(place.directory.path().join("bob/tickets")).unwrap();
    let confirmed = place.done("bob", at, &["second-factor", "confirm", &agent.spare()]);
    assert_eq!(confirmed, "the code is right\n");
    place.done("bob", at, &["journal"]);
    place.done("bank", at, &["second-factor", "reset", "bob", "--reason", "lost"]);
    assert!(place.ends(3, "bob", at, &["journal"]).contains("enrol one first"));
    assert!(place.ends(3, "bob", at, &["second-factor", "off"]).contains("not_enrolled"));
    place.done("laptop", at, &["second-factor", "off"]);
    assert_eq!(place.done("bank", at, &["second-factor"]), "you have no second factor\n");
}

#[test]
fn spare_codes_go_into_a_file_of_their_owner_and_new_ones_make_the_old_ones_worthless() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    let file = place.directory.path().join("codes").display().to_string();
    let (first, _) = enrol(&place, "alice", at);
    let arguments = ["second-factor", "codes", "--codes-out", &file];
    // Nobody to ask: nothing changes, and no file with worthless codes stays.
    assert!(place.ends(2, "alice", at, &arguments).contains("no code was given"));
    assert!(!std::path::Path::new(&file).exists());
    let refused = place.ends(3, "alice", at, &[&["--code", "000000"], &arguments[..]].concat());
    assert!(refused.contains("invalid_code"), "{refused}");
    assert!(!std::path::Path::new(&file).exists());
    // The code of the step that enrolled is used up; the next one is as good as there.
    let next = first.secret.code_at(Timestamp::from_millis(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
            + 30_000,
    ));
    place.done("alice", at, &[&["--code", &next], &arguments[..]].concat());
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 10);
    let old = first.spare[0].as_str();
    assert!(place.ends(3, "alice", at, &["second-factor", "confirm", old]).contains("invalid_code"));
    place.done("alice", at, &["second-factor", "confirm", text.lines().next().unwrap()]);
    let again = place.ends(2, "alice", at, &arguments);
    assert!(again.contains("nothing is replaced"), "{again}");
}

#[test]
fn a_log_in_gives_a_code_once_and_a_kept_key_needs_none_for_the_next_commands() {
    let place = Place::new();
    let key = place.done("bank", "127.0.0.1:1", &["keygen"]);
    let file = |name: &str| place.directory.path().join(name).display().to_string();
    std::fs::write(file("operator.pem"), key).unwrap();
    std::fs::write(file("password"), "a long enough password\n").unwrap();
    let more = ["--password-cost", "19456,2,1", "--operator", &file("operator.pem")];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let at = daemon.address.as_str();
    place.join("bank", at);
    for home in ["here", "there", "elsewhere"] {
        place.done(home, at, &["getKey", "--accept-new"]);
    }
    let (password, code) = (file("password"), file("recovery"));
    let join = ["join", "ada@example.org", "--name", "Ada", "--force", "--recovery-out", &code];
    place.done("here", at, &[&join[..], &["--password-file", &password]].concat());
    let login = ["login", "ada@example.org", "--password-file", &password];
    let keep = [&["--passphrase-file", &password], &login[..], &["--keep"]].concat();
    place.done("here", at, &keep);
    let command: [&str; 2] = ["--passphrase-file", &password];
    let with = |words: &[&'static str]| [&command[..], words].concat();
    place.ends(3, "here", at, &with(&["journal"]));
    let (mut factor, _) = enrol_with(&place, ("here", at), &command);
    let (mut operator, _) = enrol(&place, "bank", at);
    place.done("bank", at, &["grant", "#2", "agent"]);

    let refused = place.ends(3, "there", at, &login);
    assert!(refused.contains("second_factor_needed"), "{refused}");
    let refused = place.ends(3, "there", at, &[&["--code", "000000"], &login[..]].concat());
    assert!(refused.contains("invalid_code"), "{refused}");
    // The code comes with the log-in, is carried over, and stays with the tickets of the key that is kept.
    let kept = place.run("there", at, &[&["--code", &factor.spare()], &keep[..]].concat());
    let told = String::from_utf8_lossy(&kept.stderr).into_owned();
    assert!(kept.status.success() && told.contains("1 wrong codes since"), "{told}");
    place.done("there", at, &with(&["journal"]));
    place.done("there", at, &with(&["journal"]));
    // A recovery takes a code as well.
    let recover = ["recover", "ada@example.org", "--recovery-file", &code, "--force"];
    let next = file("next");
    let new = [&recover[..], &["--new-password-file", &password, "--recovery-out", &next]].concat();
    assert!(place.ends(3, "elsewhere", at, &new).contains("second_factor_needed"));
    place.done("elsewhere", at, &[&["--code", &factor.spare()], &new[..]].concat());
    // Nobody is asked where the server is told so.
    let address = daemon.address.clone();
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = Daemon::start_with(&place.data(), &address, &["--no-second-factor"]);
    place.done("elsewhere", &address, &login);
    assert_eq!(place.status("bank", &address)["second_factor"], 0);
    drop((daemon, operator.spare()));
}
