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
    let all: Vec<_> = (1..=9).map(user).collect();
    transaction(&recent, &all).commit();
    assert!(lock(&recent.kept).users.len() <= 2);
    let none = watched(0);
    none.keep(none.moment(), &user(1));
    assert_eq!(none.find(ACCOUNT, Id::ONE), None);
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    let recent = watched(2);
    let before = recent.moment();
    recent.replace(before, [(user(2).id, None)].into_iter());
    recent.keep(before, &user(1));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
}

fn titled(number: i64, title: &str) -> User {
    User {
        title: Some(Text::parse(title).unwrap()),
        ..user(number)
    }
}

/// A transaction that makes those users of what there was.
fn transaction(recent: &Recent, users: &[User]) -> Changes {
    let changes = Changes::new(recent.clone());
    changes.begin(true);
    for user in users {
        changes.forget(user.id);
        changes.keep(KnownUser::new(user.clone()));
    }
    changes
}

fn found(changes: &Changes, id: Id) -> Option<User> {
    let known = changes.find(ACCOUNT, id);
    known.map(|known| known.user().clone())
}

#[test]
fn what_a_transaction_writes_is_its_own_until_it_is_committed() {
    let recent = watched(2);
    recent.keep(recent.moment(), &user(1));
    let changes = transaction(&recent, &[titled(1, "new")]);
    assert_eq!(found(&changes, Id::ONE), Some(titled(1, "new")));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), Some(user(1)));
    changes.commit();
    assert_eq!(recent.find(ACCOUNT, Id::ONE), Some(titled(1, "new")));
    changes.begin(true);
    assert_eq!(found(&changes, Id::ONE), Some(titled(1, "new")));
}

#[test]
fn what_is_undone_in_part_or_as_a_whole_is_to_be_read_again() {
    let recent = watched(2);
    recent.keep(recent.moment(), &user(1));
    let in_part = transaction(&recent, &[titled(1, "new")]);
    in_part.doubt();
    assert_eq!(found(&in_part, Id::ONE), None);
    in_part.commit();
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
    recent.keep(recent.moment(), &user(1));
    let as_a_whole = transaction(&recent, &[titled(1, "new")]);
    as_a_whole.roll_back();
    assert_eq!(found(&as_a_whole, Id::ONE), None);
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
}

#[test]
fn after_a_commit_that_may_be_of_another_process_only_who_writes_knows_users() {
    let recent = watched(2);
    recent.keep(recent.moment(), &user(1));
    recent.committed();
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
    let changes = Changes::new(recent.clone());
    changes.begin(true);
    assert_eq!(found(&changes, Id::ONE), Some(user(1)));
    recent.keep(recent.moment(), &user(1));
    assert_eq!(recent.find(ACCOUNT, Id::ONE), Some(user(1)));
    changes.begin(false);
    assert_eq!(found(&changes, Id::ONE), None);
}

#[test]
fn what_was_written_before_a_change_of_another_process_is_not_kept() {
    let recent = watched(2);
    recent.keep(recent.moment(), &user(1));
    let changes = transaction(&recent, &[titled(1, "new")]);
    // As the watch does between the commit and what follows it.
    recent.committed();
    changes.commit();
    assert_eq!(recent.find(ACCOUNT, Id::ONE), None);
    recent.keep(recent.moment(), &user(1));
    changes.begin(false);
    assert_eq!(found(&changes, Id::ONE), None);
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
