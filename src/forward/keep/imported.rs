//! What an upstream takes and does not show, of users that were imported into the store.

use super::value;
use crate::command::Id;
use crate::command::field::{Field, UserField};
use crate::command::user::{User, UserChange};
use crate::dialect::expresses::{check_hidden, hides};
use crate::error::Error;
use crate::forward::Parameters;
use crate::store::kept::KeptField;

/// What a user of the store says of the one who has that number at the upstream.
#[derive(Debug, Default)]
pub struct Hidden {
    /// What can be kept.
    pub fields: Vec<KeptField>,
    /// What the upstream would not take, and why.
    pub refused: Vec<(Field, Error)>,
}

/// What can be kept of a user for the upstream. Of the `empty` fields it is known that there is no
/// value at the upstream where the user has none here.
pub fn hidden(upstream: &Parameters, there: Id, mut user: User, empty: &[Field]) -> Hidden {
    let own = user.extensions.iter();
    let own = own.map(|own| Field::Extension(own.dialect, own.field.clone()));
    let fields: Vec<_> = UserField::ALL
        .iter()
        .copied()
        .map(Field::User)
        .chain(own)
        .filter(|field| hides(upstream.dialect, field))
        .collect();
    let mut hidden = Hidden::default();
    let kept = |field: &Field, value| KeptField {
        user: there,
        field: field.to_string(),
        value,
    };
    for field in &fields {
        let Some(value) = value::has(&mut user, field) else {
            continue;
        };
        match check(upstream, field, &value) {
            Ok(()) => hidden.fields.push(kept(field, Some(value))),
            Err(error) => hidden.refused.push((field.clone(), error)),
        }
    }
    for field in empty {
        if value::has(&mut user, field).is_none() {
            hidden.fields.push(kept(field, None));
        }
    }
    hidden
}

/// A value that the upstream refuses would have every later update refused.
fn check(upstream: &Parameters, field: &Field, value: &str) -> Result<(), Error> {
    let mut change = UserChange::default();
    if value::know(&mut change, field, Some(value)).is_none() {
        let rule = "is no value of that field";
        return Err(Error::invalid(field.to_string(), rule));
    }
    check_hidden(upstream.dialect, &change, &upstream.terms.policy)
}
