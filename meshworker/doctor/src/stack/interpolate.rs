//! Variables in a stack file, filled in as `docker stack deploy` does it.
//!
//! `$NAME`, `${NAME}`, `${NAME:-text}` (unset or empty), `${NAME-text}` (unset),
//! `${NAME:?words}` and `${NAME?words}` (required), `$$` for a dollar. Values of
//! the whole file are filled in, those of `x-` fields too; keys are not. What is
//! filled in is a text, but at the places of [`CAST`].

use super::bad::BadStack;
use super::node::{Node, Value};
use crate::finding::Place;

/// What the environment says of a variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Something about a variable that Docker says nothing of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The variable's name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Whether its default holds another variable, which Docker leaves as it is;
    /// else it is not set, and Docker takes nothing for it.
    pub nested: bool,
}

/// What a text that was filled in becomes.
#[derive(Clone, Copy)]
enum Cast {
    Whole,
    Number,
    Truth,
}

/// Where a text that was filled in becomes a number or a truth value, as Docker
/// has it; `*` stands for any name, and for any place in a list.
const CAST: &[(&str, Cast)] = &[
    ("services.*.configs.*.mode", Cast::Whole),
    ("services.*.secrets.*.mode", Cast::Whole),
    ("services.*.healthcheck.retries", Cast::Whole),
    ("services.*.healthcheck.disable", Cast::Truth),
    ("services.*.deploy.replicas", Cast::Whole),
    ("services.*.deploy.update_config.parallelism", Cast::Whole),
    (
        "services.*.deploy.update_config.max_failure_ratio",
        Cast::Number,
    ),
    ("services.*.deploy.rollback_config.parallelism", Cast::Whole),
    (
        "services.*.deploy.rollback_config.max_failure_ratio",
        Cast::Number,
    ),
    ("services.*.deploy.restart_policy.max_attempts", Cast::Whole),
    (
        "services.*.deploy.placement.max_replicas_per_node",
        Cast::Whole,
    ),
    ("services.*.ports.*.target", Cast::Whole),
    ("services.*.ports.*.published", Cast::Whole),
    ("services.*.ulimits.*", Cast::Whole),
    ("services.*.ulimits.*.hard", Cast::Whole),
    ("services.*.ulimits.*.soft", Cast::Whole),
    ("services.*.privileged", Cast::Truth),
    ("services.*.oom_score_adj", Cast::Whole),
    ("services.*.read_only", Cast::Truth),
    ("services.*.stdin_open", Cast::Truth),
    ("services.*.tty", Cast::Truth),
    ("services.*.volumes.*.read_only", Cast::Truth),
    ("services.*.volumes.*.volume.nocopy", Cast::Truth),
    ("networks.*.external", Cast::Truth),
    ("networks.*.internal", Cast::Truth),
    ("networks.*.attachable", Cast::Truth),
    ("volumes.*.external", Cast::Truth),
    ("secrets.*.external", Cast::Truth),
    ("configs.*.external", Cast::Truth),
];

/// Fills in the variables of a whole file; what is worth a note.
///
/// # Errors
///
/// A required variable is missing, what follows a dollar is no variable, or what
/// it holds is no number where one must stand.
pub fn fill_in(root: &mut Node, lookup: Lookup<'_>) -> Result<Vec<Note>, BadStack> {
    let mut notes = Vec::new();
    visit(root, &mut Vec::new(), lookup, &mut notes)?;
    Ok(notes)
}

