//! When an endpoint has failed too often.

use std::time::Duration;

use tokio::time::Instant;

/// When an endpoint is ejected, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// After so many failures in a row; 0 never.
    pub failures: u32,
    /// After so many failures in a hundred requests, within `window`; 0 never.
    pub percent: u32,
    /// But of fewer requests than that nothing is concluded.
    pub least: u32,
    /// What time they are counted in.
    pub window: Duration,
    /// For so long the first time, and twice as long each further time.
    pub eject: Duration,
    /// But no longer than that. One that has been in for as long begins anew.
    pub longest: Duration,
}

/// The failures of an endpoint that is in.
///
/// Nothing is counted until one fails: a window begins with a failure.
#[derive(Debug, Default)]
pub(super) struct Tally {
    in_a_row: u32,
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    until: Instant,
    all: u32,
    failed: u32,
}

impl Rules {
    /// How long an endpoint is out that is ejected for that time in a row.
    pub(super) fn ejection(&self, number: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(number.saturating_sub(1));
        self.eject.saturating_mul(doubled).min(self.longest)
    }
}

impl Tally {
    /// Counts a request that went well. Whether there is anything to be counted further.
    pub(super) fn works(&mut self, now: Instant) -> bool {
        self.in_a_row = 0;
        self.window.take_if(|window| window.until <= now);
        if let Some(window) = &mut self.window {
            window.all += 1;
        }
        self.window.is_some()
    }

    /// Counts a failure. Whether that was one too many.
    pub(super) fn fails(&mut self, rules: &Rules, now: Instant) -> bool {
        self.in_a_row += 1;
        self.window.take_if(|window| window.until <= now);
        let window = self.window.get_or_insert(Window {
            until: now + rules.window,
            all: 0,
            failed: 0,
        });
        window.all += 1;
        window.failed += 1;
        let is_run = rules.failures > 0 && self.in_a_row >= rules.failures;
        let (all, failed) = (u64::from(window.all), u64::from(window.failed));
        let is_share = rules.percent > 0
            && window.all >= rules.least
            && failed * 100 >= all * u64::from(rules.percent);
        is_run || is_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        failures: 5,
        percent: 50,
        least: 20,
        window: Duration::from_secs(10),
        eject: Duration::from_secs(5),
        longest: Duration::from_secs(60),
    };

    #[test]
    fn five_in_a_row_are_too_many_and_one_that_works_begins_anew() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        for _ in 0..4 {
            assert!(!tally.fails(&RULES, now));
        }
        assert!(tally.works(now));
        for _ in 0..4 {
            assert!(!tally.fails(&RULES, now));
        }
        assert!(tally.fails(&RULES, now));
    }

    #[test]
    fn half_of_twenty_within_ten_seconds_are_too_many() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        for _ in 0..9 {
            assert!(!tally.fails(&RULES, now));
            assert!(tally.works(now));
        }
        assert!(!tally.fails(&RULES, now), "19 are not 20");
        assert!(tally.fails(&RULES, now));

        let mut tally = Tally::default();
        for second in 0..200 {
            let now = now + Duration::from_secs(second);
            assert!(!tally.fails(&RULES, now), "20 take longer than 10 s");
            tally.works(now);
        }
        assert!(!tally.works(now + Duration::from_secs(300)));
    }

    #[test]
    fn a_share_below_half_is_borne() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        for _ in 0..500 {
            assert!(!tally.fails(&RULES, now));
            tally.works(now);
            tally.works(now);
        }
    }

    #[test]
    fn each_ejection_is_twice_as_long_up_to_the_longest() {
        let seconds = |number| RULES.ejection(number).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 99].map(seconds), [5, 10, 20, 40, 60, 60]);
    }
}
