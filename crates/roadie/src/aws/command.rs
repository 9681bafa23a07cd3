//! One call of the `aws` command: its words, its input, and the line a person could paste.
//!
//! What comes from files, from the environment or from AWS stands in the input or in a text of the query:
//! no word of a call can be taken for an option, or for a file whose contents are meant (`file://…`).

use std::fmt::{self, Display};

use ecs::printable;
use serde_json::Value;

/// A call, ready to be run or printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    words: Vec<&'static str>,
    region: Option<String>,
    query: Option<Query>,
    input: Option<Value>,
    secret: Option<String>,
}

/// What of an answer is meant, in `JMESPath`: code that stands in this program, and texts from elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Code(String),
    /// What a string literal means.
    Text(String),
}

impl Command {
    /// `aws` and these words.
    pub(crate) fn new<const N: usize>(words: [&'static str; N]) -> Self {
        Self {
            words: words.to_vec(),
            region: None,
            query: None,
            input: None,
            secret: None,
        }
    }

    /// The body, for `--cli-input-json`.
    pub(crate) fn input(mut self, input: Value) -> Self {
        self.input = Some(input);
        self
    }

    /// What of the answer is meant.
    pub(crate) fn query(mut self, query: Query) -> Self {
        self.query = Some(query);
        self
    }

    /// Where the call goes.
    pub(crate) fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Gives `--value` through standard input; `variable` is the environment's name for it. It
    /// shows neither in the list of processes nor in what is printed.
    pub(crate) fn secret(mut self, variable: &str) -> Self {
        self.secret = Some(variable.to_owned());
        self
    }

    /// As [`Self::secret`], for a call whose body has the value: it is taken out.
    pub(crate) fn sealed(mut self, variable: &str) -> Self {
        if let Some(Value::Object(members)) = &mut self.input {
            members.remove("Value");
        }
        self.secret(variable)
    }

    /// The environment's name of the value that standard input has to give.
    pub(crate) fn secret_variable(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// What stands behind `aws`: `fixed` makes a word of what this program knows, `query` and `input` of
    /// the two that hold texts from elsewhere.
    pub(crate) fn words_with<W>(
        &self,
        fixed: impl Fn(&str) -> W,
        query: impl FnOnce(&Query) -> W,
        input: impl FnOnce(&Value) -> W,
    ) -> Vec<W> {
        let mut words: Vec<W> = self.words.iter().map(|word| fixed(word)).collect();
        if let Some(region) = &self.region {
            words.extend([fixed("--region"), fixed(region)]);
        }
        if let Some(own) = &self.query {
            words.extend([fixed("--query"), query(own)]);
        }
        if let Some(own) = &self.input {
            words.extend([fixed("--cli-input-json"), input(own)]);
        }
        if self.secret.is_some() {
            words.extend([fixed("--value"), fixed("file:///dev/stdin")]);
        }
        words
    }

    /// What stands behind `aws`.
    pub(crate) fn words(&self) -> Vec<String> {
        self.words_with(str::to_owned, ToString::to_string, json)
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = &self.secret {
            write!(f, "printf %s \"${variable}\" | ")?;
        }
        f.write_str("aws")?;
        for word in self.words() {
            write!(f, " {}", quote(&word))?;
        }
        Ok(())
    }
}

impl Query {
    /// Code behind what is there.
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.0.push(Piece::Code(code.into()));
        self
    }

    /// A string literal behind it that means `text`.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.push(Piece::Text(text.to_owned()));
        self
    }

    /// What it is made of.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

impl From<&str> for Query {
    fn from(code: &str) -> Self {
        Self::default().code(code)
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Code(code) => f.write_str(code),
            Piece::Text(text) => write!(f, "'{}'", in_query(text)),
        })
    }
}

/// `word` as one word of a POSIX shell.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// `text` within a string literal of `JMESPath`.
pub(crate) fn in_query(text: &str) -> String {
    text.replace('\\', r"\\").replace('\'', r"\'")
}

/// `text` within a string of JSON; what would steer a terminal is escaped.
pub(crate) fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    // The quotation marks are around it.
    let within = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    printable::json(within).into_owned()
}

fn json(value: &Value) -> String {
    let mut text = String::new();
    write_json(value, &mut text, &mut |string, text| {
        text.push_str(&in_json(string));
    });
    text
}

/// Writes `value` without white space to `to`. What stands within the quotation marks of its strings is left
/// to `string`.
pub(crate) fn write_json<T: Extend<char>>(
    value: &Value,
    to: &mut T,
    string: &mut impl FnMut(&str, &mut T),
) {
    match value {
        Value::String(text) => {
            to.extend(['"']);
            string(text, to);
            to.extend(['"']);
        }
        Value::Array(items) => {
            to.extend(['[']);
            for (index, item) in items.iter().enumerate() {
                to.extend((index > 0).then_some(','));
                write_json(item, to, string);
            }
            to.extend([']']);
        }
        Value::Object(members) => {
            to.extend(['{']);
            for (index, (key, member)) in members.iter().enumerate() {
                to.extend((index > 0).then_some(','));
                to.extend(format!("\"{}\":", in_json(key)).chars());
                write_json(member, to, string);
            }
            to.extend(['}']);
        }
        other => to.extend(other.to_string().chars()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_word_survives_the_shell() {
        let words = [
            "plain-word",
            "",
            "two words",
            "it's",
            "$HOME `id` \"x\"",
            "a\nb",
            "*",
            "~",
            "\\",
            "ümläut",
            "#no comment",
            "!history",
            "a;b&c|d",
            "\u{e000}A\u{e001}",
        ];
        for word in words {
            let line = format!("printf %s {}", quote(word));
            let shell = std::process::Command::new("sh")
                .args(["-c", &line])
                .output();
            assert_eq!(
                String::from_utf8_lossy(&shell.unwrap().stdout),
                word,
                "{line}"
            );
        }
    }

    #[test]
    fn a_command_is_a_line_to_paste() {
        let command = Command::new(["ecs", "create-cluster"]).region("eu-west-1");
        let command = command.input(json!({"clusterName": "it's"}));
        assert_eq!(
            command.to_string(),
            r#"aws ecs create-cluster --region eu-west-1 --cli-input-json '{"clusterName":"it'\''s"}'"#
        );
    }

    #[test]
    fn a_secret_is_named_and_not_shown() {
        let command = Command::new(["ssm", "put-parameter"]).secret("CHAIN_TOKEN");
        assert_eq!(
            command.to_string(),
            "printf %s \"$CHAIN_TOKEN\" | aws ssm put-parameter --value file:///dev/stdin"
        );
    }

    #[test]
    fn texts_of_others_are_neither_code_nor_steer_a_terminal() {
        let query = Query::from("a[?b==").text("x' || 'y\\").code("]");
        assert_eq!(query.to_string(), r"a[?b=='x\' || \'y\\']");
        let value = json!({"k\u{9b}": ["\u{1b}\u{202e}\"\\", 1, null, true, {}]});
        let text = json(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(!text.contains(printable::is_harmful), "{text}");
    }
}
