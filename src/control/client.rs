//! Asks a running gateway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::wire::Refused;

/// For everything: connecting, asking and the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is read of an answer.
const MOST_BYTES: usize = 128 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("no gateway answers at {path}: is one running whose admin.control it is?")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The gateway does not do it.
    #[error("{}", .0.error)]
    Refused(Refused),
    /// The answer is none.
    #[error("what answers at {0} is no gateway of this version")]
    Foreign(PathBuf),
}

/// Asks the gateway whose socket it is.
pub async fn ask<T: DeserializeOwned>(
    path: &Path,
    method: Method,
    target: &str,
    body: &impl Serialize,
) -> Result<T, AskError> {
    let foreign = || AskError::Foreign(path.to_owned());
    let body = serde_json::to_vec(body).map_err(|_| foreign())?;
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, "localhost")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| foreign())?;
    let unreachable = |source| AskError::Unreachable {
        path: path.to_owned(),
        source,
    };
    let exchanged = timeout(PATIENCE, exchange(path, request)).await;
    let (status, body) = exchanged
        .map_err(|error| unreachable(Box::new(error)))?
        .map_err(unreachable)?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| foreign());
    }
    let mut refused: Refused = serde_json::from_slice(&body).map_err(|_| foreign())?;
    refused.status = status.as_u16();
    Err(AskError::Refused(refused))
}

async fn exchange(
    path: &Path,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = UnixStream::connect(path).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asked = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await?.to_bytes();
        Ok((head.status, body))
    };
    // The connection does the work, and may end before the answer is taken.
    let connection = async {
        drop(connection.await);
        std::future::pending().await
    };
    tokio::select! {
        answer = asked => answer,
        never = connection => never,
    }
}
