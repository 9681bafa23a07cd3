//! How one object names another: by name, by ARN, by `${VARIABLE}`.

use super::{
    kind::{Document, Kind},
    template,
};

/// The name inside an ARN, or the text itself; nothing when a variable hides it.
pub(super) fn name(kind: Kind, text: &str) -> Option<&str> {
    let (marker, last) = match kind {
        Kind::TaskDefinition => ("task-definition/", false),
        Kind::TargetGroup => ("targetgroup/", false),
        Kind::LoadBalancer => ("loadbalancer/", true),
        Kind::Service => ("service/", false),
        _ => ("", false),
    };
    let rest = match text.split_once(marker) {
        Some((_, rest)) if !marker.is_empty() && text.starts_with("arn:") => rest,
        _ => text,
    };
    let name = match kind {
        Kind::TaskDefinition => rest.split(':').next()?,
        Kind::TargetGroup => rest.split('/').next()?,
        Kind::LoadBalancer if last => rest.split('/').nth(1).unwrap_or(rest),
        Kind::Service => rest.rsplit('/').next()?,
        _ => rest,
    };
    (!name.is_empty() && !template::is_template(name)).then_some(name)
}

/// The ARN by which AWS describes the document.
pub(super) fn arn<'a>(document: &Document<'a>) -> Option<&'a str> {
    let key = match document.kind {
        Kind::TaskDefinition => "taskDefinitionArn",
        Kind::TargetGroup => "TargetGroupArn",
        Kind::LoadBalancer => "LoadBalancerArn",
        Kind::Listener => "ListenerArn",
        _ => return None,
    };
    document.node.text_at(key)
}

/// What the document calls itself.
pub(super) fn own_name<'a>(document: &Document<'a>) -> Option<&'a str> {
    let node = &document.node;
    let keys: &[&str] = match document.kind {
        Kind::TaskDefinition => &["family"],
        Kind::Service => &["serviceName", "service"],
        Kind::TargetGroup => &["Name", "TargetGroupName"],
        Kind::LoadBalancer => &["Name", "LoadBalancerName"],
        Kind::LogGroup => &["logGroupName"],
        Kind::Repository => &["repositoryName"],
        Kind::Alarm => &["AlarmName"],
        _ => &[],
    };
    keys.iter().find_map(|key| node.text_at(key))
}

/// The document's file as a part of a variable's name: `web-target-group.json` is what
/// `${WEB_TARGET_GROUP_ARN}` means where no plan says so.
pub(super) fn file_as_variable(document: &Document<'_>) -> String {
    document.node.source.stem().chars().map(upper).collect()
}

/// What of a variable's name is a file's.
pub(super) fn without_ending(name: &str) -> &str {
    ["_ARN", "_NAME", "_ID"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
}

fn upper(c: char) -> char {
    if c.is_ascii_alphanumeric() {
        c.to_ascii_uppercase()
    } else {
        '_'
    }
}
