//! Where MariaDB's server is, and a data directory to begin with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use aerospike_sim::testing::installed;

/// Where the run of all tests has put it.
const VARIABLE: &str = "MESHWORKER_MARIADB";

/// That of `root` from anywhere, as the vendor's image makes it.
pub const PASSWORD: &str = "sesame";

/// Small files: a test begins with copies of them.
pub const SMALL: [&str; 3] = [
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=24M",
    "--innodb-data-file-path=ibdata1:8M:autoextend",
];

/// The server, and what it needs beside it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where its package was unpacked.
    tree: PathBuf,
}

impl Program {
    /// The server: as it is told, or as it is installed.
    pub fn find() -> Option<Program> {
        let told = std::env::var_os(VARIABLE).map(PathBuf::from);
        let found = told.or_else(|| installed("mariadbd"));
        let tree = found.and_then(|file| Some(file.ancestors().nth(3)?.to_path_buf()));
        if tree.is_none() {
            let mend = "on Debian: apt-get install mariadb-server, or \
                        MESHWORKER_MARIADB=FILE; `cargo xtask test` fetches it";
            meshworker_needs::missing("mariadbd", mend);
        }
        Some(Program { tree: tree? })
    }

    /// A command of it, with these arguments and what it needs to find its files.
    pub fn prepare(&self, command: &mut Command, data: &Path) {
        let libraries = self.tree.join("usr/lib/x86_64-linux-gnu");
        command.env("LD_LIBRARY_PATH", libraries);
        command.args([
            "--no-defaults",
            "--user=root",
            "--plugin-maturity=unknown",
            "--skip-name-resolve",
        ]);
        command.arg(format!("--basedir={}", self.tree.join("usr").display()));
        let messages = self.tree.join("usr/share/mysql");
        command.arg(format!("--lc-messages-dir={}", messages.display()));
        command.arg(format!("--datadir={}", data.display()));
        // Names there are made of process ids, which tests in rooms of their own have in common.
        let own = data.parent().unwrap();
        command.arg(format!("--tmpdir={}", own.display()));
        command.args(SMALL);
        command.stdin(Stdio::null());
    }

    /// The server's file.
    pub fn file(&self) -> PathBuf {
        self.tree.join("usr/sbin/mariadbd")
    }

    /// Makes a data directory with system tables and the user `root`, and nothing else.
    pub fn install(&self, data: &Path) {
        static ONCE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let template = ONCE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            self.make(&folder.path().join("mysql"));
            folder
        });
        let copied = Command::new("cp")
            .arg("-r")
            .arg(template.path().join("mysql"))
            .arg(data)
            .status();
        assert!(copied.unwrap().success());
    }

    fn make(&self, data: &Path) {
        std::fs::create_dir_all(data).unwrap();
        let share = self.tree.join("usr/share/mysql");
        let read = |name: &str| std::fs::read_to_string(share.join(name)).unwrap();
        let mut script = "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n".to_owned();
        script.push_str("SET @auth_root_socket=NULL;\n");
        for name in [
            "mysql_system_tables.sql",
            "mysql_performance_tables.sql",
            "mysql_system_tables_data.sql",
        ] {
            script.push_str(&read(name));
        }
        script.push_str(&format!(
            "\nDELETE FROM global_priv;\nFLUSH PRIVILEGES;\nCREATE USER root@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
        ));
        let input = data.with_extension("sql");
        std::fs::write(&input, script).unwrap();
        let mut command = Command::new(self.file());
        self.prepare(&mut command, data);
        command.args([
            "--bootstrap",
            "--log-warnings=0",
            "--enforce-storage-engine=",
        ]);
        command.stdin(std::fs::File::open(&input).unwrap());
        let made = command.output().unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
    }
}
