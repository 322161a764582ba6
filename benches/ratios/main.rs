//! What the gateway costs beside the bare parts it is made of, and with many users beside few, as
//! ratios in one run. Each is printed with its limit; exit code 1 beyond one.
//!
//! With names after `--`, of `writes`, `reads` and `growth`, it is those only. Both sides of a ratio take turns, and each counts with its best round, which a busy machine
//! disturbs least. Judged in optimised builds only: `cargo bench --bench ratios`, on a machine that
//! does nothing else. The gateway is a process of its own, `dragoman serve` as it is without a
//! configuration, its log thrown away by whoever reads it; callers are on loopback.

mod bare;
mod callers;
mod ceiling;
mod gateway;
mod growth;
mod process;
mod reads;
mod writes;

use std::process::ExitCode;
use std::time::Duration;

/// How long and how often each side of a ratio is measured, and with how many users.
#[derive(Clone, Copy)]
struct Scale {
    round: Duration,
    rounds: usize,
    few: u32,
    many: u32,
}

impl Scale {
    const WHOLE: Self = Self {
        round: Duration::from_secs(2),
        rounds: 5,
        few: 100,
        many: 100_000,
    };
    /// `cargo test` runs every benchmark once, in a debug build: what counts there is that it runs.
    const SMOKE: Self = Self {
        round: Duration::from_millis(100),
        rounds: 1,
        few: 100,
        many: 200,
    };
}

/// What one side of a ratio came to, and how it is printed.
struct Side {
    name: &'static str,
    value: f64,
}

/// Two sides, and how they have to relate.
struct Ratio {
    name: &'static str,
    unit: &'static str,
    sides: [Side; 2],
    limit: Limit,
}

/// What the first side divided by the second may be.
enum Limit {
    AtLeast(f64),
    AtMost(f64),
    /// For whoever wonders.
    None,
}

impl Ratio {
    fn value(&self) -> f64 {
        let [first, second] = &self.sides;
        first.value / second.value
    }

    fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.value() >= least,
            Limit::AtMost(most) => self.value() <= most,
            Limit::None => true,
        }
    }

    #[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
    fn print(&self, is_judged: bool) {
        let limit = match self.limit {
            Limit::AtLeast(least) => format!("at least {least}"),
            Limit::AtMost(most) => format!("at most {most}"),
            Limit::None => "not judged".to_owned(),
        };
        let verdict = if is_judged && !self.holds() {
            "  missed"
        } else {
            ""
        };
        println!("{}: {:.2}, {limit}{verdict}", self.name, self.value());
        for Side { name, value } in &self.sides {
            println!("    {value:>10.1} {}  {name}", self.unit);
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(bare::SERVE) {
        bare::serve(arguments.next());
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = first.into_iter().chain(arguments).collect();
    let is_judged = arguments.iter().any(|argument| argument == "--bench");
    let named = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'));
    let named: Vec<_> = named.collect();
    let is_asked = |name: &str| named.is_empty() || named.iter().any(|asked| *asked == name);
    let scale = if is_judged {
        Scale::WHOLE
    } else {
        Scale::SMOKE
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the callers");
    let ratios = runtime.block_on(async {
        let mut ratios = Vec::new();
        if is_asked("writes") {
            ratios.extend(writes::ratios(scale).await);
        }
        if is_asked("reads") {
            ratios.push(reads::ratio(scale).await);
        }
        if is_asked("growth") {
            ratios.extend(growth::ratios(scale).await);
        }
        ratios
    });
    for ratio in &ratios {
        ratio.print(is_judged);
    }
    if is_judged && !ratios.iter().all(Ratio::holds) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
