//! What the common half of the decision makes of a proposal.

mod gates;
mod joins;
mod leaving;
mod moving;
mod quarantine;
mod support;
