//! What witnesses say of members that a test runs without a daemon.

use meshworker_core::{Disk, Grade, MemberId, Place, Presence, Report, Sighting, Witness};

/// The member of one slot, as its supervisor and Docker know it.
#[derive(Debug)]
pub struct Witnessed {
    /// Its slot's number.
    pub slot: u64,
    /// Which task of the slot it is.
    pub task: u32,
    /// Where it is.
    pub place: Place,
    /// What its supervisor says.
    pub presence: Presence,
    /// What its supervisor finds on its disk, while it waits.
    pub disk: Option<Disk>,
}

/// What Docker, which wants so many replicas, and the supervisors say.
pub fn reports(replicas: usize, members: Vec<Witnessed>) -> Vec<Report> {
    let (mut listed, mut said) = (Vec::new(), Vec::new());
    for member in members {
        let Witnessed { slot, task, .. } = member;
        let sighting = Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot,
            }),
            task: Some(format!("t{slot}x{task}")),
            ..Sighting::at(member.place)
        };
        let stays = !matches!(member.presence, Presence::Leaving | Presence::Ended);
        if stays && slot <= replicas as u64 {
            listed.push(Sighting {
                presence: Presence::Present,
                ..sighting.clone()
            });
        }
        said.push(Sighting {
            disk: member.disk.map(Box::new),
            presence: member.presence,
            ..sighting
        });
    }
    let answer = |witness, sightings| Report {
        sightings,
        ..Report::unknown(witness, Grade::Answer)
    };
    vec![
        Report {
            desired: Some(replicas),
            ..answer(Witness::Docker, listed)
        },
        answer(Witness::Announce, said),
    ]
}
