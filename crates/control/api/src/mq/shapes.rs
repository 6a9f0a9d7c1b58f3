//! Made by `cargo xtask models` from the service model; not edited by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Sensitive;

/// `ActionRequired`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionRequired {
    #[serde(skip_serializing_if = "Option::is_none")] pub action_required_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub action_required_info: Option<String>,
}

/// `AvailabilityZone`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityZone {
    #[serde(skip_serializing_if = "Option::is_none")] pub name: Option<String>,
}

/// `BrokerEngineType`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerEngineType {
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_versions: Option<Vec<EngineVersion>>,
}

/// `BrokerInstance`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerInstance {
    #[serde(rename = "consoleURL")]
    #[serde(skip_serializing_if = "Option::is_none")] pub console_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub endpoints: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub ip_address: Option<String>,
}

/// `BrokerInstanceOption`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerInstanceOption {
    #[serde(skip_serializing_if = "Option::is_none")] pub availability_zones: Option<Vec<AvailabilityZone>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub storage_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub supported_deployment_modes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub supported_engine_versions: Option<Vec<String>>,
}

/// `BrokerSummary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerSummary {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    pub deployment_mode: String,
    pub engine_type: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
}

/// `Configuration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    pub arn: String,
    pub authentication_strategy: String,
    pub created: String,
    pub description: String,
    pub engine_type: String,
    pub engine_version: String,
    pub id: String,
    pub latest_revision: ConfigurationRevision,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
}

/// `ConfigurationId`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationId {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub revision: Option<i32>,
}

/// `ConfigurationRevision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationRevision {
    pub created: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub description: Option<String>,
    pub revision: i32,
}

/// `Configurations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configurations {
    #[serde(skip_serializing_if = "Option::is_none")] pub current: Option<ConfigurationId>,
    #[serde(skip_serializing_if = "Option::is_none")] pub history: Option<Vec<ConfigurationId>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending: Option<ConfigurationId>,
}

/// `CreateBrokerRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateBrokerRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub auto_minor_version_upgrade: Option<bool>,
    pub broker_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub configuration: Option<ConfigurationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub creator_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub data_replication_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub data_replication_primary_broker_arn: Option<String>,
    pub deployment_mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub encryption_options: Option<EncryptionOptions>,
    pub engine_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    pub host_instance_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub ldap_server_metadata: Option<LdapServerMetadataInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub logs: Option<Logs>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub maintenance_window_start_time: Option<WeeklyStartTime>,
    pub publicly_accessible: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub security_groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub storage_size: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub storage_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub subnet_ids: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub users: Option<Vec<User>>,
}

/// `CreateBrokerResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateBrokerResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
}

/// `CreateConfigurationRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateConfigurationRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    pub engine_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
}

/// `CreateConfigurationResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateConfigurationResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub latest_revision: Option<ConfigurationRevision>,
    #[serde(skip_serializing_if = "Option::is_none")] pub name: Option<String>,
}

/// `CreateTagsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTagsRequest {
    #[serde(rename = "resource-arn")]
    pub resource_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
}

/// `CreateUserRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateUserRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub console_access: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub groups: Option<Vec<String>>,
    pub password: Sensitive,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub replication_user: Option<bool>,
    pub username: String,
}

/// `CreateUserResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateUserResponse {
}

/// `DataReplicationCounterpart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataReplicationCounterpart {
    pub broker_id: String,
    pub region: String,
}

/// `DataReplicationMetadataOutput`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataReplicationMetadataOutput {
    #[serde(skip_serializing_if = "Option::is_none")] pub data_replication_counterpart: Option<DataReplicationCounterpart>,
    pub data_replication_role: String,
}

/// `DeleteBrokerRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteBrokerRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
}

/// `DeleteBrokerResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteBrokerResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
}

/// `DeleteConfigurationRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteConfigurationRequest {
    #[serde(rename = "configuration-id")]
    pub configuration_id: String,
}

/// `DeleteConfigurationResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteConfigurationResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub configuration_id: Option<String>,
}

/// `DeleteTagsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteTagsRequest {
    #[serde(rename = "resource-arn")]
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

/// `DeleteUserRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteUserRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    pub username: String,
}

/// `DeleteUserResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteUserResponse {
}

/// `DescribeBrokerEngineTypesRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerEngineTypesRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `DescribeBrokerEngineTypesResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerEngineTypesResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_engine_types: Option<Vec<BrokerEngineType>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `DescribeBrokerInstanceOptionsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerInstanceOptionsRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub storage_type: Option<String>,
}

/// `DescribeBrokerInstanceOptionsResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerInstanceOptionsResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_instance_options: Option<Vec<BrokerInstanceOption>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `DescribeBrokerRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
}

/// `DescribeBrokerResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeBrokerResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub actions_required: Option<Vec<ActionRequired>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub auto_minor_version_upgrade: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_instances: Option<Vec<BrokerInstance>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub configurations: Option<Configurations>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub data_replication_metadata: Option<DataReplicationMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub data_replication_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub deployment_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub encryption_options: Option<EncryptionOptions>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub ldap_server_metadata: Option<LdapServerMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub logs: Option<LogsSummary>,
    #[serde(skip_serializing_if = "Option::is_none")] pub maintenance_window_start_time: Option<WeeklyStartTime>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_authentication_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_data_replication_metadata: Option<DataReplicationMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_data_replication_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_engine_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_host_instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_ldap_server_metadata: Option<LdapServerMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_security_groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_storage_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub publicly_accessible: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub security_groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub storage_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub storage_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub subnet_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub users: Option<Vec<UserSummary>>,
}

/// `DescribeConfigurationRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeConfigurationRequest {
    #[serde(rename = "configuration-id")]
    pub configuration_id: String,
}

/// `DescribeConfigurationResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeConfigurationResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub latest_revision: Option<ConfigurationRevision>,
    #[serde(skip_serializing_if = "Option::is_none")] pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
}

/// `DescribeConfigurationRevisionRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeConfigurationRevisionRequest {
    #[serde(rename = "configuration-id")]
    pub configuration_id: String,
    #[serde(rename = "configuration-revision")]
    pub configuration_revision: String,
}

/// `DescribeConfigurationRevisionResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeConfigurationRevisionResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub configuration_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub description: Option<String>,
}

/// `DescribeSharedResourcesRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSharedResourcesRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `DescribeSharedResourcesResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSharedResourcesResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub shared_resources: Option<Vec<SharedResource>>,
}

/// `DescribeUserRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeUserRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    pub username: String,
}

/// `DescribeUserResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeUserResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub console_access: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending: Option<UserPendingChanges>,
    #[serde(skip_serializing_if = "Option::is_none")] pub replication_user: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub username: Option<String>,
}

/// `EncryptionOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub kms_key_id: Option<String>,
    pub use_aws_owned_key: bool,
}

/// `EngineVersion`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineVersion {
    #[serde(skip_serializing_if = "Option::is_none")] pub name: Option<String>,
}

/// `LdapServerMetadataInput`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LdapServerMetadataInput {
    pub hosts: Vec<String>,
    pub role_base: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub role_name: Option<String>,
    pub role_search_matching: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub role_search_subtree: Option<bool>,
    pub service_account_password: Sensitive,
    pub service_account_username: String,
    pub user_base: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub user_role_name: Option<String>,
    pub user_search_matching: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub user_search_subtree: Option<bool>,
}

/// `LdapServerMetadataOutput`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LdapServerMetadataOutput {
    pub hosts: Vec<String>,
    pub role_base: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub role_name: Option<String>,
    pub role_search_matching: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub role_search_subtree: Option<bool>,
    pub service_account_username: String,
    pub user_base: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub user_role_name: Option<String>,
    pub user_search_matching: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub user_search_subtree: Option<bool>,
}

/// `ListBrokersRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListBrokersRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListBrokersResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListBrokersResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_summaries: Option<Vec<BrokerSummary>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListConfigurationRevisionsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListConfigurationRevisionsRequest {
    #[serde(rename = "configuration-id")]
    pub configuration_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListConfigurationRevisionsResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListConfigurationRevisionsResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub configuration_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub revisions: Option<Vec<ConfigurationRevision>>,
}

/// `ListConfigurationsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListConfigurationsRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListConfigurationsResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListConfigurationsResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub configurations: Option<Vec<Configuration>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListTagsRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTagsRequest {
    #[serde(rename = "resource-arn")]
    pub resource_arn: String,
}

