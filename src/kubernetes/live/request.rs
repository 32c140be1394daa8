//! Requests to the API server, as values.
//!
//! Enters: kind, namespace, name and body. Leaves: an HTTP request and the sentence that says what it tries.
//! A name from a spec that could change the path is refused here.

use http::{Method, Request, header};
use serde::Serialize;

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const METADATA_ONLY: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

/// One request, and what it tries: `replace Secret team-a/etl-token`.
pub(super) struct Ask {
    pub(super) tried: String,
    /// Err when a name cannot be one.
    pub(super) request: Result<Request<Vec<u8>>, String>,
}

impl Ask {
    /// Wants only the metadata of the object in the answer.
    pub(super) fn metadata_only(&mut self) {
        if let Ok(request) = &mut self.request {
            let accept = header::HeaderValue::from_static(METADATA_ONLY);
            request.headers_mut().insert(header::ACCEPT, accept);
        }
    }
}

/// A kind as the API server addresses it.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// `/api/v1` or `/apis/GROUP/VERSION`.
    pub(super) root: &'static str,
    pub(super) plural: &'static str,
}

pub(super) const SECRET: Kind = Kind { name: "Secret", root: "/api/v1", plural: "secrets" };
pub(super) const CONFIG_MAP: Kind =
    Kind { name: "ConfigMap", root: "/api/v1", plural: "configmaps" };
pub(super) const NAMESPACE: Kind =
    Kind { name: "Namespace", root: "/api/v1", plural: "namespaces" };
pub(super) const LEASE: Kind =
    Kind { name: "Lease", root: "/apis/coordination.k8s.io/v1", plural: "leases" };
pub(super) const CREDENTIAL: Kind = Kind {
    name: "ServiceAccountCredential",
    root: "/apis/keysteward.dev/v1alpha1",
    plural: "serviceaccountcredentials",
};
pub(super) const PLATFORM: Kind =
    Kind { name: "Platform", root: "/apis/keysteward.dev/v1alpha1", plural: "platforms" };
pub(super) const CLUSTER_PLATFORM: Kind = Kind {
    name: "ClusterPlatform",
    root: "/apis/keysteward.dev/v1alpha1",
    plural: "clusterplatforms",
};

/// One object by name; the namespace of cluster-scoped ones is empty.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) kind: Kind,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, namespace, name } = self;
        if namespace.is_empty() {
            write!(f, "{} {name}", kind.name)
        } else {
            write!(f, "{} {namespace}/{name}", kind.name)
        }
    }
}

impl<'a> Target<'a> {
    pub(super) const fn new(kind: Kind, namespace: &'a str, name: &'a str) -> Self {
        Self { kind, namespace, name }
    }

    pub(super) fn get(self) -> Ask {
        self.ask("read", Method::GET, "", JSON, Vec::new())
    }

    /// Asks for the metadata alone.
    pub(super) fn get_metadata(self) -> Ask {
        let mut ask = self.get();
        ask.metadata_only();
        ask
    }

    pub(super) fn create(self, body: &impl Serialize, manager: &str) -> Ask {
        let query = format!("?{}", field_manager(manager));
        let collection = self.collection();
        self.build("create", Method::POST, collection + &query, JSON, encode(body))
    }

    pub(super) fn replace(self, body: &impl Serialize, manager: &str) -> Ask {
        let query = format!("?{}", field_manager(manager));
        self.ask("replace", Method::PUT, &query, JSON, encode(body))
    }

    pub(super) fn delete(self, body: &impl Serialize) -> Ask {
        self.ask("delete", Method::DELETE, "", JSON, encode(body))
    }

    /// A JSON patch of the object, or of one of its subresources (`/status`). `doing` completes "could not … KIND NAME".
    pub(super) fn patch(
        self,
        doing: &str,
        subresource: &str,
        operations: &impl Serialize,
        manager: &str,
    ) -> Ask {
        let tail = format!("{subresource}?{}", field_manager(manager));
        self.ask(doing, Method::PATCH, &tail, JSON_PATCH, encode(operations))
    }

    fn collection(self) -> String {
        let Self { kind, namespace, .. } = self;
        if namespace.is_empty() {
            format!("{}/{}", kind.root, kind.plural)
        } else {
            format!("{}/namespaces/{namespace}/{}", kind.root, kind.plural)
        }
    }

    fn ask(self, doing: &str, method: Method, tail: &str, media: &str, body: Vec<u8>) -> Ask {
        let path = format!("{}/{}{tail}", self.collection(), self.name);
        self.build(doing, method, path, media, body)
    }

    fn build(self, doing: &str, method: Method, path: String, media: &str, body: Vec<u8>) -> Ask {
        let tried = format!("{doing} {self}");
        let fits = is_a_name(self.name) && (self.namespace.is_empty() || is_a_name(self.namespace));
        let request = if fits {
            let mut request = Request::builder().method(method).uri(path);
            request = request.header(header::ACCEPT, JSON);
            if !body.is_empty() {
                request = request.header(header::CONTENT_TYPE, media);
            }
            Ok(request.body(body).expect("a checked name makes a valid path"))
        } else {
            Err(format!("could not {tried}: that is not a name that Kubernetes allows"))
        };
        Ask { tried, request }
    }
}

fn field_manager(manager: &str) -> String {
    format!("fieldManager={}", manager.replace('/', "%2F"))
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("values with string keys have a JSON form")
}

/// Whether this is a DNS subdomain: then it is one segment of a path.
fn is_a_name(name: &str) -> bool {
    let alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.len() <= 253
        && bytes.first().copied().is_some_and(alphanumeric)
        && bytes.last().copied().is_some_and(alphanumeric)
        && bytes.iter().all(|&c| alphanumeric(c) || c == b'-' || c == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_change_the_path_is_refused_before_anything_is_sent() {
        for name in
            ["", "..", ".", "../default", "a/b", "a?b", "a%2fb", "A", "a-", &"a".repeat(254)]
        {
            let ask = Target::new(SECRET, "team-a", name).get();
            assert!(ask.request.is_err(), "{name:?}");
            let ask = Target::new(SECRET, "team-a/secrets", "fine").get();
            assert!(ask.request.is_err());
        }
        assert!(Target::new(SECRET, "team-a", "etl.token-1").get().request.is_ok());
    }

    #[test]
    fn what_was_tried_names_kind_namespace_and_name() {
        let none: [u8; 0] = [];
        let ask = Target::new(SECRET, "team-a", "etl").replace(&none, "m");
        assert_eq!(ask.tried, "replace Secret team-a/etl");
        assert_eq!(
            Target::new(NAMESPACE, "", "kube-system").get().tried,
            "read Namespace kube-system"
        );
    }
}
