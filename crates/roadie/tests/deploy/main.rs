//! Deployments against moto, a stand-in for AWS, with the aws command: `ecs/test/run` runs these.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the functions around the tests may panic as the tests do"
)]

mod support;

use std::process::Command;

use self::support::{Cloud, SECRET};

#[test]
fn a_missing_value_is_told_before_the_first_call_and_with_all_others() {
    let roadie = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args(["deploy", "--layout", "ec2", "--tag", "latest"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env_clear()
        // No aws here: a call would be another error.
        .env("PATH", "/nowhere")
        .env("AWS_ACCOUNT_ID", "12")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!roadie.status.success());
    let error = String::from_utf8(roadie.stderr).unwrap();
    for name in [
        "AWS_REGION",
        "CHAIN_TOKEN",
        "SUBNET_A",
        "SUBNET_B",
        "VPC_ID",
    ] {
        assert!(error.contains(&format!("{name} has no value")), "{error}");
    }
    for wrong in ["AWS_ACCOUNT_ID \"12\"", "--tag latest"] {
        assert!(error.contains(wrong), "{error}");
    }
}

#[test]
fn more_minutes_than_a_clock_counts_are_bad_usage() {
    for command in [
        &["deploy", "--layout", "ec2", "--tag", "1", "--dry-run"][..],
        &["rollback"],
    ] {
        let roadie = Command::new(env!("CARGO_BIN_EXE_roadie"))
            .args(command)
            .args(["--patience", "18446744073709551615"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .env_clear()
            .env("PATH", "/nowhere")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert_eq!(roadie.status.code(), Some(2), "{command:?}");
    }
}

/// What is asked when everything of ours is gone, and the answer: what is others' is left.
const LEFT: [(&str, &str); 17] = [
    (
        "logs describe-log-groups --query logGroups[].logGroupName",
        "[\"microservice-ping-pong-other\"]",
    ),
    // A deleted cluster is INACTIVE for a while.
    (
        "ecs describe-clusters --clusters microservice-ping-pong-cluster default \
         --query clusters[?status=='ACTIVE'].clusterName",
        "[\"default\"]",
    ),
    (
        "iam list-instance-profiles --query InstanceProfiles[].InstanceProfileName",
        "[\"other\"]",
    ),
    ("iam list-roles --query Roles[].RoleName", "[]"),
    ("elbv2 describe-load-balancers --query LoadBalancers", "[]"),
    ("elbv2 describe-target-groups --query TargetGroups", "[]"),
    ("ecr describe-repositories --query repositories", "[]"),
    ("ssm describe-parameters --query Parameters", "[]"),
    (
        "ec2 describe-security-groups --query SecurityGroups[].GroupName",
        "[\"default\"]",
    ),
    (
        "ec2 describe-launch-templates --query LaunchTemplates",
        "[]",
    ),
    (
        "autoscaling describe-auto-scaling-groups --query AutoScalingGroups",
        "[]",
    ),
    ("cloudwatch describe-alarms --query MetricAlarms", "[]"),
    ("cloudwatch list-dashboards --query DashboardEntries", "[]"),
    (
        "application-autoscaling describe-scalable-targets --service-namespace ecs --query ScalableTargets",
        "[]",
    ),
    (
        "application-autoscaling describe-scaling-policies --service-namespace ecs --query ScalingPolicies",
        "[]",
    ),
    ("servicediscovery list-namespaces --query Namespaces", "[]"),
    ("ecs list-task-definitions --query taskDefinitionArns", "[]"),
];

/// Twice, a new release, back again, and away: the life of a layout.
fn life(layout: &str, test: &str) {
    let cloud = Cloud::new(test);
    let services = match layout {
        "ec2" => 2,
        _ => 5,
    };
    // Someone else's, with a name like ours, and one without.
    cloud.ask("logs create-log-group --log-group-name microservice-ping-pong-other");
    cloud.ask("ecs create-cluster --cluster-name default");
    cloud.ask("iam create-instance-profile --instance-profile-name other");

    let deploy = |tag: &str| cloud.roadie(&format!("deploy --layout {layout} --tag {tag}"));
    let first = deploy("a1-test").succeeded();
    assert!(first.changes().contains(&"ssm put-parameter"));
    let token = "ssm get-parameter --with-decryption --name /microservice-ping-pong/chain-token \
                 --query Parameter.Value";
    assert_eq!(cloud.ask(token), SECRET);

    let second = deploy("a1-test").succeeded();
    assert_eq!(second.changes(), [""; 0], "{}", second.stdout);

    let third = deploy("b2-test").succeeded();
    let registered = third
        .changes()
        .iter()
        .filter(|call| call.contains("register-task"))
        .count();
    let updated = third
        .changes()
        .iter()
        .filter(|call| call.contains("update-service"))
        .count();
    assert_eq!(
        (registered, updated),
        (services, services),
        "{}",
        third.stdout
    );
    assert_eq!(releases(&cloud), vec![("b2-test".to_owned(), 2); services]);

    let back = cloud.roadie("rollback").succeeded();
    assert_eq!(back.changes(), vec!["ecs update-service"; services]);
    assert_eq!(releases(&cloud), vec![("a1-test".to_owned(), 1); services]);
    let too_far = cloud.roadie("rollback");
    assert!(
        too_far.stderr.contains("no earlier revision"),
        "{}",
        too_far.stderr
    );
    let table = cloud.roadie("status").succeeded().stdout;
    assert!(
        table.contains("a1-test") && table.contains("ALARM"),
        "{table}"
    );

    let refused = cloud.roadie("destroy");
    assert!(
        !refused.success && refused.changes().is_empty(),
        "{}",
        refused.stdout
    );
    let gone = cloud.roadie("destroy --yes").succeeded();
    assert!(!gone.changes().is_empty());
    let left = cloud.roadie("destroy --yes").succeeded();
    assert!(left.stdout.contains("nothing of ours"), "{}", left.stdout);
    for (look, left) in LEFT {
        assert_eq!(cloud.ask(look).to_string(), left, "{look}");
    }
}

/// Release and revision of each service.
fn releases(cloud: &Cloud) -> Vec<(String, u64)> {
    let status = cloud.roadie("status --format json").succeeded();
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let services = status["services"].as_array().unwrap().iter();
    services
        .map(|service| {
            let revision = service["revision"].as_str().unwrap().rsplit(':').next();
            let release = service["release"].as_str().unwrap().to_owned();
            (release, revision.unwrap().parse().unwrap())
        })
        .collect()
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn the_ec2_layout_is_deployed_rolled_back_and_destroyed() {
    life("ec2", "life-ec2");
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn the_fargate_layout_is_deployed_rolled_back_and_destroyed() {
    life("fargate", "life-fargate");
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn what_someone_changed_is_changed_back() {
    let cloud = Cloud::new("drift");
    let deploy = "deploy --layout ec2 --tag a1-test";
    cloud.roadie(deploy).succeeded();
    cloud.ask("logs put-retention-policy --log-group-name microservice-ping-pong-node --retention-in-days 1");
    cloud.ask("cloudwatch delete-alarms --alarm-names microservice-ping-pong-alb-5xx");
    let arn = cloud.ask("elbv2 describe-target-groups --names microservice-ping-pong-node-tg --query TargetGroups[0].TargetGroupArn");
    let arn = arn.as_str().unwrap();
    cloud.ask(&format!(
        "elbv2 modify-target-group --target-group-arn {arn} --health-check-path /elsewhere"
    ));
    let run = cloud.roadie(deploy).succeeded();
    let expected = [
        "logs put-retention-policy",
        "elbv2 modify-target-group",
        "cloudwatch put-metric-alarm",
    ];
    assert_eq!(run.changes(), expected, "{}", run.stdout);
    assert!(
        run.stdout.contains("differs: HealthCheckPath"),
        "{}",
        run.stdout
    );
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn a_rolled_back_deployment_is_a_failure_with_its_reason() {
    let mut cloud = Cloud::new("rolled-back");
    cloud
        .roadie("deploy --layout ec2 --tag a1-test")
        .succeeded();
    let family = "arn:aws:ecs:eu-west-1:123456789012:task-definition/microservice-ping-pong";
    cloud.set("AWS_TEST_ROLLBACK", &format!("{family}-node-td:1"));
    let failed = cloud.roadie("deploy --layout ec2 --tag b2-test");
    assert!(!failed.success, "{}", failed.stdout);
    for part in [
        "rolled back",
        "microservice-ping-pong-node-td:1",
        "tasks failed to start",
    ] {
        assert!(failed.stderr.contains(part), "{}", failed.stderr);
    }
    let completed = failed.calls.iter().any(|call| call == "ecs tag-resource");
    assert!(
        !completed,
        "a release that was rolled back is no release to go back to"
    );
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn the_script_does_what_a_deployment_does() {
    for layout in ["ec2", "fargate"] {
        let mut cloud = Cloud::new(&format!("script-{layout}"));
        let deploy = format!("deploy --layout {layout} --tag a1-test");
        // The secret is not needed to write the script, only to run it.
        cloud.unset("CHAIN_TOKEN");
        let script = cloud.roadie(&format!("{deploy} --dry-run")).succeeded();
        assert!(script.calls.is_empty(), "{:?}", script.calls);
        let refused = cloud.sh(&script.stdout);
        assert!(refused.stderr.contains("CHAIN_TOKEN") && refused.calls.is_empty());
        cloud.set("CHAIN_TOKEN", SECRET);
        cloud.sh(&script.stdout).succeeded();
        // A deployment looks at everything and finds nothing to do.
        let after = cloud.roadie(&deploy).succeeded();
        assert_eq!(after.changes(), [""; 0], "{}", after.stdout);
        // Run again it makes nothing twice.
        let again = cloud.sh(&script.stdout).succeeded();
        let made = again
            .changes()
            .into_iter()
            .filter(|call| call.contains(" create-"));
        let made: Vec<&str> = made.filter(|call| !call.ends_with("-version")).collect();
        assert_eq!(made, [""; 0]);
        assert!(!again.changes().contains(&"ecs register-task-definition"));
    }
}

#[test]
#[ignore = "needs the aws command and a moto server: ecs/test/run"]
fn killed_after_any_step_it_finishes_when_run_again() {
    // Each run makes so many changes and is killed before it knows of the last one.
    let stride = std::env::var("AWS_TEST_STRIDE").unwrap_or_else(|_| "5".to_owned());
    let mut cloud = Cloud::new("killed");
    cloud.set("AWS_TEST_KILL", &stride);
    let mut kills = 0;
    let last = loop {
        let run = cloud.roadie("deploy --layout ec2 --tag a1-test");
        if run.success {
            break run;
        }
        let made = run.changes().len().to_string();
        assert_eq!(made, stride, "{}\n{}", run.stdout, run.stderr);
        kills += 1;
        assert!(kills < 200, "it does not come to an end");
    };
    assert!(last.changes().len() < stride.parse().unwrap());
    assert!(kills > 5, "{kills}");
    cloud.unset("AWS_TEST_KILL");
    let after = cloud
        .roadie("deploy --layout ec2 --tag a1-test")
        .succeeded();
    assert_eq!(after.changes(), [""; 0], "{}", after.stdout);
}
