//! A further address for a server: what comes to it is handed on, until it leads somewhere else.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Where connections to a relay lead.
#[derive(Clone)]
pub(super) enum Leads {
    /// To a server.
    To(String),
    /// To a server that has no room: it says so and closes.
    Busy,
    /// Nowhere: they are cut off.
    Nowhere,
}

/// A listener that hands connections on. Its thread ends with the tests.
pub(super) struct Relay {
    pub(super) address: String,
    leads: Arc<Mutex<Leads>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(super) fn to(server: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay {
            address: listener.local_addr().unwrap().to_string(),
            leads: Arc::new(Mutex::new(Leads::To(server.to_owned()))),
            open: Arc::default(),
        };
        let (leads, open) = (Arc::clone(&relay.leads), Arc::clone(&relay.open));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let leads = leads.lock().unwrap().clone();
                answer(stream.unwrap(), &leads, &mut open.lock().unwrap());
            }
        });
        relay
    }

    /// From now on it leads there; connections that are open are cut off.
    pub(super) fn leads(&self, there: Leads) {
        *self.leads.lock().unwrap() = there;
        for stream in self.open.lock().unwrap().drain(..) {
            // One that has ended by itself cannot be cut off.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn answer(mut stream: TcpStream, leads: &Leads, open: &mut Vec<TcpStream>) {
    match leads {
        Leads::Nowhere => {}
        Leads::Busy => {
            // Alert 2 of docs/channel.md, behind the header of whatever was asked.
            drop(stream.read(&mut [0; 512]).and_then(|_| stream.write_all(&[0x7e, 0, 1, 2])));
        }
        Leads::To(server) => {
            // A server that is down cuts off whoever comes.
            let Ok(onwards) = TcpStream::connect(server) else { return };
            hand_on(stream.try_clone().unwrap(), onwards.try_clone().unwrap());
            hand_on(onwards.try_clone().unwrap(), stream.try_clone().unwrap());
            open.extend([stream, onwards]);
        }
    }
}

/// Copies one direction until its end, and ends the other side with it.
fn hand_on(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
}

/// An address where nobody listens.
pub(super) fn dead() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
