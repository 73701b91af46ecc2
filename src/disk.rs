//! Files, each written whole or not at all, and nobody's work written over.
//!
//! A text is written to a new file in the same folder, brought to the disk, and put in the place of the old one
//! in one step. Whoever reads sees the old text or the new one, also after a crash, on a full disk, or with a
//! limit on the size of files. What is no regular file (`/dev/null`, a pipe) is written to as it is.
//!
//! Links: [`replace`] edits a file that the author named, so it writes what a symbolic link names and keeps the
//! link. [`create`] makes an output, whose name may have been taken by somebody else, so it refuses a symbolic
//! link to a file. The other names of a file with hard links keep the old text.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Those of the file that is replaced; everyone, of a new one.
    Usual,
    /// Its owner alone: plans and the sandbox's state.
    Owner,
}

/// Returns why a file cannot be used, as a sentence goes on: in words, without the operating system's number.
#[must_use]
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        _ => without_number(&error.to_string()),
    }
}

/// Returns a message without the operating system's numbers, `(os error 2)`.
#[must_use]
pub fn without_number(message: &str) -> String {
    let mut pieces = message.split(" (os error ");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|it: char| it.is_ascii_digit() || it == '-');
        text += rest.strip_prefix(')').unwrap_or(rest);
    }
    text
}

/// Puts a text in the place of an existing file's, through symbolic links.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    write(&path, text, Readers::Usual)
}

/// Writes an output, over an older one if need be.
pub fn create(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    if is_link && fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        return to_device(path, text);
    }
    if is_link {
        let target = fs::read_link(path)?;
        return Err(io::Error::other(format!(
            "it is a link to `{}`; name that file itself, or remove the link",
            target.display()
        )));
    }
    write(path, text, readers)
}

fn to_device(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut device = OpenOptions::new().write(true).open(path)?;
    device.write_all(text)?;
    device.flush()
}

