//! `[routes.NAME]`: which requests are answered, in which dialect, under which policy.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::fault::Faults;
use super::mode::ModeName;
use super::place::Place;
use super::route_limits::{FormSection, JsonSection};
use super::route_profile::{OrganizationSection, ProfileSection, Tables};
use super::route_tables::{Names, by_id};
use super::suggest::did_you_mean;
use super::upstream_health::StickyName;
use super::value::{Days, List, Size, Span, from_scalar};
use super::{judge, losses, route_once, targets};
use crate::command::Dialect;
use crate::command::text::Text;
use crate::command::user::Role;
use crate::dialect::{default_roles, path_rule};
use crate::route::number_table::NumberTable;
use crate::route::{Limits, Mode, Policy, Route};

/// `[routes.NAME]` as it is written. What is absent is the dialect's default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteSection {
    /// `grupo`, `vision6` or `b2evolution`; the one option a route cannot be without.
    dialect: Option<DialectName>,
    /// The host callers name; any host where absent.
    host: Option<String>,
    /// The path callers know; where absent, the one the dialect's own server has.
    path: Option<String>,
    /// Grupo only: whether the API key may travel in the query string, where proxies log it.
    key_in_query: Option<bool>,
    /// b2evolution only: whether callers without credentials may list users.
    anonymous: Option<bool>,
    /// Grupo and b2evolution: the dialect's role ids and the roles they stand for. Replaces the
    /// dialect's own table.
    roles: Option<Names>,
    /// Grupo only: the roles a member of a group may have, by number. Without it any is taken.
    group_roles: Option<Names>,
    /// Grupo only: the categories a group may have, by number. Without it any is taken.
    group_categories: Option<Names>,
    /// b2evolution only: which fields of a profile may be sent, and which must be.
    profile: Option<ProfileSection>,
    /// b2evolution only: organizations by id. With a table, other ids are refused.
    organizations: Option<BTreeMap<String, OrganizationSection>>,
    /// b2evolution only: places by id, likewise.
    countries: Option<Names>,
    regions: Option<Names>,
    subregions: Option<Names>,
    cities: Option<Names>,
    /// Bytes of a request body; more is refused.
    body_bytes: Option<Size>,
    /// A body that is not complete by then is refused.
    body_timeout: Option<Span>,
    /// A call that is not answered by then is answered with the dialect's timeout.
    call_timeout: Option<Span>,
    /// Calls at once; more are refused as overload.
    in_flight: Option<usize>,
    /// Where users go: `store`, or an upstream by name.
    user: Option<String>,
    /// Where groups and their members go.
    group: Option<String>,
    /// Where single commands go, e.g. `"user.delete" = "store"`.
    commands: Option<BTreeMap<String, String>>,
    /// Whether commands of one noun may go to different targets.
    allow_split: Option<bool>,
    /// What becomes of fields that an upstream has no place for: `reject`, `warn`, `drop`
    /// or `keep`.
    on_loss: Option<losses::Rule>,
    /// The same for single fields.
    loss: Option<BTreeMap<String, losses::Rule>>,
    /// Fields that travel as another one, e.g. `"grupo.custom_field_1" = "title"`.
    map: Option<BTreeMap<String, String>>,
    /// The pass route that gets what is no call, and by its mode everything.
    otherwise: Option<String>,
    /// `translate`, `observe` or `bypass`.
    mode: Option<ModeName>,
    /// Who judges callers: `gateway`, or `upstream`.
    auth: Option<judge::Judge>,
    /// What calls stick to one of an upstream's endpoints by: `key` or `user`.
    sticky: Option<StickyName>,
    /// The native operations of callers whom the upstream judges.
    native: Option<List<String>>,
    /// How long a write that comes with an idempotency key is remembered.
    idempotency_keep: Option<Days>,
    /// Within what time the same `add` of the same caller, without a key, is the same call; 0 for none.
    idempotency_window: Option<Span>,
    form: Option<FormSection>,
    json: Option<JsonSection>,
}

impl RouteSection {
    /// The pass route that is named for what is no call.
    pub(super) fn otherwise(&self) -> Option<String> {
        self.otherwise.clone()
    }

