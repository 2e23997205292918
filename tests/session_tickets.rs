//! The open channel and resumption, against the same people as in `session_hostile`.

use ledgerd::session::record::Kind;
use ledgerd::session::schedule::{self, Secret};
use ledgerd::session::{
    ClientEvent, ClientSession, ClientTicket, CloseReason, Fault, SendError, ServerEvent, ServerSession,
    Stage, TicketSettings, TicketTable,
};
use proptest::prelude::*;

use crate::session_raw::{self as raw, RawHandshake, RawOpen};
use crate::session_world::{Ends, World};

/// A ticket as an honest client gets it.
fn ticket(world: &mut World) -> ClientTicket {
    let mut ends = world.full(world.auth());
    let (_, at_client) = world.settle(&mut ends);
    tickets(at_client).pop().unwrap()
}

fn tickets(events: Vec<ClientEvent>) -> Vec<ClientTicket> {
    let only = |event| if let ClientEvent::Ticket(ticket) = event { Some(ticket) } else { None };
    events.into_iter().filter_map(only).collect()
}

fn resume(world: &mut World, ticket: &ClientTicket) -> (Ends, Vec<ServerEvent>, Vec<ClientEvent>) {
    let client = ClientSession::resume(ticket, &mut world.rng);
    let mut ends = Ends { server: ServerSession::new(), client };
    let (at_server, at_client) = world.settle(&mut ends);
    (ends, at_server, at_client)
}

/// An anonymous or authenticated channel whose client does as it likes.
fn raw_open(world: &mut World) -> (ServerSession, RawOpen) {
    let descriptor = world.identity.current().clone();
    let hello = raw::hello(&descriptor, &mut world.rng);
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello.frame);
    let (proof, open) = RawHandshake::new(&descriptor, &hello, &server.take_output()).finish();
    assert_eq!(world.serve(&mut server, &proof).len(), 1);
    (server, open)
}

const REFUSED: [ClientEvent; 1] = [ClientEvent::Closed(CloseReason::Alert(4))];

#[test]
fn a_ticket_resumes_as_the_same_account_as_often_as_wanted() {
    let mut world = World::new("resume");
    let ticket = ticket(&mut world);
    let account = Some(world.client_id());
    for _ in 0..20 {
        let (ends, at_server, at_client) = resume(&mut world, &ticket);
        assert_eq!(at_server, [ServerEvent::Opened { account, resumed: true }]);
        assert!(matches!(&at_client[..], [ClientEvent::Params(_), ClientEvent::Opened { resumed: true }]));
        assert_eq!(ends.server.account(), account);
    }
    assert_eq!(world.tickets.len(), 1, "parallel calls with one ticket do not push each other out");
    world.advance(6 * 3600);
    assert_eq!(tickets(resume(&mut world, &ticket).2).len(), 1, "a new one at half life");
    let mut anonymous = world.full(None);
    assert!(tickets(world.settle(&mut anonymous).1).is_empty(), "no ticket on an anonymous channel");
}

#[test]
fn tickets_end_with_their_time_a_revocation_and_a_restart() {
    let mut world = World::new("ends");
    let first = ticket(&mut world);
    world.advance(12 * 3600 - 1);
    let (_, _, at_client) = resume(&mut world, &first);
    let second = tickets(at_client).pop().unwrap();
    world.advance(1);
    assert_eq!(resume(&mut world, &first).2, REFUSED);
    assert_eq!(resume(&mut world, &second).2.len(), 2);
    world.advance(12 * 3600 - 2);
    assert_eq!(resume(&mut world, &second).2.len(), 3, "a second is left of the day since the signature");
    world.advance(1);
    assert_eq!(resume(&mut world, &second).2.len(), 1, "a day after the signature");
    let third = ticket(&mut world);
    world.tickets.revoke_account(third.account, world.now.mono);
    assert_eq!(resume(&mut world, &third).2, REFUSED);
    let fourth = ticket(&mut world);
    world.tickets = TicketTable::new(TicketSettings::default());
    assert_eq!(resume(&mut world, &fourth).2, REFUSED);
}

