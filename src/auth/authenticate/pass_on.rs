//! Callers whom an upstream judges.

use std::error::Error as _;

use tower::Service;

use super::{Answered, Authenticated, Judge};
use crate::auth::authorize::Unlisted;
use crate::auth::call::{Call, Credentials};
use crate::auth::passed_on::PassedOn;
use crate::auth::principal::Principal;
use crate::auth::sign_in::doubt::Said;
use crate::error::{Error, Kind};
use crate::outcome::{Done, Outcome};

impl Judge {
    /// Lets a call through whose credentials the upstream judges, unless too many of its source were
    /// wrong or are in doubt. Only the upstream knows a good key from a wrong one, so that all of a source are refused
    /// then.
    pub(super) async fn pass_on<S>(
        &self,
        mut inner: S,
        call: Box<Call>,
        credentials: Credentials,
    ) -> Answered
    where
        S: Service<Authenticated, Response = Done, Error = Error>,
    {
        let Some(fingerprint) = self.ring.fingerprint(&credentials) else {
            return Answered::refused(None, Kind::Unauthenticated.into());
        };
        let doubt = match self.sign_in.doubt(&credentials, &call.context) {
            Ok(doubt) => doubt,
            Err(refused) => return Answered::refused(None, refused),
        };
        let principal = Principal::JudgedByUpstream(fingerprint);
        let caller = Some(principal.clone());
        let authenticated = Authenticated {
            principal,
            call,
            passed_on: Some(PassedOn::new(credentials)),
        };
        let result = inner.call(authenticated).await;
        doubt.end(match &result {
            // Not every native operation asks for credentials.
            Ok(Done {
                outcome: Outcome::Relayed(_),
                ..
            }) => Said::Nothing,
            Ok(_) => Said::Good,
            Err(error) if is_about_credentials(error) => Said::Wrong,
            Err(_) => Said::Nothing,
        });
        match result {
            Ok(done) => Answered::done(caller, done),
            Err(error) if is_about_credentials(&error) || is_unlisted(&error) => {
                Answered::refused(None, error)
            }
            Err(error) => Answered::refused(caller, error),
        }
    }
}

const fn is_about_credentials(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unauthenticated | Kind::LockedOut)
}

/// Whether the upstream was not asked, so that the caller may be anybody.
fn is_unlisted(error: &Error) -> bool {
    error
        .source()
        .is_some_and(<dyn std::error::Error>::is::<Unlisted>)
}
