//! What RSA-3072 costs: checking a signature with a key that was prepared before, and with one that is read each time;
//! signing; taking the secret out of a hello. `cargo bench --bench signatures`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use ledgerd::crypto::{VerifyingKey, random};

mod made;

use made::time;

fn main() {
    let rng = &mut random::os();
    let key = made::key(1);
    for bytes in [148, 180_000] {
        let message = vec![0x5a; bytes];
        let signature = made::signature(1, &message);
        let verified = time(5_000, || key.public().verify(&[&message], &signature).unwrap());
        println!("signature over {bytes} bytes checked, key prepared:     {verified:?}");
    }
    let message = [0x5a; 148];
    let signature = made::signature(1, &message);
    let spki = key.public().spki();
    let read = time(1_000, || VerifyingKey::from_spki(spki).unwrap());
    let both = time(1_000, || {
        VerifyingKey::from_spki(spki).unwrap().verify(&[&message], &signature).unwrap();
    });
    println!("public key read and held to the policy:               {read:?}");
    println!("signature over 148 bytes checked, key read each time: {both:?}");
    let signed = time(200, || key.sign(rng, &[&message]));
    println!("signed:                                               {signed:?}");
    let server = made::server_key();
    let ciphertext = server.public().encrypt_oaep(rng, &[7; 32]);
    let sealed = time(1_000, || server.public().encrypt_oaep(rng, &[7; 32]));
    println!("secret of a hello put in (OAEP):                      {sealed:?}");
    let opened = time(200, || server.decap(rng, &ciphertext, &[1; 32]));
    println!("secret of a hello taken out (OAEP):                   {opened:?}");
}
