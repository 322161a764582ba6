//! How often every dialect has to prove that what it encodes is what it decodes.

use proptest::test_runner::Config;

/// A hundred thousand random commands; `PROPTEST_CASES` asks for more.
pub(super) fn commands() -> Config {
    let config = Config::default();
    Config {
        cases: config.cases.max(100_000),
        ..config
    }
}
