//! Files of any size: four times as much takes about four times as long, whatever there is much of.

use std::time::Duration;

use ecs::lint::SourceFile;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

fn file(path: String, value: &Value) -> SourceFile {
    SourceFile {
        path: path.into(),
        bytes: value.to_string().into_bytes(),
    }
}

/// The time that this thread takes to check the files: what else the machine does counts little.
fn cost(files: &[SourceFile]) -> Duration {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(
            now.tv_sec.try_into().unwrap(),
            now.tv_nsec.try_into().unwrap(),
        )
    };
    let begun = now();
    let _ = ecs::lint::check(files.to_vec());
    now().saturating_sub(begun)
}

/// Squared growth would be 16 times as much; n log n is less than 5.
fn grows_gently(what: &str, n: usize, make: impl Fn(usize) -> Vec<SourceFile>) {
    let (few, many) = (make(n), make(4 * n));
    let ratio = || {
        let few = cost(&few).max(Duration::from_millis(1));
        cost(&many).as_secs_f64() / few.as_secs_f64()
    };
    let mut best = f64::MAX;
    // Once may be bad luck.
    for _ in 0..3 {
        best = best.min(ratio());
        if best < 8.0 {
            return;
        }
    }
    panic!("{what}: four times as much takes {best:.1} times as long");
}

fn container(name: &str, more: Value) -> Value {
    let mut container = json!({"name": name, "image": "a:1", "memory": 64});
    let Value::Object(more) = more else {
        unreachable!()
    };
    container.as_object_mut().unwrap().extend(more);
    container
}

fn task(mode: &str, containers: &[Value]) -> Value {
    json!({"family": "f", "networkMode": mode, "containerDefinitions": containers})
}

fn service(name: &str, more: Value) -> Value {
    let mut service =
        json!({"cluster": "c", "serviceName": name, "taskDefinition": "f", "desiredCount": 1});
    let Value::Object(more) = more else {
        unreachable!()
    };
    service.as_object_mut().unwrap().extend(more);
    service
}

#[test]
fn keys() {
    grows_gently("keys", 4_000, |n| {
        let keys: Vec<String> = (0..n).map(|i| format!("\"k{i}\": 1")).collect();
        vec![SourceFile {
            path: "a.json".into(),
            bytes: format!("{{{}}}", keys.join(",")).into_bytes(),
        }]
    });
    grows_gently("keys that come twice behind a long one", 1_000, |n| {
        let twice = vec!["\"a\": 1"; n].join(",");
        let text = format!("{{\"{}\": {{{twice}}}}}", "x".repeat(n * 8));
        vec![SourceFile {
            path: "a.json".into(),
            bytes: text.into_bytes(),
        }]
    });
}

#[test]
fn containers() {
    for mode in ["bridge", "awsvpc"] {
        grows_gently("containers", 250, |n| {
            let containers = (0..n).map(|i| {
                let before = format!("c{}", if i == 0 { n } else { i - 1 });
                container(
                    &format!("c{i}"),
                    json!({
                        "links": [before],
                        "dependsOn": [{"containerName": before, "condition": "START"}],
                        "environment": [{"name": "NEXT", "value": format!("http://{before}:80/")}],
                        "portMappings": [{"containerPort": 80 + i, "name": format!("p{i}")}],
                        "mountPoints": [{"sourceVolume": format!("v{i}")}],
                        "volumesFrom": [{"sourceContainer": before}],
                    }),
                )
            });
            let mut task = task(mode, &containers.collect::<Vec<_>>());
            task["volumes"] = (0..n).map(|i| json!({"name": format!("v{i}")})).collect();
            vec![file("a.json".to_owned(), &task)]
        });
    }
    grows_gently("containers in a circle", 500, |n| {
        let containers = (0..n).map(|i| {
            let next = format!("c{}", (i + 1) % n);
            container(
                &format!("c{i}"),
                json!({"dependsOn": [{"containerName": next, "condition": "START"}]}),
            )
        });
        vec![file(
            "a.json".to_owned(),
            &task("bridge", &containers.collect::<Vec<_>>()),
        )]
    });
}

#[test]
fn members_of_one_container() {
    grows_gently("variables, secrets, links, ports", 500, |n| {
        let one = container(
            "c",
            json!({
                "environment": (0..n).map(|i| json!({"name": format!("V{i}_PORT"), "value": format!("http://l{i}:{i}/")})).collect::<Vec<_>>(),
                "secrets": (0..n).map(|i| json!({"name": format!("S{i}"), "valueFrom": "arn"})).collect::<Vec<_>>(),
                "links": (0..n).map(|i| format!("c:l{i}")).collect::<Vec<_>>(),
                "extraHosts": (0..n).map(|i| json!({"hostname": format!("h{i}"), "ipAddress": "1.1.1.1"})).collect::<Vec<_>>(),
                "portMappings": (0..n).map(|i| json!({"containerPort": i, "name": format!("p{i}")})).collect::<Vec<_>>(),
            }),
        );
        let balancers: Vec<Value> = (0..n)
            .map(|i| json!({"targetGroupArn": format!("arn{i}"), "containerName": "c", "containerPort": i}))
            .collect();
        let ports: Vec<Value> = (0..n)
            .map(|i| json!({"portName": format!("p{i}")}))
            .collect();
        vec![
            file("t.json".to_owned(), &task("bridge", &[one])),
            file(
                "s.json".to_owned(),
                &service(
                    "s",
                    json!({
                        "loadBalancers": balancers,
                        "serviceConnectConfiguration": {"enabled": true, "services": ports},
                    }),
                ),
            ),
        ]
    });
}

