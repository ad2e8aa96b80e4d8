//! That a bundle is what it was compiled as: its files are read back, and decide what its sources mean.

use std::error::Error;
use std::path::Path;

use super::DiffCommand;
use super::phrases::some;
use super::side::{Read, Version};
use crate::build::{self, BuildError};
use crate::bundle::existing;
use crate::bundle::manifest::VERSION;
use crate::cli::Session;
use crate::render::counted;

/// Why the files of a bundle are not taken for what its sources mean.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum NotProved {
    /// It was written by another version, whose files this one does not read as they are meant.
    #[error(
        "mcpctl {version} wrote the bundle `{bundle}`, and this is mcpctl {VERSION}, which reads its files differently"
    )]
    #[diagnostic(
        code("bundle-of-another-version"),
        help(
            "compile the bundle again with this version, or compare it with mcpctl {version}; `--no-artifacts` compares only the \
             sources that the bundle holds"
        )
    )]
    OtherVersion {
        /// The bundle.
        bundle: String,
        /// What wrote it.
        version: String,
    },
    /// This version wrote it, or says so.
    #[error("the files of the bundle `{bundle}` do not decide what its sources mean: {}", .why.join("; "))]
    #[diagnostic(
        code("bundle-differs"),
        help(
            "somebody changed the bundle, or another build of mcpctl {VERSION} wrote it; compile it again from its sources, or \
             compare only the sources with `--no-artifacts`"
        )
    )]
    Differs {
        /// The bundle.
        bundle: String,
        /// What differs.
        why: Vec<String>,
    },
}

impl NotProved {
    fn of(bundle: &str, version: &str, errors: Vec<BuildError>) -> Self {
        let bundle = bundle.to_owned();
        if version != VERSION {
            return Self::OtherVersion { bundle, version: version.to_owned() };
        }
        let chain = |error: &BuildError| {
            let mut said = vec![error.to_string()];
            let mut cause = error.source();
            while let Some(error) = cause {
                said.push(error.to_string());
                cause = error.source();
            }
            said.join(": ")
        };
        Self::Differs { bundle, why: errors.iter().map(chain).collect() }
    }
}

impl DiffCommand {
    /// That the files of a bundle decide what its sources mean; cautions about what was not proved.
    pub(super) fn proved(
        &self,
        what: &str,
        place: &Version,
        read: &Read,
        session: &Session<'_>,
    ) -> Result<Vec<String>, Vec<miette::Report>> {
        let Some(bundle) = place.bundle() else { return Ok(Vec::new()) };
        let mut cautions = Vec::new();
        let folder = session.globals.at(Path::new(what));
        let unlisted = existing::unlisted(&folder, &bundle.manifest, session.disk);
        let unlisted = unlisted.map_err(|error| vec![miette::Report::new(error)])?;
        if !unlisted.is_empty() {
            let (files, names) = (counted(unlisted.len(), "file"), some(&unlisted));
            cautions.push(format!(
                "`{what}` holds {files} that its manifest does not list, and nothing is known of: {names}"
            ));
        }
        match &read.checked {
            Ok(checked) if !self.no_artifacts => {
                let failed = |errors| vec![miette::Report::new(NotProved::of(what, &bundle.manifest.tool.version, errors))];
                build::prove(bundle, checked).map_err(failed)?;
            }
            Ok(_) | Err(_) => cautions.push(format!(
                "the files of `{what}` are those of its manifest; that they decide what its sources mean was not proved again"
            )),
        }
        Ok(cautions)
    }
}
