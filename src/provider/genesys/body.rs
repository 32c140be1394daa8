//! The bodies of writes: `OAuthClientRequest`, always whole, since what the platform does with omitted fields is not known.
//!
//! Enters: a wish, and for an update the document as read. Leaves: JSON without read-only fields and without any secret.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::wire::{CLIENT_CREDENTIALS, grant_type_from, grant_type_to};
use crate::model::account::{Field, RoleGrant, Settings, Wish};

/// What the platform sets itself, what it deprecated, and the secret.
const NEVER_SENT: [&str; 8] = [
    "id",
    "secret",
    "dateCreated",
    "dateModified",
    "createdBy",
    "modifiedBy",
    "selfUri",
    "roleIds",
];

const NAME: &str = "name";
const DESCRIPTION: &str = "description";
const GRANT_TYPE: &str = "authorizedGrantType";
const LIFETIME: &str = "accessTokenValiditySeconds";
const ROLES: &str = "roleDivisions";
const SCOPES: &str = "scope";
const REDIRECT_URIS: &str = "registeredRedirectUri";
const STATE: &str = "state";
const DELETION: &str = "dateToDelete";

/// The body that makes a client as wished. New clients can only be active.
pub(super) fn new_client(wish: &Wish) -> Value {
    let mut body = Map::new();
    body.insert(NAME.into(), wish.settings.name.clone().into());
    body.insert(DESCRIPTION.into(), wish.marker.to_string().into());
    body.insert(STATE.into(), "active".into());
    put_grant_type(&mut body, &wish.settings);
    put_lifetime(&mut body, &wish.settings);
    fit_to_grant_type(&mut body, &wish.settings);
    Value::Object(body)
}

/// The body that sets these fields as wished and leaves everything else as the document shows it, unknown fields too.
pub(super) fn changed_client(document: &Value, wish: &Wish, fields: &BTreeSet<Field>) -> Value {
    let mut body = document.as_object().cloned().unwrap_or_default();
    body.retain(|name, _| !NEVER_SENT.contains(&name.as_str()));
    let settings = &wish.settings;
    for field in fields {
        match field {
            Field::Enabled => put_state(&mut body, wish.enabled),
            Field::GrantTypes => put_grant_type(&mut body, settings),
            Field::Roles => put(&mut body, ROLES, role_divisions(&settings.roles)),
            Field::Scopes => put(&mut body, SCOPES, texts(&settings.scopes)),
            Field::RedirectUris => put(&mut body, REDIRECT_URIS, texts(&settings.redirect_uris)),
            Field::AccessTokenLifetime => put_lifetime(&mut body, settings),
            Field::Name => put(&mut body, NAME, settings.name.clone().into()),
            Field::Marker => {
                let before = body.get(DESCRIPTION).and_then(Value::as_str).unwrap_or_default();
                let after = wish.marker.written_into(before);
                put(&mut body, DESCRIPTION, after.into());
            }
        }
    }
    fit_to_grant_type(&mut body, settings);
    Value::Object(body)
}

/// The document as it may be kept: without the secret.
pub(super) fn without_secret(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.remove("secret");
    }
    document
}

fn put(body: &mut Map<String, Value>, name: &str, value: Value) {
    body.insert(name.to_owned(), value);
}

fn put_state(body: &mut Map<String, Value>, enabled: bool) {
    if enabled {
        put(body, STATE, "active".into());
        // An inactive client has a date of deletion; sent back it would be deleted while active.
        body.remove(DELETION);
    } else {
        put(body, STATE, "inactive".into());
    }
}

/// Exactly one grant type; none leaves the document's.
fn put_grant_type(body: &mut Map<String, Value>, settings: &Settings) {
    if let Some(grant_type) = settings.grant_types.first() {
        put(body, GRANT_TYPE, grant_type_to(grant_type).into());
    }
}

/// Unset: the field goes, and the platform applies its default.
fn put_lifetime(body: &mut Map<String, Value>, settings: &Settings) {
    match settings.access_token_lifetime {
        Some(lifetime) => put(body, LIFETIME, lifetime.as_secs().into()),
        None => {
            body.remove(LIFETIME);
        }
    }
}

