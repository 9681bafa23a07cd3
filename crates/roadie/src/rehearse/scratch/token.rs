//! The token of a rehearsal's API: made for each, and left where only its user can read it.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, bail};
use chassis::bearer;
use rustix::fs::{FlockOperation, flock};

use super::{LOCK, OTHERS, called_so, open_folder, open_own};

/// More than a token has.
const MOST_BYTES: u64 = 256;

/// What has to be shown to the API. Cheap enough to clone; never printed.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut bytes))
            .context("cannot read random numbers from /dev/urandom")?;
        let mut text = String::new();
        for byte in bytes {
            // Writing into a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// That of this user's rehearsal whose API listens on `port`.
    ///
    /// # Errors
    /// There is none that can be used: the message says where it was looked for, and what is wrong.
    pub(crate) fn of_running(port: u16) -> anyhow::Result<Self> {
        let all = std::env::temp_dir();
        let name = file(port);
        let mut unusable = None;
        for folder in called_so(&all) {
            let found = open_folder(&folder).and_then(|folder| {
                let token = open_own(&folder, &name)?;
                // A lock that nobody holds is that of a rehearsal that was killed.
                let free = |lock| flock(lock, FlockOperation::NonBlockingLockShared).is_ok();
                let lock = open_own(&folder, LOCK);
                Ok((token, !lock.is_ok_and(free)))
            });
            let path = folder.join(&name).display().to_string();
            match found {
                Ok((_, false)) => {}
                Ok((token, true)) => return read(token).context(path),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // Another user's folder, which is closed to this one.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                Err(error) => unusable = Some(anyhow::Error::new(error).context(path)),
            }
        }
        let looked = format!("{}/roadie-*/{name}", all.display());
        Err(unusable.unwrap_or_else(|| {
            anyhow::anyhow!(
                "no token at {looked}: no rehearsal listens there, or it is another user's or has \
                 another TMPDIR"
            )
        }))
    }

    /// What is written to a file, or sent to a rehearsal.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is the token; how long that takes says nothing about how much of it is right.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        bearer::is_same(self.0.as_bytes(), shown)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The name of the file with the token for the API on `port`.
pub(super) fn file(port: u16) -> String {
    format!("control-{port}.token")
}

/// Whether that is the name of such a file.
pub(super) fn is_file(name: &str) -> bool {
    let port = name.strip_prefix("control-");
    let port = port.and_then(|rest| rest.strip_suffix(".token"));
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

fn read(file: File) -> anyhow::Result<Token> {
    let mode = file.metadata()?.mode();
    if mode & OTHERS != 0 {
        bail!("others can read it: its mode is {:o}", mode & 0o777);
    }
    let mut text = String::new();
    let read: io::Result<_> = file.take(MOST_BYTES).read_to_string(&mut text);
    read?;
    Ok(Token(text.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_like_no_other_and_not_shown() {
        let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.expose().len(), 64);
        assert!(one.is(one.expose().as_bytes()));
        assert!(!one.is(two.expose().as_bytes()));
        assert!(!one.is(b""));
        assert!(!one.is(&one.expose().as_bytes()[..63]));
        assert!(!one.is(format!("{}0", one.expose()).as_bytes()));
        assert_eq!(format!("{one:?}"), "Token(…)");
    }

    #[test]
    fn the_name_of_a_token_file_has_a_port() {
        assert!(is_file(&file(8081)));
        for name in ["control-.token", "control-x.token", "control-65536.token"] {
            assert!(!is_file(name), "{name}");
        }
    }
}
