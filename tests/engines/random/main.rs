//! Writes random workspaces, most of them valid, for the tests of running products.
//!
//! `cargo run --example random -- FOLDER COUNT [FOLDER WITH FILES OF TLS]`

mod odd;
mod pools;
mod texts;
mod worlds;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: random FOLDER COUNT [TLS]";
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or(USAGE)?);
    let count: u64 = std::env::args().nth(2).ok_or(USAGE)?.parse()?;
    let tls = std::env::args().nth(3);
    for number in 0..count {
        let workspace = folder.join(format!("{number:04}"));
        fs::create_dir_all(&workspace)?;
        for (name, text) in worlds::workspace(number, tls.as_deref()) {
            fs::write(workspace.join(name), text)?;
        }
    }
    Ok(())
}
