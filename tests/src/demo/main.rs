//! `gigadb-demo`, which `cargo xtask demo` builds and starts: the swap of live, from what is there to a
//! second, empty plan, with the shipped programs against simulated APIs.

#![expect(
    clippy::print_stdout,
    reason = "a command-line program whose output is its answer"
)]

use std::{env, process::ExitCode};

use gigadb_tests::{Output, Scene, scene::example};

const LINE: &str = "    live    = \"gigadb-website\"\n";
const SWAPPED: &str = "    live    = \"alt-gigadb-website\"\n";

const WITHOUT_TERRAFORM: &str = "\
Terraform is not on PATH, so this demo makes the same swap with `gigadb-roles`.
Install Terraform 1.5 or later, or OpenTofu 1.6 or later, to see the plan as a reviewer sees it.";

/// What was asked of a program and did not happen; the program's own words are in it.
type Failure = String;

fn main() -> ExitCode {
    let scene = Scene::new();
    let result = match env::var_os("GIGADB_TERRAFORM") {
        Some(_) => with_terraform(&scene),
        None => without_terraform(&scene),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("\nThe demo stopped: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn with_terraform(scene: &Scene) -> Result<(), Failure> {
    introduce();
    let main = example("upstream/main.tf");
    scene.write("main.tf", &main);
    let swapped = main.replacen(LINE, SWAPPED, 1);
    if swapped == main {
        return Err(format!(
            "examples/terraform/upstream/main.tf does not hold the line {LINE:?}"
        ));
    }

    heading("Terraform takes over what is there");
    tell("The first apply adopts the present arrangement: it reads, and changes nothing.");
    let adopted = ask(scene, 0, &["apply", "-no-color", "-auto-approve"])?;
    print_last_lines(&adopted);
    roles(scene)?;

    heading("One line changes");
    println!("    production = {{");
    println!("-     live    = \"gigadb-website\"");
    println!("+     live    = \"alt-gigadb-website\"");
    println!("      staging = \"gigadb-website\"");
    println!("    }}");
    scene.write("main.tf", &swapped);

    heading("The plan shows everything that will move");
    let plan = ask(
        scene,
        2,
        &[
            "plan",
            "-no-color",
            "-detailed-exitcode",
            "-out=swap.tfplan",
        ],
    )?;
    print_plan(&plan);

    heading("Apply moves it");
    scene.simulator().clear_requests();
    let applied = ask(scene, 0, &["apply", "-no-color", "swap.tfplan"])?;
    print_last_lines(&applied);
    account(scene);
    roles(scene)?;

    heading("A second plan is empty");
    let empty = ask(scene, 0, &["plan", "-no-color", "-detailed-exitcode"])?;
    print_plan(&empty);
    farewell();
    Ok(())
}

fn without_terraform(scene: &Scene) -> Result<(), Failure> {
    println!("{WITHOUT_TERRAFORM}\n");
    introduce();
    roles(scene)?;

    heading("What a swap will move");
    let plan = helper(scene, 2, &["plan", "--environment", "live", "--swap"])?;
    println!("{}", plan.stdout.trim_end());

    heading("The swap");
    scene.simulator().clear_requests();
    let swap = helper(scene, 0, &["swap", "--environment", "live", "--yes"])?;
    println!("{}", swap.stdout.trim_end());
    account(scene);
    roles(scene)?;

    heading("A second plan is empty");
    let again = [
        "plan",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
    ];
    let second = helper(scene, 0, &again)?;
    println!("{}", second.stdout.trim_end());
    farewell();
    Ok(())
}

fn introduce() {
    heading("Two infrastructures, one site");
    tell(
        "Simulated Cloudflare, GitLab and EC2 APIs run on this machine, with the records, variables and Elastic IPs of GigaDB's own procedure.",
    );
    tell("Nothing outside is read or written.");
}

/// Shows who holds which role, and what Ansible makes of it.
fn roles(scene: &Scene) -> Result<(), Failure> {
    heading("Who is production now");
    let status = helper(scene, 0, &["status", "--environment", "live"])?;
    println!("{}", status.stdout.trim_end());
    heading("What Ansible sees now");
    let graph = helper(scene, 0, &["inventory", "--environment", "live", "--graph"])?;
    print_role_groups(&graph.stdout);
    Ok(())
}

fn helper(scene: &Scene, code: i32, arguments: &[&str]) -> Result<Output, Failure> {
    println!("$ gigadb-roles {}", arguments.join(" "));
    checked(scene.gigadb_roles(arguments), code)
}

fn ask(scene: &Scene, code: i32, arguments: &[&str]) -> Result<Output, Failure> {
    let shown: Vec<_> = arguments
        .iter()
        .filter(|word| **word != "-no-color")
        .copied()
        .collect();
    println!("$ terraform {}", shown.join(" "));
    checked(scene.terraform(arguments), code)
}

fn checked(output: Output, code: i32) -> Result<Output, Failure> {
    if output.code == code {
        Ok(output)
    } else {
        Err(format!("{output:?}"))
    }
}

/// Prints a plan without the warning that its provider comes from a local build.
fn print_plan(output: &Output) {
    println!("{}", without_override_warning(&output.stdout).trim());
}

/// Prints the closing line of an apply.
fn print_last_lines(output: &Output) {
    let lines = output
        .stdout
        .lines()
        .filter(|line| line.starts_with("Apply complete!"));
    lines.for_each(|line| println!("{line}"));
}

fn without_override_warning(text: &str) -> String {
    let begin = text.find("Warning: Provider development overrides are in effect");
    let end = text.find("published\nreleases.\n");
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => {
            format!(
                "{}{}",
                &text[..begin],
                &text[end + "published\nreleases.\n".len()..]
            )
        }
        _ => text.to_owned(),
    }
}

/// Prints the groups that say who holds which role, out of the whole graph.
fn print_role_groups(graph: &str) {
    let mut within = false;
    for line in graph.lines() {
        if let Some(group) = line.trim_start().strip_prefix("|--@") {
            within = group.starts_with("role_");
        }
        if within {
            println!("{line}");
        }
    }
}

/// Says what the APIs saw being written.
fn account(scene: &Scene) {
    let writes = scene.writes();
    let count = |method: &str| writes.iter().filter(|write| write.method == method).count();
    println!(
        "The APIs saw {} batches of records, {} changed variables, {} deletes.",
        count("POST"),
        count("PUT"),
        count("DELETE")
    );
}

fn farewell() {
    heading("And back");
    tell(
        "Turning the line around and applying again restores every record and variable as it was.",
    );
    heading("Now you");
    tell(
        "Play with the same world: `target/debug/gigadb-simulator play ~/playground` opens a shell with everything set.",
    );
    tell(
        "Practise an incident: `target/debug/gigadb-simulator drill region-down` (docs/guides/playground.md).",
    );
    tell("Next: docs/guides/first-swap.md.");
}

fn heading(text: &str) {
    println!("\n=== {text} ===\n");
}

fn tell(text: &str) {
    println!("{text}");
}
