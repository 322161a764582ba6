//! What a call was answered, as it is kept.

use crate::command::Id;
use crate::command::field::Field;
use crate::command::name::Username;
use crate::error::{Error, Kind};
use crate::outcome::{Done, Outcome};

/// What a write was answered: a line for its outcome, and one for each field that was left out. The
/// answer of a native operation is not in it, because it may hold a session; only that there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(String);

impl Answer {
    /// What that outcome is answered.
    pub fn of(outcome: &Outcome, lost: &[Field]) -> Self {
        let mut text = match outcome {
            Outcome::UserCreated(id) => format!("user.created {id}"),
            Outcome::GroupCreated(id) => format!("group.created {id}"),
            Outcome::UserDeleted(name) => format!("user.deleted {}", name.as_str()),
            Outcome::Relayed(_) => "relayed".to_owned(),
            // Writes answer nothing else.
            Outcome::Done
            | Outcome::User(_)
            | Outcome::Users(_)
            | Outcome::Count(_)
            | Outcome::Group(_)
            | Outcome::Groups(_)
            | Outcome::Timezones(_) => "done".to_owned(),
        };
        for field in lost {
            text.push('\n');
            // A name that nobody could read in a header is none in the next one either.
            text.push_str(&field.to_string().replace('\n', " "));
        }
        Self(text)
    }

    /// As it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// What is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same answer again.
    pub fn again(&self) -> Result<Done, Error> {
        let mut lines = self.0.split('\n');
        let first = lines.next().unwrap_or_default();
        let outcome = match first.split_once(' ').unwrap_or((first, "")) {
            ("done", _) => Some(Outcome::Done),
            ("user.created", id) => Id::parse(id).map(Outcome::UserCreated),
            ("group.created", id) => Id::parse(id).map(Outcome::GroupCreated),
            ("user.deleted", name) => {
                Some(Outcome::UserDeleted(Username::from_stored(name.to_owned())))
            }
            ("relayed", _) => return Err(Error::new(Kind::KeyReused, ANSWERED)),
            _ => None,
        };
        let outcome = outcome.ok_or_else(|| Error::internal(Unreadable))?;
        let lost = lines.filter_map(Field::parse).collect();
        Ok(Done {
            lost,
            replayed: true,
            ..Done::from(outcome)
        })
    }
}

/// What the repetition of a native operation is told.
const ANSWERED: &str = "this was done already, and its answer is not kept since it may hold a \
                        session; use a new Idempotency-Key to do it again";

#[derive(Debug, thiserror::Error)]
#[error("the answer that was kept of a call is none of this version")]
struct Unreadable;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::command::field::UserField;
    use crate::outcome::Relayed;

    fn lost() -> Vec<Field> {
        ["fax", "grupo.custom field_1"]
            .map(|name| Field::parse(name).unwrap())
            .into()
    }

    #[test]
    fn an_answer_is_given_again_as_it_was() {
        let id = Id::new(5).unwrap();
        let name = Username::parse("ann of the hill").unwrap();
        let outcomes = [
            Outcome::Done,
            Outcome::UserCreated(id),
            Outcome::GroupCreated(id),
            Outcome::UserDeleted(name),
        ];
        assert!(lost().contains(&Field::User(UserField::Fax)));
        for outcome in outcomes {
            for lost in [Vec::new(), lost()] {
                let kept = Answer::of(&outcome, &lost).as_str().to_owned();
                let again = Answer::from_stored(kept).again().unwrap();
                assert_eq!(again.outcome, outcome);
                assert_eq!(again.lost, lost);
                assert!(again.replayed);
            }
        }
    }

    #[test]
    fn nothing_of_a_relayed_answer_is_kept() {
        let relayed = Outcome::Relayed(Box::new(Relayed {
            status: 200,
            headers: vec![("set-cookie".to_owned(), Bytes::from("session-7"))],
            body: Bytes::from("session-7"),
            is_refusal: false,
        }));
        let kept = Answer::of(&relayed, &[]);
        assert_eq!(kept.as_str(), "relayed");
        let again = kept.again().unwrap_err();
        assert_eq!(again.kind(), &Kind::KeyReused);
        assert!(again.message().contains("done already"));
    }

    #[test]
    fn what_another_version_kept_is_an_error_and_no_answer() {
        let unknown = Answer::from_stored("user.merged 5".to_owned());
        assert_eq!(unknown.again().unwrap_err().kind(), &Kind::Internal);
    }
}
