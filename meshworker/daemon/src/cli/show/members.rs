//! Members, one row each.

use super::parts;
use super::{Cell, Column, Cut, Style, table};
use crate::status::MemberStatus;

/// The members' page: what their databases say.
pub fn members(members: &[MemberStatus], style: &Style) -> String {
    let columns = [
        Column("MEMBER", Cut::Middle),
        Column("ADDRESS", Cut::Middle),
        Column("STATE", Cut::Never),
        Column("ID", Cut::End),
        Column("SIZE", Cut::Never),
        Column("HOLDS", Cut::End),
    ];
    let rows = members.iter().map(|member| {
        let view = member.view.as_ref();
        let size = view.map(|view| view.size.to_string());
        [
            Cell::new(&member.id),
            Cell::new(&member.address),
            parts::state(member),
            Cell::new(view.map_or("", |view| &view.node)),
            Cell::new(&size.unwrap_or_default()),
            parts::holds(member),
        ]
    });
    let mut lines = table(columns, &rows.collect::<Vec<_>>(), style);
    lines.extend(parts::remarks(members, style));
    lines.join("\n")
}
