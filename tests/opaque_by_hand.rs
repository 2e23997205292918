//! OPAQUE-3DH with ristretto255 and SHA-512 a second time, after RFC 9807 and RFC 9497: both sides of a registration and of a
//! log-in, with every value on the way. It shares no code with the library that the server and the client use, nor with what
//! that one stands on.
//!
//! Values have the names of RFC 9807's test vectors. `inputs` are what is random in real use, and what the sides have before.

use std::collections::BTreeMap;

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use hkdf::SimpleHkdf;
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use sha2::{Digest as _, Sha512};

/// Values by their names.
pub(crate) type Inputs = BTreeMap<String, Vec<u8>>;

/// The context of the oblivious function: mode 0, and the suite.
const OPRF_CONTEXT: &[u8] = b"OPRFV1-\0-ristretto255-SHA512";

/// Bytes of a record before its envelope: the client's public key and the masking key.
const ENVELOPE_AT: usize = 96;

/// What was computed, in its order.
#[derive(Default)]
pub(crate) struct Values(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Values {
    fn put(&mut self, name: &'static str, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        self.0.push((name, bytes.as_ref().to_vec()));
        bytes.as_ref().to_vec()
    }

    pub(crate) fn get(&self, name: &str) -> &[u8] {
        let (_, bytes) = self.0.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
        bytes
    }
}

fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    Sha512::digest(parts.concat()).into()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = SimpleHmac::<Sha512>::new_from_slice(key).unwrap();
    mac.update(&parts.concat());
    mac.finalize().into_bytes().to_vec()
}

fn extract(parts: &[&[u8]]) -> Vec<u8> {
    SimpleHkdf::<Sha512>::extract(None, &parts.concat()).0.to_vec()
}

fn expand(secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    SimpleHkdf::<Sha512>::from_prk(secret).unwrap().expand(&info.concat(), &mut out).unwrap();
    out
}

/// Derive-Secret of RFC 9807, 6.4.2.1.
fn derive_secret(secret: &[u8], label: &[u8], transcript: &[u8]) -> Vec<u8> {
    let label = [&b"OPAQUE-"[..], label].concat();
    let lengths = [label.len(), transcript.len()].map(|length| [length as u8]);
    expand(secret, &[&64_u16.to_be_bytes(), &lengths[0], &label, &lengths[1], transcript], 64)
}

/// A string after its length in two bytes.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// Sixty-four bytes of expand_message_xmd, RFC 9380, 5.3.1.
fn expand_message(message: &[u8], purpose: &[u8]) -> [u8; 64] {
    let domain = [purpose, OPRF_CONTEXT].concat();
    let domain = [&domain[..], &[domain.len() as u8]].concat();
    let first = sha512(&[&[0; 128], message, &[0, 64, 0], &domain]);
    sha512(&[&first, &[1], &domain])
}

/// DeriveKeyPair of RFC 9497, 3.2.1, whose first try is never zero.
fn derive_key(seed: &[u8], info: &[u8]) -> Scalar {
    let message = [seed, &counted(info), &[0]].concat();
    Scalar::from_bytes_mod_order_wide(&expand_message(&message, b"DeriveKeyPair"))
}

fn derive_dh_key(seed: &[u8]) -> Scalar {
    derive_key(seed, b"OPAQUE-DeriveDiffieHellmanKeyPair")
}

fn point(bytes: &[u8]) -> RistrettoPoint {
    CompressedRistretto::from_slice(bytes).unwrap().decompress().unwrap()
}

fn scalar(bytes: &[u8]) -> Scalar {
    Scalar::from_canonical_bytes(bytes.try_into().unwrap()).unwrap()
}

fn public(secret: &Scalar) -> [u8; 32] {
    (RISTRETTO_BASEPOINT_POINT * secret).compress().to_bytes()
}

fn times(element: &[u8], secret: &Scalar) -> [u8; 32] {
    (point(element) * secret).compress().to_bytes()
}

/// Both sides of one protocol.
struct Sides<'a> {
    inputs: &'a Inputs,
    stretch: &'a dyn Fn(&[u8]) -> Vec<u8>,
    server_secret: Scalar,
    server_public: [u8; 32],
    oprf_key: Scalar,
}

