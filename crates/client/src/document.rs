//! One content in its compressed variants, and the answer that sends the right one.

use std::io::{self, Write as _};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{self, HeaderMap, HeaderValue};

use crate::accept::{self, Coding};

/// A content and what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) media_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) plain: Bytes,
    pub(crate) brotli: Option<Bytes>,
    pub(crate) gzip: Option<Bytes>,
}

impl Document {
    /// A page made at start. Only gzip: it costs a fraction of a millisecond, and on a text of this
    /// size brotli would save a few hundred bytes.
    pub(crate) fn html(text: String, cache_control: &'static str) -> Self {
        Self {
            media_type: "text/html; charset=utf-8",
            cache_control,
            gzip: gzip(text.as_bytes()).ok(),
            plain: text.into(),
            brotli: None,
        }
    }

    /// The variant that the caller likes best.
    pub(crate) fn respond(&self, request: &HeaderMap) -> Response {
        let variants = [(Coding::Brotli, &self.brotli), (Coding::Gzip, &self.gzip)];
        let kept = variants
            .into_iter()
            .filter_map(|(coding, bytes)| Some((coding, bytes.as_ref()?)));
        let kept: Vec<_> = kept.collect();
        let offered: Vec<_> = kept.iter().map(|(coding, _)| *coding).collect();
        let chosen = accept::coding(request, &offered);
        let bytes = kept.iter().find(|(coding, _)| Some(*coding) == chosen);

        let mut response = Response::new(Body::from(
            bytes.map_or(&self.plain, |(_, bytes)| bytes).clone(),
        ));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.media_type),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(self.cache_control),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(coding) = chosen {
            let name = HeaderValue::from_static(coding.name());
            headers.insert(header::CONTENT_ENCODING, name);
        }
        response
    }
}

fn gzip(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?.into())
}
