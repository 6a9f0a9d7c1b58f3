//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, body};

/// The tables of EC2.
pub static MODEL: Model = Model {
    name: "ec2", id: "EC2", api_version: "2016-11-15", signing_name: "ec2",
    protocol: Protocol::Ec2, target_prefix: "", xml_namespace: "http://ec2.amazonaws.com/doc/2016-11-15",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 14] = [
    Operation { name: "AuthorizeSecurityGroupEgress", method: "POST", path: "/", status: 200, input: Some(&AUTHORIZE_SECURITY_GROUP_EGRESS_REQUEST), output: Some(&AUTHORIZE_SECURITY_GROUP_EGRESS_RESULT), wrapper: "" },
    Operation { name: "AuthorizeSecurityGroupIngress", method: "POST", path: "/", status: 200, input: Some(&AUTHORIZE_SECURITY_GROUP_INGRESS_REQUEST), output: Some(&AUTHORIZE_SECURITY_GROUP_INGRESS_RESULT), wrapper: "" },
    Operation { name: "CreateSecurityGroup", method: "POST", path: "/", status: 200, input: Some(&CREATE_SECURITY_GROUP_REQUEST), output: Some(&CREATE_SECURITY_GROUP_RESULT), wrapper: "" },
    Operation { name: "CreateTags", method: "POST", path: "/", status: 200, input: Some(&CREATE_TAGS_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteSecurityGroup", method: "POST", path: "/", status: 200, input: Some(&DELETE_SECURITY_GROUP_REQUEST), output: Some(&DELETE_SECURITY_GROUP_RESULT), wrapper: "" },
    Operation { name: "DeleteTags", method: "POST", path: "/", status: 200, input: Some(&DELETE_TAGS_REQUEST), output: None, wrapper: "" },
    Operation { name: "DescribeAvailabilityZones", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_AVAILABILITY_ZONES_REQUEST), output: Some(&DESCRIBE_AVAILABILITY_ZONES_RESULT), wrapper: "" },
    Operation { name: "DescribeSecurityGroupRules", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_SECURITY_GROUP_RULES_REQUEST), output: Some(&DESCRIBE_SECURITY_GROUP_RULES_RESULT), wrapper: "" },
    Operation { name: "DescribeSecurityGroups", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_SECURITY_GROUPS_REQUEST), output: Some(&DESCRIBE_SECURITY_GROUPS_RESULT), wrapper: "" },
    Operation { name: "DescribeSubnets", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_SUBNETS_REQUEST), output: Some(&DESCRIBE_SUBNETS_RESULT), wrapper: "" },
    Operation { name: "DescribeTags", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_TAGS_REQUEST), output: Some(&DESCRIBE_TAGS_RESULT), wrapper: "" },
    Operation { name: "DescribeVpcs", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_VPCS_REQUEST), output: Some(&DESCRIBE_VPCS_RESULT), wrapper: "" },
    Operation { name: "RevokeSecurityGroupEgress", method: "POST", path: "/", status: 200, input: Some(&REVOKE_SECURITY_GROUP_EGRESS_REQUEST), output: Some(&REVOKE_SECURITY_GROUP_EGRESS_RESULT), wrapper: "" },
    Operation { name: "RevokeSecurityGroupIngress", method: "POST", path: "/", status: 200, input: Some(&REVOKE_SECURITY_GROUP_INGRESS_REQUEST), output: Some(&REVOKE_SECURITY_GROUP_INGRESS_RESULT), wrapper: "" },
];

static FAULTS: [Fault; 0] = [
];

