//! From the text of a file to a tree: aliases, merge keys, and bounds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::bad::BadStack;
use super::node::{Node, Value};
use crate::finding::Place;

/// The deepest nesting: a stack file has about eight levels.
const DEEPEST: usize = 64;

/// The most memory that the tree may take, anchors and aliases written out: a
/// file of aliases of aliases, or of one long text, must not fill the memory.
/// Large stacks take a tenth.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The most entries of one list or map: what reads them compares some with all
/// others. Large stacks have some hundred.
const MOST_ENTRIES: usize = 2_000;

/// What a value takes besides its text: itself, its place, its share of a list.
const A_VALUE: usize = 128;

/// A list or a map whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map {
        entries: Vec<(String, Node)>,
        names: HashSet<String>,
        key: Option<(String, Place)>,
    },
}

struct Builder {
    file: Arc<str>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    bytes: usize,
    root: Option<Node>,
}

/// The first document of this text; null when there is none.
///
/// # Errors
///
/// The text is no YAML, names a key twice, or goes beyond a bound.
pub fn parse(file: &str, text: &str) -> Result<Node, BadStack> {
    let mut builder = Builder {
        file: file.into(),
        open: Vec::new(),
        anchors: HashMap::new(),
        bytes: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|why| {
            let info = why.info().lines().next().unwrap_or("not YAML").to_owned();
            BadStack::at(&builder.place(why.marker()), info)
        })?;
        let place = builder.place(&span.start);
        match event {
            Event::DocumentEnd => break,
            event => builder.take(event, place)?,
        }
    }
    let place = Place {
        file: file.into(),
        line: 1,
        column: 1,
    };
    Ok(builder.root.unwrap_or(Node {
        place,
        value: Value::Null,
    }))
}

impl Builder {
    fn place(&self, marker: &Marker) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }

    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), BadStack> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Value::Null
                } else {
                    Value::Scalar {
                        text: text.into_owned(),
                        filled_in: false,
                        plain,
                    }
                };
                self.put(anchor, Node { place, value })
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(BadStack::at(
                        &place,
                        "an alias of an anchor that is not complete",
                    ));
                };
                let node = node.clone();
                self.spend(size(&node), &place)?;
                self.put(0, node)
            }
            Event::SequenceStart(anchor, _) => self.begin(place, anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let kind = Kind::Map {
                    entries: Vec::new(),
                    names: HashSet::new(),
                    key: None,
                };
                self.begin(place, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let value = match open.kind {
                        Kind::List(nodes) => Value::List(nodes),
                        Kind::Map { entries, .. } => Value::Map(merge_keys(entries)?),
                    };
                    let place = open.place;
                    self.put(open.anchor, Node { place, value })
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, place: Place, anchor: usize, kind: Kind) -> Result<(), BadStack> {
        if self.open.len() >= DEEPEST {
            let what = format!("nested more than {DEEPEST} levels deep");
            return Err(BadStack::at(&place, what));
        }
        self.open.push(Open {
            place,
            anchor,
            kind,
        });
        Ok(())
    }

    fn spend(&mut self, bytes: usize, place: &Place) -> Result<(), BadStack> {
        self.bytes += bytes;
        if self.bytes > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            let what = format!("more than {most} MiB of values, aliases written out");
            return Err(BadStack::at(place, what));
        }
        Ok(())
    }

    /// Puts a complete node where it belongs: a key, a value, an item, the root.
    fn put(&mut self, anchor: usize, node: Node) -> Result<(), BadStack> {
        // What is in a list or a map has been counted when it was put there.
        let own = match &node.value {
            Value::Scalar { text, .. } => A_VALUE + text.len(),
            _ => A_VALUE,
        };
        self.spend(own, &node.place)?;
        if anchor > 0 {
            self.spend(size(&node), &node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(Kind::List(nodes)) => {
                within_bounds(nodes.len(), &node.place)?;
                nodes.push(node);
            }
            Some(Kind::Map {
                entries,
                names,
                key,
            }) => match key.take() {
                None => *key = Some(as_key(node)?),
                Some((name, place)) => {
                    if !names.insert(name.clone()) {
                        let instead = match name.as_str() {
                            "<<" => "; allowed: one, with a list: <<: [*a, *b]",
                            _ => "",
                        };
                        let what =
                            format!("the key '{name}' stands here for the second time{instead}");
                        return Err(BadStack::at(&place, what));
                    }
                    within_bounds(entries.len(), &place)?;
                    entries.push((name, Node { place, ..node }));
                }
            },
        }
        Ok(())
    }
}

/// One entry more, where there are so many already.
fn within_bounds(entries: usize, place: &Place) -> Result<(), BadStack> {
    if entries >= MOST_ENTRIES {
        let what = format!("more than {MOST_ENTRIES} entries in one list or map");
        return Err(BadStack::at(place, what));
    }
    Ok(())
}

fn as_key(node: Node) -> Result<(String, Place), BadStack> {
    match node.value {
        Value::Scalar { text, .. } => Ok((text, node.place)),
        Value::Null => Ok(("null".into(), node.place)),
        _ => {
            let what = format!("found {} as a key; allowed: a text", node.kind());
            Err(BadStack::at(&node.place, what))
        }
    }
}

