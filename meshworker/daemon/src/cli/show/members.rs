//! Members, one row each.

use super::parts::{self, LEGEND, paint};
use super::{Cell, Column, Cut, Ink, Now, Style, table, wrap};
use crate::status::MemberStatus;

/// The members' page: what `status` shows of them, and their databases' word.
pub fn members(members: &[MemberStatus], now: Now, style: &Style) -> String {
    let columns = [
        Column("MEMBER", Cut::Middle),
        Column("ADDRESS", Cut::Middle),
        Column("STATE", Cut::Never),
        Column("NODE", Cut::End),
        Column("ID", Cut::End),
        Column("SIZE", Cut::Never),
        Column("FOR", Cut::Never),
        Column("SEEN", Cut::Never),
    ];
    let rows = members.iter().map(|member| {
        let view = member.view.as_ref();
        let size = view.map(|view| view.size.to_string());
        [
            Cell::new(&member.id),
            Cell::new(&member.address),
            parts::state(member),
            Cell::new(member.node.as_deref().unwrap_or_default()),
            Cell::new(view.map_or("", |view| &view.node)),
            Cell::new(&size.unwrap_or_default()),
            Cell::new(&parts::same_for(member, now)),
            Cell::new(&parts::seen(&member.sightings)),
        ]
    });
    let mut lines = table(columns, &rows.collect::<Vec<_>>(), style);
    lines.extend(paint(
        wrap(LEGEND, style.width, "", ""),
        Some(Ink::Dim),
        style,
    ));
    lines.extend(parts::remarks(members, style));
    lines.join("\n")
}
