//! One request as a value: what, where, with which proof, how urgent, and how its refusals read.

use reqwest::header::ACCEPT;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use url::Url;

use super::redaction::Redaction;
use crate::model::{Credential, Fault, RefusalKind, SecretText, Trouble, TroubleKind};
use crate::provider::Priority;

/// Largest answer that lists are allowed.
pub(in crate::provider) const LIST_CAP: usize = 16 << 20;
/// Largest answer of anything else.
pub(in crate::provider) const SMALL_CAP: usize = 64 << 10;

/// One request.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Call {
    /// Method and path with placeholders: the label of its counts.
    pub(in crate::provider) endpoint: &'static str,
    /// What is tried, for people: `update client 1f…`.
    pub(in crate::provider) tried: String,
    pub(in crate::provider) method: Method,
    pub(in crate::provider) url: Url,
    pub(in crate::provider) body: Body,
    pub(in crate::provider) priority: Priority,
    /// Largest answer in bytes.
    pub(in crate::provider) cap: usize,
    /// The platform's words in the body of a refusal; None when the body is not in the platform's form.
    pub(in crate::provider) words: fn(status: u16, body: &[u8]) -> Option<Words>,
    /// What to check when there is no usable answer, naming the field.
    pub(in crate::provider) check: &'static str,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) enum Proof<'a> {
    Basic(&'a Credential),
    Bearer(&'a SecretText),
}

/// What is sent.
#[derive(Clone, Debug)]
pub(in crate::provider) enum Body {
    Empty,
    Form(Vec<(&'static str, String)>),
    Json(Value),
}

/// What a platform says in a refusal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::provider) struct Words {
    /// Set where the words say more than the status.
    pub(in crate::provider) kind: Option<RefusalKind>,
    pub(in crate::provider) code: Option<String>,
    pub(in crate::provider) message: String,
}

/// A call and who asks: one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) proof: Proof<'a>,
}

impl Asked<'_> {
    pub(super) fn request(&self, client: &Client) -> RequestBuilder {
        let Call { method, url, body, .. } = self.call;
        let request = client.request(method.clone(), url.clone());
        let request = request.header(ACCEPT, "application/json");
        let request = match self.proof {
            Proof::Basic(Credential { client_id, client_secret }) => {
                request.basic_auth(client_id, Some(client_secret.reveal()))
            }
            Proof::Bearer(token) => request.bearer_auth(token.reveal()),
        };
        match body {
            Body::Empty => request,
            Body::Form(pairs) => request.form(pairs),
            Body::Json(value) => request.json(value),
        }
    }

    /// What no text about this request may show.
    pub(super) fn redaction(&self) -> Redaction {
        Redaction::of([match self.proof {
            Proof::Basic(credential) => &credential.client_secret,
            Proof::Bearer(token) => token,
        }])
    }

    /// Method, host and path; no query, no credentials.
    pub(super) fn place(&self) -> String {
        let Call { method, url, .. } = self.call;
        format!("{method} {}{}", url.origin().ascii_serialization(), url.path())
    }

    pub(super) fn not_sent(&self, kind: TroubleKind, why: &str) -> Fault {
        let text = format!("could not {}: {} was not sent: {why}", self.call.tried, self.place());
        Fault::NotSent(Trouble { kind, text })
    }
}

/// A URL below a base: path segments are encoded, so that an id cannot leave its place.
pub(in crate::provider) fn at<'s>(
    base: &Url,
    segments: impl IntoIterator<Item = &'s str>,
    query: &[(&str, &str)],
) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("bases are http URLs").pop_if_empty().extend(segments);
    url.set_query(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("https://api.example.com", "https://api.example.com/oauth/clients/a%2F..%2Fb?x=1+2")]
    #[case("https://gw.corp/genesys/", "https://gw.corp/genesys/oauth/clients/a%2F..%2Fb?x=1+2")]
    fn an_id_cannot_leave_its_place(#[case] base: &str, #[case] url: &str) {
        let base = Url::parse(base).unwrap();
        assert_eq!(at(&base, ["oauth", "clients", "a/../b"], &[("x", "1 2")]).as_str(), url);
    }
}
