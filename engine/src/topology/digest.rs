//! The digest of what a topology says.
//!
//! Everything is written as `LENGTH:BYTES`, every collection after its size, so that no two
//! topologies have the same rendering. Each type is taken apart without `..`: a new field does not
//! compile until it counts.

use std::{borrow::Borrow, collections::BTreeMap, fmt::Write as _};

use sha2::{Digest, Sha256};

use super::{
    Aws, Endpoint, Environment, Infrastructure, Jobs, Lock, Missing, NameTemplate, Notify, Policy,
    Reach, Release, RoleTable, Ssh, Topology, TopologyDigest,
};

/// Names the rendering; to be changed with it.
const FORMAT: &str = "gigadb topology 1";

impl Topology {
    /// The digest of everything this topology says, whatever its file's layout.
    pub fn digest(&self) -> TopologyDigest {
        let mut rendering = Rendering(String::new());
        rendering.text(FORMAT);
        rendering.topology(self);
        TopologyDigest(format!("{:x}", Sha256::digest(rendering.0)))
    }
}

struct Rendering(String);

impl Rendering {
    fn text(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{}:{text}", text.len());
    }

    fn flag(&mut self, flag: bool) {
        self.text(if flag { "true" } else { "false" });
    }

    fn option<T>(&mut self, option: Option<&T>, one: impl FnOnce(&mut Self, &T)) {
        match option {
            None => self.text("none"),
            Some(value) => {
                self.text("some");
                one(self, value);
            }
        }
    }

    fn map<K: Borrow<str>, V>(&mut self, map: &BTreeMap<K, V>, one: impl Fn(&mut Self, &V)) {
        self.text(&map.len().to_string());
        for (key, value) in map {
            self.text(key.borrow());
            one(self, value);
        }
    }

    fn list<'t, T: 't>(
        &mut self,
        items: impl IntoIterator<Item = &'t T, IntoIter: ExactSizeIterator>,
        one: impl Fn(&mut Self, &T),
    ) {
        let items = items.into_iter();
        self.text(&items.len().to_string());
        for item in items {
            one(self, item);
        }
    }

    fn template(&mut self, template: &NameTemplate) {
        self.text(template.as_str());
    }

    fn topology(&mut self, topology: &Topology) {
        let Topology {
            endpoints,
            infrastructures,
            environments,
            lock,
            certificate_variable,
            policy,
            takes_effect,
            resolvers,
            notify,
            release,
        } = topology;
        self.map(endpoints, |r, endpoint| {
            let Endpoint {
                eip,
                instance,
                https,
                reach,
                protocols,
            } = endpoint;
            r.template(eip);
            r.template(instance);
            r.option(https.as_ref(), |r, https| r.flag(*https));
            // A file that does not say has the digest that it had before there was this key.
            match reach {
                Some(Reach::Public) => r.text("reach public"),
                Some(Reach::Via(via)) => {
                    r.text("reach via");
                    r.text(via.as_str());
                }
                None => {}
            }
            if let Some(protocols) = protocols {
                r.text("protocols");
                r.list(protocols, |r, one| r.text(&one.to_string()));
            }
        });
        self.map(infrastructures, Self::infrastructure);
        self.map(environments, |r, environment| {
            let Environment {
                data_sync,
                production,
                hot_standby,
            } = environment;
            r.flag(*data_sync);
            r.table(production);
            r.table(hot_standby);
        });
        self.option(lock.as_ref(), |r, lock| {
            let Lock {
                gitlab_project,
                name,
            } = lock;
            r.text(gitlab_project);
            r.template(name);
        });
        self.option(certificate_variable.as_ref(), |r, key| r.text(key.as_str()));
        let Policy {
            missing_records,
            missing_variables,
            record_ttl,
            proxied,
        } = policy;
        for missing in [missing_records, missing_variables] {
            self.text(match missing {
                Missing::Error => "error",
                Missing::Create => "create",
            });
        }
        self.option(record_ttl.as_ref(), |r, ttl| r.text(&ttl.to_string()));
        self.flag(*proxied);
        // Files without these keys keep the digest that they had before there were any.
        if !takes_effect.is_empty() {
            self.text("variables");
            self.map(takes_effect, |r, when| r.text(when.as_str()));
        }
        if !resolvers.is_empty() {
            self.text("resolvers");
            self.list(resolvers, |r, one| r.text(&one.to_string()));
        }
        if !notify.is_empty() {
            self.text("notify");
            self.list(notify, |r, one| {
                let Notify {
                    url_variable,
                    format,
                    events,
                } = one;
                r.text(url_variable);
                r.text(format.as_str());
                r.list(events, |r, event| r.text(event.as_str()));
            });
        }
        if let Some(release) = release {
            self.text("release");
            self.release(release);
        }
    }

    fn release(&mut self, release: &Release) {
        let Release {
            swap,
            deploy_jobs,
            more_jobs,
            reference,
            commands,
        } = release;
        self.text(swap.as_str());
        self.jobs(deploy_jobs);
        self.map(more_jobs, Self::jobs);
        self.text(reference);
        self.text(&commands.len().to_string());
        for (name, argv) in commands {
            self.text(name.as_str());
            self.list(argv, |r, word| r.text(word));
        }
    }

    fn jobs(&mut self, jobs: &Jobs) {
        match jobs {
            Jobs::Everywhere(jobs) => {
                self.text("everywhere");
                self.list(jobs, |r, job| r.text(job));
            }
            Jobs::ByEnvironment(jobs) => {
                self.text("by environment");
                self.map(jobs, |r, jobs| r.list(jobs, |r, job| r.text(job)));
            }
        }
    }

    fn infrastructure(&mut self, infrastructure: &Infrastructure) {
        let Infrastructure {
            checkout,
            gitlab_project,
            aws: Aws { profile, region },
            owner,
            eips,
            instances,
            ssh,
            terraform_state,
        } = infrastructure;
        self.option(checkout.as_ref(), |r, checkout| r.text(checkout));
        self.text(gitlab_project);
        self.text(profile);
        self.text(region);
        self.option(owner.as_ref(), |r, owner| r.text(owner));
        self.map(eips, Self::template);
        self.map(instances, Self::template);
        self.option(ssh.as_ref(), |r, ssh| {
            let Ssh {
                user,
                private_key,
                bastion_user,
            } = ssh;
            r.text(user);
            r.option(private_key.as_ref(), |r, key| r.text(key));
            r.text(bastion_user);
        });
        self.option(terraform_state.as_ref(), Self::template);
    }

    fn table(&mut self, table: &RoleTable) {
        let RoleTable {
            hostnames,
            variables,
        } = table;
        self.map(hostnames, |r, endpoint| r.text(endpoint.as_str()));
        self.map(variables, |r, value| r.text(value));
    }
}
