use super::*;
use crate::command::name::Username;
use crate::command::text::Text;
use crate::store::apply::new_user;

const ACCOUNT: AccountId = AccountId::new(Id::ONE);

fn user(number: i64) -> User {
    let username = Username::parse(format!("user{number}")).unwrap();
    new_user(Id::new(number).unwrap(), ACCOUNT, username)
}

fn watched(capacity: usize) -> Recent {
    let recent = Recent::new(capacity);
    recent.watched(true);
    recent
}

#[test]
fn what_was_kept_is_found_in_its_account_only() {
    let recent = watched(2);
    recent.keep(recent.moment(), &user(1));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), Some(user(1)));
    let other = AccountId::new(Id::new(2).unwrap());
    assert_eq!(recent.find(other, Id::ONE), None);
}

#[test]
fn there_are_never_more_than_the_capacity() {
    let recent = watched(2);
    for number in 1..=9 {
        recent.keep(recent.moment(), &user(number));
        assert!(lock(&recent.kept).users.len() <= 2);
    }
    assert_eq!(recent.find(ACCOUNT, user(9).id), Some(user(9)));
    let none = watched(0);
    none.keep(none.moment(), &user(1));
    assert_eq!(none.find(ACCOUNT, Id::ONE), None);
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    let recent = watched(2);
    let before = recent.moment();
    recent.forget(user(2).id);
    recent.keep(before, &user(1));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
}

#[test]
fn nothing_is_kept_while_nobody_watches() {
    let recent = Recent::new(2);
    recent.keep(recent.moment(), &user(1));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
    recent.watched(true);
    recent.keep(recent.moment(), &user(1));
    recent.watched(false);
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
}

#[test]
fn a_user_with_long_texts_is_not_kept() {
    let recent = watched(2);
    let text = |length| Some(Text::parse("x".repeat(length)).unwrap());
    let long = User {
        title: text(TEXTS + 1),
        ..user(1)
    };
    recent.keep(recent.moment(), &long);
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
    let short = User {
        title: text(TEXTS),
        ..user(1)
    };
    recent.keep(recent.moment(), &short);
    assert_eq!(recent.find(ACCOUNT, Id::ONE), Some(short));
}
