//! Organizations of a change, for property tests.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::properties::{id, text};
use crate::command::Dialect;
use crate::command::extension::ExtensionEdit;
use crate::command::organization::Organization;
use crate::command::text::Text;

/// A list of organizations, and what it says of their priorities, as it always does.
pub(super) fn organizations() -> impl Strategy<Value = (Vec<Organization>, ExtensionEdit)> {
    let roles = vec(option::of(text("[^\0]{1,9}")), 4);
    let priorities = vec("[0-9]{0,2}", 4);
    (btree_set(id(), 0..4), roles, priorities).prop_map(|(ids, roles, mut priorities)| {
        priorities.truncate(ids.len());
        let is_any = priorities.iter().any(|priority| !priority.is_empty());
        let list = format!("[\"{}\"]", priorities.join("\",\""));
        let edit = ExtensionEdit {
            dialect: Dialect::B2evolution,
            field: Text::parse("org_priorities").unwrap(),
            value: is_any.then(|| Text::parse(list).unwrap()),
        };
        let pairs = ids.into_iter().zip(roles);
        let organizations = pairs.map(|(id, role)| Organization { id, role });
        (organizations.collect(), edit)
    })
}
