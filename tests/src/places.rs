//! Requests of an apply that went well, to be met again by faults in other applies.

use std::{collections::BTreeMap, fmt};

use gigadb_simulator::{Api, Effect, Fault, LoggedRequest};
use percent_encoding::percent_decode_str;

/// One request of the apply, as a fault finds it again.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which API.
    pub api: Api,
    method: String,
    template: String,
    path: String,
    region: Option<String>,
    /// How many like it came before.
    skip: u64,
    /// How many came before at this API.
    pub before: usize,
    /// Whether it changes anything.
    pub is_write: bool,
}

/// The requests of an apply that goes well.
pub fn places(requests: &[LoggedRequest]) -> Vec<Place> {
    let mut alike: BTreeMap<_, u64> = BTreeMap::new();
    let mut at_api: BTreeMap<Api, usize> = BTreeMap::new();
    let place = |request: &LoggedRequest| {
        let key = (
            request.api,
            request.method.clone(),
            request.path.clone(),
            request.template.clone(),
            request.region.clone(),
        );
        let count = alike.entry(key).or_default();
        let before = at_api.entry(request.api).or_default();
        *count += 1;
        *before += 1;
        Place {
            api: request.api,
            method: request.method.clone(),
            template: request.template.clone(),
            path: percent_decode_str(&request.path)
                .decode_utf8_lossy()
                .into_owned(),
            region: request.region.clone(),
            skip: *count - 1,
            before: *before - 1,
            is_write: request.is_write(),
        }
    };
    requests.iter().map(place).collect()
}

impl Place {
    /// The fault that hits this request once.
    pub fn fault(&self, effect: Effect) -> Fault {
        let fault = Fault::new(effect)
            .api(self.api)
            .method(&self.method)
            .template(&self.template)
            .path_contains(&self.path)
            .skip(self.skip);
        match &self.region {
            Some(region) => fault.region(region),
            None => fault,
        }
    }
}

impl Place {
    /// The fault that shows the world as it is now to readings of what this request writes, once
    /// it has changed. None where nobody reads it back.
    pub fn readings(&self) -> Option<Fault> {
        let template = match self.api {
            Api::Cloudflare => "/zones/{zone_id}/dns_records",
            Api::Gitlab if self.template.contains("/variables") => "/projects/{id}/variables",
            _ => return None,
        };
        let root = self.path.split(match self.api {
            Api::Cloudflare => "/dns_records",
            _ => "/variables",
        });
        let fault = Fault::new(Effect::StaleRead).api(self.api).method("GET");
        let fault = fault.template(template);
        Some(fault.path_contains(root.into_iter().next()?))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(region) = &self.region {
            write!(f, " {} in {region}", self.template)?;
        }
        write!(f, " (number {})", self.skip + 1)
    }
}
