//! A caller of the simulator: sends requests as a client would and reads answers as JSON.

use keysteward_simulator::{Credentials, Options, Simulator};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub json: Value,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, json }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The error code of an `ErrorBody` and its status.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json["code"].as_str()),
            (status, Some(code)),
            "{:?}",
            self.json
        );
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["contextId"].as_str(), self.header("inin-correlation-id"));
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:?}", self.json);
        self.json
    }
}

/// A running simulator and a token of its administrator.
#[derive(Debug)]
pub(crate) struct World {
    pub simulator: Simulator,
    pub http: reqwest::Client,
    pub token: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let http = reqwest::Client::new();
        let mut world = Self { simulator, http, token: String::new() };
        world.token = world.mint(&world.simulator.admin_client()).await;
        world
    }

    /// A token request with Basic credentials.
    pub(crate) async fn ask_token(&self, credentials: &Credentials) -> Answer {
        self.ask_token_as(credentials, "client_credentials").await
    }

    pub(crate) async fn ask_token_as(&self, credentials: &Credentials, grant_type: &str) -> Answer {
        let request = self
            .http
            .post(format!("{}/oauth/token", self.simulator.login_url()))
            .basic_auth(&credentials.client_id, Some(credentials.client_secret.reveal()))
            .form(&[("grant_type", grant_type)]);
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn mint(&self, credentials: &Credentials) -> String {
        let answer = self.ask_token(credentials).await.ok();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.simulator.api_url()))
    }

    /// A request with some token.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call_as(&self.token, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call_as(&self.token, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call_as(&self.token, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call_as(&self.token, Method::DELETE, path, None).await
    }

    /// A client with the role Reporting Viewer in the home division.
    pub(crate) async fn create(&self, name: &str) -> (Value, Credentials) {
        let client = self.post("/api/v2/oauth/clients", &client(name)).await.ok();
        let credentials = credentials(&client);
        (client, credentials)
    }

    pub(crate) async fn listed(&self) -> Vec<Value> {
        let list = self.get("/api/v2/oauth/clients").await.ok();
        list["entities"].as_array().unwrap().clone()
    }

    /// Whether the API takes the token.
    pub(crate) async fn lives(&self, token: &str) -> bool {
        let answer = self.call_as(token, Method::HEAD, "/api/v2/tokens/me", None).await;
        answer.status == StatusCode::OK.as_u16()
    }
}

pub(crate) fn client(name: &str) -> Value {
    json!({
        "name": name,
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "roleDivisions": [{
            "roleId": keysteward_simulator::seed::REPORTING_VIEWER,
            "divisionId": keysteward_simulator::seed::HOME_DIVISION,
        }],
    })
}

pub(crate) fn credentials(client: &Value) -> Credentials {
    Credentials {
        client_id: client["id"].as_str().unwrap().to_owned(),
        client_secret: client["secret"].as_str().unwrap().into(),
    }
}

pub(crate) fn path_of(client: &Value) -> String {
    format!("/api/v2/oauth/clients/{}", client["id"].as_str().unwrap())
}

/// The client with some fields set, as a PUT sends it.
pub(crate) fn edited(client: &Value, changes: Value) -> Value {
    let mut edited = client.clone();
    let (Value::Object(edited_fields), Value::Object(changes)) = (&mut edited, changes) else {
        panic!("a client is an object")
    };
    edited_fields.extend(changes);
    edited
}
