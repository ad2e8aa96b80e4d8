//! Files that are too large, cannot be read, lead outside, or are left out.

use std::io;
use std::path::Path;

use mcpctl::analysis;
use mcpctl::source::yaml::MOST_BYTES;
use mcpctl::workspace::{self, Disk, Input, ReadError};

use super::{BREAKER, one};
use crate::memory::{Files, shown};

#[test]
fn large_files_are_refused_and_twenty_megabytes_are_read() {
    let files = Files::of([("b.yaml", BREAKER)]).with("a.yaml", Ok(vec![b'#'; MOST_BYTES + 1]));
    assert_eq!(files.findings(), ["a.yaml:1:1 yaml-too-large"]);
    let folder = tempfile::tempdir().unwrap();
    let sparse = std::fs::File::create(folder.path().join("huge.yaml")).unwrap();
    sparse.set_len(100_000_000).unwrap();
    let workspace = workspace::read(&Input::Path(folder.path().to_path_buf()), &Disk, None).unwrap();
    assert_eq!(shown(&analysis::analyse(workspace, None)), ["huge.yaml:1:1 yaml-too-large"]);
    let line = "    - {name: m_total, type: counter, labels: [a, b]}\n";
    let mut large = "metrics_config:\n  custom_metrics:\n".to_owned();
    for number in 0..20_000_000 / line.len() {
        large.push_str(&line.replace("m_total", &format!("m{number}_total")));
    }
    assert!(large.len() > 20_000_000);
    assert_eq!(one(&large), Vec::<String>::new());
}

#[test]
fn files_that_cannot_be_read_are_findings_and_counted() {
    let files = Files::of([("b.yaml", "batch_processing: {batch_sise: 1}\n")])
        .with("a.yaml", Err(io::ErrorKind::PermissionDenied));
    let analysis = files.analyse();
    assert_eq!(shown(&analysis), ["a.yaml:1:1 unreadable-file", "b.yaml:1:20 unknown-key"]);
    assert_eq!(analysis.counts.unreadable, 1);
}

#[test]
fn nothing_to_read_and_nothing_there_are_errors() {
    assert!(matches!(Files::of([("a.txt", "")]).read(), Err(ReadError::Empty { .. })));
    let missing = workspace::read(&Input::Path("/nowhere/at/all".into()), &Disk, None);
    assert!(matches!(missing, Err(ReadError::Path { .. })));
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("mcpctl.yaml")).unwrap();
    std::fs::write(folder.path().join("a.yaml"), BREAKER).unwrap();
    let settings_is_a_folder = workspace::read(&Input::Path(folder.path().to_path_buf()), &Disk, None);
    assert!(matches!(settings_is_a_folder, Err(ReadError::Path { .. })));
}

#[cfg(unix)]
#[test]
fn links_never_lead_outside_and_loops_end() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("o.yaml"), BREAKER).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("sub/..data")).unwrap();
    std::fs::write(root.join("a.yaml"), BREAKER).unwrap();
    std::fs::write(root.join("sub/..data/mounted.yaml"), "batch_processing: {batch_sise: 1}\n").unwrap();
    symlink(outside.path().join("o.yaml"), root.join("out.yaml")).unwrap();
    symlink(outside.path(), root.join("outdir")).unwrap();
    symlink(root.join("a.yaml"), root.join("again.yaml")).unwrap();
    symlink("..data/mounted.yaml", root.join("sub/mounted.yaml")).unwrap();
    symlink(root, root.join("sub/loop")).unwrap();
    symlink("nowhere.yaml", root.join("broken.yaml")).unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let analysis = analysis::analyse(workspace, None);
    let expected = [
        "broken.yaml:1:1 unreadable-file",
        "out.yaml:1:1 link-outside-workspace",
        "outdir:1:1 link-outside-workspace",
        "sub/mounted.yaml:1:20 unknown-key",
    ];
    assert_eq!(shown(&analysis), expected);
    assert_eq!(analysis.counts.left_out.links, 2, "{:?}", analysis.counts);
    symlink(root.join("sub/..data"), root.join("hidden-folder")).unwrap();
    symlink(root.join("notes.txt"), root.join("renamed.yaml")).unwrap();
    std::fs::write(root.join("notes.txt"), "batch_processing: {batch_sise: 1}\n").unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let findings = shown(&analysis::analyse(workspace, None));
    for expected in ["hidden-folder:1:1 unreadable-file", "renamed.yaml:1:20 unknown-key"] {
        assert!(findings.iter().any(|finding| finding == expected), "{findings:?}");
    }
    let through_a_file = workspace::read(&Input::Path(Path::new(root).join("a.yaml")), &Disk, None).unwrap();
    assert_eq!(through_a_file.files.len(), 1);
}

#[test]
fn exclusions_are_counted_and_gitignore_is_not_honoured() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in
        ["a.yaml", "vendor/deep/x.yaml", "bundle/cedar/y.yaml", ".hidden/z.yaml", "env/prod/e.yaml", "ignored.yaml"]
    {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), if path == "a.yaml" { BREAKER } else { "batch_processing: {batch_sise: 1}\n" })
            .unwrap();
    }
    std::fs::write(root.join("bundle/bundle.json"), "{}").unwrap();
    std::fs::write(root.join(".gitignore"), "ignored.yaml\n").unwrap();
    std::fs::write(root.join("mcpctl.yaml"), "exclude: [vendor/**]\nenvironments: {prod: env/prod}\n").unwrap();
    let workspace = workspace::read(&Input::Path(root.to_path_buf()), &Disk, None).unwrap();
    let analysis = analysis::analyse(workspace, None);
    assert_eq!(shown(&analysis), ["ignored.yaml:1:20 unknown-key"]);
    assert_eq!((analysis.counts.left_out.hidden, analysis.counts.left_out.excluded), (2, 3));
}