#[test]
fn services_in_one_folder() {
    grows_gently("services with their task definitions", 100, |n| {
        let pair = |i: usize| {
            let mut task = task(
                "bridge",
                &[container(
                    "c",
                    json!({
                        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": format!("g{i}"), "awslogs-region": "r"}},
                        "environment": [{"name": "NEXT", "value": format!("http://a{}:80/", i + 1)}],
                        "portMappings": [{"containerPort": 80, "name": "web"}],
                    }),
                )],
            );
            task["family"] = format!("f{i}").into();
            let mut service = service(
                &format!("s{i}"),
                json!({
                    "loadBalancers": [{"targetGroupArn": format!("arn:aws:e:r:1:targetgroup/t{i}/1"), "containerName": "c", "containerPort": 80}],
                    "deploymentConfiguration": {"alarms": {"alarmNames": [format!("a{i}")]}},
                    "serviceConnectConfiguration": {"enabled": true, "services": [{"portName": "web", "discoveryName": format!("d{i}"), "clientAliases": [{"port": 80, "dnsName": format!("a{i}")}]}]},
                }),
            );
            service["taskDefinition"] = format!("f{i}").into();
            let target = json!({"ServiceNamespace": "ecs", "ScalableDimension": "d", "ResourceId": format!("service/c/s{i}"), "MinCapacity": 1, "MaxCapacity": 2});
            let policy = json!({"PolicyName": "p", "ServiceNamespace": "ecs", "ScalableDimension": "d", "ResourceId": format!("service/c/s{i}")});
            [
                ("task", task),
                ("service", service),
                ("group", json!({"Name": format!("t{i}"), "TargetType": "instance"})),
                ("attributes", json!({"TargetGroupArn": format!("arn:aws:e:r:1:targetgroup/t{i}/1"), "Attributes": []})),
                ("rule", json!({"ListenerArn": "l", "Priority": i + 1, "Conditions": [{"Field": "path-pattern", "Values": [format!("/p{i}")]}], "Actions": [{"Type": "forward", "TargetGroupArn": format!("arn:aws:e:r:1:targetgroup/t{i}/1")}]})),
                ("log", json!({"logGroupName": format!("g{i}")})),
                ("alarm", json!({"AlarmName": format!("a{i}"), "MetricName": "m"})),
                ("target", target),
                ("policy", policy),
            ]
            .map(|(kind, value)| file(format!("{kind}{i}.json"), &value))
        };
        (0..n).flat_map(pair).collect()
    });
}

#[test]
fn services_of_one_task_definition() {
    grows_gently("services and containers", 150, |n| {
        let containers = (0..n).map(|i| container(&format!("c{i}"), json!({
            "environment": [{"name": "NEXT", "value": "http://elsewhere:80/"}],
            "portMappings": [{"containerPort": 80 + i, "hostPort": 0, "name": format!("p{i}")}],
        })));
        let mut files = vec![file(
            "t.json".to_owned(),
            &task("bridge", &containers.collect::<Vec<_>>()),
        )];
        files.extend((0..n).map(|i| file(format!("s{i}.json"), &service(&format!("s{i}"), json!({
            "serviceConnectConfiguration": {"enabled": true, "services": [{"portName": format!("p{i}")}]},
        })))));
        files
    });
}

#[test]
fn rules_of_one_listener() {
    grows_gently("rules with wildcards", 500, |n| {
        let rule = |i: usize| {
            let path = format!("/{i}/*/x?");
            let rule = json!({
                "ListenerArn": "l", "Priority": i + 1, "Actions": [],
                "Conditions": [{"Field": "path-pattern", "Values": [path]}],
            });
            file(format!("r{i}.json"), &rule)
        };
        (0..n).map(rule).collect()
    });
}

#[test]
fn steps_of_a_plan_and_uses_of_what_they_give() {
    grows_gently("steps", 400, |n| {
        let step = |i: usize| json!({"file": format!("{i}.json"), "call": "elbv2 create-target-group", "output": {format!("T{i}"): "A"}});
        let plan: Value = (0..n).map(step).collect();
        let mut files = vec![file("plan.json".to_owned(), &plan)];
        files.extend((0..n).map(|i| file(format!("{i}.json"), &json!({
            "Name": "a", "TargetType": "ip", "Tags": [{"Key": "k", "Value": format!("${{T{}}}", i / 2)}],
        }))));
        files
    });
    grows_gently("steps with one file", 400, |n| {
        let step = json!({"file": "a.json", "call": "ecs register-task-definition"});
        let containers = (0..n).map(|i| container(&format!("c{i}"), json!({})));
        vec![
            file("plan.json".to_owned(), &vec![step; n].into()),
            file(
                "a.json".to_owned(),
                &task("bridge", &containers.collect::<Vec<_>>()),
            ),
        ]
    });
}

#[test]
fn folders() {
    grows_gently("folders with a service each", 300, |n| {
        let folder = |i: usize| {
            file(
                format!("{i}/s.json"),
                &service("s", json!({"taskDefinition": format!("f{i}")})),
            )
        };
        (0..n).map(folder).collect()
    });
}
