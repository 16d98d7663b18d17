//! `cargo xtask lab`: a swarm of several nodes on this machine that stays up between commands.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use meshworker_lab::images::Image;
use meshworker_lab::{Docker, Engines, Swarm, SwarmOptions, sweep};

use crate::images;

/// What to do with which lab.
#[derive(Debug, Args)]
pub struct LabArgs {
    /// The lab's name; several can exist beside each other
    #[arg(long, global = true, default_value = "hand")]
    name: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start a lab; it stays until `down`
    Up {
        /// How many nodes
        #[arg(long, default_value_t = 3)]
        nodes: usize,
        /// How many of them, counted from the first, are managers
        #[arg(long, default_value_t = 1)]
        managers: usize,
        /// Without the project's images
        #[arg(long)]
        bare: bool,
    },
    /// Stop it and remove all of it
    Down,
    /// Show its nodes
    Status,
    /// Print the DOCKER_HOST of a node
    Sock {
        /// The node: node3, or 3
        #[arg(value_parser = node)]
        node: usize,
    },
    /// Pull a node's network cable
    Cut {
        /// The node: node3, or 3
        #[arg(value_parser = node)]
        node: usize,
    },
    /// Plug it in again
    Heal {
        /// The node: node3, or 3
        #[arg(value_parser = node)]
        node: usize,
    },
    /// Take a node's power away: its engine and containers end at once
    Kill {
        /// The node: node3, or 3
        #[arg(value_parser = node)]
        node: usize,
    },
    /// Give it back
    Restart {
        /// The node: node3, or 3
        #[arg(value_parser = node)]
        node: usize,
    },
    /// Load an archive made by `docker save`, or images of the local engine, into all nodes
    Load {
        /// Files, or names of images
        #[arg(required = true)]
        what: Vec<String>,
    },
    /// Remove what labs of dead programs have left behind
    Sweep,
}

/// A node's number, from 1, with or without what `status` puts before it.
fn node(text: &str) -> Result<usize, String> {
    let number = text.strip_prefix("node").unwrap_or(text).parse();
    let number = number.ok().filter(|number| *number > 0);
    number.ok_or_else(|| "allowed: node3, or 3".to_owned())
}

/// Does it.
pub fn run(args: &LabArgs) -> Result<()> {
    let lab = || Swarm::attach(&args.name);
    match &args.action {
        Action::Up {
            nodes,
            managers,
            bare,
        } => {
            let images = match bare {
                true => None,
                false => Some(images::build(&Image::ALL)?),
            };
            let swarm = Swarm::start_with(&SwarmOptions {
                nodes: *nodes,
                managers: *managers,
                stay_as: Some(args.name.clone()),
                images,
            })?;
            print_status(&swarm)?;
        }
        Action::Down => lab()?.down()?,
        Action::Status => print_status(&lab()?)?,
        Action::Sock { node } => {
            println!("{}", lab()?.docker(*node)?.host().unwrap_or_default());
        }
        Action::Cut { node } => lab()?.cut(*node)?,
        Action::Heal { node } => lab()?.heal(*node)?,
        Action::Kill { node } => lab()?.kill(*node)?,
        Action::Restart { node } => lab()?.restart(*node)?,
        Action::Load { what } => load(&lab()?, what)?,
        Action::Sweep => {
            for lab in sweep()? {
                println!("removed {}", lab.display());
            }
        }
    }
    Ok(())
}

fn load(swarm: &Swarm, what: &[String]) -> Result<()> {
    let (files, names): (Vec<&str>, Vec<&str>) = what
        .iter()
        .map(String::as_str)
        .partition(|name| PathBuf::from(name).is_file());
    for file in files {
        swarm.load(file.as_ref())?;
    }
    if !names.is_empty() {
        swarm.load_from(&Docker::here(), &names)?;
    }
    Ok(())
}

/// Each node as a line that can be pasted into a shell, and what the manager says of them.
pub fn print_status(swarm: &Swarm) -> Result<()> {
    let mut text = String::new();
    for index in 1..=swarm.size() {
        let docker = swarm.docker(index)?;
        let host = docker.host().unwrap_or_default();
        let address = swarm.address(index)?;
        writeln!(text, "node{index} {address}  DOCKER_HOST={host}")?;
    }
    writeln!(text, "{}", swarm.manager()?.run(["node", "ls"])?)?;
    print(&mut std::io::stdout(), &text);
    Ok(())
}

/// Prints it as far as anybody reads it: a closed pipe is the reader's wish.
fn print(out: &mut impl std::io::Write, text: &str) {
    let _ = out.write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_had_gone_ended_the_lab_with_a_backtrace() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        drop(reader);
        print(&mut writer, "node1 10.213.0.1");
    }

    #[test]
    fn a_node_is_called_as_status_calls_it() {
        assert_eq!((node("node3"), node("3")), (Ok(3), Ok(3)));
        assert!(node("0").is_err() && node("nodes").is_err());
    }
}
