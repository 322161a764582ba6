#![forbid(unsafe_code)]
//! The `dragoman` program. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dragoman::cli::run()
}
