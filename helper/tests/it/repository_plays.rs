//! `check --repository`, over the ways in which a playbook may say the same.

use crate::{
    repository::{finished, found, in_the_way, put},
    stage::Stage,
};

const PLAYBOOK: &str = "ops/infrastructure/bastion_playbook.yml";

/// What is told of one playbook, without the playbook's path and the advice.
fn told(stage: &Stage, text: &str) -> String {
    put(stage, PLAYBOOK, text);
    short(&in_the_way(stage))
}

fn short(told: &str) -> String {
    let lines = told.lines().map(|line| {
        let mut parts = line.split(" | ");
        let (place, found) = (parts.next().unwrap(), parts.next().unwrap());
        let place = place.replace(&format!("{PLAYBOOK}:"), "");
        format!("{place}: {found}")
    });
    lines.collect::<Vec<_>>().join("; ")
}

const BOTH: &str = "is set on both sides, whichever role they have";

/// The text of a play with these tasks, each of which begins in column 5.
fn tasks(tasks: &str) -> String {
    format!("- hosts: bastions\n  tasks:\n{tasks}")
}

#[test]
fn a_cron_job_is_known_however_it_is_written() {
    let stage = finished();
    let state = "state: \"{{ reset_database_cronjob_state }}\"";
    let cases = [
        ("    - cron: { name: Sync, hour: \"11\", job: \"/usr/local/bin/sync_dropbox --apply\" }\n".to_owned(), format!("warning 3: \"Sync\" {BOTH}")),
        ("    - cron: name=\"Reset it\" hour=10 job=\"/usr/local/bin/databaseReset\"\n".to_owned(), format!("warning 3: \"Reset it\" {BOTH}")),
        ("    - \"cron\":\n        name: Reset\n        job: /usr/local/bin/databaseReset\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - name: x\n      ansible.builtin.cron :\n        job: /usr/local/bin/databaseReset\n".to_owned(), format!("warning 4: \"x\" {BOTH}")),
        ("    - ansible.legacy.cron:\n        job: |\n          /usr/local/bin/databaseReset\n".to_owned(), format!("warning 3: A cron job {BOTH}")),
        ("    - action: cron name=Reset job=/usr/local/bin/databaseReset\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - action: { module: cron, name: Reset, job: /usr/local/bin/databaseReset }\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - cron:\n      args:\n        name: Reset\n        job: /usr/local/bin/databaseReset\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - block:\n        - block:\n            - cron: { name: Reset, job: databaseReset }\n".to_owned(), format!("warning 5: \"Reset\" {BOTH}")),
        ("    - block: []\n      rescue:\n        - cron: { name: Reset, job: databaseReset }\n".to_owned(), format!("warning 5: \"Reset\" {BOTH}")),
        ("    - cron:\n        name: Reset\n        job: /usr/local/bin/databaseReset\n        state: present # was \"{{ reset_database_cronjob_state }}\"\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - cron: \"{{ item }}\"\n      loop:\n        - { name: Reset, job: /usr/local/bin/databaseReset }\n        - { name: Other, job: /bin/true }\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - cron: { name: \"{{ item.name }}\", job: \"{{ item['job'] }}\" }\n      with_items: [[{ name: Reset, job: /usr/local/bin/databaseReset }]]\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}")),
        ("    - cron: &job { name: Reset, job: /usr/local/bin/databaseReset }\n    - cron: { <<: *job, name: Again }\n".to_owned(), format!("warning 3: \"Reset\" {BOTH}; warning 4: \"Again\" {BOTH}")),
        ("    - cron: { name: Reset, job: databaseReset, state: \"{{ mine }}\" }\n".to_owned(), "not_checked 3: Whether the state of \"Reset\" follows the role is not written in this file".to_owned()),
        (format!("    - cron: {{ name: Reset, job: databaseReset, {state} }}\n"), String::new()),
        ("    - cron: name=Reset job=databaseReset state={{ reset_database_cronjob_state | default('absent') }}\n".to_owned(), String::new()),
        ("    - cron: &job { name: Reset, job: databaseReset, state: absent }\n    - cron: { <<: *job }\n".to_owned(), String::new()),
        ("    - cron: { name: Reset, job: databaseReset, state: \"{{ item.state }}\" }\n      loop: [{ state: absent }]\n".to_owned(), String::new()),
        ("    - cron: { name: Reset, job: databaseReset, disabled: yes }\n".to_owned(), String::new()),
        ("    - cron: { name: Other, job: /usr/local/bin/refresh }\n".to_owned(), String::new()),
    ];
    for (text, expected) in cases {
        let text = tasks(&text);
        assert_eq!(told(&stage, &text), expected, "{text}");
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(told(&stage, &crlf), expected, "with CRLF: {text}");
        let guarded = text.replace("  tasks:", "  roles: [{ role: gigascience.gigadb.role_guard, role_guard_role: hot_standby }]\n  tasks:");
        let one_further = told(&stage, &guarded);
        assert_eq!(
            one_further.is_empty(),
            expected.is_empty(),
            "{guarded}: {one_further}"
        );
    }
}