/// Writes out `<<`: what the map says itself comes before what it merges in.
fn merge_keys(entries: Vec<(String, Node)>) -> Result<Vec<(String, Node)>, BadStack> {
    let (merged, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key == "<<");
    let mut names: HashSet<String> = own.iter().map(|(name, _)| name.clone()).collect();
    let sources = merged.into_iter().flat_map(|(_, node)| match node.value {
        Value::List(nodes) => nodes,
        value => vec![Node { value, ..node }],
    });
    for source in sources {
        let Value::Map(entries) = source.value else {
            let what = format!("<<: found {}; allowed: a map", source.kind());
            return Err(BadStack::at(&source.place, what));
        };
        for (name, node) in entries {
            if names.insert(name.clone()) {
                within_bounds(own.len(), &node.place)?;
                own.push((name, node));
            }
        }
    }
    Ok(own)
}

/// How much memory a value takes, with all that is in it, within a factor of two.
fn size(node: &Node) -> usize {
    A_VALUE
        + match &node.value {
            Value::List(nodes) => nodes.iter().map(size).sum(),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| key.len() + size(node))
                .sum(),
            Value::Scalar { text, .. } => text.len(),
            Value::Null => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse("s.yml", text).unwrap_err().to_string()
    }

    fn text(node: Option<&Node>) -> &str {
        match &node.unwrap().value {
            Value::Scalar { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nodes_know_the_lines_of_their_keys() {
        let root = parse("s.yml", "a: 1\nb:\n  c: [x, y]\n").unwrap();
        let b = root.get("b").unwrap();
        assert_eq!((b.place.line, b.place.column), (2, 1));
        assert_eq!(b.get("c").unwrap().place.line, 3);
        assert_eq!(text(root.get("a")), "1");
    }

    #[test]
    fn aliases_and_merge_keys_are_written_out_and_own_keys_win() {
        let root = parse("s.yml", "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n").unwrap();
        let y = root.get("y").unwrap();
        assert_eq!(text(y.get("a")), "1");
        assert_eq!(text(y.get("b")), "3");
        assert_eq!(text(root.get("z").unwrap().get("b")), "2");
    }

    #[test]
    fn an_empty_file_is_null() {
        assert_eq!(parse("s.yml", "").unwrap().value, Value::Null);
        assert_eq!(parse("s.yml", "# nothing\n").unwrap().value, Value::Null);
    }

    #[test]
    fn what_is_no_yaml_is_named_with_line_and_column() {
        let line = refused("services:\n  a: [1, 2\nb: 3\n");
        assert!(line.starts_with("s.yml: line 3, column 2: "), "{line}");
        assert_eq!(
            refused("a: 1\na: 2\n"),
            "s.yml: line 2, column 1: the key 'a' stands here for the second time"
        );
        assert!(refused("a: {<<: 3}\n").contains("<<: found a text; allowed: a map"));
        let two = refused("x: &x {a: 1}\ny: &y {b: 2}\nz:\n  <<: *x\n  <<: *y\n");
        assert_eq!(
            two,
            "s.yml: line 5, column 3: the key '<<' stands here for the second time; \
             allowed: one, with a list: <<: [*a, *b]"
        );
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = format!("a: {}{}\n", "[".repeat(100), "]".repeat(100));
        assert!(
            refused(&deep).contains("nested more than 64 levels"),
            "{}",
            refused(&deep)
        );
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            laughs += &format!("a{level}: &a{level} [{below}]\n");
        }
        assert!(refused(&laughs).contains("more than 16 MiB of values"));
    }

    /// Seen: 6 GB for a file of a megabyte.
    #[test]
    fn one_long_text_named_thousands_of_times_filled_the_memory() {
        let text = "A".repeat(900_000);
        let aliases = "*a, ".repeat(1_999);
        let long = refused(&format!("x: &a {text}\ny: [{aliases}]\n"));
        assert!(long.contains("more than 16 MiB of values"), "{long}");
        let key = refused(&format!("x: &a {{? {text}\n  : 1}}\ny: [{aliases}]\n"));
        assert!(key.contains("more than 16 MiB of values"), "{key}");
    }

    /// Each anchor keeps a copy of all that is in it.
    #[test]
    fn an_anchor_at_each_level_kept_sixty_copies() {
        let deep: String = (0..60).map(|level| format!("&a{level} [")).collect();
        let items = format!("[{}], ", "x, ".repeat(1_999)).repeat(20);
        let copies = refused(&format!("a: {deep}{items}{}\n", "]".repeat(60)));
        assert!(copies.contains("more than 16 MiB of values"), "{copies}");
    }

    /// Each entry was compared with all others: minutes for a file of a megabyte.
    #[test]
    fn a_list_of_very_many_entries_is_refused_at_once() {
        let keys: String = (0..2_001).map(|n| format!("k{n}: 1\n")).collect();
        let items = "- 1\n".repeat(2_001);
        let maps: String = (0..3)
            .map(|map| {
                let keys: String = (0..800).map(|key| format!("k{map}x{key}: 1, ")).collect();
                format!("m{map}: &m{map} {{{keys}}}\n")
            })
            .collect();
        for text in [keys, items, maps + "m: {<<: [*m0, *m1, *m2]}\n"] {
            let line = refused(&text);
            assert!(line.contains("more than 2000 entries in one"), "{line}");
        }
    }
}
