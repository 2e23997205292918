//! `fixtures/vectors/rfc9807.txt`: the test vectors of RFC 9807, appendix C, of the suite that log-ins use. They are not ours
//! and never change. The library has to meet them, and so has the computation by hand that other vectors are checked with.

use std::collections::{BTreeMap, VecDeque};

use opaque_ke::ksf::Identity;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest, CredentialResponse,
    Identifiers, RegistrationRequest, RegistrationResponse, RegistrationUpload, Ristretto255, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh, rand,
};
use sha2_of_opaque::Sha512;

use crate::opaque_by_hand::{Inputs, answer_to, registration_and_login};

/// The suite of the vectors: that of log-ins, but that guessing is not made slow.
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Identity;
}

/// A generator that gives what it is told, once.
struct Told(VecDeque<u8>);

impl Told {
    fn new(parts: &[&[u8]]) -> Told {
        Told(parts.concat().into())
    }

    /// A scalar as it is drawn: as sixty-four bytes, of which the remainder counts.
    fn scalar(parts: &[&[u8]]) -> Told {
        let (scalar, rest) = parts.split_first().unwrap();
        Told::new(&[scalar, &[0; 32], &rest.concat()])
    }
}

impl rand::RngCore for Told {
    fn next_u32(&mut self) -> u32 {
        rand::RngCore::next_u64(self) as u32
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.iter_mut().for_each(|byte| *byte = self.0.pop_front().expect("more was drawn than was told"));
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rand::CryptoRng for Told {}

/// The sections of the file.
fn sections() -> BTreeMap<String, Inputs> {
    let mut sections: BTreeMap<String, Inputs> = BTreeMap::new();
    let mut title = String::new();
    for line in include_str!("../fixtures/vectors/rfc9807.txt").lines() {
        if let Some(named) = line.strip_prefix('[') {
            named.strip_suffix(']').unwrap().clone_into(&mut title);
        } else if let Some((name, hex)) = line.split_once(" = ") {
            let bytes = const_hex::decode(hex).unwrap();
            let before = sections.entry(title.clone()).or_default().insert(name.to_owned(), bytes);
            assert_eq!(before, None, "{name} stands twice");
        }
    }
    sections
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    const_hex::encode(bytes)
}

fn identifiers(vector: &Inputs) -> Identifiers<'_> {
    let named = |name| vector.get(name).map(Vec::as_slice);
    Identifiers { client: named("client_identity"), server: named("server_identity") }
}

fn login_parameters(vector: &Inputs) -> ServerLoginParameters<'_, '_> {
    ServerLoginParameters { context: Some(&vector["context"]), identifiers: identifiers(vector) }
}

fn setup(vector: &Inputs) -> ServerSetup<Suite> {
    let parts = ["oprf_seed", "server_private_key", "client_public_key"].map(|name| &vector[name][..]);
    let setup = ServerSetup::deserialize(&parts.concat()).unwrap();
    assert_eq!(hex(setup.keypair().public().serialize()), hex(&vector["server_public_key"]));
    setup
}

/// The masking key is drawn where it is invented, and also where it is not.
fn server_draws(vector: &Inputs, masking_key: &[u8]) -> Told {
    let rest = ["masking_nonce", "server_keyshare_seed", "server_nonce"].map(|name| &vector[name][..]);
    Told::new(&[masking_key, &rest.concat()])
}

fn registers(vector: &Inputs) {
    let password = &vector["password"];
    let mut draws = Told::scalar(&[&vector["blind_registration"]]);
    let client = ClientRegistration::<Suite>::start(&mut draws, password).unwrap();
    assert_eq!(hex(client.message.serialize()), hex(&vector["registration_request"]));
    let request = RegistrationRequest::deserialize(&vector["registration_request"]).unwrap();
    let answer =
        ServerRegistration::<Suite>::start(&setup(vector), request, &vector["credential_identifier"]);
    assert_eq!(hex(answer.unwrap().message.serialize()), hex(&vector["registration_response"]));
    let response = RegistrationResponse::deserialize(&vector["registration_response"]).unwrap();
    let parameters = ClientRegistrationFinishParameters::new(identifiers(vector), None);
    let mut draws = Told::new(&[&vector["envelope_nonce"]]);
    let done = client.state.finish(&mut draws, password, response, parameters).unwrap();
    assert_eq!(hex(done.message.serialize()), hex(&vector["registration_upload"]));
    assert_eq!(hex(done.export_key), hex(&vector["export_key"]));
}

fn logs_in(vector: &Inputs) {
    let password = &vector["password"];
    let draws = ["blind_login", "client_keyshare_seed", "client_nonce"].map(|name| &vector[name][..]);
    let client = ClientLogin::<Suite>::start(&mut Told::scalar(&draws), password).unwrap();
    assert_eq!(hex(client.message.serialize()), hex(&vector["ke1"]));
    let record = RegistrationUpload::deserialize(&vector["registration_upload"]).unwrap();
    let record = Some(ServerRegistration::<Suite>::finish(record));
    let ke1 = CredentialRequest::deserialize(&vector["ke1"]).unwrap();
    let (id, mut draws) = (&vector["credential_identifier"], server_draws(vector, &[0; 64]));
    let parameters = login_parameters(vector);
    let server = ServerLogin::start(&mut draws, &setup(vector), record, ke1, id, parameters).unwrap();
    assert_eq!(hex(server.message.serialize()), hex(&vector["ke2"]));
    let ke2 = CredentialResponse::deserialize(&vector["ke2"]).unwrap();
    let context = Some(&vector["context"][..]);
    let parameters = ClientLoginFinishParameters::new(context, identifiers(vector), None);
    let done = client.state.finish(&mut Told::new(&[]), password, ke2, parameters).unwrap();
    assert_eq!(hex(done.message.serialize()), hex(&vector["ke3"]));
    assert_eq!(hex(done.export_key), hex(&vector["export_key"]));
    assert_eq!(hex(done.session_key), hex(&vector["session_key"]));
    let ke3 = CredentialFinalization::deserialize(&vector["ke3"]).unwrap();
    let ended = server.state.finish(ke3, login_parameters(vector)).unwrap();
    assert_eq!(hex(ended.session_key), hex(&vector["session_key"]));
}

#[test]
fn the_library_meets_the_vectors_of_the_rfc() {
    let sections = sections();
    for title in ["C.1.1, real test vector 1", "C.1.2, real test vector 2"] {
        registers(&sections[title]);
        logs_in(&sections[title]);
    }
    let vector = &sections["C.2.1, fake test vector 1"];
    let ke1 = CredentialRequest::deserialize(&vector["ke1"]).unwrap();
    let (id, mut draws) = (&vector["credential_identifier"], server_draws(vector, &vector["masking_key"]));
    let server = ServerLogin::start(&mut draws, &setup(vector), None, ke1, id, login_parameters(vector));
    assert_eq!(hex(server.unwrap().message.serialize()), hex(&vector["ke2"]));
}

#[test]
fn the_computation_by_hand_meets_the_vectors_of_the_rfc() {
    let sections = sections();
    assert_eq!(sections.len(), 3);
    for title in ["C.1.1, real test vector 1", "C.1.2, real test vector 2"] {
        let vector = &sections[title];
        let computed = registration_and_login(vector, &<[u8]>::to_vec);
        let mut met = 0;
        for (name, bytes) in &computed.0 {
            if let Some(said) = vector.get(*name) {
                assert_eq!(hex(bytes), hex(said), "{title}: {name}");
                met += 1;
            }
        }
        assert_eq!(met, 16, "{title}: every value that the RFC shows beside the inputs");
    }
    let vector = &sections["C.2.1, fake test vector 1"];
    let record = [&vector["client_public_key"][..], &vector["masking_key"], &[0; 96]].concat();
    assert_eq!(hex(answer_to(vector, &record, &vector["ke1"])), hex(&vector["ke2"]));
}