#[test]
fn what_runs_or_places_a_program_is_told_from_what_names_it() {
    let stage = finished();
    let runs = "This task runs `databaseReset` wherever the play runs, production too";
    let puts = "This task puts a `databaseReset` without a guard in the place of `data_sync`'s";
    let p = "/usr/local/bin/databaseReset";
    for (task, expected) in [
        (format!("command: {p} latest"), format!("warning 3: {runs}")),
        (
            format!("\"ansible.builtin.command\": {{ cmd: \"{p} latest\" }}"),
            format!("warning 3: {runs}"),
        ),
        (
            format!("command: {{ argv: [{p}, latest] }}"),
            format!("warning 3: {runs}"),
        ),
        (
            format!("shell: |\n        cd /home/centos\n        {p} latest"),
            format!("warning 5: {runs}"),
        ),
        (
            "shell: cd /home/centos && databaseReset latest".to_owned(),
            format!("warning 3: {runs}"),
        ),
        (
            format!("shell: bash -c '{p} latest'"),
            format!("warning 3: {runs}"),
        ),
        (
            format!("action: command {p} latest"),
            format!("warning 3: {runs}"),
        ),
        (
            format!("local_action: ansible.builtin.shell {p}"),
            format!("warning 3: {runs}"),
        ),
        (
            format!("command: \"{{{{ reset }}}} latest\"\n      vars: {{ reset: {p} }}"),
            format!("warning 4: {runs}"),
        ),
        (
            "command: /usr/local/bin/{{ item }} now\n      loop: [databaseReset, other]".to_owned(),
            format!("warning 4: {runs}"),
        ),
        (format!("shell: cp new {p}"), format!("failed 3: {puts}")),
        (
            format!("copy: {{ src: ../../tools/databaseReset.sh, dest: {p}, mode: \"0755\" }}"),
            format!("failed 3: {puts}"),
        ),
        (
            format!("copy: src=../../tools/databaseReset.sh dest=\"{p}\" mode=0755"),
            format!("failed 3: {puts}"),
        ),
        (
            format!("ansible.builtin.template:\n        src: x.j2\n        dest: '{p}' # theirs"),
            format!("failed 5: {puts}"),
        ),
        (
            "copy: { src: files/databaseReset, dest: /usr/local/bin/ }".to_owned(),
            format!("failed 3: {puts}"),
        ),
        (
            "copy: { src: files/databaseReset, dest: /usr/local/bin }".to_owned(),
            format!("failed 3: {puts}"),
        ),
        (
            "copy: { src: x, dest: \"{{ item }}/databaseReset\" }\n      loop: [/usr/local/bin]"
                .to_owned(),
            format!("failed 3: {puts}"),
        ),
        (
            format!("file: {{ src: /opt/x, path: {p}, state: link }}"),
            format!("failed 3: {puts}"),
        ),
        (
            "copy: { src: x, dest: \"{{ bin }}/databaseReset\" }".to_owned(),
            "not_checked 3: Where this task puts a `databaseReset` is not written in this file"
                .to_owned(),
        ),
        (
            format!("command: /bin/true\n      command: {p}"),
            format!("warning 4: {runs}"),
        ),
        (
            format!(
                "copy:\n        src: databaseReset\n        dest: /usr/local/bin/\n    - stat: {{ path: {p} }}"
            ),
            format!("failed 4: {puts}"),
        ),
        (
            format!("file: {{ path: {p}, mode: \"0755\" }}"),
            String::new(),
        ),
        (
            format!("file: {{ path: {p}, state: absent }}"),
            String::new(),
        ),
        (format!("stat: {{ path: {p} }}"), String::new()),
        (format!("debug: {{ msg: 'use {p}' }}"), String::new()),
        (
            format!("name: Run {p} now\n      command: /bin/true"),
            String::new(),
        ),
        (format!("command: /bin/true creates={p}"), String::new()),
        (
            format!("shell: ls -l {p} || echo 'no {p} here'"),
            String::new(),
        ),
        (format!("fetch: {{ src: {p}, dest: {p} }}"), String::new()),
        (
            "copy: { src: x, dest: /home/centos/databaseReset }".to_owned(),
            String::new(),
        ),
        (
            "command: /usr/local/bin/sync_dropboxes --mark".to_owned(),
            String::new(),
        ),
        (
            "stat: { path: /usr/local/bin/sync_dropboxes }".to_owned(),
            String::new(),
        ),
        (format!("command: /bin/true # {p}"), String::new()),
    ] {
        let text = tasks(&format!("    - {task}\n"));
        assert_eq!(told(&stage, &text), expected, "{text}");
        let handler = text.replace("  tasks:", "  handlers:");
        assert_eq!(told(&stage, &handler), expected, "{handler}");
    }
}

