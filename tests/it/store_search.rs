//! Searches over stored users.

use dragoman::command::organization::Organization;
use dragoman::command::query::{Attribute, Criterion, Operator, Sort, UserQuery};
use dragoman::command::text::Text;
use dragoman::command::user::{Level, Role, Status, UserChange};
use dragoman::command::{AccountId, Action, Dialect, Edit, Id};
use dragoman::store::{Store, StoreError};

use crate::store_fixture::{ACCOUNT, Fixture, email, entry, entry_in, extension, named, set, text};

/// Ann, Ben, Émile and dan, in this order, and one user of another account.
async fn people() -> Fixture {
    let fixture = Fixture::new();
    let ann = UserChange {
        display_name: set("Ann Marie Stone"),
        email: Some(email("Ann@Example.com")),
        email_verified: Some(true),
        level: Level::new(10),
        phone: set("100% (sure)_\\"),
        extensions: vec![extension("custom_field_1", Some("Blue"))],
        ..named("Ann")
    };
    let ben = UserChange {
        given_name: set("Ben"),
        family_name: set("Wood"),
        level: Level::new(9),
        status: Some(Status::Closed),
        role: Edit::Set(Role::new(text("editor"))),
        organizations: Some(vec![organization(70), organization(7)]),
        extensions: vec![extension("custom_field_1", Some("azure"))],
        ..named("Ben")
    };
    let emile = UserChange {
        nickname: set("ÉMILE"),
        read_only: Some(true),
        organizations: Some(vec![organization(9)]),
        ..named("Émile")
    };
    for change in [ann, ben, emile, named("dan")] {
        let entry = entry(Action::CreateUser);
        fixture
            .store
            .create_user(change, None, entry)
            .await
            .unwrap();
    }
    let elsewhere = AccountId::new(Id::new(2).unwrap());
    let entry = entry_in(elsewhere, Action::CreateUser);
    let other = fixture.store.create_user(named("Ann"), None, entry);
    other.await.unwrap();
    fixture
}

fn organization(id: i64) -> Organization {
    Organization {
        id: Id::new(id).unwrap(),
        role: None,
    }
}

fn criterion(attribute: Attribute, operator: Operator, values: &[&str]) -> Criterion {
    Criterion {
        attribute,
        operator,
        values: values.iter().map(|value| text(value)).collect(),
    }
}

/// The usernames of those who match, in the answer's order.
async fn search(fixture: &Fixture, query: UserQuery) -> Vec<String> {
    let count = fixture
        .store
        .count_users(ACCOUNT, query.clone())
        .await
        .unwrap();
    let unlimited = query.limit.is_none() && query.offset == 0;
    let page = fixture.store.list_users(ACCOUNT, query).await.unwrap();
    assert_eq!(page.total, count);
    assert!(!unlimited || u64::try_from(page.users.len()).unwrap() == count);
    let names = page
        .users
        .iter()
        .map(|user| user.username.as_str().to_owned());
    names.collect()
}

async fn matching(
    fixture: &Fixture,
    attribute: Attribute,
    operator: Operator,
    values: &[&str],
) -> Vec<String> {
    let query = UserQuery {
        criteria: vec![criterion(attribute, operator, values)],
        ..UserQuery::default()
    };
    search(fixture, query).await
}

#[tokio::test]
async fn no_criterion_means_every_user_of_the_account_by_id() {
    let fixture = people().await;
    let all = search(&fixture, UserQuery::default()).await;
    assert_eq!(all, ["Ann", "Ben", "Émile", "dan"]);
}

