//! Nothing in a file or a message breaks out of its format.

use mcpctl::diagnostic::{Diagnostic, is_unprintable};
use mcpctl::render::Format;
use mcpctl::source::{FileId, Loc};
use proptest::prelude::*;

use super::{AMBIGUOUS, DANGLING, at, rendered, sources};

#[test]
fn commands_of_azure_cannot_be_broken_out_of() {
    let sources = sources(&[("a;b]###vso[x]%.yaml", "x: 1\ny: 2\n")]);
    let findings = [
        Diagnostic::new(&DANGLING, at(&sources, 0, "x"), "100% of `]`").help("write\n##vso[task.complete]"),
        Diagnostic::new(&AMBIGUOUS, at(&sources, 0, "y"), "##vso[task.setvariable variable=a]b"),
    ];
    let shown = rendered(Format::Azure, &sources, &findings);
    assert_eq!(
        shown,
        "##vso[task.logissue type=error;code=unknown-server;sourcepath=a%3Bb%5D###vso[x%5D%AZP25.yaml;linenumber=1;\
         columnnumber=1;]100%AZP25 of `]`%0Ahelp: write\\n##vso[task.complete]\n\
         a;b]# # #vso[x]%.yaml:2: note[ambiguous-scalar]: # #vso[task.setvariable variable=a]b\n"
    );
}

#[test]
fn github_properties_cannot_be_broken_out_of() {
    let sources = sources(&[("a,line=9::b%.yaml", "x: 1\ny: [\n 2]\n")]);
    let findings = [
        Diagnostic::new(&DANGLING, at(&sources, 0, "x"), "100% of `a::b`, really").help("write\n::error::x"),
        Diagnostic::new(&DANGLING, at(&sources, 0, "[\n 2]"), "two lines"),
    ];
    assert_eq!(
        rendered(Format::Github, &sources, &findings),
        "::error file=a%2Cline=9%3A%3Ab%25.yaml,line=1,endLine=1,col=1,endColumn=2,title=unknown-server::\
         100%25 of `a::b`, really%0Ahelp: write\\n::error::x\n\
         ::error file=a%2Cline=9%3A%3Ab%25.yaml,line=2,endLine=3,title=unknown-server::two lines\n"
    );
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ a-z:\n\t]{0,12}",
        Just("\r\n".to_owned()),
        Just("\u{1b}[2J".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("x".repeat(300)),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever stands in a file, wherever a finding points: no format lets a dangerous character through, and each
    /// keeps its shape.
    #[test]
    fn no_format_lets_a_dangerous_character_through(
        name in any::<String>(), text in text(), message in any::<String>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let sources = sources(&[(&name, &text)]);
        let offsets: Vec<u32> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| at as u32).collect();
        let mut locs = places.iter().map(|(a, b)| {
            let (a, b) = (offsets[a.index(offsets.len())], offsets[b.index(offsets.len())]);
            Loc { file: FileId(0), start: a.min(b), end: a.max(b) }
        });
        let mut finding = Diagnostic::new(&DANGLING, locs.next().unwrap(), &*message).help(&*message);
        for loc in locs {
            finding = finding.label(loc, &*message);
        }
        let findings = [finding];
        for format in [Format::Human, Format::Short, Format::Json, Format::Github] {
            let shown = rendered(format, &sources, &findings);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_unprintable(c)), "{shown:?}");
        }
        prop_assert_eq!(rendered(Format::Short, &sources, &findings).lines().count(), 1);
        prop_assert_eq!(rendered(Format::Github, &sources, &findings).lines().count(), 1);
        let human = rendered(Format::Human, &sources, &findings);
        prop_assert!(human.starts_with("error[unknown-server]: ") && human.contains("┌─ "), "{}", human);
        let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &sources, &findings)).unwrap();
        prop_assert_eq!(json["diagnostics"][0]["file"].as_str(), Some(name.as_str()));
        prop_assert_eq!(json["diagnostics"][0]["line"].as_u64(), Some(u64::from(sources.position(findings[0].loc).line)));
    }
}
