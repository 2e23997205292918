//! `fixtures/vectors/passwords.txt`: a ledger whose members log in by password, with every value on the way: the protocol of a
//! registration and of a log-in, what roams from the join on through two changes and a recovery, its trace in the blocks, and
//! the content of the vault. Each is computed a second time by hand. `UPDATE_VECTORS=1` writes the file anew; do that only
//! together with a new version of the format.

mod by_hand;
mod protocol;

use base64ct::{Base64, Encoding as _};
use ledgerd::crypto::random::{self, Seeded};
use ledgerd::crypto::{KeyId, SigningKey};
use ledgerd::domain::AccountId;
use ledgerd::domain::accounts::{CredentialCommit, CredentialVia, Custody};
use ledgerd::password::{
    Blob, Credential, ExportKey, IndexKey, OpaqueKey, RecoveryCode, RecoverySecrets, ServerSetup, Stretch,
    VaultKey,
};
use ledgerd::session::Descriptor;

use crate::forge::persons::Said;
use crate::forge::{Draft, Forge, ed25519_key, log_key, member_key};
use crate::session_vectors::Book;
use crate::session_world::key;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/passwords.txt");

const ANNA: AccountId = AccountId(1);
const BERT: AccountId = AccountId(2);

const ANNAS: Said<'static> = Said { texts: ["Anna Ames", "Anna@Example.ORG"], scope_key: [21; 32] };
const BERTS: Said<'static> = Said { texts: ["Bert Bly", "bert@example.org"], scope_key: [22; 32] };

/// The cost of a guess in the vectors. No client accepts so little.
const CHEAP: Stretch = Stretch { m_kib: 8, t: 1, p: 1 };

/// A ledger that grows, its server's keys for log-ins, and the vectors.
struct Story {
    forge: Forge,
    setup: ServerSetup,
    opaque: OpaqueKey,
    index: IndexKey,
    book: Book,
}

/// The secrets of a signing key that roams. They come from a seed; the values themselves are in the vectors.
struct Roaming<'a> {
    key: &'a SigningKey,
    vault_key: VaultKey,
    vault_key_bytes: [u8; 32],
}

impl Roaming<'_> {
    fn new<'a>(seed: &str, key: &'a SigningKey) -> Roaming<'a> {
        let vault_key_bytes = random::bytes(&mut Seeded::new(seed));
        Roaming { key, vault_key: VaultKey::generate(&mut Seeded::new(seed)), vault_key_bytes }
    }

    fn key_id(&self) -> KeyId {
        self.key.public().key_id()
    }
}

/// A recovery code, and its bytes.
fn recovery_code(seed: &str) -> (RecoveryCode, [u8; 20]) {
    (RecoveryCode::generate(&mut Seeded::new(seed)), random::bytes(&mut Seeded::new(seed)))
}

/// The parts of a blob, in their order.
fn parts(blob: &Blob) -> [&[u8]; 4] {
    let bytes = blob.as_bytes();
    [&bytes[..80], &bytes[80..160], &bytes[160..192], &bytes[192..]]
}

impl Story {
    fn new() -> Story {
        let setup = ServerSetup::generate(&mut Seeded::new("set-up of the vectors"));
        let opaque = OpaqueKey { server_key: setup.public_key(), stretch: CHEAP };
        let (forge, book) = (Forge::new(92), Book::default());
        Story { forge, setup, opaque, index: IndexKey::from_bytes([23; 32]), book }
    }

    /// Writes down a wrap with every value on the way; it has to be this part of the blob.
    fn wrap(&mut self, roaming: &Roaming<'_>, (purpose, key, secret): (&str, &[u8], &[u8]), part: &[u8]) {
        let values = by_hand::wrap(self.forge.ledger_id, roaming.key_id(), (purpose, key), secret);
        for (name, bytes) in &values {
            self.book.put(&format!("{purpose}.{name}"), bytes);
        }
        assert_eq!(values.last().unwrap().1, part, "{purpose}");
    }