#[test]
fn an_open_channel_gets_a_new_ticket_at_half_life_and_none_after_a_day() {
    let mut world = World::new("half life");
    let mut ends = world.open(world.auth());
    let mut say = |world: &mut World, seconds| {
        world.advance(seconds);
        ends.server.send_message(b"push", &mut world.server_env()).unwrap();
        let events = world.settle(&mut ends).1;
        assert!(events.contains(&ClientEvent::Message(b"push".to_vec())));
        tickets(events).len()
    };
    assert_eq!(say(&mut world, 6 * 3600 - 1), 0);
    assert_eq!(say(&mut world, 1), 1);
    assert_eq!(say(&mut world, 5 * 3600), 0);
    assert_eq!(say(&mut world, 3600), 1);
    assert_eq!(
        say(&mut world, 7 * 3600),
        0,
        "a newer one would end at the same time, a day after the signature"
    );
    assert_eq!(say(&mut world, 5 * 3600), 0, "the signature is a day old");
}

#[test]
fn every_flipped_byte_of_a_resumption_is_refused() {
    let mut world = World::new("resume flipped");
    let ticket = ticket(&mut world);
    let hello = ClientSession::resume(&ticket, &mut world.rng).take_output();
    assert_eq!(hello.len(), 123);
    for at in 0..hello.len() {
        let mut frame = hello.clone();
        frame[at] ^= 1;
        let mut server = ServerSession::new();
        world.serve(&mut server, &frame);
        let expected: &[u8] = match at {
            0..=6 => &[],
            7..=10 => b"\x7e\x00\x01\x03",
            _ => b"\x7e\x00\x01\x04",
        };
        assert_eq!(server.take_output(), expected, "byte {at}");
        assert!(server.wants_close(), "byte {at}");
    }
    for len in 0..hello.len() {
        let mut server = ServerSession::new();
        assert_eq!(world.serve(&mut server, &hello[..len]), []);
    }
    let mut server = ServerSession::new();
    world.serve(&mut server, &[&[0x12, 0, 121][..], &hello[3..], &[0]].concat());
    assert!(server.wants_close() && server.take_output().is_empty());
}

#[test]
fn a_replayed_resumption_yields_nothing() {
    let mut world = World::new("resume replay");
    let ticket = ticket(&mut world);
    let mut client = ClientSession::resume(&ticket, &mut world.rng);
    let hello = client.take_output();
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello);
    let answer = server.take_output();
    world.answer(&mut client, &answer);
    client.send_message(b"read", &mut world.client_env()).unwrap();
    let rest = client.take_output();
    let mut again = ServerSession::new();
    assert_eq!(world.serve(&mut again, &hello), []);
    let failed = ServerEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::Handshake));
    assert_eq!(world.serve(&mut again, &rest), [failed]);
    assert!(again.take_output().ends_with(b"\x7e\x00\x01\x01"));
}

#[test]
fn client_auth_on_a_resumed_session_and_a_wrong_psk_are_refused() {
    let mut world = World::new("raw resume");
    let descriptor = world.identity.current().clone();
    let auth = |world: &mut World, handshake: &RawHandshake| {
        let (account, key_id) = world.client_id();
        let th2 = handshake.transcript.hash();
        let ledger = world.identity.ledger_id().0;
        let parts = [&b"ledgerd/lsc1/client-auth/1\0"[..], &ledger, &account.to_be_bytes(), &key_id.0, &th2];
        let signature = world.client_key.clone().sign(&mut world.rng, &parts);
        [&account.to_be_bytes()[..], &key_id.0, &signature].concat()
    };
    let hello = raw::hello(&descriptor, &mut world.rng);
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello.frame);
    let mut handshake = RawHandshake::new(&descriptor, &hello, &server.take_output());
    let payload = auth(&mut world, &handshake);
    let mut flight = handshake.say(Kind::ClientAuth, &payload);
    let (proof, mut open) = handshake.finish();
    flight.extend(proof);
    world.serve(&mut server, &flight);
    let heard = open.hear(&server.take_output());
    let [(Kind::NewTicket, body)] = &heard[..] else { panic!("no ticket: {heard:?}") };
    let id: [u8; 16] = body[..16].try_into().unwrap();
    assert_eq!(body[16..], (12u32 * 3600).to_be_bytes());
    let psk = schedule::ticket_psk(&open.resumption, &id);

    let hello = raw::resume_hello(&descriptor, &id, &psk, &mut world.rng);
    let mut server = ServerSession::new();
    world.serve(&mut server, &hello.frame);
    let mut handshake = RawHandshake::new(&descriptor, &hello, &server.take_output());
    let payload = auth(&mut world, &handshake);
    let again = handshake.say(Kind::ClientAuth, &payload);
    let failed = ServerEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::Handshake));
    assert_eq!(world.serve(&mut server, &again), [failed]);

    let hello = raw::resume_hello(&descriptor, &id, &Secret::new([1; 32]), &mut world.rng);
    let mut server = ServerSession::new();
    let unknown = ServerEvent::Closed(CloseReason::Failed(Fault::UnknownTicket, Stage::Start));
    assert_eq!(world.serve(&mut server, &hello.frame), [unknown]);
}

