//! What became of a change, as far as a read shows it.

use super::super::html;
use crate::command::Edit;
use crate::command::text::Text;
use crate::command::user::{User, UserChange};
use crate::error::{Error, Kind};

/// Refuses a success that the user does not show. The server reports one whenever its database
/// refuses the change as a whole, be it for one value that does not fit.
pub(super) fn compare(change: &UserChange, user: &User) -> Result<(), Error> {
    let username = change.username.as_ref();
    let attributes = [
        (
            "username",
            username.is_none_or(|name| name.key() == user.username.key()),
        ),
        (
            "given_name",
            shows(&change.given_name, user.given_name.as_ref()),
        ),
        (
            "family_name",
            shows(&change.family_name, user.family_name.as_ref()),
        ),
        ("gender", shows(&change.gender, user.gender.as_ref())),
    ];
    let Some((attribute, _)) = attributes.into_iter().find(|(_, is_shown)| !is_shown) else {
        return Ok(());
    };
    let message = format!(
        "b2evolution reported success and shows another {attribute} than was sent; \
         look at the user before repeating the change"
    );
    Err(Error::new(Kind::Upstream, message))
}

fn shows(edit: &Edit<Text>, shown: Option<&Text>) -> bool {
    let shown = shown.map(Text::as_str);
    match edit {
        Edit::Keep => true,
        Edit::Clear => shown.is_none(),
        Edit::Set(sent) => {
            shown.is_some_and(|shown| shown == sent.as_str() || html::plain(shown) == sent.as_str())
        }
    }
}
