//! What a pipeline hands on to the one that takes its place.

use std::sync::Arc;

use super::Parts;
use crate::auth::authenticate::UserDirectory;
use crate::auth::password::PasswordHasherPool;
use crate::auth::sign_in::{self, SignIn};
use crate::command::AccountId;
use crate::journal::once::OnceLog;
use crate::journal::once::memory::OnceMemory;
use crate::middleware::body::Budget;
use crate::middleware::in_flight::InFlightLayer;
use crate::once::Claims;
use crate::store::Store;

/// Whatever counts: guesses and right passwords, bytes of bodies, requests in flight, calls that may be sent again. A pipeline that is
/// made with it goes on counting where the one before is, as far as its limits are the same. Nobody gets a
/// second twenty guesses by a reload, nor the memory twice.
#[derive(Debug, Default)]
pub struct Lasting {
    passwords: Option<PasswordHasherPool>,
    sign_in: Option<(sign_in::Parameters, AccountId, Arc<SignIn>)>,
    bodies: Option<(usize, Budget)>,
    in_flight: InFlightLayer,
    claims: Option<Arc<Claims>>,
}

impl Lasting {
    /// What all bodies may have together.
    pub(super) fn bodies(&mut self, parts: &Parts) -> Budget {
        match &self.bodies {
            Some((bytes, budget)) if *bytes == parts.body_budget => budget.clone(),
            Some(_) | None => {
                let budget = Budget::new(parts.body_budget);
                self.bodies = Some((parts.body_budget, budget.clone()));
                budget
            }
        }
    }

    /// Where calls are claimed that are to be done once: in the store, or in memory without one.
    pub(super) fn claims(&mut self, parts: &Parts) -> Arc<Claims> {
        let claims = self.claims.get_or_insert_with(|| {
            let log: Arc<dyn OnceLog + Send + Sync> = match &parts.store {
                Some(store) => Arc::<dyn Store>::clone(store),
                None => Arc::new(OnceMemory::default()),
            };
            let claims = Claims::new(log, parts.keys.seal(), parts.clock.clone());
            Arc::new(claims)
        });
        Arc::clone(claims)
    }

    /// The in-flight layer of these parts.
    pub(super) fn in_flight(&mut self, parts: &Parts) -> InFlightLayer {
        self.in_flight = self.in_flight.next(&parts.routes);
        self.in_flight.clone()
    }

    /// Where passwords are hashed, how many at once never changes.
    pub(super) fn passwords(&mut self, parts: &Parts) -> PasswordHasherPool {
        let pool = self
            .passwords
            .get_or_insert_with(|| PasswordHasherPool::new(parts.hashes_at_once));
        pool.clone()
    }

    /// Where passwords are judged, of the users of a directory that never changes.
    pub(super) fn sign_in(
        &mut self,
        parts: &Parts,
        users: Arc<dyn UserDirectory + Send + Sync>,
    ) -> Arc<SignIn> {
        if let Some((parameters, account, sign_in)) = &self.sign_in
            && (*parameters, *account) == (parts.sign_in, parts.account)
        {
            return Arc::clone(sign_in);
        }
        let passwords = self.passwords(parts);
        let clock = parts.clock.clone();
        let sign_in = SignIn::new(users, passwords, parts.sign_in, parts.account, clock);
        let sign_in = Arc::new(sign_in);
        self.sign_in = Some((parts.sign_in, parts.account, Arc::clone(&sign_in)));
        sign_in
    }
}
