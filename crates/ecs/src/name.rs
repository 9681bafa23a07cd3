//! The names that AWS accepts: each pattern once, with the page it comes from.

use std::{ops::RangeInclusive, path::Path};

use serde_json::Value;

use crate::{Call, Error, printable, template};

mod fields;
pub mod patterns;

/// What AWS accepts as the name of one kind of object.
#[derive(Debug)]
pub struct Pattern {
    /// What it is the name of, for example `cluster name`.
    pub what: &'static str,
    /// The same for people.
    pub accepts: &'static str,
    /// Where AWS says so.
    pub page: &'static str,
    /// How many characters.
    length: RangeInclusive<usize>,
    /// Which ones.
    sign: fn(char) -> bool,
    /// What else must hold of the whole.
    whole: fn(&str) -> bool,
}

impl Pattern {
    /// Whether AWS accepts `text`.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        // Bytes first: counting the letters of something huge is not worth it.
        text.len() <= self.length.end() * 4
            && self.length.contains(&text.chars().count())
            && text.chars().all(self.sign)
            && (self.whole)(text)
    }

    /// Accepts `text`.
    ///
    /// # Errors
    /// AWS would not: the text, escaped, and what AWS accepts instead.
    pub fn check(&self, text: &str) -> Result<(), String> {
        match self.fits(text) {
            true => Ok(()),
            false => Err(self.refusal(text)),
        }
    }

    /// As [`Self::check`], for a text that may have variables, of which nothing is known.
    pub(crate) fn check_template(&self, text: &str) -> Result<(), String> {
        let mut pieces = template::pieces(text).peekable();
        let Some(first) = pieces.next() else {
            return self.check(text);
        };
        if pieces.peek().is_none() {
            return self.check(first);
        }
        let mut pieces = std::iter::once(first).chain(pieces);
        match pieces.all(|piece| piece.chars().all(self.sign)) {
            true => Ok(()),
            false => Err(self.refusal(text)),
        }
    }

    fn refusal(&self, text: &str) -> String {
        const SHOWN: usize = 80;
        let mut shown: String = printable::line(text).chars().take(SHOWN).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        let Self { what, accepts, .. } = self;
        format!("`{shown}` is no {what} that AWS accepts: {accepts}")
    }
}

/// Where the bodies of `call` have names: the way to each, and what AWS accepts there. `[]` on the way
/// is each element of a list, `{key}` and `{value}` each of an object's members.
pub(crate) fn fields(
    call: Call,
) -> impl Iterator<Item = (&'static [&'static str], &'static Pattern)> {
    let fields = fields::ALL
        .iter()
        .filter(move |field| field.0.contains(&call));
    fields.flat_map(|field| field.1.iter().copied())
}

/// Holds the names in `body`, the input of `call`, against AWS's patterns; variables are filled in later.
pub(crate) fn check_template(call: Call, file: &Path, body: &Value) -> Result<(), Error> {
    check(call, file, body, Pattern::check_template)
}

/// As [`check_template`], for a body that has no variables any more.
pub(crate) fn check_rendered(call: Call, file: &Path, body: &Value) -> Result<(), Error> {
    check(call, file, body, Pattern::check)
}

type Check = fn(&Pattern, &str) -> Result<(), String>;

fn check(call: Call, file: &Path, body: &Value, check: Check) -> Result<(), Error> {
    for (way, pattern) in fields(call) {
        walk(body, way, "", &mut |field, text| {
            check(pattern, text).map_err(|message| Error::field(file, field, message))
        })?;
    }
    Ok(())
}

fn walk(
    value: &Value,
    way: &[&str],
    field: &str,
    each: &mut impl FnMut(&str, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some((step, rest)) = way.split_first() else {
        return value.as_str().map_or(Ok(()), |text| each(field, text));
    };
    let dot = if field.is_empty() { "" } else { "." };
    match *step {
        "[]" => {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                walk(item, rest, &format!("{field}[{index}]"), each)?;
            }
            Ok(())
        }
        "{key}" | "{value}" => {
            for (key, member) in value.as_object().into_iter().flatten() {
                if *step == "{key}" {
                    each(field, key)?;
                } else if let Some(text) = member.as_str() {
                    each(&format!("{field}{dot}{}", printable::line(key)), text)?;
                }
            }
            Ok(())
        }
        key => match value.get(key) {
            Some(member) => walk(member, rest, &format!("{field}{dot}{key}"), each),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::name::patterns::{
        CLUSTER, DNS_NAME, IMAGE, IMAGE_TAG, LOAD_BALANCER, REGION, REPOSITORY, TAG_VALUE,
        TARGET_GROUP,
    };

    #[test]
    fn names_that_could_do_harm_are_no_names() {
        for text in ["", "../../x", "a\nb", "a\u{1b}", "a b", "ä", "a.b", "a:b"] {
            assert!(!CLUSTER.fits(text), "{text:?}");
        }
        for text in ["a", "-a", "A_b-9", &"x".repeat(255)] {
            assert!(CLUSTER.fits(text), "{text:?}");
        }
        assert!(!CLUSTER.fits(&"x".repeat(256)));
    }

    #[test]
    fn each_kind_has_its_own_characters_ends_and_lengths() {
        assert!(TARGET_GROUP.fits("internal-a") && !LOAD_BALANCER.fits("internal-a"));
        for text in ["-a", "a-", "a_b", &"x".repeat(33)] {
            assert!(!TARGET_GROUP.fits(text), "{text}");
        }
        for (text, fits) in [
            ("a/b-c.d_e", true),
            ("a//b", false),
            ("A", false),
            ("-ab", false),
            ("a..b", false),
        ] {
            assert_eq!(REPOSITORY.fits(text), fits, "{text}");
        }
        for (text, fits) in [
            ("a1-test", true),
            ("_x", true),
            (".a", false),
            ("-a", false),
            ("a/b", false),
        ] {
            assert_eq!(IMAGE_TAG.fits(text), fits, "{text}");
        }
        assert!(TAG_VALUE.fits("") && TAG_VALUE.fits("Größe + 1") && !TAG_VALUE.fits("a\tb"));
        assert!(DNS_NAME.fits("a.b_c") && !DNS_NAME.fits("A") && !DNS_NAME.fits("-a"));
        assert!(IMAGE.fits("1.dkr.ecr.eu-west-1.amazonaws.com/a/b:1@sha256:00"));
        assert!(REGION.fits("eu-west-1") && !REGION.fits("--debug") && !REGION.fits("eu west"));
    }

    #[test]
    fn of_a_variable_nothing_is_known_but_of_what_stands_beside_it() {
        for text in ["${A}", "a-${A}-b", "${A}${B}"] {
            assert_eq!(CLUSTER.check_template(text), Ok(()), "{text}");
        }
        for text in ["../${A}", "${A}\n", "a", "${A} "]
            .iter()
            .filter(|t| **t != "a")
        {
            assert!(CLUSTER.check_template(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_shows_the_text_escaped_and_short() {
        let told = CLUSTER
            .check(&format!("\u{1b}{}", "x".repeat(1_000)))
            .unwrap_err();
        assert!(
            told.starts_with("`\\u{1b}xxx") && told.contains("x…` is no cluster name"),
            "{told}"
        );
    }
}
