//! An HTTP/2 client that writes its frames by hand, so that it can do what no honest client does ([RFC 9113
//! §4.1](https://www.rfc-editor.org/rfc/rfc9113#section-4.1)).

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use testkit::Served;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// The maximum time to wait for a frame.
const PATIENCE: Duration = Duration::from_mins(1);

/// A received frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) ends: bool,
}

/// One connection.
pub(crate) struct Raw {
    socket: TcpStream,
    next: u32,
    authority: String,
    /// Bytes that may be sent on all streams together before the server allows more.
    window: i64,
    /// Frames that arrived while another one was awaited.
    came: VecDeque<Frame>,
}

impl Raw {
    /// Connects, and declares how many bytes of each response it takes before it allows more.
    pub(crate) fn connect(served: &Served, window: u32) -> Self {
        let authority = served.url().trim_start_matches("http://").to_owned();
        let socket = TcpStream::connect(&authority).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut raw = Self { socket, next: 1, authority, window: 65_535, came: VecDeque::new() };
        raw.socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let setting = [&4_u16.to_be_bytes()[..], &window.to_be_bytes()].concat();
        raw.send(SETTINGS, 0, 0, &setting).unwrap();
        raw
    }

    pub(crate) fn get(&mut self, path: &str) -> u32 {
        self.request("GET", path, &[], true)
    }

    /// Starts to post a form; [`Raw::data`] sends the body.
    pub(crate) fn post_form(&mut self, path: &str) -> u32 {
        self.request("POST", path, &[("content-type", "application/x-www-form-urlencoded")], false)
    }

    pub(crate) fn request(&mut self, method: &str, path: &str, more: &[(&str, &str)], ends: bool) -> u32 {
        let stream = self.next;
        self.next += 2;
        let authority = self.authority.clone();
        let pseudo =
            [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority.as_str())];
        let mut block = Vec::new();
        for (name, value) in pseudo.iter().chain(more) {
            push_literal(&mut block, name, value);
        }
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        // The server may have closed the connection.
        let _ = self.send(HEADERS, flags, stream, &block);
        stream
    }

    /// Sends a part of a body as soon as the server allows it; returns an error if the server has closed the
    /// connection.
    pub(crate) fn data(&mut self, stream: u32, bytes: &[u8], ends: bool) -> std::io::Result<()> {
        let length = i64::try_from(bytes.len()).unwrap();
        while self.window < length {
            self.read().ok_or(std::io::ErrorKind::UnexpectedEof)?;
        }
        self.window -= length;
        self.send(DATA, if ends { END_STREAM } else { 0 }, stream, bytes)
    }

    /// Allows the server to send more; stream 0 is the connection.
    pub(crate) fn allow(&mut self, stream: u32, bytes: u32) {
        let _ = self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    }

    /// Returns the next significant frame; answers settings and pings itself. Returns `None` if the server
    /// has closed the connection.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.came.pop_front() {
                return Some(frame);
            }
            self.read()?;
        }
    }

    /// The frames that arrived while another one was awaited.
    pub(crate) fn came_so_far(&self) -> impl Iterator<Item = &Frame> {
        self.came.iter()
    }

    /// Reads one frame, and keeps it if it is significant. Returns `None` if the server has closed the
    /// connection.
    fn read(&mut self) -> Option<()> {
        let mut head = [0; 9];
        if let Err(error) = self.socket.read_exact(&mut head) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "nothing comes, and nothing ends");
            return None;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).ok()?;
        match kind {
            SETTINGS | PING if flags & ACK == 0 => {
                let echo: &[u8] = if kind == PING { &payload } else { &[] };
                let _ = self.send(kind, ACK, 0, echo);
            }
            SETTINGS | PING => {}
            WINDOW_UPDATE => {
                let more = u32::from_be_bytes(payload.try_into().unwrap());
                self.window += if stream == 0 { i64::from(more) } else { 0 };
            }
            _ => self.came.push_back(Frame { kind, stream, payload, ends: flags & END_STREAM != 0 }),
        }
        Some(())
    }

    /// The status of the response on a stream; `None` if the stream or the connection was closed instead.
    pub(crate) fn status(&mut self, stream: u32) -> Option<u16> {
        while let Some(frame) = self.next() {
            match frame.kind {
                HEADERS if frame.stream == stream => return Some(status_of(&frame.payload)),
                RST_STREAM if frame.stream == stream => return None,
                _ => {}
            }
        }
        None
    }

    /// Clones the connection, to write while the original reads.
    pub(crate) fn another_hand(&self) -> Self {
        let (socket, authority) = (self.socket.try_clone().unwrap(), self.authority.clone());
        Self { socket, next: self.next, authority, window: self.window, came: VecDeque::new() }
    }

    /// Closes the connection for all clones.
    pub(crate) fn close(&self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.socket.write_all(&frame)
    }
}

/// Writes a literal field without indexing and without Huffman coding ([RFC 7541
/// §6.2.2](https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2)).
fn push_literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        block.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
        block.extend_from_slice(text.as_bytes());
    }
}

/// Reads the status, which the server writes first: from the static table, or as a literal with an indexed
/// name.
fn status_of(block: &[u8]) -> u16 {
    const OF_TABLE: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    match block {
        [indexed @ 0x88..=0x8e, ..] => OF_TABLE[usize::from(indexed - 0x88)],
        // The three digits, Huffman-coded or not: the digits 0 to 2 take five bits, the others six.
        [_, length, rest @ ..] if length & 0x80 == 0 => {
            std::str::from_utf8(&rest[..usize::from(*length)]).unwrap().parse().unwrap()
        }
        [_, length, rest @ ..] => unpack_digits(&rest[..usize::from(length & 0x7f)]),
        _ => panic!("no status: {block:?}"),
    }
}

fn unpack_digits(bytes: &[u8]) -> u16 {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let number = |bits: &[u8]| bits.iter().fold(0_u16, |sum, bit| sum << 1 | u16::from(*bit));
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let short = number(&bits[at..at + 5]);
        let (digit, length) = if short <= 2 { (short, 5) } else { (number(&bits[at..at + 6]) - 0x19 + 3, 6) };
        (status, at) = (status * 10 + digit, at + length);
    }
    status
}