fn visit(
    node: &mut Node,
    path: &mut Vec<String>,
    lookup: Lookup<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), BadStack> {
    let children: Vec<(String, &mut Node)> = match &mut node.value {
        Value::Null => return Ok(()),
        Value::Scalar {
            text,
            filled_in,
            plain,
        } => {
            if text.contains('$') {
                let wrong = |what: String| BadStack::at(&node.place, what);
                let mut found = Vec::new();
                let filled = substitute(text, lookup, &mut found).map_err(wrong)?;
                notes.extend(found.into_iter().map(|(name, nested)| Note {
                    name,
                    place: node.place.clone(),
                    nested,
                }));
                *filled_in = text.replace("$$", "").contains('$');
                *plain = false;
                *text = filled;
                if let Some(cast) = cast(path) {
                    *text = becomes(cast, text).map_err(|allowed| {
                        let path = path.join(".");
                        wrong(format!("{path}: found '{text}'; allowed: {allowed}"))
                    })?;
                    *plain = true;
                }
            }
            return Ok(());
        }
        Value::List(nodes) => {
            let nodes = nodes.iter_mut().enumerate();
            nodes.map(|(at, node)| (at.to_string(), node)).collect()
        }
        Value::Map(entries) => {
            let entries = entries.iter_mut();
            entries.map(|(name, node)| (name.clone(), node)).collect()
        }
    };
    for (name, node) in children {
        path.push(name);
        visit(node, path, lookup, notes)?;
        path.pop();
    }
    Ok(())
}

fn cast(path: &[String]) -> Option<Cast> {
    let is_here = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('.').collect();
        let same = |(part, name): (&&str, &String)| *part == "*" || *part == name;
        parts.len() == path.len() && parts.iter().zip(path).all(same)
    };
    let found = CAST.iter().find(|(pattern, _)| is_here(pattern));
    found.map(|(_, cast)| *cast)
}

/// The text as what it must become, or what is allowed.
fn becomes(cast: Cast, text: &str) -> Result<String, &'static str> {
    match (cast, text.to_lowercase().as_str()) {
        (Cast::Truth, "y" | "yes" | "true" | "on") => Ok("true".into()),
        (Cast::Truth, "n" | "no" | "false" | "off") => Ok("false".into()),
        (Cast::Truth, _) => Err("true, false"),
        // Zeros before a number would make it another one for YAML.
        (Cast::Whole, text) => match text.parse::<i64>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err("a whole number"),
        },
        (Cast::Number, text) => match text.parse::<f64>() {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err("a number"),
        },
    }
}

/// One text, filled in. Of each variable that is worth a note, its name, and
/// whether its default holds another one.
fn substitute(
    text: &str,
    lookup: Lookup<'_>,
    notes: &mut Vec<(String, bool)>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled += before;
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        // The text itself is not told: it may be a secret.
        let (expression, after) = expression(rest).ok_or(
            "found a '$' that begins no variable; allowed: ${NAME}, ${NAME:-default}, $$ for a dollar",
        )?;
        filled += &evaluate(expression, lookup, notes)?;
        rest = after;
    }
    Ok(filled + rest)
}

/// The expression that this text begins with, without braces, and what follows.
fn expression(text: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let name = name_length(inner);
    if name == 0 {
        return None;
    }
    let (_, tail) = inner.split_at_checked(name)?;
    // Docker takes a default after a bare $NAME as well.
    let modified = tail
        .strip_prefix(':')
        .unwrap_or(tail)
        .starts_with(['-', '?']);
    let end = if modified {
        inner.find('}').unwrap_or(inner.len())
    } else {
        name
    };
    let (expression, after) = inner.split_at_checked(end)?;
    match braced {
        true => Some((expression, after.strip_prefix('}')?)),
        false => Some((expression, after)),
    }
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !part(c)).unwrap_or(text.len())
}

