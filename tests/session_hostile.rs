//! The channel against strangers, thieves and liars: `docs/wire-protocol.md`, hostile inputs. Each test is a
//! row of that list.

use ledgerd::session::record::{Kind, Sealer};
use ledgerd::session::schedule::Secret;
use ledgerd::session::{
    ClientEvent, ClientSession, CloseReason, Fault, KeyInfo, Params, SendError, ServerEvent, ServerSession,
    Stage, get_key_frame,
};
use proptest::prelude::*;

use crate::session_raw::{self as raw, RawHandshake};
use crate::session_world::{ACCOUNT, World, key};

/// A plaintext alert as it stands on the wire.
fn alert(code: u8) -> Vec<u8> {
    vec![0x7e, 0, 1, code]
}

fn server_failed(fault: Fault, stage: Stage) -> Vec<ServerEvent> {
    vec![ServerEvent::Closed(CloseReason::Failed(fault, stage))]
}

/// Everything after the magic up to the key is a version of something; everything after that is a secret.
fn fault_of_flipped_hello_byte(at: usize) -> Option<Fault> {
    match at {
        0..=6 => Some(Fault::Protocol),
        7..=26 => Some(Fault::Unsupported),
        _ => None,
    }
}

#[test]
fn an_honest_pair_opens_talks_and_closes() {
    let mut world = World::new("honest");
    let mut ends = world.full(world.auth());
    let hello = ends.client.take_output();
    assert_eq!(hello.len(), 475);
    assert_eq!(world.serve(&mut ends.server, &hello), []);
    let answer = ends.server.take_output();
    let opened = world.answer(&mut ends.client, &answer);
    let params = Params {
        time_ms: 1_700_000_000_000,
        message_bytes_max: 1 << 20,
        ticket_lifetime_s: 12 * 3600,
        checkpoint_note: b"a checkpoint note\n".to_vec(),
    };
    assert_eq!(opened, [ClientEvent::Params(params), ClientEvent::Opened { resumed: false }]);
    // Application data leaves with the end of the handshake.
    ends.client.send_message(b"first", &mut world.client_env()).unwrap();
    let flight = ends.client.take_output();
    let account = Some(world.client_id());
    let expected = [ServerEvent::Opened { account, resumed: false }, ServerEvent::Message(b"first".to_vec())];
    assert_eq!(world.serve(&mut ends.server, &flight), expected);
    assert_eq!(ends.server.account(), account);
    for size in [0, 1, 16_383, 16_384, 16_385, 100_000, 1 << 20] {
        let message = vec![size as u8; size];
        ends.server.send_message(&message, &mut world.server_env()).unwrap();
        ends.client.send_message(&message, &mut world.client_env()).unwrap();
        let (at_server, mut at_client) = world.settle(&mut ends);
        at_client.retain(|event| !matches!(event, ClientEvent::Ticket(_)));
        assert_eq!(at_server, [ServerEvent::Message(message.clone())]);
        assert_eq!(at_client, [ClientEvent::Message(message)]);
    }
    let long = vec![0; (1 << 20) + 1];
    assert_eq!(ends.client.send_message(&long, &mut world.client_env()), Err(SendError::TooLong));
    assert_eq!(ends.server.send_message(&long, &mut world.server_env()), Err(SendError::TooLong));
    ends.client.ping(*b"12345678", &mut world.client_env()).unwrap();
    ends.server.ping(*b"abcdefgh", &mut world.server_env()).unwrap();
    let pongs = (vec![ServerEvent::Pong(*b"abcdefgh")], vec![ClientEvent::Pong(*b"12345678")]);
    assert_eq!(world.settle(&mut ends), pongs);
    ends.client.close(&mut world.client_env());
    let (at_server, at_client) = world.settle(&mut ends);
    assert_eq!(at_server, [ServerEvent::Closed(CloseReason::Remote)]);
    assert_eq!(at_client, [ClientEvent::Closed(CloseReason::Local)]);
    assert!(ends.server.wants_close() && ends.client.wants_close());
}

