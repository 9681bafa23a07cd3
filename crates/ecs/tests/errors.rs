//! What is wrong with a layout is told by file and field.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use ecs::{Error, Layout};

/// A copy of our own files that a test may spoil.
struct Spoilt(PathBuf);

impl Spoilt {
    fn new(test: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs");
        for folder in ["common", "alb", "ec2"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
            for file in fs::read_dir(own.join(folder)).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), dir.join(folder).join(file.file_name())).unwrap();
            }
        }
        Self(dir.join("ec2"))
    }

    /// Replaces the first `from`, which must be there.
    fn edit(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
        self
    }

    fn error(&self) -> Error {
        Layout::read(&self.0).unwrap_err()
    }

    /// The error as people see it, without the folders around the plan's.
    fn message(&self) -> String {
        let own = format!("{}/", self.0.display());
        let above = own.trim_end_matches("ec2/");
        let message = self.error().to_string().replace(&own, "");
        message.replace(above, "../")
    }
}

#[test]
fn a_missing_file_is_named() {
    let spoilt = Spoilt::new("missing");
    fs::remove_file(spoilt.0.join("client-service.json")).unwrap();
    let error = spoilt.error();
    assert!(matches!(error, Error::Read { .. }));
    // A cause that is in the message is not told again behind it.
    assert!(std::error::Error::source(&error).is_none(), "{error}");
    assert!(
        spoilt.message().starts_with("client-service.json: "),
        "{}",
        spoilt.message()
    );
}

#[test]
fn a_folder_without_a_plan_says_so() {
    let error = Layout::read(Path::new("no/such/folder")).unwrap_err();
    assert!(
        error.to_string().starts_with("no/such/folder/plan.json: "),
        "{error}"
    );
}

#[test]
fn broken_json_is_told_by_line_and_column() {
    let spoilt =
        Spoilt::new("syntax").edit("../alb/listener.json", "\"Port\": 80,", "\"Port\": 80");
    assert!(matches!(
        spoilt.error(),
        Error::Syntax {
            line: 5,
            column: 3,
            ..
        }
    ));
    assert_eq!(
        spoilt.message(),
        "../alb/listener.json:5:3: not JSON: expected `,` or `}`"
    );
}