/// Docker looks for `:-` first, then for `-`, then for `:?` and `?`, wherever they
/// stand: `${A:?set-it}` has the default `it`.
fn evaluate(
    expression: &str,
    lookup: Lookup<'_>,
    notes: &mut Vec<(String, bool)>,
) -> Result<String, String> {
    let parts = [":-", "-", ":?", "?"]
        .iter()
        .find_map(|by| Some((*by, expression.split_once(by)?)));
    let Some((by, (name, words))) = parts else {
        return Ok(lookup(expression).unwrap_or_else(|| {
            notes.push((expression.to_owned(), false));
            String::new()
        }));
    };
    let value = lookup(name).filter(|value| !by.starts_with(':') || !value.is_empty());
    match value {
        Some(value) => Ok(value),
        None if by.ends_with('-') => {
            if words.split('$').skip(1).any(expression_begins) {
                let name = name.get(..name_length(name)).unwrap_or(name);
                notes.push((name.to_owned(), true));
            }
            Ok(words.to_owned())
        }
        None => Err(format!("{name}: found nothing; allowed: a value, {words}")),
    }
}

/// Whether what follows a dollar looks like a variable.
fn expression_begins(rest: &str) -> bool {
    name_length(rest.strip_prefix('{').unwrap_or(rest)) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("x".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn filled(text: &str) -> Result<(String, Vec<(String, bool)>), String> {
        let mut notes = Vec::new();
        let text = substitute(text, &lookup, &mut notes)?;
        Ok((text, notes))
    }

    /// Each as `docker stack config` prints it.
    #[test]
    fn each_form_is_filled_in_as_docker_does_it() {
        let cases = [
            ("a $SET b", "a x b"),
            ("${SET}/${SET}", "x/x"),
            ("${SET:-d}", "x"),
            ("${NONE:-d:e-f}", "d:e-f"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${NONE-d}", "d"),
            ("${NONE:-}", ""),
            ("${SET:?words}", "x"),
            ("${EMPTY?words}", ""),
            ("${NONE:?set-it}", "it"),
            ("$$SET $${SET} 5$$", "$SET ${SET} 5$"),
            ("{{.Task.Slot}}", "{{.Task.Slot}}"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text), Ok((expected.to_owned(), vec![])), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_nothing_and_is_told() {
        let notes = vec![("NONE".to_owned(), false)];
        assert_eq!(filled("a${NONE}b"), Ok(("ab".into(), notes)));
    }

    #[test]
    fn a_default_inside_a_default_stays_and_is_told() {
        let notes = vec![("NONE".to_owned(), true)];
        let text = filled("r:${NONE:-${OTHER:-8.0}}");
        assert_eq!(text, Ok(("r:${OTHER:-8.0}".into(), notes.clone())));
        assert_eq!(filled("${NONE:-$OTHER}"), Ok(("$OTHER".into(), notes)));
        assert_eq!(filled("${SET:-${OTHER:-1}}"), Ok(("x}".into(), vec![])));
    }

    #[test]
    fn a_required_variable_that_is_missing_is_refused_in_the_files_words() {
        for text in ["${NONE:?set it}", "${NONE?set it}", "${EMPTY:?set it}"] {
            let line = filled(text).unwrap_err();
            assert!(
                line.ends_with(": found nothing; allowed: a value, set it"),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in ["$", "a$ b", "${", "${}", "${1}", "${A", "${A b}", "$1"] {
            assert!(
                filled(text).unwrap_err().contains("allowed: ${NAME}"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_filled_in_is_a_number_only_where_docker_makes_it_one() {
        let becomes = |cast, text| becomes(cast, text).ok();
        assert_eq!(becomes(Cast::Whole, "010").as_deref(), Some("10"));
        assert_eq!(becomes(Cast::Whole, "0x3"), None);
        assert_eq!(becomes(Cast::Truth, "Yes").as_deref(), Some("true"));
        assert_eq!(becomes(Cast::Truth, "1"), None);
        assert_eq!(becomes(Cast::Number, "0.5").as_deref(), Some("0.5"));
        assert_eq!(becomes(Cast::Number, "half"), None);
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert!(cast(&path("services.db.ports.0.target")).is_some());
        assert!(cast(&path("services.db.init")).is_none());
        assert!(cast(&path("services.db.deploy")).is_none());
    }
}
