//! `examples/*.yaml` and `examples/templates/*.yaml`, made to fit the simulated tenant.
//!
//! Enters: files, names, addresses and the administrator's credential. Leaves: manifests. It asks nobody.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use keysteward_simulator::Credentials;
use serde_json::{Value, json};

use crate::place::Place;
use crate::program::checkout;

/// What the manifests are made to fit.
#[derive(Debug)]
pub(crate) struct Fit<'a> {
    pub(crate) place: &'a Place,
    pub(crate) login: String,
    pub(crate) api: String,
    pub(crate) admin: Credentials,
    pub(crate) sweep_interval: &'a str,
}

/// The manifests, in the order in which they are applied.
#[derive(Debug)]
pub(crate) struct Examples {
    pub(crate) namespaces: Vec<Value>,
    /// The input Secrets, from the templates.
    pub(crate) secrets: Vec<Value>,
    pub(crate) platforms: Vec<Value>,
    pub(crate) credentials: Vec<Value>,
    /// How many files there are beside the templates.
    pub(crate) files: usize,
}

impl Examples {
    pub(crate) fn read(fit: &Fit<'_>) -> Result<Self> {
        let directory = checkout().join("examples");
        let files = yaml_files(&directory)?;
        let templates = yaml_files(&directory.join("templates"))?;
        let mut examples = Self {
            namespaces: Vec::new(),
            secrets: Vec::new(),
            platforms: Vec::new(),
            credentials: Vec::new(),
            files: files.len(),
        };
        for file in files.iter().chain(&templates) {
            for manifest in documents(file)? {
                examples.take(fit, manifest).with_context(|| file.display().to_string())?;
            }
        }
        Ok(examples)
    }

    fn take(&mut self, fit: &Fit<'_>, mut manifest: Value) -> Result<()> {
        let kind = manifest["kind"].as_str().unwrap_or_default().to_owned();
        if kind == "Namespace" || kind == "ClusterPlatform" {
            rename(fit, manifest.pointer_mut("/metadata/name"))?;
        } else {
            rename(fit, manifest.pointer_mut("/metadata/namespace"))?;
        }
        match kind.as_str() {
            "Namespace" => self.namespaces.push(manifest),
            "Secret" => {
                manifest["stringData"] = json!({
                    "client_id": fit.admin.client_id,
                    "client_secret": fit.admin.client_secret.reveal(),
                });
                self.secrets.push(manifest);
            }
            "Platform" | "ClusterPlatform" => {
                ensure!(
                    manifest["spec"]["genesysCloud"].is_object(),
                    "the quickstart has a tenant for genesysCloud only"
                );
                manifest["spec"]["genesysCloud"]["endpoints"] =
                    json!({ "login": fit.login, "api": fit.api });
                manifest["spec"]["sweepInterval"] = fit.sweep_interval.into();
                self.platforms.push(manifest);
            }
            "ServiceAccountCredential" => {
                let platform = &mut manifest["spec"]["platformRef"];
                if platform["kind"] == "ClusterPlatform" {
                    rename(fit, platform.get_mut("name"))?;
                }
                self.credentials.push(manifest);
            }
            other => {
                anyhow::bail!("the quickstart does not know what to do with the kind {other:?}")
            }
        }
        Ok(())
    }

    /// The namespaces of the objects.
    pub(crate) fn namespace_names(&self) -> Vec<String> {
        let named = |manifest: &Value| Some(manifest["metadata"]["name"].as_str()?.to_owned());
        self.namespaces.iter().filter_map(named).collect()
    }
}

fn rename(fit: &Fit<'_>, name: Option<&mut Value>) -> Result<()> {
    let name = name.context("a name or namespace is missing")?;
    *name = fit.place.of(name.as_str().context("a name is no text")?).into();
    Ok(())
}

fn documents(file: &Path) -> Result<Vec<Value>> {
    let attempted = || format!("could not read {}", file.display());
    let text = fs::read_to_string(file).with_context(attempted)?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).with_context(attempted)?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The files of a directory in the order in which `kubectl apply -f` takes them.
fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("could not read {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no examples", directory.display());
    Ok(files)
}
