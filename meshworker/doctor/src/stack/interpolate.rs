//! Variables in a stack file, filled in as `docker stack deploy` does it.
//!
//! `$NAME`, `${NAME}`, `${NAME:-text}` (unset or empty), `${NAME-text}` (unset),
//! `${NAME:?words}` and `${NAME?words}` (required), `$$` for a dollar. Only
//! values are filled in, and only in the sections that docker knows.

use super::bad::BadStack;
use super::node::{Node, Value};
use crate::finding::Place;

/// What the environment says of a variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where variables are filled in.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "secrets", "configs"];

/// A variable that is not set and has no default: docker takes nothing for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// Fills in the variables of a whole file; those that are not set.
///
/// # Errors
///
/// A required variable is missing, or what follows a dollar is no variable.
pub fn fill_in(root: &mut Node, lookup: Lookup<'_>) -> Result<Vec<Unset>, BadStack> {
    let mut unset = Vec::new();
    if let Value::Map(entries) = &mut root.value {
        let known = entries
            .iter_mut()
            .filter(|(name, _)| SECTIONS.contains(&name.as_str()));
        for (_, node) in known {
            visit(node, lookup, &mut unset)?;
        }
    }
    Ok(unset)
}

fn visit(node: &mut Node, lookup: Lookup<'_>, unset: &mut Vec<Unset>) -> Result<(), BadStack> {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar { text, filled_in } => {
            if text.contains('$') {
                let mut missing = Vec::new();
                let filled = substitute(text, lookup, &mut missing)
                    .map_err(|what| BadStack::at(&node.place, what))?;
                unset.extend(missing.into_iter().map(|name| Unset {
                    name,
                    place: node.place.clone(),
                }));
                *filled_in = text.replace("$$", "").contains('$');
                *text = filled;
            }
        }
        Value::List(nodes) => {
            for node in nodes {
                visit(node, lookup, unset)?;
            }
        }
        Value::Map(entries) => {
            for (_, node) in entries {
                visit(node, lookup, unset)?;
            }
        }
    }
    Ok(())
}

/// One text, filled in.
fn substitute(text: &str, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        filled += &rest[..dollar];
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        // The text itself is not told: it may be a secret.
        let (expression, after) = expression(rest).ok_or(
            "found a '$' that begins no variable; allowed: ${NAME}, ${NAME:-default}, $$ for a dollar",
        )?;
        filled += &evaluate(expression, lookup, unset)?;
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
    let tail = &inner[name..];
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
    let (expression, after) = inner.split_at(end);
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

fn evaluate(
    expression: &str,
    lookup: Lookup<'_>,
    unset: &mut Vec<String>,
) -> Result<String, String> {
    let (name, modifier) = expression.split_at(name_length(expression));
    let value = lookup(name);
    let (value, modifier) = match modifier.strip_prefix(':') {
        Some(modifier) => (value.filter(|value| !value.is_empty()), modifier),
        None => (value, modifier),
    };
    match (value, modifier.split_at_checked(1)) {
        (Some(value), _) => Ok(value),
        (None, Some(("-", default))) => Ok(default.to_owned()),
        (None, Some((_, words))) => {
            Err(format!("{name}: found nothing; allowed: a value, {words}"))
        }
        (None, None) => {
            unset.push(name.to_owned());
            Ok(String::new())
        }
    }
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

    fn filled(text: &str) -> Result<(String, Vec<String>), String> {
        let mut unset = Vec::new();
        let text = substitute(text, &lookup, &mut unset)?;
        Ok((text, unset))
    }

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
            ("$$SET $${SET} 5$$", "$SET ${SET} 5$"),
            ("{{.Task.Slot}}", "{{.Task.Slot}}"),
        ];
        for (text, expected) in cases {
            let none = Vec::<String>::new();
            assert_eq!(filled(text), Ok((expected.to_owned(), none)), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_nothing_and_is_told() {
        assert_eq!(filled("a${NONE}b"), Ok(("ab".into(), vec!["NONE".into()])));
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
}
