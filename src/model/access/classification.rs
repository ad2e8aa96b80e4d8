//! Which class governs which server, indexed: questions about every server cost no walk over every class.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{AccessRules, DataClass};
use crate::model::server::{Server, ServerAccess};
use crate::source::{Loc, Spanned};

/// One scope's classes by server.
#[derive(Debug)]
pub struct Classification<'a> {
    rules: &'a AccessRules,
    by_server: IndexMap<&'a str, Vec<Listing<'a>>, RandomState>,
}

/// One class that lists a server.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// Position in the order of sensitivity; 0 is the least sensitive.
    pub rank: usize,
    /// The class.
    pub class: &'a DataClass,
    /// Where it lists the server.
    pub loc: Loc,
}

impl<'a> Classification<'a> {
    /// Indexes the classes of these rules.
    #[must_use]
    pub fn of(rules: &'a AccessRules) -> Self {
        let mut by_server: IndexMap<&str, Vec<Listing<'a>>, RandomState> = IndexMap::default();
        for (rank, class) in rules.classes.iter().enumerate() {
            for server in &class.servers {
                by_server.entry(server.value.as_str()).or_default().push(Listing { rank, class, loc: server.loc });
            }
        }
        by_server.sort_unstable_keys();
        Self { rules, by_server }
    }

    /// The rules that were indexed.
    #[must_use]
    pub fn rules(&self) -> &'a AccessRules {
        self.rules
    }

    /// Every listing of a server, the least sensitive class first.
    #[must_use]
    pub fn listings(&self, server: &str) -> &[Listing<'a>] {
        self.by_server.get(server).map(Vec::as_slice).unwrap_or_default()
    }

    /// The most sensitive class that lists a server; `None` where none does.
    #[must_use]
    pub fn listed(&self, server: &str) -> Option<Listing<'a>> {
        self.listings(server).last().copied()
    }

    /// Every server that is listed, by name, with its listings.
    pub fn servers(&self) -> impl Iterator<Item = (&'a str, &[Listing<'a>])> {
        self.by_server.iter().map(|(server, listings)| (*server, listings.as_slice()))
    }

    /// The rank and class that govern a server: the listed one, else the most sensitive declared.
    #[must_use]
    pub fn governing(&self, server: &str) -> Option<(usize, &'a DataClass)> {
        let listed = self.listed(server).map(|listing| (listing.rank, listing.class));
        listed.or_else(|| self.rules.classes.iter().enumerate().next_back())
    }

    /// The level that follows from the class of a server; `None` where no levels are declared.
    #[must_use]
    pub fn derived_level(&self, server: &str) -> Option<u32> {
        let levels = &self.rules.levels;
        let highest = levels.keys().next_back();
        let level = match self.governing(server) {
            Some((_, DataClass { min_auth_level: Some(least), .. })) => {
                levels.range(least.value..).next().map(|(number, _)| number)
            }
            Some((rank, _)) => levels.keys().nth(rank),
            None => None,
        };
        level.or(highest).copied()
    }

    /// What a tool needs at least because it may destroy something; `None` where nothing is asked for that.
    #[must_use]
    pub fn least(&self, server: &Server, tool: &str) -> Option<&'a Spanned<u32>> {
        let destructive = server.is_destructive(tool);
        self.rules.destructive_min_level.as_ref().filter(|_| destructive)
    }

    /// The level of a tool: its own, else the server's, else the derived one, and never below what destructive tools need.
    #[must_use]
    pub fn tool_level(&self, server: &Server, access: &ServerAccess, tool: &str) -> Option<u32> {
        let own = access.tools.get(tool).and_then(|own| own.auth_level.as_ref());
        let level = self.level(server.name.value.as_str(), access, own)?;
        Some(self.least(server, tool).map_or(level, |least| least.value.max(level)))
    }

    /// The level of a thing on a server: its own, else the server's, else the derived one.
    #[must_use]
    pub fn level(&self, server: &str, access: &ServerAccess, own: Option<&Spanned<u32>>) -> Option<u32> {
        own.or(access.auth_level.as_ref()).map(|level| level.value).or_else(|| self.derived_level(server))
    }
}