#[test]
fn a_gibibyte_in_parts_is_cut_off() {
    let mut world = World::new("gibibyte");
    let (mut server, mut open) = raw_open(&mut world);
    let sent = (0..65_536)
        .take_while(|_| {
            let record = open.say(Kind::MessagePart, &[0; 16_384]);
            world.serve(&mut server, &record);
            !server.wants_close()
        })
        .count();
    assert_eq!(sent, 2, "32 KiB while anonymous");
    assert_eq!(open.hear(&server.take_output()), [(Kind::Alert, vec![1])]);
}

#[test]
fn an_anonymous_channel_carries_short_messages_only() {
    let mut world = World::new("anonymous");
    let mut ends = world.open(None);
    ends.client.send_message(&[1; 32 << 10], &mut world.client_env()).unwrap();
    ends.server.send_message(&[1; 32 << 10], &mut world.server_env()).unwrap();
    let (at_server, at_client) = world.settle(&mut ends);
    assert_eq!((at_server.len(), at_client.len()), (1, 1));
    let long = [1; (32 << 10) + 1];
    assert_eq!(ends.client.send_message(&long, &mut world.client_env()), Err(SendError::TooLong));
    assert_eq!(ends.server.send_message(&long, &mut world.server_env()), Err(SendError::TooLong));
}

#[test]
fn what_does_not_belong_on_an_open_channel_ends_it_under_encryption() {
    let mut world = World::new("out of place");
    let cases: [(Kind, &[u8]); 10] = [
        (Kind::NewTicket, &[0; 20]),
        (Kind::NewTicket, &[0; 19]),
        (Kind::ClientAuth, &[0; 424]),
        (Kind::ClientFinished, &[0; 32]),
        (Kind::ServerFinished, &[]),
        (Kind::KeyUpdate, &[0]),
        (Kind::Close, &[0]),
        (Kind::Ping, &[0; 7]),
        (Kind::Pong, &[0; 9]),
        (Kind::Alert, &[]),
    ];
    for (kind, payload) in cases {
        let (mut server, mut open) = raw_open(&mut world);
        let record = open.say(kind, payload);
        let failed = ServerEvent::Closed(CloseReason::Failed(Fault::Protocol, Stage::Open));
        assert_eq!(world.serve(&mut server, &record), [failed], "{kind:?}");
        assert_eq!(open.hear(&server.take_output()), [(Kind::Alert, vec![1])]);
    }
    for frame in [&b"GET /"[..], b"\x10\x01\xd8", b"\x7e\x00\x01\x01", &ledgerd::session::get_key_frame()] {
        let (mut server, mut open) = raw_open(&mut world);
        world.serve(&mut server, frame);
        if !server.wants_close() {
            world.serve(&mut server, &[0; 472]);
        }
        assert_eq!(open.hear(&server.take_output()), [(Kind::Alert, vec![1])], "{frame:?}");
        assert!(server.wants_close());
    }
    let (mut server, mut open) = raw_open(&mut world);
    let gave_up = open.say(Kind::Alert, &[1]);
    assert_eq!(world.serve(&mut server, &gave_up), [ServerEvent::Closed(CloseReason::GaveUp(1))]);
}

