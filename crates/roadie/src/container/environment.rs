//! Which variables a process of this machine is given.
//!
//! A container keeps to itself what its variables do; a process of the rehearsal runs with its user's rights.
//! So what makes the loader or the C library load, read or write something else is refused: what glibc itself
//! ignores in programs with more rights than their user
//! (<https://sourceware.org/git/?p=glibc.git;a=blob;f=sysdeps/generic/unsecvars.h>), and macOS's counterparts.
//! `TMPDIR` stays, which only names a folder, and so do `PATH`, `HOME`, `ENV` and `BASH_ENV`: the suite's
//! programs start no other program and no shell.

/// Families of such variables, by what their names begin with.
const FAMILIES: [&str; 4] = ["LD_", "DYLD_", "MALLOC_", "Malloc"];

/// Such variables with a name of their own.
const SINGLE: [&str; 11] = [
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "LOCPATH",
    "NIS_PATH",
    "NLSPATH",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "TZDIR",
];

/// Whether a process of this machine may be given the variable; its value is not in the message.
///
/// # Errors
/// Says why not.
pub(crate) fn check(name: &str, value: &str) -> Result<(), String> {
    let why = if name.is_empty() {
        "a name has at least one letter"
    } else if name.contains('=') || name.contains(char::is_control) {
        "a name has no `=` and no control character"
    } else if value.contains('\0') {
        "a value has no NUL"
    } else if is_harmful(name) {
        "the loader or the C library acts on it, outside of a container: --engine docker can take it"
    } else {
        return Ok(());
    };
    Err(format!("variable {name:?}: {why}"))
}

fn is_harmful(name: &str) -> bool {
    FAMILIES.iter().any(|family| name.starts_with(family)) || SINGLE.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_the_c_library_acts_on_is_refused_and_nothing_that_looks_like_it() {
        for name in [
            "LD_PRELOAD",
            "LD_",
            "MALLOC_TRACE",
            "TZDIR",
            "DYLD_PRINT_TO_FILE",
        ] {
            assert!(check(name, "x").is_err(), "{name}");
        }
        for name in [
            "LDAP_URL",
            "LD",
            "ld_preload",
            "TZ",
            "PATH",
            "TMPDIR",
            "RUST_LOG",
        ] {
            assert_eq!(check(name, "x"), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_message_names_the_variable_and_not_its_value() {
        for (name, value) in [
            ("A=B", "hunter2"),
            ("", "hunter2"),
            ("A", "hunter2\0"),
            ("A\0", ""),
        ] {
            let message = check(name, value).unwrap_err();
            assert!(message.contains(&format!("{name:?}")), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
