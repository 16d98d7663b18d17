//! The command lines of the discovery script that this program replaces.

use std::ffi::OsString;
use std::path::Path;

/// Turns the old script's call into ours.
///
/// The script is the entry point of the old stack, mounted as a secret, and
/// its first line asks `/usr/bin/env` for Python. The image has this program
/// at that place, so the kernel calls `env python SCRIPT --hostname NAME ...`,
/// and the stack works with another image and nothing else changed. The
/// script's options are those of `run`, with Aerospike as the database.
pub fn translate(args: Vec<OsString>) -> Vec<OsString> {
    let called = |arg: Option<&OsString>, name: &str| {
        let file = arg.and_then(|arg| Path::new(arg).file_name());
        file.is_some_and(|file| file.to_string_lossy().starts_with(name))
    };
    if !(called(args.first(), "env") && called(args.get(1), "python")) {
        return args;
    }
    let ours = ["meshworker", "run", "--engine", "aerospike"];
    let ours = ours.into_iter().map(OsString::from);
    ours.chain(args.into_iter().skip(3)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> String {
        let args = translate(line.split(' ').map(OsString::from).collect());
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        args.join(" ")
    }

    #[test]
    fn the_old_stack_needs_only_another_image() {
        assert_eq!(
            translated("/usr/bin/env python /run/secrets/discovery --hostname aerospikedb -i 5 -v"),
            "meshworker run --engine aerospike --hostname aerospikedb -i 5 -v"
        );
    }

    #[test]
    fn our_own_command_line_is_left_alone() {
        assert_eq!(translated("/meshworker run -v"), "/meshworker run -v");
    }
}
