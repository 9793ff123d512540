//! Blocking HTTP/1.1 over any stream: the subset that extensions use.

use std::io::{self, BufRead, BufReader, Read, Write};

/// The path and the body of a request.
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// The parts of a message's head that are read.
struct Head {
    /// The line of the request or of the status.
    first: String,
    /// The length of the body, if the message states it.
    length: Option<usize>,
    /// True if the sender closes the connection after this message.
    closes: bool,
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
        let head = self.head()?;
        let path = head.first.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(Request { path, body: self.body(head.length.unwrap_or(0))? })
    }

    /// Answers 200.
    pub(super) fn reply(&mut self, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let reply = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(reply.as_bytes())?;
        self.0.get_mut().flush()
    }

    /// Sends a request and waits for its answer, which must not be an error. Returns true if the connection persists.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<bool> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let head = self.head()?;
        self.body(head.length.unwrap_or(0))?;
        if head.first.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            // An answer of unknown length ends with its connection, and so does one of an earlier version.
            return Ok(head.length.is_some() && head.first.starts_with("HTTP/1.1") && !head.closes);
        }
        Err(io::Error::other(format!("the answer is {:?}", head.first)))
    }

    fn head(&mut self) -> io::Result<Head> {
        let mut head = Head { first: self.line()?, length: None, closes: false };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Ok(head) };
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Some(value.trim().parse().map_err(io::Error::other)?);
            }
            if name.eq_ignore_ascii_case("connection") {
                head.closes = value.trim().eq_ignore_ascii_case("close");
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
    use std::io::{self, Cursor, Read, Write};

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

    #[test]
    fn an_answer_without_a_length_ends_its_connection() {
        for (answer, persists) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", Some(true)),
            ("HTTP/1.1 202 Accepted\r\n\r\n", Some(false)),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", Some(false)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Some(false)),
            ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", None),
        ] {
            let answered = Connection::new(Answered(Cursor::new(answer))).ask("POST", "/", "[]");
            assert_eq!(answered.ok(), persists, "{answer}");
        }
    }

    /// A peer that has answered before it is asked.
    struct Answered(Cursor<&'static str>);

    impl Read for Answered {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Answered {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