#[tokio::test]
async fn each_operator_compares_as_it_says() {
    use Operator::{
        AtLeast, AtMost, Contains, EndsWith, Exactly, GreaterThan, In, LessThan, Not, StartsWith,
    };
    let fixture = people().await;
    let custom = || Attribute::Extension(Dialect::Grupo, text("custom_field_1"));
    let elsewhere = || Attribute::Extension(Dialect::Vision6, text("custom_field_1"));
    let table: Vec<(Attribute, Operator, &[&str], &[&str])> = vec![
        (Attribute::Id, Exactly, &["2"], &["Ben"]),
        (Attribute::Id, Exactly, &["two"], &[]),
        (Attribute::Id, Not, &["2"], &["Ann", "Émile", "dan"]),
        (
            Attribute::Id,
            LessThan,
            &["99999999999999999999"],
            &["Ann", "Ben", "Émile", "dan"],
        ),
        (
            Attribute::Id,
            GreaterThan,
            &["-99999999999999999999"],
            &["Ann", "Ben", "Émile", "dan"],
        ),
        (Attribute::Id, StartsWith, &["1"], &["Ann"]),
        (Attribute::Level, GreaterThan, &["9"], &["Ann"]),
        (Attribute::Level, AtLeast, &["9"], &["Ann", "Ben"]),
        (Attribute::Level, AtMost, &["9"], &["Ben", "Émile", "dan"]),
        (Attribute::Username, Exactly, &["ÉMILE"], &["Émile"]),
        (Attribute::Username, Exactly, &["E\u{301}mile"], &["Émile"]),
        (
            Attribute::Username,
            In,
            &["BEN", "dan", "nobody"],
            &["Ben", "dan"],
        ),
        (Attribute::Username, In, &[], &[]),
        (
            Attribute::Username,
            GreaterThan,
            &["ben"],
            &["Émile", "dan"],
        ),
        (Attribute::Nickname, Contains, &["émi"], &["Émile"]),
        (Attribute::Nickname, Not, &["émile"], &["Ann", "Ben", "dan"]),
        (Attribute::Nickname, LessThan, &["zzz"], &[]),
        (Attribute::DisplayName, Exactly, &["ben wood"], &["Ben"]),
        (Attribute::GivenName, Exactly, &["ann marie"], &["Ann"]),
        (Attribute::FamilyName, StartsWith, &["STO"], &["Ann"]),
        (Attribute::Email, EndsWith, &["@EXAMPLE.com"], &["Ann"]),
        (Attribute::Email, EndsWith, &["xx.ann@example.com"], &[]),
        (Attribute::Email, EndsWith, &[""], &["Ann"]),
        (Attribute::EmailVerified, Exactly, &["1"], &["Ann"]),
        (Attribute::ReadOnly, Exactly, &["0"], &["Ann", "Ben", "dan"]),
        (Attribute::Status, Exactly, &["closed"], &["Ben"]),
        (Attribute::Status, Not, &["active"], &["Ben"]),
        (Attribute::Role, Exactly, &["Editor"], &["Ben"]),
        (Attribute::Phone, Contains, &["%"], &["Ann"]),
        (Attribute::Phone, StartsWith, &["1_"], &[]),
        (Attribute::Phone, EndsWith, &["_\\"], &["Ann"]),
        (Attribute::Phone, Exactly, &["' OR 1=1 --"], &[]),
        (Attribute::Organization, Exactly, &["7"], &["Ben"]),
        (
            Attribute::Organization,
            Not,
            &["7"],
            &["Ann", "Émile", "dan"],
        ),
        (Attribute::Organization, In, &["7", "9"], &["Ben", "Émile"]),
        (Attribute::AnyName, Contains, &["wood"], &["Ben"]),
        (Attribute::AnyName, StartsWith, &["émile"], &["Émile"]),
        (Attribute::AnyName, Not, &["ann"], &["Ben", "Émile", "dan"]),
        (custom(), Exactly, &["BLUE"], &["Ann"]),
        (custom(), Not, &["blue"], &["Ben", "Émile", "dan"]),
        (elsewhere(), Exactly, &["blue"], &[]),
    ];
    for (attribute, operator, values, expected) in table {
        let found = matching(&fixture, attribute.clone(), operator, values).await;
        assert_eq!(found, expected, "{attribute:?} {operator:?} {values:?}");
    }
}

