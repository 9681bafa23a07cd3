//! Images and the repositories they come from.

use crate::lint::{finding::Findings, node::Node, rule::topic, task::Task};

topic! { "Images";
    IMAGE_MISSING = Error "image-missing" {
        what: "A container has no image.",
        aws: "ECS refuses it.",
        fix: "Name the image, with registry and tag.",
    }
    IMAGE_TAG_MUTABLE = Warning "image-tag-mutable" {
        what: "An image has the tag `latest`, or none, which means `latest`.",
        aws: "Each revision of the task definition names the same tag, so a rollback goes back to a definition that may fetch the broken image again.",
        fix: "Use a tag that is never moved, such as a Git commit, or a digest.",
    }
    REPOSITORY_MUTABLE = Warning "repository-mutable" {
        what: "A repository lets tags be moved.",
        aws: "Whoever pushes a tag again changes what a finished deployment starts next.",
        fix: "Set `imageTagMutability` to `IMMUTABLE`.",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        let Some(image) = container.node.get("image") else {
            let message = format!("the container `{}` has no image", container.label());
            found.add(&IMAGE_MISSING, &container.node, message);
            continue;
        };
        if image.text() == Some("") {
            found.add(&IMAGE_MISSING, &image, "the image is empty");
        } else if let Some(message) = image.text().and_then(moving_tag) {
            found.add(&IMAGE_TAG_MUTABLE, &image, message);
        }
    }
}

pub(super) fn check_repository(node: &Node<'_>, found: &mut Findings) {
    let mutability = node.text_at("imageTagMutability").unwrap_or("MUTABLE");
    if mutability == "MUTABLE" {
        let place = node.get_or_self("imageTagMutability");
        found.add(
            &REPOSITORY_MUTABLE,
            &place,
            "tags of this repository can be moved",
        );
    }
}

/// What is wrong with the tag, if it is one that moves.
fn moving_tag(image: &str) -> Option<&'static str> {
    // A variable without a tag behind it may well bring one.
    if image.contains('@') || image.ends_with(['}', '>', '%']) {
        return None;
    }
    let last = image.rsplit('/').next()?;
    match last.split_once(':') {
        Some((_, "latest")) => Some("the tag `latest` means another image tomorrow"),
        Some(_) => None,
        None if image.starts_with('$') && !image.contains('/') => None,
        None => Some("no tag means `latest`, which is another image tomorrow"),
    }
}
