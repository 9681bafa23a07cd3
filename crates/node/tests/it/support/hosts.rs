//! A hosts file of a test's own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) struct HostsFile(PathBuf);

impl HostsFile {
    /// An empty file; `test` makes its name unique.
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("hosts-{test}-{}", std::process::id());
        let file = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        file.write(&[]);
        file
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Replaces what it says, at once for whoever reads it.
    pub(crate) fn write(&self, hosts: &[(&str, SocketAddr)]) {
        let mut text = String::new();
        for (name, address) in hosts {
            writeln!(text, "{address} {name}").unwrap();
        }
        let new = self.0.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.0).unwrap();
    }
}

impl Drop for HostsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
