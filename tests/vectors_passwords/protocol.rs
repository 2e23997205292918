//! The protocol of registrations and log-ins in the vectors: the library's two sides, and the computation by hand.

use argon2::{Algorithm, Argon2, Params, Version};
use curve25519_dalek::scalar::Scalar;
use ledgerd::crypto::random::{self, Seeded};
use ledgerd::password::{ClientLogin, ClientRegistration, Registered, context, normalised_password};

use super::{ANNAS, BERTS, CHEAP, Story};
use crate::opaque_by_hand::{Inputs, Values, answer_to, registration_and_login};

/// The exporter of the channel on which every log-in happens.
const EXPORTER: [u8; 32] = [24; 32];

/// Where the draws of a side come from.
fn generator(title: &str, side: &str) -> Seeded {
    Seeded::new(&format!("{title}: {side}"))
}

/// The next draw of a scalar: the remainder of sixty-four bytes.
fn draw_scalar(draws: &mut Seeded) -> Vec<u8> {
    Scalar::from_bytes_mod_order_wide(&random::bytes(draws)).to_bytes().to_vec()
}

fn draw<const N: usize>(draws: &mut Seeded) -> Vec<u8> {
    random::bytes::<N>(draws).to_vec()
}

fn stretched(input: &[u8]) -> Vec<u8> {
    let params = Params::new(CHEAP.m_kib, CHEAP.t, CHEAP.p, Some(64)).unwrap();
    let mut output = vec![0; 64];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(input, &[0; 16], &mut output).unwrap();
    output
}

/// The password with this title, as somebody types it: the second character is an e with a combining accent.
fn typed(title: &str) -> String {
    format!("me\u{301}moire: {title}")
}

fn context_by_hand(story: &Story) -> Vec<u8> {
    let numbers = [1, CHEAP.m_kib, CHEAP.t, CHEAP.p].map(u32::to_be_bytes);
    let ledger_id = &story.forge.ledger_id.0;
    let bytes = [b"ledgerd/opaque/1\0", &ledger_id[..], numbers.as_flattened(), &EXPORTER].concat();
    assert_eq!(context(story.forge.ledger_id, CHEAP, &EXPORTER), bytes);
    bytes
}

/// What both sides have, and what they draw, in the order in which they draw it.
fn inputs(story: &Story, title: &str, e_mail: &str) -> Inputs {
    let setup = story.setup.to_bytes();
    let mut inputs = Inputs::new();
    let mut put = |name: &str, bytes: Vec<u8>| assert_eq!(inputs.insert(name.to_owned(), bytes), None);
    put("oprf_seed", setup[..64].to_vec());
    put("server_private_key", setup[64..96].to_vec());
    put("server_identity", story.forge.ledger_id.0.to_vec());
    put("credential_identifier", story.index.credential_id(e_mail).to_vec());
    put("context", context_by_hand(story));
    put("password", format!("m\u{e9}moire: {title}").into_bytes());
    let draws = &mut generator(title, "registration");
    put("blind_registration", draw_scalar(draws));
    put("envelope_nonce", draw::<32>(draws));
    let draws = &mut generator(title, "log-in");
    put("blind_login", draw_scalar(draws));
    put("client_keyshare_seed", draw::<32>(draws));
    put("client_nonce", draw::<32>(draws));
    let draws = &mut generator(title, "server");
    put("masking_key_of_unknown", draw::<64>(draws));
    put("masking_nonce", draw::<32>(draws));
    put("server_keyshare_seed", draw::<32>(draws));
    put("server_nonce", draw::<32>(draws));
    inputs
}

