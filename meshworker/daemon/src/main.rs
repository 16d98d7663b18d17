//! The binary `meshworker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshworker::cli::main(std::env::args_os())
}
