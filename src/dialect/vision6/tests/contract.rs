//! The names of the contract, one by one: none is unknown here.

use super::super::*;
use super::{call, criteria, edit};
use crate::command::query::{Attribute, Operator};
use crate::command::user::UserChange;
use crate::error::Kind;

/// The methods that the vendor documents or published clients call.
const METHODS: &str = "
    addUser editUser deleteUser getUserById searchUsers countUsers getTimezoneList
    addAccount editAccount getAccountById searchAccounts countAccounts
    getSessionInfo getCreditBalance login isLoggedIn
    addList editList deleteList clearList getListById searchLists countLists
    addFolder editFolder deleteFolder searchFolders countFolders getFolderById
    addContacts editContacts deleteContacts getContactById searchContacts countContacts
    subscribeContact unsubscribeContact unsubscribeContactById
    deactivateContact reactivateContact resubscribeContact confirmContact
    addField editField deleteField searchFields countFields getFieldById
    searchMessages addBatch
";

/// The keys of `user_details`, each with a value.
const KEYS: [(&str, &str); 16] = [
    ("username", "\"v\""),
    ("password", "\"p\""),
    ("first_name", "\"V\""),
    ("last_name", "\"S\""),
    ("email", "\"v@example.com\""),
    ("phone", "\"1\""),
    ("mobile", "\"2\""),
    ("fax", "\"3\""),
    ("position", "\"Editor\""),
    ("timezone", "\"Australia/Brisbane\""),
    ("is_confirmed", "true"),
    ("is_read_only", "true"),
    ("receives_promotional", "true"),
    ("email_user", "true"),
    ("is_active", "true"),
    ("is_active", "false"),
];

#[test]
fn every_method_is_known_by_its_name_in_that_case_only() {
    for method in METHODS.split_whitespace() {
        let is_unknown = |name: &str| {
            let call = call(name, "[\"k\"]");
            call.is_err_and(|error| *error.kind() == Kind::UnknownOperation)
        };
        assert!(!is_unknown(method), "{method}");
        assert!(is_unknown(&method.to_ascii_uppercase()), "{method}");
    }
}

#[test]
fn every_key_of_user_details_changes_something_of_its_own() {
    let mut seen = vec![UserChange::default()];
    for (key, value) in KEYS {
        let change = edit(&format!("{{\"id\":11,\"{key}\":{value}}}"));
        assert!(!seen.contains(&change), "{key}");
        let is_kept_as_json = key == "receives_promotional";
        assert_eq!(change.extensions.is_empty(), !is_kept_as_json, "{key}");
        seen.push(change);
    }
}

#[test]
fn every_search_operator_is_told_from_the_others() {
    for (name, operator) in [
        ("exactly", Operator::Exactly),
        ("not", Operator::Not),
        ("greater_than", Operator::GreaterThan),
        ("less_than", Operator::LessThan),
        ("in", Operator::In),
        ("starts_with", Operator::StartsWith),
        ("ends_with", Operator::EndsWith),
        ("contains", Operator::Contains),
    ] {
        let command = criteria(&format!("[[\"username\",\"{name}\",\"v\"]]")).unwrap();
        let Command::ListUsers(query) = command else {
            panic!("no search");
        };
        assert_eq!(query.criteria[0].operator, operator, "{name}");
        assert_eq!(query.criteria[0].attribute, Attribute::Username);
    }
}
