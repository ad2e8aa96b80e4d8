//! The first guide of the book, followed to its end: what it says Cedar decides is what Cedar decides.

use std::fs;
use std::path::Path;
use std::process::Command;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema};

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/guide/getting-started.md");
    fs::read_to_string(path).expect("the guide")
}

/// The code block of that language that holds `part`.
fn block<'a>(guide: &'a str, language: &str, part: &str) -> &'a str {
    guide
        .split("```")
        .filter_map(|block| block.strip_prefix(language))
        .find(|block| block.contains(part))
        .unwrap_or_else(|| panic!("no {language} block with {part}"))
}

fn mcpctl(folder: &Path, args: &[&str]) {
    let run = Command::new(env!("CARGO_BIN_EXE_mcpctl")).current_dir(folder).args(args).output().expect("mcpctl runs");
    assert!(
        run.status.success(),
        "{args:?}: {}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

#[test]
fn the_guide_ends_in_the_decisions_that_it_says() {
    let guide = guide();
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for command in ["init fleet", "validate fleet", "list tools fleet", "compile fleet --out policy"] {
        assert!(block(&guide, "sh", command).contains(&format!("mcpctl {command}")));
        mcpctl(scratch.path(), &command.split(' ').collect::<Vec<_>>());
    }

    let command = block(&guide, "sh", "cedar authorize");
    let option = |name: &str| {
        let line = command.lines().find_map(|line| line.trim().strip_prefix(name)).expect("the option is there");
        line.trim_end_matches('\\').trim().trim_matches('\'').to_owned()
    };
    let file = |name: &str| fs::read_to_string(scratch.path().join(option(name))).expect("a file of the bundle");
    let (schema, _) = Schema::from_cedarschema_str(&file("--schema")).expect("a schema");
    let policies: PolicySet = file("--policies").parse().expect("policies");
    let entities = Entities::from_json_str(&file("--entities"), Some(&schema)).expect("entities");
    let uid = |name: &str| option(name).parse::<EntityUid>().expect("a name of an entity");
    let action = uid("--action");
    let decide = |context: &str| {
        let context = Context::from_json_str(context, Some((&schema, &action))).expect("a context");
        let request = Request::new(uid("--principal"), action.clone(), uid("--resource"), context, Some(&schema))
            .expect("a request");
        let response = Authorizer::new().is_authorized(&request, &policies, &entities);
        assert_eq!(response.diagnostics().errors().count(), 0);
        response.decision()
    };

    let context = block(&guide, "json", "small_amount");
    assert!(guide.contains("prints `ALLOW`. With `\"small_amount\": false` it prints `DENY`"));
    assert_eq!(decide(context), Decision::Allow);
    assert_eq!(decide(&context.replace("\"small_amount\": true", "\"small_amount\": false")), Decision::Deny);
}

/// The page about adopting, on the configuration of the project's seed: each of its commands runs, and a new finding fails.
#[test]
fn an_estate_adopts_with_the_commands_of_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("book/src/guide/adopt.md")).expect("the page");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let fleet = scratch.path().join("fleet");
    fs::create_dir(&fleet).expect("a folder");
    for entry in fs::read_dir(root.join("fixtures/seed")).expect("the fixture") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, fleet.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let run = |args: &str| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_mcpctl"));
        run.current_dir(scratch.path()).args(args.split(' ')).output().expect("mcpctl runs")
    };
    let told = |line: &str| line.strip_prefix("mcpctl ").filter(|line| !line.contains("diff ")).map(str::to_owned);
    let commands: Vec<String> = page
        .split("```")
        .filter_map(|block| block.strip_prefix("sh\n"))
        .flat_map(str::lines)
        .filter_map(told)
        .collect();
    assert_eq!(commands.len(), 7, "{commands:?}");
    for command in &commands {
        // What guards access is decided before, and the seed has not decided yet.
        let command = command.replace(" --fail-on warning", "");
        let ran = run(&command);
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    assert!(fleet.join("mcpctl-baseline.json").is_file() && scratch.path().join("findings.sarif").is_file());
    let check = "validate fleet --baseline check --format short --ignore security";
    let before = String::from_utf8(run(check).stdout).expect("text");
    fs::rename(fleet.join("saga.yaml"), fleet.join("orders.yaml")).expect("a file that moves");
    assert_eq!(String::from_utf8(run(check).stdout).expect("text"), before);
    let batches = fs::read_to_string(fleet.join("logging.yaml")).expect("a file").replace("7_days", "6_days");
    fs::write(fleet.join("logging.yaml"), batches).expect("a change");
    let after = String::from_utf8(run(check).stdout).expect("text");
    assert!(after.contains("[dead-retention]") && !before.contains("[dead-retention]"), "{before}\n{after}");
}

