//! The role on the site: `site_role` and `site_role_attribute`.

use super::extension;
use super::fields::Fields;
use super::pairs::{Pairs, cannot};
use crate::command::Edit;
use crate::command::extension::ExtensionEdit;
use crate::command::user::Role;
use crate::error::Error;
use crate::route::Policy;

const ROLE_NUMBER: &str = "site_role";
const ROLE_NAME: &str = "site_role_attribute";

/// The role, and the name of one that the route's table does not have: that is kept as it is.
/// The vendor lets `site_role_attribute` win over `site_role`.
pub(super) fn decode(
    fields: &mut Fields<'_>,
    policy: &Policy,
) -> (Edit<Role>, Option<ExtensionEdit>) {
    let attribute = fields.text(ROLE_NAME);
    let number = fields.text(ROLE_NUMBER);
    let mut unknown = None;
    if let Some(attribute) = attribute {
        match policy.role(&attribute) {
            Some(role) if !is_number(&attribute) => return (Edit::Set(role.clone()), None),
            _ => unknown = keep_role(fields, &attribute),
        }
    }
    let must = "is no role of this route; add it to the route's table of roles or send another";
    let role = number.and_then(|number| {
        fields.parse(ROLE_NUMBER, &number, must, |number| {
            policy.role(number).filter(|_| is_number(number)).cloned()
        })
    });
    (role.map_or(Edit::Keep, Edit::Set), unknown)
}

/// Writes a role by the name or number that the route's table has for it.
pub(super) fn encode(edit: &Edit<Role>, policy: &Policy, pairs: &mut Pairs) -> Result<(), Error> {
    match edit {
        Edit::Keep => Ok(()),
        Edit::Set(role) => {
            let known = policy.role_name(role);
            let known = known.ok_or_else(|| cannot("role", "be one the route's table lacks"))?;
            let field = if is_number(known) {
                ROLE_NUMBER
            } else {
                ROLE_NAME
            };
            pairs.add(field, known);
            Ok(())
        }
        Edit::Clear => Err(cannot("role", "be emptied")),
    }
}

fn keep_role(fields: &mut Fields<'_>, attribute: &str) -> Option<ExtensionEdit> {
    match extension::edit(ROLE_NAME.to_owned(), attribute.to_owned()) {
        Ok(edit) => Some(edit),
        Err(fault) => {
            fields.fault(fault);
            None
        }
    }
}

fn is_number(role: &str) -> bool {
    role.bytes().all(|byte| byte.is_ascii_digit())
}
