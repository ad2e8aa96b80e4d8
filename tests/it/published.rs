//! Where the schemas lie that products publish of their own files. None of them is part of this repository.
//!
//! Those of products with a Go module are installed by `tests/engines/install_crds`: where they are missing, that is said, and
//! with `MCPCTL_REQUIRE_ENGINES=1` it is a failure. Those that no registry has are read from a folder beside the repository,
//! where they are there; `tests/run` counts those that are not by their names.

use std::path::{Path, PathBuf};

/// The folder that `tests/engines/install_crds` makes.
fn installed() -> PathBuf {
    if let Some(folder) = std::env::var_os("MCPCTL_CRDS") {
        return PathBuf::from(folder);
    }
    let script = include_str!("../engines/install_crds");
    let version = script.lines().find_map(|line| line.strip_prefix("version=")).expect("the script has a version");
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    cache.or(home).unwrap_or_default().join("mcpctl").join(format!("crds-{version}"))
}

/// The published schema of that name, of a product with a Go module; `None` where it is not installed.
pub fn from_module(name: &str) -> Option<PathBuf> {
    let path = installed().join(name);
    if path.is_file() {
        return Some(path);
    }
    let required = std::env::var_os("MCPCTL_REQUIRE_ENGINES").is_some();
    assert!(!required, "{} is missing: tests/engines/install_crds installs it", path.display());
    println!("skipped: {name} is not installed; tests/engines/install_crds does that");
    None
}

/// The published schema of that name, of a product that no registry has; `None` where it is not at hand.
pub fn without_registry(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/crds").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {name} is not at hand, and no registry has it");
    None
}
