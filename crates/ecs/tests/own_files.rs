//! Our own files: that they can be read, and what must hold between them.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{collections::BTreeSet, fs, path::Path};

use ecs::{Call, Layout};

fn layout() -> Layout {
    Layout::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/ec2")).unwrap()
}

#[test]
fn every_file_is_a_step_of_a_plan_exactly_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs");
    let mut planned = BTreeSet::new();
    for name in ["ec2", "fargate"] {
        let layout = Layout::read(&root.join(name)).unwrap();
        let files: BTreeSet<_> = layout.steps().iter().map(ecs::Step::file).collect();
        assert_eq!(
            files.len(),
            layout.steps().len(),
            "{name}: a file comes twice"
        );
        planned.extend(files.into_iter().map(Path::to_owned));
        planned.insert(layout.dir().join("plan.json"));
    }
    let folders = ["alb", "common", "ec2", "fargate"].map(|folder| root.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let present: BTreeSet<_> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(planned, present);
}

#[test]
fn documents_inside_strings_are_json() {
    for step in layout().steps() {
        let documents = [
            "AssumeRolePolicyDocument",
            "PolicyDocument",
            "lifecyclePolicyText",
            "DashboardBody",
        ];
        for document in documents
            .iter()
            .filter_map(|name| step.input()[name].as_str())
        {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(document);
            assert!(parsed.is_ok(), "{}", step.file().display());
        }
    }
}

#[test]
fn the_names_are_those_of_the_tutorial() {
    let layout = layout();
    let names: Vec<_> = layout.load_balancers().map(|e| e.name.clone()).collect();
    assert_eq!(names, ["microservice-ping-pong-alb"]);
    let groups: Vec<_> = layout
        .target_groups()
        .map(|e| (e.name.clone(), e.health_check_path().to_owned()))
        .collect();
    let expected = [
        ("microservice-ping-pong-client-tg", "/"),
        ("microservice-ping-pong-node-tg", "/ping"),
    ];
    assert_eq!(groups, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let families: Vec<_> = layout
        .task_definitions()
        .map(|e| e.family.clone())
        .collect();
    assert_eq!(
        families,
        [
            "microservice-ping-pong-node-td",
            "microservice-ping-pong-client-td"
        ]
    );
    for service in layout.services() {
        assert_eq!(
            service.cluster.as_deref(),
            Some("microservice-ping-pong-cluster")
        );
    }
    let services: Vec<_> = layout.services().map(|e| e.service_name.clone()).collect();
    assert_eq!(
        services,
        [
            "microservice-ping-pong-node-service",
            "microservice-ping-pong-client-service"
        ]
    );
}

#[test]
fn names_of_load_balancers_and_target_groups_fit_in_32_characters() {
    let layout = layout();
    let groups = layout.target_groups().map(|e| e.body.name.as_str());
    let names = groups.chain(layout.load_balancers().map(|e| e.body.name.as_str()));
    for name in names {
        assert!(name.len() <= 32, "{name}");
    }
}

#[test]
fn only_what_depends_on_the_account_comes_from_outside() {
    let layout = layout();
    let expected = [
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "CHAIN_TOKEN",
        "ECR_REGISTRY",
        "SUBNET_A",
        "SUBNET_B",
        "TAG",
        "VPC_ID",
    ];
    assert_eq!(layout.variables(), BTreeSet::from(expected));
}

#[test]
fn every_output_is_used_by_a_file() {
    let layout = layout();
    let used: BTreeSet<&str> = layout
        .steps()
        .iter()
        .flat_map(ecs::Step::variables)
        .collect();
    for output in layout.outputs() {
        assert!(used.contains(output.name()), "{}", output.name());
    }
}

#[test]
fn services_come_after_the_rules_that_attach_their_target_groups() {
    let layout = layout();
    let calls: Vec<Call> = layout.steps().iter().map(ecs::Step::call).collect();
    let last_rule = calls.iter().rposition(|call| *call == Call::CreateRule);
    let first_service = calls.iter().position(|call| *call == Call::CreateService);
    assert!(last_rule < first_service);
}

#[test]
fn the_three_paths_lead_where_the_page_expects_them() {
    let layout = layout();
    let listener = layout.listeners().next().unwrap();
    assert_eq!(listener.port, Some(80));
    let router = layout.router(listener).unwrap();
    let client = "${CLIENT_TARGET_GROUP_ARN}";
    let node = "${NODE_TARGET_GROUP_ARN}";
    for (path, group) in [
        ("/", client),
        ("/assets/app.0123.css", client),
        ("/nothing", client),
        ("/ping", node),
        ("/ping?x=/start", node),
        ("/ping/", client),
        ("/start", node),
        ("/start?detail=hops", node),
        ("/Start", client),
    ] {
        assert_eq!(router.route(path), group, "{path}");
    }
}

#[test]
fn services_register_a_port_their_task_definition_has() {
    let layout = layout();
    for service in layout.services() {
        let name = service.body.task_definition.as_deref().unwrap();
        let definition = layout.task_definition(name).unwrap();
        let [balancer] = service.body.load_balancers.as_slice() else {
            panic!("{}: one load balancer", service.file().display());
        };
        let container = balancer.container_name.as_deref().unwrap();
        let container = definition.container(container).unwrap();
        let mapping = container
            .port_mapping(balancer.container_port.unwrap())
            .unwrap();
        assert_eq!(mapping.fixed_host_port(definition.network_mode()), None);
        let group = layout.target_group(balancer.target_group_arn.as_deref().unwrap());
        let group = group.unwrap();
        let program = if container.name == "client" {
            "client"
        } else {
            "node"
        };
        assert_eq!(group.name, format!("microservice-ping-pong-{program}-tg"));
        assert_eq!(
            service.service_name,
            format!("microservice-ping-pong-{program}-service")
        );
        assert_eq!(
            definition.family,
            format!("microservice-ping-pong-{program}-td")
        );
    }
}

#[test]
fn one_task_is_replaced_without_a_gap_and_a_bad_one_is_rolled_back() {
    for service in layout().services() {
        let (desired, limits) = (service.desired_count.unwrap(), service.deployment());
        assert_eq!(desired, 1);
        assert_eq!(
            (limits.fewest_tasks(desired), limits.most_tasks(desired)),
            (1, 2)
        );
        assert_eq!(limits.failures_that_break(desired), Some(3));
        assert!(limits.rolls_back());
    }
}

#[test]
fn the_wish_list_has_twelve_features_and_names_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, list) = readme.split_once("## The tutorial's wish-list").unwrap();
    let (list, _) = list.split_once("\n## ").unwrap();
    let rows = list.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split('|').collect()).skip(1).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let (files, shown) = (row[2], row[3]);
        let quoted = files.split('`').skip(1).step_by(2);
        let mut files = quoted.filter(|word| word.contains('/')).peekable();
        assert!(files.peek().is_some(), "{row:?}");
        for file in files {
            assert!(root.join(file).is_file(), "{file} is not there");
        }
        assert!(shown.contains('`'), "{row:?}");
    }
}
