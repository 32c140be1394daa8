//! One organization of the twin: clients, tokens, roles, divisions and what is set for all of them.
//! What enters are changes that were already checked, what leaves is the state that answers are made of.
//! It may not speak HTTP. Users, grants of other subjects, audits, identity providers and the IP allow-list will
//! be further files beside the clients.

pub(crate) mod client;
pub(crate) mod client_json;
pub(crate) mod clients;
pub(crate) mod division;
pub(crate) mod grant;
pub(crate) mod mint;
pub(crate) mod organization;
pub(crate) mod rate;
pub(crate) mod role;
pub mod seed;
pub(crate) mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use self::client::{Author, AuthorKind, CLIENT_CREDENTIALS, Client, ClientFields, ClientState};
use self::clients::Clients;
use self::division::Division;
use self::grant::{ALL_DIVISIONS, RoleDivision};
use self::organization::{IdleTokenTimeout, Organization, OrganizationState};
use self::rate::{Standing, Window};
use self::role::Role;
use self::tokens::{Death, Token, Tokens};
use crate::options::Options;
use crate::secret::SecretText;
use crate::settings::{Lag, Settings};

/// The whole state behind the two hosts.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub settings: Settings,
    pub organization: Organization,
    pub idle: IdleTokenTimeout,
    pub roles: Vec<Role>,
    pub divisions: Vec<Division>,
    pub clients: Clients,
    pub tokens: Tokens,
    /// Tokens made for each client since the counters were reset.
    pub mints: BTreeMap<Arc<str>, u64>,
    pub mints_refused: u64,
    mint_windows: HashMap<Box<str>, Window>,
}

/// Who sends an API request: the client of its token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub client: Arc<Client>,
    pub token: SecretText,
}

impl Caller {
    pub(crate) fn author(&self) -> Author {
        Author {
            id: Arc::clone(&self.client.id),
            name: self.client.fields.name.as_str().into(),
            kind: AuthorKind::Client,
        }
    }
}

impl Tenant {
    pub(crate) fn new(options: &Options, now: Timestamp) -> Self {
        let mut tenant = Self {
            settings: options.settings.clone(),
            organization: Organization {
                id: options.organization_id.clone(),
                name: options.organization_name.clone(),
                state: OrganizationState::Active,
                version: 1,
            },
            idle: IdleTokenTimeout::default(),
            roles: seed::roles(),
            divisions: seed::divisions(),
            clients: Clients::default(),
            tokens: Tokens::default(),
            mints: BTreeMap::new(),
            mints_refused: 0,
            mint_windows: HashMap::new(),
        };
        tenant.add_admin(options, now);
        tenant
    }

    fn add_admin(&mut self, options: &Options, now: Timestamp) {
        let grants = options.admin.roles.clone().unwrap_or_else(|| {
            self.roles.iter().map(|role| RoleDivision::new(&role.id, ALL_DIVISIONS)).collect()
        });
        let fields = ClientFields {
            name: "Administrator".to_owned(),
            grant_type: CLIENT_CREDENTIALS.to_owned(),
            validity_seconds: client::DEFAULT_VALIDITY_SECONDS,
            description: None,
            redirect_uris: Vec::new(),
            scope: Vec::new(),
            grants,
            state: ClientState::Active,
            date_to_delete: None,
            unknown: serde_json::Map::new(),
        };
        let client = Client::new(options.admin.id.as_str().into(), fields, somebody_else(), now);
        self.clients.create(client, options.admin.secret.clone(), Lag::default(), now);
    }

    /// Whose token this is; a use postpones its idling out unless `preserve_idle` is set.
    pub(crate) fn caller(
        &mut self,
        text: &SecretText,
        preserve_idle: bool,
        now: Timestamp,
    ) -> Result<(Caller, Option<Standing>), Death> {
        let idle = self.idle.seconds();
        let limit = self.settings.limits.requests_per_minute;
        let token = self.tokens.living(text, idle, now)?;
        let record = self.clients.record(&token.client).ok_or(Death::Unknown)?;
        let client = self.clients.truth(&token.client).ok_or(Death::Unknown)?;
        if record.generation != token.generation || !self.settings.choices.let_live(client) {
            return Err(Death::Unknown);
        }
        if !preserve_idle {
            token.last_used = now;
        }
        let standing = limit.map(|allowed| token.window.take(allowed, now));
        Ok((Caller { client: Arc::clone(client), token: text.clone() }, standing))
    }

    /// The client of a living token.
    pub(crate) fn owner(&self, text: &SecretText, now: Timestamp) -> Option<String> {
        let idle = self.idle.seconds();
        let token = self.tokens.get(text)?;
        self.lives(token, idle, now).then(|| token.client.to_string())
    }

    /// Whether the caller's roles carry one of the permissions.
    pub(crate) fn permits(&self, caller: &Caller, any_of: &[&str]) -> bool {
        caller.client.fields.grants.iter().any(|grant| {
            self.role(&grant.role_id)
                .is_some_and(|role| any_of.iter().any(|permission| role.carries(permission)))
        })
    }

    pub(crate) fn role(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(crate) fn division(&self, id: &str) -> Option<&Division> {
        self.divisions.iter().find(|division| division.id == id)
    }

    /// Whether role and division of a grant exist.
    pub(crate) fn grantable(&self, grant: &RoleDivision) -> bool {
        self.role(&grant.role_id).is_some()
            && (grant.division_id == ALL_DIVISIONS || self.division(&grant.division_id).is_some())
    }

    /// How many tokens of each client live.
    pub(crate) fn living_tokens(&self, now: Timestamp) -> HashMap<Arc<str>, u64> {
        let idle = self.idle.seconds();
        let mut living = HashMap::new();
        for token in self.tokens.all().filter(|token| self.lives(token, idle, now)) {
            *living.entry(Arc::clone(&token.client)).or_insert(0) += 1;
        }
        living
    }

    fn lives(&self, token: &Token, idle: Option<i64>, now: Timestamp) -> bool {
        let client = self.clients.truth(&token.client);
        let record = self.clients.record(&token.client);
        token.ends(idle) > now
            && record.is_some_and(|record| record.generation == token.generation)
            && client.is_some_and(|client| self.settings.choices.let_live(client))
    }
}

impl crate::settings::Choices {
    /// Whether a client in this condition leaves its tokens alive.
    fn let_live(&self, client: &Client) -> bool {
        let state = match client.fields.state {
            ClientState::Active => true,
            ClientState::Inactive => self.tokens_survive_inactive,
            ClientState::Disabled | ClientState::Deleted => false,
        };
        state
            && (self.tokens_survive_other_grant_type
                || client.fields.grant_type == CLIENT_CREDENTIALS)
    }
}

/// The person in whose name changes past the API are made.
pub(crate) fn somebody_else() -> Author {
    Author { id: seed::SOMEBODY_ELSE.into(), name: "Somebody Else".into(), kind: AuthorKind::User }
}
