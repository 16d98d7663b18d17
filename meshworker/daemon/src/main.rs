//! The binary `meshworker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(why) = meshworker::rights::give_away(std::env::args_os().nth(1).as_deref()) {
        eprintln!("meshworker: root's rights cannot be given away: {why}");
        return ExitCode::FAILURE;
    }
    meshworker::cli::main(std::env::args_os())
}
