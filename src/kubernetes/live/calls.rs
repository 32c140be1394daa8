//! Counts every call of the API server, watches and events included.
//!
//! Enters: each HTTP request of the client. Leaves: the request, unchanged, and one [`Call`] when it was answered.
//! Sees method, path and status; neither headers nor bodies.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response};
use tokio::time::Instant;
use tower::{Layer, Service};

/// One call that was answered, or was not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call<'a> {
    /// As RBAC says it: get, list, watch, create, update, patch, delete.
    pub verb: &'static str,
    /// Plural, with the subresource: `serviceaccountcredentials/status`.
    pub resource: &'a str,
    /// The HTTP status; None where no answer came.
    pub status: Option<u16>,
    /// Until the head of the answer.
    pub took: Duration,
}

/// Where finished calls are counted.
pub trait CallSink: Send + Sync + 'static {
    fn finished(&self, call: &Call<'_>);
}

/// A sink that counts nothing.
impl CallSink for () {
    fn finished(&self, _call: &Call<'_>) {}
}

impl<S: CallSink + ?Sized> CallSink for Arc<S> {
    fn finished(&self, call: &Call<'_>) {
        (**self).finished(call);
    }
}

pub(super) struct CountCalls<C>(pub(super) Arc<C>);

pub(super) struct Counted<C, S> {
    sink: Arc<C>,
    inner: S,
}

impl<C, S> Layer<S> for CountCalls<C> {
    type Service = Counted<C, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { sink: Arc::clone(&self.0), inner }
    }
}

impl<C, S, B, R> Service<Request<B>> for Counted<C, S>
where
    C: CallSink,
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = Path::parse(request.uri().path());
        let verb = path.verb(request.method(), request.uri().query().unwrap_or_default());
        let resource = path.resource;
        let sink = Arc::clone(&self.sink);
        let started_at = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut unanswered = Unanswered { sink, verb, resource, started_at, status: None };
            let answer = answer.await;
            unanswered.status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
            answer
        })
    }
}

/// Reports when it is dropped: a call that ran into its deadline is dropped before it is answered.
struct Unanswered<C: CallSink> {
    sink: Arc<C>,
    verb: &'static str,
    resource: String,
    started_at: Instant,
    status: Option<u16>,
}

impl<C: CallSink> Drop for Unanswered<C> {
    fn drop(&mut self) {
        self.sink.finished(&Call {
            verb: self.verb,
            resource: &self.resource,
            status: self.status,
            took: self.started_at.elapsed(),
        });
    }
}

struct Path {
    resource: String,
    names_one: bool,
}

impl Path {
    /// `/api/v1/namespaces/NS/secrets/NAME` and `/apis/GROUP/VERSION/…`.
    fn parse(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let known = match segments.next() {
            Some("api") => segments.next().is_some(),
            Some("apis") => segments.next().is_some() && segments.next().is_some(),
            _ => false,
        };
        let rest: Vec<_> = if known { segments.collect() } else { Vec::new() };
        let rest = match rest.as_slice() {
            ["namespaces", _, inner @ ..] if !inner.is_empty() => inner,
            all => all,
        };
        match rest {
            [] => Self { resource: "other".into(), names_one: true },
            [plural] => Self { resource: (*plural).into(), names_one: false },
            [plural, _] => Self { resource: (*plural).into(), names_one: true },
            [plural, _, sub, ..] => Self { resource: format!("{plural}/{sub}"), names_one: true },
        }
    }

    fn verb(&self, method: &Method, query: &str) -> &'static str {
        match *method {
            Method::GET if query.split('&').any(|pair| pair == "watch=true") => "watch",
            Method::GET if self.names_one => "get",
            Method::GET => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_the_resource_and_verb_of_rbac() {
        for (method, uri, verb, resource) in [
            (Method::GET, "/api/v1/namespaces/a/secrets/b", "get", "secrets"),
            (Method::GET, "/api/v1/secrets?limit=500", "list", "secrets"),
            (Method::GET, "/api/v1/secrets?&watch=true&timeoutSeconds=290", "watch", "secrets"),
            (Method::GET, "/api/v1/namespaces/kube-system", "get", "namespaces"),
            (Method::GET, "/api/v1/namespaces", "list", "namespaces"),
            (Method::POST, "/api/v1/namespaces/a/secrets?fieldManager=x", "create", "secrets"),
            (Method::PUT, "/api/v1/namespaces/a/secrets/b", "update", "secrets"),
            (Method::DELETE, "/api/v1/namespaces/a/secrets/b", "delete", "secrets"),
            (
                Method::PATCH,
                "/apis/keysteward.dev/v1alpha1/namespaces/a/serviceaccountcredentials/b/status",
                "patch",
                "serviceaccountcredentials/status",
            ),
            (Method::PUT, "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "update", "leases"),
            (Method::GET, "/version", "get", "other"),
        ] {
            let uri: http::Uri = uri.parse().unwrap();
            let path = Path::parse(uri.path());
            assert_eq!(path.verb(&method, uri.query().unwrap_or_default()), verb, "{uri}");
            assert_eq!(path.resource, resource, "{uri}");
        }
    }
}
