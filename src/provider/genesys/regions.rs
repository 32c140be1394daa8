//! Where a Genesys Cloud organization lives.
//!
//! Enters: `spec.genesysCloud`. Leaves: the bases of the login and API hosts and the name of the region, or a
//! sentence that says what to write instead.

use url::{Host, Url};

use crate::api::platform::{Endpoints, GenesysCloudConnection, GenesysRegion};
use crate::provider::http::AllowedEndpoints;

/// The hosts of one organization.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hosts {
    /// Base of `/oauth/token`.
    pub login: Url,
    /// Base of `/api/v2`.
    pub api: Url,
    /// AWS name of the region, as the platform's own tools want it; of an unlisted region its domain.
    pub region: String,
}

/// A connection that names no usable hosts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHosts(String);

/// Every published region: AWS name and domain (Terraform provider `getRegionMap`, JavaScript SDK `PureCloudRegionHosts`).
const REGIONS: [(GenesysRegion, &str, &str); 18] = [
    (GenesysRegion::UsEast1, "us-east-1", "mypurecloud.com"),
    (GenesysRegion::UsEast2, "us-east-2", "use2.us-gov-pure.cloud"),
    (GenesysRegion::UsWest2, "us-west-2", "usw2.pure.cloud"),
    (GenesysRegion::CaCentral1, "ca-central-1", "cac1.pure.cloud"),
    (GenesysRegion::MxCentral1, "mx-central-1", "mxc1.pure.cloud"),
    (GenesysRegion::SaEast1, "sa-east-1", "sae1.pure.cloud"),
    (GenesysRegion::EuWest1, "eu-west-1", "mypurecloud.ie"),
    (GenesysRegion::EuWest2, "eu-west-2", "euw2.pure.cloud"),
    (GenesysRegion::EuCentral1, "eu-central-1", "mypurecloud.de"),
    (GenesysRegion::EuCentral2, "eu-central-2", "euc2.pure.cloud"),
    (GenesysRegion::EuscDeEast1, "eusc-de-east-1", "edee1.eusc-pure.cloud"),
    (GenesysRegion::MeCentral1, "me-central-1", "mec1.pure.cloud"),
    (GenesysRegion::ApSouth1, "ap-south-1", "aps1.pure.cloud"),
    (GenesysRegion::ApSoutheast1, "ap-southeast-1", "apse1.pure.cloud"),
    (GenesysRegion::ApSoutheast2, "ap-southeast-2", "mypurecloud.com.au"),
    (GenesysRegion::ApNortheast1, "ap-northeast-1", "mypurecloud.jp"),
    (GenesysRegion::ApNortheast2, "ap-northeast-2", "apne2.pure.cloud"),
    (GenesysRegion::ApNortheast3, "ap-northeast-3", "apne3.pure.cloud"),
];

impl Hosts {
    /// The hosts that a connection names. Endpoints of its own must be listed in `--allowed-endpoints`.
    pub fn of(
        connection: &GenesysCloudConnection,
        allowed: &AllowedEndpoints,
    ) -> Result<Self, InvalidHosts> {
        let (domain, region) = match (connection.region, connection.domain.as_deref()) {
            (Some(region), None) => {
                let (_, name, domain) = REGIONS
                    .iter()
                    .find(|(known, ..)| *known == region)
                    .expect("the table names every region");
                (*domain, *name)
            }
            (None, Some(domain)) => {
                let name = REGIONS.iter().find(|(.., known)| *known == domain);
                (domain, name.map_or(domain, |(_, name, _)| name))
            }
            _ => {
                return Err(InvalidHosts(
                    "spec.genesysCloud needs exactly one of region and domain".to_owned(),
                ));
            }
        };
        let region = region.to_owned();
        if let Some(Endpoints { login, api }) = &connection.endpoints {
            let login = listed("spec.genesysCloud.endpoints.login", login, allowed)?;
            let api = listed("spec.genesysCloud.endpoints.api", api, allowed)?;
            return Ok(Self { login, api, region });
        }
        Ok(Self { login: host_of("login", domain)?, api: host_of("api", domain)?, region })
    }
}

