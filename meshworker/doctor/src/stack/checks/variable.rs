//! Variables of the file that nobody has set.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "variable",
    finds: "a variable of the stack file that is not set and has no default",
    run: |ground| {
        let unset = ground.stack.unset.iter();
        let findings = unset.map(|unset| {
            let name = &unset.name;
            Finding::new(
                Severity::Warning,
                format!("variable {name}"),
                "It is not set, and docker takes nothing for it.",
            )
            .why("The file then says something else than its author meant, and docker only warns.")
            .instead(format!(
                "${{{name}:-DEFAULT}}, or ${{{name}:?what to set it to}}"
            ))
            .at(Some(&unset.place))
        });
        Ok(findings.collect())
    },
};
