//! A plain HTTP client, and a signer of EC2 requests that is not the simulator's.

use std::collections::HashMap;
use std::fmt::Write as _;

use gigadb_simulator::world::{
    ACCESS_KEY_ID_UPSTREAM, CLOUDFLARE_TOKEN, GITLAB_TOKEN, PROJECT, REGION_UPSTREAM,
    SECRET_KEY_UPSTREAM,
};
use gigadb_simulator::{Simulator, World};
use hmac::{Hmac, Mac};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Returns the code of Cloudflare's first error.
    pub(crate) fn code(&self) -> u64 {
        self.json()["errors"][0]["code"].as_u64().unwrap_or(0)
    }

    /// Returns the code of the cause that Cloudflare's first error wraps.
    pub(crate) fn cause(&self) -> u64 {
        let cause = &self.json()["errors"][0]["error_chain"][0]["code"];
        cause.as_u64().unwrap_or(0)
    }
}

/// A simulator with the procedure's world, and a client of each of its APIs.
pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    pub(crate) cloudflare_token: String,
    pub(crate) gitlab_token: String,
}

pub(crate) fn http() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(World::sop()).await
    }

    pub(crate) async fn with(world: World) -> Self {
        Self {
            simulator: Simulator::start(world).await,
            http: http().build().unwrap(),
            cloudflare_token: CLOUDFLARE_TOKEN.to_owned(),
            gitlab_token: GITLAB_TOKEN.to_owned(),
        }
    }

    pub(crate) async fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let reply = request.send().await?;
        let headers = reply.headers().iter().map(|(name, value)| {
            let value = value.to_str().unwrap_or_default().to_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Answer {
            status: reply.status().as_u16(),
            headers: headers.collect(),
            text: reply.text().await?,
        })
    }

    /// Calls Cloudflare; a `Null` body is none.
    pub(crate) async fn cloudflare(&self, method: &str, path: &str, body: Value) -> Answer {
        self.try_cloudflare(method, path, body).await.unwrap()
    }

    pub(crate) async fn try_cloudflare(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.simulator.cloudflare_url());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(&self.cloudflare_token);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// Calls GitLab; a `Null` body is none.
    pub(crate) async fn gitlab(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.simulator.gitlab_url());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, url)
            .header("PRIVATE-TOKEN", &self.gitlab_token);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await.unwrap()
    }

    /// Asks EC2 as profile `Upstream` in its region.
    pub(crate) async fn ec2(&self, form: &str) -> Answer {
        self.aws("ec2", REGION_UPSTREAM, SECRET_KEY_UPSTREAM, form)
            .await
    }

    pub(crate) async fn aws(
        &self,
        service: &str,
        region: &str,
        secret: &str,
        form: &str,
    ) -> Answer {
        let authorization = signed(&self.host(), service, region, secret, form);
        let request = self
            .http
            .post(self.simulator.aws_url())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-amz-date", DATE)
            .header("authorization", authorization)
            .body(form.to_owned());
        self.send(request).await.unwrap()
    }

    fn host(&self) -> String {
        self.simulator.aws_url().replace("http://", "")
    }

    /// Returns the path of a zone's records.
    pub(crate) fn records(&self, zone: &str) -> String {
        let world = self.simulator.world();
        format!(
            "/zones/{}/dns_records",
            world.cloudflare.zone(zone).unwrap().id
        )
    }

    /// Returns the id of the only A record of a name.
    pub(crate) fn record_id(&self, name: &str) -> String {
        let world = self.simulator.world();
        let found = world.cloudflare.records(name);
        found
            .iter()
            .find(|record| record.kind == "A")
            .unwrap()
            .id
            .clone()
    }

    /// Returns the content of the first record of a name.
    pub(crate) fn content(&self, name: &str) -> String {
        self.simulator.world().cloudflare.records(name)[0]
            .content
            .clone()
    }

    /// Returns a variable's value in the first project.
    pub(crate) fn value(&self, key: &str, scope: &str) -> Option<String> {
        let world = self.simulator.world();
        let row = world.gitlab.project(PROJECT).unwrap().variable(key, scope);
        row.map(|row| row.value.clone())
    }
}

const DATE: &str = "20260901T000000Z";

fn signed(host: &str, service: &str, region: &str, secret: &str, form: &str) -> String {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    let keyed = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let names = "host;x-amz-date";
    let payload = hex(&Sha256::digest(form));
    let canonical = format!("POST\n/\n\nhost:{host}\nx-amz-date:{DATE}\n\n{names}\n{payload}");
    let scope = format!("20260901/{region}/{service}/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut key = keyed(format!("AWS4{secret}").as_bytes(), "20260901");
    for part in [region, service, "aws4_request"] {
        key = keyed(&key, part);
    }
    let signature = hex(&keyed(&key, &text));
    format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID_UPSTREAM}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
}
