//! One call of the `aws` command: its words, its input, and how a shell would be given it.

use std::fmt::{self, Display};

use serde_json::Value;

/// Stands around the name of a shell's variable inside a value: characters no file has.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A call, ready to be run or printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    words: Vec<String>,
    input: Option<Value>,
    secret: Option<String>,
}

impl Command {
    /// `aws` and these words.
    pub(crate) fn new<const N: usize>(words: [&str; N]) -> Self {
        Self {
            words: words.map(str::to_owned).to_vec(),
            input: None,
            secret: None,
        }
    }

    /// One more word.
    pub(crate) fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// The body, for `--cli-input-json`.
    pub(crate) fn input(mut self, input: Value) -> Self {
        self.input = Some(input);
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

    /// What stands behind `aws`.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = self.words.clone();
        if let Some(input) = &self.input {
            words.extend(["--cli-input-json".to_owned(), input.to_string()]);
        }
        if self.secret.is_some() {
            words.extend(["--value".to_owned(), "file:///dev/stdin".to_owned()]);
        }
        words
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

/// A value that a shell knows as `$name` when the line is executed.
pub(crate) fn variable(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// `word` as one word of a POSIX shell; a [`variable`] in it becomes `"$name"`.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("'");
    for c in word.chars() {
        match c {
            '\'' => quoted.push_str(r"'\''"),
            OPEN => quoted.push_str("'\"${"),
            CLOSE => quoted.push_str("}\"'"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// `text` as a string literal of `JMESPath`, the language of `--query`.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
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
    fn a_variable_is_left_to_the_shell_as_one_word() {
        let line = format!(
            "A='x  y$z'; printf '<%s>' {}",
            quote(&format!("'{}'", variable("A")))
        );
        let shell = std::process::Command::new("sh")
            .args(["-c", &line])
            .output();
        assert_eq!(
            String::from_utf8_lossy(&shell.unwrap().stdout),
            "<'x  y$z'>"
        );
    }

    #[test]
    fn a_command_is_a_line_to_paste() {
        let command = Command::new(["ecs", "create-cluster"])
            .arg("--region")
            .arg("eu-west-1");
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
}
