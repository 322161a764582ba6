//! `[routes.NAME.profile]` and the tables of `[routes.NAME]`: what a b2evolution site says of its
//! profiles.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::place::Place;
use super::route_tables::{Names, by_id};
use super::suggest::did_you_mean;
use super::value::from_scalar;
use crate::route::profile::{self, Field, Organization, Profile, Rule};

/// `[routes.NAME.profile]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProfileSection {
    firstname: RuleName,
    lastname: RuleName,
    nickname: RuleName,
    gender: RuleName,
    country: RuleName,
    region: RuleName,
    subregion: RuleName,
    city: RuleName,
    birthday_month: RuleName,
    birthday_day: RuleName,
    birthday_year: RuleName,
    age_group: RuleName,
}

/// An organization as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OrganizationSection {
    name: String,
    url: String,
}

/// The tables of a route, as they are written; what is absent has no table.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) organizations: Option<BTreeMap<String, OrganizationSection>>,
    pub(super) countries: Option<Names>,
    pub(super) regions: Option<Names>,
    pub(super) subregions: Option<Names>,
    pub(super) cities: Option<Names>,
}

impl ProfileSection {
    /// The rules, with the tables beside them.
    pub(super) fn build(self, tables: Tables, at: Place<'_>, faults: &mut Faults) -> Profile {
        let rules = [
            (Field::FirstName, self.firstname),
            (Field::LastName, self.lastname),
            (Field::Nickname, self.nickname),
            (Field::Gender, self.gender),
            (Field::Place(profile::Place::Country), self.country),
            (Field::Place(profile::Place::Region), self.region),
            (Field::Place(profile::Place::Subregion), self.subregion),
            (Field::Place(profile::Place::City), self.city),
            (Field::BirthdayMonth, self.birthday_month),
            (Field::BirthdayDay, self.birthday_day),
            (Field::BirthdayYear, self.birthday_year),
            (Field::AgeGroup, self.age_group),
        ];
        let rules = rules
            .into_iter()
            .map(|(field, RuleName(rule))| (field, rule));
        let places = [
            (profile::Place::Country, "countries", tables.countries),
            (profile::Place::Region, "regions", tables.regions),
            (profile::Place::Subregion, "subregions", tables.subregions),
            (profile::Place::City, "cities", tables.cities),
        ];
        let places = places.into_iter().filter_map(|(place, key, table)| {
            let table = by_id(key, table?, String::as_str, at, faults);
            Some((place, table))
        });
        let places = places.collect();
        let organizations = tables.organizations.map(|table| {
            by_id(
                "organizations",
                table,
                OrganizationSection::name,
                at,
                faults,
            )
        });
        let organizations = organizations.into_iter().flatten();
        Profile {
            rules: rules.filter(|(_, rule)| *rule != Rule::Optional).collect(),
            organizations: organizations
                .map(|(id, section)| (id, section.build()))
                .collect(),
            places,
        }
    }
}

impl OrganizationSection {
    fn name(&self) -> &str {
        &self.name
    }

    fn build(self) -> Organization {
        Organization {
            name: self.name,
            url: self.url,
        }
    }
}

/// A rule by its name.
#[derive(Clone, Copy, Debug, Default)]
struct RuleName(Rule);

impl FromStr for RuleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Rule::ALL.map(Rule::name);
        let rule = Rule::ALL.into_iter().find(|rule| rule.name() == text);
        rule.map(Self).ok_or_else(|| {
            format!(
                "unknown rule {text:?} (known: {}){}",
                names.join(", "),
                did_you_mean(text, &names)
            )
        })
    }
}

impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}
