//! Variables of the file that come out as nobody meant them.

use std::collections::BTreeMap;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, Note};

pub const CHECK: Check<Ground> = Check {
    name: "variable",
    finds: "a variable of the stack file that is not set and has no default; one in another one's default",
    run: |ground| {
        let mut told: BTreeMap<(&str, bool), Vec<&Note>> = BTreeMap::new();
        for note in &ground.stack.notes {
            let notes = told.entry((&note.name, note.nested)).or_default();
            notes.push(note);
        }
        let findings = told.into_iter().map(|((name, nested), notes)| {
            let what = match nested {
                true => "Its default holds another variable, which stays as it is written.",
                false => "It is not set, and docker takes nothing for it.",
            };
            let what = match notes.len() {
                1 => what.to_owned(),
                several => format!("{what} It stands in {several} places; this is the first."),
            };
            let finding = Finding::new(Severity::Warning, format!("variable {name}"), what);
            let finding = match nested {
                true => finding
                    .why("`docker stack deploy`, unlike `docker compose`, fills in no variable of a default: the text with its dollar is what is deployed.")
                    .instead(format!("${{{name}:-DEFAULT}} with a plain text, and {name} set where the other one is")),
                false => finding
                    .why("The file then says something else than its author meant, and `docker stack deploy` says nothing of it.")
                    .instead(format!("${{{name}:-DEFAULT}}, or ${{{name}:?what to set it to}}")),
            };
            finding.at(notes.first().map(|note| &note.place))
        });
        Ok(findings.collect())
    },
};
