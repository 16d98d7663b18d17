//! `cargo xtask lab`: a swarm of several nodes on this machine that stays up between commands.

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
        /// The node's number, from 1
        node: usize,
    },
    /// Pull a node's network cable
    Cut {
        /// The node's number, from 1
        node: usize,
    },
    /// Plug it in again
    Heal {
        /// The node's number, from 1
        node: usize,
    },
    /// Take a node's power away: its engine and containers end at once
    Kill {
        /// The node's number, from 1
        node: usize,
    },
    /// Give it back
    Restart {
        /// The node's number, from 1
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
    for index in 1..=swarm.size() {
        let docker = swarm.docker(index)?;
        let host = docker.host().unwrap_or_default();
        println!("node{index} {}  DOCKER_HOST={host}", swarm.address(index)?);
    }
    println!("{}", swarm.manager()?.run(["node", "ls"])?);
    Ok(())
}
