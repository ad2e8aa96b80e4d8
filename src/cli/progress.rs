//! A progress bar for the runs that take longer than a person likes to wait, and only for a person.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::workspace::{Entry, Reader};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);

/// A reader that counts what it has read.
struct Counting<'a> {
    inner: &'a dyn Reader,
    found: AtomicU64,
    read: AtomicU64,
}

impl Reader for Counting<'_> {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        self.inner.is_folder(path)
    }

    fn walk(&self, root: &Path, skip: &mut dyn FnMut(&str) -> bool) -> io::Result<Vec<Entry>> {
        let entries = self.inner.walk(root, skip)?;
        let files = entries
            .iter()
            .filter(|entry| [".yaml", ".yml", ".cedar"].iter().any(|ending| entry.name.ends_with(ending)));
        self.found.store(files.count() as u64, Ordering::Relaxed);
        Ok(entries)
    }

    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let bytes = self.inner.read(path, most);
        self.read.fetch_add(1, Ordering::Relaxed);
        bytes
    }
}

/// Does the work, which reads through the reader that it is given. Where somebody watches, a bar on standard error shows
/// how far it is, from the second second on, and is gone when the work is done.
pub fn watched<T>(watch: bool, reader: &dyn Reader, work: impl FnOnce(&dyn Reader) -> T) -> T {
    if !watch {
        return work(reader);
    }
    let counting = Counting { inner: reader, found: AtomicU64::new(0), read: AtomicU64::new(0) };
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let counting = &counting;
        scope.spawn(move || {
            if waiting.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            loop {
                let (found, read) = (counting.found.load(Ordering::Relaxed), counting.read.load(Ordering::Relaxed));
                bar.set_length(found);
                bar.set_position(read.min(found));
                bar.set_message(if found > 0 && read >= found { "checking" } else { "reading" });
                bar.tick();
                if waiting.recv_timeout(REDRAW) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            bar.finish_and_clear();
        });
        let result = work(counting);
        drop(done);
        result
    })
}
