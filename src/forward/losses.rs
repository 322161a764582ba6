//! What an upstream's dialect has no place for, decided before anything is sent.

use super::keep::Keeping;
use crate::command::field::{Field, Mention, UserField};
use crate::command::{Action, Command, Dialect};
use crate::dialect::expresses::{expresses, has_operation, hides};
use crate::error::{Error, Kind, is_shown};
use crate::route::{Losses, OnLoss, Policy};

/// What becomes of the fields of a command that the upstream would not give back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// What was left out noisily.
    pub(super) lost: Vec<Field>,
    /// What is kept here once the upstream has done the rest.
    pub(super) keeping: Keeping,
}

/// Takes out of a command what the dialect has no place for, as the rules say. What may not be
/// taken out is the error, all of it at once.
pub(super) fn settle(
    command: &mut Command,
    rules: &Losses,
    dialect: Dialect,
    policy: &Policy,
) -> Result<Settled, Error> {
    let action = command.action();
    if !has_operation(dialect, action) {
        return Err(no_operation(action));
    }
    let has_place = |field: &Field| expresses(dialect, action, field, policy);
    let mut settled = Settled::default();
    settled.keeping.anew = matches!(command, Command::CreateUser(_) | Command::DeleteUser(_));
    match command {
        Command::CreateUser(change) | Command::UpdateUser(_, change) => {
            // The proof was for the gateway, which has judged the caller; the upstream is shown
            // the gateway's own.
            change.remove(&Field::User(UserField::CurrentPassword));
            super::homes::send(&rules.homes, change);
            let mentions = change.mentions();
            for Mention { field, .. } in &mentions {
                if !hides(dialect, field) || !has_place(field) {
                    continue;
                }
                if rules.of(field) == OnLoss::Keep {
                    settled.keeping.keep_hidden(change, field);
                } else {
                    settled.keeping.forget(field);
                }
            }
            for (field, what) in judge(mentions, rules, has_place)? {
                match what {
                    Leave::Silently => {}
                    Leave::Noisily => settled.lost.push(field.clone()),
                    Leave::Here => settled.keeping.keep_homeless(change, &field),
                    Leave::Nothing => settled.keeping.forget(&field),
                }
                change.remove(&field);
            }
        }
        Command::CreateGroup(change) | Command::UpdateGroup(_, change) => {
            // Only one dialect has groups, so that what is never lost need not be kept.
            for (field, what) in judge(change.mentions(), rules, has_place)? {
                change.remove(&field);
                match what {
                    Leave::Silently | Leave::Nothing => {}
                    Leave::Noisily | Leave::Here => settled.lost.push(field),
                }
            }
        }
        Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::DeleteUser(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones
        | Command::Native(_) => {}
    }
    Ok(settled)
}

/// The fields that a command sends and that the upstream would not give back, as they would be
/// settled: without a place, with a value; and those that are kept though they have one.
pub(super) fn homeless(
    command: &Command,
    rules: &Losses,
    dialect: Dialect,
    policy: &Policy,
) -> Vec<(Field, OnLoss)> {
    let action = command.action();
    let mentions = match command.clone() {
        Command::CreateUser(mut change) | Command::UpdateUser(_, mut change) => {
            change.remove(&Field::User(UserField::CurrentPassword));
            super::homes::send(&rules.homes, &mut change);
            change.mentions()
        }
        Command::CreateGroup(change) | Command::UpdateGroup(_, change) => change.mentions(),
        Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::DeleteUser(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones
        | Command::Native(_) => Vec::new(),
    };
    let rule = |Mention { field, is_empty }: Mention| {
        let rule = rules.of(&field);
        let is_settled = if expresses(dialect, action, &field, policy) {
            rule == OnLoss::Keep && hides(dialect, &field)
        } else {
            !is_empty
        };
        is_settled.then_some((field, rule))
    };
    mentions.into_iter().filter_map(rule).collect()
}

/// What becomes of a field that is not sent.
#[derive(Clone, Copy)]
enum Leave {
    /// Nobody hears of it.
    Silently,
    /// The caller does.
    Noisily,
    /// It is kept here.
    Here,
    /// It is emptied, and with it what was kept of it.
    Nothing,
}

fn judge(
    mentions: Vec<Mention>,
    rules: &Losses,
    has_place: impl Fn(&Field) -> bool,
) -> Result<Vec<(Field, Leave)>, Error> {
    let mut left = Vec::new();
    let mut faults = Vec::new();
    for Mention { field, is_empty } in mentions {
        if has_place(&field) {
            continue;
        }
        let what = match (rules.of(&field), is_empty) {
            (OnLoss::Keep, true) => Leave::Nothing,
            (OnLoss::Drop, false) | (OnLoss::Reject | OnLoss::Warn | OnLoss::Drop, true) => {
                Leave::Silently
            }
            (OnLoss::Keep, false) => Leave::Here,
            (OnLoss::Warn, false) => Leave::Noisily,
            (OnLoss::Reject, false) => {
                faults.push(no_place(&field));
                continue;
            }
        };
        left.push((field, what));
    }
    match Error::all(faults) {
        Some(error) => Err(error),
        None => Ok(left),
    }
}

fn no_place(field: &Field) -> Error {
    let name = field.to_string();
    let name = if is_shown(&name) { &name } else { "a field" };
    let message = format!("{name} has no place in the system behind the gateway; leave it out");
    Error::new(Kind::Unsupported, message)
}

fn no_operation(action: Action) -> Error {
    let message = format!(
        "the system behind the gateway has no operation for {}; send it elsewhere",
        action.name()
    );
    Error::new(Kind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Edit;
    use crate::command::Id;
    use crate::command::text::Text;
    use crate::command::timezone::Timezone;
    use crate::command::user::{UserChange, UserRef};
    use crate::route::number_table::NumberTable;
    use crate::route::profile::Profile;
    use crate::route::{FormLimits, JsonLimits};

    fn policy() -> Policy {
        Policy {
            base_path: String::new(),
            key_in_query: false,
            anonymous: false,
            roles: Vec::new(),
            group_roles: NumberTable::default(),
            group_categories: NumberTable::default(),
            profile: Profile::default(),
            form: FormLimits::default(),
            json: JsonLimits::default(),
        }
    }

    fn update(change: UserChange) -> Command {
        Command::UpdateUser(UserRef::Id(Id::ONE), Box::new(change))
    }

    fn text(value: &str) -> Edit<Text> {
        Edit::Set(Text::parse(value).unwrap())
    }

    fn homeless() -> UserChange {
        UserChange {
            nickname: text("ada"),
            phone: text("1"),
            fax: Edit::Clear,
            timezone: Edit::Set(Timezone::parse("Europe/London").unwrap()),
            ..UserChange::default()
        }
    }

    fn settled(rules: &Losses) -> (Command, Result<Settled, Error>) {
        let mut command = update(homeless());
        let lost = settle(&mut command, rules, Dialect::B2evolution, &policy());
        (command, lost)
    }

    #[test]
    fn by_default_every_loss_is_refused_by_name_and_an_empty_value_is_none() {
        let (_, refused) = settled(&Losses::default());
        let refused = refused.unwrap_err();
        let said: Vec<_> = refused.faults().map(Error::message).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("phone has no place"), "{said:?}");
        assert!(said[1].starts_with("timezone has no place"), "{said:?}");
    }

    #[test]
    fn what_is_left_out_noisily_is_named_and_what_is_dropped_is_not() {
        let phone = Field::User(UserField::Phone);
        let rules = Losses {
            usual: OnLoss::Drop,
            fields: vec![(phone.clone(), OnLoss::Warn)],
            ..Losses::default()
        };
        let (command, lost) = settled(&rules);
        assert_eq!(lost.unwrap().lost, [phone]);
        let only = UserChange {
            nickname: text("ada"),
            ..UserChange::default()
        };
        assert_eq!(command, update(only));
    }

    #[test]
    fn a_command_the_dialect_has_no_operation_for_is_refused() {
        let mut command = Command::ReadUser(UserRef::Id(Id::ONE));
        let refused = settle(&mut command, &Losses::default(), Dialect::Grupo, &policy());
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), &Kind::Unsupported);
        assert!(refused.message().contains("user.read"));
    }

    #[test]
    fn the_proof_of_a_caller_goes_no_further() {
        let mut command = update(UserChange {
            current_password: Some("theirs".into()),
            ..UserChange::default()
        });
        settle(
            &mut command,
            &Losses::default(),
            Dialect::B2evolution,
            &policy(),
        )
        .unwrap();
        assert_eq!(command, update(UserChange::default()));
    }

    #[test]
    fn what_is_kept_is_taken_out_and_what_cannot_be_kept_is_refused() {
        let rules = Losses {
            usual: OnLoss::Keep,
            ..Losses::default()
        };
        let (command, settled) = settled(&rules);
        let settled = settled.unwrap();
        assert!(settled.lost.is_empty() && settled.keeping.has_homeless());
        let rest = UserChange {
            nickname: text("ada"),
            ..UserChange::default()
        };
        assert_eq!(command, update(rest));

        let mut notify = update(UserChange {
            notify: true,
            phone: text("1"),
            ..UserChange::default()
        });
        let refused = settle(&mut notify, &rules, Dialect::B2evolution, &policy());
        let refused = refused.unwrap_err();
        assert!(refused.message().starts_with("notify "), "{refused:?}");
    }

    #[test]
    fn a_field_that_is_sent_and_not_shown_is_kept_by_its_rule_and_else_forgotten() {
        let nickname = Field::User(UserField::Nickname);
        let of = |rule| {
            let rules = Losses {
                fields: vec![(nickname.clone(), rule)],
                ..Losses::default()
            };
            let only = UserChange {
                nickname: text("ada"),
                ..UserChange::default()
            };
            let mut command = update(only.clone());
            let settled = settle(&mut command, &rules, Dialect::B2evolution, &policy()).unwrap();
            assert_eq!(command, update(only), "it is sent in any case");
            let mut expected = Keeping::default();
            match rule {
                OnLoss::Keep => expected.keep_hidden(
                    &mut UserChange {
                        nickname: text("ada"),
                        ..UserChange::default()
                    },
                    &nickname,
                ),
                OnLoss::Reject | OnLoss::Warn | OnLoss::Drop => expected.forget(&nickname),
            }
            assert_eq!(settled.keeping, expected);
        };
        OnLoss::ALL.into_iter().for_each(of);
    }
}
