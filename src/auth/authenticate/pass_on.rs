//! Callers whom an upstream judges.

use tower::Service;

use super::{Answered, Authenticated, Judge};
use crate::auth::attempts::Source;
use crate::auth::call::{Call, Credentials};
use crate::auth::passed_on::PassedOn;
use crate::auth::principal::Principal;
use crate::error::{Error, Kind};
use crate::outcome::Done;

impl Judge {
    /// Lets a call through whose credentials the upstream judges, unless too many of its source were
    /// wrong. Only the upstream knows a good key from a wrong one, so that all of a source are refused
    /// then.
    pub(super) async fn pass_on<S>(
        &self,
        mut inner: S,
        call: Call,
        credentials: Credentials,
    ) -> Answered
    where
        S: Service<Authenticated, Response = Done, Error = Error>,
    {
        let source = Source::from(call.context.source);
        let Some(fingerprint) = self.ring.fingerprint(&credentials) else {
            return Answered::refused(None, Kind::Unauthenticated.into());
        };
        if let Err(refused) = self.sign_in.refuse_foreign(source, &credentials) {
            return Answered::refused(None, refused);
        }
        let principal = Principal::JudgedByUpstream(fingerprint);
        let caller = Some(principal.clone());
        let authenticated = Authenticated {
            principal,
            call,
            passed_on: Some(PassedOn::new(credentials.clone())),
        };
        match inner.call(authenticated).await {
            Ok(Done { outcome, lost }) => Answered {
                caller,
                result: Ok(outcome),
                lost,
            },
            Err(error) if is_about_credentials(&error) => {
                let counted = self.sign_in.count_foreign(source, &credentials);
                Answered::refused(None, counted.err().unwrap_or(error))
            }
            Err(error) => Answered::refused(caller, error),
        }
    }
}

const fn is_about_credentials(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unauthenticated | Kind::LockedOut)
}
