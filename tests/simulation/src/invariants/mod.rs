//! What must never happen, one promise per file, and what must happen in the
//! end.

mod assigns_no_data_away;
mod never_below_floor;
mod never_erases;
mod never_forgets_the_living;
mod no_loss_by_release;
mod no_request_to_a_stranger;
mod nobody_waits_in_vain;
mod nothing_taken_in_vain;
mod one_cluster_in_the_end;
mod one_removal_per_window;

pub use one_cluster_in_the_end::missing;
pub use one_removal_per_window::Removals;

use crate::event::Event;
use crate::model::Model;
use crate::world::World;

/// The name of a promise, and how it was broken.
pub type Broken = (&'static str, String);

/// Checks every promise that is to hold at every moment.
///
/// # Errors
///
/// The first that is broken.
pub fn check<M: Model>(
    world: &World<M>,
    event: &Event,
    removals: &mut Removals,
) -> Result<(), Broken> {
    let name = |name: &'static str| move |how| (name, how);
    match event {
        Event::Granted(grant) => never_below_floor::check(grant).map_err(name("never_below_floor")),
        Event::Sent(sent) => {
            no_request_to_a_stranger::check(sent).map_err(name("no_request_to_a_stranger"))
        }
        Event::Forgot(forgot) => {
            never_forgets_the_living::check(forgot).map_err(name("never_forgets_the_living"))?;
            removals
                .check(world, forgot)
                .map_err(name("one_removal_per_window"))
        }
        Event::Lost(lost) => {
            no_loss_by_release::check(world, lost).map_err(name("no_loss_by_release"))
        }
        Event::Taken(taken) => {
            nothing_taken_in_vain::check(taken).map_err(name("nothing_taken_in_vain"))
        }
        Event::Erased(erased) => never_erases::check(erased).map_err(name("never_erases")),
        Event::Assigned(assigned) => {
            assigns_no_data_away::check(assigned).map_err(name("assigns_no_data_away"))
        }
        Event::Held(held) => {
            nobody_waits_in_vain::check(held).map_err(name("nobody_waits_in_vain"))
        }
    }
}
