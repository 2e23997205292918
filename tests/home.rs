//! The client's home: what is lost of it and what brings it back, who may use it at once, and what damage to it can
//! and cannot do.

use crate::binaries::{Daemon, Place};

/// Makes a home that knows the server and holds a copy of a member's key, and nothing else.
fn home_with_key_only(place: &Place, home: &str, of: &str, address: &str) {
    place.done(home, address, &["getKey", "--accept-new"]);
    let root = place.directory.path();
    std::fs::copy(root.join(of).join("key.pem"), root.join(home).join("key.pem")).unwrap();
}

#[test]
fn a_key_alone_brings_its_account_back() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    assert_eq!(place.join("alice", at), 1);
    // A new machine: the key is there before the server is pinned.
    std::fs::create_dir(place.directory.path().join("new")).unwrap();
    std::fs::copy(place.directory.path().join("alice/key.pem"), place.directory.path().join("new/key.pem"))
        .unwrap();
    let said = place.ends(0, "new", at, &["getKey", "--accept-new"]);
    assert!(said.contains("account 1 (alice)"), "{said}");
    assert!(place.done("new", at, &["whoami"]).contains("alice"));
    assert!(place.ends(3, "new", at, &["register", "alice"]).contains("already_registered"));
    // The key comes after the server was pinned: whichever command is first finds the account.
    home_with_key_only(&place, "second", "alice", at);
    let said = place.ends(0, "second", at, &["balance"]);
    assert!(said.contains("account 1 (alice)"), "{said}");
    home_with_key_only(&place, "third", "alice", at);
    assert_eq!(place.done("third", at, &["register", "Alice"]).trim(), "1");
    home_with_key_only(&place, "fourth", "alice", at);
    let said = place.ends(3, "fourth", at, &["register", "bob"]);
    assert!(said.contains("already_registered") && said.contains("account 1 (alice)"), "{said}");
    assert!(place.done("fourth", at, &["whoami"]).contains("alice"));
    assert_eq!(place.status("alice", at)["blocks"], 2, "nothing was registered a second time");
}

#[test]
fn whoever_has_no_account_is_told_what_to_do() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    let said = place.ends(0, "alice", at, &["getKey", "--accept-new"]);
    assert!(!said.contains("account"), "{said}");
    let said = place.ends(2, "alice", at, &["balance"]);
    assert!(said.contains("register HANDLE") && said.contains("key.pem"), "{said}");
    place.done("alice", at, &["keygen"]);
    let said = place.ends(2, "alice", at, &["balance"]);
    assert!(said.contains("has no account") && said.contains("register HANDLE"), "{said}");
    let said = place.ends(0, "alice", at, &["register", "alice"]);
    assert!(said.contains("keep a copy of") && said.contains("alice/key.pem"), "{said}");
    std::fs::remove_file(place.directory.path().join("alice/key.pem")).unwrap();
    let said = place.ends(78, "alice", at, &["balance"]);
    assert!(said.contains("alice/key.pem is gone") && said.contains("account 1 (alice)"), "{said}");
}
