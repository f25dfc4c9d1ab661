//! An HTTP/1.1 client of one request a connection, in which "sent", "answered" and "read" are three moments.
//!
//! Ordinary clients do all three in one call. A robot that is to be killed between them needs the socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a silent portal is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request to be sent.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

/// A request that was sent, and whose answer has not been read.
pub(crate) struct Sent(TcpStream);

/// A page, or a redirect to one.
pub(crate) struct Answer {
    head: String,
    /// The page.
    pub(crate) body: String,
}

impl Request<'_> {
    /// Opens a connection and writes the request. On return the bytes are the operating system's: they arrive
    /// even if this process is killed now.
    pub(crate) fn send(&self, portal: SocketAddr) -> io::Result<Sent> {
        let mut socket = TcpStream::connect_timeout(&portal, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {portal}\r\n", self.method, self.path);
        for (name, value) in self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            text.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        socket.write_all(text.as_bytes())?;
        Ok(Sent(socket))
    }
}

impl Sent {
    /// Waits until the first byte of the answer is here, and leaves it unread.
    pub(crate) fn wait_for_answer(&self) -> io::Result<()> {
        match self.0.peek(&mut [0])? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the portal hung up without an answer")),
            _ => Ok(()),
        }
    }

    /// Reads the answer to its end, and closes the connection: until then it is this side that holds it open.
    pub(crate) fn read(self) -> io::Result<Answer> {
        let mut socket = BufReader::new(self.0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if socket.read_line(&mut head)? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the portal hung up in its answer"));
            }
        }
        let mut answer = Answer { head, body: String::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        socket.take(length).read_to_string(&mut answer.body)?;
        Ok(answer)
    }
}

impl Answer {
    /// The status line's number, 0 if there is none.
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The first header of this name (lower case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The value of the first attribute of this name on the page: how a robot reads what people see.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("{name}=\""))?;
        rest.split('"').next()
    }
}

/// Text as a form or an address carries it.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
