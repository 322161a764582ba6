//! What becomes of fields that an upstream's dialect has no place for.

use std::fmt;

use crate::command::field::Field;

/// What becomes of one field. An empty value is never a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// The whole call is refused, and nothing is sent.
    #[default]
    Reject,
    /// The field is left out; the answer and the log say so.
    Warn,
    /// The field is left out silently.
    Drop,
    /// The field is held in the gateway's own store and put into what is read.
    Keep,
}

impl OnLoss {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::Reject, Self::Warn, Self::Drop, Self::Keep];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Warn => "warn",
            Self::Drop => "drop",
            Self::Keep => "keep",
        }
    }
}

impl fmt::Display for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rules of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// For fields without a rule of their own.
    pub usual: OnLoss,
    /// For single fields.
    pub fields: Vec<(Field, OnLoss)>,
    /// Fields that travel as another one: the caller's, and where it goes upstream. What is read
    /// goes the other way.
    pub homes: Vec<(Field, Field)>,
}

impl Losses {
    /// The rule of a field. One that cannot be kept is refused where the others are kept.
    pub fn of(&self, field: &Field) -> OnLoss {
        let own = self.fields.iter().find(|(named, _)| named == field);
        let rule = own.map_or(self.usual, |(_, rule)| *rule);
        if rule == OnLoss::Keep && field.cannot_be_kept().is_some() {
            return OnLoss::Reject;
        }
        rule
    }

    /// Whether any field is kept.
    pub fn keep_any(&self) -> bool {
        let mut rules = self.fields.iter().map(|(_, rule)| *rule);
        self.usual == OnLoss::Keep || rules.any(|rule| rule == OnLoss::Keep)
    }

    /// Where a field of the caller goes, if it travels as another one.
    pub fn home_of(&self, field: &Field) -> Option<&Field> {
        let own = self.homes.iter().find(|(from, _)| from == field);
        own.map(|(_, to)| to)
    }
}
