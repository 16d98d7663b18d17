//! Manifests of Kubernetes, before they are applied: which objects there are, and the checks
//! of what they say.
//!
//! Read are files as they are; what `kubectl kustomize` makes of them is one file more.
//! Source of what fields mean: Kubernetes, API reference, and `docs/kubernetes.md` for what was
//! measured.

pub mod checks;
mod object;
mod pod;
mod read;

pub use object::{Manifests, Object};
pub use read::{is_manifest, parse};
