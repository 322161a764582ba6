//! Names for dialects that have two where others have one.

use crate::command::Edit;
use crate::command::name;
use crate::command::text::Text;
use crate::command::user::UserChange;

/// Turns a display name into given and family name, unless the change says those itself.
pub(super) fn split_display_name(change: &mut UserChange) {
    if !change.given_name.is_keep() || !change.family_name.is_keep() {
        return;
    }
    let (given, family) = match std::mem::take(&mut change.display_name) {
        Edit::Keep => return,
        Edit::Clear => (Edit::Clear, Edit::Clear),
        Edit::Set(whole) => {
            let (given, family) = name::split_display_name(whole.as_str());
            (part(Some(given)), part(family))
        }
    };
    change.given_name = given;
    change.family_name = family;
}

/// A part of a text is a text.
fn part(part: Option<&str>) -> Edit<Text> {
    part.and_then(|part| Text::parse(part).ok())
        .map_or(Edit::Clear, Edit::Set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(display_name: &str) -> (Edit<Text>, Edit<Text>) {
        let mut change = UserChange {
            display_name: Edit::Set(Text::parse(display_name).unwrap()),
            ..UserChange::default()
        };
        split_display_name(&mut change);
        assert!(change.display_name.is_keep());
        (change.given_name, change.family_name)
    }

    #[test]
    fn a_single_word_leaves_no_family_name_of_before() {
        let text = |text: &str| Edit::Set(Text::parse(text).unwrap());
        assert_eq!(split("Ada"), (text("Ada"), Edit::Clear));
        assert_eq!(
            split("Ada King Lovelace"),
            (text("Ada King"), text("Lovelace"))
        );
    }

    #[test]
    fn names_that_were_sent_are_not_replaced() {
        let text = |text: &str| Edit::Set(Text::parse(text).unwrap());
        let sent = UserChange {
            display_name: text("Countess Ada"),
            given_name: text("Ada"),
            ..UserChange::default()
        };
        let mut change = sent.clone();
        split_display_name(&mut change);
        assert_eq!(change, sent);
    }
}