    /// Parses and checks the parts.
    pub(super) fn build(self, name: &str, place: Place<'_>, faults: &mut Faults) -> Option<Route> {
        let Some(DialectName(dialect)) = self.dialect else {
            if !place.has("dialect") {
                let known = dialects();
                let message = format!("names no dialect: add `dialect = \"…\"`, one of {known}");
                faults.push(place.fault("", message));
            }
            return None;
        };
        refuse_ineffective(dialect, place, faults);
        let targets = targets::Written {
            user: self.user,
            group: self.group,
            commands: self.commands,
            allow_split: self.allow_split.unwrap_or(false),
            sticky: self.sticky.map(|name| name.0),
        };
        let targets = targets.build(dialect, place, faults);
        let losses = losses::Written {
            usual: self.on_loss,
            fields: self.loss,
            homes: self.map,
        };
        let losses = losses.build(place, faults);
        let auth = judge::build(self.auth, self.native, dialect, place, faults);
        let mut noted = |key: &str, message: String| faults.push(place.fault(key, message));
        let host = self.host.map(|host| self::host(&host)).transpose();
        let host = host.map_err(|message| noted("host", message)).ok();
        let path = self.path.as_deref().unwrap_or(usual_path(dialect));
        let prefix = prefix(path).map_err(|message| noted("path", message)).ok();
        let roles = self
            .roles
            .map_or_else(|| Ok(usual_roles(dialect)), role_table);
        let roles = roles
            .map_err(|(role, message)| noted(&format!("roles.{role}"), message))
            .ok();
        let mut numbers = |key, table: Option<Names>| {
            let names = table.map(|table| by_id(key, table, String::as_str, place, faults));
            NumberTable::new(names.unwrap_or_default())
        };
        let group_roles = numbers("group_roles", self.group_roles);
        let group_categories = numbers("group_categories", self.group_categories);
        let limits = Limits {
            body_bytes: self.body_bytes.map_or(usual_body(dialect), |size| size.0),
            body_timeout: self.body_timeout.unwrap_or(Span::seconds(30)).0,
            call_timeout: self.call_timeout.unwrap_or(Span::seconds(30)).0,
            in_flight: self.in_flight.unwrap_or(1024),
        };
        check(&limits, place, faults);
        let idempotency = route_once::build(self.idempotency_keep, self.idempotency_window);
        route_once::check(&idempotency, &auth, place, faults);
        let form = self.form.unwrap_or_default().build(place, faults);
        let json = self.json.unwrap_or_default().build(place, faults);
        let tables = Tables {
            organizations: self.organizations,
            countries: self.countries,
            regions: self.regions,
            subregions: self.subregions,
            cities: self.cities,
        };
        let profile = self.profile.unwrap_or_default();
        let profile = profile.build(tables, place, faults);
        let prefix = prefix?;
        Some(Route {
            name: name.to_owned(),
            host: host?,
            path: path_rule(dialect, prefix.clone()),
            dialect,
            policy: Policy {
                base_path: prefix,
                key_in_query: self.key_in_query.unwrap_or(false),
                anonymous: self.anonymous.unwrap_or(false),
                roles: roles?,
                group_roles,
                group_categories,
                profile,
                form,
                json,
            },
            limits,
            targets,
            losses,
            auth,
            otherwise: None,
            mode: self.mode.map_or(Mode::Translate, |mode| mode.0),
            idempotency,
        })
    }
}

/// Refuses what is spelled right and would change nothing.
fn refuse_ineffective(dialect: Dialect, place: Place<'_>, faults: &mut Faults) {
    let options: [(&str, &[Dialect]); 14] = [
        ("key_in_query", &[Dialect::Grupo]),
        ("anonymous", &[Dialect::B2evolution]),
        ("roles", &[Dialect::Grupo, Dialect::B2evolution]),
        ("group_roles", &[Dialect::Grupo]),
        ("group_categories", &[Dialect::Grupo]),
        ("profile", &[Dialect::B2evolution]),
        ("organizations", &[Dialect::B2evolution]),
        ("countries", &[Dialect::B2evolution]),
        ("regions", &[Dialect::B2evolution]),
        ("subregions", &[Dialect::B2evolution]),
        ("cities", &[Dialect::B2evolution]),
        ("form", &[Dialect::Grupo, Dialect::B2evolution]),
        // Vision6 has no form at all.
        ("form.files", &[Dialect::Grupo, Dialect::Vision6]),
        ("json", &[Dialect::Vision6]),
    ];
    for (key, effective) in options {
        if place.has(key) && !effective.contains(&dialect) {
            let message = format!("means nothing to {dialect}: remove it");
            faults.push(place.fault(key, message));
        }
    }
}

