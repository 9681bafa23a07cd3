//! Values in place of variables, in our own files.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{collections::BTreeMap, path::Path};

use ecs::Layout;

fn layout() -> Layout {
    Layout::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/ec2")).unwrap()
}

#[test]
fn a_rendered_layout_has_values_everywhere() {
    let layout = layout();
    let names = layout
        .variables()
        .into_iter()
        .chain(layout.outputs().map(ecs::Output::name));
    let values: BTreeMap<_, _> = names
        .map(|name| (name.to_owned(), format!("<{name}>")))
        .collect();
    let rendered = layout.render(&values).unwrap();
    assert!(rendered.variables().is_empty());
    for step in rendered.steps() {
        assert!(
            !step.input().to_string().contains("${"),
            "{}",
            step.file().display()
        );
    }
    let group = rendered.target_group("<NODE_TARGET_GROUP_ARN>").unwrap();
    assert_eq!(group.name, "microservice-ping-pong-node-tg");
    let router = rendered
        .router(rendered.listeners().next().unwrap())
        .unwrap();
    assert_eq!(router.route("/start"), "<NODE_TARGET_GROUP_ARN>");
    let definition = rendered.task_definitions().next().unwrap();
    assert_eq!(
        definition.container_definitions[0].env("RELEASE"),
        Some("<TAG>")
    );
}

#[test]
fn all_missing_values_are_listed_at_once() {
    let layout = layout();
    let mut values: BTreeMap<String, String> = layout
        .outputs()
        .map(|output| (output.name().to_owned(), "given".to_owned()))
        .collect();
    for name in [
        "ECR_REGISTRY",
        "SUBNET_A",
        "SUBNET_B",
        "AWS_REGION",
        "AWS_ACCOUNT_ID",
        "CHAIN_TOKEN",
    ] {
        values.insert(name.to_owned(), "given".to_owned());
    }
    let error = layout.render(&values).unwrap_err();
    let folder = format!("{}/", layout.dir().parent().unwrap().display());
    let message = error.to_string().replace(&folder, "");
    // Which of several places is named depends on the order in which objects are kept.
    let (tag, vpc) = message.split_once("), ").unwrap();
    let place = "no value for TAG (ec2/node-task-definition.json: containerDefinitions[0].";
    assert!(tag.starts_with(place), "{message}");
    let place = "VPC_ID (common/load-balancer-security-group.json: VpcId)";
    assert_eq!(vpc, place, "{message}");
}

#[test]
fn a_step_is_rendered_with_what_is_known_when_it_is_due() {
    let layout = layout();
    let listener = layout.listeners().next().unwrap();
    let balancer = ("LOAD_BALANCER_ARN".to_owned(), "arn:alb".to_owned());
    let mut values = BTreeMap::from([balancer]);
    let error = listener.step.render(&values).unwrap_err();
    assert!(
        error.to_string().contains("CLIENT_TARGET_GROUP_ARN"),
        "{error}"
    );
    values.insert("CLIENT_TARGET_GROUP_ARN".to_owned(), "arn:tg".to_owned());
    let rendered = listener.step.render(&values).unwrap();
    assert_eq!(rendered.input()["LoadBalancerArn"], "arn:alb");
    assert_eq!(
        rendered.input()["DefaultActions"][0]["TargetGroupArn"],
        "arn:tg"
    );
    assert_eq!(rendered.input()["Port"], 80);
}
