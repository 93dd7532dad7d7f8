//! What must hold in every state.

use gigadb_engine::release::{
    Deploying, Interlock, JobStatus, Kind, Next, State, Step, Work, open,
};

use crate::world::{NEW, Node, Unread, name};

pub(crate) fn judged(node: &Node) {
    for own in [false, true] {
        if own && !node.alive {
            continue;
        }
        let Next::Do { step, work } = node.next(own) else {
            continue;
        };
        assert!(own || !node.alive, "a step is taken twice: {node:#?}");
        acts(node, step.kind, &work);
    }
    if node.alive && !matches!(node.next(false), Next::Seen { .. }) {
        let held = node.in_the_way();
        assert!(held.contains(&Interlock::StepHeld), "not held: {node:#?}");
    }
    abandoned(node);
}

/// What the machine would do now.
fn acts(node: &Node, kind: Kind, work: &Work) {
    let record = &node.record;
    let production = Node::number(&node.roles().production);
    let past = |kind| record.is_past(kind);
    match work {
        Work::Deploy(Deploying::Play(_) | Deploying::Retry(_)) => {
            let target = Node::number(record.target(kind));
            let other = &node.sides[1 - target];
            assert!(
                !other.by_hand && other.status != JobStatus::Active,
                "two deployments at once: {node:#?}"
            );
            assert!(!node.sides[target].by_hand, "two on one side: {node:#?}");
            assert_eq!(node.unread, None, "deployed in the dark: {node:#?}");
            assert!(
                target != production || (other.deployed == NEW && past(Kind::ValidateTechnical)),
                "production goes first: {node:#?}"
            );
        }
        Work::Run(_) if kind == Kind::Restore => {
            assert_ne!(node.unread, Some(Unread::Roles), "in the dark: {node:#?}");
            assert_eq!(production, 0, "restored onto production: {node:#?}");
        }
        Work::Run(_) if matches!(kind, Kind::BackupOn | Kind::SyncOn) => {
            assert_ne!(node.unread, Some(Unread::Roles), "in the dark: {node:#?}");
            assert_eq!(production, 1, "synchronized against the roles: {node:#?}");
        }
        Work::Swap => {
            assert_eq!(node.unread, None, "traded in the dark: {node:#?}");
            let guards = [Kind::ValidateBusiness, Kind::ValidateTechnical, Kind::Probe];
            assert!(guards.into_iter().all(past), "unguarded: {node:#?}");
            assert_eq!(
                node.sides[1].deployed, NEW,
                "not what was validated: {node:#?}"
            );
        }
        _ => {}
    }
}

/// A release that is given up now says what it leaves.
fn abandoned(node: &Node) {
    let open = open(&node.record, &node.facts(true)).join("\n");
    let says = |text: &str| assert!(open.contains(text), "{text} is not in {open}: {node:#?}");
    let as_meant = node.record.left().is_empty() && node.record.expected() == node.roles();
    if node.unread == Some(Unread::Roles) {
        says("It is not clear who has which role");
    } else if as_meant && !node.prepared {
        // The roles are what the release was for.
    } else if node.swapped {
        says("`blue` is production");
    } else if node.prepared {
        says("carries production's variables");
    }
    for (number, side) in node.sides.iter().enumerate() {
        if node.unread == Some(Unread::Side(number)) {
            says(&format!("What runs on `{}` is not known", name(number)));
        } else if side.by_hand {
            says("A deployment runs");
        }
    }
    let are_read = !matches!(node.unread, Some(Unread::Side(_)));
    if are_read && node.sides[0].deployed != node.sides[1].deployed {
        says("carries `new`");
    }
    let embargo = node.record.is_past(Kind::Embargo) && !node.record.is_past(Kind::LiftEmbargo);
    if embargo {
        says("The embargo");
    }
    let turned_on = [
        (
            Kind::SyncOn,
            "`sync-on` was taken while `blue` was production",
        ),
        (
            Kind::BackupOn,
            "`backup-on` was taken while `blue` was production",
        ),
    ];
    let roles_known = node.unread != Some(Unread::Roles);
    for (kind, sentence) in turned_on {
        let entry = node.record.steps.get(&Step::from(kind));
        let stands = entry.is_some_and(|entry| entry.state != State::LeftOut);
        if stands && !(roles_known && node.swapped) {
            says(sentence);
        }
    }
    let begun = node.record.steps.iter();
    for (step, _) in begun.filter(|(_, entry)| entry.state == State::Begun) {
        says(&format!("Step `{step}` was begun"));
    }
}
