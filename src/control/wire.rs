//! What is said on the control socket, and printed for scripts.

use jiff::Timestamp as Instant;
use serde::{Deserialize, Serialize};

use crate::command::{Dialect, Id};
use crate::store::crosswalk;

/// A line of the crosswalk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// A pair that was imported.
    Imported(Pair),
    /// What a look-up answered.
    Remembered {
        /// The upstream, by its name in the configuration.
        upstream: String,
        /// The account that was asked in, if there was one.
        account: Option<i64>,
        /// `username`, `email` or `username_or_email`.
        by: String,
        /// The name, as names are compared: in small letters.
        name: String,
        /// The user's number at the upstream.
        upstream_id: i64,
        /// Until when that is believed.
        until: Option<String>,
    },
}

/// A number of a caller's own, and the upstream's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The upstream, by its name in the configuration.
    pub upstream: String,
    /// Whose callers have the number.
    pub dialect: String,
    /// The number that callers have.
    pub id: i64,
    /// The number that the same user has at the upstream.
    pub upstream_id: i64,
}

/// Pairs to be imported, all or none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The pairs.
    pub pairs: Vec<Pair>,
}

/// What became of an import.
#[derive(Debug, Serialize, Deserialize)]
pub struct Imported {
    /// How many pairs are new.
    pub new: usize,
}

/// What is to be forgotten: of these, exactly one beside the upstream.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forget {
    /// The upstream.
    pub upstream: String,
    /// Everything, pairs too.
    pub all: bool,
    /// All that look-ups answered.
    pub remembered: bool,
    /// What look-ups by that name answered.
    pub name: Option<String>,
    /// One pair: whose callers have the number…
    pub dialect: Option<String>,
    /// …and the number that they have.
    pub id: Option<i64>,
}

/// What became of forgetting.
#[derive(Debug, Serialize, Deserialize)]
pub struct Forgotten {
    /// How many lines were forgotten.
    pub forgotten: usize,
}

/// What became of a reload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reloaded {
    /// What is in use now, and what callers will object to.
    pub lines: Vec<String>,
}

/// A route of the gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteLine {
    /// Its name in the configuration.
    pub name: String,
    /// Its dialect; or `pass` or `fixed` where it has none.
    pub kind: String,
    /// The host it answers for; any where there is none.
    pub host: Option<String>,
    /// The path it answers for.
    pub path: String,
    /// What becomes of its requests, where it has a dialect.
    pub mode: Option<String>,
    /// What the configuration says of that.
    pub mode_of_file: Option<String>,
    /// Its site, by the name of a pass route.
    pub otherwise: Option<String>,
}

/// Another mode for a route.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// The route, by its name in the configuration.
    pub route: String,
    /// `observe`, `translate` or `bypass`.
    pub mode: String,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ModeSet {
    /// The route.
    pub route: String,
    /// Its mode from the next request on.
    pub mode: String,
    /// Its mode before.
    pub was: String,
}

/// Why something is not done.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The reason, with the remedy.
    pub error: String,
    /// The status of the answer.
    #[serde(skip)]
    pub status: u16,
}

impl Refused {
    /// A refusal in words.
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            status,
        }
    }
}

impl Pair {
    /// The pair, if its dialect is known and its numbers are numbers of users.
    pub fn parse(&self) -> Result<crosswalk::Pair, String> {
        let dialect = Dialect::from_name(&self.dialect).ok_or_else(|| {
            format!(
                "{:?} is no dialect: write grupo, vision6 or b2evolution",
                self.dialect
            )
        })?;
        let id = |column: &str, number| {
            Id::new(number)
                .ok_or_else(|| format!("{column} {number} is no number of a user: 1 or more"))
        };
        Ok(crosswalk::Pair {
            upstream: self.upstream.clone(),
            dialect,
            own: id("id", self.id)?,
            there: id("upstream_id", self.upstream_id)?,
        })
    }
}

impl From<crosswalk::Pair> for Pair {
    fn from(pair: crosswalk::Pair) -> Self {
        Self {
            upstream: pair.upstream,
            dialect: pair.dialect.name().to_owned(),
            id: pair.own.value(),
            upstream_id: pair.there.value(),
        }
    }
}

impl From<crosswalk::Line> for Line {
    fn from(line: crosswalk::Line) -> Self {
        match line {
            crosswalk::Line::Imported(pair) => Self::Imported(pair.into()),
            crosswalk::Line::Remembered {
                upstream,
                named,
                found,
            } => Self::Remembered {
                upstream,
                account: named.account.map(|account| account.id().value()),
                by: named.name.kind.name().to_owned(),
                name: named.name.key,
                upstream_id: found.there.value(),
                until: Instant::from_millisecond(found.until.as_millis())
                    .ok()
                    .map(|until| until.to_string()),
            },
        }
    }
}

/// What contradicts another pair, in words.
pub fn contradiction(pair: &crosswalk::Pair) -> String {
    let (own, there) = (pair.own, pair.there);
    format!(
        "{} of {} for {} {own} contradicts another pair: one of the two numbers is another user's; \
         nothing was imported; correct the file, or forget the other pair first",
        there, pair.upstream, pair.dialect
    )
}

/// That there are too many pairs, in words.
pub fn too_many() -> String {
    let most = crosswalk::MOST_PAIRS;
    format!("nothing was imported: there would be more than {most} pairs")
}

/// That callers of the dialect are not said to have numbers of their own, in words.
pub fn not_declared(upstream: &str, dialect: Dialect) -> String {
    format!(
        "upstreams.{upstream}.own_ids does not name {dialect}: add it to the configuration, so that \
         numbers are never taken for the upstream's own"
    )
}

impl Forget {
    /// What is meant, if it is one thing.
    pub fn which(self) -> Result<crosswalk::Which, String> {
        let pair = match (self.dialect, self.id) {
            (None, None) => None,
            (Some(dialect), Some(id)) => {
                let dialect = Dialect::from_name(&dialect)
                    .ok_or_else(|| format!("{dialect:?} is no dialect"))?;
                let own = Id::new(id).ok_or_else(|| format!("{id} is no number of a user"))?;
                Some(crosswalk::Which::Pair(dialect, own))
            }
            _ => return Err("dialect and id go together".to_owned()),
        };
        let all = self.all.then_some(crosswalk::Which::All);
        let remembered = self.remembered.then_some(crosswalk::Which::Remembered);
        let name = self
            .name
            .map(|name| crosswalk::Which::Name(crosswalk::key(&name)));
        let mut meant = [pair, all, remembered, name].into_iter().flatten();
        match (meant.next(), meant.next()) {
            (Some(which), None) => Ok(which),
            _ => Err("say one: all, remembered, name, or dialect and id".to_owned()),
        }
    }
}
