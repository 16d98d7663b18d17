//! Building the images.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{BuildEngine, Finish, Image, ImageSet, Tested, base, binaries};
use crate::{Docker, LabError, Result};

/// Longer than any of these images takes, even where packages are installed over a slow line.
const BUILD_DEADLINE: Duration = Duration::from_secs(900);

/// Under cargo's target directory: what is kept between runs.
const CACHE: &str = "images";

/// Builds images on one engine.
#[derive(Debug)]
pub struct ImageBuilder {
    docker: Docker,
    workspace: PathBuf,
    target: PathBuf,
    finish: Finish,
}

/// One image that was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// Which.
    pub image: Image,
    /// How long the engine took for it.
    pub took: Duration,
    /// Its size in bytes, base included.
    pub size: u64,
}

impl ImageBuilder {
    /// A builder for the workspace in this directory, on this engine.
    ///
    /// # Errors
    ///
    /// When cargo does not know the workspace.
    pub fn new(docker: Docker, workspace: &Path, finish: Finish) -> Result<Self> {
        Ok(Self {
            docker,
            workspace: workspace.to_owned(),
            target: binaries::target_directory(workspace)?,
            finish,
        })
    }

    /// Builds the binaries of these images and then the images; calls `report` after each.
    ///
    /// # Errors
    ///
    /// The first failure of the compiler or the engine.
    pub fn build(&self, images: &[Image], mut report: impl FnMut(&Built)) -> Result<()> {
        let binaries = binaries::build(&self.workspace, &self.target, images, &self.finish)?;
        let cache = cache(&self.target)?;
        let base = match images.iter().any(|image| image.needs_base()) {
            true => Some(base::ensure(&self.docker, &cache)?),
            false => None,
        };
        for &image in images {
            let start = Instant::now();
            let context = self.context(image, &cache, &binaries)?;
            self.build_one(image, &context, base)?;
            report(&Built {
                image,
                took: start.elapsed(),
                size: self.size(image)?,
            });
        }
        Ok(())
    }

    /// Brings the images that are named to be tested.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn bring_tested(&self) -> Result<()> {
        let folder = cache(&self.target)?;
        let mut all = Tested::ALL.into_iter();
        all.try_for_each(|tested| tested.bring(&self.docker, &folder))
    }

    /// The image's folder and its binary in one directory, because a build sees only one.
    fn context(&self, image: Image, cache: &Path, binaries: &Path) -> Result<PathBuf> {
        let context = cache.join("context").join(image.name());
        if context.exists() {
            std::fs::remove_dir_all(&context).map_err(LabError::file("remove", &context))?;
        }
        copy(
            &self.workspace.join("images").join(image.folder()),
            &context,
        )?;
        for binary in image.binaries() {
            copy(&binaries.join(binary), &context.join(binary))?;
        }
        Ok(context)
    }

    fn build_one(&self, image: Image, context: &Path, base: Option<&str>) -> Result<()> {
        // The host's network of the engine, because an engine for builds has no bridge.
        let mut arguments = vec!["build".to_owned(), "-q".into(), "--network=host".into()];
        if let Some(base) = base.filter(|_| image.needs_base()) {
            arguments.push(format!("--build-arg=BASE={base}"));
        }
        if let Some(vendor) = image.vendor() {
            arguments.push(format!("--build-arg=VENDOR={vendor}"));
        }
        arguments.push(format!("--tag={}", image.reference()));
        arguments.push(context.to_string_lossy().into_owned());
        self.docker.run_within(BUILD_DEADLINE, arguments).map(drop)
    }

    fn size(&self, image: Image) -> Result<u64> {
        self.docker
            .json(&["image", "inspect", "--format={{.Size}}", image.reference()])
    }
}

/// Builds these images on an engine of their own, for the nodes of labs, and brings those there that are named to be tested.
/// What has not changed since the last time is not done again.
///
/// # Errors
///
/// As for [`ImageBuilder::build`].
pub fn prepare(
    workspace: &Path,
    images: &[Image],
    finish: Finish,
    report: impl FnMut(&Built),
) -> Result<ImageSet> {
    let cache = cache(&binaries::target_directory(workspace)?)?;
    let engine = BuildEngine::start(&cache)?;
    let docker = engine.docker();
    let builder = ImageBuilder::new(docker.clone(), workspace, finish)?;
    builder.build(images, report)?;
    builder.bring_tested()?;
    // Whatever the new images have replaced.
    docker.run(["image", "prune", "-f"])?;
    if let Some(shared) = ImageSet::shared(&engine.data(), &engine.lock_file()) {
        return Ok(shared);
    }
    let archive = cache.join("images.tar");
    save(&docker, images, &archive)?;
    Ok(ImageSet::archive(archive))
}

/// Saves images from an engine into a file, for [`crate::Swarm::load`].
///
/// # Errors
///
/// When the engine does not have them all.
pub fn save(docker: &Docker, images: &[Image], archive: &Path) -> Result<()> {
    let path = archive.to_string_lossy();
    let names = images.iter().map(|image| image.reference());
    let tested = Tested::ALL.into_iter().filter_map(Tested::brought);
    let names: Vec<&str> = names.chain(tested).collect();
    docker.run([&["save", "-o", &path][..], &names].concat())?;
    Ok(())
}

/// Makes the base of the Debian images, on an engine of its own, so that [`prepare`] finds it: it takes a minute where no
/// registry answers, and needs nothing of this project.
///
/// # Errors
///
/// When the machine lacks something, or no package can be had.
pub fn prepare_base(workspace: &Path) -> Result<()> {
    let cache = cache(&binaries::target_directory(workspace)?)?;
    let engine = BuildEngine::start(&cache)?;
    base::ensure(&engine.docker(), &cache).map(drop)
}

fn cache(target: &Path) -> Result<PathBuf> {
    let cache = target.join(CACHE);
    std::fs::create_dir_all(&cache).map_err(LabError::file("create", &cache))?;
    Ok(cache)
}

/// Copies a file, a link as a link, or a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = || -> std::io::Result<Vec<PathBuf>> {
        let kind = from.symlink_metadata()?.file_type();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(from.read_link()?, to)?;
        } else if kind.is_dir() {
            std::fs::create_dir_all(to)?;
            let entries = from.read_dir()?.map(|entry| Ok(entry?.path()));
            return entries.collect();
        } else {
            std::fs::copy(from, to)?;
        }
        Ok(Vec::new())
    };
    for entry in copied().map_err(LabError::file("copy", from))? {
        copy(&entry, &to.join(entry.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
