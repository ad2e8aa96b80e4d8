//! How a text is kept from being markup or commands: one function for each language that output is written in. All of them
//! take a text as it is, and none of them lets through what could act on a terminal, or a secret of a URL.

use crate::diagnostic::{is_unprintable, one_line};
use crate::source::credential::redacted;

/// What HTML, XML and Markdown write for the characters that begin markup.
fn reference(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        _ => None,
    }
}

/// Text of HTML, also in the value of an attribute.
#[must_use]
pub fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match (c, reference(c)) {
            (_, Some(reference)) => safe.push_str(reference),
            ('"', None) => safe.push_str("&quot;"),
            ('\'', None) => safe.push_str("&#39;"),
            (c, None) => safe.push(c),
        }
    }
    safe
}

/// Text of XML 1.0, also in the value of an attribute, where a line break needs a reference. Characters that XML cannot hold at
/// all are written as in Rust, `\u{1b}`.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in redacted(text).chars() {
        match (c, reference(c)) {
            (_, Some(reference)) => safe.push_str(reference),
            ('"', None) => safe.push_str("&quot;"),
            ('\'', None) => safe.push_str("&apos;"),
            ('\t' | '\n' | '\r', None) => safe.push_str(&format!("&#{};", c as u32)),
            (c, None) if is_unprintable(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.extend(c.escape_unicode()),
            (c, None) => safe.push(c),
        }
    }
    safe
}

/// Text of Markdown that can neither begin markup nor end the cell of a table.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if let Some(reference) = reference(c) {
            safe.push_str(reference);
            continue;
        }
        if matches!(c, '|' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '@') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A code span of Markdown, which a backtick in it cannot end and a bar cannot leave.
#[must_use]
pub fn code_span(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The message of a workflow command of GitHub, after `::`; may have several lines, each made harmless already.
#[must_use]
pub fn github_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a workflow command of GitHub, which ends at a comma, and the properties at a colon.
#[must_use]
pub fn github_property(text: &str) -> String {
    github_message(&one_line(text)).replace(':', "%3A").replace(',', "%2C")
}

/// A line of a log of Azure Pipelines in which no command begins: no two `#` are beside each other.
#[must_use]
pub fn azure_line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if c == '#' && safe.ends_with('#') {
            safe.push(' ');
        }
        safe.push(c);
    }
    safe
}

/// A message of SARIF, in which `[text](target)` would be a link and `{0}` a placeholder (3.11.5 and 3.11.6 of the standard).
#[must_use]
pub fn sarif(text: &str) -> String {
    let text = if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text.to_owned() };
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        safe.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match after.get(digits..).filter(|_| digits > 0).and_then(|tail| tail.strip_prefix('}')) {
            Some(tail) => {
                safe.push_str(&format!("{{{{{}}}}}", after.get(..digits).unwrap_or_default()));
                rest = tail;
            }
            None => {
                safe.push('{');
                rest = after;
            }
        }
    }
    safe + rest
}

/// The message of a logging command of Azure Pipelines; may have several lines, each made harmless already.
#[must_use]
pub fn azure_message(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a logging command of Azure Pipelines, which ends at a semicolon, and the properties at a bracket.
#[must_use]
pub fn azure_property(text: &str) -> String {
    azure_message(&one_line(text)).replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_xml_ends_what_it_stands_in() {
        assert_eq!(xml("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&apos;");
        assert_eq!(xml("]]>\n\t\u{1b}[0m\u{0}\u{ffff}é"), "]]&gt;&#10;&#9;\\u{1b}[0m\\u{0}\\u{ffff}é");
    }

    #[test]
    fn no_text_of_html_begins_markup() {
        assert_eq!(
            html("<a href=\"x\" b='y'>&\n\u{202e}"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\n\\u{202e}"
        );
    }

    #[test]
    fn no_text_of_markdown_begins_markup_or_ends_its_cell() {
        assert_eq!(markdown("<b> a|b *c* @d"), "&lt;b&gt; a\\|b \\*c\\* \\@d");
        assert_eq!(code_span("a"), "`a`");
        assert_eq!(code_span("a``|"), "``` a``\\| ```");
    }

    #[test]
    fn no_property_of_a_command_ends_it() {
        assert_eq!(github_property("a,b:c%\n"), "a%2Cb%3Ac%25\\n");
        assert_eq!(github_message("a,b:c%\n"), "a,b:c%25%0A");
        assert_eq!(azure_property("a;b]c%\n"), "a%3Bb%5Dc%AZP25\\n");
        assert_eq!(azure_message("a;b]c%\n"), "a;b]c%AZP25%0A");
        assert_eq!(azure_line("###vso[a]##b"), "# # #vso[a]# #b");
        assert_eq!(sarif("[a](b) {0} {server} {{12}"), "\\[a\\](b) {{0}} {server} {{{12}}");
        assert_eq!(sarif("list[0] { {x"), "list[0] { {x");
    }
}
