//! The scopes of `dragoman keys create`, as a shell sees them.

use dragoman::auth::scope::Scope;

use crate::process::{dragoman, finish};

fn create(arguments: &[&str]) -> (Option<i32>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    finish(
        dragoman(directory.path())
            .args(["keys", "create", "--name", "crm"])
            .args(arguments),
    )
}

#[test]
fn the_help_names_every_scope() {
    let (code, help, _) = create(&["--help"]);
    assert_eq!(code, Some(0));
    for scope in Scope::FIXED {
        assert!(help.contains(scope), "{scope}: {help}");
    }
    assert!(help.contains("native.OPERATION"), "{help}");
}

#[test]
fn a_scope_that_would_guard_nothing_is_refused_with_the_reason() {
    for (scope, reason) in [
        ("member:read", "no call reads members"),
        ("member:delete", "by member:write"),
        ("user:update", "native.OPERATION"),
    ] {
        let (code, _, said) = create(&["--scope", scope]);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(scope) && said.contains(reason), "{said}");
    }
}
