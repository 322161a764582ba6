//! The crosswalk of a gateway that has no store.

use super::wire::{self, Forget, Forgotten, Import, Imported, Line, Refused};
use crate::forward::Forward;
use crate::store::crosswalk;

/// Everything.
pub(super) fn list(forward: &Forward) -> Result<Vec<Line>, Refused> {
    refuse_stored(forward)?;
    Ok(forward.crosswalk().into_iter().map(Line::from).collect())
}

/// Imports into memory.
pub(super) fn import(forward: &Forward, asked: Import) -> Result<Imported, Refused> {
    refuse_stored(forward)?;
    let refused = |message| Refused::new(409, message);
    let mut pairs = Vec::with_capacity(asked.pairs.len());
    for pair in asked.pairs {
        let pair = pair.parse().map_err(refused)?;
        if !forward.has_own_ids(&pair.upstream, pair.dialect) {
            return Err(refused(wire::not_declared(&pair.upstream, pair.dialect)));
        }
        pairs.push(pair);
    }
    match forward.import_pairs(&pairs) {
        crosswalk::Imported::New(new) => Ok(Imported { new }),
        crosswalk::Imported::Contradicts(pair) => Err(refused(wire::contradiction(&pair))),
        crosswalk::Imported::TooMany => Err(refused(wire::too_many())),
    }
}

/// Forgets in memory.
pub(super) fn forget(forward: &Forward, asked: Forget) -> Result<Forgotten, Refused> {
    refuse_stored(forward)?;
    let upstream = asked.upstream.clone();
    let which = asked
        .which()
        .map_err(|message| Refused::new(400, message))?;
    match forward.forget(&upstream, &which) {
        Some(forgotten) => Ok(Forgotten { forgotten }),
        None => Err(Refused::new(
            404,
            format!("there is no upstream {upstream:?}"),
        )),
    }
}

/// What is in a store is looked at and changed there, where it is kept whole, and audited.
fn refuse_stored(forward: &Forward) -> Result<(), Refused> {
    if forward.is_crosswalk_stored() {
        let message =
            "the crosswalk of this gateway is in its store: use `dragoman crosswalk` there";
        return Err(Refused::new(409, message));
    }
    Ok(())
}
