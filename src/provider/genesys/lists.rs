//! Reads lists to their end: by links where the platform gives them, else by page numbers.
//!
//! Enters: the first page's call. Leaves: every element once, already as a model type, so that no page is kept whole.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use url::Url;

use super::Genesys;
use super::calls::{self, Endpoint};
use super::wire::PageDto;
use crate::model::{Fault, Trouble, TroubleKind};
use crate::provider::http::Call;

/// A list of more pages, elements or bytes than this is taken for one that never ends: whoever answers must not be able
/// to fill our memory.
const MOST_PAGES: u64 = 200;
const MOST_ELEMENTS: usize = 50_000;
const MOST_BYTES: usize = 32 << 20;

impl Genesys {
    /// Follows `nextUri` from page to page.
    pub(super) async fn linked_pages<D, T>(
        &self,
        endpoint: Endpoint,
        id: fn(&D) -> &str,
    ) -> Result<Vec<T>, Fault>
    where
        D: DeserializeOwned + Send,
        T: From<D> + Send,
    {
        let mut gathered = Gathered::new(id);
        let mut call = calls::plain(&self.hosts.api, endpoint);
        let mut visited = HashSet::new();
        while visited.insert(call.url.clone()) {
            if visited.len() as u64 > MOST_PAGES {
                return Err(endless(&call));
            }
            let base = &self.hosts.api;
            let (page, next, bytes) = self
                .ask(call.clone(), |answer| {
                    let page: PageDto<D> = answer.json()?;
                    let next = page.next_uri.as_deref().filter(|next| !next.is_empty());
                    let next = next.map(|next| next_page(base, next)).transpose()?;
                    Ok((page, next, answer.body.len()))
                })
                .await?;
            gathered.add(page.entities, bytes);
            if gathered.too_much() {
                return Err(endless(&call));
            }
            let Some(next) = next else { break };
            call.url = next;
        }
        Ok(gathered.all)
    }

    /// Counts `pageNumber` up to `pageCount`.
    pub(super) async fn numbered_pages<D, T>(
        &self,
        endpoint: Endpoint,
        id: fn(&D) -> &str,
    ) -> Result<Vec<T>, Fault>
    where
        D: DeserializeOwned + Send,
        T: From<D> + Send,
    {
        let mut gathered = Gathered::new(id);
        let first = calls::plain(&self.hosts.api, endpoint);
        for number in 1..=MOST_PAGES {
            let mut call = first.clone();
            call.url.query_pairs_mut().append_pair("pageNumber", &number.to_string());
            let (page, bytes): (PageDto<D>, usize) =
                self.ask(call, |answer| Ok((answer.json()?, answer.body.len()))).await?;
            let more = page.page_count.map_or(page.next_uri.is_some(), |count| number < count);
            let news = gathered.add(page.entities, bytes);
            if gathered.too_much() {
                break;
            }
            if !more || !news {
                return Ok(gathered.all);
            }
        }
        Err(endless(&first))
    }
}

/// The elements so far, each id once.
struct Gathered<D, T> {
    id: fn(&D) -> &str,
    known: HashSet<String>,
    all: Vec<T>,
    bytes: usize,
}

impl<D, T: From<D>> Gathered<D, T> {
    fn new(id: fn(&D) -> &str) -> Self {
        Self { id, known: HashSet::new(), all: Vec::new(), bytes: 0 }
    }

    fn too_much(&self) -> bool {
        self.all.len() > MOST_ELEMENTS || self.bytes > MOST_BYTES
    }

    /// Whether the page held anything new.
    fn add(&mut self, page: Vec<D>, bytes: usize) -> bool {
        self.bytes += bytes;
        let before = self.all.len();
        for element in page {
            if self.known.insert((self.id)(&element).to_owned()) {
                self.all.push(element.into());
            }
        }
        self.all.len() > before
    }
}

/// The URL of a `nextUri`: a path below our base, or a whole address that lies there.
fn next_page(base: &Url, next: &str) -> Result<Url, String> {
    let prefix = base.as_str().trim_end_matches('/');
    let path = next.starts_with('/') && !next.starts_with("//");
    let whole = if path { format!("{prefix}{next}") } else { next.to_owned() };
    Url::parse(&whole)
        .ok()
        .filter(|url| url.origin() == base.origin())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| "its nextUri leaves the host".to_owned())
}

fn endless(call: &Call) -> Fault {
    let text = format!(
        "could not {}: no end came within {MOST_PAGES} pages, {MOST_ELEMENTS} elements and {} MiB",
        call.tried,
        MOST_BYTES >> 20
    );
    Fault::Unknown(Trouble { kind: TroubleKind::Garbled, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(
        "/api/v2/oauth/clients?pageNumber=2",
        Some("https://gw.corp/genesys/api/v2/oauth/clients?pageNumber=2")
    )]
    #[case("https://gw.corp/genesys/api/v2/x?c=1", Some("https://gw.corp/genesys/api/v2/x?c=1"))]
    #[case("https://evil.example.com/api/v2/oauth/clients", None)]
    #[case("http://gw.corp/api/v2/oauth/clients", None)]
    #[case("//evil.example.com/api", None)]
    #[case("https://user@gw.corp/api", None)]
    #[case("page2", None)]
    fn a_link_stays_on_the_host(#[case] next: &str, #[case] url: Option<&str>) {
        let base = Url::parse("https://gw.corp/genesys/").unwrap();
        assert_eq!(next_page(&base, next).ok().as_ref().map(Url::as_str), url);
    }
}
