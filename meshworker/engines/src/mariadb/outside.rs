//! The parsers of what comes from members and from their disks.

use super::detail::Roll;
use super::disk;
use super::fence::Mark;
use super::gtid::{Position, State};
use crate::outside::{Parser, Words, parser, parts};

/// All of them. The client protocol is read by a library.
pub const PARSERS: &[Parser] = &[
    parser("mariadb-fence", |bytes| {
        let mark = Mark::parse(&String::from_utf8_lossy(bytes));
        let words = mark.map(|mark| vec![mark.holder, mark.role, mark.cluster]);
        words.unwrap_or_default()
    }),
    parser("mariadb-positions", positions),
];

/// A position, a state, who acknowledges, and what a copy leaves.
fn positions(bytes: &[u8]) -> Words {
    let mut texts = parts(bytes).map(String::from_utf8_lossy);
    let mut next = || texts.next().unwrap_or_default().into_owned();
    let (position, state) = (Position::parse(&next()), State::parse(&next()));
    let roll = Roll::parse(1, 1, &next());
    let copied = next();
    let copied = disk::position(&copied).map(str::to_owned);
    let beyond = state.zip(position).map(|(state, position)| {
        let words = format!("{state} {position}");
        let further = state.beyond(&State::default(), &position);
        [
            words,
            further.unwrap_or_default(),
            position.distance().to_string(),
        ]
    });
    let roll = roll.map(|roll| format!("{roll:?}"));
    beyond
        .into_iter()
        .flatten()
        .chain(roll)
        .chain(copied)
        .collect()
}
