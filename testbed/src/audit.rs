//! In: the audit log of an API server. Out: who asked for what, and how often.
//! One record for each request that was answered; a watch counts when it ends.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The record of all requests to one API server.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

/// A point in the record, to count from.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditMark(u64);

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The plural with its subresource, such as `secrets` or `serviceaccounts/token`; empty for a
    /// request that is not for a resource, such as `/readyz`.
    pub resource: String,
    /// Empty for a cluster-wide request.
    pub namespace: String,
    /// Empty for a list or a create.
    pub name: String,
    /// Such as `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// As the client sent it.
    pub user_agent: String,
    /// The HTTP status of the answer.
    pub code: u16,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where the log lies: a JSON object a line, `audit.k8s.io/v1`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The present end of the record.
    pub fn mark(&self) -> Result<AuditMark> {
        match fs::metadata(&self.path) {
            Ok(file) => Ok(AuditMark(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(AuditMark::default()),
            Err(error) => Err(error).with_context(|| self.attempted()),
        }
    }

    /// All requests answered since `mark`, in the order of their answers.
    pub fn since(&self, mark: AuditMark) -> Result<Vec<AuditRecord>> {
        let mut text = String::new();
        File::open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(mark.0))?;
                file.read_to_string(&mut text)
            })
            .with_context(|| self.attempted())?;
        // What follows the last line end is still being written.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .map(|line| Ok(serde_json::from_str::<EventDto>(line)?.into()))
            .collect::<Result<_>>()
            .with_context(|| self.attempted())
    }

    fn attempted(&self) -> String {
        format!("could not read the audit log {}", self.path.display())
    }
}

/// How often each verb was used on each resource.
pub fn count<'a>(
    records: impl IntoIterator<Item = &'a AuditRecord>,
) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry((record.verb.clone(), record.resource.clone())).or_default() += 1;
    }
    counts
}

// === the format ===

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventDto {
    verb: String,
    user: UserDto,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRefDto,
    #[serde(default)]
    response_status: ResponseStatusDto,
}

#[derive(Deserialize)]
struct UserDto {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectRefDto {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseStatusDto {
    code: u16,
}

impl From<EventDto> for AuditRecord {
    fn from(event: EventDto) -> Self {
        let ObjectRefDto { resource, subresource, namespace, name } = event.object_ref;
        let resource =
            if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") };
        Self {
            verb: event.verb,
            resource,
            namespace,
            name,
            user: event.user.username,
            user_agent: event.user_agent,
            code: event.response_status.code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"kind":"Event","verb":"patch","user":{"username":"u"},"userAgent":"a","objectRef":{"resource":"things","subresource":"status","namespace":"n","name":"x"},"responseStatus":{"code":200}}
{"kind":"Event","verb":"get","user":{"username":"u"},"responseStatus":{"code":200}}
{"kind":"Event","ver"#;

    #[test]
    fn a_line_that_is_still_being_written_is_left_for_later() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), LINES).unwrap();
        let log = AuditLog::new(file.path().to_owned());
        let records = log.since(AuditMark::default()).unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!((&*records[0].verb, &*records[0].resource), ("patch", "things/status"));
        assert_eq!(count(&records)[&("get".to_owned(), String::new())], 1);
    }
}