#[test]
fn the_end_of_a_connection_without_a_close_is_a_truncation() {
    let mut world = World::new("eof");
    let mut ends = world.open(world.auth());
    ends.client.send_message(&[0; 40_000], &mut world.client_env()).unwrap();
    let mut most = ends.client.take_output();
    most.truncate(30_000);
    assert_eq!(world.serve(&mut ends.server, &most), [], "no message before its last record");
    ends.server.eof();
    assert_eq!(ends.server.poll_event(), Some(ServerEvent::Closed(CloseReason::Truncated)));
    ends.client.eof();
    assert_eq!(ends.client.poll_event(), Some(ClientEvent::Closed(CloseReason::Truncated)));
    ends.client.eof();
    assert_eq!(ends.client.poll_event(), None, "said once");
    assert_eq!(ends.client.send_message(b"x", &mut world.client_env()), Err(SendError::NotOpen));
    assert_eq!(ends.server.send_message(b"x", &mut world.server_env()), Err(SendError::NotOpen));
    let mut ends = world.open(None);
    ends.server.close(&mut world.server_env());
    assert_eq!(world.settle(&mut ends).1, [ClientEvent::Closed(CloseReason::Remote)]);
    ends.client.eof();
    assert_eq!(ends.client.poll_event(), None, "after a close the end is no truncation");
}

#[test]
fn a_client_believes_a_plaintext_alert_only_until_the_server_has_spoken() {
    let mut world = World::new("late alert");
    let mut ends = world.full(world.auth());
    world.revoked = true;
    let (at_server, at_client) = world.settle(&mut ends);
    let refused = ServerEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::ClientAuth));
    assert_eq!(at_server, [refused]);
    assert_eq!(
        at_client.last(),
        Some(&ClientEvent::Closed(CloseReason::Alert(1))),
        "though it thought it was open"
    );
    world.revoked = false;
    let mut ends = world.open(world.auth());
    let failed = ClientEvent::Closed(CloseReason::Failed(Fault::Protocol, Stage::Open));
    assert_eq!(world.answer(&mut ends.client, b"\x7e\x00\x01\x01"), [failed]);
    let (at_server, _) = world.settle(&mut ends);
    assert_eq!(at_server, [ServerEvent::Closed(CloseReason::GaveUp(1))]);
}

#[test]
fn keys_are_changed_by_the_clock_and_traffic_goes_on() {
    let mut world = World::new("rekey");
    let mut ends = world.open(world.auth());
    for _ in 0..5 {
        world.advance(3_600);
        ends.server.send_message(b"down", &mut world.server_env()).unwrap();
        ends.client.send_message(b"up", &mut world.client_env()).unwrap();
        let (at_server, at_client) = world.settle(&mut ends);
        assert_eq!(at_server, [ServerEvent::Message(b"up".to_vec())]);
        assert!(at_client.contains(&ClientEvent::Message(b"down".to_vec())));
    }
    let (mut server, mut open) = raw_open(&mut world);
    let first = open.say(Kind::KeyUpdate, &[]);
    assert_eq!(world.serve(&mut server, &first), []);
    let old_key = open.say(Kind::Ping, &[0; 8]);
    let failed = ServerEvent::Closed(CloseReason::Failed(Fault::Crypto, Stage::Open));
    assert_eq!(world.serve(&mut server, &old_key), [failed]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the connection cuts the bytes, the same things happen.
    #[test]
    fn events_do_not_depend_on_how_the_bytes_arrive(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 0..4),
        cuts in prop::collection::vec(1usize..5_000, 1..40),
    ) {
        let mut world = World::new("cuts");
        let mut ends = world.full(world.auth());
        let hello = ends.client.take_output();
        prop_assert_eq!(world.serve(&mut ends.server, &hello), []);
        let answer = ends.server.take_output();
        world.answer(&mut ends.client, &answer);
        for message in &messages {
            ends.client.send_message(message, &mut world.client_env()).unwrap();
        }
        let flight = ends.client.take_output();
        let (mut rest, mut events) = (&flight[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            events.extend(world.serve(&mut ends.server, now));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let mut expected = vec![ServerEvent::Opened { account: Some(world.client_id()), resumed: false }];
        expected.extend(messages.into_iter().map(ServerEvent::Message));
        prop_assert_eq!(events, expected);
    }
}
