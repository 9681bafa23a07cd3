//! Reads a small body, whatever is sent.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::error::Failure;

/// The largest body: 32 names and room to spare.
const LIMIT: usize = 16 * 1024;

/// How much of a body that is too large is still read and thrown away: a caller that is busy sending
/// does not listen, and would see a broken connection instead of the answer.
const DISCARD: usize = 4 * 1024 * 1024;

/// The whole body.
///
/// # Errors
/// It is too large, or broke off.
pub(crate) async fn read(mut body: Body) -> Result<Bytes, Failure> {
    let mut whole = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::BadRequest("the body broke off".to_owned()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen += data.len();
        if seen <= LIMIT {
            whole.extend_from_slice(&data);
        } else if seen > DISCARD {
            break;
        }
    }
    match seen > LIMIT {
        true => Err(Failure::TooLarge { limit: LIMIT }),
        false => Ok(whole.into()),
    }
}