static AUTHORIZE_SECURITY_GROUP_EGRESS_REQUEST: Shape = Shape::Structure(&[
    body("CidrIp", "cidrIp", &STRING_SHAPE),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("FromPort", "fromPort", &INTEGER_SHAPE),
    body("GroupId", "groupId", &SECURITY_GROUP_ID).required(),
    body("IpPermissions", "ipPermissions", &IP_PERMISSION_LIST),
    body("IpProtocol", "ipProtocol", &STRING_SHAPE),
    body("SourceSecurityGroupName", "sourceSecurityGroupName", &STRING_SHAPE),
    body("SourceSecurityGroupOwnerId", "sourceSecurityGroupOwnerId", &STRING_SHAPE),
    body("TagSpecifications", "TagSpecification", &TAG_SPECIFICATION_LIST),
    body("ToPort", "toPort", &INTEGER_SHAPE),
]);
static AUTHORIZE_SECURITY_GROUP_EGRESS_RESULT: Shape = Shape::Structure(&[
    body("Return", "return", &BOOLEAN_SHAPE),
    body("SecurityGroupRules", "securityGroupRuleSet", &SECURITY_GROUP_RULE_LIST),
]);
static AUTHORIZE_SECURITY_GROUP_INGRESS_REQUEST: Shape = Shape::Structure(&[
    body("CidrIp", "CidrIp", &STRING_SHAPE),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("FromPort", "FromPort", &INTEGER_SHAPE),
    body("GroupId", "GroupId", &SECURITY_GROUP_ID),
    body("GroupName", "GroupName", &SECURITY_GROUP_NAME),
    body("IpPermissions", "IpPermissions", &IP_PERMISSION_LIST),
    body("IpProtocol", "IpProtocol", &STRING_SHAPE),
    body("SourceSecurityGroupName", "SourceSecurityGroupName", &STRING_SHAPE),
    body("SourceSecurityGroupOwnerId", "SourceSecurityGroupOwnerId", &STRING_SHAPE),
    body("TagSpecifications", "TagSpecification", &TAG_SPECIFICATION_LIST),
    body("ToPort", "ToPort", &INTEGER_SHAPE),
]);
static AUTHORIZE_SECURITY_GROUP_INGRESS_RESULT: Shape = Shape::Structure(&[
    body("Return", "return", &BOOLEAN_SHAPE),
    body("SecurityGroupRules", "securityGroupRuleSet", &SECURITY_GROUP_RULE_LIST),
]);
static AVAILABILITY_ZONE: Shape = Shape::Structure(&[
    body("Geography", "geographySet", &AVAILABILITY_ZONE_GEOGRAPHY_LIST),
    body("GroupLongName", "groupLongName", &STRING_SHAPE),
    body("GroupName", "groupName", &STRING_SHAPE),
    body("Messages", "messageSet", &AVAILABILITY_ZONE_MESSAGE_LIST),
    body("NetworkBorderGroup", "networkBorderGroup", &STRING_SHAPE),
    body("OptInStatus", "optInStatus", &AVAILABILITY_ZONE_OPT_IN_STATUS),
    body("ParentZoneId", "parentZoneId", &STRING_SHAPE),
    body("ParentZoneName", "parentZoneName", &STRING_SHAPE),
    body("RegionName", "regionName", &STRING_SHAPE),
    body("State", "zoneState", &AVAILABILITY_ZONE_STATE),
    body("SubGeography", "subGeographySet", &AVAILABILITY_ZONE_SUB_GEOGRAPHY_LIST),
    body("ZoneId", "zoneId", &STRING_SHAPE),
    body("ZoneName", "zoneName", &STRING_SHAPE),
    body("ZoneType", "zoneType", &STRING_SHAPE),
]);
static AVAILABILITY_ZONE_GEOGRAPHY: Shape = Shape::Structure(&[
    body("Name", "name", &STRING_SHAPE),
]);
static AVAILABILITY_ZONE_GEOGRAPHY_LIST: Shape = Shape::List { member: &AVAILABILITY_ZONE_GEOGRAPHY, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static AVAILABILITY_ZONE_LIST: Shape = Shape::List { member: &AVAILABILITY_ZONE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static AVAILABILITY_ZONE_MESSAGE: Shape = Shape::Structure(&[
    body("Message", "message", &STRING_SHAPE),
]);
static AVAILABILITY_ZONE_MESSAGE_LIST: Shape = Shape::List { member: &AVAILABILITY_ZONE_MESSAGE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static AVAILABILITY_ZONE_OPT_IN_STATUS: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["opt-in-not-required", "opted-in", "not-opted-in"] };
static AVAILABILITY_ZONE_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["available", "information", "impaired", "unavailable", "constrained"] };
static AVAILABILITY_ZONE_SUB_GEOGRAPHY: Shape = Shape::Structure(&[
    body("Name", "name", &STRING_SHAPE),
]);
static AVAILABILITY_ZONE_SUB_GEOGRAPHY_LIST: Shape = Shape::List { member: &AVAILABILITY_ZONE_SUB_GEOGRAPHY, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static BLOCK_PUBLIC_ACCESS_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["off", "block-bidirectional", "block-ingress"] };
static BLOCK_PUBLIC_ACCESS_STATES: Shape = Shape::Structure(&[
    body("InternetGatewayBlockMode", "internetGatewayBlockMode", &BLOCK_PUBLIC_ACCESS_MODE),
]);
static BOOLEAN_SHAPE: Shape = Shape::Boolean;
static COIP_POOL_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static CREATE_SECURITY_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("Description", "GroupDescription", &STRING_SHAPE).required(),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("GroupName", "GroupName", &STRING_SHAPE).required(),
    body("TagSpecifications", "TagSpecification", &TAG_SPECIFICATION_LIST),
    body("VpcId", "VpcId", &VPC_ID),
]);
static CREATE_SECURITY_GROUP_RESULT: Shape = Shape::Structure(&[
    body("GroupId", "groupId", &STRING_SHAPE),
    body("SecurityGroupArn", "securityGroupArn", &STRING_SHAPE),
    body("Tags", "tagSet", &TAG_LIST),
]);
static CREATE_TAGS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Resources", "ResourceId", &RESOURCE_ID_LIST).required(),
    body("Tags", "Tag", &TAG_LIST).required(),
]);
static DELETE_SECURITY_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("GroupId", "GroupId", &SECURITY_GROUP_ID),
    body("GroupName", "GroupName", &SECURITY_GROUP_NAME),
]);
static DELETE_SECURITY_GROUP_RESULT: Shape = Shape::Structure(&[
    body("GroupId", "groupId", &SECURITY_GROUP_ID),
    body("Return", "return", &BOOLEAN_SHAPE),
]);
static DELETE_TAGS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Resources", "resourceId", &RESOURCE_ID_LIST).required(),
    body("Tags", "tag", &TAG_LIST),
]);
static DESCRIBE_AVAILABILITY_ZONES_REQUEST: Shape = Shape::Structure(&[
    body("AllAvailabilityZones", "AllAvailabilityZones", &BOOLEAN_SHAPE),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("ZoneIds", "ZoneId", &ZONE_ID_STRING_LIST),
    body("ZoneNames", "ZoneName", &ZONE_NAME_STRING_LIST),
]);
static DESCRIBE_AVAILABILITY_ZONES_RESULT: Shape = Shape::Structure(&[
    body("AvailabilityZones", "availabilityZoneInfo", &AVAILABILITY_ZONE_LIST),
]);
static DESCRIBE_SECURITY_GROUP_RULES_MAX_RESULTS: Shape = Shape::Integer { least: 5, most: 1000 };
static DESCRIBE_SECURITY_GROUP_RULES_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "DryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("MaxResults", "MaxResults", &DESCRIBE_SECURITY_GROUP_RULES_MAX_RESULTS),
    body("NextToken", "NextToken", &STRING_SHAPE),
    body("SecurityGroupRuleIds", "SecurityGroupRuleId", &SECURITY_GROUP_RULE_ID_LIST),
]);
static DESCRIBE_SECURITY_GROUP_RULES_RESULT: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("SecurityGroupRules", "securityGroupRuleSet", &SECURITY_GROUP_RULE_LIST),
]);
static DESCRIBE_SECURITY_GROUPS_MAX_RESULTS: Shape = Shape::Integer { least: 5, most: 1000 };
static DESCRIBE_SECURITY_GROUPS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("GroupIds", "GroupId", &GROUP_ID_STRING_LIST),
    body("GroupNames", "GroupName", &GROUP_NAME_STRING_LIST),
    body("MaxResults", "MaxResults", &DESCRIBE_SECURITY_GROUPS_MAX_RESULTS),
    body("NextToken", "NextToken", &STRING_SHAPE),
]);
static DESCRIBE_SECURITY_GROUPS_RESULT: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("SecurityGroups", "securityGroupInfo", &SECURITY_GROUP_LIST),
]);
static DESCRIBE_SUBNETS_MAX_RESULTS: Shape = Shape::Integer { least: 5, most: 1000 };
static DESCRIBE_SUBNETS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("MaxResults", "MaxResults", &DESCRIBE_SUBNETS_MAX_RESULTS),
    body("NextToken", "NextToken", &STRING_SHAPE),
    body("SubnetIds", "SubnetId", &SUBNET_ID_STRING_LIST),
]);
static DESCRIBE_SUBNETS_RESULT: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("Subnets", "subnetSet", &SUBNET_LIST),
]);
static DESCRIBE_TAGS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("MaxResults", "maxResults", &INTEGER_SHAPE),
    body("NextToken", "nextToken", &STRING_SHAPE),
]);
static DESCRIBE_TAGS_RESULT: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("Tags", "tagSet", &TAG_DESCRIPTION_LIST),
]);
static DESCRIBE_VPCS_MAX_RESULTS: Shape = Shape::Integer { least: 5, most: 1000 };
static DESCRIBE_VPCS_REQUEST: Shape = Shape::Structure(&[
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("Filters", "Filter", &FILTER_LIST),
    body("MaxResults", "MaxResults", &DESCRIBE_VPCS_MAX_RESULTS),
    body("NextToken", "NextToken", &STRING_SHAPE),
    body("VpcIds", "VpcId", &VPC_ID_STRING_LIST),
]);
static DESCRIBE_VPCS_RESULT: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("Vpcs", "vpcSet", &VPC_LIST),
]);
static FILTER_SHAPE: Shape = Shape::Structure(&[
    body("Name", "Name", &STRING_SHAPE),
    body("Values", "Value", &VALUE_STRING_LIST),
]);
static FILTER_LIST: Shape = Shape::List { member: &FILTER_SHAPE, item_name: "Filter", is_flat: false, least: 0, most: 4294967295 };
static FIREWALL_ARN: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static FIREWALL_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["monitor", "enforce"] };
static FIREWALL_ONBOARDING_STATUS: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["pending", "active", "disabling"] };
static GROUP_ID_STRING_LIST: Shape = Shape::List { member: &SECURITY_GROUP_ID, item_name: "groupId", is_flat: false, least: 0, most: 4294967295 };
static GROUP_NAME_STRING_LIST: Shape = Shape::List { member: &SECURITY_GROUP_NAME, item_name: "GroupName", is_flat: false, least: 0, most: 4294967295 };
static HOSTNAME_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["ip-name", "resource-name"] };
static INTEGER_SHAPE: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static IP_PERMISSION: Shape = Shape::Structure(&[
    body("FromPort", "fromPort", &INTEGER_SHAPE),
    body("IpProtocol", "ipProtocol", &STRING_SHAPE),
    body("IpRanges", "ipRanges", &IP_RANGE_LIST),
    body("Ipv6Ranges", "ipv6Ranges", &IPV6_RANGE_LIST),
    body("PrefixListIds", "prefixListIds", &PREFIX_LIST_ID_LIST),
    body("ToPort", "toPort", &INTEGER_SHAPE),
    body("UserIdGroupPairs", "groups", &USER_ID_GROUP_PAIR_LIST),
]);
static IP_PERMISSION_LIST: Shape = Shape::List { member: &IP_PERMISSION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static IP_RANGE: Shape = Shape::Structure(&[
    body("CidrIp", "cidrIp", &STRING_SHAPE),
    body("Description", "description", &STRING_SHAPE),
]);
static IP_RANGE_LIST: Shape = Shape::List { member: &IP_RANGE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static IP_SOURCE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["amazon", "byoip", "none"] };
static IPV6_ADDRESS_ATTRIBUTE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["public", "private"] };
static IPV6_RANGE: Shape = Shape::Structure(&[
    body("CidrIpv6", "cidrIpv6", &STRING_SHAPE),
    body("Description", "description", &STRING_SHAPE),
]);
static IPV6_RANGE_LIST: Shape = Shape::List { member: &IPV6_RANGE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static NETWORK_FIREWALL_ASSOCIATION: Shape = Shape::Structure(&[
    body("FirewallArn", "firewallArn", &FIREWALL_ARN),
    body("FirewallMode", "firewallMode", &FIREWALL_MODE),
    body("FirewallOnboardingStatus", "firewallOnboardingStatus", &FIREWALL_ONBOARDING_STATUS),
]);
static NETWORK_FIREWALL_ASSOCIATION_SET: Shape = Shape::List { member: &NETWORK_FIREWALL_ASSOCIATION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static NETWORK_FIREWALL_CONNECTIVITY_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["flexible", "outbound-only", "bidirectional", "exclude", "az-unsupported"] };
static PREFIX_LIST_ID: Shape = Shape::Structure(&[
    body("Description", "description", &STRING_SHAPE),
    body("PrefixListId", "prefixListId", &STRING_SHAPE),
]);
static PREFIX_LIST_ID_LIST: Shape = Shape::List { member: &PREFIX_LIST_ID, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static PREFIX_LIST_RESOURCE_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static PRIVATE_DNS_NAME_OPTIONS_ON_LAUNCH: Shape = Shape::Structure(&[
    body("EnableResourceNameDnsAAAARecord", "enableResourceNameDnsAAAARecord", &BOOLEAN_SHAPE),
    body("EnableResourceNameDnsARecord", "enableResourceNameDnsARecord", &BOOLEAN_SHAPE),
    body("HostnameType", "hostnameType", &HOSTNAME_TYPE),
]);
static REFERENCED_SECURITY_GROUP: Shape = Shape::Structure(&[
    body("GroupId", "groupId", &STRING_SHAPE),
    body("PeeringStatus", "peeringStatus", &STRING_SHAPE),
    body("UserId", "userId", &STRING_SHAPE),
    body("VpcId", "vpcId", &STRING_SHAPE),
    body("VpcPeeringConnectionId", "vpcPeeringConnectionId", &STRING_SHAPE),
]);
static RESOURCE_ID_LIST: Shape = Shape::List { member: &TAGGABLE_RESOURCE_ID, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static RESOURCE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["capacity-reservation", "client-vpn-endpoint", "customer-gateway", "carrier-gateway", "coip-pool", "declarative-policies-report", "dedicated-host", "dhcp-options", "egress-only-internet-gateway", "elastic-ip", "elastic-gpu", "export-image-task", "export-instance-task", "fca-policy", "fleet", "fpga-image", "host-reservation", "image", "image-usage-report", "import-image-task", "import-snapshot-task", "instance", "instance-event-window", "internet-gateway", "ipam", "ipam-pool", "ipam-scope", "ipv4pool-ec2", "ipv6pool-ec2", "key-pair", "launch-template", "local-gateway", "local-gateway-route-table", "local-gateway-virtual-interface", "local-gateway-virtual-interface-group", "local-gateway-route-table-vpc-association", "local-gateway-route-table-virtual-interface-group-association", "natgateway", "network-acl", "network-interface", "network-insights-analysis", "network-insights-path", "network-insights-access-scope", "network-insights-access-scope-analysis", "outpost-lag", "placement-group", "prefix-list", "replace-root-volume-task", "reserved-instances", "route-table", "security-group", "security-group-rule", "service-link-virtual-interface", "snapshot", "spot-fleet-request", "spot-instances-request", "subnet", "subnet-cidr-reservation", "traffic-mirror-filter", "traffic-mirror-session", "traffic-mirror-target", "transit-gateway", "transit-gateway-attachment", "transit-gateway-connect-peer", "transit-gateway-multicast-domain", "transit-gateway-policy-table", "transit-gateway-metering-policy", "transit-gateway-route-table", "transit-gateway-route-table-announcement", "volume", "vpc", "vpc-endpoint", "vpc-endpoint-connection", "vpc-endpoint-service", "vpc-endpoint-service-permission", "vpc-peering-connection", "vpn-connection", "vpn-gateway", "vpc-flow-log", "capacity-reservation-fleet", "traffic-mirror-filter-rule", "vpc-endpoint-connection-device-type", "verified-access-instance", "verified-access-group", "verified-access-endpoint", "verified-access-policy", "verified-access-trust-provider", "vpn-connection-device-type", "vpc-block-public-access-exclusion", "vpc-encryption-control", "route-server", "route-server-endpoint", "route-server-peer", "ipam-resource-discovery", "ipam-resource-discovery-association", "instance-connect-endpoint", "verified-access-endpoint-target", "ipam-external-resource-verification-token", "capacity-block", "mac-modification-task", "ipam-prefix-list-resolver", "ipam-policy", "ipam-prefix-list-resolver-target", "ipam-internet-registry-association", "secondary-interface", "secondary-network", "secondary-subnet", "capacity-manager-data-export", "vpn-concentrator", "ipam-pool-allocation", "capacity-reservation-cancellation-quote", "application-status-check", "capacity-reservation-modification-quote", "metric-category"] };
static REVOKE_SECURITY_GROUP_EGRESS_REQUEST: Shape = Shape::Structure(&[
    body("CidrIp", "cidrIp", &STRING_SHAPE),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("FromPort", "fromPort", &INTEGER_SHAPE),
    body("GroupId", "groupId", &SECURITY_GROUP_ID).required(),
    body("IpPermissions", "ipPermissions", &IP_PERMISSION_LIST),
    body("IpProtocol", "ipProtocol", &STRING_SHAPE),
    body("SecurityGroupRuleIds", "SecurityGroupRuleId", &SECURITY_GROUP_RULE_ID_LIST),
    body("SourceSecurityGroupName", "sourceSecurityGroupName", &STRING_SHAPE),
    body("SourceSecurityGroupOwnerId", "sourceSecurityGroupOwnerId", &STRING_SHAPE),
    body("ToPort", "toPort", &INTEGER_SHAPE),
]);
static REVOKE_SECURITY_GROUP_EGRESS_RESULT: Shape = Shape::Structure(&[
    body("Return", "return", &BOOLEAN_SHAPE),
    body("RevokedSecurityGroupRules", "revokedSecurityGroupRuleSet", &REVOKED_SECURITY_GROUP_RULE_LIST),
    body("UnknownIpPermissions", "unknownIpPermissionSet", &IP_PERMISSION_LIST),
]);
static REVOKE_SECURITY_GROUP_INGRESS_REQUEST: Shape = Shape::Structure(&[
    body("CidrIp", "CidrIp", &STRING_SHAPE),
    body("DryRun", "dryRun", &BOOLEAN_SHAPE),
    body("FromPort", "FromPort", &INTEGER_SHAPE),
    body("GroupId", "GroupId", &SECURITY_GROUP_ID),
    body("GroupName", "GroupName", &SECURITY_GROUP_NAME),
    body("IpPermissions", "IpPermissions", &IP_PERMISSION_LIST),
    body("IpProtocol", "IpProtocol", &STRING_SHAPE),
    body("SecurityGroupRuleIds", "SecurityGroupRuleId", &SECURITY_GROUP_RULE_ID_LIST),
    body("SourceSecurityGroupName", "SourceSecurityGroupName", &STRING_SHAPE),
    body("SourceSecurityGroupOwnerId", "SourceSecurityGroupOwnerId", &STRING_SHAPE),
    body("ToPort", "ToPort", &INTEGER_SHAPE),
]);
static REVOKE_SECURITY_GROUP_INGRESS_RESULT: Shape = Shape::Structure(&[
    body("Return", "return", &BOOLEAN_SHAPE),
    body("RevokedSecurityGroupRules", "revokedSecurityGroupRuleSet", &REVOKED_SECURITY_GROUP_RULE_LIST),
    body("UnknownIpPermissions", "unknownIpPermissionSet", &IP_PERMISSION_LIST),
]);
static REVOKED_SECURITY_GROUP_RULE: Shape = Shape::Structure(&[
    body("CidrIpv4", "cidrIpv4", &STRING_SHAPE),
    body("CidrIpv6", "cidrIpv6", &STRING_SHAPE),
    body("Description", "description", &STRING_SHAPE),
    body("FromPort", "fromPort", &INTEGER_SHAPE),
    body("GroupId", "groupId", &SECURITY_GROUP_ID),
    body("IpProtocol", "ipProtocol", &STRING_SHAPE),
    body("IsEgress", "isEgress", &BOOLEAN_SHAPE),
    body("PrefixListId", "prefixListId", &PREFIX_LIST_RESOURCE_ID),
    body("ReferencedGroupId", "referencedGroupId", &SECURITY_GROUP_ID),
    body("SecurityGroupRuleId", "securityGroupRuleId", &SECURITY_GROUP_RULE_ID),
    body("ToPort", "toPort", &INTEGER_SHAPE),
]);
static REVOKED_SECURITY_GROUP_RULE_LIST: Shape = Shape::List { member: &REVOKED_SECURITY_GROUP_RULE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static SECURITY_GROUP: Shape = Shape::Structure(&[
    body("Description", "groupDescription", &STRING_SHAPE),
    body("GroupId", "groupId", &STRING_SHAPE),
    body("GroupName", "groupName", &STRING_SHAPE),
    body("IpPermissions", "ipPermissions", &IP_PERMISSION_LIST),
    body("IpPermissionsEgress", "ipPermissionsEgress", &IP_PERMISSION_LIST),
    body("OwnerId", "ownerId", &STRING_SHAPE),
    body("SecurityGroupArn", "securityGroupArn", &STRING_SHAPE),
    body("Tags", "tagSet", &TAG_LIST),
    body("VpcId", "vpcId", &STRING_SHAPE),
]);
static SECURITY_GROUP_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SECURITY_GROUP_LIST: Shape = Shape::List { member: &SECURITY_GROUP, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static SECURITY_GROUP_NAME: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SECURITY_GROUP_RULE: Shape = Shape::Structure(&[
    body("CidrIpv4", "cidrIpv4", &STRING_SHAPE),
    body("CidrIpv6", "cidrIpv6", &STRING_SHAPE),
    body("Description", "description", &STRING_SHAPE),
    body("FromPort", "fromPort", &INTEGER_SHAPE),
    body("GroupId", "groupId", &SECURITY_GROUP_ID),
    body("GroupOwnerId", "groupOwnerId", &STRING_SHAPE),
    body("IpProtocol", "ipProtocol", &STRING_SHAPE),
    body("IsEgress", "isEgress", &BOOLEAN_SHAPE),
    body("PrefixListId", "prefixListId", &PREFIX_LIST_RESOURCE_ID),
    body("ReferencedGroupInfo", "referencedGroupInfo", &REFERENCED_SECURITY_GROUP),
    body("SecurityGroupRuleArn", "securityGroupRuleArn", &STRING_SHAPE),
    body("SecurityGroupRuleId", "securityGroupRuleId", &SECURITY_GROUP_RULE_ID),
    body("Tags", "tagSet", &TAG_LIST),
    body("ToPort", "toPort", &INTEGER_SHAPE),
]);
static SECURITY_GROUP_RULE_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SECURITY_GROUP_RULE_ID_LIST: Shape = Shape::List { member: &STRING_SHAPE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static SECURITY_GROUP_RULE_LIST: Shape = Shape::List { member: &SECURITY_GROUP_RULE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static STRING_SHAPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SUBNET_SHAPE: Shape = Shape::Structure(&[
    body("AssignIpv6AddressOnCreation", "assignIpv6AddressOnCreation", &BOOLEAN_SHAPE),
    body("AvailabilityZone", "availabilityZone", &STRING_SHAPE),
    body("AvailabilityZoneId", "availabilityZoneId", &STRING_SHAPE),
    body("AvailableIpAddressCount", "availableIpAddressCount", &INTEGER_SHAPE),
    body("BlockPublicAccessStates", "blockPublicAccessStates", &BLOCK_PUBLIC_ACCESS_STATES),
    body("CidrBlock", "cidrBlock", &STRING_SHAPE),
    body("CustomerOwnedIpv4Pool", "customerOwnedIpv4Pool", &COIP_POOL_ID),
    body("DefaultForAz", "defaultForAz", &BOOLEAN_SHAPE),
    body("EnableDns64", "enableDns64", &BOOLEAN_SHAPE),
    body("EnableLniAtDeviceIndex", "enableLniAtDeviceIndex", &INTEGER_SHAPE),
    body("Ipv6CidrBlockAssociationSet", "ipv6CidrBlockAssociationSet", &SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION_SET),
    body("Ipv6Native", "ipv6Native", &BOOLEAN_SHAPE),
    body("MapCustomerOwnedIpOnLaunch", "mapCustomerOwnedIpOnLaunch", &BOOLEAN_SHAPE),
    body("MapPublicIpOnLaunch", "mapPublicIpOnLaunch", &BOOLEAN_SHAPE),
    body("NetworkFirewallConnectivityType", "networkFirewallConnectivityType", &NETWORK_FIREWALL_CONNECTIVITY_TYPE),
    body("OutpostArn", "outpostArn", &STRING_SHAPE),
    body("OwnerId", "ownerId", &STRING_SHAPE),
    body("PrivateDnsNameOptionsOnLaunch", "privateDnsNameOptionsOnLaunch", &PRIVATE_DNS_NAME_OPTIONS_ON_LAUNCH),
    body("State", "state", &SUBNET_STATE),
    body("SubnetArn", "subnetArn", &STRING_SHAPE),
    body("SubnetId", "subnetId", &STRING_SHAPE),
    body("Tags", "tagSet", &TAG_LIST),
    body("Type", "type", &STRING_SHAPE),
    body("VpcId", "vpcId", &STRING_SHAPE),
]);
static SUBNET_CIDR_ASSOCIATION_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SUBNET_CIDR_BLOCK_STATE: Shape = Shape::Structure(&[
    body("State", "state", &SUBNET_CIDR_BLOCK_STATE_CODE),
    body("StatusMessage", "statusMessage", &STRING_SHAPE),
]);
static SUBNET_CIDR_BLOCK_STATE_CODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["associating", "associated", "disassociating", "disassociated", "failing", "failed"] };
static SUBNET_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SUBNET_ID_STRING_LIST: Shape = Shape::List { member: &SUBNET_ID, item_name: "SubnetId", is_flat: false, least: 0, most: 4294967295 };
static SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION: Shape = Shape::Structure(&[
    body("AssociationId", "associationId", &SUBNET_CIDR_ASSOCIATION_ID),
    body("IpSource", "ipSource", &IP_SOURCE),
    body("Ipv6AddressAttribute", "ipv6AddressAttribute", &IPV6_ADDRESS_ATTRIBUTE),
    body("Ipv6CidrBlock", "ipv6CidrBlock", &STRING_SHAPE),
    body("Ipv6CidrBlockState", "ipv6CidrBlockState", &SUBNET_CIDR_BLOCK_STATE),
]);
static SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION_SET: Shape = Shape::List { member: &SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static SUBNET_LIST: Shape = Shape::List { member: &SUBNET_SHAPE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static SUBNET_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["pending", "available", "unavailable", "failed", "failed-insufficient-capacity"] };
static TAG_SHAPE: Shape = Shape::Structure(&[
    body("Key", "key", &STRING_SHAPE),
    body("Value", "value", &STRING_SHAPE),
]);
static TAG_DESCRIPTION: Shape = Shape::Structure(&[
    body("Key", "key", &STRING_SHAPE),
    body("ResourceId", "resourceId", &STRING_SHAPE),
    body("ResourceType", "resourceType", &RESOURCE_TYPE),
    body("Value", "value", &STRING_SHAPE),
]);
static TAG_DESCRIPTION_LIST: Shape = Shape::List { member: &TAG_DESCRIPTION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static TAG_LIST: Shape = Shape::List { member: &TAG_SHAPE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static TAG_SPECIFICATION: Shape = Shape::Structure(&[
    body("ResourceType", "resourceType", &RESOURCE_TYPE),
    body("Tags", "Tag", &TAG_LIST),
]);
static TAG_SPECIFICATION_LIST: Shape = Shape::List { member: &TAG_SPECIFICATION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static TAGGABLE_RESOURCE_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static TENANCY_SHAPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["default", "dedicated", "host"] };
static USER_ID_GROUP_PAIR: Shape = Shape::Structure(&[
    body("Description", "description", &STRING_SHAPE),
    body("GroupId", "groupId", &STRING_SHAPE),
    body("GroupName", "groupName", &STRING_SHAPE),
    body("PeeringStatus", "peeringStatus", &STRING_SHAPE),
    body("UserId", "userId", &STRING_SHAPE),
    body("VpcId", "vpcId", &STRING_SHAPE),
    body("VpcPeeringConnectionId", "vpcPeeringConnectionId", &STRING_SHAPE),
]);
static USER_ID_GROUP_PAIR_LIST: Shape = Shape::List { member: &USER_ID_GROUP_PAIR, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static VALUE_STRING_LIST: Shape = Shape::List { member: &STRING_SHAPE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static VPC_SHAPE: Shape = Shape::Structure(&[
    body("BlockPublicAccessStates", "blockPublicAccessStates", &BLOCK_PUBLIC_ACCESS_STATES),
    body("CidrBlock", "cidrBlock", &STRING_SHAPE),
    body("CidrBlockAssociationSet", "cidrBlockAssociationSet", &VPC_CIDR_BLOCK_ASSOCIATION_SET),
    body("DhcpOptionsId", "dhcpOptionsId", &STRING_SHAPE),
    body("EncryptionControl", "encryptionControl", &VPC_ENCRYPTION_CONTROL),
    body("InstanceTenancy", "instanceTenancy", &TENANCY_SHAPE),
    body("Ipv6CidrBlockAssociationSet", "ipv6CidrBlockAssociationSet", &VPC_IPV6_CIDR_BLOCK_ASSOCIATION_SET),
    body("IsDefault", "isDefault", &BOOLEAN_SHAPE),
    body("NetworkFirewallAssociations", "networkFirewallAssociationSet", &NETWORK_FIREWALL_ASSOCIATION_SET),
    body("OwnerId", "ownerId", &STRING_SHAPE),
    body("State", "state", &VPC_STATE),
    body("Tags", "tagSet", &TAG_LIST),
    body("VpcId", "vpcId", &STRING_SHAPE),
]);
static VPC_CIDR_BLOCK_ASSOCIATION: Shape = Shape::Structure(&[
    body("AssociationId", "associationId", &STRING_SHAPE),
    body("CidrBlock", "cidrBlock", &STRING_SHAPE),
    body("CidrBlockState", "cidrBlockState", &VPC_CIDR_BLOCK_STATE),
]);
static VPC_CIDR_BLOCK_ASSOCIATION_SET: Shape = Shape::List { member: &VPC_CIDR_BLOCK_ASSOCIATION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static VPC_CIDR_BLOCK_STATE: Shape = Shape::Structure(&[
    body("State", "state", &VPC_CIDR_BLOCK_STATE_CODE),
    body("StatusMessage", "statusMessage", &STRING_SHAPE),
]);
static VPC_CIDR_BLOCK_STATE_CODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["associating", "associated", "disassociating", "disassociated", "failing", "failed"] };
static VPC_ENCRYPTION_CONTROL: Shape = Shape::Structure(&[
    body("Mode", "mode", &VPC_ENCRYPTION_CONTROL_MODE),
    body("ResourceExclusions", "resourceExclusions", &VPC_ENCRYPTION_CONTROL_EXCLUSIONS),
    body("State", "state", &VPC_ENCRYPTION_CONTROL_STATE),
    body("StateMessage", "stateMessage", &STRING_SHAPE),
    body("Tags", "tagSet", &TAG_LIST),
    body("VpcEncryptionControlId", "vpcEncryptionControlId", &VPC_ENCRYPTION_CONTROL_ID),
    body("VpcId", "vpcId", &VPC_ID),
]);
static VPC_ENCRYPTION_CONTROL_EXCLUSION: Shape = Shape::Structure(&[
    body("State", "state", &VPC_ENCRYPTION_CONTROL_EXCLUSION_STATE),
    body("StateMessage", "stateMessage", &STRING_SHAPE),
]);
static VPC_ENCRYPTION_CONTROL_EXCLUSION_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["enabling", "enabled", "disabling", "disabled"] };
static VPC_ENCRYPTION_CONTROL_EXCLUSIONS: Shape = Shape::Structure(&[
    body("ApiGatewayV2", "apiGatewayV2", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("EgressOnlyInternetGateway", "egressOnlyInternetGateway", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("ElasticFileSystem", "elasticFileSystem", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("GlobalAccelerator", "globalAccelerator", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("InternetGateway", "internetGateway", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("Lambda", "lambda", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("NatGateway", "natGateway", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("VirtualPrivateGateway", "virtualPrivateGateway", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("VpcLattice", "vpcLattice", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
    body("VpcPeering", "vpcPeering", &VPC_ENCRYPTION_CONTROL_EXCLUSION),
]);
static VPC_ENCRYPTION_CONTROL_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static VPC_ENCRYPTION_CONTROL_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["monitor", "enforce"] };
static VPC_ENCRYPTION_CONTROL_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["enforce-in-progress", "monitor-in-progress", "enforce-failed", "monitor-failed", "deleting", "deleted", "available", "creating", "delete-failed"] };
static VPC_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static VPC_ID_STRING_LIST: Shape = Shape::List { member: &VPC_ID, item_name: "VpcId", is_flat: false, least: 0, most: 4294967295 };
static VPC_IPV6_CIDR_BLOCK_ASSOCIATION: Shape = Shape::Structure(&[
    body("AssociationId", "associationId", &STRING_SHAPE),
    body("IpSource", "ipSource", &IP_SOURCE),
    body("Ipv6AddressAttribute", "ipv6AddressAttribute", &IPV6_ADDRESS_ATTRIBUTE),
    body("Ipv6CidrBlock", "ipv6CidrBlock", &STRING_SHAPE),
    body("Ipv6CidrBlockState", "ipv6CidrBlockState", &VPC_CIDR_BLOCK_STATE),
    body("Ipv6Pool", "ipv6Pool", &STRING_SHAPE),
    body("NetworkBorderGroup", "networkBorderGroup", &STRING_SHAPE),
]);
static VPC_IPV6_CIDR_BLOCK_ASSOCIATION_SET: Shape = Shape::List { member: &VPC_IPV6_CIDR_BLOCK_ASSOCIATION, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static VPC_LIST: Shape = Shape::List { member: &VPC_SHAPE, item_name: "item", is_flat: false, least: 0, most: 4294967295 };
static VPC_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["pending", "available", "deleting"] };
static ZONE_ID_STRING_LIST: Shape = Shape::List { member: &STRING_SHAPE, item_name: "ZoneId", is_flat: false, least: 0, most: 4294967295 };
static ZONE_NAME_STRING_LIST: Shape = Shape::List { member: &STRING_SHAPE, item_name: "ZoneName", is_flat: false, least: 0, most: 4294967295 };