const RUN: &str = "  tasks:\n    - command: /usr/local/bin/databaseReset 20240101\n";

#[test]
fn a_guard_is_known_however_it_is_written() {
    let stage = finished();
    let guard = "gigascience.gigadb.role_guard";
    let runs = "This task runs `databaseReset` wherever the play runs, production too";
    let warned = |line: usize| format!("warning {line}: {runs}");
    let unsure = |line: usize| {
        format!(
            "not_checked {line}: This task runs `databaseReset`, and for which role its play is guarded, or when, is not written in this file"
        )
    };
    for (before, expected) in [
        (format!("  roles:\n    - role: {guard}\n      role_guard_role: hot_standby\n"), String::new()),
        (format!("  roles:\n    - {{ role: {guard}, role_guard_role: hot_standby }}\n"), String::new()),
        (format!("  roles:\n    - {{ name: {guard}, vars: {{ role_guard_role: hot_standby }} }}\n"), String::new()),
        (format!("  roles:\n    - role: '{guard}'\n      \"role_guard_role\" : \"hot_standby\" # not production\n"), String::new()),
        (format!("  vars: {{ role_guard_role: hot_standby }}\n  roles: [{guard}]\n"), String::new()),
        (format!("  vars: {{ wanted: hot_standby }}\n  roles: [{{ role: {guard}, role_guard_role: \"{{{{ wanted }}}}\" }}]\n"), String::new()),
        (format!("  pre_tasks:\n    - import_role: {{ name: {guard} }}\n      vars: {{ role_guard_role: hot_standby }}\n"), String::new()),
        (format!("  pre_tasks:\n    - block:\n        - ansible.builtin.include_role: name={guard}\n      vars: {{ role_guard_role: hot_standby }}\n"), String::new()),
        ("  pre_tasks:\n    - gigascience.gigadb.guard: { role: hot_standby, environment: live }\n".to_owned(), String::new()),
        (format!("  roles: [{{ role: {guard}, role_guard_role: production }}]\n"), warned(4)),
        (format!("  roles: [{{ role: {guard}, role_guard_role: \"{{{{ wanted }}}}\" }}]\n"), unsure(4)),
        (format!("  roles: [{guard}]\n"), unsure(4)),
        (format!("  roles: [{{ role: {guard}, role_guard_role: hot_standby, when: strict }}]\n"), unsure(4)),
        (format!("  # roles: [{{ role: {guard}, role_guard_role: hot_standby }}]\n"), warned(4)),
        (format!("  post_tasks:\n    - include_role: {{ name: {guard} }}\n      vars: {{ role_guard_role: hot_standby }}\n"), warned(6)),
        (format!("  pre_tasks:\n    - block:\n        - include_role: {{ name: {guard} }}\n      rescue: []\n      vars: {{ role_guard_role: hot_standby }}\n"), warned(8)),
        ("  roles: [other]\n".to_owned(), warned(4)),
    ] {
        let text = format!("- hosts: [a, b]\n{before}{RUN}");
        assert_eq!(told(&stage, &text), expected, "{text}");
        // A list may be indented below `---`, and the guard of one play guards no other.
        let two = format!("{text}- hosts: all\n{RUN}").replace('\n', "\n  ");
        let two = told(&stage, &format!("---\n  {two}\n"));
        let last = text.lines().count() + 4;
        assert!(two.ends_with(&warned(last)), "{two}");
        assert_eq!(two.matches("This task").count(), 1 + usize::from(!expected.is_empty()), "{two}");
    }
}