#[test]
fn get_key_is_answered_with_a_constant_and_a_close() {
    let mut world = World::new("get-key");
    let mut server = ServerSession::new();
    let events = world.serve(&mut server, &get_key_frame());
    assert_eq!(events, [ServerEvent::GetKey, ServerEvent::Closed(CloseReason::Local)]);
    let answer = server.take_output();
    let info = KeyInfo::read(&answer).unwrap().unwrap();
    assert_eq!(info.genesis, b"block 0");
    assert_eq!(info.descriptor, world.identity.current().text());
    for len in 0..answer.len() {
        assert_eq!(KeyInfo::read(&answer[..len]), Ok(None), "{len} bytes");
    }
    assert_eq!(KeyInfo::read(&[&answer[..], &[0]].concat()), Err(Fault::Protocol));
    let mut server = ServerSession::new();
    assert_eq!(world.serve(&mut server, b"\x01\0\x04LSC2"), server_failed(Fault::Protocol, Stage::Start));
    assert_eq!(server.take_output(), [0u8; 0]);
}

#[test]
fn strangers_get_no_answer_to_their_greetings() {
    let mut world = World::new("greetings");
    let hello = raw::hello(world.identity.current(), &mut world.rng.clone()).frame;
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let longer = [&[0x10, 0x01, 0xd9][..], &hello[3..], &[0]].concat();
    let data = [&[0x20, 0, 80][..], &[0; 80]].concat();
    let peer = [&[0x13, 0, 72][..], &[0; 72]].concat();
    for greeting in [&b"GET / HTTP/1.1\r\n\r\n"[..], tls, b"SSH-2.0-x\r\n", &longer, &data, &peer, &alert(1)]
    {
        let mut server = ServerSession::new();
        assert_eq!(world.serve(&mut server, greeting), server_failed(Fault::Protocol, Stage::Start));
        assert_eq!((server.take_output(), server.room()), (vec![], 0));
    }
}

#[test]
fn a_truncated_hello_waits_and_then_ends_without_a_word() {
    let mut world = World::new("truncated");
    let full = raw::hello(world.identity.current(), &mut world.rng.clone()).frame;
    for len in 0..full.len() {
        let mut server = ServerSession::new();
        assert_eq!(world.serve(&mut server, &full[..len]), [], "{len} bytes");
        server.eof();
        assert_eq!(server.poll_event(), Some(ServerEvent::Closed(CloseReason::Truncated)));
        assert_eq!((server.poll_event(), server.take_output()), (None, vec![]));
    }
}

#[test]
fn every_flipped_byte_of_a_hello_is_noticed_and_only_public_ones_at_once() {
    let mut world = World::new("flipped");
    let descriptor = world.identity.current().clone();
    let hello = raw::hello(&descriptor, &mut world.rng.clone());
    let good = {
        let mut server = ServerSession::new();
        world.serve(&mut server, &hello.frame);
        server.take_output()
    };
    for at in 0..hello.frame.len() {
        let mut server = ServerSession::new();
        let mut frame = hello.frame.clone();
        frame[at] ^= 1;
        let events = world.serve(&mut server, &frame);
        let output = server.take_output();
        match fault_of_flipped_hello_byte(at) {
            // A shorter frame makes sense until it is read; a longer one is waited for.
            Some(fault) if at < 3 => assert_eq!(events, server_failed(fault, Stage::Start), "byte {at}"),
            Some(fault) => {
                assert_eq!(events, server_failed(fault, Stage::Start), "byte {at}");
                assert_eq!(output, fault.alert().map(alert).unwrap_or_default(), "byte {at}");
            }
            None => {
                assert_eq!(events, [], "byte {at}");
                assert_eq!(output.len(), good.len(), "byte {at} looks like any other hello");
                assert_eq!(
                    world.serve(&mut server, &blind_proof()),
                    server_failed(Fault::Crypto, Stage::Handshake)
                );
                assert_eq!(server.take_output(), alert(1), "byte {at}");
            }
        }
    }
}

/// A finished record under keys that the server does not have.
fn blind_proof() -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(Secret::new([1; 32]), Default::default());
    sealer.seal(Kind::ClientFinished, &[&[0; 32]], &mut out).unwrap();
    out
}

