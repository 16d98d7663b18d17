//! Scenes that chance makes too seldom.

use super::invariants::Broken;
use super::operator::leader;
use super::world::World;

/// So often in one story.
const TIMES: usize = 20;
/// Three workers are one group, and settled, within this time.
const WHOLE: u64 = 30_000;

/// Whoever leads is heard by one of two, which keeps the other from leading; then by nobody,
/// and that one restarts. What it promised to the one that leads counts for the other, too.
pub fn blink(world: &mut World) -> Result<(), Broken> {
    for _ in 0..TIMES {
        wait(world, WHOLE)?;
        let Some(leads) = leader(world) else {
            return Err(("whole_in_the_end", "nobody leads".into()));
        };
        let leads = world.swarm.tasks[leads].machine;
        let (hears, other) = ((leads + 1) % 3, (leads + 2) % 3);
        world.tell(format_args!("machine {leads} is heard by {hears} alone"));
        part(world, leads, other);
        let time = world.chance.between(500, 2_500);
        wait(world, time)?;
        world.tell(format_args!("machine {leads} is heard by nobody"));
        part(world, leads, hears);
        let tasks = &world.swarm.tasks;
        let there = tasks
            .iter()
            .position(|task| task.process.is_some() && task.machine == hears);
        if let Some(index) = there {
            world.end(index, false);
        }
        wait(world, 3_000)?;
        world.wires.heal();
    }
    Ok(())
}

fn part(world: &mut World, one: usize, other: usize) {
    world.wires.cut[one][other] = true;
    world.wires.cut[other][one] = true;
}

fn wait(world: &mut World, time: u64) -> Result<(), Broken> {
    let until = world.now + time;
    while world.now < until {
        world.step()?;
    }
    Ok(())
}