/// `ListTagsResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTagsResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub tags: Option<BTreeMap<String, String>>,
}

/// `ListUsersRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListUsersRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
}

/// `ListUsersResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListUsersResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub max_results: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")] pub next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub users: Option<Vec<UserSummary>>,
}

/// `Logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logs {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub audit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub general: Option<bool>,
}

/// `LogsSummary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogsSummary {
    #[serde(skip_serializing_if = "Option::is_none")] pub audit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub audit_log_group: Option<String>,
    pub general: bool,
    pub general_log_group: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending: Option<PendingLogs>,
}

/// `PendingLogs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingLogs {
    #[serde(skip_serializing_if = "Option::is_none")] pub audit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub general: Option<bool>,
}

/// `PromoteRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromoteRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    pub mode: String,
}

/// `PromoteResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromoteResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
}

/// `RebootBrokerRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebootBrokerRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
}

/// `RebootBrokerResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebootBrokerResponse {
}

/// `SanitizationWarning`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SanitizationWarning {
    #[serde(skip_serializing_if = "Option::is_none")] pub attribute_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub element_name: Option<String>,
    pub reason: String,
}

/// `SharedResource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedResource {
    #[serde(skip_serializing_if = "Option::is_none")] pub dns_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub error: Option<SharedResourceError>,
    pub resource_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")] pub resource_share_arns: Option<Vec<String>>,
    pub status: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// `SharedResourceError`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedResourceError {
    pub code: String,
    pub message: String,
}

/// `UpdateBrokerRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateBrokerRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub auto_minor_version_upgrade: Option<bool>,
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub configuration: Option<ConfigurationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub data_replication_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub ldap_server_metadata: Option<LdapServerMetadataInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub logs: Option<Logs>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub maintenance_window_start_time: Option<WeeklyStartTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub resource_share_arns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub security_groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub storage_size: Option<i32>,
}

/// `UpdateBrokerResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateBrokerResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub authentication_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub auto_minor_version_upgrade: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub broker_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub configuration: Option<ConfigurationId>,
    #[serde(skip_serializing_if = "Option::is_none")] pub data_replication_metadata: Option<DataReplicationMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub data_replication_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub engine_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub host_instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub ldap_server_metadata: Option<LdapServerMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub logs: Option<Logs>,
    #[serde(skip_serializing_if = "Option::is_none")] pub maintenance_window_start_time: Option<WeeklyStartTime>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_data_replication_metadata: Option<DataReplicationMetadataOutput>,
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_data_replication_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub resource_share_arns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub security_groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")] pub storage_size: Option<i32>,
}

/// `UpdateConfigurationRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateConfigurationRequest {
    #[serde(rename = "configuration-id")]
    pub configuration_id: String,
    pub data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub description: Option<String>,
}

/// `UpdateConfigurationResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateConfigurationResponse {
    #[serde(skip_serializing_if = "Option::is_none")] pub arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub latest_revision: Option<ConfigurationRevision>,
    #[serde(skip_serializing_if = "Option::is_none")] pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")] pub warnings: Option<Vec<SanitizationWarning>>,
}

/// `UpdateUserRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateUserRequest {
    #[serde(rename = "broker-id")]
    pub broker_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub console_access: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub password: Option<Sensitive>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub replication_user: Option<bool>,
    pub username: String,
}

/// `UpdateUserResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateUserResponse {
}

/// `User`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[serde(default, skip_serializing_if = "Option::is_none")] pub console_access: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub groups: Option<Vec<String>>,
    pub password: Sensitive,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub replication_user: Option<bool>,
    pub username: String,
}

/// `UserPendingChanges`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPendingChanges {
    #[serde(skip_serializing_if = "Option::is_none")] pub console_access: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")] pub groups: Option<Vec<String>>,
    pub pending_change: String,
}

/// `UserSummary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSummary {
    #[serde(skip_serializing_if = "Option::is_none")] pub pending_change: Option<String>,
    pub username: String,
}

/// `WeeklyStartTime`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeeklyStartTime {
    pub day_of_week: String,
    pub time_of_day: String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub time_zone: Option<String>,
}