fn check(limits: &Limits, place: Place<'_>, faults: &mut Faults) {
    let positive = [
        ("body_bytes", limits.body_bytes > 0),
        ("body_timeout", !limits.body_timeout.is_zero()),
        ("call_timeout", !limits.call_timeout.is_zero()),
        ("in_flight", limits.in_flight > 0),
    ];
    for (key, holds) in positive {
        if !holds {
            faults.push(place.fault(key, "must be more than 0"));
        }
    }
    if limits.body_bytes > 64 << 20 {
        let message = "is too large: at most \"64MiB\", since a body is held in memory";
        faults.push(place.fault("body_bytes", message));
    }
}

/// Where the vendor's server has its interface.
pub(super) const fn usual_path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Grupo => "/api_request",
        Dialect::Vision6 => "/api/jsonrpcserver",
        Dialect::B2evolution => "/api/v1",
    }
}

const fn usual_body(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Grupo | Dialect::B2evolution => 1 << 20,
        Dialect::Vision6 => 256 << 10,
    }
}

pub(super) fn usual_roles(dialect: Dialect) -> Vec<(String, Role)> {
    let table = default_roles(dialect).iter();
    table
        .filter_map(|(name, role)| Some(((*name).to_owned(), Role::new(Text::parse(*role).ok()?))))
        .collect()
}

/// Roles by the dialect's ids; which id is at fault, and why, where one is.
pub(super) fn role_table(table: Names) -> Result<Vec<(String, Role)>, (String, String)> {
    table
        .into_iter()
        .map(|(name, role)| match Text::parse(role.as_str()) {
            Ok(text) if !role.trim().is_empty() => Ok((name, Role::new(text))),
            Ok(_) => Err((
                name,
                "names no role: write e.g. \"administrator\"".to_owned(),
            )),
            Err(error) => Err((name, error.to_string())),
        })
        .collect()
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if text.len() <= 253 && text.split('.').all(is_label) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!(
        "{text:?} is no host: write a name without scheme, port and path, e.g. \"chat.example.com\""
    ))
}

/// The prefix as the router compares it: no slash at its end.
pub(super) fn prefix(path: &str) -> Result<String, String> {
    if !path.starts_with('/') {
        return Err(format!(
            "{path:?} has no slash at its start: write \"/{path}\""
        ));
    }
    let prefix = path.trim_end_matches('/');
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"?#%\\".contains(&byte))
    };
    if prefix.split('/').skip(1).all(is_plain) {
        return Ok(prefix.to_owned());
    }
    Err(format!(
        "{path:?} is no path: segments between single slashes, without `..`, `?`, `#`, `%` and blanks, e.g. \"/api/v1\""
    ))
}

fn dialects() -> String {
    Dialect::ALL.map(Dialect::name).join(", ")
}

/// A dialect by its name.
#[derive(Debug)]
pub(super) struct DialectName(pub(super) Dialect);

impl FromStr for DialectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Dialect::from_name(text).map(Self).ok_or_else(|| {
            format!(
                "unknown dialect {text:?} (known: {}){}",
                dialects(),
                did_you_mean(text, &Dialect::ALL.map(Dialect::name))
            )
        })
    }
}

impl<'de> Deserialize<'de> for DialectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_scalar(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_no_slash_at_its_end() {
        assert_eq!(prefix("/api/"), Ok("/api".to_owned()));
        assert_eq!(prefix("/"), Ok(String::new()));
        for path in ["", "api", "/a//b", "/a/../b", "/a b", "/a%2fb", "/ä"] {
            assert!(prefix(path).is_err(), "{path}");
        }
    }
}
