//! Texts that are filled in later, by whichever tool the files' owner uses.

/// Whether a text holds a variable: `${X}`, `{{ x }}`, `<X>`, `%X%`, `$X` or `__X__`. Its value is
/// then unknown, and no rule complains about what it does not know.
pub(super) fn is_template(text: &str) -> bool {
    let between = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        rest.split_once(close).map(|(inside, _)| inside)
    };
    let named = |inside: Option<&str>| inside.is_some_and(|name| !name.is_empty());
    text.contains("${")
        || text.contains("{{")
        || named(between("<", ">"))
        || named(between("%", "%"))
        || named(between("__", "__"))
        || text
            .strip_prefix('$')
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// The name, when the whole text is one `${NAME}`.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['$', '{', '}'])).then_some(name)
}

/// Every `NAME` of a `${NAME}` in the text.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_many_tools_are_templates() {
        for text in [
            "${A}/x",
            "{{ image }}",
            "<IMAGE1_NAME>",
            "%TAG%",
            "$TAG",
            "a__TAG__b",
        ] {
            assert!(is_template(text), "{text}");
        }
        for text in ["", "nginx:1", "$", "5$", "a<b", "100%", "/a_b__c", "<>"] {
            assert!(!is_template(text), "{text}");
        }
    }
}
