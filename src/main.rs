//! The `kseg` command: parse, run, exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}

#[cfg(test)]
#[path = "../tests/it/forge/mod.rs"]
#[allow(dead_code, unused_imports, reason = "other tests use the rest of it")]
mod forge;
