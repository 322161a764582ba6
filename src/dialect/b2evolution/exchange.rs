//! One command at a B2evolution system.

use std::sync::Arc;

use http::response::Parts;

use super::B2evolution;
use crate::auth::Call;
use crate::command::Command;
use crate::dialect::Codec;
use crate::dialect::exchange::{Effect, Failure, Known, Learnt, Step, Terms};
use crate::outcome::Outcome;

/// A command on its way.
#[derive(Debug)]
pub struct Exchange {
    command: Command,
    terms: Arc<Terms>,
    learnt: Learnt,
}

impl Exchange {
    /// Writes the request.
    pub(in crate::dialect) fn start(
        call: Call,
        _known: Known,
        terms: Arc<Terms>,
    ) -> Result<(Self, Step), Failure> {
        let request = B2evolution::encode_request(&call, &terms.policy)?;
        let effect = if call.command.action().is_read() {
            Effect::Read
        } else {
            Effect::Write
        };
        let exchange = Self {
            command: call.command,
            terms,
            learnt: Learnt::default(),
        };
        Ok((exchange, Step::Send { request, effect }))
    }

    /// Reads the answer.
    pub(in crate::dialect) fn next(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        B2evolution::decode_response(&self.command, head, body, &self.terms.policy)
            .map(Step::Done)
            .map_err(Failure::answered)
    }

    /// One request is all there is.
    pub(in crate::dialect) const fn settled(&self) -> Option<&Outcome> {
        None
    }

    /// What was found out.
    pub(in crate::dialect) const fn learnt(&self) -> &Learnt {
        &self.learnt
    }
}