fn host_of(prefix: &str, domain: &str) -> Result<Url, InvalidHosts> {
    let host = format!("{prefix}.{domain}");
    Url::parse(&format!("https://{host}"))
        .ok()
        .filter(|url| domain.contains('.') && url.host() == Some(Host::Domain(&host)))
        .filter(|url| url.path() == "/" && url.port().is_none())
        .ok_or_else(|| {
            InvalidHosts(
                "spec.genesysCloud.domain is no domain: write it bare and in small letters, for example mypurecloud.de"
                    .to_owned(),
            )
        })
}

fn listed(field: &str, text: &str, allowed: &AllowedEndpoints) -> Result<Url, InvalidHosts> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or_else(|| {
            InvalidHosts(format!(
                "{field} is no base address: write scheme and host, for example https://gateway.example.com"
            ))
        })?;
    if !allowed.lists(&url) {
        return Err(InvalidHosts(format!(
            "{field} is not among the operator's --allowed-endpoints: whoever runs the operator must list it"
        )));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(yaml: serde_json::Value, allowed: &[&str]) -> Result<Hosts, String> {
        let connection = serde_json::from_value(yaml).unwrap();
        let allowed = AllowedEndpoints::parse(allowed).unwrap();
        Hosts::of(&connection, &allowed).map_err(|error| error.to_string())
    }

    #[rstest::rstest]
    #[case("us-east-1", "https://login.mypurecloud.com/", "https://api.mypurecloud.com/")]
    #[case("eu-central-1", "https://login.mypurecloud.de/", "https://api.mypurecloud.de/")]
    #[case(
        "us-east-2",
        "https://login.use2.us-gov-pure.cloud/",
        "https://api.use2.us-gov-pure.cloud/"
    )]
    fn a_region_gives_both_hosts(#[case] region: &str, #[case] login: &str, #[case] api: &str) {
        let hosts = hosts(serde_json::json!({ "region": region }), &[]).unwrap();
        assert_eq!((hosts.login.as_str(), hosts.api.as_str()), (login, api));
        assert_eq!(hosts.region, region);
    }

    #[test]
    fn the_table_and_the_schema_name_the_same_regions() {
        for (region, name, _) in REGIONS {
            assert_eq!(serde_json::to_value(region).unwrap(), name);
        }
    }

    #[test]
    fn a_known_domain_gives_the_name_of_its_region() {
        let region =
            |domain: &str| hosts(serde_json::json!({ "domain": domain }), &[]).unwrap().region;
        assert_eq!(region("mypurecloud.de"), "eu-central-1");
        assert_eq!(region("new1.pure.cloud"), "new1.pure.cloud");
    }

    #[rstest::rstest]
    #[case("https://mypurecloud.de")]
    #[case("mypurecloud.de/path")]
    #[case("mypurecloud.de:443")]
    #[case("mypurecloud.de:8443")]
    #[case("a@mypurecloud.de")]
    #[case("mypurecloud")]
    #[case("My.PureCloud.de")]
    #[case("")]
    fn what_is_no_domain_is_refused(#[case] domain: &str) {
        let said = hosts(serde_json::json!({ "domain": domain }), &[]).unwrap_err();
        assert!(said.contains("spec.genesysCloud.domain"), "{said}");
    }

    #[test]
    fn region_and_domain_exclude_each_other() {
        let both = serde_json::json!({"region": "eu-central-1", "domain": "mypurecloud.de"});
        assert!(hosts(both, &[]).unwrap_err().contains("exactly one"));
        assert!(hosts(serde_json::json!({}), &[]).unwrap_err().contains("exactly one"));
    }

    #[test]
    fn own_endpoints_must_be_listed() {
        let spec = serde_json::json!({
            "region": "eu-central-1",
            "endpoints": {"login": "http://127.0.0.1:8080/login", "api": "http://127.0.0.1:8080/api"},
        });
        let said = hosts(spec.clone(), &["http://127.0.0.1:8080/login"]).unwrap_err();
        assert!(said.contains("spec.genesysCloud.endpoints.api"), "{said}");
        assert!(said.contains("--allowed-endpoints"), "{said}");
        let hosts = hosts(spec, &["http://127.0.0.1:8080"]).unwrap();
        assert_eq!(hosts.login.as_str(), "http://127.0.0.1:8080/login");
        assert_eq!(hosts.region, "eu-central-1");
    }
}