#[tokio::test]
async fn all_criteria_must_hold() {
    let fixture = people().await;
    let query = UserQuery {
        criteria: vec![
            criterion(Attribute::Level, Operator::AtLeast, &["9"]),
            criterion(Attribute::Status, Operator::Exactly, &["active"]),
        ],
        ..UserQuery::default()
    };
    assert_eq!(search(&fixture, query).await, ["Ann"]);
}

async fn sorted(fixture: &Fixture, attribute: Attribute, descending: bool) -> Vec<String> {
    let query = UserQuery {
        sort: Some(Sort {
            attribute,
            descending,
        }),
        ..UserQuery::default()
    };
    search(fixture, query).await
}

#[tokio::test]
async fn an_order_disregards_case_breaks_ties_by_id_and_puts_the_empty_last() {
    let fixture = people().await;
    let by = |attribute, descending| sorted(&fixture, attribute, descending);
    let username = by(Attribute::Username, false).await;
    assert_eq!(username, ["Ann", "Ben", "dan", "Émile"]);
    let level = by(Attribute::Level, true).await;
    assert_eq!(level, ["Ann", "Ben", "Émile", "dan"]);
    let email = by(Attribute::Email, true).await;
    assert_eq!(email, ["Ann", "Ben", "Émile", "dan"]);
    let organization = by(Attribute::Organization, true).await;
    assert_eq!(organization, ["Émile", "Ben", "Ann", "dan"]);
    let any = by(Attribute::AnyName, true).await;
    assert_eq!(any, ["Émile", "dan", "Ben", "Ann"]);
    let custom = Attribute::Extension(Dialect::Grupo, text("custom_field_1"));
    assert_eq!(by(custom, false).await, ["Ben", "Ann", "Émile", "dan"]);
}

#[tokio::test]
async fn a_page_is_cut_out_of_the_order_and_the_total_counts_all() {
    let fixture = people().await;
    let page = |offset, limit| {
        let query = UserQuery {
            offset,
            limit,
            sort: Some(Sort {
                attribute: Attribute::Extension(Dialect::Grupo, text("custom_field_1")),
                descending: false,
            }),
            ..UserQuery::default()
        };
        fixture.store.list_users(ACCOUNT, query)
    };
    for (offset, limit, expected) in [
        (0, Some(2), vec!["Ben", "Ann"]),
        (1, Some(2), vec!["Ann", "Émile"]),
        (3, None, vec!["dan"]),
        (0, Some(0), vec![]),
        (u64::MAX, Some(u64::MAX), vec![]),
    ] {
        let page = page(offset, limit).await.unwrap();
        let names: Vec<_> = page
            .users
            .iter()
            .map(|user| user.username.as_str())
            .collect();
        assert_eq!(names, expected);
        assert_eq!(page.total, 4);
    }
}

#[tokio::test]
async fn a_search_may_be_long_and_one_that_is_too_long_is_refused() {
    let fixture = people().await;
    let name = criterion(Attribute::AnyName, Operator::Contains, &["n"; 4]);
    let times = |criteria| UserQuery {
        criteria: vec![name.clone(); criteria],
        ..UserQuery::default()
    };
    assert_eq!(search(&fixture, times(10)).await, ["Ann", "Ben", "dan"]);
    // Five names and four values each: more than 200 comparisons with every user.
    let refused = fixture.store.list_users(ACCOUNT, times(11)).await;
    assert!(matches!(refused, Err(StoreError::SearchTooLong)));

    let huge = Text::parse("%".repeat(Text::MAX_BYTES)).unwrap();
    let query = UserQuery {
        criteria: vec![Criterion {
            attribute: Attribute::AnyName,
            operator: Operator::Contains,
            values: vec![huge],
        }],
        ..UserQuery::default()
    };
    assert!(search(&fixture, query).await.is_empty());

    let query = UserQuery {
        criteria: vec![criterion(Attribute::Id, Operator::In, &["1"; 40_000])],
        ..UserQuery::default()
    };
    let refused = fixture.store.count_users(ACCOUNT, query).await;
    assert!(matches!(refused, Err(StoreError::SearchTooLong)));
}
