//! `organizations[]`, `org_roles[]` and `org_priorities[]`: arrays that belong together by their keys.

use super::form::Fields;
use super::{kept, value, wording};
use crate::command::Id;
use crate::command::organization::Organization;
use crate::error::Error;
use crate::framing::form::{Entry, Form};
use crate::route::Policy;

const IDS: &str = "organizations";
const ROLES: &str = "org_roles";

/// Where the user stands among the members of each; an extension attribute.
pub(super) const PRIORITIES: &str = "org_priorities";

/// All three.
pub(super) const NAMES: [&str; 3] = [IDS, ROLES, PRIORITIES];

/// What a form says of organizations.
#[derive(Debug)]
pub(super) struct Sent {
    /// The whole new list.
    pub(super) organizations: Vec<Organization>,
    /// A priority for each, in the same order, as the extension attribute has them.
    pub(super) priorities: Option<String>,
}

/// Takes the arrays out of the form, of which there is at least one. An array whose only element is
/// empty is the empty list, as no form can say that otherwise.
pub(super) fn decode(form: &mut Form<'_>, policy: &Policy) -> Result<Sent, Error> {
    let mut roles = Companion::take(ROLES, form)?;
    let mut priorities = Companion::take(PRIORITIES, form)?;
    let Some(ids) = form.take(IDS) else {
        let alone = if roles.is_sent { ROLES } else { PRIORITIES };
        return Err(Error::invalid(alone, "needs organizations[]; send both"));
    };
    let mut ids = value::elements(&ids).map(owned)?;
    if let [(_, only)] = ids.as_slice()
        && only.is_empty()
    {
        ids.clear();
    }
    let mut organizations: Vec<Organization> = Vec::with_capacity(ids.len());
    let mut standing = Vec::with_capacity(ids.len());
    for (key, id) in ids {
        let id = Id::parse(&id).ok_or_else(|| wording::ILLEGAL.error(IDS))?;
        if !policy.profile.may_be_organization(id) {
            let rule = format!("has {id}, which is no organization of this site; leave it out");
            return Err(Error::invalid(IDS, rule));
        }
        if organizations.iter().any(|known| known.id == id) {
            return Err(Error::invalid(
                IDS,
                format!("has {id} twice; send each once"),
            ));
        }
        let role = roles.remove(&key).filter(|role| !role.is_empty());
        let role = role.map(|role| value::text(ROLES, role)).transpose()?;
        organizations.push(Organization { id, role });
        let priority = priorities.remove(&key).unwrap_or_default();
        standing.push((key, priority));
    }
    roles.without_left_over()?;
    priorities.without_left_over()?;
    let standing: Vec<_> = standing
        .iter()
        .map(|(key, priority)| (key.as_str(), priority.as_str()))
        .collect();
    Ok(Sent {
        organizations,
        priorities: kept::texts(&standing),
    })
}

/// Writes the first two arrays with their keys; the third is an extension attribute.
pub(super) fn encode(organizations: &[Organization], fields: &mut Fields) {
    if organizations.is_empty() {
        fields.push_named("organizations[]", "");
    }
    for (index, organization) in organizations.iter().enumerate() {
        fields.push_named(format!("{IDS}[{index}]"), organization.id.to_string());
        if let Some(role) = &organization.role {
            fields.push_named(format!("{ROLES}[{index}]"), role.as_str());
        }
    }
}

type Keyed = Vec<(String, String)>;

fn owned(elements: Vec<(&str, &str)>) -> Keyed {
    let each = elements.into_iter();
    each.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// An array with something for each organization.
struct Companion {
    name: &'static str,
    is_sent: bool,
    elements: Keyed,
}

impl Companion {
    fn take(name: &'static str, form: &mut Form<'_>) -> Result<Self, Error> {
        let entry: Option<Entry<'_>> = form.take(name);
        let elements = entry.as_ref().map(value::elements).transpose()?;
        Ok(Self {
            name,
            is_sent: elements.is_some(),
            elements: elements.map(owned).unwrap_or_default(),
        })
    }

    fn remove(&mut self, key: &str) -> Option<String> {
        let position = self.elements.iter().position(|(known, _)| *known == key)?;
        Some(self.elements.swap_remove(position).1)
    }

    fn without_left_over(&self) -> Result<(), Error> {
        if self.elements.iter().all(|(_, value)| value.is_empty()) {
            return Ok(());
        }
        let rule = format!(
            "has an element without an organization; send as many organizations[] as {}[]",
            self.name
        );
        Err(Error::invalid(self.name, rule))
    }
}
