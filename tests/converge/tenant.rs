//! The truth of the remote tenant: its clients, their secrets and tokens, and what its lists show so far.
//!
//! Enters: calls that passed the fault plan, and deeds of its own people. Leaves: answers and refusals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keysteward::model::account::{Account, AccountId, Field, RoleGrant, Settings, State, Wish};
use keysteward::model::fault::{Fault, Refusal, RefusalKind, Trouble, TroubleKind};
use keysteward::model::marker::{Marker, is_held};
use keysteward::model::secret_text::SecretText;
use keysteward::model::token::{Credential, Introspection, Token};
use keysteward::provider::{Created, Snapshot};

/// Stands in every secret and token, so that a leak is found.
pub(crate) const CANARY: &str = "canary-9f3c";
/// Ids of what the tenant knows.
pub(crate) const TENANT: &str = "tenant-1";

/// How late things show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    /// New clients in lists.
    pub(crate) create: SignedDuration,
    /// Writes in lists.
    pub(crate) list: SignedDuration,
    /// Writes in reads by id.
    pub(crate) read: SignedDuration,
}

/// What goes wrong until somebody mends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outages {
    pub(crate) admin: Option<Fault>,
    pub(crate) creates: Option<Fault>,
    pub(crate) mints: Option<Fault>,
}

