//! Which of several equal processes this is: on ECS the task and its zone, elsewhere host and process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;

use crate::wire::Instance;

/// The metadata endpoint is on the same host; what it has not said by then is not worth waiting for.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// This process, as far as it is known by now.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    local: Arc<Instance>,
    task: Arc<OnceLock<Instance>>,
}

/// The part of ECS's answer to `/task` that is of use; everything is optional, nothing is fatal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskMetadata {
    #[serde(rename = "TaskARN")]
    task_arn: Option<String>,
    family: Option<String>,
    revision: Option<String>,
    availability_zone: Option<String>,
}

impl Identity {
    /// Host name and process id for now; what ECS says of the task as soon as it has said it.
    pub(crate) fn discover(metadata_uri: &str) -> Self {
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let identity = Self {
            local: Arc::new(Instance {
                id: format!("{host}-{}", std::process::id()),
                availability_zone: None,
            }),
            task: Arc::default(),
        };
        if !metadata_uri.is_empty() {
            let (uri, task) = (format!("{metadata_uri}/task"), Arc::clone(&identity.task));
            tokio::spawn(async move {
                match read(&uri).await {
                    Ok(metadata) => metadata.note(&task),
                    Err(why) => tracing::warn!(why, "no task metadata"),
                }
            });
        }
        identity
    }

    pub(crate) fn get(&self) -> &Instance {
        self.task.get().unwrap_or(&self.local)
    }
}

async fn read(uri: &str) -> Result<TaskMetadata, String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(METADATA_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let answer = client.get(uri).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let body = answer
        .map_err(|error| error.without_url().to_string())?
        .bytes()
        .await;
    let body = body.map_err(|error| error.without_url().to_string())?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

impl TaskMetadata {
    fn note(self, task: &OnceLock<Instance>) {
        let arn = self.task_arn.unwrap_or_default();
        let Some(id) = arn.rsplit('/').next().filter(|id| !id.is_empty()) else {
            tracing::warn!("task metadata without a TaskARN");
            return;
        };
        tracing::info!(
            task = id,
            family = self.family,
            revision = self.revision,
            availability_zone = self.availability_zone,
            "running as an ECS task"
        );
        let _ = task.set(Instance {
            id: id.to_owned(),
            availability_zone: self.availability_zone,
        });
    }
}
