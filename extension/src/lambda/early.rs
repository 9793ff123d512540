//! Writes the registration before anything else is read or built.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::extensions::Registration;

/// The longest time for connecting. Lambda listens on this machine, and a connection takes microseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(100);

/// The connection on which a registration was written. Its response was not read.
#[derive(Debug)]
pub(crate) struct Early(TcpStream);

impl Early {
    /// Writes a registration to the API at this address.
    ///
    /// Returns none if the address is not an IP address with a port, or if the request cannot be written completely at
    /// once. Lambda cannot have registered the extension then.
    pub(crate) fn write(address: &str, events: &[&str]) -> Option<Self> {
        let address: SocketAddr = address.parse().ok()?;
        let request = Registration::new(events).text(&address.to_string());
        let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).ok()?;
        stream.set_nonblocking(true).ok()?;
        // The buffer of a new socket holds far more.
        let written = stream.write(request.as_bytes()).ok()?;
        (written == request.len()).then_some(Self(stream))
    }

    /// Returns the stream, which is non-blocking.
    pub(super) fn into_stream(self) -> TcpStream {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::lambda::Api;
    use crate::lambda::extensions::Extension;

    const EVENTS: [&str; 2] = ["INVOKE", "SHUTDOWN"];

    async fn received(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test]
    async fn the_early_request_is_what_hyper_writes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let early = Early::write(&address, &EVENTS).unwrap();
        let written = received(&listener).await;
        assert!(written.ends_with(r#"{"events":["INVOKE","SHUTDOWN"]}"#), "{written}");
        drop(early);
        let later = tokio::spawn(async move {
            Extension::register(Api::new(&address), &EVENTS, Duration::from_secs(10)).await
        });
        assert_eq!(received(&listener).await, written);
        later.await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn nothing_is_written_early_to_a_name_or_a_closed_port() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for name in ["localhost", "sandbox.localdomain", "http://127.0.0.1", ""] {
            assert!(Early::write(&format!("{name}:{port}"), &EVENTS).is_none(), "{name}");
        }
        assert!(Early::write("127.0.0.1", &EVENTS).is_none());
        drop(listener);
        assert!(Early::write(&format!("127.0.0.1:{port}"), &EVENTS).is_none());
    }
}
