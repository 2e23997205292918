//! Passwords that are begun and changed by a client that is killed.

use super::{Killed, World, done_once_wherever_it_is_killed, strace_is_here, words};

#[test]
fn a_password_is_begun_and_changed_once_wherever_the_client_is_killed() {
    if !strace_is_here() {
        return;
    }
    let mut world = World::new();
    let file = |world: &World, name: &str, text: &str| {
        let path = world.place.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let mut newcomer = |world: &World, run: usize| {
        let directory = world.place.directory.path();
        std::fs::remove_dir_all(directory.join("newcomer")).unwrap_or_default();
        std::fs::remove_file(directory.join("code")).unwrap_or_default();
        let (handle, e_mail) = (format!("newcomer-{run}"), format!("newcomer-{run}@example.org"));
        for command in [
            &["getKey", "--accept-new"][..],
            &["register", &handle],
            &["profile", "--name", "Newcomer", "--e-mail", &e_mail],
        ] {
            world.place.done("newcomer", &world.at, command);
        }
        let (password, code) = (file(world, "first", "first long password"), directory.join("code"));
        let code = code.display().to_string();
        words(&["password", "--force", "--new-password-file", &password, "--recovery-out", &code])
    };
    let mut killed =
        Killed { member: "newcomer", arguments: &mut newcomer, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
    // Whoever cannot log in with the old password any more is told of the change all the same.
    let mut change = |world: &World, run: usize| {
        let first = newcomer(world, 1_000 + run);
        world.place.done("newcomer", &world.at, &first.iter().map(String::as_str).collect::<Vec<_>>());
        let (old, new) =
            (file(world, "first", "first long password"), file(world, "second", "second long password"));
        let e_mail = format!("newcomer-{}@example.org", 1_000 + run);
        words(&["password", &e_mail, "--force", "--password-file", &old, "--new-password-file", &new])
    };
    let mut killed =
        Killed { member: "newcomer", arguments: &mut change, blocks: 1, lines: 1, is_repeatable: false };
    done_once_wherever_it_is_killed(&mut world, &mut killed);
}
