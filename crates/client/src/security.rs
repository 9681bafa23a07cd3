//! The headers that keep the page to itself: no other source, no frame, no referrer.

use axum::response::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::BaseUrl;

/// Features the page has no use for.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=()";

/// The same headers for every answer.
#[derive(Clone, Debug)]
pub(crate) struct SecurityHeaders(HeaderMap);

impl SecurityHeaders {
    /// Allows calls and forms to `base_url` besides the page's own origin, and nothing else.
    pub(crate) fn new(base_url: &BaseUrl) -> Self {
        let origin = base_url.origin().map(|origin| format!(" {origin}"));
        let origin = origin.unwrap_or_default();
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'{origin}; form-action 'self'{origin}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        let mut headers = HeaderMap::new();
        // An origin whose host is letters, digits, dots and dashes is always a valid value.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("permissions-policy"), PERMISSIONS),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self(headers)
    }

    /// Adds the headers to an answer.
    pub(crate) fn add(&self, mut response: Response) -> Response {
        for (name, value) in &self.0 {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}
