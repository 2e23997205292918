//! What is asked for a password.

use zeroize::Zeroizing;

use crate::client::link::question::{Question, question};
use crate::wire::{self, LoginChallenge, LoginProof, LoginRequest, RegistrationResponse, Reply, Request};

/// The first message of a registration.
pub(super) struct Register {
    pub(super) e_mail: String,
    pub(super) request: [u8; 32],
}
question!(
    Register,
    RegistrationResponse,
    |q| Request::PasswordRegister { e_mail: &q.e_mail, request: q.request },
    Reply::PasswordResponse(response) => response
);

/// The first message of a log-in.
pub(super) struct Start {
    pub(super) e_mail: String,
    pub(super) ke1: LoginRequest,
}
question!(
    Start,
    Box<LoginChallenge>,
    |q| Request::PasswordStart { e_mail: &q.e_mail, ke1: q.ke1 },
    Reply::LoginChallenge(challenge) => challenge
);

/// The message that proves the password.
pub(super) struct Finish(pub(super) LoginProof);
question!(
    Finish,
    Box<wire::Unlocked>,
    |q| Request::PasswordFinish { ke3: q.0 },
    Reply::Unlocked(unlocked) => unlocked
);

/// The code of the second factor, for a log-in whose password was right.
pub(super) struct Code(pub(super) Zeroizing<String>);
question!(
    Code,
    Box<wire::Unlocked>,
    |q| Request::SecondFactor(wire::FactorGiven::Code(&q.0)),
    Reply::Unlocked(unlocked) => unlocked
);

/// What the recovery code stands for.
pub(super) struct Recover {
    pub(super) e_mail: String,
    pub(super) shown: [u8; 32],
}
question!(
    Recover,
    Box<wire::Unlocked>,
    |q| Request::Recover { e_mail: &q.e_mail, shown: q.shown },
    Reply::Unlocked(unlocked) => unlocked
);

/// That the member comes back with a key only.
pub(super) struct LogOut {
    pub(super) all: bool,
}
question!(LogOut, (), |q| Request::LogOut { all: q.all }, Reply::LoggedOut => ());
