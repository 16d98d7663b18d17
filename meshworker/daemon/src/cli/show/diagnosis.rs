//! A diagnosis for people: 80 columns, one block per finding.

use clap::builder::styling::{AnsiColor, Color, Style};

use meshworker_doctor::finding::{Finding, Severity};
use meshworker_doctor::report::{Diagnosis, Skipped};

use super::text::{clean, wrap};

/// The widest line; lines to write instead are never broken.
const COLUMNS: usize = 80;

/// So many checks that were not made for one reason are named.
const FEW: usize = 6;

/// The diagnosis as text. Colours are escape sequences: whoever prints it
/// strips them where there is no terminal.
pub fn diagnosis(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for finding in &diagnosis.findings {
        text += &block(finding);
        text.push('\n');
    }
    let unmade = [
        ("not checked", &diagnosis.skipped),
        ("does not apply", &diagnosis.inapplicable),
    ];
    for (said, unmade) in unmade {
        for (why, checks) in reasons(unmade) {
            let checks = match checks.len() {
                few if few <= FEW => checks.join(", "),
                many => format!("{many} checks"),
            };
            text += &wrapped(&format!("{said}: {checks}: {why}"), "", "  ");
        }
    }
    if unmade.iter().any(|(_, unmade)| !unmade.is_empty()) {
        text.push('\n');
    }
    let inapplicable = match diagnosis.inapplicable.len() {
        0 => String::new(),
        some => format!(", {some} of no use here"),
    };
    let counted = |severity, one: &str| match diagnosis.count(severity) {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    text += &format!(
        "{}, {}, {}; {} checks made, {} not{inapplicable}\n",
        counted(Severity::Error, "error"),
        counted(Severity::Warning, "warning"),
        counted(Severity::Hint, "hint"),
        diagnosis.checked,
        diagnosis.skipped.len(),
    );
    text
}

fn block(finding: &Finding) -> String {
    let style = style(finding.severity);
    let mut block = format!(
        "{style}{}{style:#} {}: {}\n",
        finding.severity,
        finding.check,
        clean(&finding.subject)
    );
    if let Some(file) = &finding.file {
        let line = finding.line.map(|line| format!(":{line}"));
        block += &format!("  {}{}\n", clean(file), line.unwrap_or_default());
    }
    block += &wrapped(&finding.what, "  ", "  ");
    block += &wrapped(&finding.why, "  why: ", "       ");
    if finding.instead.contains('\n') {
        block += "  write:\n";
        for line in finding.instead.lines() {
            block += &format!("    {}\n", clean(line));
        }
    } else {
        block += &wrapped(&finding.instead, "  write: ", "         ");
    }
    block
}

/// What was skipped for one reason, together.
fn reasons(skipped: &[Skipped]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Skipped { check, why } in skipped {
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, checks)) => checks.push(check),
            None => reasons.push((why, vec![check])),
        }
    }
    reasons
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Hint => AnsiColor::Cyan,
    };
    Style::new().bold().fg_color(Some(Color::Ansi(color)))
}

fn wrapped(text: &str, first: &str, further: &str) -> String {
    wrap(text, COLUMNS, first, further).join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis() -> Diagnosis {
        let long = "many words ".repeat(30);
        let finding = Finding::new(Severity::Error, "service db", long.clone());
        Diagnosis {
            findings: vec![Finding {
                check: "endpoint-mode",
                file: Some("stack.yml".into()),
                line: Some(12),
                ..finding.why(long.clone()).instead("deploy:\n  x: y")
            }],
            skipped: vec![Skipped {
                check: "mtu",
                why: long,
            }],
            inapplicable: vec![Skipped {
                check: "replicas",
                why: "no members".into(),
            }],
            checked: 3,
        }
    }

    #[test]
    fn every_line_fits_80_columns_and_the_last_one_counts() {
        let text = super::diagnosis(&diagnosis());
        let plain = text.replace("\u{1b}[1m\u{1b}[31m", "");
        let plain = plain.replace("\u{1b}[0m", "");
        assert!(plain.starts_with("error endpoint-mode: service db\n  stack.yml:12\n"));
        assert!(plain.contains("  write:\n    deploy:\n      x: y\n"));
        let widest = plain.lines().map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= COLUMNS, "{plain}");
        assert!(plain.contains("\ndoes not apply: replicas: no members\n"));
        let last = plain.lines().last().unwrap();
        assert_eq!(
            last,
            "1 error, 0 warnings, 0 hints; 3 checks made, 1 not, 1 of no use here"
        );
    }

    #[test]
    fn what_a_file_holds_cannot_command_the_terminal() {
        let finding = Finding::new(Severity::Hint, "service \u{1b}[2Jx", "a\u{1b}]0;b\u{7}")
            .instead("c\u{9b}\nd\u{8}");
        let shown = block(&finding);
        let after_colours = shown.split(": ").skip(1).collect::<String>();
        assert!(
            !after_colours.contains(['\u{1b}', '\u{7}', '\u{8}', '\u{9b}']),
            "{shown:?}"
        );
    }
}
