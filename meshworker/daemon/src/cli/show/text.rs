//! Text that fits.

use crate::words::dull;

/// What is left of a text without what a terminal would obey: some of it comes
/// from databases.
pub fn clean(text: &str) -> String {
    dull(text).into_owned()
}

/// At most so many characters; `…` stands for the end that is missing.
pub fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain((width > 0).then_some('…')).collect()
}

/// At most so many characters; `…` stands for what is missing in the middle.
/// Members and addresses differ at their ends.
pub fn cut_middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head = kept / 2;
    let tail = kept - head;
    let start = text.chars().take(head);
    let end = text.chars().skip(length - tail);
    start.chain((width > 0).then_some('…')).chain(end).collect()
}

/// The text in lines of at most `width` characters: the first one behind
/// `first`, all others behind `rest`. Words that are too long are broken.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut length = line.chars().count();
    let mut empty = true;
    let indent = rest.chars().count();
    for word in clean(text).split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if !empty && length + 1 + word.len() > width {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            (length, empty) = (indent, true);
        }
        if !empty {
            line.push(' ');
            length += 1;
        }
        // At least one character a line, however narrow it is.
        while length + word.len() > width {
            let room = width.saturating_sub(length).max(1).min(word.len());
            line.extend(word.drain(..room));
            if word.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            length = indent;
        }
        length += word.len();
        line.extend(word);
        empty = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut_end("short", 5), "short");
        assert_eq!(cut_end("longer", 5), "long…");
        assert_eq!(cut_middle("cache_redis.12", 9), "cach…s.12");
        assert_eq!(cut_middle("abc", 1), "…");
        assert_eq!(cut_end("abc", 0), "");
        assert_eq!(cut_middle("abc", 0), "");
    }

    #[test]
    fn lines_fit_whatever_the_words() {
        assert_eq!(
            wrap("one two three four", 9, "- ", "  "),
            ["- one two", "  three", "  four"]
        );
        assert_eq!(
            wrap("a abcdefghij b", 6, "", " "),
            ["a", " abcde", " fghij", " b"]
        );
        assert_eq!(wrap("", 6, "x ", "  "), ["x"]);
        for width in 1..20 {
            for line in wrap("some words and onethatislong", width, "", "") {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_terminal_is_told_nothing_by_a_database() {
        assert_eq!(wrap("a\x1b[2Jb\r\nc", 80, "", ""), ["a [2Jb c"]);
    }
}
