//! What nodes say to each other, and to whoever asks for more than meows.

use serde::{Deserialize, Serialize};

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
    pub(crate) status: u16,
    pub(crate) code: Code,
    pub(crate) hop: String,
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) meows: Vec<String>,
    #[serde(default)]
    pub(crate) hops: Vec<Hop>,
}
