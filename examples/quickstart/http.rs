//! HTTP to the simulated tenant and to the operator's own pages.
//!
//! Enters: a request. Leaves: its status and text. Errors name no URL and no header: either may hold a secret.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder, StatusCode};

/// How long an answer may take: everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(PATIENCE).build()?)
}

pub(crate) async fn send(request: RequestBuilder) -> Result<(StatusCode, String)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the quickstart is a program beside the operator"
    )]
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    let text = response.text().await.map_err(reqwest::Error::without_url);
    Ok((status, text.context("the answer was cut")?))
}

/// The text of a page that answers 200.
pub(crate) async fn page(url: &str) -> Result<String> {
    let (status, text) = send(client()?.get(url)).await?;
    if status != StatusCode::OK {
        bail!("{url} answers HTTP {}: {}", status.as_u16(), text.trim());
    }
    Ok(text)
}
