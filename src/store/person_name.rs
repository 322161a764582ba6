//! How a person's display, given and family name are kept beside each other.

use crate::command::Edit;
use crate::command::text::Text;
use crate::command::user::User;

/// Carries changes out on the three names of a user.
///
/// Writing one side clears the other, which is derived on read from then on. If one half of the
/// pair is written while only a display name is stored, the other half is first taken from that.
/// A change that writes both sides keeps all three.
pub(super) fn write_names(
    user: &mut User,
    display: Edit<Text>,
    given: Edit<Text>,
    family: Edit<Text>,
) {
    let writes_display = !display.is_keep();
    if writes_display {
        display.apply(&mut user.display_name);
        user.given_name = None;
        user.family_name = None;
    }
    if given.is_keep() && family.is_keep() {
        return;
    }
    let (stored_given, stored_family) = user.names();
    let (stored_given, stored_family) = (text(stored_given), text(stored_family));
    user.given_name = stored_given;
    user.family_name = stored_family;
    given.apply(&mut user.given_name);
    family.apply(&mut user.family_name);
    if !writes_display {
        user.display_name = None;
    }
}

fn text(part: Option<&str>) -> Option<Text> {
    part.filter(|part| !part.is_empty())
        .and_then(|part| Text::parse(part).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::name::Username;
    use crate::command::{AccountId, Id};
    use crate::store::apply::new_user;

    fn user(display: Option<&str>, given: Option<&str>, family: Option<&str>) -> User {
        let username = Username::parse("u").unwrap();
        let mut user = new_user(Id::ONE, AccountId::new(Id::ONE), username);
        user.display_name = text(display);
        user.given_name = text(given);
        user.family_name = text(family);
        user
    }

    fn set(value: &str) -> Edit<Text> {
        Edit::Set(Text::parse(value).unwrap())
    }

    fn stored(user: &User) -> [Option<&str>; 3] {
        [&user.display_name, &user.given_name, &user.family_name]
            .map(|name| name.as_ref().map(Text::as_str))
    }

    #[test]
    fn a_new_display_name_replaces_the_halves() {
        let mut user = user(None, Some("Ana"), Some("Silva"));
        write_names(&mut user, set("Ana Souza"), Edit::Keep, Edit::Keep);
        assert_eq!(stored(&user), [Some("Ana Souza"), None, None]);
    }

    #[test]
    fn a_new_half_replaces_the_display_name_and_keeps_the_other_half_of_it() {
        let mut user = user(Some("Ana Maria Silva"), None, None);
        write_names(&mut user, Edit::Keep, Edit::Keep, set("Souza"));
        assert_eq!(stored(&user), [None, Some("Ana Maria"), Some("Souza")]);
    }

    #[test]
    fn a_half_that_is_cleared_takes_nothing_else_with_it() {
        let mut user = user(Some("Ana Silva"), None, None);
        write_names(&mut user, Edit::Keep, Edit::Keep, Edit::Clear);
        assert_eq!(stored(&user), [None, Some("Ana"), None]);
    }

    #[test]
    fn a_change_of_both_sides_keeps_all_three() {
        let mut user = user(Some("Old Name"), None, None);
        write_names(&mut user, set("Dr. Ana Silva"), set("Ana"), set("Silva"));
        assert_eq!(
            stored(&user),
            [Some("Dr. Ana Silva"), Some("Ana"), Some("Silva")]
        );
    }

    #[test]
    fn a_cleared_display_name_does_not_come_back_from_the_halves() {
        let mut user = user(None, Some("Ana"), Some("Silva"));
        write_names(&mut user, Edit::Clear, Edit::Keep, Edit::Keep);
        assert_eq!(stored(&user), [None, None, None]);
    }

    #[test]
    fn a_change_without_names_leaves_them() {
        let mut user = user(Some("Ana Silva"), None, None);
        write_names(&mut user, Edit::Keep, Edit::Keep, Edit::Keep);
        assert_eq!(stored(&user), [Some("Ana Silva"), None, None]);
    }
}
