//! Which addresses may be called: public ones over https, and whatever the operator's own flag lists.
//!
//! Enters: `--allowed-endpoints` and the URL of a call. Leaves: yes, or a sentence for people. Names are checked
//! before connecting and their addresses once more while resolving, so a name cannot point inside later.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What `--allowed-endpoints` lists: URL prefixes (`http://127.0.0.1:8080/genesys`) or hosts (`gateway.corp:8443`).
#[derive(Clone, Debug, Default)]
pub struct AllowedEndpoints {
    entries: Arc<[Entry]>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    scheme: Option<String>,
    host: Host,
    port: Option<u16>,
    path: String,
}

/// An entry of `--allowed-endpoints` that is neither a URL nor a host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "could not read {entry:?} in --allowed-endpoints: write a URL such as https://gateway.example.com/genesys, or a host such as gateway.example.com:8443"
)]
pub struct InvalidEndpoint {
    pub entry: String,
}

// === impl AllowedEndpoints ===

impl AllowedEndpoints {
    /// Reads the entries of the flag.
    pub fn parse<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidEndpoint> {
        let entries: Result<Vec<_>, _> = entries
            .into_iter()
            .map(|entry| entry.as_ref().trim().to_owned())
            .filter(|entry| !entry.is_empty())
            .map(|entry| Entry::parse(&entry).ok_or(InvalidEndpoint { entry }))
            .collect();
        Ok(Self { entries: entries?.into() })
    }

    /// Whether an entry covers this URL.
    pub fn lists(&self, url: &Url) -> bool {
        self.entries.iter().any(|entry| entry.covers(url))
    }

