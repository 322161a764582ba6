//! The upstreams of another configuration in the place of those in use.

use std::sync::Arc;

use super::Forward;
use super::crosswalk::Crosswalk;
use super::upstream::{Parameters, Upstream};
use crate::client::InvalidParameters;
use crate::store::crosswalk::Pair;

impl Forward {
    /// The same with these upstreams. One that is what it was stays as it is, with its connections and all
    /// that is known of it. Of one that has changed what still holds is handed on: endpoints that are the
    /// same, who is who where it is
    /// the same system, what became of the gateway's login where that is the same, and in any case whose
    /// turn it is to be written, since calls to both may be under way. One that is new takes its share of
    /// the pairs, which are those of the store.
    pub fn renewed(
        &self,
        parameters: Vec<Parameters>,
        pairs: &[Pair],
    ) -> Result<Self, InvalidParameters> {
        let upstreams = parameters.into_iter().map(|parameters| {
            let name = parameters.name.clone();
            let upstream = match self.upstreams.get(&name) {
                Some(same) if *same.made_of == parameters => Arc::clone(same),
                before => Arc::new(self.changed(parameters, before, pairs)?),
            };
            Ok::<_, InvalidParameters>((name, upstream))
        });
        Ok(Self {
            upstreams: Arc::new(upstreams.collect::<Result<_, _>>()?),
            ..self.clone()
        })
    }

    /// How many of these upstreams are in use by the other as well.
    pub fn shared_with(&self, other: &Self) -> usize {
        let own = self.upstreams.iter();
        let is_shared = |(name, upstream): &(&String, &Arc<Upstream>)| {
            let found = other.upstreams.get(*name);
            found.is_some_and(|found| Arc::ptr_eq(found, upstream))
        };
        own.filter(is_shared).count()
    }

    fn changed(
        &self,
        parameters: Parameters,
        before: Option<&Arc<Upstream>>,
        pairs: &[Pair],
    ) -> Result<Upstream, InvalidParameters> {
        let known = before.map(|before| &*before.endpoints);
        let mut upstream = Upstream::new(parameters, known)?;
        let same_system = before.filter(|before| before.is_same_system(&upstream));
        upstream.crosswalk = match same_system {
            Some(before) if before.made_of.crosswalk == upstream.made_of.crosswalk => {
                Arc::clone(&before.crosswalk)
            }
            Some(before) => {
                let crosswalk = self.kept(&upstream.crosswalk);
                crosswalk.take(before.crosswalk.pairs().iter());
                crosswalk
            }
            None => {
                let crosswalk = self.kept(&upstream.crosswalk);
                let own = pairs.iter().filter(|pair| pair.upstream == upstream.name);
                crosswalk.take(own);
                crosswalk
            }
        };
        let Some(before) = before else {
            return Ok(upstream);
        };
        upstream.users = Arc::clone(&before.users);
        upstream.writes = Arc::clone(&before.writes);
        upstream.lost = Arc::clone(&before.lost);
        if before.made_of.retry == upstream.made_of.retry {
            upstream.again = Arc::clone(&before.again);
        }
        if before.is_same_login(&upstream) {
            upstream.hold.clone_from(&before.hold);
            upstream.own = Arc::clone(&before.own);
            upstream.session = Arc::clone(&before.session);
        }
        if before.endpoints.made_of == upstream.endpoints.made_of {
            upstream.endpoints = Arc::clone(&before.endpoints);
        }
        Ok(upstream)
    }

    /// One that remembers where all others do.
    pub(super) fn kept(&self, crosswalk: &Crosswalk) -> Arc<Crosswalk> {
        Arc::new(crosswalk.kept_in(Arc::clone(&self.crosswalk), self.clock.clone()))
    }
}

impl Upstream {
    /// Whether what is known of the users of one holds for the other.
    fn is_same_system(&self, other: &Self) -> bool {
        let (own, others) = (&self.made_of, &other.made_of);
        own.dialect == others.dialect
            && own.endpoints.shares_any(&others.endpoints)
            && own.terms.policy.base_path == others.terms.policy.base_path
            && own.terms.account == others.terms.account
    }

    fn is_same_login(&self, other: &Self) -> bool {
        let (own, others) = (&self.made_of, &other.made_of);
        own.dialect == others.dialect
            && own.endpoints.shares_any(&others.endpoints)
            && own.credentials == others.credentials
            && own.secret_file == others.secret_file
    }
}
