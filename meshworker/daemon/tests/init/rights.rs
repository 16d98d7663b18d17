//! The server runs under the vendor's user, although the supervisor comes first.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::getuid;

use super::support::init;

/// The user that stands for the vendor's.
const USER: &str = "65534";

/// An entry point that does as the vendor's: called by root with one of these names for
/// the server, it goes on as its own user; whatever else it is called with, it runs.
fn entry_point(dir: &Path, names: &str) {
    let setpriv = format!("setpriv --reuid={USER} --regid={USER} --clear-groups");
    let text = format!(
        "#!/bin/sh\ncase \"$1\" in {names}) [ \"$(id -u)\" != 0 ] || exec {setpriv} \"$0\" \"$@\" ;; \
         esac\nexec \"$@\"\n"
    );
    program(dir, "docker-entrypoint.sh", &text);
}

fn program(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What the stack file runs, with this name for the server, or with its own.
fn command(server: Option<&str>) -> Vec<String> {
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack/redis.yml");
    let text = fs::read_to_string(stack).unwrap();
    let line = text.lines().map(str::trim);
    let mut line = line.filter_map(|line| line.strip_prefix("command: [\"docker-entrypoint.sh\""));
    let words = line.next().unwrap().trim_end_matches(']').split(',');
    let words = words.map(|word| word.trim().trim_matches('"').to_owned());
    let mut words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let own = words[0].strip_prefix("${REDIS_SERVER:-").unwrap();
    words[0] = server.unwrap_or(own.trim_end_matches('}')).to_owned();
    words.insert(0, "docker-entrypoint.sh".into());
    words
}

#[test]
fn the_server_ran_as_root_behind_the_supervisor() {
    if !getuid().is_root() {
        eprintln!("skipped: only root can give up root's rights");
        return;
    }
    for (names, server, user) in [
        ("redis-server", None, USER),
        ("valkey-server", Some("valkey-server"), USER),
        // Why the documentation gives the name along with Valkey's image.
        ("valkey-server", None, "0"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        entry_point(dir.path(), names);
        for name in ["redis-server", "valkey-server"] {
            program(
                dir.path(),
                name,
                "#!/bin/sh\necho runs as $(id -u), with $1.\n",
            );
        }
        let rest = std::env::var("PATH").unwrap();
        let path = format!("{}:{rest}", dir.path().display());
        let words = command(server);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut supervisor = init().variable(b"PATH", path.as_bytes()).command(&words);
        supervisor.wait_for_out(&format!("runs as {user}, with /etc/redis/redis.conf."));
        assert_eq!(supervisor.code(), 0, "{}", supervisor.log());
    }
}
