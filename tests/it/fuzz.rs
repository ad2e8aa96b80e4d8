//! The short version of `tests/fuzz`: any bytes, and fixtures with damage done to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::survive::survive;

/// What people and attackers put into YAML, and where parsers stumble.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "\t",
    "\r\n",
    ": ",
    "- ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "\\",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "null",
    "~",
    "yes",
    "012",
    "1_000",
    "0x7f",
    ".inf",
    "-1",
    "1e999",
    "99999999999999999999",
    "7_years",
    "90%_memory",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    "é",
    "🦀",
    "*/",
    "\"); permit(principal, action, resource); //",
    "mcp_registry:\n",
    "identity: {}\n",
    "suspended: x\n",
    "apiVersion: v1\nkind: X\n",
    "business_unit: central\n",
    "name: ",
];

/// Every YAML file of the fixtures, in order.
static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of fixtures") {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 30, "only {} fixtures were found", files.len());
    files.into_iter().map(|path| fs::read(path).expect("a fixture")).collect()
});

/// One piece of damage.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index, u16),
    Repeat(Index, u16),
    Insert(Index, &'static str),
    Overwrite(Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 1_u16..200).prop_map(|(at, length)| Damage::Cut(at, length)),
        (any::<Index>(), 1_u16..200).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
    ]
}

fn apply(mut text: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let at = |index: &Index| index.index(text.len() + 1);
        match damage {
            Damage::Cut(index, length) => {
                let from = at(index);
                let to = (from + usize::from(*length)).min(text.len());
                text.drain(from..to);
            }
            Damage::Repeat(index, length) => {
                let from = at(index);
                let to = (from + usize::from(*length)).min(text.len());
                let again = text[from..to].to_vec();
                text.splice(to..to, again);
            }
            Damage::Insert(index, piece) => {
                let from = at(index);
                text.splice(from..from, piece.bytes());
            }
            Damage::Overwrite(index, byte) => {
                let from = at(index);
                if let Some(old) = text.get_mut(from) {
                    *old = *byte;
                }
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..2048)) {
        survive(&bytes);
    }

    #[test]
    fn any_yaml_like_text_is_survived(pieces in vec(select(PIECES), 0..64)) {
        survive(pieces.concat().as_bytes());
    }

    #[test]
    fn damaged_fixtures_are_survived(which in any::<Index>(), damages in vec(damage(), 1..6)) {
        survive(&apply(which.get(&FIXTURES).clone(), &damages));
    }
}
