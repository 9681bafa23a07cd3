//! Reads a small body, whatever is sent.

use axum::body::Body;
use http_body_util::BodyExt;

use crate::error::Failure;

/// The largest body: 32 names and room to spare.
const LIMIT: usize = 16 * 1024;

/// The whole body.
///
/// # Errors
/// It is too large, or broke off.
pub(crate) async fn read(mut body: Body) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::BadRequest("the body broke off".to_owned()))?;
        let data = frame.into_data().unwrap_or_default();
        if whole.len() + data.len() > LIMIT {
            return Err(Failure::TooLarge { limit: LIMIT });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
