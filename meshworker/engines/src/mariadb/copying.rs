//! How a member's data is copied to another one: by `mariadb-backup`, which comes with the
//! server and copies while that runs. At a replica writers wait for less than 0.1 s; at the
//! primary for a second, so the planner names replicas.

use std::net::IpAddr;

use meshworker_core::Start;

use crate::{Access, Copying};

/// How data is copied.
pub const COPYING: Copying = Copying {
    send,
    unpack: &["mbstream", "-x"],
    finish: &[
        "mariadb-backup",
        "--no-defaults",
        "--prepare",
        "--target-dir=.",
    ],
};

/// What writes a copy to its standard output, with the position that it is of. The password
/// is no argument: others see those.
fn send(access: &Access, address: IpAddr) -> Start {
    let mut arguments: Vec<String> = ["mariadb-backup", "--no-defaults", "--backup"]
        .map(str::to_owned)
        .into();
    arguments.extend([
        "--stream=xbstream".to_owned(),
        "--slave-info".to_owned(),
        format!("--host={address}"),
        format!("--port={}", access.service_port),
    ]);
    arguments.extend(access.user.iter().map(|user| format!("--user={user}")));
    // Without it the server says why nobody gets a copy.
    let password = access.password.as_ref().and_then(|file| file.read().ok());
    let password = password.map(|password| ("MYSQL_PWD".to_owned(), password));
    Start {
        arguments,
        variables: password.into_iter().collect(),
        ..Start::default()
    }
}
