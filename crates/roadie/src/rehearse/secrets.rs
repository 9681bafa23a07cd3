//! Secrets of the rehearsal: from a local file, or made up, and never shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow, bail};
use ecs::Layout;
use ecs::container::Secret;
use ecs::printable::Shown;
use serde_json::Value;

/// Where containers get the values of their secrets; handles to it are cheap.
#[derive(Clone)]
pub(crate) struct Secrets(Arc<Source>);

enum Source {
    /// A file's path and what it says, by the variable's name or by what the task definition names.
    File(String, BTreeMap<String, String>),
    /// A random stand-in for each that is named, as for other values that only AWS can give.
    MadeUp(Mutex<BTreeMap<String, String>>),
}

impl Secrets {
    /// Those in `file`; without one, stand-ins.
    ///
    /// # Errors
    /// The file cannot be read, or is neither a JSON object of texts nor lines of `NAME=value`. The
    /// message names a line, never its words.
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            return Ok(Self(Arc::new(Source::MadeUp(Mutex::default()))));
        };
        let name = Shown(file).to_string();
        let bytes = ecs::file::read(file).with_context(|| name.clone())?;
        let text = String::from_utf8(bytes).map_err(|_| anyhow!("{name}: not UTF-8"))?;
        let values = parse(&text).with_context(|| name.clone())?;
        Ok(Self(Arc::new(Source::File(name, values))))
    }

    /// Makes sure that every secret of `layout` has a value.
    ///
    /// # Errors
    /// Names all that have none.
    pub(crate) fn cover(&self, layout: &Layout) -> anyhow::Result<()> {
        let definitions = layout.task_definitions();
        let containers = definitions.flat_map(|entry| &entry.body.container_definitions);
        let secrets = containers.flat_map(|container| &container.secrets);
        let missing = secrets.filter(|secret| self.get(secret).is_none());
        let missing: BTreeSet<_> = missing.map(|secret| &*secret.name).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let file = match &*self.0 {
            Source::File(name, _) => name,
            Source::MadeUp(_) => "secrets",
        };
        let missing: Vec<_> = missing.into_iter().collect();
        bail!("{file} has no value for {}", missing.join(", "))
    }

    /// The value of `secret`; none where the file has none.
    pub(crate) fn get(&self, secret: &Secret) -> Option<String> {
        match &*self.0 {
            Source::File(_, values) => values
                .get(&secret.name)
                .or_else(|| values.get(&secret.value_from))
                .cloned(),
            Source::MadeUp(values) => {
                let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
                let value = values.entry(secret.value_from.clone());
                let made_up = || format!("{:032x}", fastrand::u128(..));
                Some(value.or_insert_with(made_up).clone())
            }
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

fn parse(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    if text.trim_start().starts_with('{') {
        // An error of the parser may quote what it stumbled over.
        let object: BTreeMap<String, Value> = serde_json::from_str(text)
            .map_err(|error| anyhow::anyhow!("line {} is no JSON", error.line()))?;
        let texts = object.into_iter().map(|(name, value)| match value {
            Value::String(value) => Ok((name, value)),
            _ => bail!("{name} is not a text"),
        });
        return texts.collect();
    }
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let pair = line.split_once('=');
            let (name, value) =
                pair.with_context(|| format!("line {} is not NAME=value", number + 1))?;
            Ok((name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, from: &str) -> Secret {
        Secret {
            name: name.to_owned(),
            value_from: from.to_owned(),
        }
    }

    fn of(text: &str) -> Secrets {
        let values = parse(text).unwrap();
        Secrets(Arc::new(Source::File("file".to_owned(), values)))
    }

    #[test]
    fn a_file_is_an_object_or_lines_and_names_the_variable_or_the_secret() {
        for text in [
            r#"{"TOKEN": "a=b", "arn:other": "c"}"#,
            "# ours\nTOKEN=a=b\n\narn:other=c\n",
        ] {
            let secrets = of(text);
            let get = |name, from| secrets.get(&secret(name, from));
            assert_eq!(get("TOKEN", "arn:token").as_deref(), Some("a=b"));
            assert_eq!(get("OTHER", "arn:other").as_deref(), Some("c"));
            assert_eq!(get("NOBODY", "arn:nobody"), None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place_and_never_by_its_words() {
        for (text, message) in [
            ("A=1\nhunter2", "line 2 is not NAME=value"),
            ("{\n\"A\": hunter2}", "line 2 is no JSON"),
            ("{\"A\": 12345}", "A is not a text"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
        assert!(!format!("{:?}", of("A=hunter2")).contains("hunter2"));
    }

    #[test]
    fn without_a_file_one_secret_has_one_made_up_value_wherever_it_is_used() {
        let secrets = Secrets::read(None).unwrap();
        let paul = secrets.get(&secret("CHAIN_TOKEN", "arn:token"));
        let george = secrets.get(&secret("TOKEN", "arn:token"));
        assert!(paul.is_some() && paul == george);
        assert_ne!(paul, secrets.get(&secret("CHAIN_TOKEN", "arn:other")));
    }
}
