//! What an upstream's dialect has no place for, decided before anything is sent.

use crate::command::field::{Field, Mention, UserField};
use crate::command::{Action, Command, Dialect};
use crate::dialect::expresses::{expresses, has_operation};
use crate::error::{Error, Kind, is_shown};
use crate::route::{Losses, OnLoss, Policy};

/// Takes out of a command what the dialect has no place for, as the rules say. What was taken out
/// noisily is returned; what may not be taken out is the error, all of it at once.
pub(super) fn settle(
    command: &mut Command,
    rules: &Losses,
    dialect: Dialect,
    policy: &Policy,
) -> Result<Vec<Field>, Error> {
    let action = command.action();
    if !has_operation(dialect, action) {
        return Err(no_operation(action));
    }
    let has_place = |field: &Field| expresses(dialect, action, field, policy);
    match command {
        Command::CreateUser(change) | Command::UpdateUser(_, change) => {
            // The proof was for the gateway, which has judged the caller; the upstream is shown
            // the gateway's own.
            change.remove(&Field::User(UserField::CurrentPassword));
            super::homes::send(&rules.homes, change);
            judge(change.mentions(), rules, has_place, |field| {
                change.remove(field);
            })
        }
        Command::CreateGroup(change) | Command::UpdateGroup(_, change) => {
            judge(change.mentions(), rules, has_place, |field| {
                change.remove(field);
            })
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
        | Command::Native(_) => Ok(Vec::new()),
    }
}

/// The fields that a command sends, with a value, and that the dialect has no place for.
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
    let lost = mentions
        .into_iter()
        .filter(|mention| !mention.is_empty && !expresses(dialect, action, &mention.field, policy));
    lost.map(|Mention { field, .. }| (field.clone(), rules.of(&field)))
        .collect()
}

fn judge(
    mentions: Vec<Mention>,
    rules: &Losses,
    has_place: impl Fn(&Field) -> bool,
    mut remove: impl FnMut(&Field),
) -> Result<Vec<Field>, Error> {
    let mut lost = Vec::new();
    let mut faults = Vec::new();
    for Mention { field, is_empty } in mentions {
        if has_place(&field) {
            continue;
        }
        let rule = if is_empty {
            OnLoss::Drop
        } else {
            rules.of(&field)
        };
        match rule {
            OnLoss::Reject => faults.push(no_place(&field)),
            OnLoss::Drop => remove(&field),
            OnLoss::Warn => {
                remove(&field);
                lost.push(field);
            }
        }
    }
    match Error::all(faults) {
        Some(error) => Err(error),
        None => Ok(lost),
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

    fn settled(rules: &Losses) -> (Command, Result<Vec<Field>, Error>) {
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
        assert_eq!(lost.unwrap(), [phone]);
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
}
