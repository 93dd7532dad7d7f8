//! A token that ends in the middle of a swap.

use gigadb_simulator::{Api, Effect, Fault};

use crate::bad_input::four_parts;
use crate::runs::SWAP;
use crate::stage::Stage;

/// Lets an API refuse its token from its write number `first` on, until faults are cleared.
fn expires(stage: &Stage, api: Api, method: &str, first: u64) {
    let fault = Fault::new(Effect::Unauthorized).api(api).method(method);
    stage.simulator.fault(fault.skip(first).always());
}

/// Goes back with a new token, by the id that the journal gave.
fn go_back(stage: &Stage) {
    stage.simulator.clear_faults();
    let id = stage.last_run();
    let output = stage.output(&["revert", &id, "--yes"]);
    assert!(output.status.success(), "{}", stage.told(&output));
}

#[test]
fn nothing_is_lost_whenever_the_token_ends() {
    let cases = [
        // Before the first variable, after some, and after all of them.
        (Api::Gitlab, "PUT", 0),
        (Api::Gitlab, "PUT", 3),
        (Api::Gitlab, "PUT", 8),
        // Before the first batch, and between the two.
        (Api::Cloudflare, "POST", 0),
        (Api::Cloudflare, "POST", 1),
    ];
    for (api, method, first) in cases {
        let stage = Stage::sop();
        let before = stage.simulator.world().normalized();
        expires(&stage, api, method, first);
        let output = stage.output(&SWAP);
        let told = stage.told(&output);
        let after = stage.simulator.world().normalized();
        match output.status.code() {
            // Every write came before the token ended.
            Some(0) => assert_ne!(before, after, "{told}"),
            Some(1) => {
                four_parts(&told);
                assert!(before == after, "{told}");
            }
            Some(3) => {
                four_parts(&told);
                assert_ne!(before, after, "{told}");
                go_back(&stage);
                assert!(before == stage.simulator.world().normalized(), "{told}");
            }
            other => panic!("{other:?}: {told}"),
        }
    }
}
