//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, TimeFormat, body};

/// The tables of IAM.
pub static MODEL: Model = Model {
    name: "iam", id: "IAM", api_version: "2010-05-08", signing_name: "iam",
    protocol: Protocol::Query, target_prefix: "", xml_namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 55] = [
    Operation { name: "AddUserToGroup", method: "POST", path: "/", status: 200, input: Some(&ADD_USER_TO_GROUP_REQUEST), output: None, wrapper: "" },
    Operation { name: "AttachGroupPolicy", method: "POST", path: "/", status: 200, input: Some(&ATTACH_GROUP_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "AttachRolePolicy", method: "POST", path: "/", status: 200, input: Some(&ATTACH_ROLE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "AttachUserPolicy", method: "POST", path: "/", status: 200, input: Some(&ATTACH_USER_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "CreateAccessKey", method: "POST", path: "/", status: 200, input: Some(&CREATE_ACCESS_KEY_REQUEST), output: Some(&CREATE_ACCESS_KEY_RESPONSE), wrapper: "CreateAccessKeyResult" },
    Operation { name: "CreateGroup", method: "POST", path: "/", status: 200, input: Some(&CREATE_GROUP_REQUEST), output: Some(&CREATE_GROUP_RESPONSE), wrapper: "CreateGroupResult" },
    Operation { name: "CreatePolicy", method: "POST", path: "/", status: 200, input: Some(&CREATE_POLICY_REQUEST), output: Some(&CREATE_POLICY_RESPONSE), wrapper: "CreatePolicyResult" },
    Operation { name: "CreatePolicyVersion", method: "POST", path: "/", status: 200, input: Some(&CREATE_POLICY_VERSION_REQUEST), output: Some(&CREATE_POLICY_VERSION_RESPONSE), wrapper: "CreatePolicyVersionResult" },
    Operation { name: "CreateRole", method: "POST", path: "/", status: 200, input: Some(&CREATE_ROLE_REQUEST), output: Some(&CREATE_ROLE_RESPONSE), wrapper: "CreateRoleResult" },
    Operation { name: "CreateUser", method: "POST", path: "/", status: 200, input: Some(&CREATE_USER_REQUEST), output: Some(&CREATE_USER_RESPONSE), wrapper: "CreateUserResult" },
    Operation { name: "DeleteAccessKey", method: "POST", path: "/", status: 200, input: Some(&DELETE_ACCESS_KEY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteGroup", method: "POST", path: "/", status: 200, input: Some(&DELETE_GROUP_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteGroupPolicy", method: "POST", path: "/", status: 200, input: Some(&DELETE_GROUP_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeletePolicy", method: "POST", path: "/", status: 200, input: Some(&DELETE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeletePolicyVersion", method: "POST", path: "/", status: 200, input: Some(&DELETE_POLICY_VERSION_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteRole", method: "POST", path: "/", status: 200, input: Some(&DELETE_ROLE_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteRolePolicy", method: "POST", path: "/", status: 200, input: Some(&DELETE_ROLE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteUser", method: "POST", path: "/", status: 200, input: Some(&DELETE_USER_REQUEST), output: None, wrapper: "" },
    Operation { name: "DeleteUserPolicy", method: "POST", path: "/", status: 200, input: Some(&DELETE_USER_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DetachGroupPolicy", method: "POST", path: "/", status: 200, input: Some(&DETACH_GROUP_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DetachRolePolicy", method: "POST", path: "/", status: 200, input: Some(&DETACH_ROLE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "DetachUserPolicy", method: "POST", path: "/", status: 200, input: Some(&DETACH_USER_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "GetAccessKeyLastUsed", method: "POST", path: "/", status: 200, input: Some(&GET_ACCESS_KEY_LAST_USED_REQUEST), output: Some(&GET_ACCESS_KEY_LAST_USED_RESPONSE), wrapper: "GetAccessKeyLastUsedResult" },
    Operation { name: "GetGroup", method: "POST", path: "/", status: 200, input: Some(&GET_GROUP_REQUEST), output: Some(&GET_GROUP_RESPONSE), wrapper: "GetGroupResult" },
    Operation { name: "GetGroupPolicy", method: "POST", path: "/", status: 200, input: Some(&GET_GROUP_POLICY_REQUEST), output: Some(&GET_GROUP_POLICY_RESPONSE), wrapper: "GetGroupPolicyResult" },
    Operation { name: "GetPolicy", method: "POST", path: "/", status: 200, input: Some(&GET_POLICY_REQUEST), output: Some(&GET_POLICY_RESPONSE), wrapper: "GetPolicyResult" },
    Operation { name: "GetPolicyVersion", method: "POST", path: "/", status: 200, input: Some(&GET_POLICY_VERSION_REQUEST), output: Some(&GET_POLICY_VERSION_RESPONSE), wrapper: "GetPolicyVersionResult" },
    Operation { name: "GetRole", method: "POST", path: "/", status: 200, input: Some(&GET_ROLE_REQUEST), output: Some(&GET_ROLE_RESPONSE), wrapper: "GetRoleResult" },
    Operation { name: "GetRolePolicy", method: "POST", path: "/", status: 200, input: Some(&GET_ROLE_POLICY_REQUEST), output: Some(&GET_ROLE_POLICY_RESPONSE), wrapper: "GetRolePolicyResult" },
    Operation { name: "GetUser", method: "POST", path: "/", status: 200, input: Some(&GET_USER_REQUEST), output: Some(&GET_USER_RESPONSE), wrapper: "GetUserResult" },
    Operation { name: "GetUserPolicy", method: "POST", path: "/", status: 200, input: Some(&GET_USER_POLICY_REQUEST), output: Some(&GET_USER_POLICY_RESPONSE), wrapper: "GetUserPolicyResult" },
    Operation { name: "ListAccessKeys", method: "POST", path: "/", status: 200, input: Some(&LIST_ACCESS_KEYS_REQUEST), output: Some(&LIST_ACCESS_KEYS_RESPONSE), wrapper: "ListAccessKeysResult" },
    Operation { name: "ListAttachedGroupPolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_ATTACHED_GROUP_POLICIES_REQUEST), output: Some(&LIST_ATTACHED_GROUP_POLICIES_RESPONSE), wrapper: "ListAttachedGroupPoliciesResult" },
    Operation { name: "ListAttachedRolePolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_ATTACHED_ROLE_POLICIES_REQUEST), output: Some(&LIST_ATTACHED_ROLE_POLICIES_RESPONSE), wrapper: "ListAttachedRolePoliciesResult" },
    Operation { name: "ListAttachedUserPolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_ATTACHED_USER_POLICIES_REQUEST), output: Some(&LIST_ATTACHED_USER_POLICIES_RESPONSE), wrapper: "ListAttachedUserPoliciesResult" },
    Operation { name: "ListGroupPolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_GROUP_POLICIES_REQUEST), output: Some(&LIST_GROUP_POLICIES_RESPONSE), wrapper: "ListGroupPoliciesResult" },
    Operation { name: "ListGroups", method: "POST", path: "/", status: 200, input: Some(&LIST_GROUPS_REQUEST), output: Some(&LIST_GROUPS_RESPONSE), wrapper: "ListGroupsResult" },
    Operation { name: "ListGroupsForUser", method: "POST", path: "/", status: 200, input: Some(&LIST_GROUPS_FOR_USER_REQUEST), output: Some(&LIST_GROUPS_FOR_USER_RESPONSE), wrapper: "ListGroupsForUserResult" },
    Operation { name: "ListPolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_POLICIES_REQUEST), output: Some(&LIST_POLICIES_RESPONSE), wrapper: "ListPoliciesResult" },
    Operation { name: "ListPolicyVersions", method: "POST", path: "/", status: 200, input: Some(&LIST_POLICY_VERSIONS_REQUEST), output: Some(&LIST_POLICY_VERSIONS_RESPONSE), wrapper: "ListPolicyVersionsResult" },
    Operation { name: "ListRolePolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_ROLE_POLICIES_REQUEST), output: Some(&LIST_ROLE_POLICIES_RESPONSE), wrapper: "ListRolePoliciesResult" },
    Operation { name: "ListRoles", method: "POST", path: "/", status: 200, input: Some(&LIST_ROLES_REQUEST), output: Some(&LIST_ROLES_RESPONSE), wrapper: "ListRolesResult" },
    Operation { name: "ListUserPolicies", method: "POST", path: "/", status: 200, input: Some(&LIST_USER_POLICIES_REQUEST), output: Some(&LIST_USER_POLICIES_RESPONSE), wrapper: "ListUserPoliciesResult" },
    Operation { name: "ListUserTags", method: "POST", path: "/", status: 200, input: Some(&LIST_USER_TAGS_REQUEST), output: Some(&LIST_USER_TAGS_RESPONSE), wrapper: "ListUserTagsResult" },
    Operation { name: "ListUsers", method: "POST", path: "/", status: 200, input: Some(&LIST_USERS_REQUEST), output: Some(&LIST_USERS_RESPONSE), wrapper: "ListUsersResult" },
    Operation { name: "PutGroupPolicy", method: "POST", path: "/", status: 200, input: Some(&PUT_GROUP_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "PutRolePolicy", method: "POST", path: "/", status: 200, input: Some(&PUT_ROLE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "PutUserPolicy", method: "POST", path: "/", status: 200, input: Some(&PUT_USER_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "RemoveUserFromGroup", method: "POST", path: "/", status: 200, input: Some(&REMOVE_USER_FROM_GROUP_REQUEST), output: None, wrapper: "" },
    Operation { name: "SetDefaultPolicyVersion", method: "POST", path: "/", status: 200, input: Some(&SET_DEFAULT_POLICY_VERSION_REQUEST), output: None, wrapper: "" },
    Operation { name: "TagUser", method: "POST", path: "/", status: 200, input: Some(&TAG_USER_REQUEST), output: None, wrapper: "" },
    Operation { name: "UntagUser", method: "POST", path: "/", status: 200, input: Some(&UNTAG_USER_REQUEST), output: None, wrapper: "" },
    Operation { name: "UpdateAccessKey", method: "POST", path: "/", status: 200, input: Some(&UPDATE_ACCESS_KEY_REQUEST), output: None, wrapper: "" },
    Operation { name: "UpdateAssumeRolePolicy", method: "POST", path: "/", status: 200, input: Some(&UPDATE_ASSUME_ROLE_POLICY_REQUEST), output: None, wrapper: "" },
    Operation { name: "UpdateUser", method: "POST", path: "/", status: 200, input: Some(&UPDATE_USER_REQUEST), output: None, wrapper: "" },
];

static FAULTS: [Fault; 11] = [
    Fault { name: "ConcurrentModificationException", code: "ConcurrentModification", status: 409 },
    Fault { name: "DeleteConflictException", code: "DeleteConflict", status: 409 },
    Fault { name: "EntityAlreadyExistsException", code: "EntityAlreadyExists", status: 409 },
    Fault { name: "EntityTemporarilyUnmodifiableException", code: "EntityTemporarilyUnmodifiable", status: 409 },
    Fault { name: "InvalidInputException", code: "InvalidInput", status: 400 },
    Fault { name: "LimitExceededException", code: "LimitExceeded", status: 409 },
    Fault { name: "MalformedPolicyDocumentException", code: "MalformedPolicyDocument", status: 400 },
    Fault { name: "NoSuchEntityException", code: "NoSuchEntity", status: 404 },
    Fault { name: "PolicyNotAttachableException", code: "PolicyNotAttachable", status: 400 },
    Fault { name: "ServiceFailureException", code: "ServiceFailure", status: 500 },
    Fault { name: "UnmodifiableEntityException", code: "UnmodifiableEntity", status: 400 },
];

static ACCESS_KEY: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE).required(),
    body("CreateDate", "CreateDate", &DATE_TYPE),
    body("SecretAccessKey", "SecretAccessKey", &ACCESS_KEY_SECRET_TYPE).required(),
    body("Status", "Status", &STATUS_TYPE).required(),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static ACCESS_KEY_LAST_USED: Shape = Shape::Structure(&[
    body("LastUsedDate", "LastUsedDate", &DATE_TYPE),
    body("Region", "Region", &STRING_TYPE).required(),
    body("ServiceName", "ServiceName", &STRING_TYPE).required(),
]);
static ACCESS_KEY_METADATA: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE),
    body("CreateDate", "CreateDate", &DATE_TYPE),
    body("Status", "Status", &STATUS_TYPE),
    body("UserName", "UserName", &USER_NAME_TYPE),
]);
static ADD_USER_TO_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static ATTACH_GROUP_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
]);
static ATTACH_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static ATTACH_USER_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static ATTACHED_PERMISSIONS_BOUNDARY: Shape = Shape::Structure(&[
    body("PermissionsBoundaryArn", "PermissionsBoundaryArn", &ARN_TYPE),
    body("PermissionsBoundaryType", "PermissionsBoundaryType", &PERMISSIONS_BOUNDARY_ATTACHMENT_TYPE),
]);
static ATTACHED_POLICY: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE),
]);
static CREATE_ACCESS_KEY_REQUEST: Shape = Shape::Structure(&[
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static CREATE_ACCESS_KEY_RESPONSE: Shape = Shape::Structure(&[
    body("AccessKey", "AccessKey", &ACCESS_KEY).required(),
]);
static CREATE_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("Path", "Path", &PATH_TYPE),
]);
static CREATE_GROUP_RESPONSE: Shape = Shape::Structure(&[
    body("Group", "Group", &GROUP_SHAPE).required(),
]);
static CREATE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("Description", "Description", &POLICY_DESCRIPTION_TYPE),
    body("Path", "Path", &POLICY_PATH_TYPE),
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("Tags", "Tags", &TAG_LIST_TYPE),
]);
static CREATE_POLICY_RESPONSE: Shape = Shape::Structure(&[
    body("Policy", "Policy", &POLICY_SHAPE),
]);
static CREATE_POLICY_VERSION_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("SetAsDefault", "SetAsDefault", &BOOLEAN_TYPE),
]);
static CREATE_POLICY_VERSION_RESPONSE: Shape = Shape::Structure(&[
    body("PolicyVersion", "PolicyVersion", &POLICY_VERSION),
]);
static CREATE_ROLE_REQUEST: Shape = Shape::Structure(&[
    body("AssumeRolePolicyDocument", "AssumeRolePolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("Description", "Description", &ROLE_DESCRIPTION_TYPE),
    body("MaxSessionDuration", "MaxSessionDuration", &ROLE_MAX_SESSION_DURATION_TYPE),
    body("MaxSigninSessionDuration", "MaxSigninSessionDuration", &MAX_SIGNIN_SESSION_DURATION_TYPE),
    body("Path", "Path", &PATH_TYPE),
    body("PermissionsBoundary", "PermissionsBoundary", &ARN_TYPE),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
    body("Tags", "Tags", &TAG_LIST_TYPE),
]);
static CREATE_ROLE_RESPONSE: Shape = Shape::Structure(&[
    body("Role", "Role", &ROLE_SHAPE).required(),
]);
static CREATE_USER_REQUEST: Shape = Shape::Structure(&[
    body("Path", "Path", &PATH_TYPE),
    body("PermissionsBoundary", "PermissionsBoundary", &ARN_TYPE),
    body("Tags", "Tags", &TAG_LIST_TYPE),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static CREATE_USER_RESPONSE: Shape = Shape::Structure(&[
    body("User", "User", &USER_SHAPE),
]);
static DELETE_ACCESS_KEY_REQUEST: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static DELETE_GROUP_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
]);
static DELETE_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
]);
static DELETE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
]);
static DELETE_POLICY_VERSION_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("VersionId", "VersionId", &POLICY_VERSION_ID_TYPE).required(),
]);
static DELETE_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static DELETE_ROLE_REQUEST: Shape = Shape::Structure(&[
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static DELETE_USER_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static DELETE_USER_REQUEST: Shape = Shape::Structure(&[
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static DETACH_GROUP_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
]);
static DETACH_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static DETACH_USER_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static GET_ACCESS_KEY_LAST_USED_REQUEST: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE).required(),
]);
static GET_ACCESS_KEY_LAST_USED_RESPONSE: Shape = Shape::Structure(&[
    body("AccessKeyLastUsed", "AccessKeyLastUsed", &ACCESS_KEY_LAST_USED),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static GET_GROUP_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
]);
static GET_GROUP_POLICY_RESPONSE: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
]);
static GET_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
]);
static GET_GROUP_RESPONSE: Shape = Shape::Structure(&[
    body("Group", "Group", &GROUP_SHAPE).required(),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Users", "Users", &USER_LIST_TYPE).required(),
]);
static GET_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
]);
static GET_POLICY_RESPONSE: Shape = Shape::Structure(&[
    body("Policy", "Policy", &POLICY_SHAPE),
]);
static GET_POLICY_VERSION_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("VersionId", "VersionId", &POLICY_VERSION_ID_TYPE).required(),
]);
static GET_POLICY_VERSION_RESPONSE: Shape = Shape::Structure(&[
    body("PolicyVersion", "PolicyVersion", &POLICY_VERSION),
]);
static GET_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static GET_ROLE_POLICY_RESPONSE: Shape = Shape::Structure(&[
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static GET_ROLE_REQUEST: Shape = Shape::Structure(&[
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static GET_ROLE_RESPONSE: Shape = Shape::Structure(&[
    body("Role", "Role", &ROLE_SHAPE).required(),
]);
static GET_USER_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static GET_USER_POLICY_RESPONSE: Shape = Shape::Structure(&[
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static GET_USER_REQUEST: Shape = Shape::Structure(&[
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static GET_USER_RESPONSE: Shape = Shape::Structure(&[
    body("User", "User", &USER_SHAPE).required(),
]);
static GROUP_SHAPE: Shape = Shape::Structure(&[
    body("Arn", "Arn", &ARN_TYPE).required(),
    body("CreateDate", "CreateDate", &DATE_TYPE).required(),
    body("GroupId", "GroupId", &ID_TYPE).required(),
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("Path", "Path", &PATH_TYPE).required(),
]);
static LIST_ACCESS_KEYS_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static LIST_ACCESS_KEYS_RESPONSE: Shape = Shape::Structure(&[
    body("AccessKeyMetadata", "AccessKeyMetadata", &ACCESS_KEY_METADATA_LIST_TYPE).required(),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_ATTACHED_GROUP_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &POLICY_PATH_TYPE),
]);
static LIST_ATTACHED_GROUP_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("AttachedPolicies", "AttachedPolicies", &ATTACHED_POLICIES_LIST_TYPE),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_ATTACHED_ROLE_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &POLICY_PATH_TYPE),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static LIST_ATTACHED_ROLE_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("AttachedPolicies", "AttachedPolicies", &ATTACHED_POLICIES_LIST_TYPE),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_ATTACHED_USER_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &POLICY_PATH_TYPE),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static LIST_ATTACHED_USER_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("AttachedPolicies", "AttachedPolicies", &ATTACHED_POLICIES_LIST_TYPE),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_GROUP_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
]);
static LIST_GROUP_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("PolicyNames", "PolicyNames", &POLICY_NAME_LIST_TYPE).required(),
]);
static LIST_GROUPS_FOR_USER_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static LIST_GROUPS_FOR_USER_RESPONSE: Shape = Shape::Structure(&[
    body("Groups", "Groups", &GROUP_LIST_TYPE).required(),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_GROUPS_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &PATH_PREFIX_TYPE),
]);
static LIST_GROUPS_RESPONSE: Shape = Shape::Structure(&[
    body("Groups", "Groups", &GROUP_LIST_TYPE).required(),
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
]);
static LIST_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("OnlyAttached", "OnlyAttached", &BOOLEAN_TYPE),
    body("PathPrefix", "PathPrefix", &POLICY_PATH_TYPE),
    body("PolicyUsageFilter", "PolicyUsageFilter", &POLICY_USAGE_TYPE),
    body("Scope", "Scope", &POLICY_SCOPE_TYPE),
]);
static LIST_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Policies", "Policies", &POLICY_LIST_TYPE),
]);
static LIST_POLICY_VERSIONS_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
]);
static LIST_POLICY_VERSIONS_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Versions", "Versions", &POLICY_DOCUMENT_VERSION_LIST_TYPE),
]);
static LIST_ROLE_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static LIST_ROLE_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("PolicyNames", "PolicyNames", &POLICY_NAME_LIST_TYPE).required(),
]);
static LIST_ROLES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &PATH_PREFIX_TYPE),
]);
static LIST_ROLES_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Roles", "Roles", &ROLE_LIST_TYPE).required(),
]);
static LIST_USER_POLICIES_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static LIST_USER_POLICIES_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("PolicyNames", "PolicyNames", &POLICY_NAME_LIST_TYPE).required(),
]);
static LIST_USER_TAGS_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static LIST_USER_TAGS_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Tags", "Tags", &TAG_LIST_TYPE).required(),
]);
static LIST_USERS_REQUEST: Shape = Shape::Structure(&[
    body("Marker", "Marker", &MARKER_TYPE),
    body("MaxItems", "MaxItems", &MAX_ITEMS_TYPE),
    body("PathPrefix", "PathPrefix", &PATH_PREFIX_TYPE),
]);
static LIST_USERS_RESPONSE: Shape = Shape::Structure(&[
    body("IsTruncated", "IsTruncated", &BOOLEAN_TYPE),
    body("Marker", "Marker", &RESPONSE_MARKER_TYPE),
    body("Users", "Users", &USER_LIST_TYPE).required(),
]);
static PERMISSIONS_BOUNDARY_ATTACHMENT_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["PermissionsBoundaryPolicy"] };
static POLICY_SHAPE: Shape = Shape::Structure(&[
    body("Arn", "Arn", &ARN_TYPE),
    body("AttachmentCount", "AttachmentCount", &ATTACHMENT_COUNT_TYPE),
    body("CreateDate", "CreateDate", &DATE_TYPE),
    body("DefaultVersionId", "DefaultVersionId", &POLICY_VERSION_ID_TYPE),
    body("Description", "Description", &POLICY_DESCRIPTION_TYPE),
    body("IsAttachable", "IsAttachable", &BOOLEAN_TYPE),
    body("Path", "Path", &POLICY_PATH_TYPE),
    body("PermissionsBoundaryUsageCount", "PermissionsBoundaryUsageCount", &ATTACHMENT_COUNT_TYPE),
    body("PolicyId", "PolicyId", &ID_TYPE),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE),
    body("Tags", "Tags", &TAG_LIST_TYPE),
    body("UpdateDate", "UpdateDate", &DATE_TYPE),
]);
static POLICY_USAGE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["PermissionsPolicy", "PermissionsBoundary"] };
static POLICY_VERSION: Shape = Shape::Structure(&[
    body("CreateDate", "CreateDate", &DATE_TYPE),
    body("Document", "Document", &POLICY_DOCUMENT_TYPE),
    body("IsDefaultVersion", "IsDefaultVersion", &BOOLEAN_TYPE),
    body("VersionId", "VersionId", &POLICY_VERSION_ID_TYPE),
]);
static PUT_GROUP_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
]);
static PUT_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static PUT_USER_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("PolicyName", "PolicyName", &POLICY_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static REMOVE_USER_FROM_GROUP_REQUEST: Shape = Shape::Structure(&[
    body("GroupName", "GroupName", &GROUP_NAME_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static ROLE_SHAPE: Shape = Shape::Structure(&[
    body("Arn", "Arn", &ARN_TYPE).required(),
    body("AssumeRolePolicyDocument", "AssumeRolePolicyDocument", &POLICY_DOCUMENT_TYPE),
    body("CreateDate", "CreateDate", &DATE_TYPE).required(),
    body("Description", "Description", &ROLE_DESCRIPTION_TYPE),
    body("MaxSessionDuration", "MaxSessionDuration", &ROLE_MAX_SESSION_DURATION_TYPE),
    body("MaxSigninSessionDuration", "MaxSigninSessionDuration", &MAX_SIGNIN_SESSION_DURATION_TYPE),
    body("Path", "Path", &PATH_TYPE).required(),
    body("PermissionsBoundary", "PermissionsBoundary", &ATTACHED_PERMISSIONS_BOUNDARY),
    body("RoleId", "RoleId", &ID_TYPE).required(),
    body("RoleLastUsed", "RoleLastUsed", &ROLE_LAST_USED),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
    body("SourceRoleTemplate", "SourceRoleTemplate", &SOURCE_ROLE_TEMPLATE),
    body("Tags", "Tags", &TAG_LIST_TYPE),
]);
static ROLE_LAST_USED: Shape = Shape::Structure(&[
    body("LastUsedDate", "LastUsedDate", &DATE_TYPE),
    body("Region", "Region", &STRING_TYPE),
]);
static SET_DEFAULT_POLICY_VERSION_REQUEST: Shape = Shape::Structure(&[
    body("PolicyArn", "PolicyArn", &ARN_TYPE).required(),
    body("VersionId", "VersionId", &POLICY_VERSION_ID_TYPE).required(),
]);
static SOURCE_ROLE_TEMPLATE: Shape = Shape::Structure(&[
    body("TemplateArn", "TemplateArn", &ARN_TYPE).required(),
    body("TemplateMinorVersion", "TemplateMinorVersion", &INTEGER_TYPE).required(),
]);
static TAG_SHAPE: Shape = Shape::Structure(&[
    body("Key", "Key", &TAG_KEY_TYPE).required(),
    body("Value", "Value", &TAG_VALUE_TYPE).required(),
]);
static TAG_USER_REQUEST: Shape = Shape::Structure(&[
    body("Tags", "Tags", &TAG_LIST_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static UNTAG_USER_REQUEST: Shape = Shape::Structure(&[
    body("TagKeys", "TagKeys", &TAG_KEY_LIST_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static UPDATE_ACCESS_KEY_REQUEST: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE).required(),
    body("Status", "Status", &STATUS_TYPE).required(),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE),
]);
static UPDATE_ASSUME_ROLE_POLICY_REQUEST: Shape = Shape::Structure(&[
    body("PolicyDocument", "PolicyDocument", &POLICY_DOCUMENT_TYPE).required(),
    body("RoleName", "RoleName", &ROLE_NAME_TYPE).required(),
]);
static UPDATE_USER_REQUEST: Shape = Shape::Structure(&[
    body("NewPath", "NewPath", &PATH_TYPE),
    body("NewUserName", "NewUserName", &USER_NAME_TYPE),
    body("UserName", "UserName", &EXISTING_USER_NAME_TYPE).required(),
]);
static USER_SHAPE: Shape = Shape::Structure(&[
    body("Arn", "Arn", &ARN_TYPE).required(),
    body("CreateDate", "CreateDate", &DATE_TYPE).required(),
    body("PasswordLastUsed", "PasswordLastUsed", &DATE_TYPE),
    body("Path", "Path", &PATH_TYPE).required(),
    body("PermissionsBoundary", "PermissionsBoundary", &ATTACHED_PERMISSIONS_BOUNDARY),
    body("Tags", "Tags", &TAG_LIST_TYPE),
    body("UserId", "UserId", &ID_TYPE).required(),
    body("UserName", "UserName", &USER_NAME_TYPE).required(),
]);
static ACCESS_KEY_ID_TYPE: Shape = Shape::Text { least: 16, most: 128, pattern: "[\\w]+", values: &[] };
static ACCESS_KEY_METADATA_LIST_TYPE: Shape = Shape::List { member: &ACCESS_KEY_METADATA, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static ACCESS_KEY_SECRET_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static ARN_TYPE: Shape = Shape::Text { least: 20, most: 2048, pattern: "", values: &[] };
static ATTACHED_POLICIES_LIST_TYPE: Shape = Shape::List { member: &ATTACHED_POLICY, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static ATTACHMENT_COUNT_TYPE: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static BOOLEAN_TYPE: Shape = Shape::Boolean;
static DATE_TYPE: Shape = Shape::Time(TimeFormat::Unset);
static EXISTING_USER_NAME_TYPE: Shape = Shape::Text { least: 1, most: 128, pattern: "[\\w+=,.@-]+", values: &[] };
static GROUP_LIST_TYPE: Shape = Shape::List { member: &GROUP_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static GROUP_NAME_TYPE: Shape = Shape::Text { least: 1, most: 128, pattern: "[\\w+=,.@-]+", values: &[] };
static ID_TYPE: Shape = Shape::Text { least: 16, most: 128, pattern: "[\\w]+", values: &[] };
static INTEGER_TYPE: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static MARKER_TYPE: Shape = Shape::Text { least: 1, most: 320, pattern: "[\\u0020-\\u00FF]+", values: &[] };
static MAX_ITEMS_TYPE: Shape = Shape::Integer { least: 1, most: 1000 };
static MAX_SIGNIN_SESSION_DURATION_TYPE: Shape = Shape::Integer { least: 3600, most: 7776000 };
static PATH_PREFIX_TYPE: Shape = Shape::Text { least: 1, most: 512, pattern: "\\u002F[\\u0021-\\u007F]*", values: &[] };
static PATH_TYPE: Shape = Shape::Text { least: 1, most: 512, pattern: "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", values: &[] };
static POLICY_DESCRIPTION_TYPE: Shape = Shape::Text { least: 0, most: 1000, pattern: "", values: &[] };
static POLICY_DOCUMENT_TYPE: Shape = Shape::Text { least: 1, most: 131072, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", values: &[] };
static POLICY_DOCUMENT_VERSION_LIST_TYPE: Shape = Shape::List { member: &POLICY_VERSION, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static POLICY_LIST_TYPE: Shape = Shape::List { member: &POLICY_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static POLICY_NAME_LIST_TYPE: Shape = Shape::List { member: &POLICY_NAME_TYPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static POLICY_NAME_TYPE: Shape = Shape::Text { least: 1, most: 128, pattern: "[\\w+=,.@-]+", values: &[] };
static POLICY_PATH_TYPE: Shape = Shape::Text { least: 1, most: 512, pattern: "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", values: &[] };
static POLICY_SCOPE_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["All", "AWS", "Local"] };
static POLICY_VERSION_ID_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", values: &[] };
static RESPONSE_MARKER_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static ROLE_DESCRIPTION_TYPE: Shape = Shape::Text { least: 0, most: 1000, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*", values: &[] };
static ROLE_LIST_TYPE: Shape = Shape::List { member: &ROLE_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static ROLE_MAX_SESSION_DURATION_TYPE: Shape = Shape::Integer { least: 3600, most: 43200 };
static ROLE_NAME_TYPE: Shape = Shape::Text { least: 1, most: 64, pattern: "[\\w+=,.@-]+", values: &[] };
static STATUS_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["Active", "Inactive", "Expired"] };
static STRING_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static TAG_KEY_LIST_TYPE: Shape = Shape::List { member: &TAG_KEY_TYPE, item_name: "member", is_flat: false, least: 0, most: 50 };
static TAG_KEY_TYPE: Shape = Shape::Text { least: 1, most: 128, pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+", values: &[] };
static TAG_LIST_TYPE: Shape = Shape::List { member: &TAG_SHAPE, item_name: "member", is_flat: false, least: 0, most: 50 };
static TAG_VALUE_TYPE: Shape = Shape::Text { least: 0, most: 256, pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", values: &[] };
static USER_LIST_TYPE: Shape = Shape::List { member: &USER_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static USER_NAME_TYPE: Shape = Shape::Text { least: 1, most: 64, pattern: "[\\w+=,.@-]+", values: &[] };
