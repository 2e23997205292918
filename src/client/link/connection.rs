//! A connection to a server, used by one thread that waits: requests go out numbered, replies come back by
//! number, several may be under way.

mod asking;
mod driven;
mod followed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};

use super::addresses::check_form;
use super::away::{away, busy, no_answer, no_such_name};
use crate::client::{ClientError, clock};
use crate::crypto::random::{self, OsRandom};
use crate::session::{
    ClientAuth, ClientEnv, ClientEvent, ClientSession, ClientTicket, CloseReason, Descriptor, Fault, KeyInfo,
    Params, get_key_frame,
};
use crate::time::Monotonic;
use crate::wire::{self, Push, Reply, Request};

const STREAM: Token = Token(0);
const WAKER: Token = Token(1);

/// How long connecting may take, and how long the handshake after it.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes read at once.
const READ_BYTES: usize = 32 << 10;

/// What ended a wait.
#[derive(Debug)]
pub enum Waited {
    /// A reply, with the number of its request.
    Reply(u32, Reply),
    /// Somebody used the waker.
    Woken,
    /// The time was up.
    TimedOut,
}

/// Ends a wait from another thread, on whichever connection the wait is by then.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Mutex<Arc<Waker>>>);

impl Bell {
    pub(super) fn of(connection: &Connection) -> Bell {
        Bell(Arc::new(Mutex::new(Arc::clone(&connection.waker))))
    }

    pub(super) fn move_to(&self, connection: &Connection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&connection.waker);
    }

    /// Ends the wait. One that cannot be ended costs time and nothing else: the next answer ends it as well.
    pub fn ring(&self) {
        let waker = Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(waker.wake());
    }
}

