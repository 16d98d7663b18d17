//! The binary `meshworker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(why) = meshworker::rights::give_away() {
        eprintln!("meshworker: root's rights cannot be given away: {why}");
        return ExitCode::FAILURE;
    }
    meshworker::cli::main(std::env::args_os())
}