/// Clients of the client-credentials grant have roles and nothing else; all others scopes and redirect addresses. What
/// is missing for the grant type is filled in as wished: the platform would refuse the body without it.
fn fit_to_grant_type(body: &mut Map<String, Value>, settings: &Settings) {
    let grant_type = body.get(GRANT_TYPE).and_then(Value::as_str).map(grant_type_from);
    let fill = |body: &mut Map<String, Value>, name: &str, value: Value| {
        if is_empty(body.get(name)) && !is_empty(Some(&value)) {
            put(body, name, value);
        }
    };
    if grant_type.as_deref() == Some(CLIENT_CREDENTIALS) {
        body.remove(SCOPES);
        body.remove(REDIRECT_URIS);
        fill(body, ROLES, role_divisions(&settings.roles));
    } else {
        body.remove(ROLES);
        fill(body, SCOPES, texts(&settings.scopes));
        fill(body, REDIRECT_URIS, texts(&settings.redirect_uris));
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_none_or(Vec::is_empty)
}

fn role_divisions(roles: &BTreeSet<RoleGrant>) -> Value {
    roles
        .iter()
        .map(|RoleGrant { role, division }| json!({"roleId": role, "divisionId": division}))
        .collect()
}

fn texts(texts: &BTreeSet<String>) -> Value {
    texts.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::Marker;

    fn wish(grant_type: &str) -> Wish {
        Wish {
            settings: Settings {
                name: "etl".into(),
                grant_types: [grant_type.to_owned()].into(),
                roles: [RoleGrant { role: "r1".into(), division: "*".into() }].into(),
                scopes: ["users:readonly".to_owned()].into(),
                redirect_uris: ["https://app.example.com/".to_owned()].into(),
                access_token_lifetime: Some(SignedDuration::from_hours(1)),
            },
            enabled: true,
            marker: Marker {
                owner: "o".into(),
                namespace: "ns".into(),
                name: "etl".into(),
                uid: "u".into(),
            },
        }
    }

    fn document() -> Value {
        json!({
            "id": "c1", "name": "by hand", "description": "text\nkeysteward:o/ns/etl/old",
            "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 86400,
            "roleDivisions": [{"roleId": "r0", "divisionId": "d0"}], "roleIds": ["r0"],
            "state": "inactive", "dateToDelete": "2026-12-01T00:00:00Z",
            "dateCreated": "2026-01-01T00:00:00Z", "dateModified": "2026-01-02T00:00:00Z",
            "createdBy": {"id": "u"}, "modifiedBy": {"id": "u"}, "selfUri": "/api/v2/oauth/clients/c1",
            "ipAllowlist": ["192.0.2.0/24"],
        })
    }

    #[test]
    fn a_new_client_has_roles_or_scopes_as_its_grant_has() {
        assert_eq!(
            new_client(&wish("client_credentials")),
            json!({
                "name": "etl", "description": "keysteward:o/ns/etl/u", "state": "active",
                "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 3600,
                "roleDivisions": [{"roleId": "r1", "divisionId": "*"}],
            })
        );
        assert_eq!(
            new_client(&wish("authorization_code")),
            json!({
                "name": "etl", "description": "keysteward:o/ns/etl/u", "state": "active",
                "authorizedGrantType": "CODE", "accessTokenValiditySeconds": 3600,
                "scope": ["users:readonly"],
                "registeredRedirectUri": ["https://app.example.com/"],
            })
        );
    }

    #[test]
    fn only_the_named_fields_change_and_unknown_ones_stay() {
        let body = changed_client(&document(), &wish("client_credentials"), &[Field::Roles].into());
        assert_eq!(
            body,
            json!({
                "name": "by hand", "description": "text\nkeysteward:o/ns/etl/old",
                "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 86400,
                "roleDivisions": [{"roleId": "r1", "divisionId": "*"}],
                "state": "inactive", "dateToDelete": "2026-12-01T00:00:00Z",
                "ipAllowlist": ["192.0.2.0/24"],
            })
        );
    }

    #[test]
    fn switching_on_takes_the_date_of_deletion_back() {
        let body =
            changed_client(&document(), &wish("client_credentials"), &[Field::Enabled].into());
        assert_eq!(body["state"], "active");
        assert_eq!(body.get("dateToDelete"), None);
    }

    #[test]
    fn switching_off_sends_inactive() {
        let off = Wish { enabled: false, ..wish("client_credentials") };
        let body = changed_client(&document(), &off, &[Field::Enabled].into());
        assert_eq!(body["state"], "inactive");
    }

    #[test]
    fn the_marker_is_rewritten_below_the_text_of_people() {
        let fields = [Field::Marker, Field::Name].into();
        let body = changed_client(&document(), &wish("client_credentials"), &fields);
        assert_eq!(body["description"], "text\nkeysteward:o/ns/etl/u");
        assert_eq!(body["name"], "etl");
    }

    #[test]
    fn a_change_of_grant_type_brings_what_the_new_one_needs() {
        let to_code =
            changed_client(&document(), &wish("authorization_code"), &[Field::GrantTypes].into());
        assert_eq!(to_code["authorizedGrantType"], "CODE");
        assert_eq!(to_code.get("roleDivisions"), None);
        assert_eq!(to_code["scope"], json!(["users:readonly"]));
        assert_eq!(to_code["registeredRedirectUri"], json!(["https://app.example.com/"]));

        let back =
            changed_client(&to_code, &wish("client_credentials"), &[Field::GrantTypes].into());
        assert_eq!(back["authorizedGrantType"], "CLIENT-CREDENTIALS");
        assert_eq!(back["roleDivisions"], json!([{"roleId": "r1", "divisionId": "*"}]));
        assert_eq!((back.get("scope"), back.get("registeredRedirectUri")), (None, None));
    }

    #[test]
    fn no_lifetime_of_our_own_leaves_it_to_the_platform() {
        let mut wish = wish("client_credentials");
        wish.settings.access_token_lifetime = None;
        let body = changed_client(&document(), &wish, &[Field::AccessTokenLifetime].into());
        assert_eq!(body.get("accessTokenValiditySeconds"), None);
        assert_eq!(new_client(&wish).get("accessTokenValiditySeconds"), None);
    }

    #[test]
    fn a_secret_that_a_document_shows_is_neither_kept_nor_sent() {
        let mut shown = document();
        shown["secret"] = "canary".into();
        let body = changed_client(&shown, &wish("client_credentials"), &[Field::Name].into());
        assert!(!body.to_string().contains("canary"));
        assert!(!without_secret(shown).to_string().contains("canary"));
    }
}
