//! Routes as plain data: which requests, which dialect, under which policy.

mod entry;
mod fixed;
mod losses;
mod mode;
pub mod number_table;
mod pass;
mod plain_path;
pub mod profile;
mod target;

use std::sync::Arc;
use std::time::Duration;

pub use self::entry::Entry;
pub use self::fixed::FixedRoute;
pub use self::losses::{Losses, OnLoss};
pub use self::mode::Mode;
use self::number_table::NumberTable;
pub use self::pass::{HeaderEdits, PassRoute};
pub use self::plain_path::is_plain;
use self::profile::Profile;
pub use self::target::{Noun, Sticky, Target, Targets};
use crate::command::Dialect;
use crate::command::user::Role;

/// A rule of `routes.toml` whose callers are translated, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// The host it answers for, lower case and without a port; any host where none is named.
    pub host: Option<String>,
    /// The paths it answers for.
    pub path: PathRule,
    /// What its callers speak.
    pub dialect: Dialect,
    /// What the dialect's codec needs to know of it.
    pub policy: Policy,
    /// How much of what it takes.
    pub limits: Limits,
    /// Where its commands go.
    pub targets: Targets,
    /// What becomes of fields that an upstream has no place for.
    pub losses: Losses,
    /// Who judges its callers.
    pub auth: Auth,
    /// The site: where requests go that are no calls, and by [`Mode`] all of them. Without one such
    /// requests are refused, and every route is translated.
    pub otherwise: Option<Arc<PassRoute>>,
    /// What becomes of its requests.
    pub mode: Mode,
    /// How long its callers' writes are remembered.
    pub idempotency: Idempotency,
}

/// For how long a write that is sent again is answered as before, and not done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// One that is sent with an idempotency key.
    pub keep: Duration,
    /// One that makes a user or a group, sent without: the same command of the same caller is the same
    /// call within that time. Nothing where each is one of its own.
    pub window: Option<Duration>,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(24 * 60 * 60),
            window: None,
        }
    }
}

/// Who judges the credentials of a route's callers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// The gateway: by its keys, and the passwords of its users.
    #[default]
    Gateway,
    /// The upstreams, which are shown them as they are. Each speaks the callers' dialect.
    Upstream {
        /// The native operations that are relayed, since there is no key whose scopes would say so.
        native: Vec<String>,
    },
}

/// Which paths a route answers for: a prefix that ends at a segment border.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathRule {
    /// The prefix, with a slash at its start and none at its end; empty for every path.
    pub prefix: String,
    /// Whether letters match in either case.
    pub ignore_case: bool,
    /// An ending the prefix may have in addition, e.g. `.php`.
    pub optional_suffix: Option<&'static str>,
    /// Whether nothing may follow it.
    pub is_exact: bool,
}

/// What a codec needs to know of a route. Codecs are pure functions of the request and this.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The route's path prefix: what comes before the dialect's own part of a path.
    pub base_path: String,
    /// Whether the API key may travel in the query string, where proxies log it.
    pub key_in_query: bool,
    /// Whether callers without credentials may list users, as the vendor's default has it.
    pub anonymous: bool,
    /// The dialect's role numbers or names, and the roles they stand for.
    pub roles: Vec<(String, Role)>,
    /// The roles that a member of a Grupo group may have.
    pub group_roles: NumberTable,
    /// The categories that a Grupo group may have.
    pub group_categories: NumberTable,
    /// What the site says of its profiles.
    pub profile: Profile,
    /// Limits of forms.
    pub form: FormLimits,
    /// Limits of JSON documents.
    pub json: JsonLimits,
}

impl Policy {
    /// The role that the dialect calls `name`.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, role)| role)
    }

    /// What the dialect calls the role.
    pub fn role_name(&self, role: &Role) -> Option<&str> {
        self.roles
            .iter()
            .find(|(_, known)| known == role)
            .map(|(name, _)| name.as_str())
    }
}

/// How much a form may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// Fields, files included.
    pub fields: usize,
    /// Bytes of a field's name.
    pub name_bytes: usize,
    /// Bytes of a field's value.
    pub value_bytes: usize,
    /// Files that a native operation may bring along; the body's limit is theirs, too.
    pub files: usize,
}

impl Default for FormLimits {
    fn default() -> Self {
        Self {
            fields: 256,
            name_bytes: 128,
            value_bytes: 64 * 1024,
            files: 0,
        }
    }
}

/// How much a JSON document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Arrays and objects inside one another.
    pub depth: usize,
    /// Members of one object, elements of one array.
    pub members: usize,
    /// Bytes of a string.
    pub string_bytes: usize,
    /// Characters of a number.
    pub number_bytes: usize,
    /// Calls in one batch.
    pub batch: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self {
            depth: 16,
            members: 1024,
            string_bytes: 64 * 1024,
            number_bytes: 40,
            batch: 20,
        }
    }
}

/// How much a route takes, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// From the first byte of a body to its last.
    pub body_timeout: Duration,
    /// From the complete body to the answer.
    pub call_timeout: Duration,
    /// Calls at once; more are refused.
    pub in_flight: usize,
}