    fn wrap_by_password(&mut self, roaming: &Roaming<'_>, export_key: &ExportKey, blob: &Blob) {
        self.wrap(roaming, ("pw", &export_key[..], &roaming.vault_key_bytes), parts(blob)[0]);
    }

    fn wrap_by_code(&mut self, roaming: &Roaming<'_>, code: &[u8; 20], blob: &Blob) {
        let [.., (_, wraps), (_, shown), (_, authenticator)] = by_hand::recovery(code);
        self.wrap(roaming, ("rec", &wraps, &roaming.vault_key_bytes), parts(blob)[1]);
        self.book.put("authenticator", &authenticator);
        assert_eq!(parts(blob)[2], authenticator);
        assert!(blob.knows_code(shown.as_slice().try_into().unwrap()));
    }

    fn wrap_of_key(&mut self, roaming: &Roaming<'_>, blob: &Blob) {
        let der = roaming.key.to_pkcs8_der().unwrap();
        self.wrap(roaming, ("ck", &roaming.vault_key_bytes, &der), parts(blob)[3]);
    }

    /// A blob under a new key, with each of its parts.
    fn new_blob(
        &mut self,
        roaming: &Roaming<'_>,
        export_key: &ExportKey,
        (code, code_bytes): &(RecoveryCode, [u8; 20]),
    ) -> Blob {
        let ledger_id = self.forge.ledger_id;
        let blob = Blob::new(ledger_id, roaming.key, &roaming.vault_key, export_key, code).unwrap();
        self.book.put("vault_key", &roaming.vault_key_bytes);
        self.wrap_by_password(roaming, export_key, &blob);
        self.wrap_by_code(roaming, code_bytes, &blob);
        self.wrap_of_key(roaming, &blob);
        blob
    }

    /// Writes down what the server keeps of a password, and what a command says of it.
    fn credential(&mut self, key_id: KeyId, epoch: u32, record: [u8; 192], blob: &Blob) -> CredentialCommit {
        let credential = Credential::new(key_id, epoch, &self.opaque, record, blob.clone());
        let (ledger_id, server_key) = (self.forge.ledger_id, &self.opaque.server_key);
        let commit = credential.commit(ledger_id, server_key);
        let numbers = [epoch, 1, CHEAP.m_kib, CHEAP.t, CHEAP.p].map(u32::to_be_bytes);
        let by_hand =
            by_hand::credential(&numbers, (ledger_id, key_id), server_key, (&record, blob.as_bytes()));
        self.book.put("blob", blob.as_bytes());
        for (name, bytes) in &by_hand {
            self.book.put(name, bytes);
        }
        let [.., (_, by_hand_commit), (_, content)] = by_hand;
        assert_eq!(commit[..], by_hand_commit);
        assert_eq!(credential.to_bytes(), content);
        assert_eq!(Credential::from_bytes(&content), Some(credential));
        CredentialCommit { epoch, commit }
    }

    /// Links a block in that the rules take, and writes it down. Who has a password by then, has this one.
    fn push(&mut self, draft: &Draft, account: AccountId, password: Option<CredentialCommit>) {
        self.forge.push(draft);
        let known = self.forge.state().accounts.credential(account).map(|it| (it.commit, it.block));
        assert_eq!(known, password.map(|it| (it, draft.index)), "the rules took it");
        self.book.block(&draft.encode());
    }
}

