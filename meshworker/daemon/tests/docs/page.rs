//! Pages as text: what is code in them, their links, their headings.

use std::path::{Path, PathBuf};

/// The root of the tree.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One page.
pub struct Page {
    /// Its path from the root of the tree, such as `docs/redis.md`.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Page {
    /// The page at this path from the root of the tree.
    pub fn read(path: &str) -> Page {
        let text = std::fs::read_to_string(root().join(path));
        Page {
            path: path.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    /// Everything that users and contributors read.
    pub fn all() -> Vec<Page> {
        let mut pages: Vec<Page> = ["README.md", "CONTRIBUTING.md", "secrets/README.md"]
            .map(Page::read)
            .into();
        pages.extend(Page::of_the_book());
        pages
    }

    /// The pages in `docs`, sorted by name.
    pub fn of_the_book() -> Vec<Page> {
        let files = std::fs::read_dir(root().join("docs")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
        names.sort();
        let pages = names.iter();
        pages
            .map(|name| Page::read(&format!("docs/{name}")))
            .collect()
    }

    /// The lines with their numbers, from 1, and whether each is code: fenced,
    /// or indented after an empty line. Fences themselves are left out.
    fn lines(&self) -> Vec<(usize, &str, bool)> {
        let mut lines = Vec::new();
        let (mut fenced, mut indented, mut empty) = (false, false, true);
        for (number, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            let blank = line.trim().is_empty();
            indented = line.starts_with("    ") && (indented || empty) || indented && blank;
            empty = blank;
            lines.push((number + 1, line, fenced || indented));
        }
        lines
    }

    /// The lines of code, each with its number, from 1; those that end in `\`
    /// are joined with what follows.
    pub fn code(&self) -> Vec<(usize, String)> {
        let mut whole: Vec<(usize, String)> = Vec::new();
        let mut open = false;
        for (number, line, _) in self.lines().into_iter().filter(|(_, _, code)| *code) {
            let line = line.trim();
            let (text, goes_on) = match line.strip_suffix('\\') {
                Some(text) => (text, true),
                None => (line, false),
            };
            match whole.last_mut() {
                Some((_, begun)) if open => *begun += text,
                _ => whole.push((number, text.to_owned())),
            }
            open = goes_on;
        }
        whole
    }

    /// Prose without code, each line with its number, from 1.
    pub fn prose(&self) -> Vec<(usize, String)> {
        let prose = self.lines().into_iter().filter(|(_, _, code)| !code);
        prose
            .map(|(number, line, _)| {
                let outside = line.split('`').step_by(2);
                (number, outside.collect::<Vec<_>>().join("`"))
            })
            .collect()
    }

    /// What stands between backticks in the prose, each with its line's number.
    pub fn inline_code(&self) -> Vec<(usize, String)> {
        let prose = self.lines().into_iter().filter(|(_, _, code)| !code);
        prose
            .flat_map(|(number, line, _)| {
                let inside = line.split('`').skip(1).step_by(2);
                inside.map(move |code| (number, code.to_owned()))
            })
            .collect()
    }

    /// The targets of its links, each with its line's number.
    pub fn links(&self) -> Vec<(usize, String)> {
        let prose = self.prose().into_iter();
        prose
            .flat_map(|(number, line)| {
                let after = line.split("](").skip(1);
                let targets = after.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
                targets
                    .map(move |target| (number, target))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The names under which its headings can be linked to.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let headings = self.lines().into_iter();
        for (_, line, _) in headings.filter(|(_, line, code)| !code && line.starts_with('#')) {
            let text = line.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            });
            let name: String = kept.collect();
            let twice = (1..).map(|n| format!("{name}-{n}"));
            let mut names = std::iter::once(name.clone()).chain(twice);
            anchors.extend(names.find(|name| !anchors.contains(name)));
        }
        anchors
    }
}

#[test]
fn pages_are_taken_apart() {
    let text = "# A `b` c!\n\nsee [x](y.md#z) and `[no](link)`\n\n    one \\\n      two\n\n    # three\n\n\
                # A b c\n```sh\nfour\n```\n";
    let page = Page {
        path: "x.md".into(),
        text: text.into(),
    };
    assert_eq!(page.anchors(), ["a-b-c", "a-b-c-1"]);
    assert_eq!(page.links(), [(3, "y.md#z".to_owned())]);
    let code: Vec<String> = page.code().into_iter().map(|(_, line)| line).collect();
    assert_eq!(code, ["one two", "", "# three", "", "four"]);
    assert_eq!(page.inline_code()[1], (3, "[no](link)".to_owned()));
}
