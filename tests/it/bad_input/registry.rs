//! Entries of the registry: duplicates, methods that are denied, marks in the schemas of tools.

use mcpctl::diagnostic::Severity;

use super::one;
use crate::memory::Files;

#[test]
fn what_stands_twice_or_is_empty_grants_nothing_by_accident() {
    let server = |rest: &str| one(&format!("mcp_registry:\n  servers:\n    - name: s\n{rest}"));
    assert_eq!(server("      tools: []\n"), ["a.yaml:4:14 invalid-value"]);
    let twice = "      tools: [{name: t}, {name: t}]\n      resources: [{uri: r}, {uri: r}]\n      prompts: [{name: p}, {name: p}]\n";
    let found: Vec<_> = server(twice).into_iter().filter(|finding| finding.ends_with(" duplicate-name")).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    let steps = "saga_definition:\n  name: s\n  steps:\n    - {name: a, mcp_server: x, action: t, compensation: u}\n";
    let again = format!("{steps}    - {{name: a, mcp_server: x, action: v, compensation: w}}\n");
    assert!(one(&again).contains(&"a.yaml:5:14 duplicate-name".to_owned()), "{:?}", one(&again));
}

#[test]
fn a_method_that_an_entry_cannot_deny_is_an_error_that_says_what_to_do() {
    let finding = |methods: &str| {
        let text = format!(
            "mcp_registry:\n  servers:\n    - name: crm\n      methods: {methods}\n      tools: [{{name: t}}]\n"
        );
        let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
        let found = analysis.report().diagnostics.iter().find(|found| found.severity == Severity::Error)?;
        let at = analysis.sources.position(found.loc);
        let help = found.help.clone().unwrap_or_default();
        Some((format!("{}:{} {}", at.line, at.column, found.rule.name), found.message.clone(), help))
    };
    assert_eq!(finding("{deny: [ping, resources/subscribe]}"), None);
    for (methods, place, help) in [
        ("{deny: [ping, pong]}", "4:30 unknown-word", "did you mean `ping`?"),
        ("{deny: [initialize]}", "4:24 unknown-word", "to close the server, write `suspended: \"REASON\"`"),
        ("{deny: [tools/call]}", "4:24 unknown-word", "remove the grants instead"),
        ("{deny: [resources/read]}", "4:24 unknown-word", "remove the grants instead"),
        ("{deny: [GET]}", "4:24 unknown-word", "but one of HTTP"),
        ("{deny: [ping, tools/list, ping]}", "4:42 duplicate-name", ""),
        ("{deny: []}", "4:23 invalid-value", "an empty list is neither everything nor nothing here"),
        ("{}", "4:7 missing-key", ""),
        ("{deny: ping}", "4:23 wrong-type", ""),
        ("[ping]", "4:16 wrong-type", ""),
        ("{deny: [ping], allow: [ping]}", "4:31 unknown-key", ""),
    ] {
        let (at, message, said) = finding(methods).unwrap_or_default();
        assert_eq!(at, place, "{methods}: {message}");
        assert!(said.contains(help), "{methods}: {said}");
        if help.contains("ping") || help.contains("grants") {
            assert!(message.contains("legal are `ping`, `logging/setLevel`, `tools/list`"), "{message}");
        }
    }
}

#[test]
fn a_mark_that_mcp_does_not_allow_in_the_schema_of_a_tool_is_an_error_at_its_place() {
    let found = |schema: &str| {
        let text = format!(
            "mcp_registry:\n  servers:\n    - name: crm\n      tools:\n        - name: t\n          input_schema: {schema}\n"
        );
        let analysis = Files::of([("a.yaml", text.as_str())]).analyse();
        let errors = analysis.report().diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let shown = errors.map(|found| {
            let at = analysis.sources.position(found.loc);
            (format!("{}:{} {}", at.line, at.column, found.rule.name), found.message.clone())
        });
        shown.collect::<Vec<_>>()
    };
    for schema in [
        "{type: object, properties: {a: {type: string, x-mcp-header: A}, b: {properties: {c: {x-mcp-header: \"a!#$%&'*+-.^_`|~9\", type: integer}}}}}",
        // A property of that name is not a mark, and neither is data.
        "{properties: {x-mcp-header: {type: object}, a: {default: {x-mcp-header: [1]}, enum: [{x-mcp-header: ''}], type: string}}}",
        "{oneOf: [true, {required: [a]}], items: [false], x-vendor: {x-mcp-header: 1}}",
    ] {
        assert_eq!(found(schema), [], "{schema}");
    }
    let property = |mark: &str| format!("{{properties: {{a: {mark}}}}}");
    for (schema, place, says) in [
        (property("{type: string, x-mcp-header: ''}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: 'a b'}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: é}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: 7}"), "6:71", "is not a name of letters"),
        (property("{type: string, x-mcp-header: [A]}"), "6:71", "is not a name of letters"),
        (property("{type: number, x-mcp-header: A}"), "6:71", "has the type `number`"),
        (property("{type: object, x-mcp-header: A}"), "6:71", "has the type `object`"),
        (property("{type: [string], x-mcp-header: A}"), "6:73", "has no single type"),
        (property("{x-mcp-header: A}"), "6:57", "has no single type"),
        ("{type: string, x-mcp-header: A}".to_owned(), "6:54", "reached by `properties` alone"),
        (property("{items: {type: string, x-mcp-header: A}}"), "6:79", "reached by `properties` alone"),
        (
            property("{items: {properties: {b: {type: string, x-mcp-header: A}}}}"),
            "6:96",
            "reached by `properties` alone",
        ),
        (
            "{anyOf: [{properties: {a: {type: string, x-mcp-header: A}}}]}".to_owned(),
            "6:80",
            "reached by `properties` alone",
        ),
        (
            "{if: {properties: {a: {type: string, x-mcp-header: A}}}}".to_owned(),
            "6:76",
            "reached by `properties` alone",
        ),
        ("{$defs: {b: {type: string, x-mcp-header: A}}}".to_owned(), "6:66", "reached by `properties` alone"),
        (
            "{properties: {a: {type: string, x-mcp-header: Aa}, b: {type: string, x-mcp-header: aA}}}".to_owned(),
            "6:108",
            "two arguments of this tool are repeated in the header `Mcp-Param-aA`",
        ),
    ] {
        let findings = found(&schema);
        let [(at, message)] = findings.as_slice() else { panic!("{schema}: {findings:?}") };
        assert_eq!(at, &format!("{place} invalid-argument-header"), "{schema}");
        assert!(message.contains(says), "{schema}: {message}");
    }
}