/// How a channel is opened.
pub enum Opening<'a> {
    /// With a ticket.
    Resume(&'a ClientTicket),
    /// With a full handshake, as a member or anonymously.
    Full(&'a Descriptor, Option<ClientAuth>),
}

/// Why a channel did not open.
#[derive(Debug)]
pub enum NotOpened {
    /// The server said so in the clear: 1 failed, 2 busy, 3 unsupported, 4 unknown ticket.
    Alert(u8),
    /// Anything else.
    Error(ClientError),
}

/// See the module.
pub struct Connection {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    stream: TcpStream,
    session: ClientSession,
    rng: OsRandom,
    inbox: VecDeque<(u32, Reply)>,
    /// Requests whose replies are taken with [`Connection::wait`]. A question that is asked meanwhile leaves them there.
    awaited: BTreeSet<u32>,
    /// What came for requests that stay open.
    followed: BTreeMap<u32, VecDeque<Reply>>,
    tickets: Vec<ClientTicket>,
    params: Option<Params>,
    resumed: bool,
    opened: bool,
    closed: Option<CloseReason>,
    next_request: u32,
    address: String,
    /// When the server was last heard.
    heard: Monotonic,
    /// Where the member is online instead of here, once the server has said so.
    displaced: Option<SocketAddr>,
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>, ClientError> {
    check_form(address)?;
    let found = address.to_socket_addrs();
    let found = found.map_err(|error| no_such_name(address, &error))?;
    Ok(found.collect())
}

fn unreachable(address: &str, patience: Duration) -> impl Fn(std::io::Error) -> ClientError {
    move |error| away(address, patience, &error)
}

/// Asks a server for block 0 and its descriptor: the only exchange in the clear. Nothing in the answer is
/// verified yet.
///
/// # Errors
/// [`ClientError::Unreachable`] or [`ClientError::Busy`], or [`ClientError::Integrity`] when the answer is not an
/// answer.
pub fn get_key(address: &str) -> Result<KeyInfo, ClientError> {
    get_key_within(address, PATIENCE)
}

/// The same within `patience`.
pub(super) fn get_key_within(address: &str, patience: Duration) -> Result<KeyInfo, ClientError> {
    let mut last = ClientError::Unreachable(format!("{address}: no address"));
    for target in resolve(address)? {
        match get_key_from(address, target, patience) {
            Err(error) if error.is_away() => last = error,
            other => return other,
        }
    }
    Err(last)
}

fn get_key_from(address: &str, target: SocketAddr, patience: Duration) -> Result<KeyInfo, ClientError> {
    let failed = unreachable(address, patience);
    let mut stream = std::net::TcpStream::connect_timeout(&target, patience).map_err(&failed)?;
    stream.set_read_timeout(Some(patience)).map_err(&failed)?;
    stream.set_write_timeout(Some(patience)).map_err(&failed)?;
    let until = clock::now().mono.0 + patience;
    stream.write_all(&get_key_frame()).map_err(&failed)?;
    let mut received = Vec::new();
    let mut chunk = [0; READ_BYTES];
    loop {
        let count = match stream.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other.map_err(&failed)?,
        };
        if clock::now().mono.0 > until {
            // One byte now and then is no answer either.
            return Err(no_answer(address, patience));
        }
        received.extend_from_slice(chunk.get(..count).unwrap_or_default());
        match KeyInfo::read(&received) {
            Ok(Some(info)) => return Ok(info),
            Ok(None) if count == 0 => {
                return Err(ClientError::Unreachable(format!("{address}: closed without an answer")));
            }
            Ok(None) => {}
            Err(Fault::Busy) => return Err(busy(address)),
            Err(_) => {
                return Err(ClientError::Integrity(format!("{address} does not answer like a ledgerd")));
            }
        }
    }
}

impl Connection {
    /// Connects and carries the handshake through, each within `patience`, which is [`PATIENCE`] unless
    /// somebody waits for less.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(address: &str, opening: &Opening<'_>, patience: Duration) -> Result<Connection, NotOpened> {
        // A time of zero is an error to `connect_timeout`.
        let patience = patience.clamp(Duration::from_millis(1), PATIENCE);
        let mut last = ClientError::Unreachable(format!("{address}: no address"));
        for target in resolve(address).map_err(NotOpened::Error)? {
            // std connects with a timeout; mio takes over from there.
            match std::net::TcpStream::connect_timeout(&target, patience) {
                Ok(stream) => return Connection::start(address, stream, opening, patience),
                Err(error) => last = away(address, patience, &error),
            }
        }
        Err(NotOpened::Error(last))
    }

    fn start(
        address: &str,
        stream: std::net::TcpStream,
        opening: &Opening<'_>,
        patience: Duration,
    ) -> Result<Connection, NotOpened> {
        let failed = unreachable(address, patience);
        let prepare = || {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let mut stream = TcpStream::from_std(stream);
            let poll = Poll::new()?;
            poll.registry().register(&mut stream, STREAM, Interest::READABLE | Interest::WRITABLE)?;
            let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
            Ok((stream, poll, waker))
        };
        let (stream, poll, waker) = prepare().map_err(|error| NotOpened::Error(failed(error)))?;
        let mut rng = random::os();
        let session = match opening {
            Opening::Resume(ticket) => ClientSession::resume(ticket, &mut rng),
            Opening::Full(descriptor, auth) => ClientSession::full(descriptor, auth.clone(), &mut rng),
        };
        let mut connection = Connection {
            poll,
            events: Events::with_capacity(8),
            waker,
            stream,
            session,
            rng,
            inbox: VecDeque::new(),
            awaited: BTreeSet::new(),
            followed: BTreeMap::new(),
            tickets: Vec::new(),
            params: None,
            resumed: false,
            opened: false,
            closed: None,
            next_request: 0,
            address: address.to_owned(),
            heard: clock::now().mono,
            displaced: None,
        };
        let is_member = matches!(opening, Opening::Full(_, Some(_)));
        connection.shake_hands(is_member, patience)?;
        Ok(connection)
    }

    /// Carries the handshake through. A member's is over when the server has taken the key, which it shows with a ticket.
    fn shake_hands(&mut self, is_member: bool, patience: Duration) -> Result<(), NotOpened> {
        let deadline = Monotonic(clock::now().mono.0 + patience);
        let gives_tickets =
            |params: &Option<Params>| params.as_ref().is_some_and(|params| params.ticket_lifetime_s > 0);
        while !self.opened || is_member && self.tickets.is_empty() && gives_tickets(&self.params) {
            if let Some(reason) = self.closed {
                return Err(self.not_opened(reason));
            }
            if !self.turn(Some(deadline)).map_err(NotOpened::Error)? {
                return Err(NotOpened::Error(no_answer(&self.address, patience)));
            }
        }
        Ok(())
    }

    fn not_opened(&self, reason: CloseReason) -> NotOpened {
        match reason {
            CloseReason::Alert(code) => NotOpened::Alert(code),
            CloseReason::Failed(..) => NotOpened::Error(ClientError::Integrity(format!(
                "{}: the server could not prove that it is the one that was pinned ({reason})",
                self.address
            ))),
            CloseReason::Local | CloseReason::Remote | CloseReason::Truncated | CloseReason::GaveUp(_) => {
                NotOpened::Error(ClientError::Unreachable(format!("{}: {reason}", self.address)))
            }
        }
    }

    /// What the server said when it had proven itself.
    pub fn params(&self) -> Option<&Params> {
        self.params.as_ref()
    }

    /// Whether a ticket was used.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Tickets received since the last call.
    pub fn take_tickets(&mut self) -> Vec<ClientTicket> {
        std::mem::take(&mut self.tickets)
    }

    /// Whether the connection can carry nothing any more.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Looks at what has arrived, without waiting: whether the connection can still carry something.
    pub fn is_alive(&mut self) -> bool {
        let looked = self.turn(Some(Monotonic::default()));
        looked.is_ok() && self.closed.is_none()
    }

    /// Where the member is online instead of over this connection, if the server has said so by now. Never waits.
    pub fn displaced(&mut self) -> Option<SocketAddr> {
        // A connection that is gone shows when something is asked over it.
        drop(self.turn(Some(Monotonic::default())));
        self.displaced
    }

    /// Sends a request; its reply comes with the number that is returned.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone.
    pub fn send(&mut self, request: &Request<'_>) -> Result<u32, ClientError> {
        let asked = self.queue(request)?;
        self.awaited.insert(asked);
        self.write_out();
        Ok(asked)
    }

    /// Waits for the next reply, the waker or the deadline.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone and every reply was taken.
    pub fn wait(&mut self, deadline: Option<Monotonic>) -> Result<Waited, ClientError> {
        let waited = self.wait_for_any(deadline)?;
        if let Waited::Reply(id, _) = &waited {
            self.awaited.remove(id);
        }
        Ok(waited)
    }

    /// The same, whatever the reply is to.
    fn wait_for_any(&mut self, deadline: Option<Monotonic>) -> Result<Waited, ClientError> {
        loop {
            if let Some((id, reply)) = self.inbox.pop_front() {
                return Ok(Waited::Reply(id, reply));
            }
            if let Some(reason) = self.closed {
                return Err(ClientError::Unreachable(format!("{}: {reason}", self.address)));
            }
            if !self.turn(deadline)? {
                return Ok(Waited::TimedOut);
            }
            if self.was_woken() && self.inbox.is_empty() {
                return Ok(Waited::Woken);
            }
        }
    }

    /// Whether the last wait ended because somebody used the waker.
    fn was_woken(&self) -> bool {
        self.events.iter().any(|event| event.token() == WAKER)
    }

    /// Waits once, then reads and writes what can be. False when the deadline came first.
    fn turn(&mut self, deadline: Option<Monotonic>) -> Result<bool, ClientError> {
        self.write_out();
        let timeout = deadline.map(|deadline| deadline.0.saturating_sub(clock::now().mono.0));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            other => other.map_err(unreachable(&self.address, PATIENCE))?,
        }
        if self.events.is_empty() {
            return Ok(false);
        }
        self.read_in();
        self.write_out();
        Ok(true)
    }

    fn read_in(&mut self) {
        let mut chunk = [0; READ_BYTES];
        loop {
            let room = self.session.room().min(READ_BYTES);
            if room == 0 {
                break;
            }
            match self.stream.read(chunk.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    self.session.eof();
                    self.take_events();
                    break;
                }
                Ok(count) => {
                    let now = clock::now();
                    self.heard = now.mono;
                    let mut env = ClientEnv { now, rng: &mut self.rng };
                    self.session.receive(chunk.get(..count).unwrap_or_default(), &mut env);
                    self.take_events();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.session.eof();
                    self.take_events();
                    break;
                }
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                ClientEvent::Params(params) => self.params = Some(params),
                ClientEvent::Opened { resumed } => {
                    self.opened = true;
                    self.resumed = resumed;
                }
                ClientEvent::Message(message) => match wire::open::<Reply>(&message) {
                    Ok((_, Reply::Push(Push::Displaced(address)))) => self.displaced = Some(address),
                    Ok((id, reply)) => match self.followed.get_mut(&id) {
                        Some(waiting) => waiting.push_back(reply),
                        None => self.inbox.push_back((id, reply)),
                    },
                    // A server that speaks another version of the wire is one that cannot be understood.
                    Err(_) => self.closed = Some(CloseReason::Remote),
                },
                ClientEvent::Ticket(ticket) => self.tickets.push(ticket),
                ClientEvent::Pong(_) => {}
                ClientEvent::Closed(reason) => {
                    self.closed.get_or_insert(reason);
                }
            }
        }
    }

    fn write_out(&mut self) {
        let mut written = 0;
        while let Some(rest) = self.session.output().get(written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) if count > 0 => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What cannot be written now is written when the socket takes it again; that the
                // connection is gone shows when it is read.
                _ => break,
            }
        }
        self.session.written(written);
    }

    /// Ends the channel in good order: without this, the server could not tell the end from a cut.
    pub fn close(&mut self) {
        let mut env = ClientEnv { now: clock::now(), rng: &mut self.rng };
        self.session.close(&mut env);
        self.write_out();
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    fn asked(address: &str) -> ClientError {
        get_key_within(address, MOMENT).unwrap_err()
    }

    #[test]
    fn a_server_that_says_nothing_is_said_to_give_no_answer() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let error = asked(&address);
        assert!(error.is_away());
        assert_eq!(error.to_string(), format!("no answer from {address} within 1 second"));
    }

    #[test]
    fn a_server_that_says_that_it_is_busy_is_neither_away_nor_a_liar() {
        let full = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = full.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = full.accept().unwrap();
            stream.read_exact(&mut [0; 3]).unwrap();
            // Alert 2 of docs/channel.md.
            stream.write_all(&[0x7e, 0, 1, 2]).unwrap();
        });
        assert!(matches!(asked(&address), ClientError::Busy(_)));
        answering.join().unwrap();
    }

    #[test]
    fn a_port_where_nobody_listens_is_told_in_words() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        assert_eq!(
            asked(&gone).to_string(),
            format!("{gone}: the connection was refused: nobody listens there")
        );
    }
}
