//! Whether what runs today is what runs tomorrow.

use super::refused::is_unset;
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "image",
    finds: "an image without a version",
    run: |ground| {
        let mut findings = Vec::new();
        for service in &ground.stack.services {
            let Some(image) = &service.image else {
                continue;
            };
            let is_told = is_unset(&ground.stack, Some(image)) || image.value.is_empty();
            if is_told || is_pinned(&image.value) {
                continue;
            }
            let what = format!("Its image is {}.", image.value);
            findings.push(
                Finding::new(Severity::Warning, service.subject(), what)
                    .why("Whatever bears this tag on the day is what runs: a restarted replica may be of another version than the others, and a rollback leads nowhere.")
                    .instead("image: NAME:VERSION, or NAME@sha256:DIGEST")
                    .at(image.place.as_ref()),
            );
        }
        Ok(findings)
    },
};

/// Whether an image has a digest, or a tag other than `latest`.
fn is_pinned(image: &str) -> bool {
    if image.contains('@') {
        return true;
    }
    // A colon before the last slash is a registry's port.
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        Some((_, tag)) => !tag.is_empty() && tag != "latest",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_pinned;

    #[test]
    fn a_registrys_port_is_no_tag() {
        for image in [
            "redis:7.4",
            "r:5000/a/redis:7",
            "redis@sha256:0",
            "redis:latest@sha256:0",
        ] {
            assert!(is_pinned(image), "{image}");
        }
        for image in [
            "redis",
            "redis:latest",
            "r:5000/a/redis",
            "r:5000/redis:latest",
        ] {
            assert!(!is_pinned(image), "{image}");
        }
    }
}
