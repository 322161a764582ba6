//! The names of the wire: methods, their parameters, and the keys of a user.

/// An enum and its names on the wire, from one table.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
            $($variant,)*
        }

        impl $name {
            /// The name on the wire.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// What has that name, spelled exactly so.
            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    /// A method with a canonical command. Only `editUser` is documented by the vendor; the others
    /// follow the pattern of its documented methods for contacts.
    Method {
        AddUser = "addUser",
        EditUser = "editUser",
        DeleteUser = "deleteUser",
        GetUserById = "getUserById",
        SearchUsers = "searchUsers",
        CountUsers = "countUsers",
        GetTimezoneList = "getTimezoneList",
    }
}

impl Method {
    /// The parameters behind the API key, in their order.
    pub(super) const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::AddUser | Self::EditUser => &[ACCOUNT_ID, USER_DETAILS],
            Self::DeleteUser | Self::GetUserById => &[ACCOUNT_ID, USER_ID],
            Self::SearchUsers => &[
                ACCOUNT_ID,
                SEARCH_CRITERIA,
                LIMIT,
                OFFSET,
                SORT_BY,
                SORT_ORDER,
            ],
            Self::CountUsers => &[ACCOUNT_ID, SEARCH_CRITERIA],
            Self::GetTimezoneList => &[],
        }
    }

    /// Whether the call is about one user that is there already.
    pub(super) const fn names_a_user(self) -> bool {
        match self {
            Self::EditUser | Self::DeleteUser | Self::GetUserById => true,
            Self::AddUser | Self::SearchUsers | Self::CountUsers | Self::GetTimezoneList => false,
        }
    }
}

/// The name of the first parameter of every method that needs a key.
pub(super) const API_KEY: &str = "api_key";
/// The account, in every method about users.
pub(super) const ACCOUNT_ID: &str = "account_id";
/// What a user is made or changed with.
pub(super) const USER_DETAILS: &str = "user_details";
/// The user, where it is not in the details.
pub(super) const USER_ID: &str = "user_id";
/// Which users.
pub(super) const SEARCH_CRITERIA: &str = "search_criteria";
/// At most how many; 0 for all.
pub(super) const LIMIT: &str = "limit";
/// How many to leave out at the start.
pub(super) const OFFSET: &str = "offset";
/// The key that is compared.
pub(super) const SORT_BY: &str = "sort_by";
/// `ASC` or `DESC`.
pub(super) const SORT_ORDER: &str = "sort_order";

names! {
    /// A key of `user_details` and of a user in an answer. A key that is none of these is an
    /// extension attribute.
    Key {
        Id = "id",
        Username = "username",
        Password = "password",
        FirstName = "first_name",
        LastName = "last_name",
        Email = "email",
        Phone = "phone",
        Mobile = "mobile",
        Fax = "fax",
        Position = "position",
        Timezone = "timezone",
        IsConfirmed = "is_confirmed",
        IsReadOnly = "is_read_only",
        IsActive = "is_active",
        ReceivesPromotional = "receives_promotional",
        EmailUser = "email_user",
    }
}

/// Whether a field of a fault is one that Vision6 callers know.
pub(super) fn is_field(name: &str) -> bool {
    let parameters = [
        API_KEY,
        ACCOUNT_ID,
        USER_DETAILS,
        USER_ID,
        SEARCH_CRITERIA,
        LIMIT,
        OFFSET,
        SORT_BY,
        SORT_ORDER,
    ];
    parameters.contains(&name) || Key::from_name(name).is_some()
}