    /// Whether this URL may be called as far as it can be told before its name is resolved.
    pub(super) fn check(&self, url: &Url, field: &str) -> Result<(), String> {
        if self.lists(url) {
            return Ok(());
        }
        let host = url.host();
        let inside = match &host {
            None => true,
            Some(Host::Domain(name)) => is_private_name(name) || self.lists_host(name),
            Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(*ip)),
            Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(*ip)),
        };
        let host = host.map_or_else(|| "(no host)".to_owned(), |host| host.to_string());
        if inside {
            return Err(private(&host, field));
        }
        if url.scheme() != "https" {
            return Err(format!(
                "{}://{host} is not https: change {field}, or list it in the operator's --allowed-endpoints",
                url.scheme(),
            ));
        }
        Ok(())
    }

    fn lists_host(&self, name: &str) -> bool {
        self.entries.iter().any(
            |entry| matches!(&entry.host, Host::Domain(host) if host.eq_ignore_ascii_case(name)),
        )
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let named = text.contains("://");
        let url = if named { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        let url = url.ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let scheme = matches!(url.scheme(), "https" | "http");
        if !plain || !scheme || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let host = url.host()?.to_owned();
        if named {
            let path = url.path().trim_end_matches('/').to_owned();
            let port = url.port_or_known_default();
            Some(Self { scheme: Some(url.scheme().to_owned()), host, port, path })
        } else if url.path() == "/" {
            // `host:443` has no port of its own in a parsed https URL: the text still has it.
            let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            Some(Self { scheme: None, host, port, path: String::new() })
        } else {
            None
        }
    }

    fn covers(&self, url: &Url) -> bool {
        self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && url.host().is_some_and(|host| host.to_owned() == self.host)
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && url
                .path()
                .strip_prefix(&self.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

// === the resolver ===

/// Resolves names by the system and drops every address that is not public, unless the name is listed.
#[derive(Clone, Debug)]
pub(super) struct PublicOnly {
    pub(super) allowed: AllowedEndpoints,
    pub(super) field: Arc<str>,
}

#[derive(Debug)]
struct NotPublic(String);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { allowed, field } = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let listed = allowed.lists_host(host);
            let usable: Vec<SocketAddr> =
                found.filter(|address| listed || is_public(address.ip())).collect();
            if usable.is_empty() {
                return Err(NotPublic(private(host, &field)).into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotPublic {}

fn private(host: &str, field: &str) -> String {
    format!(
        "{host} is a private, local or metadata address: change {field}, or list it in the operator's --allowed-endpoints"
    )
}

/// Names that mean this machine or this network whatever they resolve to.
fn is_private_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.')
        || [".localhost", ".local", ".internal", ".svc"].iter().any(|end| name.ends_with(end))
}

/// Whether an address is reachable from everywhere: the registries of special-purpose addresses (RFC 6890) say which
/// are not. Azure answers metadata on one that looks public.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || ip == Ipv4Addr::new(168, 63, 129, 16);
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped, compatible and translated IPv4 are as public as the IPv4 inside.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // 2000::/3 is all that is given out; inside it Teredo and documentation are not.
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], url: &str) -> Result<(), String> {
        let allowed = AllowedEndpoints::parse(allowed).unwrap();
        allowed.check(&Url::parse(url).unwrap(), "spec.genesysCloud.endpoints")
    }

    #[rstest::rstest]
    #[case("https://127.0.0.1/oauth/token")]
    #[case("https://2130706433/")]
    #[case("https://0x7f.1/")]
    #[case("https://10.1.2.3/")]
    #[case("https://100.100.100.200/latest/meta-data")]
    #[case("https://169.254.169.254/latest/meta-data")]
    #[case("https://168.63.129.16/")]
    #[case("https://[::1]/")]
    #[case("https://[::ffff:169.254.169.254]/")]
    #[case("https://[64:ff9b::a9fe:a9fe]/")]
    #[case("https://[2002:7f00:1::]/")]
    #[case("https://[fd00:ec2::254]/")]
    #[case("https://[fe80::1]/")]
    #[case("https://localhost/")]
    #[case("https://api.localhost/")]
    #[case("https://metadata.google.internal./")]
    #[case("https://kubernetes/")]
    #[case("https://kubernetes.default.svc/")]
    #[case("https://kubernetes.default.svc.cluster.local/")]
    fn addresses_inside_are_refused_with_both_remedies(#[case] url: &str) {
        let said = check(&[], url).unwrap_err();
        assert!(said.contains("spec.genesysCloud.endpoints"), "{said}");
        assert!(said.contains("--allowed-endpoints"), "{said}");
    }

    #[rstest::rstest]
    #[case("https://login.mypurecloud.de/oauth/token")]
    #[case("https://8.8.8.8/")]
    #[case("https://[2606:4700::1111]/")]
    fn public_addresses_are_free(#[case] url: &str) {
        assert_eq!(check(&[], url), Ok(()));
    }

    #[test]
    fn http_needs_to_be_listed() {
        let said = check(&[], "http://login.mypurecloud.de/").unwrap_err();
        assert!(said.contains("not https") && said.contains("--allowed-endpoints"), "{said}");
        assert_eq!(check(&["http://login.mypurecloud.de"], "http://login.mypurecloud.de/"), Ok(()));
    }

    #[rstest::rstest]
    #[case("http://127.0.0.1:8080", "http://127.0.0.1:8080/oauth/token", true)]
    #[case("http://127.0.0.1:8080", "http://127.0.0.1:9090/oauth/token", false)]
    #[case("http://127.0.0.1:8080", "https://127.0.0.1:8080/oauth/token", false)]
    #[case("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a/x", true)]
    #[case("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/ab", false)]
    #[case("127.0.0.1", "http://127.0.0.1:8080/", true)]
    #[case("gw.corp", "https://gw.corp:8443/", true)]
    #[case("gw.corp:8443", "https://GW.corp:8443/", true)]
    #[case("gw.corp:443", "https://gw.corp/", true)]
    #[case("gw.corp:443", "https://gw.corp:8443/", false)]
    #[case("[::1]:8080", "http://[::1]:8080/", true)]
    fn an_entry_covers_what_it_says_and_no_more(
        #[case] entry: &str,
        #[case] url: &str,
        #[case] covered: bool,
    ) {
        assert_eq!(check(&[entry], url).is_ok(), covered);
    }

    #[rstest::rstest]
    #[case("ftp://host")]
    #[case("https://user:word@host")]
    #[case("host/path")]
    #[case("https://")]
    fn what_is_neither_url_nor_host_is_refused(#[case] entry: &str) {
        let said = AllowedEndpoints::parse([entry]).unwrap_err().to_string();
        assert!(said.contains("--allowed-endpoints"), "{said}");
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_unless_listed() {
        let resolver = |allowed: &[&str]| PublicOnly {
            allowed: AllowedEndpoints::parse(allowed).unwrap(),
            field: "spec.genesysCloud.endpoints".into(),
        };
        let name = || "localhost".parse::<Name>().unwrap();
        let said = resolver(&[]).resolve(name()).await.err().unwrap().to_string();
        assert!(said.contains("--allowed-endpoints"), "{said}");
        assert!(resolver(&["localhost"]).resolve(name()).await.unwrap().count() > 0);
    }
}
