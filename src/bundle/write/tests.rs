//! The writer on a real file system that fails at each step.

use std::cell::Cell;
use std::fs;

use super::super::disk::Mark;
use super::super::manifest::Settings;
use super::super::{Artifact, Bundle};
use super::*;
use crate::source::Sources;

fn bundle(content: &str) -> Bundle {
    let artifact = |bytes: String| Artifact { bytes: bytes.into_bytes(), from: Vec::new() };
    let artifacts = BTreeMap::from([
        ("cedar/policies.cedar".to_owned(), artifact(format!("policies of {content}"))),
        ("cedar/deep/entities.json".to_owned(), artifact(format!("entities of {content}"))),
    ]);
    let manifest = Manifest::new(&artifacts, &Sources::new(), content, Settings::default(), Vec::new());
    Bundle { artifacts, manifest }
}

/// Which bundle is whole at `out`.
fn whole(out: &Path) -> Option<String> {
    let manifest = Manifest::parse(&fs::read(out.join(MANIFEST)).ok()?)?;
    let good = |file: &super::super::manifest::File| {
        fs::read(out.join(&file.path)).is_ok_and(|bytes| sha256(&bytes) == file.sha256)
    };
    (manifest.files.len() == 2 && manifest.files.iter().all(good)).then_some(manifest.sources)
}

fn names_in(folder: &Path) -> Vec<String> {
    FileSystem.list(folder).unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// One operation fails, in the middle, and the run goes on.
    Fails,
    /// The run ends in the middle of one operation.
    Killed,
    /// The folders cannot be changed at all.
    Unwritable,
}

struct Faulty {
    fault: Fault,
    at: usize,
    done: Cell<usize>,
}

impl Faulty {
    fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at, done: Cell::new(0) }
    }

    /// Whether the operation is to be done, half done, or not at all.
    fn step(&self) -> io::Result<bool> {
        let step = self.done.get();
        self.done.set(step + 1);
        let stop = |kind: io::ErrorKind| Err(io::Error::from(kind));
        match self.fault {
            Fault::Unwritable => stop(io::ErrorKind::PermissionDenied),
            Fault::Killed if step > self.at => stop(io::ErrorKind::Interrupted),
            Fault::Fails | Fault::Killed => Ok(step != self.at),
        }
    }

    fn alive(&self) -> io::Result<()> {
        if self.fault == Fault::Killed && self.done.get() > self.at {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    fn change(&self, whole: impl FnOnce() -> io::Result<()>, half: impl FnOnce()) -> io::Result<()> {
        if self.step()? {
            return whole();
        }
        half();
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Disk for Faulty {
    fn kind(&self, path: &Path) -> io::Result<PathKind> {
        self.alive()?;
        FileSystem.kind(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.alive()?;
        FileSystem.list(folder)
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        self.alive()?;
        FileSystem.read(file)
    }
    fn create_all(&self, folder: &Path) -> io::Result<()> {
        self.change(|| FileSystem.create_all(folder), || {})
    }
    fn create(&self, folder: &Path) -> io::Result<()> {
        self.change(|| FileSystem.create(folder), || {})
    }
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.change(|| FileSystem.write(file, bytes), || fs::write(file, &bytes[..bytes.len() / 2]).unwrap())
    }
    fn flush(&self, file: &Path) -> io::Result<()> {
        self.change(|| FileSystem.flush(file), || {})
    }
    fn sync(&self, folder: &Path) -> io::Result<()> {
        self.change(|| FileSystem.sync(folder), || {})
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| FileSystem.rename(from, to), || {})
    }
    fn remove(&self, folder: &Path) -> io::Result<()> {
        let half = || {
            let _ = fs::remove_file(folder.join("cedar/policies.cedar"));
        };
        self.change(|| FileSystem.remove(folder), half)
    }
    fn mark(&self, folder: &Path) -> io::Result<Marked> {
        self.alive()?;
        FileSystem.mark(folder)
    }
}

/// How many operations a whole run takes.
fn steps(out: &Path) -> usize {
    let counting = Faulty::new(Fault::Fails, usize::MAX);
    write(&bundle("count"), out, false, &counting).unwrap();
    counting.done.get()
}

#[test]
fn a_bundle_is_written_and_replaced_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b/out");
    for content in ["first", "second"] {
        write(&bundle(content), &out, false, &FileSystem).unwrap();
        assert_eq!(whole(&out).as_deref(), Some(content));
        assert_eq!(names_in(&folder.path().join("a/b")), ["out"]);
    }
}

#[test]
fn a_fault_at_any_step_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let total = steps(&folder.path().join("count")) + 2;
    for first in [true, false] {
        for fault in [Fault::Fails, Fault::Killed] {
            for at in 0..total {
                let folder = tempfile::tempdir().unwrap();
                let out = folder.path().join("out");
                if !first {
                    write(&bundle("old"), &out, false, &FileSystem).unwrap();
                }
                let result = write(&bundle("new"), &out, false, &Faulty::new(fault, at));
                let there = whole(&out);
                let case = format!("first {first}, killed {}, step {at}: {result:?}", fault == Fault::Killed);
                if result.is_ok() {
                    assert_eq!(there.as_deref(), Some("new"), "{case}");
                }
                if fault == Fault::Fails {
                    assert!(there.is_some() || first, "{case}");
                    assert!(there.is_some() || !out.exists(), "{case}");
                }
                Destination::of(&out).unwrap().recover(&FileSystem).unwrap();
                let there = whole(&out);
                assert!(if first { there.is_some() || !out.exists() } else { there.is_some() }, "{case}");
                assert!(
                    names_in(folder.path()).iter().all(|name| name == "out"),
                    "{case}: {:?}",
                    names_in(folder.path())
                );
                write(&bundle("next"), &out, false, &FileSystem).unwrap();
                assert_eq!(whole(&out).as_deref(), Some("next"), "{case}");
            }
        }
    }
}

