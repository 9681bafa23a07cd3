//! Style sheet, scripts and icon: embedded by `build.rs`, named after their content.

use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;

use crate::document::Document;

/// The name changes with the content, so what a name stands for never does.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// A file and its compressed variants.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

// STYLE, ICON, ENTRY: paths; MODULES: the paths of all other scripts; ASSETS: the files.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset of this name; none when the name or its hash is not of this build.
pub(crate) fn respond(name: &str, request: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let document = Document {
        media_type: asset.media_type,
        cache_control: FOREVER,
        plain: Bytes::from_static(asset.plain),
        brotli: Some(Bytes::from_static(asset.brotli)),
        gzip: Some(Bytes::from_static(asset.gzip)),
    };
    Some(document.respond(request))
}
