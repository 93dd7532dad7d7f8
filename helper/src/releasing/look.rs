//! Steps that only look: the probe, and reading everything back.

use gigadb_engine::{
    intent::Mode,
    release::{Process, Step},
    rules::{Rule, https_ready::HttpsMode},
};

use super::{
    carry::{Carry, Effect},
    store::Held,
};
use crate::{
    failure::Failure,
    planning::{self, Goal, PlanOptions, Request, https},
};

impl Carry<'_> {
    /// Asks the hot standby as if it were production.
    pub(super) async fn probe(&self, held: &Held, step: &Step) -> Effect {
        match self.probed(held).await {
            Ok(found) if found.is_empty() => Effect::Done(vec![format!(
                "the HTTPS probe of `{}` under production's names found nothing wrong",
                held.record.hot_standby
            )]),
            Ok(found) => {
                let what = format!("The probe found: {}", found.join("\n"));
                self.failed(held, step, what, "Nothing was changed.", found)
            }
            Err(failure) => {
                let evidence = vec![failure.message.what.clone()];
                Effect::Failed(Box::new(failure), evidence)
            }
        }
    }

    async fn probed(&self, held: &Held) -> Result<Vec<String>, Failure> {
        let session = self.desk.session;
        if self.https.check()?.mode == HttpsMode::Off {
            return Err(Failure::refused(
                "The probe is switched off.",
                "--https-check",
                format!(
                    "Run it with --https-check require, or have somebody look and run \
                     {}.",
                    held.record.command("confirm probe --by WHO")
                ),
            ));
        }
        let observation =
            planning::observe(session, self.desk.environment, None, self.cancel).await?;
        let then = held.record.expected().swapped();
        let options = PlanOptions::of_release(Vec::new(), None, self.https.clone());
        let request = Request {
            environment: self.desk.environment,
            goal: Goal::Arrangement {
                production: then.production.as_str(),
                hot_standby: Some(then.hot_standby.as_str()),
            },
            mode: Mode::Switchover,
            prepare: None,
            options: &options,
        };
        let evidence = session.apis.evidence(&session.topology).await;
        let mut plan = planning::make(session, &observation, &request, &evidence)?;
        let before = plan.findings.len();
        https::probe(&session.topology, &mut plan, self.https, self.cancel).await?;
        let found = plan.findings.iter().skip(before);
        let found = found.filter(|finding| finding.rule == Rule::HttpsReady);
        Ok(found.map(planning::text::finding).collect())
    }

    /// Reads everything back.
    pub(super) async fn verify(&self, held: &Held, step: &Step) -> Effect {
        let record = &held.record;
        let facts = self.own_facts(held).await;
        let expected = record.expected();
        let mut wrong = Vec::new();
        match &facts.roles {
            Ok(roles) if *roles == expected => {}
            Ok(roles) => wrong.push(format!("production is `{}`", roles.production)),
            Err(why) => wrong.push(format!("it is not clear who has which role: {why}")),
        }
        if !facts.consistent {
            wrong.push("some record or variable is not as the topology says".to_owned());
        }
        let carrying: &[_] = match record.process {
            Process::Simple => &[&record.production, &record.hot_standby],
            Process::Complex => &[&record.hot_standby],
        };
        for side in carrying {
            let carried = facts.side(side).and_then(|read| read.deployed.as_deref());
            if carried != Some(record.reference.as_str()) {
                let carried = carried.unwrap_or("nothing that is known");
                wrong.push(format!("`{side}` carries {carried}"));
            }
        }
        if wrong.is_empty() {
            return Effect::Done(vec![format!(
                "every record and variable reads as it should: production is `{}`",
                expected.production
            )]);
        }
        let what = format!("Not everything is as it should be: {}.", wrong.join("; "));
        self.failed(held, step, what, "Nothing was changed by this step.", wrong)
    }
}
