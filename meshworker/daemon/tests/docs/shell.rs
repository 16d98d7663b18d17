//! Lines of shell in the documentation.

/// The words of a line of shell, without what follows a pipe, a `;` or a `#`.
pub fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                begun = true;
            }
            (None, ' ') if begun || !word.is_empty() => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            (None, '#' | '|' | ';' | '&' | '>') if word.is_empty() => return words,
            (_, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The part of a command line from the program's name on. Variables may be set
/// before it, and it may run in a container.
pub fn call(line: &str) -> Option<Vec<String>> {
    let words = words(line.trim_start_matches("$ "));
    let is_setting = |word: &String| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let start = words.iter().position(|word| !is_setting(word))?;
    let rest = &words[start..];
    let in_container = rest[0] == "docker"
        && ["exec", "run"]
            .map(Some)
            .contains(&rest.get(1).map(String::as_str));
    // By its name, or as the entry point of its image.
    let is_program = |word: &String| {
        word == "meshworker" || in_container && word.starts_with("meshworker/meshworker")
    };
    let name = match in_container {
        true => rest.iter().position(is_program)?,
        false => 0,
    };
    let arguments = rest[name + 1..].iter().cloned();
    is_program(&rest[name]).then(|| {
        ["meshworker".to_owned()]
            .into_iter()
            .chain(arguments)
            .collect()
    })
}