fn setup_and_names(story: &mut Story) {
    let Story { forge, setup, index, book, .. } = story;
    book.section("ledger");
    book.put("block", &forge.blocks[0]);
    book.put("ledger_id", &forge.ledger_id.0);
    book.section("set-up");
    let bytes = setup.to_bytes();
    book.put("set_up", &bytes);
    book.put("oprf_seed", &bytes[..64]);
    book.put("server_private_key", &bytes[64..96]);
    book.put("key_of_unknown", &bytes[96..]);
    book.put("server_public_key", &setup.public_key());
    assert_eq!(by_hand::public_key(&bytes[64..96]), setup.public_key());

    // A client accepts the cost that this descriptor names.
    let public = OpaqueKey { server_key: setup.public_key(), stretch: Stretch::default() };
    let line =
        format!("opaque-key 1 ristretto255 {} argon2id 65536 3 4", Base64::encode_string(&public.server_key));
    let descriptor = Descriptor::make(&log_key(), forge.ledger_id, 2, key("server").public(), Some(&public));
    assert!(descriptor.text().contains(&format!("\n{line}\n\n")), "{}", descriptor.text());
    assert_eq!(Descriptor::parse(descriptor.text()).unwrap().opaque_key(), Some(&public));
    book.put("descriptor", descriptor.text().as_bytes());
    book.text(&format!("line = {line}"));

    book.section("names of e-mails");
    book.put("index_key", index.as_bytes());
    for (e_mail, normalised) in [
        ("Anna@Example.ORG", "anna@example.org"),
        ("anna@example.org", "anna@example.org"),
        ("BERT@example.org", "bert@example.org"),
        ("[Z]^_`{z}@X", "[z]^_`{z}@x"),
    ] {
        let [id, name] = by_hand::names(index.as_bytes(), normalised);
        assert_eq!(index.credential_id(e_mail)[..], id);
        assert_eq!(index.vault_name(e_mail)[..], name[..16]);
        book.text(&format!("e_mail = {e_mail}"));
        book.text(&format!("normalised = {normalised}"));
        book.put("credential_identifier", &id);
        book.put("vault_name", &name[..16]);
    }
}

fn recovery_codes(story: &mut Story) {
    for seed in ["code of the join", "code of the recovery"] {
        let (code, bytes) = recovery_code(seed);
        story.book.section(seed);
        for (name, value) in by_hand::recovery(&bytes) {
            story.book.put(name, &value);
        }
        let text = by_hand::base32(&bytes);
        assert_eq!(*code.to_text(), text);
        story.book.text(&format!("text = {text}"));
        let typed =
            text.to_lowercase().replace('-', " ").replace('o', "0").replace('i', "1").replace('b', "8");
        story.book.text(&format!("typed = {typed}"));
        assert_eq!(RecoveryCode::parse(&typed).unwrap(), code);
        let [.., (_, wraps), (_, shown), (_, authenticator)] = by_hand::recovery(&bytes);
        let secrets = code.secrets();
        assert_eq!((&secrets.wraps[..], &secrets.shown[..]), (&wraps[..], &shown[..]));
        assert_eq!(RecoverySecrets::authenticator(&secrets.shown)[..], authenticator);
    }
}

/// ANNA joins, changes her password twice, and recovers when she has forgotten it.
fn join_change_recover<'a>(story: &mut Story, roaming: &Roaming<'a>) -> Blob {
    let (ledger_id, key_id) = (story.forge.ledger_id, roaming.key_id());
    let [codes, next] = ["code of the join", "code of the recovery"].map(recovery_code);
    let e_mail = ANNAS.texts[1];

    let first = protocol::registration(story, "join", e_mail);
    let joined = story.new_blob(roaming, &first.export_key, &codes);
    let commit = story.credential(key_id, 1, first.record, &joined);
    let custody = (Custody::Roaming, Some(commit.commit));
    let (draft, _) = story.forge.joining(roaming.key, "anna", custody, &ANNAS);
    story.push(&draft, ANNA, Some(commit));

    let (mut blob, by) = (joined.clone(), (roaming.key, ANNA));
    for (epoch, title) in [(2, "change"), (3, "second change")] {
        let registered = protocol::registration(story, title, e_mail);
        let changed = blob.with_password((ledger_id, key_id), &roaming.vault_key, &registered.export_key);
        story.wrap_by_password(roaming, &registered.export_key, &changed);
        assert_eq!(
            parts(&changed)[1..],
            parts(&joined)[1..],
            "all but the password's part is that of the join"
        );
        assert_ne!(parts(&changed)[0], parts(&blob)[0]);
        let commit = story.credential(key_id, epoch, registered.record, &changed);
        let draft = story.forge.set_credential(by, commit, CredentialVia::Password);
        story.push(&draft, ANNA, Some(commit));
        blob = changed;
    }

    let registered = protocol::registration(story, "recovery", e_mail);
    let whose = (ledger_id, key_id);
    let recovered = blob.with_password_and_code(whose, &roaming.vault_key, &registered.export_key, &next.0);
    story.wrap_by_password(roaming, &registered.export_key, &recovered);
    story.wrap_by_code(roaming, &next.1, &recovered);
    assert_eq!(parts(&recovered)[3], parts(&joined)[3], "the key's part is that of the join");
    assert!((0..3).all(|part| parts(&recovered)[part] != parts(&blob)[part]), "the code is another one");
    let commit = story.credential(key_id, 4, registered.record, &recovered);
    let draft = story.forge.set_credential(by, commit, CredentialVia::Recovery);
    story.push(&draft, ANNA, Some(commit));
    recovered
}

