//! The images of a layout: built here, pushed once under their immutable tag.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command as Process, Stdio};

use anyhow::{Context, bail};
use ecs::Layout;
use ecs::name::patterns::{IMAGE, IMAGE_TAG, REPOSITORY};
use serde_json::json;

use crate::aws::Runner;
use crate::aws::command::quote;
use crate::aws::look::{Look, ask, one_of};

/// An image that a task definition takes from our registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Image {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tag: String,
    /// As Docker names it: `arm64` or `amd64`.
    pub(crate) architecture: String,
}

impl Image {
    /// Its name in the registry.
    pub(crate) fn remote(&self) -> String {
        format!("{}/{}", self.registry, self.local())
    }

    /// Its name on this machine.
    pub(crate) fn local(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    /// Finds its tag in the registry.
    pub(crate) fn look(&self) -> Look {
        let input = json!({"repositoryName": self.repository});
        let query = one_of("imageIds", "imageTag", &self.tag);
        ask(["ecr", "list-images"], input, query)
    }

    /// Builds it.
    pub(crate) fn build(&self) -> String {
        let program = self.repository.rsplit('/').next().unwrap_or_default();
        let (platform, name) = (format!("linux/{}", self.architecture), self.local());
        let words = [
            "docker",
            "build",
            "--platform",
            &platform,
            "--target",
            program,
        ];
        let more = ["--tag", &name, "--file", "docker/Dockerfile", "."];
        let words: Vec<String> = words.iter().chain(&more).map(|word| quote(word)).collect();
        words.join(" ")
    }
}

/// All images of our registry, each once.
///
/// # Errors
/// One has a name that is none of an image.
pub(crate) fn of(
    layout: &Layout,
    values: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeSet<Image>> {
    let fill = |text: &str| {
        let given = values.iter();
        given.fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        })
    };
    let registry = values.get("ECR_REGISTRY").cloned().unwrap_or_default();
    let mut images = BTreeSet::new();
    for definition in layout.task_definitions() {
        let platform = definition.runtime_platform.as_ref();
        let cpu = platform.and_then(|platform| platform.cpu_architecture.as_deref());
        for container in &definition.container_definitions {
            let image = fill(&container.image);
            let Some(rest) = image.strip_prefix(&format!("{registry}/")) else {
                continue;
            };
            let Some((repository, tag)) = rest.rsplit_once(':') else {
                continue;
            };
            // They become words of `docker`.
            IMAGE.check(&image).map_err(anyhow::Error::msg)?;
            REPOSITORY.check(repository).map_err(anyhow::Error::msg)?;
            IMAGE_TAG.check(tag).map_err(anyhow::Error::msg)?;
            images.insert(Image {
                registry: registry.clone(),
                repository: repository.to_owned(),
                tag: tag.to_owned(),
                architecture: if cpu == Some("ARM64") {
                    "arm64"
                } else {
                    "amd64"
                }
                .to_owned(),
            });
        }
    }
    Ok(images)
}

/// Pushes what the registry lacks; the number of images pushed.
pub(crate) fn push(
    runner: &Runner,
    layout: &Layout,
    values: &BTreeMap<String, String>,
) -> anyhow::Result<usize> {
    let mut lacking = Vec::new();
    for image in of(layout, values)? {
        runner.log().say(&format!("# image {}", image.local()));
        match runner.look(&image.look())?.is_null() {
            true => lacking.push(image),
            false => runner.log().say("#   is in the registry"),
        }
    }
    for image in &lacking {
        check(image)?;
    }
    if let Some(image) = lacking.first() {
        login(runner, &image.registry)?;
    }
    for image in &lacking {
        docker(runner, &["tag", &image.local(), &image.remote()])?;
        docker(runner, &["push", &image.remote()])?;
    }
    Ok(lacking.len())
}

/// Whether the image is on this machine, for the processor it is going to run on.
fn check(image: &Image) -> anyhow::Result<()> {
    let format = "{{.Architecture}}";
    let output = Process::new("docker")
        .args(["image", "inspect", "--format", format, &image.local()])
        .output()
        .context("cannot run docker")?;
    if !output.status.success() {
        bail!(
            "no image {} here; build it:\n  {}",
            image.local(),
            image.build()
        );
    }
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if found != image.architecture {
        bail!(
            "image {} is for {found}, its tasks run on {}; build it again:\n  {}",
            image.local(),
            image.architecture,
            image.build()
        );
    }
    Ok(())
}

/// Hands the registry's password from one command to the other; it is seen nowhere.
fn login(runner: &Runner, registry: &str) -> anyhow::Result<()> {
    let aws = ["ecr", "get-login-password", "--region", runner.region()];
    let docker = ["login", "--username", "AWS", "--password-stdin", registry];
    let line = format!("aws {} | docker {}", aws.join(" "), docker.join(" "));
    runner.log().say(&line);
    let password = Process::new("aws")
        .args(aws)
        .output()
        .context("cannot run aws")?;
    if !password.status.success() {
        bail!("{}", String::from_utf8_lossy(&password.stderr).trim());
    }
    let child = Process::new("docker")
        .args(docker)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut child = child.context("cannot run docker")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(&password.stdout)
            .context("cannot hand the password over")?;
    }
    if !child.wait()?.success() {
        bail!("docker could not log in to {registry}");
    }
    Ok(())
}

fn docker(runner: &Runner, words: &[&str]) -> anyhow::Result<()> {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    runner.log().say(&format!("docker {}", quoted.join(" ")));
    let status = Process::new("docker")
        .args(words)
        .status()
        .context("cannot run docker")?;
    if !status.success() {
        bail!("docker {} failed", words.join(" "));
    }
    Ok(())
}