#[test]
fn what_is_no_ciphertext_is_answered_like_one_and_dies_at_the_end() {
    let mut world = World::new("oaep");
    let public = world.server_key.public().clone();
    let good = public.encrypt_oaep(&mut world.rng, &[3; 32]);
    let to_another_key = key("other").public().encrypt_oaep(&mut world.rng, &[3; 32]);
    let mut one = [0; 384];
    one[383] = 1;
    let mut lengths = Vec::new();
    for ciphertext in [good, to_another_key, [0; 384], one, [0xff; 384]] {
        let hello = raw::hello_with(&public, &ciphertext, [3; 32], &mut world.rng);
        let mut server = ServerSession::new();
        assert_eq!(world.serve(&mut server, &hello.frame), []);
        let answer = server.take_output();
        lengths.push(answer.len());
        if ciphertext == good {
            RawHandshake::new(world.identity.current(), &hello, &answer);
            continue;
        }
        assert_eq!(world.serve(&mut server, &blind_proof()), server_failed(Fault::Crypto, Stage::Handshake));
        assert_eq!(server.take_output(), alert(1));
    }
    lengths.dedup();
    assert_eq!(lengths.len(), 1, "every answer is as long as a good one");
}

/// All points of low order on the curve and its twist, in every encoding.
fn low_order_points() -> Vec<[u8; 32]> {
    let decode = |hex: &str| <[u8; 32]>::try_from(const_hex::decode(hex).unwrap()).unwrap();
    let mut points = vec![
        [0; 32],
        decode("0100000000000000000000000000000000000000000000000000000000000000"),
        decode("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        decode("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        decode("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        decode("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        decode("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];
    for at in 0..points.len() {
        let mut high = points[at];
        high[31] |= 0x80;
        points.push(high);
    }
    points
}

#[test]
fn points_of_low_order_are_refused_from_either_side() {
    let mut world = World::new("low order");
    let hello = raw::hello(world.identity.current(), &mut world.rng.clone()).frame;
    for point in low_order_points() {
        let mut server = ServerSession::new();
        let mut frame = hello.clone();
        frame[59..91].copy_from_slice(&point);
        assert_eq!(world.serve(&mut server, &frame), server_failed(Fault::Crypto, Stage::Start));
        assert_eq!(server.take_output(), alert(1));

        let mut client = world.full(None).client;
        let answer = [b"\x11\x00\x44\x00\x01\x00\x01", &[5; 32][..], &point].concat();
        let failed = [ClientEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::Hello))];
        assert_eq!(world.answer(&mut client, &answer), failed);
    }
}

#[test]
fn every_flipped_byte_of_the_servers_answer_ends_the_client() {
    let mut world = World::new("server flipped");
    let hello = ClientSession::full(world.identity.current(), None, &mut world.rng.clone()).take_output();
    let mut server = ServerSession::new();
    let client_rng = world.rng.clone();
    world.serve(&mut server, &hello);
    let answer = server.take_output();
    for at in 0..answer.len() {
        let mut client = ClientSession::full(world.identity.current(), None, &mut client_rng.clone());
        client.take_output();
        let mut bad = answer.clone();
        bad[at] ^= 1;
        let mut events = world.answer(&mut client, &bad);
        // A record that has become longer is waited for.
        client.eof();
        events.extend(std::iter::from_fn(|| client.poll_event()));
        assert!(matches!(events[..], [ClientEvent::Closed(_)]), "byte {at}: {events:?}");
        assert_eq!(
            client.take_output(),
            [0u8; 0],
            "byte {at}: a client says nothing to a server that is wrong"
        );
    }
    let mut client = ClientSession::full(world.identity.current(), None, &mut client_rng.clone());
    client.take_output();
    assert_eq!(world.answer(&mut client, &answer).len(), 2, "the unchanged answer is good");
}

#[test]
fn a_recorded_connection_replayed_is_worth_nothing() {
    let mut world = World::new("replay");
    let mut ends = world.full(world.auth());
    let first = ends.client.take_output();
    world.serve(&mut ends.server, &first);
    let answer = ends.server.take_output();
    world.answer(&mut ends.client, &answer);
    ends.client.send_message(b"pay", &mut world.client_env()).unwrap();
    let second = ends.client.take_output();
    let mut server = ServerSession::new();
    let events = world.serve(&mut server, &[first, second].concat());
    assert_eq!(events, server_failed(Fault::Crypto, Stage::Handshake));
    assert!(server.take_output().ends_with(&alert(1)));
}

#[test]
fn a_client_auth_relayed_by_a_malicious_server_does_not_verify() {
    let mut world = World::new("relay");
    // The victim talks to a server of its own choice, which serves the same ledger and may hold any keys.
    let mut evil = World::new("evil");
    let mut victim = evil.full(world.auth());
    let hello = victim.client.take_output();
    victim.server.receive(&hello, &mut evil.server_env());
    let Some(ServerEvent::Decap { ciphertext, .. }) = victim.server.poll_event() else { panic!("no decap") };
    let secret = evil.server_key.decap(&mut evil.rng, &ciphertext, &[0; 32]);
    victim.server.decapped(&secret, &mut evil.server_env());
    let answer = victim.server.take_output();
    evil.answer(&mut victim.client, &answer);
    let proof = victim.client.take_output();
    victim.server.receive(&proof, &mut evil.server_env());
    let Some(ServerEvent::VerifyClientAuth { account, key_id, signature, signed }) =
        victim.server.poll_event()
    else {
        panic!("no authentication")
    };
    assert_eq!(world.client_key.public().verify(&[&signed], &signature[..]), Ok(()));
    // It relays what it got to the honest server.
    let descriptor = world.identity.current().clone();
    let hello = raw::hello(&descriptor, &mut world.rng);
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello.frame);
    let mut handshake = RawHandshake::new(&descriptor, &hello, &server.take_output());
    let stolen = [&account.to_be_bytes()[..], &key_id.0, &signature[..]].concat();
    let record = handshake.say(Kind::ClientAuth, &stolen);
    assert_eq!(world.serve(&mut server, &record), server_failed(Fault::Crypto, Stage::ClientAuth));
    assert_eq!(server.take_output(), alert(1));
}

#[test]
fn the_handshake_takes_its_messages_once_and_in_order() {
    let mut world = World::new("order");
    let descriptor = world.identity.current().clone();
    type Script = fn(&mut World, &mut RawHandshake) -> Vec<u8>;
    let auth: Script = |world, handshake| {
        let key_id = world.client_key.public().key_id();
        let th2 = handshake.transcript.hash();
        let ledger = world.identity.ledger_id().0;
        let context = &b"ledgerd/lsc1/client-auth/1\0"[..];
        let parts = [context, &ledger, &ACCOUNT.to_be_bytes(), &key_id.0, &th2];
        let signature = world.client_key.clone().sign(&mut world.rng, &parts);
        handshake.say(Kind::ClientAuth, &[&ACCOUNT.to_be_bytes()[..], &key_id.0, &signature].concat())
    };
    let run = |world: &mut World, scripts: &[Script]| {
        let hello = raw::hello(&descriptor, &mut world.rng);
        let mut server = ServerSession::new();
        world.serve(&mut server, &hello.frame);
        let mut handshake = RawHandshake::new(&descriptor, &hello, &server.take_output());
        let bytes: Vec<u8> = scripts.iter().flat_map(|script| script(world, &mut handshake)).collect();
        let mut events = world.serve(&mut server, &bytes);
        events.extend(world.serve(&mut server, &handshake.finish().0));
        (events, server.take_output())
    };
    let account = Some(world.client_id());
    assert_eq!(run(&mut world, &[]).0, [ServerEvent::Opened { account: None, resumed: false }]);
    assert_eq!(run(&mut world, &[auth]).0, [ServerEvent::Opened { account, resumed: false }]);
    let twice = run(&mut world, &[auth, auth]);
    assert_eq!(twice, (server_failed(Fault::Crypto, Stage::ClientAuth), alert(1)));
    let wrong: [Script; 6] = [
        |_, handshake| handshake.say(Kind::MessageFinal, b"application data before its time"),
        |_, handshake| handshake.say(Kind::ClientFinished, &[0; 32]),
        |_, handshake| handshake.say(Kind::ClientFinished, &[]),
        |_, handshake| handshake.say(Kind::ServerFinished, &[0; 32]),
        |_, handshake| handshake.say(Kind::KeyUpdate, &[]),
        |_, handshake| handshake.say(Kind::ClientAuth, &[0; 423]),
    ];
    for script in wrong {
        let failed = run(&mut world, &[script]);
        assert_eq!(failed, (server_failed(Fault::Crypto, Stage::Handshake), alert(1)));
    }
    world.revoked = true;
    let revoked = run(&mut world, &[auth]);
    assert_eq!(revoked, (server_failed(Fault::Crypto, Stage::ClientAuth), alert(1)));
}

#[test]
fn no_input_is_read_while_the_server_waits_for_an_answer() {
    let mut world = World::new("waiting");
    let hello = raw::hello(world.identity.current(), &mut world.rng.clone()).frame;
    let mut server = ServerSession::new();
    server.receive(&hello, &mut world.server_env());
    assert!(matches!(server.poll_event(), Some(ServerEvent::Decap { .. })));
    server.receive(b"GET / HTTP/1.1", &mut world.server_env());
    assert_eq!((server.poll_event(), server.stage()), (None, Stage::Hello));
    let room = server.room();
    server.receive(&vec![0; room], &mut world.server_env());
    assert_eq!((server.poll_event(), server.room()), (None, 0));
    server.receive(&[0], &mut world.server_env());
    assert_eq!(server.poll_event(), server_failed(Fault::Protocol, Stage::Hello).pop());
    // The answer comes too late, and that is nobody's fault.
    server.decapped(&[0; 32], &mut world.server_env());
    server.client_auth_verified(true, &mut world.server_env());
    assert!(server.poll_event().is_none() && server.wants_close());
}

#[test]
fn a_busy_server_says_so_and_an_open_one_is_never_busy() {
    let mut world = World::new("busy");
    let mut ends = world.full(None);
    let hello = ends.client.take_output();
    ends.server.receive(&hello, &mut world.server_env());
    ends.server.refuse_busy(&mut world.server_env());
    assert_eq!(world.settle(&mut ends).1, [ClientEvent::Closed(CloseReason::Alert(2))]);
    let mut open = world.open(None);
    open.server.refuse_busy(&mut world.server_env());
    assert_eq!(open.server.stage(), Stage::Open);
}

#[test]
fn the_bytes_of_a_handshake_are_counted() {
    let mut world = World::new("counted");
    let descriptor = world.identity.current().clone();
    let hello = raw::hello(&descriptor, &mut world.rng);
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello.frame);
    let header = [0x20, 0x10, 0x00];
    let events = world.serve(&mut server, &header);
    assert_eq!(events, server_failed(Fault::Protocol, Stage::Handshake), "before its body is there");
    // A flight of application data behind the handshake is not counted.
    world.settings.handshake_bytes_max = 475 + 3 + 16 + 64;
    let mut ends = world.full(None);
    let hello = ends.client.take_output();
    world.serve(&mut ends.server, &hello);
    let answer = ends.server.take_output();
    world.answer(&mut ends.client, &answer);
    ends.client.send_message(&[0; 30_000], &mut world.client_env()).unwrap();
    assert_eq!(world.settle(&mut ends).0.len(), 2);
}