impl Outages {
    pub(crate) fn of(&self, what: &str) -> Option<Fault> {
        match what.split(' ').next() {
            Some("mint") => self.mints.clone(),
            Some("introspect" | "revoke") => None,
            Some("create") => self.creates.clone().or(self.admin.clone()),
            _ => self.admin.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Client {
    pub(crate) settings: Settings,
    pub(crate) description: String,
    pub(crate) state: State,
}

#[derive(Debug)]
struct Row {
    created_at: Timestamp,
    secret: String,
    /// When the secret was made: who tries it too early poisons a cache.
    secret_at: Timestamp,
    poisoned_until: Option<Timestamp>,
    /// What was true from when on; None: deleted.
    history: Vec<(Timestamp, Option<Client>)>,
    ours: bool,
}

#[derive(Debug)]
struct Issued {
    client: String,
    ends_at: Timestamp,
    used_at: Timestamp,
    revoked: bool,
}

#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) lag: Lag,
    pub(crate) settle: SignedDuration,
    pub(crate) token_life: Option<SignedDuration>,
    pub(crate) idle_timeout: Option<SignedDuration>,
    /// What is answered whatever is asked: to everything but tokens, to creates, to mints.
    pub(crate) outages: Outages,
    /// The tenant that answers.
    pub(crate) id: String,
    pub(crate) wrongs: Vec<String>,
    pub(crate) creates: u32,
    pub(crate) regenerates: u32,
    clients: BTreeMap<String, Row>,
    tokens: BTreeMap<String, Issued>,
    numbers: u32,
}

impl Row {
    fn now(&self) -> Option<&Client> {
        self.history.last().and_then(|(_, client)| client.as_ref())
    }

    /// What was true at a moment, and its place in the history.
    fn shown(&self, at: Timestamp) -> (usize, Option<&Client>) {
        let place = self.history.iter().rposition(|(since, _)| *since <= at).unwrap_or(0);
        (place, self.history[place].1.as_ref())
    }
}

impl Tenant {
    pub(crate) fn new(lag: Lag, settle: SignedDuration) -> Self {
        Self {
            lag,
            settle,
            token_life: None,
            idle_timeout: None,
            outages: Outages::default(),
            id: TENANT.into(),
            wrongs: Vec::new(),
            creates: 0,
            regenerates: 0,
            clients: BTreeMap::new(),
            tokens: BTreeMap::new(),
            numbers: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// A client that people made. Returns its id.
    pub(crate) fn put(&mut self, client: Client, now: Timestamp) -> String {
        let number = self.number();
        let id = format!("client-{number}");
        self.clients.insert(
            id.clone(),
            Row {
                created_at: now,
                secret: format!("{CANARY}-secret-{number}"),
                secret_at: now,
                poisoned_until: None,
                history: vec![(now, Some(client))],
                ours: false,
            },
        );
        id
    }

    /// A client that looks as if we had made it is one that we made: by a create whose answer was lost.
    pub(crate) fn adopt(&mut self, id: &str) {
        self.clients.get_mut(id).expect("the test names a client that exists").ours = true;
    }

    /// A client becomes another; None deletes it. One that is not active loses its tokens for good.
    pub(crate) fn change(&mut self, id: &str, now: Timestamp, to: Option<Client>) {
        if to.as_ref().is_none_or(|client| client.state != State::Active) {
            let tokens = self.tokens.values_mut().filter(|token| token.client == id);
            tokens.for_each(|token| token.revoked = true);
        }
        let row = self.clients.get_mut(id).expect("a client that exists is named");
        row.history.push((now, to));
    }

    /// Somebody gives a client another secret.
    pub(crate) fn rotate(&mut self, id: &str) {
        let number = self.number();
        let row = self.clients.get_mut(id).expect("the test names a client that exists");
        row.secret = format!("{CANARY}-foreign-secret-{number}");
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)?.now()
    }

    /// Every client that exists, by id.
    pub(crate) fn clients(&self) -> impl Iterator<Item = (&str, &Client)> {
        self.clients.iter().filter_map(|(id, row)| Some((id.as_str(), row.now()?)))
    }

    /// Whether a client exists whose secret this is.
    pub(crate) fn accepts(&self, id: &str, secret: &str) -> bool {
        self.clients.get(id).is_some_and(|row| row.now().is_some() && row.secret == secret)
    }

    /// The client to which a live token belongs.
    pub(crate) fn token_of(&self, text: &str, now: Timestamp) -> Option<&str> {
        let token = self.tokens.get(text)?;
        let idle = self.idle_timeout.is_some_and(|idle| now.duration_since(token.used_at) >= idle);
        let usable = self.client(&token.client).is_some_and(|c| c.state == State::Active);
        (!token.revoked && !idle && now < token.ends_at && usable).then_some(token.client.as_str())
    }

    fn account(id: &str, created_at: Timestamp, client: &Client) -> Account {
        Account {
            id: AccountId(id.to_owned()),
            settings: client.settings.clone(),
            state: client.state.clone(),
            marker: Marker::find(&client.description),
            held: is_held(&client.description),
            created_at: Some(created_at),
            deletes_at: None,
        }
    }

    pub(crate) fn list(&self, now: Timestamp) -> Vec<Account> {
        let rows = self.clients.iter().filter(|(_, row)| now >= row.created_at + self.lag.create);
        rows.filter_map(|(id, row)| {
            Some(Self::account(id, row.created_at, row.shown(now - self.lag.list).1?))
        })
        .collect()
    }

    pub(crate) fn read(&self, id: &str, now: Timestamp) -> Option<Snapshot> {
        let row = self.clients.get(id)?;
        let (place, client) = row.shown(now - self.lag.read);
        let account = Self::account(id, row.created_at, client?);
        Some(Snapshot { account, document: serde_json::json!({"place": place}) })
    }

    pub(crate) fn create(&mut self, wish: &Wish, now: Timestamp) -> Created {
        self.creates += 1;
        let client = Client {
            settings: with_default_life(wish.settings.clone()),
            description: wish.marker.to_string(),
            state: if wish.enabled { State::Active } else { State::Inactive },
        };
        let id = self.put(client.clone(), now);
        let row = self.clients.get_mut(&id).expect("just put");
        row.ours = true;
        Created {
            account: Self::account(&id, now, &client),
            credential: Credential {
                client_id: id,
                client_secret: SecretText::new(row.secret.clone()),
            },
        }
    }

    /// The client as it is, for a write; what may not be written is a wrong.
    fn for_write(&mut self, id: &str) -> Result<Client, Fault> {
        let Some(row) = self.clients.get(id) else {
            return Err(refused(RefusalKind::NotFound, "the client does not exist"));
        };
        let Some(client) = row.now() else {
            return Err(refused(RefusalKind::NotFound, "the client does not exist"));
        };
        if !row.ours {
            self.wrongs.push(format!("client {id} is not ours and was written"));
        }
        if is_held(&client.description) {
            self.wrongs.push(format!("client {id} is held and was written"));
        }
        Ok(client.clone())
    }

    pub(crate) fn update(
        &mut self,
        snapshot: &Snapshot,
        wish: &Wish,
        fields: &BTreeSet<Field>,
        now: Timestamp,
    ) -> Result<Account, Fault> {
        let id = snapshot.account.id.0.clone();
        if self.for_write(&id)?.state == State::DisabledByVendor {
            return Err(refused(RefusalKind::Invalid, "the client is disabled"));
        }
        // The whole document is sent: what is not set is written as the read showed it.
        let place =
            snapshot.document["place"].as_u64().and_then(|place| usize::try_from(place).ok());
        let shown = place.and_then(|place| self.clients[&id].history.get(place)?.1.clone());
        let mut client = shown.expect("a snapshot is of a client that was there");
        let said = client.description.clone();
        let wished = with_default_life(wish.settings.clone());
        for field in fields {
            let settings = &mut client.settings;
            match field {
                Field::Enabled => {
                    client.state = if wish.enabled { State::Active } else { State::Inactive };
                }
                Field::GrantTypes => settings.grant_types.clone_from(&wished.grant_types),
                Field::Roles => settings.roles.clone_from(&wished.roles),
                Field::Scopes => settings.scopes.clone_from(&wished.scopes),
                Field::RedirectUris => settings.redirect_uris.clone_from(&wished.redirect_uris),
                Field::AccessTokenLifetime => {
                    settings.access_token_lifetime = wished.access_token_lifetime;
                }
                Field::Name => settings.name.clone_from(&wished.name),
                Field::Marker => client.description = wish.marker.written_into(&said),
            }
        }
        self.change(&id, now, Some(client.clone()));
        let row = &self.clients[&id];
        Ok(Self::account(&id, row.created_at, &client))
    }

    pub(crate) fn regenerate(&mut self, id: &str, now: Timestamp) -> Result<Credential, Fault> {
        self.for_write(id)?;
        self.regenerates += 1;
        let number = self.number();
        let row = self.clients.get_mut(id).expect("it was there for the write");
        row.secret = format!("{CANARY}-secret-{number}");
        row.secret_at = now;
        row.poisoned_until = None;
        Ok(Credential {
            client_id: id.to_owned(),
            client_secret: SecretText::new(row.secret.clone()),
        })
    }

    pub(crate) fn delete(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        if self.client(id).is_none() {
            return Ok(());
        }
        let client = self.for_write(id)?;
        if client.state == State::Active {
            return Err(refused(RefusalKind::Invalid, "clients must be inactive to be deleted"));
        }
        self.change(id, now, None);
        Ok(())
    }

    pub(crate) fn mint(&mut self, credential: &Credential, now: Timestamp) -> Result<Token, Fault> {
        let id = &credential.client_id;
        let unknown = || refused(RefusalKind::Unauthorized, "client not found or wrong secret");
        let settle = self.settle;
        let row = self.clients.get_mut(id).ok_or_else(unknown)?;
        let client = row.now().cloned().ok_or_else(unknown)?;
        if row.secret != credential.client_secret.reveal() || client.state != State::Active {
            return Err(unknown());
        }
        if !client.settings.grant_types.contains("client_credentials") {
            return Err(refused(RefusalKind::Invalid, "unauthorized_client"));
        }
        if now < row.secret_at + settle {
            row.poisoned_until = Some(now + SignedDuration::from_secs(60));
            self.wrongs
                .push(format!("the new secret of {id} was tried before the platform settled"));
        }
        if row.poisoned_until.is_some_and(|until| now < until) {
            return Err(unknown());
        }
        let life = self.token_life.or(client.settings.access_token_lifetime);
        let life = life.unwrap_or(SignedDuration::from_hours(24));
        let text = format!("{CANARY}-token-{}", self.number());
        let issued =
            Issued { client: id.clone(), ends_at: now + life, used_at: now, revoked: false };
        self.tokens.insert(text.clone(), issued);
        Ok(Token {
            access_token: SecretText::new(text),
            token_type: "bearer".into(),
            expires_in: life,
        })
    }

    pub(crate) fn introspect(&self, text: &str, now: Timestamp) -> Result<Introspection, Fault> {
        if self.token_of(text, now).is_none() {
            return Err(refused(RefusalKind::Unauthorized, "the token is not valid"));
        }
        let idles_at = self.idle_timeout.map(|idle| self.tokens[text].used_at + idle);
        Ok(Introspection { tenant_id: Some(self.id.clone()), state: Some(State::Active), idles_at })
    }

    pub(crate) fn revoke(&mut self, text: &str) {
        if let Some(token) = self.tokens.get_mut(text) {
            token.revoked = true;
        }
    }
}

fn with_default_life(mut settings: Settings) -> Settings {
    settings.access_token_lifetime.get_or_insert(SignedDuration::from_hours(24));
    settings
}

pub(crate) fn refused(kind: RefusalKind, message: &str) -> Fault {
    Fault::Refused(Refusal {
        kind,
        tried: "do it".into(),
        status: 400,
        code: None,
        message: message.into(),
        correlation_id: Some("c-0".into()),
        retry_after: None,
    })
}

/// A role that the tenant has.
pub(crate) fn role(name: &str) -> RoleGrant {
    RoleGrant { role: format!("id-of-{name}"), division: "id-of-Home".into() }
}

/// The other side does not answer.
pub(crate) fn silence() -> Fault {
    Fault::Unknown(Trouble {
        kind: TroubleKind::NoAnswer,
        text: "could not do it: no answer in 10 s".into(),
    })
}
