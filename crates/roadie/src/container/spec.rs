//! What is asked for: a program or image, and what it is given.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Image;

/// What `roadie` itself can run in place of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Node,
    Client,
}

/// What a container runs, and with which environment.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// The container's command, behind the program.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) stop_timeout: Duration,
    /// More memory than this, and it is killed.
    pub(crate) memory_bytes: Option<u64>,
    /// Its task: no other has this name.
    pub(crate) place: String,
    /// Containers of its task that it knows by name: the container's name and the alias.
    pub(crate) links: Vec<(String, String)>,
    /// For an engine.
    pub(crate) image: Image,
}

impl Program {
    /// The program inside `image`, judged by the last part of its repository's name.
    pub(crate) fn of(image: &str) -> Option<Self> {
        let repository = image.split('@').next()?;
        let last = repository.rsplit('/').next()?;
        match last.split(':').next()? {
            "node" => Some(Self::Node),
            "client" => Some(Self::Client),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Client => "client",
        }
    }
}
