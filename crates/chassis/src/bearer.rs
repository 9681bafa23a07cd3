//! Bearer tokens: how they are shown, and compared.

use std::hint::black_box;

use http::header::{AUTHORIZATION, HeaderMap};

/// The scheme and the space behind it.
const SCHEME: &[u8] = b"Bearer ";

/// The bearer token of a request; None where there is none, or several headers that could have one. The name of
/// the scheme is case-insensitive (RFC 9110, 11.1).
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let (scheme, token) = only.as_bytes().split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim_ascii_start())
}

/// Whether `shown` is the secret; how long that takes says nothing about how much of it is right.
#[must_use]
pub fn is_same(secret: &[u8], shown: &[u8]) -> bool {
    let differences = secret.iter().zip(shown);
    let differences = differences.fold(0, |all, (own, shown)| black_box(all | (own ^ shown)));
    secret.len() == shown.len() && differences == 0
}
