//! Tables that fit, one row a line.

use super::{Ink, Style, clean, cut_end, cut_middle};

/// Between two columns, where there is room.
const GAP: usize = 2;

/// No column is made narrower: what is left must tell rows apart.
const NARROWEST: usize = 6;

/// What a column does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It stays as it is.
    Never,
    /// It loses its end.
    End,
    /// It loses its middle.
    Middle,
}

/// One column's head.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static str, pub Cut);

/// One place of a table.
#[derive(Debug, Clone)]
pub struct Cell(String, Option<Ink>);

impl Cell {
    /// Text, cleaned; `-` for none.
    pub fn new(text: &str) -> Cell {
        let text = clean(text.trim());
        Cell(
            if text.is_empty() {
                "-".to_owned()
            } else {
                text
            },
            None,
        )
    }

    /// The same, further in.
    pub fn indented(self) -> Cell {
        Cell(format!("  {}", self.0), self.1)
    }

    /// The same, with a meaning.
    pub fn ink(self, ink: Option<Ink>) -> Cell {
        Cell(self.0, ink)
    }
}

/// The lines of a table: its head, and one for each row. When it is too wide, its
/// columns come closer, and the widest of those that can be cut are, until it fits; as
/// the last resort its lines are.
pub fn table<const N: usize>(
    columns: [Column; N],
    rows: &[[Cell; N]],
    style: &Style,
) -> Vec<String> {
    let mut widths = columns.map(|Column(title, _)| title.chars().count());
    for row in rows {
        for (width, Cell(text, _)) in widths.iter_mut().zip(row) {
            *width = text.chars().count().max(*width);
        }
    }
    let gap = match widths.iter().sum::<usize>() + GAP * N.saturating_sub(1) {
        all if all <= style.width => GAP,
        _ => 1,
    };
    let gaps = gap * N.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > style.width {
        let columns = widths.iter_mut().zip(&columns);
        let can =
            columns.filter(|(width, Column(_, cut))| *cut != Cut::Never && **width > NARROWEST);
        let Some((widest, _)) = can.max_by_key(|(width, _)| **width) else {
            break;
        };
        *widest -= 1;
    }
    let head = columns.map(|Column(title, _)| Cell(title.to_owned(), Some(Ink::Dim)));
    let lines = std::iter::once(&head).chain(rows);
    lines
        .map(|row| line(row, &widths, &columns, gap, style))
        .collect()
}

fn line<const N: usize>(
    row: &[Cell; N],
    widths: &[usize; N],
    columns: &[Column; N],
    gap: usize,
    style: &Style,
) -> String {
    let mut line = String::new();
    let mut room = style.width;
    let cells = row.iter().zip(widths).zip(columns);
    for (at, ((Cell(text, ink), &width), Column(_, cut))) in cells.enumerate() {
        let text = match cut {
            Cut::Middle => cut_middle(text, width),
            Cut::End | Cut::Never => cut_end(text, width),
        };
        let text = cut_end(&text, room);
        let used = text.chars().count();
        line.push_str(&ink.map_or_else(|| text.clone(), |ink| style.paint(ink, &text)));
        let last = at + 1 == N;
        let pad = if last {
            0
        } else {
            width - used.min(width) + gap
        };
        let pad = pad.min(room - used);
        line.push_str(&" ".repeat(pad));
        room -= used + pad;
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: usize, colour: bool) -> Vec<String> {
        let columns = [
            Column("MEMBER", Cut::Middle),
            Column("N", Cut::Never),
            Column("NODE", Cut::End),
        ];
        let rows = [
            ["cache_redis.10", "1", "worker-one.example"],
            ["cache_redis.2", "", "n2"],
        ];
        let rows = rows.map(|row| row.map(Cell::new));
        table(columns, &rows, &Style { width, colour })
    }

    #[test]
    fn what_fits_is_whole() {
        assert_eq!(
            shown(80, false),
            [
                "MEMBER          N  NODE",
                "cache_redis.10  1  worker-one.example",
                "cache_redis.2   -  n2",
            ]
        );
    }

    #[test]
    fn the_widest_columns_are_cut_where_they_matter_least() {
        assert_eq!(
            shown(25, false),
            [
                "MEMBER      N NODE",
                "cache…is.10 1 worker-one…",
                "cache…dis.2 - n2",
            ]
        );
        for width in 1..40 {
            for line in shown(width, false) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colour_takes_no_room() {
        let plain = shown(25, false);
        let coloured = shown(25, true).join("\n");
        let without = coloured.replace("\x1b[2m", "").replace("\x1b[0m", "");
        assert_eq!(
            without.split('\n').map(str::trim_end).collect::<Vec<_>>(),
            plain
        );
        assert_ne!(without, coloured);
    }
}
