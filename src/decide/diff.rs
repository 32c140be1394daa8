//! What differs between what an account should be and what it is.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::model::account::{Account, Field, RoleGrant, State, Wish};
use crate::model::inventory::{Catalog, Named};

/// One field that differs, in words that people compare.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    pub field: Field,
    pub want: String,
    pub now: String,
}

/// Every field that differs. A lifetime that the spec leaves open is not compared.
pub fn diff(wish: &Wish, account: &Account, catalog: &Catalog) -> Vec<Change> {
    let want = &wish.settings;
    let now = &account.settings;
    let mut changes = Vec::new();
    let mut differ = |field, want: String, now: String| changes.push(Change { field, want, now });

    if wish.enabled != (account.state == State::Active) {
        let want = if wish.enabled { "active" } else { "inactive" };
        differ(Field::Enabled, want.into(), account.state.as_str().into());
    }
    if want.grant_types != now.grant_types {
        differ(Field::GrantTypes, words(&want.grant_types), words(&now.grant_types));
    }
    if want.roles != now.roles {
        differ(Field::Roles, roles(&want.roles, catalog), roles(&now.roles, catalog));
    }
    if want.scopes != now.scopes {
        differ(Field::Scopes, words(&want.scopes), words(&now.scopes));
    }
    if want.redirect_uris != now.redirect_uris {
        differ(Field::RedirectUris, words(&want.redirect_uris), words(&now.redirect_uris));
    }
    if want.access_token_lifetime.is_some()
        && want.access_token_lifetime != now.access_token_lifetime
    {
        differ(
            Field::AccessTokenLifetime,
            lifetime(want.access_token_lifetime),
            lifetime(now.access_token_lifetime),
        );
    }
    if want.name != now.name {
        differ(Field::Name, want.name.clone(), now.name.clone());
    }
    if account.marker.as_ref() != Some(&wish.marker) {
        let found = account.marker.as_ref().map_or_else(|| "none".into(), ToString::to_string);
        differ(Field::Marker, wish.marker.to_string(), found);
    }
    changes
}

/// The fields of some changes.
pub fn fields(changes: &[Change]) -> BTreeSet<Field> {
    changes.iter().map(|change| change.field).collect()
}

/// All changes in one sentence, for people.
pub fn sentence(changes: &[Change]) -> String {
    changes
        .iter()
        .map(|Change { field, want, now }| match field {
            Field::Marker => "the marker in the description is missing or another's".to_owned(),
            Field::Enabled
            | Field::GrantTypes
            | Field::Roles
            | Field::Scopes
            | Field::RedirectUris
            | Field::AccessTokenLifetime
            | Field::Name => format!("{field} should be {want} and is {now}"),
        })
        .collect::<Vec<_>>()
        .join("; ")
}

/// Roles by name where the names are known.
pub fn roles(grants: &BTreeSet<RoleGrant>, catalog: &Catalog) -> String {
    if grants.is_empty() {
        return "none".into();
    }
    role_names(grants, catalog).join(", ")
}

/// Each role as `role in division`, sorted.
pub fn role_names(grants: &BTreeSet<RoleGrant>, catalog: &Catalog) -> Vec<String> {
    let mut names: Vec<String> = grants
        .iter()
        .map(|grant| {
            let role = name_of(catalog.roles.as_deref(), &grant.role);
            if grant.division == "*" {
                return format!("{role} in every division");
            }
            format!("{role} in {}", name_of(catalog.divisions.as_deref(), &grant.division))
        })
        .collect();
    names.sort();
    names
}

fn name_of<'a>(known: Option<&'a [Named]>, id: &'a str) -> &'a str {
    known.into_iter().flatten().find(|named| named.id == id).map_or(id, |named| named.name.as_str())
}

fn words(set: &BTreeSet<String>) -> String {
    if set.is_empty() { "none".into() } else { set.iter().cloned().collect::<Vec<_>>().join(", ") }
}

fn lifetime(span: Option<SignedDuration>) -> String {
    span.map_or_else(|| "the platform's default".into(), |span| format!("{}s", span.as_secs()))
}