#[test]
fn a_wrong_value_is_told_by_file_and_field() {
    let node = "node-task-definition.json";
    let table = [
        (
            node,
            "\"memory\": 512",
            "\"memory\": \"512\"",
            "node-task-definition.json: containerDefinitions[0].memory: \
             invalid type: string \"512\", expected u32",
        ),
        (
            node,
            "\"memory\": 512",
            "\"memory\": null",
            "node-task-definition.json: containerDefinitions[0].memory: \
             null is not a value; leave it out",
        ),
        (
            node,
            "\"memory\": 512",
            "\"memory\": 512, \"memory\": 512",
            "node-task-definition.json: containerDefinitions[0]: duplicate field `memory`",
        ),
        (
            node,
            "\"family\"",
            "\"familiy\"",
            "node-task-definition.json: familiy: unknown field `familiy`, expected one of",
        ),
        (
            node,
            "\"image\": \"${ECR_REGISTRY}/microservice-ping-pong/node:${TAG}\",",
            "",
            "node-task-definition.json: containerDefinitions[0]: missing field `image`",
        ),
        (
            node,
            "\"HEALTHY\"",
            "\"HEALTY\"",
            "node-task-definition.json: containerDefinitions[0].dependsOn[0].condition: \
             unknown variant `HEALTY`, expected one of `START`",
        ),
        (
            node,
            "\"hostPort\": 0",
            "\"hostPort\": 70000",
            "node-task-definition.json: containerDefinitions[0].portMappings[0].hostPort: \
             invalid value: integer `70000`, expected u16",
        ),
        (
            "client-target-group.json",
            "\"200\"",
            "\"ok\"",
            "client-target-group.json: Matcher.HttpCode: `ok` is no list of status codes",
        ),
        (
            "client-target-group-attributes.json",
            "\"10\"",
            "\"10s\"",
            "client-target-group-attributes.json: Attributes[0]: \
             `deregistration_delay.timeout_seconds` is a whole number of seconds, not `10s`",
        ),
    ];
    for (index, (file, from, to, expected)) in table.into_iter().enumerate() {
        let spoilt = Spoilt::new(&format!("field-{index}")).edit(file, from, to);
        assert!(matches!(spoilt.error(), Error::Field { .. }));
        let message = spoilt.message();
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

#[test]
fn a_plan_cannot_name_a_call_we_do_not_know() {
    let spoilt = Spoilt::new("call").edit("plan.json", "elbv2 create-listener", "elbv2 delete-all");
    assert!(matches!(spoilt.error(), Error::UnknownCall { .. }));
    let message = spoilt.message();
    let expected = "plan.json: [33].call: unknown call `elbv2 delete-all`, expected one of `ecs";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_plan_has_only_the_fields_we_know() {
    let spoilt = Spoilt::new("plan").edit("plan.json", "\"output\"", "\"outputs\"");
    let message = spoilt.message();
    assert!(
        message.starts_with("plan.json: [10].outputs: unknown field"),
        "{message}"
    );
}

#[test]
fn an_output_has_one_producer() {
    let twice = "\"LISTENER_ARN\": \"A[0].B\", \"LISTENER_ARN\"";
    for (index, (from, to, expected)) in [
        (
            "\"LISTENER_ARN\"",
            "\"LOAD_BALANCER_ARN\"",
            "plan.json: [33].output.LOAD_BALANCER_ARN: the output `LOAD_BALANCER_ARN` is already \
             the one of [27].output.LOAD_BALANCER_ARN",
        ),
        (
            "\"LISTENER_ARN\"",
            twice,
            "plan.json: [33].output.LISTENER_ARN: the output `LISTENER_ARN` is already the one of \
             [33].output.LISTENER_ARN",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let spoilt = Spoilt::new(&format!("output-{index}")).edit("plan.json", from, to);
        assert!(matches!(spoilt.error(), Error::DuplicateOutput { .. }));
        assert_eq!(spoilt.message(), expected);
    }
}

#[test]
fn an_output_needs_a_name_and_a_path_that_can_be_used() {
    let spoilt = Spoilt::new("output-name").edit("plan.json", "\"LISTENER_ARN\"", "\"listener\"");
    assert!(matches!(spoilt.error(), Error::BadVariableName { .. }));
    let spoilt = Spoilt::new("output-path").edit("plan.json", "Listeners[0]", "Listeners[]");
    assert_eq!(
        spoilt.message(),
        "plan.json: [33].output.LISTENER_ARN: `Listeners[].ListenerArn` is no path like \
         `Listeners[0].ListenerArn`"
    );
}

#[test]
fn an_output_cannot_be_used_before_its_step() {
    let spoilt = Spoilt::new("early").edit(
        "client-target-group.json",
        "${VPC_ID}",
        "${NODE_TARGET_GROUP_ARN}",
    );
    assert!(matches!(spoilt.error(), Error::UsedTooEarly { .. }));
    assert_eq!(
        spoilt.message(),
        "client-target-group.json: VpcId: `NODE_TARGET_GROUP_ARN` is known only after \
         node-target-group.json"
    );
}

#[test]
fn a_variable_cannot_stand_in_a_key() {
    let spoilt = Spoilt::new("key").edit(
        "client-task-definition.json",
        "\"awslogs-region\"",
        "\"${OPTION}\"",
    );
    assert!(matches!(spoilt.error(), Error::VariableInKey { .. }));
    assert_eq!(
        spoilt.message(),
        "client-task-definition.json: containerDefinitions[0].logConfiguration.options: \
         a variable cannot stand in the key `${OPTION}`"
    );
}

#[test]
fn a_variable_must_be_closed() {
    let spoilt =
        Spoilt::new("unclosed").edit("../alb/load-balancer.json", "${SUBNET_B}", "${SUBNET_B");
    assert!(matches!(spoilt.error(), Error::UnclosedVariable { .. }));
    assert_eq!(
        spoilt.message(),
        "../alb/load-balancer.json: Subnets[1]: `${` is never closed"
    );
}

#[test]
fn a_variable_must_have_a_proper_name() {
    for (index, name) in ["", "tag", "TAG:-latest", "SUBNET B"]
        .into_iter()
        .enumerate()
    {
        let spoilt = Spoilt::new(&format!("name-{index}"));
        let variable = format!("${{{name}}}");
        let spoilt = spoilt.edit("../alb/load-balancer.json", "${SUBNET_B}", &variable);
        assert!(matches!(spoilt.error(), Error::BadVariableName { .. }));
        assert_eq!(
            spoilt.message(),
            format!(
                "../alb/load-balancer.json: Subnets[1]: `{name}` is no variable name: \
                 use A-Z, 0-9 and _, a letter first"
            )
        );
    }
}
