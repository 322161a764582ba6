//! What somebody outside is told of.

use std::fmt;

use uuid::Uuid;

use crate::clock::Clock;

/// The id of an event: a UUID of version 7 (RFC 9562). However often an event is sent, its id is the
/// same, so that a receiver can drop what it has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// The id of a new event.
    pub fn new(clock: &Clock) -> Self {
        Self(clock.uuid())
    }

    /// The id that was written as this text.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// What happened to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was made.
    UserCreated,
    /// It was changed.
    UserUpdated,
}

impl Event {
    /// The name by which receivers know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
        }
    }

    /// The event of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UserCreated, Self::UserUpdated]
            .into_iter()
            .find(|event| event.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = EventId::new(&Clock::fixed(Timestamp::from_millis(1_700_000_000_000), 7));
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        assert_eq!(EventId::parse("7"), None);
    }
}
