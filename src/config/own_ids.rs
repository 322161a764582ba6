//! Callers with numbers of their own: `own_ids` of `[upstreams.NAME]`.

use super::fault::Faults;
use super::place::Place;
use crate::command::Action;
use crate::forward::Parameters;
use crate::route::{Auth, Route, Target};

/// Refuses numbers that nobody could import, and options for native operations that would be refused
/// because of them.
pub(super) fn check(
    routes: &[Route],
    upstreams: &[Parameters],
    is_importable: bool,
    place: Place<'_>,
    faults: &mut Faults,
) {
    for upstream in upstreams {
        if !upstream.crosswalk.own_ids.is_empty() && !is_importable {
            let message = "needs somewhere to import the numbers to, and there is neither a store nor a \
                           control socket: add `admin.control = \"control.sock\"` or \
                           `store.url = \"sqlite:data/dragoman.db\"`";
            let path = format!("upstreams.{}", upstream.name);
            faults.push(place.at(&path).fault("own_ids", message));
        }
    }
    for route in routes {
        let Some(upstream) = forbids_relays(route, upstreams) else {
            continue;
        };
        let message = format!(
            "means nothing where upstreams.{}.own_ids names {}: no native operation is relayed then; \
             remove it",
            upstream.name, route.dialect
        );
        let path = format!("routes.{}", route.name);
        let at = place.at(&path);
        if matches!(&route.auth, Auth::Upstream { native } if !native.is_empty()) {
            faults.push(at.fault("native", message.clone()));
        }
        if route.policy.form.files > 0 && upstream.dialect == route.dialect {
            faults.push(at.fault("form.files", message));
        }
    }
}

/// The upstream of the route's native operations, where the numbers in them would be others.
pub fn forbids_relays<'a>(route: &Route, upstreams: &'a [Parameters]) -> Option<&'a Parameters> {
    let Target::Upstream(name) = route.targets.of(Action::Native) else {
        return None;
    };
    let mut upstreams = upstreams.iter();
    upstreams.find(|it| it.name == *name && it.crosswalk.own_ids.contains(&route.dialect))
}