/// The page about fixes: the commands in their order on the file of the page, and what they show.
#[test]
fn the_findings_of_the_page_about_fixes_are_fixed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("book/src/guide/fix.md")).expect("the page");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let file = scratch.path().join("fleet/onboarding.yaml");
    fs::create_dir(scratch.path().join("fleet")).expect("a folder");
    fs::write(&file, block(&page, "yaml\n", "workflow_definition")).expect("the file of the page");
    let run = |args: &str| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_mcpctl"));
        let ran = run.current_dir(scratch.path()).args(args.split(' ')).output().expect("mcpctl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let (_, found, _) = run("validate fleet");
    for line in block(&page, "text\n", "fix:").lines().filter(|line| *line != "...") {
        assert!(found.contains(line.trim()), "{line}\n{found}");
    }
    let commands: Vec<&str> =
        page.split("```").filter_map(|block| block.strip_prefix("sh\nmcpctl ")).map(|block| block.trim_end()).collect();
    let [fix, diff, guess, fmt] = commands.as_slice() else { panic!("{commands:?}") };
    let (_, _, said) = run(fix);
    assert!(said.contains("fixed 2 findings in 1 file"), "{said}");
    let (code, shown, _) = run(diff);
    assert_eq!(code, Some(1));
    let first = block(&page, "diff\n", "depends_on").lines().next().expect("a line");
    assert!(shown.contains(first), "{shown}");
    let (_, left, said) = run(guess);
    assert!(!left.contains("fix:"), "{left}\n{said}");
    let text = fs::read_to_string(&file).expect("the file");
    assert!(text.contains("depends_on: [validate_customer]\n"), "{text}");
    assert!(text.contains("onboardings_total") && text.contains("# Nobody is welcomed before the check."), "{text}");
    assert_eq!(run(fmt).0, Some(0));
}

/// The page about identity providers: its workspace has no findings and compiles, and its table has every token that its program gets.
/// What Keycloak and gateways make of them is for `tests/engines/run_second keycloak`.
#[test]
fn the_page_about_identity_providers_names_what_its_files_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("book/src/guide/identity-provider.md")).expect("the page");
    let example = root.join("book/examples/keycloak");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let out = scratch.path().join("bundle").display().to_string();
    mcpctl(&example, &["validate", "fleet"]);
    mcpctl(&example, &["compile", "fleet", "--out", &out]);

    let program = fs::read_to_string(example.join("tokens.py")).expect("the program");
    let kinds: Vec<&str> = program
        .lines()
        .filter_map(|line| line.strip_prefix("    \"").and_then(|rest| rest.split_once("\": lambda")))
        .map(|(kind, _)| kind)
        .collect();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.ends_with("0 |") || line.ends_with("3 |") || line.ends_with("1 |"))
        .filter_map(|line| line.strip_prefix("| `").and_then(|rest| rest.split_once('`')))
        .map(|(kind, _)| kind)
        .collect();
    assert!(kinds.len() > 10, "{kinds:?}");
    assert_eq!(kinds, rows);
    let registry = fs::read_to_string(example.join("fleet/registry.yaml")).expect("the registry");
    let tools: Vec<&str> = registry
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- {name: ").filter(|line| line.contains("annotations")))
        .filter_map(|rest| rest.split_once(',').map(|(tool, _)| tool))
        .collect();
    assert!(page.contains(&format!("| token | {} |", tools.join(" | "))), "{tools:?}");
}
