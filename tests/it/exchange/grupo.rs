//! How a Grupo upstream is told whom and what, since it can be asked nothing.

use std::sync::Arc;

use dragoman::auth::{Call, Credentials};
use dragoman::command::extension::ExtensionEdit;
use dragoman::command::group::GroupRef;
use dragoman::command::member::{BanEnd, Membership};
use dragoman::command::name::{Slug, Username};
use dragoman::command::text::Text;
use dragoman::command::user::{UserChange, UserRef};
use dragoman::command::{Command, Dialect, Edit};
use dragoman::dialect::exchange::{Known, Terms, Unknown};
use dragoman::error::Kind;

use super::upstream::Upstream;
use super::{Ran, id, run, terms};

fn play(command: Command, known: Known, terms: Arc<Terms>) -> Ran {
    let mut server = Upstream::new(Dialect::Grupo);
    let call = Call::new(Credentials::None, None, command);
    run(Dialect::Grupo, call, known, terms, |sent| {
        server.answer(sent)
    })
}

fn sent(command: Command, known: Known) -> String {
    let ran = play(command, known, terms(Dialect::Grupo));
    let body = ran.body(0);
    body.strip_prefix("api_secret_key=own-key&")
        .unwrap()
        .to_owned()
}

fn name(name: &str) -> UserRef {
    UserRef::Username(Username::parse(name).unwrap())
}

fn known() -> Known {
    Known {
        user: Some(id(7)),
        group: Some(id(12)),
        ..Known::default()
    }
}

#[test]
fn a_name_stays_a_name_unless_the_vendor_cannot_be_told_it() {
    let remove = |user| sent(Command::DeleteUser(user), known());
    assert_eq!(remove(name("vera")), "remove=site_users&user=vera");
    assert_eq!(remove(name("vera@example")), "remove=site_users&user_id=7");
    assert_eq!(remove(UserRef::Id(id(2))), "remove=site_users&user_id=7");
    let own = Command::DeleteUser(UserRef::Id(id(2)));
    assert_eq!(sent(own, Known::default()), "remove=site_users&user_id=2");
}

#[test]
fn a_ban_needs_the_number_that_is_known() {
    let ban = |slug: &str| {
        let membership = Membership {
            user: name("vera"),
            group: GroupRef::Slug(Slug::parse(slug).unwrap()),
        };
        Command::BanMember(membership, BanEnd::Never)
    };
    assert_eq!(
        sent(ban("staff"), known()),
        "update=group_user_role&ban_user_id=7&group=staff"
    );
    assert_eq!(
        sent(ban("12-monkeys"), known()),
        "update=group_user_role&ban_user_id=7&group_id=12"
    );
    let ran = play(ban("staff"), Known::default(), terms(Dialect::Grupo));
    let error = ran.result.unwrap_err().into_error();
    assert_eq!(*error.kind(), Kind::Unsupported);
}

#[test]
fn the_flag_that_an_update_resets_is_sent_again_or_told() {
    let update = || Command::UpdateUser(name("vera"), Box::default());
    let kept = |value: Option<&str>| Known {
        kept: Box::new(UserChange {
            extensions: vec![ExtensionEdit {
                dialect: Dialect::Grupo,
                field: Text::parse("disable_private_messages").unwrap(),
                value: value.map(|value| Text::parse(value).unwrap()),
            }],
            ..UserChange::default()
        }),
        ..Known::default()
    };
    let on = play(update(), kept(Some("yes")), terms(Dialect::Grupo));
    assert!(
        on.body(0)
            .ends_with("&user=vera&disable_private_messages=yes")
    );
    assert!(on.learnt.at_risk.is_empty());
    let off = play(update(), kept(None), terms(Dialect::Grupo));
    assert!(off.body(0).ends_with("&user=vera"));
    assert!(off.learnt.at_risk.is_empty());
    let unknown = play(update(), Known::default(), terms(Dialect::Grupo));
    assert_eq!(unknown.learnt.at_risk, ["disable_private_messages"]);
    let reject = Arc::new(Terms {
        unknown: Unknown::Reject,
        ..(*terms(Dialect::Grupo)).clone()
    });
    let refused = play(update(), Known::default(), reject);
    assert!(refused.sent.is_empty() && refused.result.is_err());
}

#[test]
fn a_name_with_tags_is_not_sent() {
    let change = UserChange {
        display_name: Edit::Set(Text::parse("<b>Vera</b>").unwrap()),
        ..UserChange::default()
    };
    let update = Command::UpdateUser(name("vera"), Box::new(change));
    let ran = play(update, Known::default(), terms(Dialect::Grupo));
    let error = ran.result.unwrap_err().into_error();
    assert_eq!(*error.kind(), Kind::InvalidArgument("display_name".into()));
}
