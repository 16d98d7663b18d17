//! The server held against its own OpenAPI document, by requests that are made from the document: what it promises
//! can be had, what is answered is what it says, and what it forbids is refused.
//!
//! ```text
//! server ── /v1/openapi.json ──> Document ──> Operation ──> Call ──> server
//!                                                 └── judges <── Reply ──┘
//! ```
//!
//! A new operation is held to all of it as soon as the document has it. A new kind of status needs a recipe
//! ([`recipes`]), and the first run says so.

mod call;
mod document;
mod methods;
mod odd_bodies;
mod odd_text;
mod oddities;
mod operation;
mod recipes;
mod samples;
mod scene;
mod schema;
mod slips;
mod statuses;
mod stream;

pub use call::Call;
pub use document::Document;
pub use operation::{Operation, Parameter, Place};
pub use scene::{Scene, State};
