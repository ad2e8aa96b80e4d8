//! Files of Redis: a directive and its argument on each line. Source: Redis 7, `redis.conf`.

use crate::targets::CompileError;

/// A file of Redis.
#[derive(Default)]
pub(super) struct Conf(String);

impl Conf {
    /// Adds a directive with one argument. An empty argument is written as `""`.
    ///
    /// # Errors
    /// Where either has a character that would have to be escaped: a value of ours has none.
    pub(super) fn add(&mut self, directive: &str, argument: &str) -> Result<(), CompileError> {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if directive.is_empty() || !plain(directive) || !plain(argument) {
            return Err(CompileError::Refused(format!("a directive `{directive}` of Redis cannot hold `{argument}`")));
        }
        self.0.push_str(directive);
        self.0.push(' ');
        self.0.push_str(if argument.is_empty() { "\"\"" } else { argument });
        self.0.push('\n');
        Ok(())
    }

    /// The file.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_line_or_begin_a_comment_is_refused() {
        let mut conf = Conf::default();
        conf.add("maxmemory", "100").unwrap();
        conf.add("save", "").unwrap();
        for argument in ["1\nrequirepass x", "a b", "#", "\"", "\u{0}", "é"] {
            assert!(conf.add("maxmemory", argument).is_err(), "{argument}");
        }
        assert!(conf.add("", "1").is_err());
        assert_eq!(conf.into_bytes(), b"maxmemory 100\nsave \"\"\n");
    }
}
