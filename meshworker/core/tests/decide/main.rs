//! What the common half of the decision makes of a proposal.

mod gates;
mod joins;
mod support;
