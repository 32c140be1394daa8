//! Paged lists: what enters are `pageSize` and `pageNumber`, what leaves is one page and the links to its neighbours.
//! It may not know what is listed.

use serde_json::{Value, json};

use super::Refusal;
use crate::settings::choices::{Choices, NameFilter};

/// The parameters of a paged list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    size: usize,
    number: usize,
    /// Repeated `id` parameters.
    pub ids: Vec<String>,
    pub name: Option<String>,
    query: Vec<(String, String)>,
}

impl Paging {
    /// Reads the query; 25 entries on a page if it does not say.
    pub(super) fn parse(query: Option<&str>, choices: &Choices) -> Result<Self, Refusal> {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let value = |wanted: &str| {
            query.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
        };
        let number = |key: &str, default: usize| match value(key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| *number >= 1)
                .ok_or_else(|| Refusal::invalid_query(text, key, "positive integers")),
        };
        let size = number("pageSize", 25)?;
        if size > choices.largest_page_size {
            let allowed = format!("1 to {}", choices.largest_page_size);
            return Err(Refusal::invalid_query(&size.to_string(), "pageSize", &allowed));
        }
        Ok(Self {
            size,
            number: number("pageNumber", 1)?,
            ids: query.iter().filter(|(key, _)| key == "id").map(|(_, id)| id.clone()).collect(),
            name: value("name").map(ToOwned::to_owned),
            query,
        })
    }

    /// The value of another parameter.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let (_, value) = self.query.iter().find(|(name, _)| name == key)?;
        value.parse().ok()
    }

    /// Whether an entry is asked for.
    pub(super) fn wants(&self, id: &str, name: &str, filter: NameFilter) -> bool {
        let by_id = self.ids.is_empty() || self.ids.iter().any(|wanted| wanted == id);
        let by_name = self.name.as_ref().is_none_or(|wanted| {
            let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
            match filter {
                NameFilter::Contains => name.contains(&wanted),
                NameFilter::Prefix => name.starts_with(&wanted),
                NameFilter::Exact => name == wanted,
            }
        });
        by_id && by_name
    }

    /// One page of all that is wanted.
    pub(super) fn page<T>(&self, self_uri: &str, all: &[T], shown: impl Fn(&T) -> Value) -> Value {
        let count = all.len().div_ceil(self.size).max(1);
        let first = (self.number - 1).saturating_mul(self.size).min(all.len());
        let entities: Vec<Value> = all[first..].iter().take(self.size).map(shown).collect();
        let mut page = json!({
            "entities": entities,
            "pageSize": self.size,
            "pageNumber": self.number,
            "total": all.len(),
            "pageCount": count,
            "selfUri": self.link(self_uri, self.number),
            "firstUri": self.link(self_uri, 1),
            "lastUri": self.link(self_uri, count),
        });
        if self.number < count {
            page["nextUri"] = self.link(self_uri, self.number + 1).into();
        }
        if self.number > 1 {
            page["previousUri"] = self.link(self_uri, self.number - 1).into();
        }
        page
    }

    fn link(&self, self_uri: &str, number: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("pageSize", &self.size.to_string());
        query.append_pair("pageNumber", &number.to_string());
        for (key, value) in &self.query {
            if key != "pageSize" && key != "pageNumber" {
                query.append_pair(key, value);
            }
        }
        format!("{self_uri}?{}", query.finish())
    }
}
