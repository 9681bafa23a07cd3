//! The rules of an Application Load Balancer as pure logic: which target group a path leads to, and
//! which of its targets gets the request.

use crate::{
    Entry, Error, Step,
    listener::{Action, ActionType, ConditionField, CreateListener, CreateRule, RuleCondition},
};

mod balance;
mod path_pattern;
mod target_health;

pub use balance::{Algorithm, Balancer, Standing};
pub use path_pattern::{PathPattern, PatternError};
pub use target_health::{TargetHealth, TargetState};

/// A listener's rules, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    rules: Vec<Rule>,
    default: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    priority: u32,
    patterns: Vec<PathPattern>,
    target_group: String,
}

impl Router {
    /// Takes a listener's default action and `rules` in any order.
    ///
    /// [`Error::Field`] for what AWS would refuse, such as a priority that comes twice;
    /// [`Error::Unsupported`] for what AWS offers but is not played here: conditions other than
    /// path patterns, actions other than forwarding to one target group, transforms.
    pub fn new<'a>(
        listener: Entry<'a, CreateListener>,
        rules: impl IntoIterator<Item = Entry<'a, CreateRule>>,
    ) -> Result<Self, Error> {
        let default = forward(listener.step, "DefaultActions", &listener.default_actions)?;
        let mut sorted: Vec<Rule> = Vec::new();
        for entry in rules {
            let rule = Rule::new(entry)?;
            let place = sorted.binary_search_by_key(&rule.priority, |rule| rule.priority);
            let Err(place) = place else {
                let message = format!("{} is already another rule's priority", rule.priority);
                return Err(entry.step.fault("Priority", message));
            };
            sorted.insert(place, rule);
        }
        Ok(Self {
            rules: sorted,
            default,
        })
    }

    /// The paths that the rules name without a wildcard, by priority.
    pub fn exact_paths(&self) -> impl Iterator<Item = &str> {
        let patterns = self.rules.iter().flat_map(|rule| &rule.patterns);
        let paths = patterns.map(PathPattern::as_str);
        paths.filter(|path| !path.contains(['*', '?']))
    }

    /// The ARN of the target group that gets a request for `path`. A query behind it is ignored.
    #[must_use]
    pub fn route(&self, path: &str) -> &str {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let rule = self.rules.iter().find(|rule| rule.matches(path));
        rule.map_or(&self.default, |rule| &rule.target_group)
    }
}

impl Rule {
    fn new(entry: Entry<'_, CreateRule>) -> Result<Self, Error> {
        let step = entry.step;
        if !(1..=50_000).contains(&entry.priority) {
            let message = format!("{} is not within 1 and 50000", entry.priority);
            return Err(step.fault("Priority", message));
        }
        if entry.transforms.is_some() {
            return Err(unsupported(step, "Transforms", "a transform"));
        }
        let mut conditions = Vec::new();
        for (index, condition) in entry.conditions.iter().enumerate() {
            conditions.push(patterns(step, &format!("Conditions[{index}]"), condition)?);
        }
        if conditions.len() > 1 {
            let message = "a rule takes one path-pattern condition, with several values";
            return Err(step.fault("Conditions[1]", message));
        }
        let Some(patterns) = conditions.pop() else {
            return Err(step.fault("Conditions", "at least one condition is needed"));
        };
        Ok(Self {
            priority: entry.priority,
            patterns,
            target_group: forward(step, "Actions", &entry.actions)?,
        })
    }

    fn matches(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(path))
    }
}

/// The path patterns of a condition, whichever of the two forms it has.
fn patterns(
    step: &Step,
    field: &str,
    condition: &RuleCondition,
) -> Result<Vec<PathPattern>, Error> {
    if let Some((name, what)) = foreign(condition) {
        return Err(unsupported(step, format!("{field}.{name}"), what));
    }
    let long = condition.path_pattern_config.as_ref();
    let regular = long.is_some_and(|long| !long.regex_values.is_empty());
    if regular || !condition.regex_values.is_empty() {
        return Err(unsupported(step, field, "a regular expression"));
    }
    let (place, values) = match long {
        Some(_) if !condition.values.is_empty() => {
            let message = "`Values` and `PathPatternConfig` exclude each other";
            return Err(step.fault(field, message));
        }
        Some(long) => (format!("{field}.PathPatternConfig.Values"), &long.values),
        None if condition.field.is_none() => {
            return Err(step.fault(field, "`Field` is missing"));
        }
        None => (format!("{field}.Values"), &condition.values),
    };
    if values.is_empty() {
        return Err(step.fault(place, "at least one value is needed"));
    }
    let patterns = values.iter().enumerate().map(|(index, value)| {
        let fault =
            |error: PatternError| step.fault(format!("{place}[{index}]"), error.to_string());
        PathPattern::new(value).map_err(fault)
    });
    patterns.collect()
}

/// What a condition asks beyond the path: its member, and a name for it.
fn foreign(condition: &RuleCondition) -> Option<(&'static str, &'static str)> {
    let by_field = match condition.field {
        None | Some(ConditionField::PathPattern) => None,
        Some(ConditionField::HostHeader) => Some("a host-header condition"),
        Some(ConditionField::HttpHeader) => Some("an http-header condition"),
        Some(ConditionField::HttpRequestMethod) => Some("an http-request-method condition"),
        Some(ConditionField::QueryString) => Some("a query-string condition"),
        Some(ConditionField::SourceIp) => Some("a source-ip condition"),
    };
    if let Some(what) = by_field {
        return Some(("Field", what));
    }
    let configs = [
        ("HostHeaderConfig", condition.host_header_config.is_some()),
        ("HttpHeaderConfig", condition.http_header_config.is_some()),
        (
            "HttpRequestMethodConfig",
            condition.http_request_method_config.is_some(),
        ),
        ("QueryStringConfig", condition.query_string_config.is_some()),
        ("SourceIpConfig", condition.source_ip_config.is_some()),
    ];
    let (name, _) = configs.into_iter().find(|(_, given)| *given)?;
    Some((name, "this condition"))
}

/// The one target group a list of actions forwards to.
fn forward(step: &Step, field: &str, actions: &[Action]) -> Result<String, Error> {
    let [action] = actions else {
        let what = format!("{} actions instead of one", actions.len());
        return Err(unsupported(step, field, what));
    };
    let field = format!("{field}[0]");
    if action.kind != ActionType::Forward {
        return Err(unsupported(step, format!("{field}.Type"), "this action"));
    }
    let weighted = action
        .forward_config
        .iter()
        .flat_map(|config| &config.target_groups);
    let weighted = weighted.map(|group| group.target_group_arn.as_ref());
    let mut groups: Vec<_> = weighted
        .chain([action.target_group_arn.as_ref()])
        .flatten()
        .collect();
    groups.dedup();
    match groups.as_slice() {
        [] => Err(step.fault(field, "`TargetGroupArn` is missing")),
        [group] => Ok((*group).clone()),
        _ => Err(unsupported(step, field, "more than one target group")),
    }
}

fn unsupported(step: &Step, field: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Unsupported {
        file: step.file().to_owned(),
        field: field.into(),
        what: what.into(),
    }
}
