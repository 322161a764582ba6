//! `organizations[]` and `org_roles[]`: two arrays that belong together by their keys.

use super::form::Fields;
use super::value;
use crate::command::Id;
use crate::command::organization::Organization;
use crate::error::Error;
use crate::framing::form::{Entry, Form};

/// The numbers.
pub(super) const IDS: &str = "organizations";

/// What the user does there.
pub(super) const ROLES: &str = "org_roles";

/// Takes both arrays out of the form. Nothing if there are none; an array whose only element is
/// empty is the empty list, as no form can say that otherwise.
pub(super) fn decode(form: &mut Form<'_>) -> Result<Option<Vec<Organization>>, Error> {
    let roles = form.take(ROLES);
    let Some(ids) = form.take(IDS) else {
        return match roles {
            Some(_) => Err(Error::invalid(ROLES, "needs organizations[]; send both")),
            None => Ok(None),
        };
    };
    let ids = value::elements(&ids).map(owned)?;
    let mut roles = roles
        .as_ref()
        .map(roles_by_key)
        .transpose()?
        .unwrap_or_default();
    if let [(_, only)] = ids.as_slice()
        && only.is_empty()
    {
        return empty(&roles).map(Some);
    }
    let mut organizations: Vec<Organization> = Vec::with_capacity(ids.len());
    for (key, id) in ids {
        let id = Id::parse(&id).ok_or_else(|| super::wording::ILLEGAL.error(IDS))?;
        if organizations.iter().any(|known| known.id == id) {
            return Err(Error::invalid(
                IDS,
                format!("has {id} twice; send each once"),
            ));
        }
        let position = roles.iter().position(|(known, _)| *known == key);
        let role = position
            .map(|at| roles.swap_remove(at).1)
            .filter(|role| !role.is_empty());
        let role = role.map(|role| value::text(ROLES, role)).transpose()?;
        organizations.push(Organization { id, role });
    }
    without_left_over(&roles)?;
    Ok(Some(organizations))
}

/// Writes both arrays with their keys.
pub(super) fn encode(organizations: &[Organization], fields: &mut Fields) {
    if organizations.is_empty() {
        fields.push("organizations[]", "");
    }
    for (index, organization) in organizations.iter().enumerate() {
        fields.push(format!("{IDS}[{index}]"), organization.id.to_string());
        if let Some(role) = &organization.role {
            fields.push(format!("{ROLES}[{index}]"), role.as_str());
        }
    }
}

type Keyed = Vec<(String, String)>;

fn owned(elements: Vec<(&str, &str)>) -> Keyed {
    let each = elements.into_iter();
    each.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn roles_by_key(entry: &Entry<'_>) -> Result<Keyed, Error> {
    value::elements(entry).map(owned)
}

fn empty(roles: &Keyed) -> Result<Vec<Organization>, Error> {
    without_left_over(roles)?;
    Ok(Vec::new())
}

fn without_left_over(roles: &Keyed) -> Result<(), Error> {
    if roles.iter().all(|(_, role)| role.is_empty()) {
        return Ok(());
    }
    Err(Error::invalid(
        ROLES,
        "has a role without an organization; send as many organizations[] as org_roles[]",
    ))
}
