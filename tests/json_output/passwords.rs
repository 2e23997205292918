//! What the commands about log-ins print.

use super::Reference;
use crate::binaries::{DAEMON, Daemon, Place};

/// On a ledger whose passwords cost little.
pub(super) fn hold(reference: &mut Reference) {
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--password-cost", "19456,2,1"]);
    let at = daemon.address.as_str();
    let path = |name: &str| place.directory.path().join(name).to_str().unwrap().to_owned();
    let [first, second, code, next] = ["first", "second", "code", "next"].map(path);
    for (file, text) in [(&first, "first long password"), (&second, "second long password")] {
        std::fs::write(file, text).unwrap();
    }
    let mut seen = |label: &str, home: &str, arguments: &[&str]| {
        let arguments = [&["--json"], arguments].concat();
        reference.hold(label, &place.done(home, at, &arguments))
    };
    let words = ["--data", place.data().to_str().unwrap(), "--fingerprint"].map(str::to_owned);
    let fingerprint = std::process::Command::new(DAEMON).args(words).output().unwrap().stdout;
    let fingerprint = String::from_utf8(fingerprint).unwrap();
    for home in ["here", "there"] {
        place.done(home, at, &["getKey", "--fingerprint", fingerprint.trim()]);
    }
    let mail = "ada@example.org";
    seen(
        "join",
        "here",
        &["join", mail, "--name", "Ada", "--password-file", &first, "--recovery-out", &code],
    );
    seen(
        "login",
        "there",
        &["--passphrase-file", &second, "login", mail, "--password-file", &first, "--keep"],
    );
    seen("logout", "there", &["--passphrase-file", &second, "logout"]);
    let changed = ["password", mail, "--password-file", &first, "--new-password-file", &second];
    seen("password, recover", "here", &changed);
    let recovered =
        ["recover", mail, "--recovery-file", &code, "--new-password-file", &first, "--recovery-out", &next];
    seen("password, recover", "there", &recovered);
}
