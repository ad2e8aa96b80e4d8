//! Placeholders of other tools, which nothing here expands.

/// How a placeholder begins, and how it ends.
const FORMS: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("{%", "%}")];

/// The first placeholder of another tool in a text, as written: `${VAR}`, `$(VAR)`, `{{ value }}`, `{% if %}`.
#[must_use]
pub fn find(text: &str) -> Option<&str> {
    // Most texts hold none of these characters.
    if !text.contains(['$', '{']) {
        return None;
    }
    let found = FORMS.iter().filter_map(|(begin, end)| {
        let start = text.find(begin)?;
        let rest = text.get(start + begin.len()..)?;
        let length = rest.find(end)?;
        Some((start, text.get(start..start + begin.len() + length + end.len())?))
    });
    found.min_by_key(|(start, _)| *start).map(|(_, placeholder)| placeholder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_the_usual_tools_are_found() {
        for (text, placeholder) in [
            ("https://${HOST}/mcp", "${HOST}"),
            ("https://${HOST:-a}/", "${HOST:-a}"),
            ("$(TOPIC)_v1", "$(TOPIC)"),
            ("x-{{ .Values.header }}", "{{ .Values.header }}"),
            ("{{a}} ${b}", "{{a}}"),
            ("{% if x %}", "{% if x %}"),
        ] {
            assert_eq!(find(text), Some(placeholder), "{text}");
        }
        for text in ["{server}/{tool}", "{unit}", "crm://customer/{id}", "a$b", "$x", "${", "{{", "}}{{", "100%"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
