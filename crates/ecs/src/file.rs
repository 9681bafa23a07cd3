//! Reading a file that somebody names: a regular one, of a bounded size, and from where it belongs.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use rustix::fs::OFlags;

/// The largest file that is read: no call of AWS takes as much, and reading it takes no time.
pub const MOST_BYTES: u64 = 8 << 20;

/// Why a file that is there is not read; inside of an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A folder, a pipe, a device, a socket.
    #[error("not a regular file")]
    NotRegular,
    /// Larger than [`MOST_BYTES`].
    #[error("larger than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    /// Not below the folder it has to be in, be it by its path or by a link on the way.
    #[error("outside of the folder that it has to be in")]
    Outside,
}

impl Refusal {
    /// The refusal inside of an error, if it is one.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::InvalidInput, refusal)
    }
}

/// Reads a regular file of at most [`MOST_BYTES`]. A pipe or device is refused at once.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    contents(open(path)?)
}

/// As [`read`], for a file that has to be below `root`, which is a canonical path: links may not lead out.
pub fn read_below(path: &Path, root: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let real = fs::canonicalize(path)?;
    if !real.starts_with(root) {
        return Err(Refusal::Outside.into());
    }
    // Somebody may have changed a link between the two: what was opened has to be what was looked at.
    let (opened, seen) = (file.metadata()?, fs::metadata(&real)?);
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        return Err(Refusal::Outside.into());
    }
    contents(file)
}

/// The folder that the files of the layout in `dir` have to be in: the one above, which layouts share.
pub fn root(dir: &Path) -> io::Result<PathBuf> {
    let above = match (dir.file_name(), dir.parent()) {
        (Some(_), Some(above)) if above.as_os_str().is_empty() => Path::new("."),
        (Some(_), Some(above)) => above,
        // `.` and `..` have no name that could be taken back.
        _ => {
            let real = fs::canonicalize(dir)?;
            return Ok(real.parent().map_or(real.clone(), Path::to_owned));
        }
    };
    fs::canonicalize(above)
}

/// Whether `file`, seen from a layout's folder, leaves the folder above it.
pub(crate) fn leaves(file: &str) -> bool {
    let mut depth = 1_u32;
    !Path::new(file)
        .components()
        .all(|component| match component {
            Component::Normal(_) => {
                depth += 1;
                true
            }
            Component::CurDir => true,
            Component::ParentDir if depth > 0 => {
                depth -= 1;
                true
            }
            _ => false,
        })
}

/// Without waiting for whoever may be at the other end of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn contents(file: File) -> io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Refusal::NotRegular.into());
    }
    // It may grow meanwhile.
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(Refusal::TooLarge.into()),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_may_go_up_once() {
        for file in [
            "a.json",
            "./a.json",
            "deep/a.json",
            "../common/a.json",
            "a/../../b/c.json",
        ] {
            assert!(!leaves(file), "{file}");
        }
        for file in [
            "/etc/passwd",
            "../../a.json",
            "../a/../../b.json",
            "a/../../../b",
        ] {
            assert!(leaves(file), "{file}");
        }
    }

    #[test]
    fn a_folder_is_refused_and_says_why() {
        let error = read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
        assert_eq!(Refusal::of(&error), Some(Refusal::NotRegular));
        let error = read(Path::new("no such file")).unwrap_err();
        assert_eq!(Refusal::of(&error), None);
    }

    #[test]
    fn a_layout_s_files_are_below_the_folder_above_it() {
        let here = fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap();
        assert_eq!(root(&here.join("src")).unwrap(), here);
        assert_eq!(root(Path::new("src")).unwrap(), here);
        assert_eq!(root(Path::new(".")).unwrap(), here.parent().unwrap());
        assert_eq!(root(Path::new("/")).unwrap(), Path::new("/"));
    }
}
