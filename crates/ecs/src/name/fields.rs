//! Where the bodies of calls have names.

use super::Pattern;
use super::patterns::{
    ALARM, AUTO_SCALING_GROUP, CAPACITY_PROVIDER, CLUSTER, CLUSTER_REFERENCE, CONTAINER, DASHBOARD,
    DISCOVERY_NAME, DNS_NAME, FAMILY, IMAGE, INSTANCE_PROFILE, LAUNCH_TEMPLATE, LOAD_BALANCER,
    LOG_GROUP, NAMESPACE, PARAMETER, POLICY, PORT_NAME, REPOSITORY, RESOURCE_ID, ROLE,
    SCALING_POLICY, SECURITY_GROUP, SERVICE, TAG_KEY, TAG_VALUE, TARGET_GROUP,
};
use crate::Call::{
    self, AddRoleToInstanceProfile, AttachRolePolicy, CreateAutoScalingGroup,
    CreateCapacityProvider, CreateCluster, CreateHttpNamespace, CreateInstanceProfile,
    CreateLaunchTemplate, CreateListener, CreateLoadBalancer, CreateLogGroup, CreateRepository,
    CreateRole, CreateRule, CreateSecurityGroup, CreateService, CreateTargetGroup,
    PutClusterCapacityProviders, PutDashboard, PutLifecyclePolicy, PutMetricAlarm, PutParameter,
    PutRetentionPolicy, PutRolePolicy, PutScalingPolicy, RegisterScalableTarget,
    RegisterTaskDefinition,
};

/// The way to a name, and what AWS accepts there.
type Field = (&'static [&'static str], &'static Pattern);

/// By the calls that have them.
pub(super) static ALL: &[(&[Call], &[Field])] = &[
    (
        &[CreateCluster],
        &[
            (&["clusterName"], &CLUSTER),
            (&["capacityProviders", "[]"], &CAPACITY_PROVIDER),
        ],
    ),
    (
        &[PutClusterCapacityProviders],
        &[
            (&["cluster"], &CLUSTER_REFERENCE),
            (&["capacityProviders", "[]"], &CAPACITY_PROVIDER),
        ],
    ),
    (
        &[CreateService],
        &[
            (&["cluster"], &CLUSTER_REFERENCE),
            (&["serviceName"], &SERVICE),
            (&["loadBalancers", "[]", "containerName"], &CONTAINER),
            (
                &["capacityProviderStrategy", "[]", "capacityProvider"],
                &CAPACITY_PROVIDER,
            ),
            (&["serviceConnectConfiguration", "namespace"], &NAMESPACE),
            (
                &["serviceConnectConfiguration", "services", "[]", "portName"],
                &PORT_NAME,
            ),
            (
                &[
                    "serviceConnectConfiguration",
                    "services",
                    "[]",
                    "discoveryName",
                ],
                &DISCOVERY_NAME,
            ),
            (
                &[
                    "serviceConnectConfiguration",
                    "services",
                    "[]",
                    "clientAliases",
                    "[]",
                    "dnsName",
                ],
                &DNS_NAME,
            ),
        ],
    ),
    (
        &[RegisterTaskDefinition],
        &[
            (&["family"], &FAMILY),
            (&["containerDefinitions", "[]", "name"], &CONTAINER),
            (&["containerDefinitions", "[]", "image"], &IMAGE),
            (
                &["containerDefinitions", "[]", "portMappings", "[]", "name"],
                &PORT_NAME,
            ),
        ],
    ),
    (
        &[CreateCapacityProvider],
        &[(&["name"], &CAPACITY_PROVIDER)],
    ),
    (
        &[
            CreateCluster,
            CreateService,
            RegisterTaskDefinition,
            CreateCapacityProvider,
        ],
        &[
            (&["tags", "[]", "key"], &TAG_KEY),
            (&["tags", "[]", "value"], &TAG_VALUE),
        ],
    ),
    (
        &[CreateRepository, PutLifecyclePolicy],
        &[(&["repositoryName"], &REPOSITORY)],
    ),
    (
        &[CreateRepository],
        &[
            (&["tags", "[]", "Key"], &TAG_KEY),
            (&["tags", "[]", "Value"], &TAG_VALUE),
        ],
    ),
    (
        &[CreateLogGroup, PutRetentionPolicy],
        &[(&["logGroupName"], &LOG_GROUP)],
    ),
    (
        &[CreateLogGroup],
        &[
            (&["tags", "{key}"], &TAG_KEY),
            (&["tags", "{value}"], &TAG_VALUE),
        ],
    ),
    (&[CreateTargetGroup], &[(&["Name"], &TARGET_GROUP)]),
    (&[CreateLoadBalancer], &[(&["Name"], &LOAD_BALANCER)]),
    (&[PutParameter], &[(&["Name"], &PARAMETER)]),
    (&[CreateHttpNamespace], &[(&["Name"], &NAMESPACE)]),
    (
        &[
            CreateRole,
            PutRolePolicy,
            AttachRolePolicy,
            AddRoleToInstanceProfile,
        ],
        &[(&["RoleName"], &ROLE)],
    ),
    (&[PutRolePolicy], &[(&["PolicyName"], &POLICY)]),
    (
        &[CreateInstanceProfile, AddRoleToInstanceProfile],
        &[(&["InstanceProfileName"], &INSTANCE_PROFILE)],
    ),
    (&[CreateSecurityGroup], &[(&["GroupName"], &SECURITY_GROUP)]),
    (
        &[CreateLaunchTemplate],
        &[(&["LaunchTemplateName"], &LAUNCH_TEMPLATE)],
    ),
    (
        &[CreateAutoScalingGroup],
        &[(&["AutoScalingGroupName"], &AUTO_SCALING_GROUP)],
    ),
    (&[PutMetricAlarm], &[(&["AlarmName"], &ALARM)]),
    (&[PutDashboard], &[(&["DashboardName"], &DASHBOARD)]),
    (
        &[RegisterScalableTarget, PutScalingPolicy],
        &[(&["ResourceId"], &RESOURCE_ID)],
    ),
    (&[PutScalingPolicy], &[(&["PolicyName"], &SCALING_POLICY)]),
    (
        &[
            CreateTargetGroup,
            CreateLoadBalancer,
            CreateListener,
            CreateRule,
            CreateRole,
            CreateInstanceProfile,
            PutParameter,
            CreateHttpNamespace,
            PutMetricAlarm,
            CreateAutoScalingGroup,
        ],
        &[
            (&["Tags", "[]", "Key"], &TAG_KEY),
            (&["Tags", "[]", "Value"], &TAG_VALUE),
        ],
    ),
    (
        &[RegisterScalableTarget],
        &[
            (&["Tags", "{key}"], &TAG_KEY),
            (&["Tags", "{value}"], &TAG_VALUE),
        ],
    ),
];
