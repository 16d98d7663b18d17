//! An address at which nobody answers yet.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// An address at which nobody answers yet, as that of a container whose network
/// is not up: whoever connects hears nothing, not even a refusal. Dropping it
/// makes the address refuse, as a container does whose server has not started.
#[derive(Debug)]
pub struct Silence {
    _listener: TcpListener,
    _filler: TcpStream,
}

impl Silence {
    /// Silence at this port: its queue has one place, and that one is taken, so
    /// that the kernel drops every further request for a connection.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn at(address: IpAddr, port: u16) -> Result<Silence> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(address, port))?;
        let listener = socket.listen(0)?;
        let filler = TcpStream::connect(listener.local_addr()?).await?;
        Ok(Silence {
            _listener: listener,
            _filler: filler,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nobody_answers_and_then_it_is_refused() {
        let address = IpAddr::from([127, 77, 0, 1]);
        let silence = Silence::at(address, 3000).await.unwrap();
        let connect = || {
            let connecting = TcpStream::connect((address, 3000));
            tokio::time::timeout(Duration::from_millis(200), connecting)
        };
        assert!(connect().await.is_err());
        drop(silence);
        assert!(connect().await.unwrap().is_err());
    }
}
