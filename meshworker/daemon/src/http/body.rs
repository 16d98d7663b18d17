//! Bodies of a bounded size.

use axum::body::Body;
use axum::http::StatusCode;
use http_body_util::BodyExt;

use super::Problem;

/// No request is larger: an announcement has half a kilobyte.
pub(super) const MOST: usize = 16 * 1024;

/// A body that is too large is read up to here before it is refused. Whoever
/// hangs up on a sender may cut off his own answer.
const READ_AT_MOST: usize = 256 * 1024;

/// Reads a body, or refuses it when it has more than 16 KiB. That it comes at
/// all is for the server's deadline to see to.
///
/// # Errors
///
/// It is too large, or breaks off.
pub async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let (mut whole, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad("body: it breaks off"))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length <= MOST {
            whole.extend_from_slice(data);
        } else if length > READ_AT_MOST {
            break;
        }
    }
    if length > MOST {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("body: found more than {MOST} bytes; allowed: {MOST} at most"),
        ));
    }
    Ok(whole)
}
