//! Attributes of load balancers and target groups: settings with dotted names and text values.

use std::time::Duration;

use serde::Deserialize;

/// One attribute. Keys that end in `_seconds` have a whole number as their value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Text")]
pub struct Attribute {
    /// Its name, for example `idle_timeout.timeout_seconds`.
    pub key: String,
    /// Its value, as AWS takes it: always text.
    pub value: String,
}

/// The attribute `key` as a time; nothing if it is not among `attributes`.
pub(crate) fn seconds(attributes: &[Attribute], key: &str) -> Option<Duration> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    attribute.value.parse().ok().map(Duration::from_secs)
}

#[derive(Deserialize)]
#[serde(rename = "Attribute", rename_all = "PascalCase", deny_unknown_fields)]
struct Text {
    key: String,
    #[serde(default)]
    value: String,
}

impl TryFrom<Text> for Attribute {
    type Error = String;

    fn try_from(Text { key, value }: Text) -> Result<Self, String> {
        if key.ends_with("_seconds") && value.parse::<u32>().is_err() {
            return Err(format!(
                "`{key}` is a whole number of seconds, not `{value}`"
            ));
        }
        Ok(Self { key, value })
    }
}