/// What both sides of a registration and of a log-in compute. `stretch` is the function that makes a guess slow.
pub(crate) fn registration_and_login(inputs: &Inputs, stretch: &dyn Fn(&[u8]) -> Vec<u8>) -> Values {
    let sides = Sides::new(inputs, stretch);
    let mut values = Values::default();
    values.put("oprf_key", sides.oprf_key.to_bytes());
    sides.register(&mut values);
    sides.log_in(&mut values);
    values
}

/// What a server answers to KE1 where it has this record, an invented one included.
pub(crate) fn answer_to(inputs: &Inputs, record: &[u8], ke1: &[u8]) -> Vec<u8> {
    let sides = Sides::new(inputs, &|_| Vec::new());
    let mut values = Values::default();
    sides.answer(record, ke1, &mut values)
}

impl Sides<'_> {
    fn new<'a>(inputs: &'a Inputs, stretch: &'a dyn Fn(&[u8]) -> Vec<u8>) -> Sides<'a> {
        let seed = expand(&inputs["oprf_seed"], &[&inputs["credential_identifier"], b"OprfKey"], 32);
        let server_secret = scalar(&inputs["server_private_key"]);
        let oprf_key = derive_key(&seed, b"OPAQUE-DeriveKeyPair");
        Sides { inputs, stretch, server_secret, server_public: public(&server_secret), oprf_key }
    }

    fn input(&self, name: &str) -> &[u8] {
        &self.inputs[name]
    }

    /// How a side is called: by its identity, or by its public key if it has none.
    fn identity(&self, name: &str, public_key: &[u8]) -> Vec<u8> {
        counted(self.inputs.get(name).map_or(public_key, Vec::as_slice))
    }

    /// The password under a blinding factor, as the server sees it.
    fn blinded(&self, blind: &Scalar) -> [u8; 32] {
        let element =
            RistrettoPoint::from_uniform_bytes(&expand_message(self.input("password"), b"HashToGroup-"));
        (element * blind).compress().to_bytes()
    }

    /// What the client makes of the server's evaluation, before and after it is made slow.
    fn randomized_password(&self, blind: &Scalar, evaluated: &[u8], values: &mut Values) -> Vec<u8> {
        let unblinded = times(evaluated, &blind.invert());
        let output = sha512(&[&counted(self.input("password")), &counted(&unblinded), b"Finalize"]);
        let stretched = (self.stretch)(&output);
        let randomized = extract(&[&output, &stretched]);
        values.put("oprf_output", output);
        values.put("stretched", stretched);
        values.put("randomized_password", randomized)
    }

    /// The secrets of an envelope: its key, what is exported, and the client's secret key.
    fn envelope_secrets(randomized: &[u8], nonce: &[u8]) -> (Vec<u8>, Vec<u8>, Scalar) {
        let secret = |label: &[u8], length| expand(randomized, &[nonce, label], length);
        (secret(b"AuthKey", 64), secret(b"ExportKey", 64), derive_dh_key(&secret(b"PrivateKey", 32)))
    }

    fn envelope(&self, nonce: &[u8], auth_key: &[u8], client_public: &[u8]) -> Vec<u8> {
        let server = self.identity("server_identity", &self.server_public);
        let client = self.identity("client_identity", client_public);
        [nonce, &mac(auth_key, &[nonce, &self.server_public, &server, &client])].concat()
    }

    fn register(&self, values: &mut Values) {
        let blind = scalar(self.input("blind_registration"));
        let request = values.put("registration_request", self.blinded(&blind));
        let evaluated = times(&request, &self.oprf_key);
        values.put("registration_response", [evaluated, self.server_public].concat());
        let randomized = self.randomized_password(&blind, &evaluated, values);
        let nonce = self.input("envelope_nonce");
        let masking_key = values.put("masking_key", expand(&randomized, &[b"MaskingKey"], 64));
        let (auth_key, export_key, client_secret) = Self::envelope_secrets(&randomized, nonce);
        values.put("auth_key", &auth_key);
        values.put("export_key", export_key);
        let client_public = values.put("client_public_key", public(&client_secret));
        let envelope = values.put("envelope", self.envelope(nonce, &auth_key, &client_public));
        values.put("registration_upload", [client_public, masking_key, envelope].concat());
    }

    fn log_in(&self, values: &mut Values) {
        let blind = scalar(self.input("blind_login"));
        let client_ephemeral = derive_dh_key(self.input("client_keyshare_seed"));
        let ke1 =
            [&self.blinded(&blind)[..], self.input("client_nonce"), &public(&client_ephemeral)].concat();
        values.put("ke1", &ke1);
        let record = values.get("registration_upload").to_vec();
        let ke2 = self.answer(&record, &ke1, values);

        // The client knows its password and nothing else.
        let randomized = self.randomized_password(&blind, &ke2[..32], &mut Values::default());
        let masking_key = expand(&randomized, &[b"MaskingKey"], 64);
        let unmasked = masked(&masking_key, &ke2[32..64], &ke2[64..192]);
        assert_eq!(unmasked[..32], self.server_public);
        let (auth_key, export_key, client_secret) = Self::envelope_secrets(&randomized, &unmasked[32..64]);
        let client_public = public(&client_secret);
        assert_eq!(unmasked[32..], self.envelope(&unmasked[32..64], &auth_key, &client_public));
        assert_eq!(export_key, values.get("export_key"), "a log-in gives what the registration gave");
        let server_share = &ke2[224..256];
        let secrets = [
            times(server_share, &client_ephemeral),
            times(&self.server_public, &client_ephemeral),
            times(server_share, &client_secret),
        ];
        let preamble = self.preamble(&client_public, &ke1, &ke2);
        assert_eq!(
            values.get("session_key"),
            derive_secret(&extract(&[&secrets.concat()]), b"SessionKey", &sha512(&[&preamble]))
        );
        values.put("ke3", mac(values.get("client_mac_key"), &[&sha512(&[&preamble, &ke2[256..]])]));
    }

    /// KE2, and the keys of the exchange as the server computes them.
    fn answer(&self, record: &[u8], ke1: &[u8], values: &mut Values) -> Vec<u8> {
        let (client_public, masking_key) = (&record[..32], &record[32..ENVELOPE_AT]);
        let evaluated = times(&ke1[..32], &self.oprf_key);
        let nonce = self.input("masking_nonce");
        let plain = [&self.server_public[..], &record[ENVELOPE_AT..]].concat();
        let masked = values.put("masked_response", masked(masking_key, nonce, &plain));
        let ephemeral = derive_dh_key(self.input("server_keyshare_seed"));
        let share = public(&ephemeral);
        let head = [&evaluated[..], nonce, &masked, self.input("server_nonce"), &share].concat();
        let secrets = [
            times(&ke1[64..], &ephemeral),
            times(&ke1[64..], &self.server_secret),
            times(client_public, &ephemeral),
        ];
        let secret = extract(&[&secrets.concat()]);
        let transcript = sha512(&[&values.put("preamble", self.preamble(client_public, ke1, &head))]);
        let handshake =
            values.put("handshake_secret", derive_secret(&secret, b"HandshakeSecret", &transcript));
        values.put("session_key", derive_secret(&secret, b"SessionKey", &transcript));
        let server_key = values.put("server_mac_key", derive_secret(&handshake, b"ServerMAC", b""));
        values.put("client_mac_key", derive_secret(&handshake, b"ClientMAC", b""));
        values.put("ke2", [head, mac(&server_key, &[&transcript])].concat())
    }

    /// What both sides have seen of each other: KE2 up to the server's proof is the end of it.
    fn preamble(&self, client_public: &[u8], ke1: &[u8], ke2: &[u8]) -> Vec<u8> {
        let context = counted(self.input("context"));
        let client = self.identity("client_identity", client_public);
        let server = self.identity("server_identity", &self.server_public);
        [&b"OPAQUEv1-"[..], &context, &client, ke1, &server, &ke2[..256]].concat()
    }
}

/// What is masked, or shows again what was.
fn masked(masking_key: &[u8], nonce: &[u8], bytes: &[u8]) -> Vec<u8> {
    let pad = expand(masking_key, &[nonce, b"CredentialResponsePad"], bytes.len());
    bytes.iter().zip(pad).map(|(byte, pad)| byte ^ pad).collect()
}