/// ANNA has another e-mail and another key; BERT, who has a key in a file, gets a password.
fn other_commands(story: &mut Story, roaming: &Roaming<'_>, blob: &Blob) {
    let (ledger_id, key_id, by) = (story.forge.ledger_id, roaming.key_id(), (roaming.key, ANNA));
    let scope = *story.forge.state().scopes.iter().next().unwrap().0;
    let said = Said { texts: ["Anna Ames", "ames@example.org"], ..ANNAS };
    let registered = protocol::registration(story, "another e-mail", said.texts[1]);
    let changed = blob.with_password((ledger_id, key_id), &roaming.vault_key, &registered.export_key);
    story.wrap_by_password(roaming, &registered.export_key, &changed);
    let commit = story.credential(key_id, 5, registered.record, &changed);
    let (draft, _) = story.forge.profile(by, Some(scope), &said, Some(commit));
    story.push(&draft, ANNA, Some(commit));

    let key = ed25519_key(101);
    let rotated = Roaming::new("the vault key of the rotation", &key);
    let codes = recovery_code("code of the rotation");
    let registered = protocol::registration(story, "rotation", said.texts[1]);
    let blob = story.new_blob(&rotated, &registered.export_key, &codes);
    let commit = story.credential(rotated.key_id(), 6, registered.record, &blob);
    let draft = story.forge.rotate_to_roaming_key(by, &key, commit);
    story.push(&draft, ANNA, Some(commit));

    story.book.section("registration of another member");
    let draft = story.forge.registration(1, "bert");
    story.push(&draft, BERT, None);
    story.book.section("profile of another member");
    let (draft, _) = story.forge.profile((member_key(1), BERT), None, &BERTS, None);
    story.push(&draft, BERT, None);

    let key = ed25519_key(102);
    let added = Roaming::new("the vault key of the further key", &key);
    let codes = recovery_code("code of the further key");
    let registered = protocol::registration(story, "further key", BERTS.texts[1]);
    let blob = story.new_blob(&added, &registered.export_key, &codes);
    let commit = story.credential(added.key_id(), 1, registered.record, &blob);
    let draft = story.forge.add_roaming_key((member_key(1), BERT), &key, commit);
    story.push(&draft, BERT, Some(commit));
}

#[test]
fn the_vectors_of_passwords_are_what_the_ledger_and_its_vault_hold() {
    let mut story = Story::new();
    story.book.text(
        "# Log-in by password, value by value. Fields: README.md. All values are hexadecimal, but texts of codes, e-mails and lines.",
    );
    setup_and_names(&mut story);
    recovery_codes(&mut story);
    protocol::whole(&mut story);
    let roaming = Roaming::new("the vault key of the join", member_key(0));
    let blob = join_change_recover(&mut story, &roaming);
    other_commands(&mut story, &roaming, &blob);
    let epochs = [ANNA, BERT].map(|it| story.forge.state().accounts.credential(it).unwrap().commit.epoch);
    assert_eq!(epochs, [6, 1], "the rules took every command");
    story.book.compare(FILE);
}
