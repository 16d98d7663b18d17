//! Every outside tool that a chore fetches: of which version, and from where. There is no other place.
//!
//! What is fetched is locked with all that it depends on. The lock files are in `xtask/tools`, named after their tools;
//! how each is made anew is said in the module of its source. A tool is installed below `target/tools`, once and whole.

mod crates;
mod debian;
mod maven;
mod npm;
mod once;
mod pypi;
mod run;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// An outside tool.
#[derive(Debug)]
pub struct Tool {
    /// Its name where it comes from.
    pub name: &'static str,
    /// Exactly this one.
    pub version: &'static str,
    /// What is wanted of it, in the folder that it is installed into: a program, or a file.
    pub path: &'static str,
    source: Source,
}

/// Where a tool comes from, and so what vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// crates.io: built from source with the versions that the package itself has locked. One of exactly this version
    /// on `PATH` will do.
    Crates { flags: &'static [&'static str] },
    /// PyPI: by the hashes in the lock file.
    PyPi { lock: &'static str },
    /// npm: by the hashes in the lock file.
    Npm { lock: &'static str },
    /// Maven Central: by the hashes in the lock file.
    Maven { lock: &'static str },
    /// Debian: by the signatures that apt checks. Each release has one version; any on `PATH` will do.
    Debian { packages: &'static [&'static str] },
}

/// What the dependencies of this workspace may be.
pub const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    path: "bin/cargo-deny",
    source: Source::Crates { flags: &[] },
};

/// Dependencies that nothing uses.
pub const MACHETE: Tool = Tool {
    name: "cargo-machete",
    version: "0.9.2",
    path: "bin/cargo-machete",
    source: Source::Crates { flags: &[] },
};

/// Spelling. Its authors put the program itself on PyPI, which saves building it.
pub const TYPOS: Tool = Tool {
    name: "typos",
    version: "1.52.0",
    path: "bin/typos",
    source: Source::PyPi { lock: "typos.txt" },
};

/// Makes the book; without the parts that search and serve.
pub const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    path: "bin/mdbook",
    source: Source::Crates {
        flags: &["--no-default-features"],
    },
};

/// Holds the API against its document.
pub const SCHEMATHESIS: Tool = Tool {
    name: "schemathesis",
    version: "4.32.5",
    path: "bin/schemathesis",
    source: Source::PyPi {
        lock: "schemathesis.txt",
    },
};

/// Tells the tests of the API where [`SCHEMATHESIS`] is.
pub const SCHEMATHESIS_VARIABLE: &str = "MESHWORKER_SCHEMATHESIS";

/// Finds what keeps people from using a page.
pub const AXE: Tool = Tool {
    name: "axe-core",
    version: "4.14.1",
    path: "node_modules/axe-core/axe.min.js",
    source: Source::Npm {
        lock: "axe-core/package-lock.json",
    },
};

/// Tells the tests of the dashboard where [`AXE`] is.
pub const AXE_VARIABLE: &str = "MESHWORKER_AXE";

/// Checks alert rules and pages of metrics.
pub const PROMTOOL: Tool = Tool {
    name: "promtool",
    version: debian::OF_THE_RELEASE,
    path: "usr/bin/promtool",
    source: Source::Debian {
        packages: &["prometheus"],
    },
};

/// A real server for the tests of its engine. It is not installed: its package starts a service.
pub const ETCD: Tool = Tool {
    name: "etcd",
    version: debian::OF_THE_RELEASE,
    path: "usr/bin/etcd",
    source: Source::Debian {
        packages: &["etcd-server"],
    },
};

/// Tells the tests of etcd's engine where [`ETCD`] is.
pub const ETCD_VARIABLE: &str = "MESHWORKER_ETCD";

/// What starts members of JGroups.
pub const JAVA: Tool = Tool {
    name: "java",
    version: debian::OF_THE_RELEASE,
    path: "usr/lib/jvm/java-17-openjdk-amd64/bin/java",
    source: Source::Debian {
        packages: &["openjdk-17-jre-headless"],
    },
};

/// Tells the tests of the gossip router where [`JAVA`] is.
pub const JAVA_VARIABLE: &str = "MESHWORKER_JAVA";

/// Real members for the tests of the gossip router: the newest release of 5.x, and of 4.x.
pub const JGROUPS: Tool = Tool {
    name: "jgroups",
    version: "5.5.7",
    path: "jgroups-5.jar",
    source: Source::Maven {
        lock: "jgroups.txt",
    },
};

