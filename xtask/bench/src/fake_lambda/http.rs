//! Blocking HTTP/1.1 over any stream: the subset that extensions use.

use std::io::{self, BufRead, BufReader, Read, Write};

/// The path and the body of a request.
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// One end of a connection.
pub(super) struct Connection<S: Read + Write>(BufReader<S>);

impl<S: Read + Write> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        // Large enough for many bodies to be read in few calls.
        Self(BufReader::with_capacity(64 * 1024, stream))
    }

    /// Reads the next request. Fails at the end of the connection.
    pub(super) fn receive(&mut self) -> io::Result<Request> {
        let (line, length) = self.head()?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(Request { path, body: self.body(length)? })
    }

    /// Answers 200.
    pub(super) fn reply(&mut self, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let reply = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(reply.as_bytes())?;
        self.0.get_mut().flush()
    }

    /// Sends a request and waits for its answer, which must be a 200.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let (line, length) = self.head()?;
        self.body(length)?;
        if line.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        Err(io::Error::other(format!("telemetry was answered {line:?}")))
    }

    /// The first line, and the length of the body.
    fn head(&mut self) -> io::Result<(String, usize)> {
        let first = self.line()?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Ok((first, length)) };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    fn body(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::Connection;

    #[test]
    fn a_request_ends_where_its_length_says_and_a_connection_where_nothing_follows() {
        let bytes = b"POST /a HTTP/1.1\r\nContent-length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n";
        let mut connection = Connection::new(Cursor::new(bytes.to_vec()));
        let request = connection.receive().unwrap();
        assert_eq!((request.path.as_str(), request.body.as_slice()), ("/a", b"hi".as_slice()));
        assert_eq!(connection.receive().unwrap().path, "/b");
        assert!(connection.receive().is_err());
    }
}
