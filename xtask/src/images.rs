//! `cargo xtask images`: build the images, and bring them to engines.

use anyhow::{Context, Result};
use clap::Args;
use meshworker_lab::images::{Built, Finish, Image, ImageBuilder, ImageSet, prepare, save};
use meshworker_lab::{Docker, Swarm};

use crate::{sbom, workspace};

/// Which images, and where to.
#[derive(Debug, Args)]
pub struct ImagesArgs {
    /// Only these (default: the worker's, the only one that a swarm needs; for labs all)
    #[arg(value_name = "IMAGE")]
    only: Vec<Image>,
    /// Build on the engine at this address, such as unix:///run/docker.sock; further ones get the images loaded.
    /// Without it they are built on an engine of their own, and are ready for labs
    #[arg(long, value_name = "URL")]
    engine_host: Vec<String>,
    /// Load them into the lab of this name
    #[arg(long, value_name = "NAME", conflicts_with = "engine_host")]
    lab: Option<String>,
}

/// Builds the images.
pub fn run(args: &ImagesArgs) -> Result<()> {
    println!("  compiling, which takes minutes where nothing is built yet");
    let images = match (args.only.is_empty(), args.engine_host.is_empty()) {
        (false, _) => &args.only[..],
        (true, false) => &[Image::Meshworker],
        (true, true) => &Image::ALL,
    };
    let mut engines = args.engine_host.iter().map(Docker::at);
    let Some(first) = engines.next() else {
        let set = build(images)?;
        if let Some(name) = &args.lab {
            load_into_lab(&Swarm::attach(name)?, images, &set)?;
        }
        return Ok(());
    };
    build_on(&first, images)?;
    let others: Vec<Docker> = engines.collect();
    if others.is_empty() {
        return Ok(());
    }
    let file = tempfile::Builder::new().suffix(".tar").tempfile()?;
    save(&first, images, file.path())?;
    let path = file.path().to_string_lossy();
    for engine in others {
        engine.run(["load", "-q", "-i", &path])?;
        println!("  loaded into {}", engine.host().unwrap_or_default());
    }
    Ok(())
}

/// Builds images for labs.
pub fn build(images: &[Image]) -> Result<ImageSet> {
    build_as(images, Finish::Quick)
}

/// Builds images for labs, of these binaries.
pub fn build_as(images: &[Image], finish: Finish) -> Result<ImageSet> {
    prepare(&workspace::root(), images, finish, report).context("cannot build the images")
}

/// Builds all images on this engine, for a demo.
pub fn build_all_on(engine: &Docker) -> Result<()> {
    let builder = ImageBuilder::new(engine.clone(), &workspace::root(), Finish::Release)?;
    let built = builder.build(&Image::ALL, report);
    built
        .and_then(|()| builder.bring_tested())
        .context("cannot build the images")
}

/// Builds images on this engine, for whoever ships them: with the bill of materials beside them.
fn build_on(engine: &Docker, images: &[Image]) -> Result<()> {
    println!("  bill of materials: {}", sbom::write()?.display());
    ImageBuilder::new(engine.clone(), &workspace::root(), Finish::Release)?
        .build(images, report)
        .context("cannot build the images")
}

fn load_into_lab(swarm: &Swarm, images: &[Image], set: &ImageSet) -> Result<()> {
    let file = tempfile::Builder::new().suffix(".tar").tempfile()?;
    set.save(images, file.path())?;
    swarm.load(file.path())?;
    println!("  loaded into the lab's {} nodes", swarm.size());
    Ok(())
}

fn report(built: &Built) {
    #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
    let megabytes = built.size as f64 / 1e6;
    println!(
        "  {:<14} {megabytes:>6.1} MB  {:>5.1} s",
        built.image.to_string(),
        built.took.as_secs_f32()
    );
}
