//! ECS's task metadata endpoint, version 4, as far as a task needs it to know where it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::control::Refusal;
use super::scratch::Token;

/// What is known of the tasks that run; handles to it are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    base: Arc<str>,
    tasks: Arc<Mutex<BTreeMap<String, Value>>>,
}

/// A task that can ask about itself; ends when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    metadata: Metadata,
    token: String,
}

/// Who a task is.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) family: &'a str,
    pub(crate) number: u64,
    pub(crate) revision: u64,
    pub(crate) zone: &'a str,
    pub(crate) containers: &'a [&'a str],
}

impl Metadata {
    /// An endpoint that will be served at `base`.
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.into(),
            tasks: Arc::default(),
        }
    }

    /// What tasks ask, and nothing that shows one task another.
    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/v4/{token}/task", get(task))
            .with_state(self.clone())
    }

    /// Answers for `task` from now on, at a path that only the task is told: ECS has no other protection
    /// for it, either.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn enter(&self, task: &Task<'_>) -> anyhow::Result<Entry> {
        let cluster = task.cluster;
        let arn = |kind: &str, id: &str| {
            format!("arn:aws:ecs:rehearsal:000000000000:{kind}/{cluster}/{id}")
        };
        let containers = task.containers.iter().map(|name| json!({"Name": name}));
        let answer = json!({
            "Cluster": cluster,
            "TaskARN": arn("task", &format!("task-{}", task.number)),
            "Family": task.family,
            "Revision": task.revision.to_string(),
            "AvailabilityZone": task.zone,
            "Containers": containers.collect::<Vec<_>>(),
        });
        let token = Token::random()?.expose().to_owned();
        self.tasks().insert(token.clone(), answer);
        Ok(Entry {
            metadata: self.clone(),
            token,
        })
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// The value of `ECS_CONTAINER_METADATA_URI_V4`.
    pub(crate) fn uri(&self) -> String {
        format!("{}/v4/{}", self.metadata.base, self.token)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.metadata.tasks().remove(&self.token);
    }
}

async fn task(
    State(metadata): State<Metadata>,
    token: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Refusal> {
    let known = token.ok();
    let known = known.and_then(|Path(token)| metadata.tasks().get(&token).cloned());
    known
        .map(Json)
        .ok_or_else(|| Refusal::unknown("no task has this endpoint"))
}