/// The release of 2.x that Debian has.
pub const OLD_JGROUPS: Tool = Tool {
    name: "jgroups-2",
    version: debian::OF_THE_RELEASE,
    path: "usr/share/java/jgroups.jar",
    source: Source::Debian {
        packages: &["libjgroups-java"],
    },
};

/// Tells the tests of the gossip router where [`JGROUPS`] is, and where [`OLD_JGROUPS`].
pub const JGROUPS_VARIABLE: &str = "MESHWORKER_JGROUPS";
pub const OLD_JGROUPS_VARIABLE: &str = "MESHWORKER_JGROUPS_2";

/// A real server for the tests of its engine, with the libraries that it needs.
pub const MARIADB: Tool = Tool {
    name: "mariadb",
    version: debian::OF_THE_RELEASE,
    path: "usr/sbin/mariadbd",
    source: Source::Debian {
        packages: &[
            "mariadb-server-core",
            "mariadb-server",
            "libaio1",
            "libnuma1",
            "liburing2",
        ],
    },
};

/// Tells the tests of MariaDB's engine where [`MARIADB`] is.
pub const MARIADB_VARIABLE: &str = "MESHWORKER_MARIADB";

/// All of them.
#[cfg(test)]
const ALL: [&Tool; 12] = [
    &DENY,
    &MACHETE,
    &TYPOS,
    &MDBOOK,
    &SCHEMATHESIS,
    &AXE,
    &PROMTOOL,
    &ETCD,
    &JAVA,
    &JGROUPS,
    &OLD_JGROUPS,
    &MARIADB,
];

impl Tool {
    /// The path of the program or file; the tool is installed where it is missing. Any number of threads and processes
    /// may ask at the same time.
    pub fn installed(&self) -> Result<PathBuf> {
        if let Some(program) = self.on_path() {
            return Ok(program);
        }
        let folder = self.folder()?;
        once::make(&folder, |partial| {
            eprintln!("installing {self} into {}", folder.display());
            self.install(partial, &folder)?;
            if !partial.join(self.path).is_file() {
                bail!("it has no {}", self.path);
            }
            Ok(())
        })
        .with_context(|| format!("cannot install {self} from {}", self.source))?;
        Ok(folder.join(self.path))
    }

    /// Installs into `partial`, which will be `folder`.
    fn install(&self, partial: &Path, folder: &Path) -> Result<()> {
        match self.source {
            Source::Crates { flags } => crates::install(self, flags, partial),
            Source::PyPi { lock } => pypi::install(&data(lock), partial, folder),
            Source::Npm { lock } => npm::install(&data(lock), partial),
            Source::Maven { lock } => maven::install(&data(lock), partial),
            Source::Debian { packages } => debian::unpack(packages, partial),
        }
    }

    fn on_path(&self) -> Option<PathBuf> {
        let program = Path::new(self.path).file_name()?;
        let will_do = match self.source {
            Source::Crates { .. } => crates::is_exactly(program, self.version),
            Source::Debian { .. } => run::starts(program),
            // Nobody knows what it depends on there.
            Source::PyPi { .. } | Source::Npm { .. } | Source::Maven { .. } => false,
        };
        will_do.then(|| program.into())
    }

    /// Named after all that decides what is in it: another version, or another lock, is another folder.
    fn folder(&self) -> Result<PathBuf> {
        let mut name = format!("{}-{}", self.name, self.version);
        if let Source::PyPi { lock } | Source::Npm { lock } | Source::Maven { lock } = self.source {
            let mut hasher = DefaultHasher::new();
            let lock = data(lock);
            let text = std::fs::read(&lock).with_context(|| lock.display().to_string())?;
            text.hash(&mut hasher);
            name = format!("{name}-{:016x}", hasher.finish());
        }
        Ok(installed().join(name))
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crates { .. } => "crates.io",
            Self::PyPi { .. } => "PyPI",
            Self::Npm { .. } => "npm",
            Self::Maven { .. } => "Maven Central",
            Self::Debian { .. } => "Debian",
        })
    }
}

/// Where tools are installed.
fn installed() -> PathBuf {
    workspace::root().join("target/tools")
}

/// One of the files that lock tools.
fn data(name: &str) -> PathBuf {
    workspace::root().join("xtask/tools").join(name)
}

#[cfg(test)]
mod tests;
