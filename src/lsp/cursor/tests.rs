use super::*;

/// The path, the slot and the word at `|`, and the keys beside it.
fn shown(text: &str) -> String {
    let offset = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    let Some(found) = cursor(&text, offset) else { return "-".to_owned() };
    let part = |part: &Part| match part {
        Part::Key(key) => key.clone(),
        Part::Element => "[]".to_owned(),
    };
    let path: Vec<String> = found.path.iter().map(part).collect();
    let token = text.get(found.token.clone()).unwrap();
    format!("{} {:?} `{token}` {}", path.join("."), found.slot, found.siblings.join(","))
}

#[test]
fn places_in_blocks() {
    for (text, expected) in [
        ("|", " Key `` "),
        ("sa|", " Key `sa` "),
        ("a: 1\nsa|\nb: 2\n", " Key `sa` a,b"),
        ("a:\n  |", "a Either `` "),
        ("a:\n  b: 1\n  |\n", "a Key `` b"),
        ("a:\n  b: 1\n|\n", " Key `` a"),
        ("a:\n  b: |\n", "a.b Value `` "),
        ("a:\n  b: wo|rd # no\n", "a.b Value `word` "),
        ("a:\n  b: \"wo|rd\"\n", "a.b Value `word` "),
        ("a:\n  - |", "a.[] Either `` "),
        ("a:\n  - na|\n", "a.[] Either `na` "),
        ("a:\n- na|\n", "a.[] Either `na` "),
        ("a:\n  - name: x\n    |\n", "a.[] Key `` name"),
        ("a:\n  - name: x\n    to|: y\n    other: z\n", "a.[] Key `to` name,other"),
        ("a:\n  - name: x\n  - name: |\n", "a.[].name Value `` "),
        ("a:\n- name: x\nb|\n", " Key `b` a"),
        ("a:\n  - - x\n    - y|\n", "a.[].[] Either `y` "),
        ("a: 1 # |no\n", "-"),
        ("a: >\n  te|xt\nb: 1\n", "-"),
        ("a: &x\n  b: |\n", "a.b Value `` "),
        ("a: 1\n---\nb:\n  c|\n", "b Either `c` "),
        ("é😀: ü|\n", "é😀 Value `ü` "),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn places_between_brackets() {
    for (text, expected) in [
        ("a: [|]", "a.[] Value `` "),
        ("a: [x, y|, z]", "a.[] Value `y` "),
        ("a: [x, |", "a.[] Value `` "),
        ("a: {|}", "a Key `` "),
        ("a: {b: 1, c|}", "a Key `c` b"),
        ("a: {b: wo|, c: 1}", "a.b Value `wo` "),
        ("a: {b: [x, \"y|\"], c: 1}", "a.b.[] Value `y` "),
        ("a:\n  - {b: 1, c: |}\n", "a.[].c Value `` "),
        ("a: [\n  x,\n  y|\n]\nb: 1\n", "a.[] Value `y` "),
        ("a: [x\nb: wo|\n", "b Value `wo` "),
        ("a: [crm/get, crm/resource:x|]", "a.[] Value `crm/resource:x` "),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn values_beside_the_cursor_are_known() {
    let text = "w:\n  name: n\n  steps:\n    - tools: [x, ]\n      mcp_server: crm\n    - mcp_server: [a, b]\n";
    let found = cursor(text, text.find("x, ").unwrap() + 3).unwrap();
    assert_eq!(found.values_of(3, "mcp_server"), ["crm"]);
    assert_eq!(found.values_of(1, "name"), ["n"]);
    let found = cursor(text, text.find("b]").unwrap()).unwrap();
    assert_eq!(found.values_of(3, "mcp_server"), ["a", "b"]);
}

#[test]
fn no_text_is_too_broken() {
    let text = "a: [{b: 'x\n- ]}\n  \"é: |\n\t- x\n? y\n*z: &q {,}]\n";
    for end in 0..=text.len() {
        let Some(part) = text.get(..end) else { continue };
        for offset in 0..=end + 1 {
            let _ = cursor(part, offset);
        }
    }
}
