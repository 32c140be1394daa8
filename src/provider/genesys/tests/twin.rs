//! A client's whole life against the simulator, which answers as the platform is documented to.

use keysteward_simulator::{Options, Simulator, seed};

use super::*;
use crate::model::inventory::Tenant;

fn connect(simulator: &Simulator) -> Genesys {
    let admin = simulator.admin_client();
    let allowed = AllowedEndpoints::parse([simulator.login_url(), simulator.api_url()]).unwrap();
    let connection: GenesysCloudConnection = serde_json::from_value(json!({
        "region": "eu-central-1",
        "endpoints": {"login": simulator.login_url(), "api": simulator.api_url()},
    }))
    .unwrap();
    let hosts = Hosts::of(&connection, &allowed).unwrap();
    let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
    let sender = Sender::new(SenderConfig { allowed, ..config }).unwrap();
    let credential = Credential {
        client_id: admin.client_id,
        client_secret: SecretText::new(admin.client_secret.reveal()),
    };
    Genesys::new(GenesysConfig { hosts, credential, sender, waits: Waits::default() })
}

fn wish() -> Wish {
    let mut wish = super::wish();
    let role = seed::REPORTING_VIEWER.to_owned();
    let division = seed::HOME_DIVISION.to_owned();
    wish.settings.roles = [RoleGrant { role, division }].into();
    wish
}

#[tokio::test]
async fn a_client_lives_from_create_to_delete() {
    let simulator = Simulator::start(Options::default().with_two_ports()).unwrap();
    let genesys = connect(&simulator);

    let Created { account, credential } = genesys.create(&wish()).await.unwrap();
    assert_eq!((&account.settings, &account.state), (&wish().settings, &State::Active));
    assert_eq!(account.marker, Some(marker()));
    let listed = genesys.accounts().await.unwrap();
    assert!(listed.contains(&account), "{listed:?}");

    let token = genesys.mint(&credential).await.unwrap();
    assert_eq!(token.expires_in, SignedDuration::from_hours(24));
    let said = genesys.introspect(&token.access_token).await.unwrap();
    assert_eq!(said.tenant_id.as_deref(), Some(seed::ORGANIZATION));
    assert_eq!(said.state, Some(State::Active));
    genesys.revoke(&token.access_token).await.unwrap();
    let dead = genesys.introspect(&token.access_token).await.unwrap_err();
    assert_eq!(dead.refusal(), Some(RefusalKind::Unauthorized), "{dead}");
    genesys.revoke(&token.access_token).await.unwrap();

    let next = genesys.regenerate(&account.id).await.unwrap();
    let old = genesys.mint(&credential).await.unwrap_err();
    assert_eq!(old.refusal(), Some(RefusalKind::Unauthorized), "{old}");
    genesys.mint(&next).await.unwrap();

    let refused = genesys.delete(&account.id).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(RefusalKind::Invalid), "{refused}");
    let snapshot = genesys.read(&account.id).await.unwrap().unwrap();
    let off = Wish { enabled: false, ..wish() };
    let off = genesys.update(&snapshot, &off, &[Field::Enabled].into()).await.unwrap();
    assert_eq!(off.state, State::Inactive);
    genesys.delete(&account.id).await.unwrap();
    assert!(genesys.read(&account.id).await.unwrap().is_none());
    genesys.delete(&account.id).await.unwrap();
}

#[tokio::test]
async fn a_client_turned_into_another_is_turned_back() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let genesys = connect(&simulator);
    let account = genesys.create(&wish()).await.unwrap().account;

    let mut app = wish();
    app.settings.name = "app".into();
    app.settings.grant_types = ["authorization_code".to_owned()].into();
    app.settings.roles.clear();
    app.settings.scopes = ["users:readonly".to_owned()].into();
    app.settings.redirect_uris = ["https://app.example.com/".to_owned()].into();
    app.settings.access_token_lifetime = Some(SignedDuration::from_hours(1));
    for wish in [app, wish()] {
        let snapshot = genesys.read(&account.id).await.unwrap().unwrap();
        let all = [
            Field::Name,
            Field::GrantTypes,
            Field::Roles,
            Field::Scopes,
            Field::RedirectUris,
            Field::AccessTokenLifetime,
        ];
        let updated = genesys.update(&snapshot, &wish, &all.into()).await.unwrap();
        assert_eq!(updated.settings, wish.settings);
        let read = genesys.read(&account.id).await.unwrap().unwrap().account;
        assert_eq!(read, updated);
    }
}

#[tokio::test]
async fn the_catalog_names_tenant_roles_divisions_and_own_grants() {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.control().set_idle_timeout(Some(Duration::from_mins(15)));
    let genesys = connect(&simulator);
    let mut catalog = Catalog::default();
    for part in genesys.capabilities().catalog_parts {
        genesys.catalog(*part, &mut catalog).await.unwrap();
    }
    let name = "Simulated Contact Center".to_owned();
    assert_eq!(catalog.tenant, Some(Tenant { id: seed::ORGANIZATION.into(), name }));
    let roles = catalog.roles.unwrap();
    assert!(roles.iter().any(|role| role.id == seed::REPORTING_VIEWER), "{roles:?}");
    let divisions = catalog.divisions.unwrap();
    assert!(divisions.iter().any(|division| division.id == seed::HOME_DIVISION), "{divisions:?}");
    let own = catalog.own_grants.unwrap();
    assert!(own.iter().any(|grant| grant.role == seed::REPORTING_VIEWER), "{own:?}");
    assert_eq!(catalog.idle_timeout, Some(Some(SignedDuration::from_mins(15))));
}

#[tokio::test]
async fn a_session_ended_by_somebody_else_is_opened_again() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let genesys = connect(&simulator);
    let before = genesys.accounts().await.unwrap();
    simulator.control().end_tokens(&simulator.admin_client().client_id).unwrap();
    assert_eq!(genesys.accounts().await.unwrap(), before);
}
