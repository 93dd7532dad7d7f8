//! The rules on variables.

use gigadb_simulator::{
    Edit,
    world::{Variable, VariableType},
};
use gigadb_tests::{Scene, procedure::Side};

use super::{Broken, Waiver, as_documented, broken, edit, judge};

const ALT: &str = "variable `HOME_URL` of `alt-gigadb-website`";

/// Changes the standby's row of `HOME_URL` for live.
fn change(scene: &Scene, how: impl FnOnce(&mut Variable)) {
    edit(scene, |world| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        how(project.variable_mut("HOME_URL", "live").unwrap());
    });
}

const MISSING: Broken = Broken {
    rule: "variables-visible",
    how: |scene| {
        let gone = Edit::DeleteVariable {
            project: Side::Alt.project().to_owned(),
            key: "HOME_URL".to_owned(),
            scope: "live".to_owned(),
        };
        edit(scene, |world| {
            world.apply(&gone).unwrap();
            let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
            project
                .variables
                .retain(|row| row.key != "HOME_URL" || !row.environment_scope.contains('*'));
        });
    },
    what: "`HOME_URL` has no row in scope `live`.",
    object: &[ALT],
    next: "Create the row in this exact scope, or set `policy.missing_variables: create` in the topology. A value may be inherited from the group; it is left alone.",
    waiver: Waiver::Owes(
        "variable `HOME_URL` of `alt-gigadb-website`: should be `https://gigadb.org`",
    ),
};

#[test]
fn a_variable_that_is_missing() {
    judge(&MISSING);
}

#[test]
fn a_variable_that_is_there_only_for_a_pattern_of_environments() {
    judge(&Broken {
        how: |scene| {
            (MISSING.how)(scene);
            edit(scene, |world| {
                let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
                let pattern = Variable::new("HOME_URL", "li*", "http://alt-live.gigadb.host");
                project.variables.push(pattern);
            });
        },
        what: "`HOME_URL` is stored only under the wildcard scope `li*`.",
        ..MISSING
    });
}

#[test]
fn a_variable_that_is_hidden() {
    judge(&Broken {
        how: |scene| change(scene, |row| row.hidden = true),
        what: "`HOME_URL` is hidden, so that its present value can be neither reviewed nor restored.",
        next: "Delete the variable in GitLab and create it again as visible, with the same value.",
        ..MISSING
    });
}

#[test]
fn a_variable_that_is_a_file() {
    judge(&Broken {
        how: |scene| change(scene, |row| row.variable_type = VariableType::File),
        what: "`HOME_URL` is of type file.",
        next: "Change its type to a plain variable in GitLab.",
        ..MISSING
    });
}

#[test]
fn a_variable_of_several_lines() {
    judge(&Broken {
        how: |scene| {
            change(scene, |row| {
                row.value = "http://alt-live.gigadb.host\n".to_owned();
            });
        },
        what: "`HOME_URL` has more than one line.",
        next: "Correct the value in GitLab: a role variable is one line.",
        waiver: Waiver::LeftTo("permutation"),
        ..MISSING
    });
}

#[test]
fn a_variable_whose_value_is_neither_sides() {
    judge(&Broken {
        rule: "permutation",
        how: |scene| change(scene, |row| row.value = "https://example.org".to_owned()),
        what: "The present value of the variable `HOME_URL` of `alt-gigadb-website` belongs to neither side: `https://example.org`.",
        object: &["expected one of `https://gigadb.org`, `http://alt-live.gigadb.host`"],
        next: "Put one of the two expected values back, or waive the rule `permutation` to have the present one replaced.",
        waiver: Waiver::Passes,
    });
}

#[test]
fn an_exact_row_beside_patterns_is_fine_and_an_uneven_protection_is_a_warning() {
    let scene = Scene::new();
    scene.adopt_live();
    edit(&scene, |world| {
        let project = world.gitlab.project_mut(Side::Alt.project()).unwrap();
        project
            .variables
            .push(Variable::new("HOME_URL", "li*", "http://else.example.org"));
        let row = project.variable_mut("REMOTE_HOSTNAME", "live").unwrap();
        row.protected = !row.protected;
    });
    scene.configure_live(Side::Alt);
    let plan = scene.plan(&[]).expect(2);
    plan.says(&[
        "Warning: live variables-visible: `REMOTE_HOSTNAME` is protected on",
        "on: variable `REMOTE_HOSTNAME` of `",
        "scope `live` changed: Nothing was changed. next: Give both the same flag",
    ]);
    plan.omits(&["`HOME_URL` is stored", "(waived)"]);
}

#[test]
fn the_page_shows_what_terraform_shows() {
    let scene = broken(&MISSING);
    scene.configure_live(Side::Alt);
    as_documented(MISSING.rule, &scene.plan(&[]).expect(1));
}
