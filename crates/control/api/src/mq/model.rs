//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, TimeFormat, body, label, query};

/// The tables of mq.
pub static MODEL: Model = Model {
    name: "mq", id: "mq", api_version: "2017-11-27", signing_name: "mq",
    protocol: Protocol::RestJson, target_prefix: "", xml_namespace: "",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 25] = [
    Operation { name: "CreateBroker", method: "POST", path: "/v1/brokers", status: 200, input: Some(&CREATE_BROKER_REQUEST), output: Some(&CREATE_BROKER_RESPONSE), wrapper: "" },
    Operation { name: "CreateConfiguration", method: "POST", path: "/v1/configurations", status: 200, input: Some(&CREATE_CONFIGURATION_REQUEST), output: Some(&CREATE_CONFIGURATION_RESPONSE), wrapper: "" },
    Operation { name: "CreateTags", method: "POST", path: "/v1/tags/{resource-arn}", status: 204, input: Some(&CREATE_TAGS_REQUEST), output: None, wrapper: "" },
    Operation { name: "CreateUser", method: "POST", path: "/v1/brokers/{broker-id}/users/{username}", status: 200, input: Some(&CREATE_USER_REQUEST), output: Some(&CREATE_USER_RESPONSE), wrapper: "" },
    Operation { name: "DeleteBroker", method: "DELETE", path: "/v1/brokers/{broker-id}", status: 200, input: Some(&DELETE_BROKER_REQUEST), output: Some(&DELETE_BROKER_RESPONSE), wrapper: "" },
    Operation { name: "DeleteConfiguration", method: "DELETE", path: "/v1/configurations/{configuration-id}", status: 200, input: Some(&DELETE_CONFIGURATION_REQUEST), output: Some(&DELETE_CONFIGURATION_RESPONSE), wrapper: "" },
    Operation { name: "DeleteTags", method: "DELETE", path: "/v1/tags/{resource-arn}", status: 204, input: Some(&DELETE_TAGS_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteUser", method: "DELETE", path: "/v1/brokers/{broker-id}/users/{username}", status: 200, input: Some(&DELETE_USER_REQUEST), output: Some(&DELETE_USER_RESPONSE), wrapper: "" },
    Operation { name: "DescribeBroker", method: "GET", path: "/v1/brokers/{broker-id}", status: 200, input: Some(&DESCRIBE_BROKER_REQUEST), output: Some(&DESCRIBE_BROKER_RESPONSE), wrapper: "" },
    Operation { name: "DescribeBrokerEngineTypes", method: "GET", path: "/v1/broker-engine-types", status: 200, input: Some(&DESCRIBE_BROKER_ENGINE_TYPES_REQUEST), output: Some(&DESCRIBE_BROKER_ENGINE_TYPES_RESPONSE), wrapper: "" },
    Operation { name: "DescribeBrokerInstanceOptions", method: "GET", path: "/v1/broker-instance-options", status: 200, input: Some(&DESCRIBE_BROKER_INSTANCE_OPTIONS_REQUEST), output: Some(&DESCRIBE_BROKER_INSTANCE_OPTIONS_RESPONSE), wrapper: "" },
    Operation { name: "DescribeConfiguration", method: "GET", path: "/v1/configurations/{configuration-id}", status: 200, input: Some(&DESCRIBE_CONFIGURATION_REQUEST), output: Some(&DESCRIBE_CONFIGURATION_RESPONSE), wrapper: "" },
    Operation { name: "DescribeConfigurationRevision", method: "GET", path: "/v1/configurations/{configuration-id}/revisions/{configuration-revision}", status: 200, input: Some(&DESCRIBE_CONFIGURATION_REVISION_REQUEST), output: Some(&DESCRIBE_CONFIGURATION_REVISION_RESPONSE), wrapper: "" },
    Operation { name: "DescribeSharedResources", method: "GET", path: "/v1/brokers/{broker-id}/shared-resources", status: 200, input: Some(&DESCRIBE_SHARED_RESOURCES_REQUEST), output: Some(&DESCRIBE_SHARED_RESOURCES_RESPONSE), wrapper: "" },
    Operation { name: "DescribeUser", method: "GET", path: "/v1/brokers/{broker-id}/users/{username}", status: 200, input: Some(&DESCRIBE_USER_REQUEST), output: Some(&DESCRIBE_USER_RESPONSE), wrapper: "" },
    Operation { name: "ListBrokers", method: "GET", path: "/v1/brokers", status: 200, input: Some(&LIST_BROKERS_REQUEST), output: Some(&LIST_BROKERS_RESPONSE), wrapper: "" },
    Operation { name: "ListConfigurationRevisions", method: "GET", path: "/v1/configurations/{configuration-id}/revisions", status: 200, input: Some(&LIST_CONFIGURATION_REVISIONS_REQUEST), output: Some(&LIST_CONFIGURATION_REVISIONS_RESPONSE), wrapper: "" },
    Operation { name: "ListConfigurations", method: "GET", path: "/v1/configurations", status: 200, input: Some(&LIST_CONFIGURATIONS_REQUEST), output: Some(&LIST_CONFIGURATIONS_RESPONSE), wrapper: "" },
    Operation { name: "ListTags", method: "GET", path: "/v1/tags/{resource-arn}", status: 200, input: Some(&LIST_TAGS_REQUEST), output: Some(&LIST_TAGS_RESPONSE), wrapper: "" },
    Operation { name: "ListUsers", method: "GET", path: "/v1/brokers/{broker-id}/users", status: 200, input: Some(&LIST_USERS_REQUEST), output: Some(&LIST_USERS_RESPONSE), wrapper: "" },
    Operation { name: "Promote", method: "POST", path: "/v1/brokers/{broker-id}/promote", status: 200, input: Some(&PROMOTE_REQUEST), output: Some(&PROMOTE_RESPONSE), wrapper: "" },
    Operation { name: "RebootBroker", method: "POST", path: "/v1/brokers/{broker-id}/reboot", status: 200, input: Some(&REBOOT_BROKER_REQUEST), output: Some(&REBOOT_BROKER_RESPONSE), wrapper: "" },
    Operation { name: "UpdateBroker", method: "PUT", path: "/v1/brokers/{broker-id}", status: 200, input: Some(&UPDATE_BROKER_REQUEST), output: Some(&UPDATE_BROKER_RESPONSE), wrapper: "" },
    Operation { name: "UpdateConfiguration", method: "PUT", path: "/v1/configurations/{configuration-id}", status: 200, input: Some(&UPDATE_CONFIGURATION_REQUEST), output: Some(&UPDATE_CONFIGURATION_RESPONSE), wrapper: "" },
    Operation { name: "UpdateUser", method: "PUT", path: "/v1/brokers/{broker-id}/users/{username}", status: 200, input: Some(&UPDATE_USER_REQUEST), output: Some(&UPDATE_USER_RESPONSE), wrapper: "" },
];

static FAULTS: [Fault; 6] = [
    Fault { name: "BadRequestException", code: "BadRequestException", status: 400 },
    Fault { name: "ConflictException", code: "ConflictException", status: 409 },
    Fault { name: "ForbiddenException", code: "ForbiddenException", status: 403 },
    Fault { name: "InternalServerErrorException", code: "InternalServerErrorException", status: 500 },
    Fault { name: "NotFoundException", code: "NotFoundException", status: 404 },
    Fault { name: "UnauthorizedException", code: "UnauthorizedException", status: 401 },
];

static ACTION_REQUIRED: Shape = Shape::Structure(&[
    body("ActionRequiredCode", "actionRequiredCode", &STRING_SHAPE),
    body("ActionRequiredInfo", "actionRequiredInfo", &STRING_SHAPE),
]);
static AUTHENTICATION_STRATEGY: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["SIMPLE", "LDAP", "CONFIG_MANAGED"] };
static AVAILABILITY_ZONE: Shape = Shape::Structure(&[
    body("Name", "name", &STRING_SHAPE),
]);
static BROKER_ENGINE_TYPE: Shape = Shape::Structure(&[
    body("EngineType", "engineType", &ENGINE_TYPE),
    body("EngineVersions", "engineVersions", &LIST_OF_ENGINE_VERSION),
]);
static BROKER_INSTANCE: Shape = Shape::Structure(&[
    body("ConsoleURL", "consoleURL", &STRING_SHAPE),
    body("Endpoints", "endpoints", &LIST_OF_STRING),
    body("IpAddress", "ipAddress", &STRING_SHAPE),
]);
static BROKER_INSTANCE_OPTION: Shape = Shape::Structure(&[
    body("AvailabilityZones", "availabilityZones", &LIST_OF_AVAILABILITY_ZONE),
    body("EngineType", "engineType", &ENGINE_TYPE),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
    body("StorageType", "storageType", &BROKER_STORAGE_TYPE),
    body("SupportedDeploymentModes", "supportedDeploymentModes", &LIST_OF_DEPLOYMENT_MODE),
    body("SupportedEngineVersions", "supportedEngineVersions", &LIST_OF_STRING),
]);
static BROKER_STATE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["CREATION_IN_PROGRESS", "CREATION_FAILED", "DELETION_IN_PROGRESS", "RUNNING", "REBOOT_IN_PROGRESS", "CRITICAL_ACTION_REQUIRED", "REPLICA"] };
static BROKER_STORAGE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["EBS", "EFS"] };
static BROKER_SUMMARY: Shape = Shape::Structure(&[
    body("BrokerArn", "brokerArn", &STRING_SHAPE),
    body("BrokerId", "brokerId", &STRING_SHAPE),
    body("BrokerName", "brokerName", &STRING_SHAPE),
    body("BrokerState", "brokerState", &BROKER_STATE),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("DeploymentMode", "deploymentMode", &DEPLOYMENT_MODE).required(),
    body("EngineType", "engineType", &ENGINE_TYPE).required(),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
]);
static CHANGE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["CREATE", "UPDATE", "DELETE"] };
static CONFIGURATION_SHAPE: Shape = Shape::Structure(&[
    body("Arn", "arn", &STRING_SHAPE).required(),
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY).required(),
    body("Created", "created", &TIMESTAMP_ISO8601).required(),
    body("Description", "description", &STRING_SHAPE).required(),
    body("EngineType", "engineType", &ENGINE_TYPE).required(),
    body("EngineVersion", "engineVersion", &STRING_SHAPE).required(),
    body("Id", "id", &STRING_SHAPE).required(),
    body("LatestRevision", "latestRevision", &CONFIGURATION_REVISION).required(),
    body("Name", "name", &STRING_SHAPE).required(),
    body("Tags", "tags", &MAP_OF_STRING),
]);
static CONFIGURATION_ID: Shape = Shape::Structure(&[
    body("Id", "id", &STRING_SHAPE).required(),
    body("Revision", "revision", &INTEGER_SHAPE),
]);
static CONFIGURATION_REVISION: Shape = Shape::Structure(&[
    body("Created", "created", &TIMESTAMP_ISO8601).required(),
    body("Description", "description", &STRING_SHAPE),
    body("Revision", "revision", &INTEGER_SHAPE).required(),
]);
static CONFIGURATIONS_SHAPE: Shape = Shape::Structure(&[
    body("Current", "current", &CONFIGURATION_ID),
    body("History", "history", &LIST_OF_CONFIGURATION_ID),
    body("Pending", "pending", &CONFIGURATION_ID),
]);
static CREATE_BROKER_REQUEST: Shape = Shape::Structure(&[
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("AutoMinorVersionUpgrade", "autoMinorVersionUpgrade", &BOOLEAN_SHAPE),
    body("BrokerName", "brokerName", &STRING_SHAPE).required(),
    body("Configuration", "configuration", &CONFIGURATION_ID),
    body("CreatorRequestId", "creatorRequestId", &STRING_SHAPE),
    body("DataReplicationMode", "dataReplicationMode", &DATA_REPLICATION_MODE),
    body("DataReplicationPrimaryBrokerArn", "dataReplicationPrimaryBrokerArn", &STRING_SHAPE),
    body("DeploymentMode", "deploymentMode", &DEPLOYMENT_MODE).required(),
    body("EncryptionOptions", "encryptionOptions", &ENCRYPTION_OPTIONS),
    body("EngineType", "engineType", &ENGINE_TYPE).required(),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE).required(),
    body("LdapServerMetadata", "ldapServerMetadata", &LDAP_SERVER_METADATA_INPUT),
    body("Logs", "logs", &LOGS_SHAPE),
    body("MaintenanceWindowStartTime", "maintenanceWindowStartTime", &WEEKLY_START_TIME),
    body("PubliclyAccessible", "publiclyAccessible", &BOOLEAN_SHAPE).required(),
    body("SecurityGroups", "securityGroups", &LIST_OF_STRING),
    body("StorageSize", "storageSize", &INTEGER_SHAPE),
    body("StorageType", "storageType", &BROKER_STORAGE_TYPE),
    body("SubnetIds", "subnetIds", &LIST_OF_STRING),
    body("Tags", "tags", &MAP_OF_STRING),
    body("Users", "users", &LIST_OF_USER),
]);
static CREATE_BROKER_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerArn", "brokerArn", &STRING_SHAPE),
    body("BrokerId", "brokerId", &STRING_SHAPE),
]);
static CREATE_CONFIGURATION_REQUEST: Shape = Shape::Structure(&[
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("EngineType", "engineType", &ENGINE_TYPE).required(),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("Name", "name", &STRING_SHAPE).required(),
    body("Tags", "tags", &MAP_OF_STRING),
]);
static CREATE_CONFIGURATION_RESPONSE: Shape = Shape::Structure(&[
    body("Arn", "arn", &STRING_SHAPE),
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("Id", "id", &STRING_SHAPE),
    body("LatestRevision", "latestRevision", &CONFIGURATION_REVISION),
    body("Name", "name", &STRING_SHAPE),
]);
static CREATE_TAGS_REQUEST: Shape = Shape::Structure(&[
    label("ResourceArn", "resource-arn", &STRING_SHAPE).required(),
    body("Tags", "tags", &MAP_OF_STRING),
]);
static CREATE_USER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    body("ConsoleAccess", "consoleAccess", &BOOLEAN_SHAPE),
    body("Groups", "groups", &LIST_OF_STRING),
    body("Password", "password", &STRING_SHAPE).required(),
    body("ReplicationUser", "replicationUser", &BOOLEAN_SHAPE),
    label("Username", "username", &STRING_SHAPE).required(),
]);
static CREATE_USER_RESPONSE: Shape = Shape::Structure(&[]);
static DATA_REPLICATION_COUNTERPART: Shape = Shape::Structure(&[
    body("BrokerId", "brokerId", &STRING_SHAPE).required(),
    body("Region", "region", &STRING_SHAPE).required(),
]);
static DATA_REPLICATION_METADATA_OUTPUT: Shape = Shape::Structure(&[
    body("DataReplicationCounterpart", "dataReplicationCounterpart", &DATA_REPLICATION_COUNTERPART),
    body("DataReplicationRole", "dataReplicationRole", &STRING_SHAPE).required(),
]);
static DATA_REPLICATION_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["NONE", "CRDR"] };
static DAY_OF_WEEK: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"] };
static DELETE_BROKER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
]);
static DELETE_BROKER_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerId", "brokerId", &STRING_SHAPE),
]);
static DELETE_CONFIGURATION_REQUEST: Shape = Shape::Structure(&[
    label("ConfigurationId", "configuration-id", &STRING_SHAPE).required(),
]);
static DELETE_CONFIGURATION_RESPONSE: Shape = Shape::Structure(&[
    body("ConfigurationId", "configurationId", &STRING_SHAPE),
]);
static DELETE_TAGS_REQUEST: Shape = Shape::Structure(&[
    label("ResourceArn", "resource-arn", &STRING_SHAPE).required(),
    query("TagKeys", "tagKeys", &LIST_OF_STRING).required(),
]);
static DELETE_USER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    label("Username", "username", &STRING_SHAPE).required(),
]);
static DELETE_USER_RESPONSE: Shape = Shape::Structure(&[]);
static DEPLOYMENT_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ", "CLUSTER_MULTI_AZ"] };
static DESCRIBE_BROKER_ENGINE_TYPES_REQUEST: Shape = Shape::Structure(&[
    query("EngineType", "engineType", &STRING_SHAPE),
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static DESCRIBE_BROKER_ENGINE_TYPES_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerEngineTypes", "brokerEngineTypes", &LIST_OF_BROKER_ENGINE_TYPE),
    body("MaxResults", "maxResults", &INTEGER_MIN5_MAX100),
    body("NextToken", "nextToken", &STRING_SHAPE),
]);
static DESCRIBE_BROKER_INSTANCE_OPTIONS_REQUEST: Shape = Shape::Structure(&[
    query("EngineType", "engineType", &STRING_SHAPE),
    query("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
    query("StorageType", "storageType", &STRING_SHAPE),
]);
static DESCRIBE_BROKER_INSTANCE_OPTIONS_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerInstanceOptions", "brokerInstanceOptions", &LIST_OF_BROKER_INSTANCE_OPTION),
    body("MaxResults", "maxResults", &INTEGER_MIN5_MAX100),
    body("NextToken", "nextToken", &STRING_SHAPE),
]);
static DESCRIBE_BROKER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
]);
static DESCRIBE_BROKER_RESPONSE: Shape = Shape::Structure(&[
    body("ActionsRequired", "actionsRequired", &LIST_OF_ACTION_REQUIRED),
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("AutoMinorVersionUpgrade", "autoMinorVersionUpgrade", &BOOLEAN_SHAPE),
    body("BrokerArn", "brokerArn", &STRING_SHAPE),
    body("BrokerId", "brokerId", &STRING_SHAPE),
    body("BrokerInstances", "brokerInstances", &LIST_OF_BROKER_INSTANCE),
    body("BrokerName", "brokerName", &STRING_SHAPE),
    body("BrokerState", "brokerState", &BROKER_STATE),
    body("Configurations", "configurations", &CONFIGURATIONS_SHAPE),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("DataReplicationMetadata", "dataReplicationMetadata", &DATA_REPLICATION_METADATA_OUTPUT),
    body("DataReplicationMode", "dataReplicationMode", &DATA_REPLICATION_MODE),
    body("DeploymentMode", "deploymentMode", &DEPLOYMENT_MODE),
    body("EncryptionOptions", "encryptionOptions", &ENCRYPTION_OPTIONS),
    body("EngineType", "engineType", &ENGINE_TYPE),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
    body("LdapServerMetadata", "ldapServerMetadata", &LDAP_SERVER_METADATA_OUTPUT),
    body("Logs", "logs", &LOGS_SUMMARY),
    body("MaintenanceWindowStartTime", "maintenanceWindowStartTime", &WEEKLY_START_TIME),
    body("PendingAuthenticationStrategy", "pendingAuthenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("PendingDataReplicationMetadata", "pendingDataReplicationMetadata", &DATA_REPLICATION_METADATA_OUTPUT),
    body("PendingDataReplicationMode", "pendingDataReplicationMode", &DATA_REPLICATION_MODE),
    body("PendingEngineVersion", "pendingEngineVersion", &STRING_SHAPE),
    body("PendingHostInstanceType", "pendingHostInstanceType", &STRING_SHAPE),
    body("PendingLdapServerMetadata", "pendingLdapServerMetadata", &LDAP_SERVER_METADATA_OUTPUT),
    body("PendingSecurityGroups", "pendingSecurityGroups", &LIST_OF_STRING),
    body("PendingStorageSize", "pendingStorageSize", &INTEGER_SHAPE),
    body("PubliclyAccessible", "publiclyAccessible", &BOOLEAN_SHAPE),
    body("SecurityGroups", "securityGroups", &LIST_OF_STRING),
    body("StorageSize", "storageSize", &INTEGER_SHAPE),
    body("StorageType", "storageType", &BROKER_STORAGE_TYPE),
    body("SubnetIds", "subnetIds", &LIST_OF_STRING),
    body("Tags", "tags", &MAP_OF_STRING),
    body("Users", "users", &LIST_OF_USER_SUMMARY),
]);
static DESCRIBE_CONFIGURATION_REQUEST: Shape = Shape::Structure(&[
    label("ConfigurationId", "configuration-id", &STRING_SHAPE).required(),
]);
static DESCRIBE_CONFIGURATION_RESPONSE: Shape = Shape::Structure(&[
    body("Arn", "arn", &STRING_SHAPE),
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("Description", "description", &STRING_SHAPE),
    body("EngineType", "engineType", &ENGINE_TYPE),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("Id", "id", &STRING_SHAPE),
    body("LatestRevision", "latestRevision", &CONFIGURATION_REVISION),
    body("Name", "name", &STRING_SHAPE),
    body("Tags", "tags", &MAP_OF_STRING),
]);
static DESCRIBE_CONFIGURATION_REVISION_REQUEST: Shape = Shape::Structure(&[
    label("ConfigurationId", "configuration-id", &STRING_SHAPE).required(),
    label("ConfigurationRevision", "configuration-revision", &STRING_SHAPE).required(),
]);
static DESCRIBE_CONFIGURATION_REVISION_RESPONSE: Shape = Shape::Structure(&[
    body("ConfigurationId", "configurationId", &STRING_SHAPE),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("Data", "data", &STRING_SHAPE),
    body("Description", "description", &STRING_SHAPE),
]);
static DESCRIBE_SHARED_RESOURCES_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static DESCRIBE_SHARED_RESOURCES_RESPONSE: Shape = Shape::Structure(&[
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("SharedResources", "sharedResources", &LIST_OF_SHARED_RESOURCE),
]);
static DESCRIBE_USER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    label("Username", "username", &STRING_SHAPE).required(),
]);
static DESCRIBE_USER_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerId", "brokerId", &STRING_SHAPE),
    body("ConsoleAccess", "consoleAccess", &BOOLEAN_SHAPE),
    body("Groups", "groups", &LIST_OF_STRING),
    body("Pending", "pending", &USER_PENDING_CHANGES),
    body("ReplicationUser", "replicationUser", &BOOLEAN_SHAPE),
    body("Username", "username", &STRING_SHAPE),
]);
static ENCRYPTION_OPTIONS: Shape = Shape::Structure(&[
    body("KmsKeyId", "kmsKeyId", &STRING_SHAPE),
    body("UseAwsOwnedKey", "useAwsOwnedKey", &BOOLEAN_SHAPE).required(),
]);
static ENGINE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["ACTIVEMQ", "RABBITMQ"] };
static ENGINE_VERSION: Shape = Shape::Structure(&[
    body("Name", "name", &STRING_SHAPE),
]);
static LDAP_SERVER_METADATA_INPUT: Shape = Shape::Structure(&[
    body("Hosts", "hosts", &LIST_OF_STRING).required(),
    body("RoleBase", "roleBase", &STRING_SHAPE).required(),
    body("RoleName", "roleName", &STRING_SHAPE),
    body("RoleSearchMatching", "roleSearchMatching", &STRING_SHAPE).required(),
    body("RoleSearchSubtree", "roleSearchSubtree", &BOOLEAN_SHAPE),
    body("ServiceAccountPassword", "serviceAccountPassword", &STRING_SHAPE).required(),
    body("ServiceAccountUsername", "serviceAccountUsername", &STRING_SHAPE).required(),
    body("UserBase", "userBase", &STRING_SHAPE).required(),
    body("UserRoleName", "userRoleName", &STRING_SHAPE),
    body("UserSearchMatching", "userSearchMatching", &STRING_SHAPE).required(),
    body("UserSearchSubtree", "userSearchSubtree", &BOOLEAN_SHAPE),
]);
static LDAP_SERVER_METADATA_OUTPUT: Shape = Shape::Structure(&[
    body("Hosts", "hosts", &LIST_OF_STRING).required(),
    body("RoleBase", "roleBase", &STRING_SHAPE).required(),
    body("RoleName", "roleName", &STRING_SHAPE),
    body("RoleSearchMatching", "roleSearchMatching", &STRING_SHAPE).required(),
    body("RoleSearchSubtree", "roleSearchSubtree", &BOOLEAN_SHAPE),
    body("ServiceAccountUsername", "serviceAccountUsername", &STRING_SHAPE).required(),
    body("UserBase", "userBase", &STRING_SHAPE).required(),
    body("UserRoleName", "userRoleName", &STRING_SHAPE),
    body("UserSearchMatching", "userSearchMatching", &STRING_SHAPE).required(),
    body("UserSearchSubtree", "userSearchSubtree", &BOOLEAN_SHAPE),
]);
static LIST_BROKERS_REQUEST: Shape = Shape::Structure(&[
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_BROKERS_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerSummaries", "brokerSummaries", &LIST_OF_BROKER_SUMMARY),
    body("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_CONFIGURATION_REVISIONS_REQUEST: Shape = Shape::Structure(&[
    label("ConfigurationId", "configuration-id", &STRING_SHAPE).required(),
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_CONFIGURATION_REVISIONS_RESPONSE: Shape = Shape::Structure(&[
    body("ConfigurationId", "configurationId", &STRING_SHAPE),
    body("MaxResults", "maxResults", &INTEGER_SHAPE),
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("Revisions", "revisions", &LIST_OF_CONFIGURATION_REVISION),
]);
static LIST_CONFIGURATIONS_REQUEST: Shape = Shape::Structure(&[
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_CONFIGURATIONS_RESPONSE: Shape = Shape::Structure(&[
    body("Configurations", "configurations", &LIST_OF_CONFIGURATION),
    body("MaxResults", "maxResults", &INTEGER_SHAPE),
    body("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_TAGS_REQUEST: Shape = Shape::Structure(&[
    label("ResourceArn", "resource-arn", &STRING_SHAPE).required(),
]);
static LIST_TAGS_RESPONSE: Shape = Shape::Structure(&[
    body("Tags", "tags", &MAP_OF_STRING),
]);
static LIST_USERS_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    query("MaxResults", "maxResults", &MAX_RESULTS),
    query("NextToken", "nextToken", &STRING_SHAPE),
]);
static LIST_USERS_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerId", "brokerId", &STRING_SHAPE),
    body("MaxResults", "maxResults", &INTEGER_MIN5_MAX100),
    body("NextToken", "nextToken", &STRING_SHAPE),
    body("Users", "users", &LIST_OF_USER_SUMMARY),
]);
static LOGS_SHAPE: Shape = Shape::Structure(&[
    body("Audit", "audit", &BOOLEAN_SHAPE),
    body("General", "general", &BOOLEAN_SHAPE),
]);
static LOGS_SUMMARY: Shape = Shape::Structure(&[
    body("Audit", "audit", &BOOLEAN_SHAPE),
    body("AuditLogGroup", "auditLogGroup", &STRING_SHAPE),
    body("General", "general", &BOOLEAN_SHAPE).required(),
    body("GeneralLogGroup", "generalLogGroup", &STRING_SHAPE).required(),
    body("Pending", "pending", &PENDING_LOGS),
]);
static MAX_RESULTS: Shape = Shape::Integer { least: 1, most: 100 };
static PENDING_LOGS: Shape = Shape::Structure(&[
    body("Audit", "audit", &BOOLEAN_SHAPE),
    body("General", "general", &BOOLEAN_SHAPE),
]);
static PROMOTE_MODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["SWITCHOVER", "FAILOVER"] };
static PROMOTE_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    body("Mode", "mode", &PROMOTE_MODE).required(),
]);
static PROMOTE_RESPONSE: Shape = Shape::Structure(&[
    body("BrokerId", "brokerId", &STRING_SHAPE),
]);
static REBOOT_BROKER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
]);
static REBOOT_BROKER_RESPONSE: Shape = Shape::Structure(&[]);
static SANITIZATION_WARNING: Shape = Shape::Structure(&[
    body("AttributeName", "attributeName", &STRING_SHAPE),
    body("ElementName", "elementName", &STRING_SHAPE),
    body("Reason", "reason", &SANITIZATION_WARNING_REASON).required(),
]);
static SANITIZATION_WARNING_REASON: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["DISALLOWED_ELEMENT_REMOVED", "DISALLOWED_ATTRIBUTE_REMOVED", "INVALID_ATTRIBUTE_VALUE_REMOVED"] };
static SHARED_RESOURCE: Shape = Shape::Structure(&[
    body("DnsNames", "dnsNames", &LIST_OF_STRING),
    body("Error", "error", &SHARED_RESOURCE_ERROR),
    body("ResourceArn", "resourceArn", &STRING_SHAPE).required(),
    body("ResourceShareArns", "resourceShareArns", &LIST_OF_STRING),
    body("Status", "status", &SHARED_RESOURCE_STATUS).required(),
    body("Type", "type", &SHARED_RESOURCE_TYPE).required(),
]);
static SHARED_RESOURCE_ERROR: Shape = Shape::Structure(&[
    body("Code", "code", &SHARED_RESOURCE_ERROR_CODE).required(),
    body("Message", "message", &STRING_SHAPE).required(),
]);
static SHARED_RESOURCE_ERROR_CODE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["QUOTA_EXCEEDED", "SHARE_NOT_FOUND", "INVITE_FAILED", "SETUP_INCOMPLETE", "INTERNAL_ERROR", "AZ_MISMATCH", "RESOURCE_CONFIGURATION_NOT_FOUND"] };
static SHARED_RESOURCE_STATUS: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["AVAILABLE", "SETUP_IN_PROGRESS", "DELETION_IN_PROGRESS", "PENDING_CREATE", "PENDING_DELETE", "ERROR"] };
static SHARED_RESOURCE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["RESOURCE_SHARE", "RESOURCE"] };
static UPDATE_BROKER_REQUEST: Shape = Shape::Structure(&[
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("AutoMinorVersionUpgrade", "autoMinorVersionUpgrade", &BOOLEAN_SHAPE),
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    body("Configuration", "configuration", &CONFIGURATION_ID),
    body("DataReplicationMode", "dataReplicationMode", &DATA_REPLICATION_MODE),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
    body("LdapServerMetadata", "ldapServerMetadata", &LDAP_SERVER_METADATA_INPUT),
    body("Logs", "logs", &LOGS_SHAPE),
    body("MaintenanceWindowStartTime", "maintenanceWindowStartTime", &WEEKLY_START_TIME),
    body("ResourceShareArns", "resourceShareArns", &LIST_OF_STRING),
    body("SecurityGroups", "securityGroups", &LIST_OF_STRING),
    body("StorageSize", "storageSize", &INTEGER_SHAPE),
]);
static UPDATE_BROKER_RESPONSE: Shape = Shape::Structure(&[
    body("AuthenticationStrategy", "authenticationStrategy", &AUTHENTICATION_STRATEGY),
    body("AutoMinorVersionUpgrade", "autoMinorVersionUpgrade", &BOOLEAN_SHAPE),
    body("BrokerId", "brokerId", &STRING_SHAPE),
    body("Configuration", "configuration", &CONFIGURATION_ID),
    body("DataReplicationMetadata", "dataReplicationMetadata", &DATA_REPLICATION_METADATA_OUTPUT),
    body("DataReplicationMode", "dataReplicationMode", &DATA_REPLICATION_MODE),
    body("EngineVersion", "engineVersion", &STRING_SHAPE),
    body("HostInstanceType", "hostInstanceType", &STRING_SHAPE),
    body("LdapServerMetadata", "ldapServerMetadata", &LDAP_SERVER_METADATA_OUTPUT),
    body("Logs", "logs", &LOGS_SHAPE),
    body("MaintenanceWindowStartTime", "maintenanceWindowStartTime", &WEEKLY_START_TIME),
    body("PendingDataReplicationMetadata", "pendingDataReplicationMetadata", &DATA_REPLICATION_METADATA_OUTPUT),
    body("PendingDataReplicationMode", "pendingDataReplicationMode", &DATA_REPLICATION_MODE),
    body("ResourceShareArns", "resourceShareArns", &LIST_OF_STRING),
    body("SecurityGroups", "securityGroups", &LIST_OF_STRING),
    body("StorageSize", "storageSize", &INTEGER_SHAPE),
]);
static UPDATE_CONFIGURATION_REQUEST: Shape = Shape::Structure(&[
    label("ConfigurationId", "configuration-id", &STRING_SHAPE).required(),
    body("Data", "data", &STRING_SHAPE).required(),
    body("Description", "description", &STRING_SHAPE),
]);
static UPDATE_CONFIGURATION_RESPONSE: Shape = Shape::Structure(&[
    body("Arn", "arn", &STRING_SHAPE),
    body("Created", "created", &TIMESTAMP_ISO8601),
    body("Id", "id", &STRING_SHAPE),
    body("LatestRevision", "latestRevision", &CONFIGURATION_REVISION),
    body("Name", "name", &STRING_SHAPE),
    body("Warnings", "warnings", &LIST_OF_SANITIZATION_WARNING),
]);
static UPDATE_USER_REQUEST: Shape = Shape::Structure(&[
    label("BrokerId", "broker-id", &STRING_SHAPE).required(),
    body("ConsoleAccess", "consoleAccess", &BOOLEAN_SHAPE),
    body("Groups", "groups", &LIST_OF_STRING),
    body("Password", "password", &STRING_SHAPE),
    body("ReplicationUser", "replicationUser", &BOOLEAN_SHAPE),
    label("Username", "username", &STRING_SHAPE).required(),
]);
static UPDATE_USER_RESPONSE: Shape = Shape::Structure(&[]);
static USER_SHAPE: Shape = Shape::Structure(&[
    body("ConsoleAccess", "consoleAccess", &BOOLEAN_SHAPE),
    body("Groups", "groups", &LIST_OF_STRING),
    body("Password", "password", &STRING_SHAPE).required(),
    body("ReplicationUser", "replicationUser", &BOOLEAN_SHAPE),
    body("Username", "username", &STRING_SHAPE).required(),
]);
static USER_PENDING_CHANGES: Shape = Shape::Structure(&[
    body("ConsoleAccess", "consoleAccess", &BOOLEAN_SHAPE),
    body("Groups", "groups", &LIST_OF_STRING),
    body("PendingChange", "pendingChange", &CHANGE_TYPE).required(),
]);
static USER_SUMMARY: Shape = Shape::Structure(&[
    body("PendingChange", "pendingChange", &CHANGE_TYPE),
    body("Username", "username", &STRING_SHAPE).required(),
]);
static WEEKLY_START_TIME: Shape = Shape::Structure(&[
    body("DayOfWeek", "dayOfWeek", &DAY_OF_WEEK).required(),
    body("TimeOfDay", "timeOfDay", &STRING_SHAPE).required(),
    body("TimeZone", "timeZone", &STRING_SHAPE),
]);
static BOOLEAN_SHAPE: Shape = Shape::Boolean;
static INTEGER_SHAPE: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static INTEGER_MIN5_MAX100: Shape = Shape::Integer { least: 5, most: 100 };
static LIST_OF_ACTION_REQUIRED: Shape = Shape::List { member: &ACTION_REQUIRED, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_AVAILABILITY_ZONE: Shape = Shape::List { member: &AVAILABILITY_ZONE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_BROKER_ENGINE_TYPE: Shape = Shape::List { member: &BROKER_ENGINE_TYPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_BROKER_INSTANCE: Shape = Shape::List { member: &BROKER_INSTANCE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_BROKER_INSTANCE_OPTION: Shape = Shape::List { member: &BROKER_INSTANCE_OPTION, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_BROKER_SUMMARY: Shape = Shape::List { member: &BROKER_SUMMARY, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_CONFIGURATION: Shape = Shape::List { member: &CONFIGURATION_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_CONFIGURATION_ID: Shape = Shape::List { member: &CONFIGURATION_ID, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_CONFIGURATION_REVISION: Shape = Shape::List { member: &CONFIGURATION_REVISION, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_DEPLOYMENT_MODE: Shape = Shape::List { member: &DEPLOYMENT_MODE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_ENGINE_VERSION: Shape = Shape::List { member: &ENGINE_VERSION, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_SANITIZATION_WARNING: Shape = Shape::List { member: &SANITIZATION_WARNING, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_SHARED_RESOURCE: Shape = Shape::List { member: &SHARED_RESOURCE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_USER: Shape = Shape::List { member: &USER_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_USER_SUMMARY: Shape = Shape::List { member: &USER_SUMMARY, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LIST_OF_STRING: Shape = Shape::List { member: &STRING_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static MAP_OF_STRING: Shape = Shape::Map { key: &STRING_SHAPE, value: &STRING_SHAPE };
static STRING_SHAPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static TIMESTAMP_ISO8601: Shape = Shape::Time(TimeFormat::Iso8601);
