//! What the common half of the decision makes of a proposal.

mod authority;
mod busy;
mod changes;
mod everybody;
mod floors;
mod gates;
mod headline;
mod joins;
mod kubernetes;
mod leaving;
mod losses;
mod moving;
mod nominations;
mod once_more;

mod orders;
mod outsiders;
mod parts;
mod places;
mod planner_sees;
mod quarantine;
mod sharing;
mod sight;
mod spares;
mod succession;
mod support;
mod together;
mod unheard;
mod wished;
mod words;
