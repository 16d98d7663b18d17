//! Where the demo takes place: a lab of its own, or a swarm that is there already.

use anyhow::{Context, Result, bail};
use meshworker_lab::images::Image;
use meshworker_lab::{
    Docker, Engines, LabError, Stack, Swarm, SwarmOptions, remove_unused_programs,
};

use super::driver::Driver;
use super::{DemoArgs, STACK};
use crate::images;

/// The name of a lab that stays.
const LAB: &str = "demo";

/// The nodes of the demo's lab.
const NODES: usize = 3;

/// The swarm under the demo.
pub enum Ground {
    /// A lab, which ends with the demo unless it is to stay.
    Lab(Swarm),
    /// Somebody's swarm.
    Existing(Docker),
}

impl Ground {
    /// Makes it ready: images built, nodes up.
    pub fn prepare(args: &DemoArgs) -> Result<Self> {
        let existing = match (&args.engine_host, args.here) {
            (Some(host), _) => Some(Docker::at(host)),
            (None, true) => Some(Docker::here()),
            (None, false) => None,
        };
        println!("== images");
        let Some(docker) = existing else {
            let images = images::build(&Image::ALL)?;
            println!("== a swarm of {NODES} nodes");
            let swarm = Swarm::start_with(&SwarmOptions {
                stay_as: args.keep.then(|| LAB.to_owned()),
                images: Some(images),
                ..SwarmOptions::new(NODES, 1)
            })?;
            println!("{}", swarm.manager()?.run(["node", "ls"])?);
            return Ok(Self::Lab(swarm));
        };
        let role = docker
            .run(["info", "--format", "{{.Swarm.ControlAvailable}}"])
            .context("the engine does not answer")?;
        if role != "true" {
            bail!(
                "the engine is not a swarm manager: run `docker swarm init` there, or leave the option out for a lab"
            );
        }
        let remains = Stack::attach(&docker, STACK).remains()?;
        if !remains.is_empty() {
            bail!(
                "there is a stack `{STACK}` already, and the demo would take it away with its volumes: found {}; \
                 allowed: none (`docker stack rm {STACK}`, then `docker volume rm` what may go)",
                remains.join(", ")
            );
        }
        images::build_all_on(&docker)?;
        Ok(Self::Existing(docker))
    }

    /// Takes away what the demo made.
    pub fn clean_up(self) -> Result<()> {
        println!("\n== cleaning up");
        match self {
            Self::Lab(swarm) => swarm.down()?,
            Self::Existing(docker) => {
                let stack = Stack::attach(&docker, STACK);
                stack.remove()?;
                stack.remove_volumes()?;
                remove_unused_programs(&docker)?;
            }
        }
        Ok(())
    }

    /// For a demo that stays.
    pub fn tell_how_to_look_around(&self, driver: &dyn Driver) -> Result<()> {
        let host = self.manager()?.host().map(str::to_owned);
        println!("\n== it keeps running; to look around:");
        if let Some(host) = &host {
            println!("  export DOCKER_HOST={host}");
        }
        println!("  docker stack ps {STACK}");
        println!("  docker service logs {STACK}_meshworker");
        println!("  docker service scale {STACK}_{}=5", driver.service());
        let tools = format!("$(docker ps -q -f name={STACK}_tools)");
        println!("  docker exec {tools} meshworker status");
        println!("  docker exec {tools} {}", driver.query());
        match self {
            Self::Lab(_) => println!("and to end it:\n  cargo xtask lab --name {LAB} down"),
            Self::Existing(_) => println!("and to end it:\n  docker stack rm {STACK}"),
        }
        Ok(())
    }
}

impl Engines for Ground {
    fn manager(&self) -> Result<Docker, LabError> {
        match self {
            Self::Lab(swarm) => swarm.manager(),
            Self::Existing(docker) => docker.manager(),
        }
    }

    fn reachable(&self) -> Vec<Docker> {
        match self {
            Self::Lab(swarm) => swarm.reachable(),
            Self::Existing(docker) => docker.reachable(),
        }
    }

    fn of_node(&self, node_id: &str) -> Result<Docker, LabError> {
        match self {
            Self::Lab(swarm) => swarm.of_node(node_id),
            Self::Existing(docker) => docker.of_node(node_id),
        }
    }
}
