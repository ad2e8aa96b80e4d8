//! Placeholders in the texts of claims: what a token must say depends on what is called.

/// A placeholder, which stands for a name as it is in the YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{server}`: the server that is called.
    Server,
    /// `{tool}`: the tool that is called. Other objects have none.
    Tool,
    /// `{unit}`: the unit of the server, where it has one.
    Unit,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Server, Self::Tool, Self::Unit];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "{server}",
            Self::Tool => "{tool}",
            Self::Unit => "{unit}",
        }
    }

    /// Whether a text has it.
    #[must_use]
    pub fn is_in(self, text: &str) -> bool {
        text.contains(self.as_str())
    }
}

/// A text of a claim as a token for one call must say it. `None` where the call has nothing that a placeholder stands for, or
/// nothing is left of the text: no token can show it then.
#[must_use]
pub fn filled(text: &str, server: &str, tool: Option<&str>, unit: Option<&str>) -> Option<String> {
    let mut filled = text.to_owned();
    for (placeholder, name) in Placeholder::ALL.into_iter().zip([Some(server), tool, unit]) {
        if placeholder.is_in(&filled) {
            filled = filled.replace(placeholder.as_str(), name?);
        }
    }
    Some(filled).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn a_text_without_what_it_asks_for_is_shown_by_no_token() {
        let of_tool = |text| filled(text, "crm", Some("read"), Some("sales"));
        assert_eq!(of_tool("{server}/{tool} of {unit}, {tool}").as_deref(), Some("crm/read of sales, read"));
        assert_eq!(of_tool("as it is").as_deref(), Some("as it is"));
        assert_eq!(of_tool(""), None);
        assert_eq!(filled("{server}/{tool}", "crm", None, Some("sales")), None);
        assert_eq!(filled("{unit}", "crm", Some("read"), None), None);
        assert_eq!(filled("{server}", "crm", None, None).as_deref(), Some("crm"));
    }
}
