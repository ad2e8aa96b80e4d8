//! A report in JUnit's format, as CI systems read it.

use std::io::{self, Write};

use super::Found;
use super::failures::{Failure, of_invariant, of_test};
use crate::render::escape::xml;

pub(super) fn write(found: &Found<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Found { analysis, suite, .. } = found;
    let (all, failed) = suite.counts();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="mcpctl test" tests="{all}" failures="{failed}" errors="0">"#)?;
    let file = |loc: crate::source::Loc| analysis.sources.file(loc.file).name();
    let tests = suite.tests.iter().map(|run| {
        let failure = (!run.passes()).then(|| of_test(analysis, run));
        (run.test.name.value.as_str(), file(run.test.name.loc), failure)
    });
    let invariants = suite.invariants.iter().map(|run| {
        let failure = (!run.passes()).then(|| of_invariant(analysis, run));
        (run.invariant.name.value.as_str(), file(run.invariant.name.loc), failure)
    });
    group("policy tests", tests.collect(), out)?;
    group("invariants", invariants.collect(), out)?;
    writeln!(out, "</testsuites>")
}

/// Tests by name and file, each with its failure.
fn group(name: &str, tests: Vec<(&str, &str, Option<Failure>)>, out: &mut dyn Write) -> io::Result<()> {
    let failed = tests.iter().filter(|(_, _, failure)| failure.is_some()).count();
    writeln!(
        out,
        r#"  <testsuite name="{}" tests="{}" failures="{failed}" errors="0" skipped="0">"#,
        xml(name),
        tests.len()
    )?;
    for (name, file, failure) in tests {
        write!(out, r#"    <testcase name="{}" classname="{}""#, xml(name), xml(file))?;
        let Some(failure) = failure else {
            writeln!(out, "/>")?;
            continue;
        };
        writeln!(out, ">")?;
        let lines: Vec<&str> = failure.what.iter().flatten().map(String::as_str).collect();
        let message = lines.first().copied().unwrap_or_default();
        let text = xml(&format!("{}\n{}", failure.place, lines.join("\n")));
        writeln!(out, r#"      <failure message="{}" type="policy">{text}</failure>"#, xml(message))?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}