#[test]
fn a_rotated_key_is_accepted_until_it_is_forgotten() {
    let mut world = World::new("rotated");
    let old = world.identity.current().clone();
    world.rotate();
    let open = |world: &mut World| {
        let client = ClientSession::full(&old, None, &mut world.rng);
        let mut ends = crate::session_world::Ends { server: ServerSession::new(), client };
        world.settle(&mut ends).1.pop().unwrap()
    };
    assert_eq!(open(&mut world), ClientEvent::Opened { resumed: false });
    world.identity.forget_previous();
    assert_eq!(open(&mut world), ClientEvent::Closed(CloseReason::Alert(3)));
    world.open(None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_of_a_stranger_never_panic_either_side(bytes in prop::collection::vec(any::<u8>(), 0..600), kind: u8) {
        let mut world = World::new("noise");
        let mut framed = vec![kind, (bytes.len() >> 8) as u8, bytes.len() as u8];
        framed.extend_from_slice(&bytes);
        for noise in [&bytes, &framed] {
            let mut server = ServerSession::new();
            world.serve(&mut server, noise);
            prop_assert!(server.stage() < Stage::Open || server.wants_close());
            let mut client = ClientSession::full(world.identity.current(), None, &mut world.rng);
            let events = world.answer(&mut client, noise);
            prop_assert!(events.iter().all(|event| matches!(event, ClientEvent::Closed(_))));
        }
    }
}
