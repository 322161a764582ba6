//! Countries, regions, sub-regions and cities: numbers that only the route's tables give names to.

use crate::command::Id;
use crate::error::Error;
use crate::route::Policy;
use crate::route::profile::Place;

/// The name in a profile and among the filters of a list.
pub(super) const fn name(place: Place) -> &'static str {
    match place {
        Place::Country => "country",
        Place::Region => "region",
        Place::Subregion => "subregion",
        Place::City => "city",
    }
}

/// The field of the form, and the extension attribute that keeps it.
pub(super) const fn field(place: Place) -> &'static str {
    match place {
        Place::Country => "edited_user_ctry_ID",
        Place::Region => "edited_user_rgn_ID",
        Place::Subregion => "edited_user_subrg_ID",
        Place::City => "edited_user_city_ID",
    }
}

/// Refuses a number that the route's table, if it has one, does not know.
pub(super) fn check(place: Place, number: i64, policy: &Policy) -> Result<(), Error> {
    if policy.profile.may_be_place(place, Id::new(number)) {
        return Ok(());
    }
    let rule = format!("is no {} of this site; send a known number", name(place));
    Err(Error::invalid(field(place), rule))
}
