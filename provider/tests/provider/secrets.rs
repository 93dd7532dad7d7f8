//! No planted token appears in state, private data, plan or message, whatever goes wrong.

use gigadb_simulator::{
    Api, Effect, Fault,
    world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN, PLANTED},
};
use tfplug::{Diagnostics, Value, testing::ResourceDriver};

use crate::stage::{ALT, RESOURCE, Stage, live};

fn search(resource: &ResourceDriver, diagnostics: &Diagnostics) {
    let texts = [
        resource.state_json().unwrap_or_default().to_owned(),
        String::from_utf8_lossy(resource.private()).into_owned(),
        diagnostics.to_string(),
    ];
    for planted in PLANTED {
        for text in &texts {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
    }
}

#[tokio::test]
async fn planted_tokens_appear_nowhere() {
    let mut stage = Stage::sop().await;
    let mut resource = stage.adopted().await;
    let planned = resource.plan(live(ALT)).await;
    search(&resource, &planned.diagnostics);
    let leaky = Effect::Error {
        status: 400,
        code: "1004".to_owned(),
        message: format!("no {CLOUDFLARE_TOKEN} and no {GITLAB_TOKEN} here"),
    };
    stage
        .simulator
        .fault(Fault::new(leaky).api(Api::Cloudflare).method("POST"));
    let applied = resource.apply().await;
    assert!(applied.diagnostics.has_errors());
    search(&resource, &applied.diagnostics);

    stage.set("CLOUDFLARE_API_TOKEN", "");
    stage.set("GITLAB_TOKEN", "");
    let url = |text: &str| Value::from(text.to_owned());
    let driver = stage.driver().configured_with(Value::object([
        (
            "cloudflare",
            Value::object([
                ("api_token", CLOUDFLARE_TOKEN.into()),
                ("base_url", url(stage.simulator.cloudflare_url())),
            ]),
        ),
        ("gitlab", Value::object([("token", GITLAB_TOKEN.into())])),
    ]));
    let mut configured = driver.resource(RESOURCE);
    let imported = configured.import("live").await;
    assert!(
        !imported.diagnostics.has_errors(),
        "{}",
        imported.diagnostics
    );
    search(&configured, &imported.diagnostics);
    stage
        .simulator
        .fault(Fault::new(Effect::Unauthorized).api(Api::Gitlab).always());
    let planned = configured.plan(live(ALT)).await;
    assert!(planned.diagnostics.has_errors());
    search(&configured, &planned.diagnostics);
}
