//! `meshworker config check`.

use std::collections::BTreeSet;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::{Failed, cluster_args, flag, links};
use crate::config::Origin;

/// Validates the configuration and prints the effective one. Names variables
/// that look like ours and are not: nothing would ever read them.
pub fn check(args: &ArgMatches) -> Result<(), Failed> {
    for cluster in cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?
    {
        println!("[[cluster]]");
        let width = cluster.effective.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        for (name, given) in &cluster.effective {
            // No setting holds a secret itself; files that do are named, never read here.
            println!(
                "{name:width$} = {:24} # {}",
                format!("{:?}", given.value),
                given.origin
            );
        }
        println!();
    }
    for name in ["dry-run", "no-removals"] {
        if flag(args, name) {
            let origin = match args.value_source(name) {
                Some(ValueSource::EnvVariable) => Origin::Variable,
                _ => Origin::Flag,
            };
            println!("{name} = \"yes\" # {origin}");
        }
    }
    let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut known = variables(&super::command());
    // The supervisor reads it before it reads its command line.
    known.insert(crate::init::SOCKET_VARIABLE.to_owned());
    let given = given.filter(|name| !links::is_here(name));
    for name in unknown(given, &known) {
        eprintln!("meshworker: {name}: there is no such variable, and nothing reads it");
    }
    Ok(())
}

/// All variables that any command reads.
fn variables(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|arg| arg.get_env());
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(variables))
        .collect()
}

/// Which of these look like ours and are not.
fn unknown(given: impl Iterator<Item = String>, known: &BTreeSet<String>) -> Vec<String> {
    let ours = given.filter(|name| name.starts_with("MESHWORKER_"));
    ours.filter(|name| !name.starts_with("MESHWORKER_OPTION_") && !known.contains(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_named_and_all_real_ones_are_known() {
        let known = variables(&crate::cli::command());
        for name in ["INTERVAL", "SLOT", "LISTEN", "DRY_RUN", "TOKEN_FILE", "API"] {
            assert!(known.contains(&format!("MESHWORKER_{name}")), "{name}");
        }
        let given = [
            "MESHWORKER_INTERVL",
            "MESHWORKER_SLOT",
            "MESHWORKER_OPTION_X",
            "PATH",
        ];
        let given = given.into_iter().map(str::to_owned);
        assert_eq!(unknown(given, &known), ["MESHWORKER_INTERVL"]);
    }
}