fn write(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    if old.as_ref().is_some_and(|it| !it.is_file()) {
        return to_device(path, text);
    }
    let usual = old.filter(|_| readers == Readers::Usual);
    let is_open = readers == Readers::Usual && usual.is_none();
    let (beside, mut file) = beside(path, is_open)?;
    let written = (|| {
        file.write_all(text)?;
        if let Some(old) = usual {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    // The new name is lasting once the folder is on the disk; some file systems cannot be asked.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Opens a new file beside another, which everyone may read as far as the user's mask lets them, or its owner alone.
/// What a run left behind that was killed does not stand in the way.
fn beside(path: &Path, is_open: bool) -> io::Result<(PathBuf, File)> {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut tries = 0;
    loop {
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let own = format!(".{name}.{}-{number}.new", std::process::id());
        let beside = folder_of(path).join(own);
        match new(&beside, is_open) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn new(path: &Path, is_open: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mode = if is_open { 0o644 } else { 0o600 };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn new(path: &Path, _: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Whether two paths name one file, by whatever links.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    if let (Ok(a), Ok(b)) = (fs::metadata(one), fs::metadata(other)) {
        return a.is_file() && number(&a).is_some() && number(&a) == number(&b);
    }
    // What is not there yet has a folder all the same.
    let whole = |it: &Path| {
        let folder = fs::canonicalize(folder_of(it)).ok()?;
        Some(folder.join(it.file_name()?))
    };
    whole(one).is_some_and(|it| Some(it) == whole(other))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn number(of: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((of.dev(), of.ino()))
}

#[cfg(not(unix))]
fn number(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// How long another process may keep a file to itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes the lock of a file, once no other process has it; an error after a minute.
pub fn lock(file: &File) -> io::Result<()> {
    lock_within(file, PATIENCE)
}

fn lock_within(file: &File, patience: Duration) -> io::Result<()> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => {
                let time = patience.as_secs();
                let why = format!("another process has kept it locked for {time} s");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// A file that no other process edits for as long as this lives.
#[derive(Debug)]
pub struct Locked {
    // The operating system frees the lock when the process ends, however it ends.
    _file: File,
}

impl Locked {
    /// Waits until no other process edits a file.
    pub fn wait(path: &Path) -> io::Result<Self> {
        loop {
            let file = File::open(path)?;
            lock(&file)?;
            // Whoever had the lock may have put another file in this one's place.
            if number(&file.metadata()?) == number(&fs::metadata(path)?) {
                return Ok(Self { _file: file });
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// An empty folder, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("disk-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).expect("a folder");
            let mut names: Vec<String> = entries
                .map(|it| {
                    it.expect("an entry")
                        .file_name()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    }

    #[test]
    fn a_file_is_readable_by_whom_it_is_for() {
        let folder = Folder::new("modes");
        let (plan, text) = (folder.path("plan"), folder.path("text"));
        fs::write(&plan, "old").expect("written");
        create(&plan, b"new", Readers::Owner).expect("written");
        create(&text, b"new", Readers::Usual).expect("written");
        assert_eq!((mode(&plan), mode(&text)), (0o600, 0o644));
        fs::set_permissions(&text, fs::Permissions::from_mode(0o640)).expect("set");
        replace(&text, b"newer").expect("written");
        assert_eq!(mode(&text), 0o640);
        assert_eq!(folder.names(), ["plan", "text"]);
    }

    #[test]
    fn an_edit_goes_through_a_link_and_an_output_does_not() {
        let folder = Folder::new("links");
        let (file, link) = (folder.path("file"), folder.path("link"));
        fs::write(&file, "old").expect("written");
        symlink(&file, &link).expect("linked");
        replace(&link, b"new").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("read"), "new");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        let refused = create(&link, b"newer", Readers::Usual).expect_err("a link");
        assert!(refused.to_string().contains("is a link to"), "{refused}");
        assert_eq!(fs::read_to_string(&file).expect("read"), "new");
        assert!(is_same(&file, &link) && !is_same(&file, &folder.path("other")));
        fs::hard_link(&file, folder.path("hard")).expect("linked");
        assert!(is_same(&file, &folder.path("hard")));
        assert!(is_same(&folder.path("none"), &folder.path("./none")));
    }

    #[test]
    fn an_error_is_told_in_words() {
        let folder = Folder::new("why");
        let of = |path: &Path| why(&fs::read_to_string(path).expect_err("an error"));
        assert_eq!(of(&folder.path("none")), "it does not exist");
        assert_eq!(of(&folder.path(".")), "it is a folder");
        fs::write(folder.path("file"), "").expect("written");
        assert_eq!(
            of(&folder.path("file/x")),
            "a part of its path is not a folder"
        );
        assert_eq!(
            why(&io::Error::from_raw_os_error(28)),
            "No space left on device"
        );
        assert_eq!(without_number("a (os error 2): b (os error -5)"), "a: b");
        assert_eq!(without_number("a (os error"), "a (os error");
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        create(Path::new("/dev/null"), b"x", Readers::Owner).expect("written");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
        let full = create(Path::new("/dev/full"), b"x", Readers::Owner).expect_err("full");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn what_a_killed_run_left_is_in_nobodys_way() {
        let folder = Folder::new("leftover");
        let file = folder.path("file");
        for number in 0..200 {
            let name = format!(".file.{}-{number}.new", std::process::id());
            fs::write(folder.path(&name), "left").expect("written");
        }
        create(&file, b"new", Readers::Usual).expect("written");
        assert_eq!(fs::read_to_string(&file).expect("read"), "new");
    }

    #[test]
    fn nobody_waits_for_a_lock_without_an_end() {
        let folder = Folder::new("patience");
        let file = folder.path("file");
        fs::write(&file, "").expect("written");
        let open = || File::open(&file).expect("it opens");
        let held = open();
        lock(&held).expect("free");
        let refused = lock_within(&open(), Duration::from_millis(20)).expect_err("held");
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        drop(held);
        lock_within(&open(), Duration::from_millis(20)).expect("free again");
    }

    #[test]
    fn a_lock_is_of_the_file_that_has_the_name() {
        let folder = Folder::new("locks");
        let file = folder.path("file");
        fs::write(&file, "0").expect("written");
        let add = || {
            for _ in 0..20 {
                let _locked = Locked::wait(&file).expect("locked");
                let old: u32 = fs::read_to_string(&file)
                    .expect("read")
                    .parse()
                    .expect("a number");
                replace(&file, (old + 1).to_string().as_bytes()).expect("written");
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(add);
            }
        });
        assert_eq!(fs::read_to_string(&file).expect("read"), "80");
    }
}