#[test]
fn tasks_of_other_files_are_guarded_by_who_leads_to_them() {
    let guarded = "- hosts: a\n  roles:\n    - { role: gigascience.gigadb.role_guard, role_guard_role: hot_standby }\n";
    let run = "- name: run\n  command: /usr/local/bin/databaseReset 20240101\n";
    let role = "ops/infrastructure/roles/bastion";
    let main = format!("{role}/tasks/main.yml");
    let own = "ops/infrastructure/more/run.yml";
    let warned = |file: &str| {
        format!(
            "warning {file}:2: This task runs `databaseReset` wherever the play runs, production too"
        )
    };
    let lead = |text: &str| format!("{guarded}{text}");
    for (name, files, expected) in [
        ("nothing leads to it", vec![(own, run.to_owned())], warned(own)),
        ("a role", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("    - role: ../../roles/bastion\n"))], String::new()),
        ("a role by its name", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("    - bastion\n"))], String::new()),
        ("a role before the guard", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("").replace("roles:\n", "roles:\n    - bastion\n"))], warned(&main)),
        ("another play, too", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("    - bastion\n- hosts: b\n  roles: [bastion]\n"))], warned(&main)),
        ("include_role", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("  tasks:\n    - include_role: { name: bastion }\n"))], String::new()),
        ("what a role needs", vec![(&*main, run.to_owned()), (PLAYBOOK, lead("    - other\n")), ("ops/infrastructure/roles/other/meta/main.yml", "dependencies:\n  - role: bastion\n".to_owned())], String::new()),
        ("a guard that a role needs", vec![(&*main, run.to_owned()), (PLAYBOOK, "- hosts: a\n  roles: [bastion]\n".to_owned()), ("ops/infrastructure/roles/bastion/meta/main.yml", "dependencies:\n  - { role: gigascience.gigadb.role_guard, role_guard_role: hot_standby }\n".to_owned())], String::new()),
        ("include_tasks", vec![(own, run.to_owned()), (PLAYBOOK, lead("  tasks:\n    - include_tasks: more/run.yml\n"))], String::new()),
        ("import_tasks of a copied playbook", vec![(own, run.to_owned()), (PLAYBOOK, lead("  tasks:\n    - ansible.builtin.import_tasks: { file: \"{{ playbook_dir }}/../../more/run.yml\" }\n"))], String::new()),
        ("two steps", vec![(own, run.to_owned()), (&*main, "- include_tasks: ../../../more/run.yml\n".to_owned()), (PLAYBOOK, lead("    - bastion\n"))], String::new()),
        ("in a circle", vec![(own, format!("{run}- include_tasks: run.yml\n"))], warned(own)),
        ("a guard of its own", vec![(own, format!("- include_role: {{ name: gigascience.gigadb.role_guard }}\n  vars: {{ role_guard_role: hot_standby }}\n{run}"))], String::new()),
    ] {
        let stage = finished();
        for (path, text) in &files {
            put(&stage, path, text);
        }
        assert_eq!(short(&in_the_way(&stage)), expected, "{name}");
    }
}

#[test]
fn what_is_no_yaml_is_neither_right_nor_wrong() {
    let stage = finished();
    let cron = "    - cron: { name: Reset, job: /usr/local/bin/databaseReset }\n";
    put(
        &stage,
        PLAYBOOK,
        &format!("{{% if x %}}\n{}{{% endif %}}\n", tasks(cron)),
    );
    let text = found(&stage);
    let unread = format!("not_checked {PLAYBOOK}:1 | It could not be read as YAML: ");
    assert_eq!(text.matches(&unread).count(), 2, "{text}");
    assert!(
        !text.contains("Every cron job") && !text.contains("No task places"),
        "{text}"
    );
    // A template that names nothing of this, tags and vaults are nobody's concern.
    put(&stage, PLAYBOOK, "{% if x %}\n- hosts: all\n{% endif %}\n");
    assert_eq!(in_the_way(&stage), "");
    let vars = "  vars:\n    a: !unsafe '{{ x }}'\n    b: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      61\n";
    let text = tasks(cron).replace("  tasks:", &format!("{vars}  tasks:"));
    put(&stage, PLAYBOOK, &text);
    assert_eq!(
        short(&in_the_way(&stage)),
        format!("warning 8: \"Reset\" {BOTH}")
    );
}
