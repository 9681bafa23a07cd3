//! A path pattern: `*` for any characters, `?` for exactly one, everything else for itself.

/// The most characters AWS takes in a pattern.
const MAX_CHARS: usize = 128;

/// What a pattern may contain besides letters and digits, by the ELB API reference.
const SIGNS: &str = "_-.$/~\"'@:+&*?";

/// A checked path pattern. Case counts, and the whole path must match: `/ping` is not `/ping/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(String);

/// Why a text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing in it.
    #[error("a path pattern cannot be empty")]
    Empty,
    /// More than 128 characters.
    #[error("a path pattern has at most {MAX_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// A character AWS does not take.
    #[error("a path pattern cannot contain {0:?}")]
    Character(char),
}

impl PathPattern {
    /// Checks `pattern` as AWS does.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let length = pattern.chars().count();
        if length == 0 {
            return Err(PatternError::Empty);
        }
        if length > MAX_CHARS {
            return Err(PatternError::TooLong(length));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
        match pattern.chars().find(|c| !allowed(*c)) {
            Some(c) => Err(PatternError::Character(c)),
            None => Ok(Self(pattern.to_owned())),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `path` matches; `path` comes without its query.
    ///
    /// On a mismatch only the last `*` takes one more character, never an earlier one: what the
    /// earlier ones took can stay as it is. So the work is at most the path's length times 128,
    /// however many stars there are.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let (pattern, path) = (self.0.as_bytes(), path.as_bytes());
        let (mut at, mut read) = (0, 0);
        let mut last_star: Option<(usize, usize)> = None;
        while let Some(byte) = path.get(read) {
            match pattern.get(at) {
                Some(b'*') => {
                    last_star = Some((at, read));
                    at += 1;
                }
                Some(sign) if *sign == b'?' || sign == byte => {
                    at += 1;
                    read += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else {
                        return false;
                    };
                    last_star = Some((star, taken + 1));
                    (at, read) = (star + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|sign| *sign == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::new(pattern).unwrap().matches(path)
    }

    #[test]
    fn a_pattern_matches_the_whole_path_or_nothing() {
        let table = [
            ("/", "/", true),
            ("/", "/ping", false),
            ("/", "", false),
            ("/ping", "/ping", true),
            ("/ping", "/ping/", false),
            ("/ping", "/PING", false),
            ("/ping", "/pin", false),
            ("/ping", "/pingpong", false),
            ("/img/*", "/img/", true),
            ("/img/*", "/img/a/b.png", true),
            ("/img/*", "/img", false),
            ("*", "", true),
            ("*", "/anything", true),
            ("**", "/", true),
            ("/*.png", "/a.png.png", true),
            ("/*.png", "/a.png.jpg", false),
            ("/*/b/*/d", "/a/b/b/c/d", true),
            ("/*/b/*/d", "/a/c/d", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xbxa", false),
            ("/p?ng", "/ping", true),
            ("/p?ng", "/png", false),
            ("/ping?", "/ping", false),
            ("/ping?", "/ping/", true),
            ("/?*", "/", false),
            ("/?*", "/x", true),
            ("/a.c", "/abc", false),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn many_stars_do_not_make_it_slow() {
        let pattern = "a*".repeat(63) + "b";
        // Trying every way to share 100 000 characters among 63 stars would never end.
        assert!(!matches(&pattern, &"a".repeat(100_000)));
        assert!(matches(&pattern, &("a".repeat(100_000) + "b")));
    }

    #[test]
    fn a_pattern_has_1_to_128_characters_that_aws_takes() {
        assert!(PathPattern::new(&"/".repeat(128)).is_ok());
        assert!(PathPattern::new("/Az09_-.$/~\"'@:+&*?").is_ok());
        let long = PathPattern::new(&"/".repeat(129));
        assert_eq!(long, Err(PatternError::TooLong(129)));
        assert_eq!(PathPattern::new(""), Err(PatternError::Empty));
        for bad in ['%', '#', ' ', '{', 'ä'] {
            let pattern = format!("/{bad}");
            assert_eq!(
                PathPattern::new(&pattern),
                Err(PatternError::Character(bad))
            );
        }
    }
}
