//! `mcpctl init`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::refusal::Refusal;
use super::{Exit, Outcome, Session};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  mcpctl init fleet                        into the folder fleet, made where it does not exist
  mcpctl validate fleet                    no findings
  mcpctl compile fleet --out build/policy  and then write your own";

/// The files of a new workspace. They are complete and free of findings; a test runs both commands on them.
const FILES: &[(&str, &str)] = &[
    ("mcpctl.yaml", include_str!("init/mcpctl.yaml")),
    ("registry.yaml", include_str!("init/registry.yaml")),
    ("access.yaml", include_str!("init/access.yaml")),
    ("workflows.yaml", include_str!("init/workflows.yaml")),
    ("tests.yaml", include_str!("init/tests.yaml")),
];

/// Starts a workspace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// The folder to start it in
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
}

impl Init {
    /// Runs it. Nothing is written where one of the files exists.
    ///
    /// # Errors
    /// Where a file exists or cannot be written.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let folder = session.globals.at(&self.folder);
        let files: Vec<_> = FILES.iter().map(|(name, text)| (folder.join(name), *text)).collect();
        // A link that leads nowhere is in the way, too.
        let paths: Vec<_> = files.iter().map(|(path, _)| path).filter(|path| path.symlink_metadata().is_ok()).collect();
        if !paths.is_empty() {
            return Err(Refusal::Exists { paths: paths.into_iter().cloned().collect() }.into());
        }
        std::fs::create_dir_all(&folder).map_err(|error| Refusal::write(&folder, error))?;
        for (path, text) in &files {
            std::fs::File::create_new(path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| Refusal::write(path, error))?;
        }
        session.say(&format!("wrote {} to {}", counted(files.len(), "file"), folder.display()))?;
        for (name, _) in FILES {
            session.say(&format!("  {name}"))?;
        }
        session.say(&format!("try `mcpctl validate {0}`, then `mcpctl compile {0}`", folder.display()))?;
        Ok(Exit::Clean)
    }
}
