//! The organization before the first request: roles and divisions with ids that never change.
//! What leaves are constants for tests and the seeded values. It may not depend on how the simulator was started.

use super::division::Division;
use super::role::{Policy, Role};

pub const ORGANIZATION: &str = "8429c3cd-6a48-5f3d-b58a-339cb3adbc33";

/// Every permission.
pub const MASTER_ADMIN: &str = "fb64dd21-178c-51a0-8f1a-43232b531f56";
/// Every permission on OAuth clients, roles and divisions, but not on the organization.
pub const ADMIN: &str = "655c158c-0852-50e9-ad3b-90f8b2dc1420";
pub const REPORTING_VIEWER: &str = "7d800332-2e4c-597e-97ba-6410850acf8f";
pub const INTEGRATION_OPERATOR: &str = "b3a21a1b-7c76-5f88-8186-82dff7cd1f14";
/// No permission that this twin checks.
pub const EMPLOYEE: &str = "b161b50b-ede8-58f5-bb96-70d96f037d5d";
pub const SUPERVISOR: &str = "a595fdf2-4170-55ca-8d3b-e91497497893";
/// Its holders may have tokens of up to 450 days.
pub const SCIM_INTEGRATION: &str = "c2ae460c-bab4-5fdc-bb9a-a8efddf4545e";

pub const HOME_DIVISION: &str = "6612ffdb-c951-54ca-a13d-6cfe469e6122";
pub const SALES_DIVISION: &str = "43f9eec7-6a79-5996-9d82-2ef5bcc7c519";
pub const SUPPORT_DIVISION: &str = "cf4a60de-a8b3-586e-a1ff-91c2f736c22e";

/// The person in whose name changes through the control endpoints are made.
pub const SOMEBODY_ELSE: &str = "d2975da4-8ee9-556e-b91e-94d61ad65943";

const DOMAINS: [&str; 12] = [
    "analytics",
    "audits",
    "authorization",
    "conversation",
    "directory",
    "integrations",
    "oauth",
    "quality",
    "routing",
    "scim",
    "sso",
    "usage",
];

pub(crate) fn roles() -> Vec<Role> {
    let role =
        |id: &str, name: &str, description: &str, default: &str, policies: Vec<Policy>| Role {
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            default_role_id: Some(default.to_owned()),
            permission_policies: policies,
        };
    let policy = Policy::new;
    vec![
        role(
            MASTER_ADMIN,
            "Master Admin",
            "Everything in the organization",
            "master-admin",
            DOMAINS.iter().map(|domain| policy(domain, "*", &["*"])).collect(),
        ),
        role(
            ADMIN,
            "admin",
            "OAuth clients, roles and divisions",
            "admin",
            vec![
                policy("oauth", "*", &["*"]),
                policy("authorization", "*", &["*"]),
                policy("directory", "user", &["view", "edit"]),
                policy("audits", "audit", &["view"]),
                policy("usage", "client", &["view"]),
            ],
        ),
        role(
            REPORTING_VIEWER,
            "Reporting Viewer",
            "Reads reports",
            "reporting-viewer",
            vec![
                policy("analytics", "conversationAggregate", &["view"]),
                policy("analytics", "userAggregate", &["view"]),
            ],
        ),
        role(
            INTEGRATION_OPERATOR,
            "Integration Operator",
            "Runs integrations",
            "integration-operator",
            vec![
                policy("integrations", "integration", &["view", "edit"]),
                policy("oauth", "client", &["view"]),
            ],
        ),
        role(
            EMPLOYEE,
            "Employee",
            "What every employee may do",
            "employee",
            vec![policy("directory", "user", &["view"])],
        ),
        role(
            SUPERVISOR,
            "Supervisor",
            "Leads a team",
            "supervisor",
            vec![
                policy("routing", "queue", &["view", "join"]),
                policy("quality", "evaluation", &["view", "add"]),
                policy("authorization", "role", &["view"]),
            ],
        ),
        role(
            SCIM_INTEGRATION,
            "SCIM Integration",
            "Provisions users",
            "scim-integration",
            vec![
                policy("scim", "*", &["*"]),
                policy("directory", "user", &["view", "add", "edit", "delete"]),
            ],
        ),
    ]
}

pub(crate) fn divisions() -> Vec<Division> {
    let division = |id: &str, name: &str, description: &str, home: bool| Division {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        home_division: home,
    };
    vec![
        division(HOME_DIVISION, "Home", "The default division", true),
        division(SALES_DIVISION, "Sales", "The sales teams", false),
        division(SUPPORT_DIVISION, "Support", "The support teams", false),
    ]
}
