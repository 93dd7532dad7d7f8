//! What Cloudflare says of the token itself.

use gigadb_engine::world::FailureKind;
use reqwest::Method;
use serde::Deserialize;

use super::{Cloudflare, wire};
use crate::{
    http::{Budget, Call, CallError, Fault, Repeat},
    standing::Token,
};

#[derive(Debug, Deserialize)]
struct Verified {
    status: String,
    #[serde(default)]
    expires_on: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Owned {
    #[serde(default)]
    account: Option<wire::Account>,
}

impl Cloudflare {
    /// Verifies the token. One that an account owns is unknown where users' tokens are verified,
    /// though it works, so its account is asked then.
    /// <https://developers.cloudflare.com/fundamentals/api/get-started/account-owned-tokens/>
    pub(crate) async fn verify_token(&self, budget: Budget<'_>) -> Result<Token, Box<CallError>> {
        let user = ["user", "tokens", "verify"];
        let refused = match self.verify("/user/tokens/verify", &user, budget).await {
            Err(error) if error.kind() == FailureKind::Refused => error,
            other => return other,
        };
        let Ok(Some(account)) = self.an_account(budget).await else {
            return Err(refused);
        };
        let owned = ["accounts", &account, "tokens", "verify"];
        let template = "/accounts/{account_id}/tokens/verify";
        self.verify(template, &owned, budget).await
    }

    async fn verify(
        &self,
        template: &'static str,
        segments: &[&str],
        budget: Budget<'_>,
    ) -> Result<Token, Box<CallError>> {
        let call = read(template, segments, &[]);
        let answer = self.api.send(&call, budget).await?;
        let verified = self.open::<Verified>(&call, &answer)?.result;
        let verified = verified.ok_or_else(|| {
            self.api
                .error(&call, Fault::Garbage("it has no result".to_owned()))
        })?;
        Ok(Token {
            active: verified.status == "active",
            scopes: Vec::new(),
            expires: verified.expires_on,
        })
    }

    /// The account of a zone that the token can see.
    async fn an_account(&self, budget: Budget<'_>) -> Result<Option<String>, Box<CallError>> {
        let per_page = super::ZONES_A_PAGE.to_string();
        let query = [("per_page", per_page.as_str())];
        let call = read("/zones", &["zones"], &query);
        let answer = self.api.send(&call, budget).await?;
        let zones = self.open::<Vec<Owned>>(&call, &answer)?.result;
        let mut zones = zones.into_iter().flatten();
        Ok(zones.find_map(|zone| zone.account?.id))
    }
}

fn read<'a>(
    template: &'static str,
    segments: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
) -> Call<'a> {
    Call {
        method: Method::GET,
        template,
        object: "the token".to_owned(),
        segments,
        query,
        body: None,
        repeat: Repeat::Always,
    }
}
