//! Starting cargo from a program that cargo started.

use std::path::Path;
use std::process::Command;

/// What cargo tells the programs that it runs about themselves. Some build scripts ask to be run again when one of these
/// changes: passed on, they would let every second build start from the beginning.
const ABOUT_THE_CALLER: [&str; 6] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_CRATE_",
    "CARGO_BIN_",
    "CARGO_PRIMARY_",
    "CARGO_TARGET_TMPDIR",
];

/// A `cargo` command that behaves as if typed in this workspace.
pub fn cargo(workspace: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ABOUT_THE_CALLER
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.current_dir(workspace);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_own_variables_are_not_passed_on() {
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = cargo(Path::new("/"));
        let removed: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| value.is_none().then_some(name))
            .collect();
        assert!(removed.contains(&"CARGO_PKG_NAME".as_ref()));
        assert!(removed.iter().all(|name| *name != "CARGO_TARGET_DIR"));
    }
}
