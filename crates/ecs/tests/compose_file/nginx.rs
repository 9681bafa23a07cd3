//! nginx's configuration, as far as it says what is asked here.

/// A directive: its words, and the block behind it, empty for a simple one.
#[derive(Debug)]
pub(crate) struct Directive {
    pub(crate) words: Vec<String>,
    pub(crate) block: Vec<Directive>,
}

/// Reads a whole file.
pub(crate) fn parse(text: &str) -> Vec<Directive> {
    let mut tokens = tokens(text).into_iter();
    block(&mut tokens)
}

fn block(tokens: &mut impl Iterator<Item = String>) -> Vec<Directive> {
    let mut directives = Vec::new();
    let mut words = Vec::new();
    while let Some(token) = tokens.next() {
        let block = match token.as_str() {
            "}" => break,
            "{" => block(tokens),
            ";" => Vec::new(),
            _ => {
                words.push(token);
                continue;
            }
        };
        let words = std::mem::take(&mut words);
        directives.push(Directive { words, block });
    }
    directives
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = vec![];
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' if word.is_empty() => {
                tokens.push(chars.by_ref().take_while(|other| *other != c).collect());
            }
            '#' if word.is_empty() => {
                chars.by_ref().find(|c| *c == '\n');
            }
            // Part of a regular expression or of a variable's name, as in ${name} and (.{8}).
            '{' | '}' if !word.is_empty() && c != ';' => word.push(c),
            '{' | '}' | ';' | ' ' | '\n' => {
                if !word.is_empty() {
                    tokens.push(std::mem::take(&mut word));
                }
                if c != ' ' && c != '\n' {
                    tokens.push(c.to_string());
                }
            }
            c => word.push(c),
        }
    }
    tokens
}

impl Directive {
    pub(crate) fn name(&self) -> &str {
        &self.words[0]
    }

    pub(crate) fn value(&self) -> &str {
        &self.words[1]
    }

    /// The directives of that name directly in the block.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Directive> {
        self.block.iter().filter(move |one| one.name() == name)
    }

    /// The only directive of that name directly in the block.
    pub(crate) fn only<'a>(&'a self, name: &str) -> Option<&'a Directive> {
        let mut all = self.all(name);
        let first = all.next();
        assert!(
            all.next().is_none(),
            "{name} comes twice in {:?}",
            self.words
        );
        first
    }

    /// What a variable is set to directly in the block.
    pub(crate) fn set(&self, variable: &str) -> Option<&str> {
        let mut sets = self.all("set").filter(|set| set.value() == variable);
        sets.next().map(|set| set.words[2].as_str())
    }
}
