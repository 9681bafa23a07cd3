//! What nodes say to each other, and to whoever asks for more than meows.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Code;

/// How much time a hop has, in whole milliseconds. It comes with every `POST /meow` of a rally.
pub(crate) const TIMEOUT_HEADER: &str = "x-request-timeout-ms";

/// One link of the chain, as its caller saw it and as it told of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hop {
    /// The node that was called.
    pub(crate) node: String,
    /// The node that called it.
    pub(crate) from: String,
    /// What it said; a broken hop said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meow: Option<String>,
    /// How many hops lie between it and the start, itself included.
    pub(crate) depth: usize,
    /// From its caller's request to its complete answer, all hops behind it included.
    pub(crate) duration_us: u64,
    /// The part of it that the node itself took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own_us: Option<u64>,
    /// The label of the revision that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<String>,
    /// Which of several equal processes answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<Instance>,
    /// The status of the hop, or the one its failure stands for.
    pub(crate) status: u16,
    /// The class of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
}

/// One process among several that are configured alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// The ECS task, else host name and process id.
    pub(crate) id: String,
    /// Where it runs, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) availability_zone: Option<String>,
}

/// The answer to `?detail=hops`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The node that was asked.
    pub(crate) node: String,
    pub(crate) release: String,
    pub(crate) instance: Instance,
    pub(crate) meows: Vec<String>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) trace_id: String,
    /// From the arrival of the request to its answer.
    pub(crate) total_us: u64,
}

/// What this node reads of another one's error.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorEnvelope {
    pub(crate) message: ErrorMessage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ErrorMessage {
    pub(crate) code: Code,
    #[serde(deserialize_with = "name")]
    pub(crate) hop: String,
    #[serde(deserialize_with = "sentence")]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) meows: Vec<String>,
    #[serde(default)]
    pub(crate) hops: Vec<Hop>,
}

/// The longest name of a hop: a host's name and a port.
const MAX_HOP_BYTES: usize = 260;

/// The longest sentence that is passed on.
const MAX_DETAIL_CHARS: usize = 200;

/// A hop's name goes into answers and logs: it has to look like one.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let fits =
        (1..=MAX_HOP_BYTES).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    match fits {
        true => Ok(name),
        false => Err(D::Error::custom("not the name of a hop")),
    }
}

/// A sentence goes into answers and logs: it is one line, and not a long one.
fn sentence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Ok(line.take(MAX_DETAIL_CHARS).collect())
}
