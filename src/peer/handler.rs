//! The listener in the loop.

use std::net::SocketAddr;

use rand_core::CryptoRng;

use super::errands::lane;
use super::{Answer, Job, Listener};
use crate::client::ClientError;
use crate::reactor::Handler;
use crate::service::ConnectionId;
use crate::time::{Monotonic, Now};

impl Handler for Listener {
    type Job = Job;
    type Answer = Answer;
    type Failure = ClientError;

    fn connected(&mut self, id: ConnectionId, from: SocketAddr, now: Now, _: &mut dyn CryptoRng) {
        Listener::connected(self, id, from.ip(), now);
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], now: Now, rng: &mut dyn CryptoRng) {
        Listener::received(self, id, bytes, now, rng);
    }

    fn hung_up(&mut self, id: ConnectionId, _: Now, _: &mut dyn CryptoRng) {
        Listener::hung_up(self, id);
    }

    fn answered(&mut self, answer: Answer, now: Now, rng: &mut dyn CryptoRng) {
        Listener::answered(self, answer, now, rng);
    }

    fn end_tick(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), ClientError> {
        Listener::end_tick(self, now, rng)
    }

    fn take_jobs(&mut self) -> Vec<(usize, Job)> {
        Listener::take_jobs(self).into_iter().map(|job| (lane(&job), job)).collect()
    }

    fn touched(&mut self) -> Vec<ConnectionId> {
        Listener::touched(self)
    }

    fn output(&self, id: ConnectionId) -> &[u8] {
        Listener::output(self, id)
    }

    fn written(&mut self, id: ConnectionId, count: usize, _: Now) {
        Listener::written(self, id, count);
    }

    fn input_room(&self, id: ConnectionId) -> usize {
        Listener::input_room(self, id)
    }

    fn is_finished(&self, id: ConnectionId) -> bool {
        Listener::is_finished(self, id)
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        Listener::next_deadline(self)
    }

    fn shut_down(&mut self) {
        Listener::shut_down(self);
    }

    fn close(self) -> Result<(), ClientError> {
        Ok(())
    }
}
