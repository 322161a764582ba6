//! Walking the chain.

use super::record::Record;
use super::seal::{Link, Seal};

/// Checks records one after the other, from the first on, in memory that does not grow.
///
/// What it cannot find alone is an end that was cut off together with the database's own count of
/// records: for that, keep a head elsewhere and have it looked for.
#[derive(Debug)]
pub struct Verifier {
    seal: Seal,
    last: i64,
    link: Link,
    noted: Option<Link>,
}

/// Where the trail is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The numbers have a gap, or one that none can have.
    #[error("record {expected} is missing: number {found} stands in its place")]
    Number {
        /// The number that should be next.
        expected: i64,
        /// The one that is.
        found: i64,
    },
    /// The record's link is not that of its contents after the record before it.
    #[error("record {id} does not fit the ones before it: it was changed or put there")]
    Link {
        /// Its number.
        id: i64,
    },
    /// The last ones are gone.
    #[error("record {} and what followed it, up to {written}, are missing", last.saturating_add(1))]
    End {
        /// The number of the last one that is there.
        last: i64,
        /// The highest number that was ever given.
        written: i64,
    },
    /// No record has the head that was noted.
    #[error("no record up to {last} has the noted head: the end was cut off, or all was replaced")]
    Head {
        /// The number of the last one that is there.
        last: i64,
    },
}

/// A trail that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// How many records it has.
    pub records: i64,
    /// The link of the last of them: what to keep elsewhere.
    pub head: Link,
}

impl Verifier {
    /// Begins before the first record. A head that was noted earlier is looked for on the way.
    pub fn new(seal: Seal, noted: Option<Link>) -> Self {
        Self {
            seal,
            last: 0,
            link: Link::START,
            noted: noted.filter(|noted| *noted != Link::START),
        }
    }

    /// Checks the next record.
    pub fn check(&mut self, record: &Record) -> Result<(), Broken> {
        let expected = self.last.saturating_add(1);
        if record.id != expected {
            return Err(Broken::Number {
                expected,
                found: record.id,
            });
        }
        let link = self.seal.link(&self.link, record);
        if Link::from_stored(&record.hash) != Some(link) {
            return Err(Broken::Link { id: record.id });
        }
        self.last = record.id;
        self.link = link;
        self.noted = self.noted.filter(|noted| *noted != link);
        Ok(())
    }

    /// Ends after the last record; `written` is the highest number that was ever given.
    pub fn finish(self, written: i64) -> Result<Whole, Broken> {
        let last = self.last;
        if last < written {
            return Err(Broken::End { last, written });
        }
        if self.noted.is_some() {
            return Err(Broken::Head { last });
        }
        Ok(Whole {
            records: last,
            head: self.link,
        })
    }
}