#[test]
fn between_the_two_renames_the_old_bundle_is_whole_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&bundle("old"), &out, false, &FileSystem).unwrap();
    fs::rename(&out, folder.path().join(".out.mcpctl-old")).unwrap();
    let refused = write(&bundle("new"), &out, false, &Faulty::new(Fault::Killed, 3));
    assert!(refused.is_err());
    assert_eq!(whole(&out).as_deref(), Some("old"));
}

#[test]
fn an_unwritable_folder_is_an_error_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&bundle("old"), &out, false, &FileSystem).unwrap();
    let error = write(&bundle("new"), &out, false, &Faulty::new(Fault::Unwritable, 0)).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().starts_with("cannot make the folder `"), "{error}");
    assert!(cause.contains("permission denied"), "{cause}");
    assert_eq!(whole(&out).as_deref(), Some("old"));
}

#[test]
fn foreign_files_are_named_and_kept() {
    let check = |change: &dyn Fn(&Path), named: &str| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        write(&bundle("old"), &out, false, &FileSystem).unwrap();
        change(&out);
        let error = write(&bundle("new"), &out, false, &FileSystem).unwrap_err().to_string();
        assert!(error.ends_with(named), "{error}");
        write(&bundle("new"), &out, true, &FileSystem).unwrap();
        assert_eq!(whole(&out).as_deref(), Some("new"));
        assert_eq!(names_in(folder.path()), ["out"]);
    };
    check(&|out| fs::write(out.join("cedar/mine.txt"), "x").unwrap(), "did not write: `cedar/mine.txt`");
    check(&|out| fs::write(out.join("cedar/policies.cedar"), "x").unwrap(), "`cedar/policies.cedar` (changed since)");
    check(&|out| fs::remove_file(out.join(MANIFEST)).unwrap(), "`cedar/deep/entities.json`, `cedar/policies.cedar`");
    check(
        &|out| fs::write(out.join(MANIFEST), "{}").unwrap(),
        "`bundle.json`, `cedar/deep/entities.json`, `cedar/policies.cedar`",
    );
    check(&|out| (0..30).for_each(|n| fs::write(out.join(format!("x{n:02}")), "").unwrap()), "`x09`, 20 more");
}

#[test]
fn missing_files_and_empty_folders_are_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("empty")).unwrap();
    write(&bundle("old"), &out, false, &FileSystem).unwrap();
    fs::remove_file(out.join("cedar/policies.cedar")).unwrap();
    write(&bundle("new"), &out, false, &FileSystem).unwrap();
    assert_eq!(whole(&out).as_deref(), Some("new"));
}

#[test]
fn an_output_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let error = write(&bundle("new"), &file, true, &FileSystem).unwrap_err().to_string();
    assert!(error.ends_with("is a file, not a folder"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    for path in ["..", "/", ".", "a/.."] {
        let error = write(&bundle("new"), Path::new(path), true, &FileSystem).unwrap_err();
        assert!(matches!(error, WriteError::NoFolder(_)), "{path}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_refused_and_never_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link, out) = (folder.path().join("real"), folder.path().join("link"), folder.path().join("out"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("mine"), "x").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let error = write(&bundle("new"), &link, true, &FileSystem).unwrap_err().to_string();
    assert!(error.ends_with("is a symbolic link, not a folder"), "{error}");
    write(&bundle("old"), &out, false, &FileSystem).unwrap();
    std::os::unix::fs::symlink(&real, out.join("inside")).unwrap();
    let error = write(&bundle("new"), &out, false, &FileSystem).unwrap_err().to_string();
    assert!(error.ends_with("`inside`"), "{error}");
    write(&bundle("new"), &out, true, &FileSystem).unwrap();
    assert!(real.join("mine").exists());
}

#[cfg(unix)]
#[test]
fn a_live_run_keeps_others_out_and_a_dead_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let new = folder.path().join(".out.mcpctl-new.1");
    fs::create_dir(&new).unwrap();
    let Ok(Marked::Ours(mark)) = FileSystem.mark(&new) else { panic!("the mark is free") };
    let mark: Mark = mark;
    let error = write(&bundle("new"), &out, false, &FileSystem).unwrap_err();
    assert!(matches!(error, WriteError::InUse(_)), "{error}");
    assert!(new.exists());
    drop(mark);
    write(&bundle("new"), &out, false, &FileSystem).unwrap();
    assert_eq!(names_in(folder.path()), ["out"]);
}
