//! What the audit trail hears of calls that were not carried out.

use std::net::IpAddr;
use std::sync::Mutex;

use super::*;
use crate::auth::call::{Credentials, RequestId};
use crate::clock::Timestamp;
use crate::command::Dialect;
use crate::command::name::Slug;
use crate::command::native::Native;
use crate::command::text::Text;
use crate::outcome::Outcome;

#[derive(Default)]
struct Log {
    denied: Mutex<Vec<Denial>>,
    unauthenticated: Mutex<Vec<Option<IpAddr>>>,
}

impl DenialLog for Log {
    fn denied(&self, denial: Denial) {
        self.denied.lock().unwrap().push(denial);
    }

    fn unauthenticated(&self, _: Timestamp, source: Option<IpAddr>) {
        self.unauthenticated.lock().unwrap().push(source);
    }

    fn write_counts(&self, _: Timestamp) {}
}

fn id(number: i64) -> Id {
    Id::new(number).unwrap()
}

fn account(number: i64) -> AccountId {
    AccountId::new(id(number))
}

fn user() -> Principal {
    Principal::User {
        id: id(7),
        account: account(2),
        login: Arc::from("ann"),
        administrator: false,
        read_only: false,
        confirmed: true,
    }
}

fn asked(command: Command) -> Asked {
    Asked::of(&Call::new(Credentials::None, None, command))
}

/// What is written and what is counted of a refusal.
fn noted(caller: Option<Principal>, error: Error, asked: Option<Asked>) -> (Vec<Denial>, usize) {
    let log = Arc::new(Log::default());
    let clock = Clock::fixed(Timestamp::from_millis(5), 1);
    let denials = Denials::new(Arc::<Log>::clone(&log), clock, account(1));
    let context = Context {
        request_id: RequestId::new(0x1234),
        source: Some([192, 0, 2, 7].into()),
        ..Context::default()
    };
    denials.note(asked, &context, &Answered::refused(caller, error));
    let counted = log.unauthenticated.lock().unwrap();
    assert!(counted.iter().all(|source| *source == context.source));
    (log.denied.lock().unwrap().clone(), counted.len())
}

#[test]
fn a_denied_call_of_a_known_caller_is_written_with_who_what_and_why() {
    let asked = asked(Command::DeleteUser(UserRef::Id(id(9))));
    let (denied, counted) = noted(Some(user()), Kind::PermissionDenied.into(), Some(asked));
    assert_eq!(counted, 0);
    let [denial] = &denied[..] else {
        panic!("{denied:?}");
    };
    assert_eq!(denial.entry.principal, "user:7");
    assert_eq!(denial.entry.account, account(2));
    assert_eq!(denial.entry.action, Action::DeleteUser.into());
    assert_eq!(denial.entry.source, Some([192, 0, 2, 7].into()));
    assert!(denial.entry.request_id.ends_with("1234"));
    assert_eq!((denial.user, denial.group), (Some(id(9)), None));
    assert_eq!(
        denial.verdict,
        Verdict::Denied(Kind::PermissionDenied.name())
    );
}

#[test]
fn refusals_are_written_for_what_they_say_of_the_caller() {
    let verdict = |error: Error| {
        let asked = asked(Command::ListGroups);
        let (denied, counted) = noted(Some(user()), error, Some(asked));
        assert_eq!(counted, 0);
        denied.first().map(|denial| denial.verdict)
    };
    for kind in [
        Kind::PermissionDenied,
        Kind::LockedOut,
        Kind::Closed,
        Kind::PasswordRefused(PasswordFault::CurrentMissing),
        Kind::PasswordRefused(PasswordFault::CurrentWrong),
    ] {
        let name = kind.name();
        assert_eq!(verdict(kind.into()), Some(Verdict::Denied(name)));
    }
    assert_eq!(verdict(Kind::UnknownOutcome.into()), Some(Verdict::Unknown));
    let foreign = Error::from(Kind::UserNotFound).caused_by(ForeignAccount);
    assert_eq!(verdict(foreign), Some(Verdict::Denied("foreign_account")));
    for kind in [
        Kind::UserNotFound,
        Kind::UsernameTaken,
        Kind::Malformed,
        Kind::PasswordRefused(PasswordFault::TooShort),
        Kind::Timeout,
        Kind::Overloaded,
    ] {
        assert_eq!(verdict(kind.into()), None);
    }
}

#[test]
fn calls_of_nobody_are_counted_where_they_were_refused_for_that() {
    for caller in [None, Some(Principal::Anonymous)] {
        for kind in [
            Kind::Unauthenticated,
            Kind::LockedOut,
            Kind::Closed,
            Kind::PermissionDenied,
        ] {
            let (denied, counted) = noted(caller.clone(), kind.into(), None);
            assert_eq!((denied.len(), counted), (0, 1));
        }
        let (denied, counted) = noted(caller, Kind::Malformed.into(), None);
        assert_eq!((denied.len(), counted), (0, 0));
    }
}

#[test]
fn a_call_that_was_carried_out_is_not_noted_here() {
    let log = Arc::new(Log::default());
    let denials = Denials::new(Arc::<Log>::clone(&log), Clock::system(), account(1));
    let answered = Answered {
        result: Ok(Outcome::Done),
        ..Answered::refused(Some(user()), Kind::Internal.into())
    };
    denials.note(
        Some(asked(Command::ListGroups)),
        &Context::default(),
        &answered,
    );
    assert!(log.denied.lock().unwrap().is_empty());
    assert!(log.unauthenticated.lock().unwrap().is_empty());
}

#[test]
fn the_account_that_was_denied_is_the_one_that_is_named() {
    let call = Call::new(Credentials::None, Some(account(3)), Command::ListGroups);
    let error = Error::from(Kind::UserNotFound).caused_by(ForeignAccount);
    let (denied, _) = noted(Some(user()), error, Some(Asked::of(&call)));
    assert_eq!(denied.first().unwrap().entry.account, account(3));
}

#[test]
fn targets_are_told_by_number_only() {
    let target = |command| {
        let asked = asked(command);
        (asked.user.map(Id::value), asked.group.map(Id::value))
    };
    let user = || UserRef::Id(id(4));
    let group = || GroupRef::Id(id(5));
    let member = Membership {
        user: user(),
        group: group(),
    };
    assert_eq!(target(Command::ReadUser(user())), (Some(4), None));
    assert_eq!(target(Command::DeleteGroup(group())), (None, Some(5)));
    assert_eq!(target(Command::UnbanMember(member)), (Some(4), Some(5)));
    let slug = GroupRef::Slug(Slug::parse("staff").unwrap());
    assert_eq!(target(Command::ReadGroup(slug)), (None, None));
    let native = Command::Native(Native {
        dialect: Dialect::Grupo,
        operation: Text::parse("add=message").unwrap(),
        subject: Some(user()),
        fields: Vec::new(),
        files: Vec::new(),
    });
    assert_eq!(target(native), (Some(4), None));
    assert_eq!(target(Command::ListTimezones), (None, None));
}
