//! Hosts and ports inside the URLs that environment variables hold.

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint<'a> {
    pub(super) host: &'a str,
    /// The URL's own port, else its scheme's.
    pub(super) port: Option<i64>,
}

/// Schemes of calls a container makes, with their ports.
const SCHEMES: [(&str, Option<i64>); 13] = [
    ("http", Some(80)),
    ("https", Some(443)),
    ("ws", Some(80)),
    ("wss", Some(443)),
    ("grpc", None),
    ("tcp", None),
    ("redis", Some(6379)),
    ("rediss", Some(6379)),
    ("postgres", Some(5432)),
    ("postgresql", Some(5432)),
    ("mysql", Some(3306)),
    ("mongodb", Some(27017)),
    ("amqp", Some(5672)),
];

/// Every endpoint in a value that is a URL, or several with commas between them.
pub(super) fn endpoints(value: &str) -> impl Iterator<Item = Endpoint<'_>> {
    value.split(',').filter_map(|item| endpoint(item.trim()))
}

fn endpoint(url: &str) -> Option<Endpoint<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (_, default) = SCHEMES
        .iter()
        .find(|(known, _)| scheme.eq_ignore_ascii_case(known))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, *default),
    };
    (!host.is_empty()).then_some(Endpoint { host, port })
}

/// Whether only the task itself, or its nearest surroundings, can know the name: no dot, no
/// address, no variable.
pub(super) fn is_plain_name(host: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    host.starts_with(|c: char| c.is_ascii_alphabetic())
        && host.chars().all(sign)
        && !host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_other_texts_are_not() {
        let all: Vec<_> =
            endpoints("http://a:3000/x, postgres://u:p@db/x,nonsense,http://").collect();
        let expected = [("a", Some(3000)), ("db", Some(5432))];
        let expected = expected.map(|(host, port)| Endpoint { host, port });
        assert_eq!(all, expected);
    }

    #[test]
    fn names_with_dots_addresses_and_variables_are_not_plain() {
        for host in ["node-paul", "db", "my_db"] {
            assert!(is_plain_name(host), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "a.b", "[::1", "${HOST}", ""] {
            assert!(!is_plain_name(host), "{host}");
        }
    }
}
