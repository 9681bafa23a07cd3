//! The few calls of the Docker Engine's API that a rehearsal makes.
//!
//! reqwest speaks to sockets of Unix, too, and is here already; a client library for all of the API would
//! bring a hundred thousand lines for these ten calls.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, Response, Url};
use serde_json::{Value, json};

/// The longest that an engine may take for what it does at once.
const LIMIT: Duration = Duration::from_mins(1);

/// An engine on this machine.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    base: String,
}

impl Api {
    /// The engine at `host`, in the form of `DOCKER_HOST`. Its ports have to be this machine's.
    ///
    /// # Errors
    /// The engine is elsewhere, or spoken to in another way than HTTP.
    pub(super) fn at(host: &str) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy();
        let (client, base) = if let Some(path) = host.strip_prefix("unix://") {
            // The name is not looked up: every connection goes to the socket.
            (
                client.unix_socket(path.to_owned()),
                "http://docker".to_owned(),
            )
        } else if let Some(address) = host.strip_prefix("tcp://").filter(|a| is_here(a)) {
            (client, format!("http://{address}"))
        } else {
            bail!(
                "DOCKER_HOST={host}: an engine on this machine is needed, at unix://… or tcp://127.0.0.1:…"
            );
        };
        let client = client.build().context("cannot start the HTTP client")?;
        Ok(Self { client, base })
    }

    /// Whether it answers.
    pub(super) async fn ping(&self) -> anyhow::Result<()> {
        self.call(Method::GET, "/_ping", None).await.map(drop)
    }

    pub(super) async fn has_image(&self, name: &str) -> anyhow::Result<bool> {
        let path = format!("/images/{name}/json");
        let answer = self.send(Method::GET, &path, None).await?;
        Ok(answer.status().is_success())
    }

    /// Creates a container; its id.
    pub(super) async fn create(&self, name: &str, body: &Value) -> anyhow::Result<String> {
        let path = format!("/containers/create?name={name}");
        let created = self.call(Method::POST, &path, Some(body)).await?;
        text(&created["Id"])
    }

    pub(super) async fn start(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/containers/{id}/start");
        self.call(Method::POST, &path, None).await.map(drop)
    }

    pub(super) async fn inspect(&self, id: &str) -> anyhow::Result<Value> {
        let path = format!("/containers/{id}/json");
        self.call(Method::GET, &path, None).await
    }

    pub(super) async fn signal(&self, id: &str, signal: &str) -> anyhow::Result<()> {
        let path = format!("/containers/{id}/kill?signal={signal}");
        self.call(Method::POST, &path, None).await.map(drop)
    }

    /// Waits until the container ends, however long that takes; its exit status.
    pub(super) async fn wait(&self, id: &str) -> anyhow::Result<i64> {
        let url = format!("{}/containers/{id}/wait", self.base);
        let answer = self.client.post(url).send().await.context("no engine")?;
        let ended = read(answer).await?;
        ended["StatusCode"].as_i64().context("no exit status")
    }

    /// What the container prints, from its beginning, as long as it runs.
    pub(super) async fn logs(&self, id: &str) -> anyhow::Result<Response> {
        let query = "follow=true&stdout=true&stderr=true";
        let url = format!("{}/containers/{id}/logs?{query}", self.base);
        self.client.get(url).send().await.context("no engine")
    }

    /// Runs `command` inside the container; its exit status.
    pub(super) async fn run(&self, id: &str, command: &[String]) -> anyhow::Result<i64> {
        let body = json!({"Cmd": command, "AttachStdout": true, "AttachStderr": true});
        let path = format!("/containers/{id}/exec");
        let created = self.call(Method::POST, &path, Some(&body)).await?;
        let run = text(&created["Id"])?;
        let body = json!({"Detach": false, "Tty": false});
        let path = format!("/exec/{run}/start");
        let started = self.send(Method::POST, &path, Some(&body)).await?;
        // What it prints ends when it does.
        started.bytes().await.context("cannot read the output")?;
        let ended = self
            .call(Method::GET, &format!("/exec/{run}/json"), None)
            .await?;
        ended["ExitCode"].as_i64().context("no exit status")
    }

    /// Ends the container, if it still runs, and takes it away.
    pub(super) async fn remove(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/containers/{id}?force=true&v=true");
        self.call(Method::DELETE, &path, None).await.map(drop)
    }

    /// The ids of all containers with this label, whatever state they are in.
    pub(super) async fn labelled(&self, label: &str) -> anyhow::Result<Vec<String>> {
        let mut url = Url::parse(&self.base).context("the engine's address")?;
        url.set_path("/containers/json");
        let filters = json!({"label": [label]}).to_string();
        url.query_pairs_mut()
            .append_pair("all", "true")
            .append_pair("filters", &filters);
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let found = self.call(Method::GET, &path, None).await?;
        found
            .as_array()
            .into_iter()
            .flatten()
            .map(|c| text(&c["Id"]))
            .collect()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        read(self.send(method, path, body).await?).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        request.timeout(LIMIT).send().await.context("no engine")
    }
}

/// The answer as JSON, nothing when there is none.
async fn read(answer: Response) -> anyhow::Result<Value> {
    let status = answer.status();
    let body = answer.bytes().await.context("no answer from the engine")?;
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    match status.is_success() {
        true => Ok(json),
        false => bail!(
            "the engine refuses: {}",
            json["message"].as_str().unwrap_or(status.as_str())
        ),
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("the engine did not say what was asked")
}

fn is_here(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::Api;

    #[test]
    fn only_an_engine_on_this_machine_will_do() {
        for here in [
            "unix:///run/docker.sock",
            "tcp://127.0.0.1:2375",
            "tcp://localhost:2375",
        ] {
            assert!(Api::at(here).is_ok(), "{here}");
        }
        for there in [
            "ssh://me@host",
            "tcp://10.0.0.1:2375",
            "npipe:////./pipe/docker",
            "",
        ] {
            let error = Api::at(there).unwrap_err().to_string();
            assert!(error.contains("on this machine"), "{error}");
        }
    }
}
