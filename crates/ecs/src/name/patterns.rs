//! The patterns.

use super::Pattern;
use crate::printable::is_harmful;

macro_rules! patterns {
    ($(
        $(#[$doc:meta])* $name:ident: $what:literal, $length:expr, $accepts:literal, $page:literal,
        $sign:expr, $whole:expr;
    )*) => {
        $($(#[$doc])* pub static $name: Pattern = Pattern {
            what: $what,
            accepts: $accepts,
            page: $page,
            length: $length,
            sign: $sign,
            whole: $whole,
        };)*
    };
}

patterns! {
    /// A cluster's.
    CLUSTER: "cluster name", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html",
        word, any;
    /// A cluster's, or its ARN.
    CLUSTER_REFERENCE: "cluster name or ARN", 1..=2048, "1 to 255 letters, digits, underscores and hyphens, or an ARN",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
        arn, |text| text.starts_with("arn:") || CLUSTER.fits(text);
    /// A service's.
    SERVICE: "service name", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
        word, any;
    /// A task definition's.
    FAMILY: "task definition family", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
        word, any;
    /// A container's.
    CONTAINER: "container name", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
        word, any;
    /// An image's, with registry and tag; a digest has an `@` before it.
    IMAGE: "image", 1..=255, "1 to 255 letters, digits, hyphens, underscores, colons, periods, slashes, number signs and `@`",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
        |c| word(c) || ":./#@".contains(c), |text| !text.starts_with('-');
    /// An image tag's: that of a release.
    IMAGE_TAG: "image tag", 1..=128, "1 to 128 letters, digits, underscores, periods and hyphens, not beginning with a period or hyphen",
        "https://docs.docker.com/reference/cli/docker/image/tag/",
        |c| word(c) || c == '.', |text| !text.starts_with(['.', '-']);
    /// A port mapping's.
    PORT_NAME: "port name", 1..=64, "1 to 64 lowercase letters, digits, underscores and hyphens, not beginning with a hyphen",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        lowercase, no_hyphen_first;
    /// A Service Connect service's in Cloud Map.
    DISCOVERY_NAME: "discovery name", 1..=64, "1 to 64 lowercase letters, digits, underscores and hyphens, not beginning with a hyphen",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html",
        lowercase, no_hyphen_first;
    /// What callers write for a Service Connect service.
    DNS_NAME: "DNS name", 1..=127, "1 to 127 lowercase letters, digits, underscores, hyphens and periods, not beginning with a hyphen",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html",
        |c| lowercase(c) || c == '.', no_hyphen_first;
    /// A namespace's, or its ARN.
    NAMESPACE: "namespace", 1..=1024, "1 to 1024 visible ASCII characters",
        "https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateHttpNamespace.html",
        arn, any;
    /// A capacity provider's.
    CAPACITY_PROVIDER: "capacity provider name", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html",
        word, any;
    /// A target group's.
    TARGET_GROUP: "target group name", 1..=32, "1 to 32 letters, digits and hyphens, no hyphen at an end",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
        letter_or_hyphen, no_hyphen_at_end;
    /// A load balancer's.
    LOAD_BALANCER: "load balancer name", 1..=32, "1 to 32 letters, digits and hyphens, no hyphen at an end, no `internal-` at the beginning",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html",
        letter_or_hyphen, |text| no_hyphen_at_end(text) && !text.starts_with("internal-");
    /// An image repository's.
    REPOSITORY: "repository name", 2..=256, "2 to 256 lowercase letters and digits, with single periods, underscores, hyphens and slashes between them",
        "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html",
        |c| lowercase(c) || "./".contains(c),
        |text| text.split(['/', '.', '_', '-']).all(|part| !part.is_empty());
    /// A log group's.
    LOG_GROUP: "log group name", 1..=512, "1 to 512 letters, digits, periods, hyphens, underscores, slashes and number signs",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
        |c| word(c) || "./#".contains(c), any;
    /// A parameter's.
    PARAMETER: "parameter name", 1..=2048, "1 to 2048 letters, digits, periods, hyphens, underscores and slashes",
        "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
        |c| word(c) || "./".contains(c), any;
    /// A role's.
    ROLE: "role name", 1..=64, "1 to 64 letters, digits and `_+=,.@-`",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
        iam, any;
    /// The name of a role's policy.
    POLICY: "policy name", 1..=128, "1 to 128 letters, digits and `_+=,.@-`",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html",
        iam, any;
    /// An instance profile's.
    INSTANCE_PROFILE: "instance profile name", 1..=128, "1 to 128 letters, digits and `_+=,.@-`",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html",
        iam, any;
    /// A security group's.
    SECURITY_GROUP: "security group name", 1..=255, "1 to 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
        |c| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c), any;
    /// A launch template's.
    LAUNCH_TEMPLATE: "launch template name", 3..=128, "3 to 128 letters, digits and `().-/_`",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html",
        |c| word(c) || "()./".contains(c), any;
    /// That of a group of instances.
    AUTO_SCALING_GROUP: "Auto Scaling group name", 1..=255, "1 to 255 printable characters without a colon",
        "https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html",
        |c| printable(c) && c != ':', any;
    /// An alarm's.
    ALARM: "alarm name", 1..=255, "1 to 255 printable characters",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
        printable, any;
    /// A dashboard's.
    DASHBOARD: "dashboard name", 1..=255, "1 to 255 letters, digits, underscores and hyphens",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html",
        word, any;
    /// A scaling policy's.
    SCALING_POLICY: "scaling policy name", 1..=256, "1 to 256 printable characters",
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html",
        printable, any;
    /// What is scaled.
    RESOURCE_ID: "resource id", 1..=1600, "1 to 1600 printable characters",
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
        printable, any;
    /// A tag's key.
    TAG_KEY: "tag key", 1..=128, "1 to 128 letters, digits, spaces and `+-=._:/@`",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
        tag, any;
    /// A tag's value.
    TAG_VALUE: "tag value", 0..=256, "up to 256 letters, digits, spaces and `+-=._:/@`",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
        tag, any;
    /// A region's.
    REGION: "region", 1..=63, "lowercase letters, digits and hyphens, such as eu-west-1",
        "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', no_hyphen_first;
}

fn any(_: &str) -> bool {
    true
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn lowercase(c: char) -> bool {
    word(c) && !c.is_ascii_uppercase()
}

fn letter_or_hyphen(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn arn(c: char) -> bool {
    c.is_ascii_graphic()
}

fn iam(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn tag(c: char) -> bool {
    c.is_alphanumeric() || " +-=._:/@".contains(c)
}

fn printable(c: char) -> bool {
    !is_harmful(c)
}

fn no_hyphen_first(text: &str) -> bool {
    !text.starts_with('-')
}

fn no_hyphen_at_end(text: &str) -> bool {
    !text.starts_with('-') && !text.ends_with('-')
}