/// A registration by the library's two sides.
fn register(story: &Story, title: &str, e_mail: &str, by_hand: &Values) -> Registered {
    let (password, draws) = (normalised_password(&typed(title)), &mut generator(title, "registration"));
    let (client, request) = ClientRegistration::start(&password, draws).unwrap();
    assert_eq!(request[..], *by_hand.get("registration_request"));
    let response = story.setup.register(&request, &story.index.credential_id(e_mail)).unwrap();
    assert_eq!(response[..], *by_hand.get("registration_response"));
    let at = (story.forge.ledger_id, &story.opaque);
    let registered = client.finish(&password, &response, at, draws).unwrap();
    assert_eq!(registered.record[..], *by_hand.get("registration_upload"));
    assert_eq!(registered.export_key[..], *by_hand.get("export_key"));
    registered
}

/// A log-in by the library's two sides; and what somebody is answered who has the wrong e-mail, which is the last value.
fn log_in(story: &Story, title: &str, record: &[u8; 192], by_hand: &Values) -> Vec<u8> {
    let (password, draws) = (normalised_password(&typed(title)), &mut generator(title, "log-in"));
    let (ledger_id, context) = (story.forge.ledger_id, context_by_hand(story));
    let [id, unknown] = [ANNAS, BERTS].map(|said| story.index.credential_id(said.texts[1]));
    let (client, ke1) = ClientLogin::start(&password, draws).unwrap();
    assert_eq!(ke1[..], *by_hand.get("ke1"));
    let answer = |record, id| {
        let (draws, at) = (&mut generator(title, "server"), (ledger_id, &context[..]));
        story.setup.start_login(record, &ke1, id, at, draws).unwrap()
    };
    let (server, ke2) = answer(Some(record), &id);
    assert_eq!(ke2[..], *by_hand.get("ke2"));
    let done = client.finish(&password, &ke2, (ledger_id, &story.opaque), &EXPORTER, draws).unwrap();
    assert_eq!(done.ke3[..], *by_hand.get("ke3"));
    assert_eq!(done.export_key[..], *by_hand.get("export_key"));
    server.finish(&done.ke3, (ledger_id, &context)).unwrap();
    answer(None, &unknown).1.to_vec()
}

/// A registration whose values on the way are not written down, but those that the rest of its section begins with.
pub(super) fn registration(story: &mut Story, title: &str, e_mail: &str) -> Registered {
    let inputs = inputs(story, title, e_mail);
    let by_hand = registration_and_login(&inputs, &stretched);
    let registered = register(story, title, e_mail, &by_hand);
    story.book.section(title);
    for name in ["password", "credential_identifier", "blind_registration", "envelope_nonce"] {
        story.book.put(name, &inputs[name]);
    }
    story.book.put("export_key", &registered.export_key[..]);
    story.book.put("record", &registered.record);
    registered
}

/// One registration and one log-in in full, and the answer to a log-in with an e-mail that nobody has.
pub(super) fn whole(story: &mut Story) {
    let (title, e_mail) = ("join", ANNAS.texts[1]);
    let inputs = inputs(story, title, e_mail);
    let by_hand = registration_and_login(&inputs, &stretched);
    let registered = register(story, title, e_mail, &by_hand);
    let answer = log_in(story, title, &registered.record, &by_hand);
    story.book.section("a registration and a log-in in full");
    story.book.put("password_as_typed", typed(title).as_bytes());
    story.book.put("exporter", &EXPORTER);
    for (name, bytes) in &inputs {
        story.book.put(name, bytes);
    }
    for (name, bytes) in &by_hand.0 {
        story.book.put(name, bytes);
    }

    story.book.section("a log-in with an e-mail that nobody has");
    let unknown = story.index.credential_id(BERTS.texts[1]);
    let changed = Inputs::from([("credential_identifier".to_owned(), unknown.to_vec())]);
    let inputs: Inputs = inputs.into_iter().chain(changed).collect();
    let setup = story.setup.to_bytes();
    let invented = [&setup[96..], &inputs["masking_key_of_unknown"], &[0; 96]].concat();
    let by_hand = answer_to(&inputs, &invented, by_hand.get("ke1"));
    assert_eq!(answer, by_hand);
    story.book.put("credential_identifier", &unknown);
    story.book.put("record", &invented);
    story.book.put("ke2", &by_hand);
}
