//! What would become of a call, without carrying it out.

use std::borrow::Cow;
use std::sync::Arc;

use super::caller::{Caller, Stored};
use crate::auth::authorize::{account_of, judge};
use crate::auth::keys::KeyRing;
use crate::auth::{Call, Credentials, Principal};
use crate::clock::Clock;
use crate::command::{AccountId, Command};
use crate::error::{Error, Kind};
use crate::forward::Parameters;
use crate::forward::rehearsal::Rehearsal;
use crate::route::{Route, Target};

/// Everything that a call is judged by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The live keys.
    pub keys: Arc<KeyRing>,
    /// What is known of those that are stored.
    pub stored: Stored,
    /// The account of calls that name none.
    pub account: AccountId,
    /// Where commands are forwarded to.
    pub upstreams: Vec<Parameters>,
    /// The time, for keys that expire.
    pub clock: Clock,
}

/// What would become of a call.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Who calls.
    pub caller: Caller,
    /// In which account it would be done.
    pub account: AccountId,
    /// Where the command goes.
    pub target: &'a Target,
    /// Why it would be refused before anything is looked at that only its target knows.
    pub refused: Option<Error>,
    /// What would be lost and sent, where it goes to an upstream.
    pub forwarded: Option<(Cow<'a, Parameters>, Rehearsal)>,
}

impl Judged<'_> {
    /// The error that it would certainly end with.
    pub fn error(&self) -> Option<&Error> {
        let forwarded = self.forwarded.as_ref();
        let own = forwarded.and_then(|(_, rehearsal)| rehearsal.first.as_ref().err());
        self.refused.as_ref().or(own)
    }
}

impl Caller {
    /// Who it is, where that is certain.
    pub const fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Known(principal) => Some(principal),
            Self::Refused | Self::Unknown(_) => None,
        }
    }
}

impl Terms {
    /// Whose the credentials are on that route.
    pub fn caller(&self, credentials: &Credentials, route: &Route) -> Caller {
        let now = self.clock.now();
        Caller::of(credentials, route, &self.keys, &self.stored, now)
    }

    /// Goes through a call of the route, whose context names it, up to the first request to an upstream.
    pub fn judge<'a>(&'a self, call: &Call, route: &'a Route) -> Judged<'a> {
        let caller = self.caller(&call.credentials, route);
        let account = match &caller {
            Caller::Known(principal) => account_of(principal, call.account, self.account),
            Caller::Refused | Caller::Unknown(_) => None,
        };
        let account = account.or(call.account).unwrap_or(self.account);
        let refused = match &caller {
            Caller::Known(principal) => judge(principal, call, self.account).err(),
            Caller::Refused => Some(Kind::Unauthenticated.into()),
            Caller::Unknown(_) => None,
        };
        let target = route.targets.of(call.command.action());
        let refused = refused.or_else(|| unsupported(&call.command, target));
        let forwarded = self.upstream(target, call).map(|upstream| {
            let command = call.command.clone();
            let principal = caller.principal();
            let rehearsal = upstream.rehearse(command, principal, account, &call.context);
            (upstream, rehearsal)
        });
        Judged {
            caller,
            account,
            target,
            refused,
            forwarded,
        }
    }

    /// The upstream of a call, with the caller's own credentials where it judges them.
    fn upstream(&self, target: &Target, call: &Call) -> Option<Cow<'_, Parameters>> {
        let Target::Upstream(name) = target else {
            return None;
        };
        let upstream = self.upstreams.iter().find(|it| it.name == *name)?;
        if !call.context.is_judged_by_upstream() {
            return Some(Cow::Borrowed(upstream));
        }
        Some(Cow::Owned(Parameters {
            credentials: call.credentials.clone(),
            ..upstream.clone()
        }))
    }
}

/// The store does nothing that has no canonical form. What it misses first, only it knows.
fn unsupported(command: &Command, target: &Target) -> Option<Error> {
    let Command::Native(native) = command else {
        return None;
    };
    let operation = native.operation.as_str();
    let message = format!("the store cannot do {operation}; send it to the original system");
    (*target == Target::Store).then(|| Error::new(Kind::Unsupported, message))
}
