//! How things look in a terminal: data to text. Pure; the width and whether
//! there is colour are arguments. No line is wider than the width.

mod age;
mod diagnosis;
mod events;
mod group;
mod members;
mod parts;
mod plan;
mod progress;
mod status;
mod style;
mod table;
mod text;
mod topology;
mod why;

pub use age::{Now, ago};
pub use diagnosis::diagnosis;
pub use events::EventLines;
pub use group::{group, restart};
pub use members::members;
pub use plan::plan;
pub use progress::{Bar, Counted};
pub use status::{OLD, Shown, status};
pub use style::{Ink, Style};
pub use table::{Cell, Column, Cut, table};
pub use text::{clean, cut_end, cut_middle, wrap};
pub use topology::topology;
pub use why::why;
