//! What a b2evolution site says of its profiles: which fields count, and names for its numbers.

use std::collections::BTreeMap;

use crate::command::Id;

/// The settings of a site's profiles. Without any, every field may be sent and no number has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The fields that are not optional.
    pub rules: BTreeMap<Field, Rule>,
    /// Organizations; where there are none, every number is one.
    pub organizations: BTreeMap<Id, Organization>,
    /// Places of each kind; where a kind has none, every number is one.
    pub places: BTreeMap<Place, BTreeMap<Id, String>>,
}

impl Profile {
    /// What is said of a field.
    pub fn rule(&self, field: Field) -> Rule {
        self.rules.get(&field).copied().unwrap_or_default()
    }

    /// Whether the number stands for an organization, as far as is known here.
    pub fn may_be_organization(&self, id: Id) -> bool {
        self.organizations.is_empty() || self.organizations.contains_key(&id)
    }

    /// Whether the number stands for a place of that kind, as far as is known here.
    pub fn may_be_place(&self, place: Place, id: Option<Id>) -> bool {
        self.places
            .get(&place)
            .is_none_or(|known| id.is_some_and(|id| known.contains_key(&id)))
    }

    /// The name of a place; empty where it is not known.
    pub fn place_name(&self, place: Place, id: Option<Id>) -> &str {
        let known = self.places.get(&place);
        let name = known.zip(id).and_then(|(known, id)| known.get(&id));
        name.map_or("", String::as_str)
    }
}

/// A field, or some that are settled together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
    /// The nickname.
    Nickname,
    /// The gender.
    Gender,
    /// A place of a kind.
    Place(Place),
    /// The month of birth.
    BirthdayMonth,
    /// The day of birth.
    BirthdayDay,
    /// The year of birth.
    BirthdayYear,
    /// The youngest and the oldest age.
    AgeGroup,
}

/// Whether a field may be sent, must be, and by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Whoever may change the user may send it.
    #[default]
    Optional,
    /// Its form cannot be sent without it.
    Required,
    /// Nobody may send it.
    Hidden,
    /// Who may change other users may send it.
    Admin,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Optional, Self::Required, Self::Hidden, Self::Admin];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
            Self::Hidden => "hidden",
            Self::Admin => "admin",
        }
    }
}

/// Where a user lives, from coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The country.
    Country,
    /// A region of it.
    Region,
    /// A part of that.
    Subregion,
    /// The city.
    City,
}

impl Place {
    /// Every kind, as a profile has them.
    pub const ALL: [Self; 4] = [Self::Country, Self::Region, Self::Subregion, Self::City];
}

/// An organization that users may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// The address of its site; empty where it has none.
    pub url: String,
}
