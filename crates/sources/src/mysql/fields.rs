//! The fields of which packets consist
//! ([basic types](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html)).

/// Reads fields from the front of a packet. Each method returns `None` if the packet ends before the field does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'p> {
    packet: &'p [u8],
    at: usize,
}

impl<'p> Fields<'p> {
    pub(super) fn of(packet: &'p [u8]) -> Self {
        Self { packet, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub(super) fn rest(self) -> &'p [u8] {
        self.packet.get(self.at..).unwrap_or_default()
    }

    pub(super) fn bytes(&mut self, length: usize) -> Option<&'p [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.packet.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number, or a length, in one to nine bytes.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            0xfc => self.u16().map(u64::from),
            0xfd => self.array().map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0]))),
            0xfe => self.array().map(u64::from_le_bytes),
            // Null, and the mark of an error.
            0xfb | 0xff => None,
            small => Some(small.into()),
        }
    }

    /// Bytes after their length.
    pub(super) fn counted(&mut self) -> Option<&'p [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    /// Bytes before a zero, or before the end of the packet.
    pub(super) fn until_zero(&mut self) -> &'p [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        self.at += (end + 1).min(rest.len());
        &rest[..end]
    }
}

/// Writes bytes after their length.
pub(super) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let all = length.to_le_bytes();
    match length {
        0..=250 => out.push(all[0]),
        251..=0xffff => {
            out.push(0xfc);
            out.extend_from_slice(&all[..2]);
        }
        0x1_0000..=0xff_ffff => {
            out.push(0xfd);
            out.extend_from_slice(&all[..3]);
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&all);
        }
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_bytes_of_every_length_are_read_as_they_were_written() {
        for length in [0, 1, 250, 251, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000] {
            let mut out = Vec::new();
            put_counted(&mut out, &vec![7; length]);
            out.push(9);
            let mut fields = Fields::of(&out);
            assert_eq!(fields.counted().map(<[u8]>::len), Some(length));
            assert_eq!((fields.rest(), fields.at()), ([9].as_slice(), out.len() - 1));
            assert_eq!(Fields::of(&out[..length]).counted(), None, "cut off");
        }
        assert_eq!(Fields::of(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255]).counted(), None);
        assert_eq!(Fields::of(&[0xfb]).number(), None, "null is no number");
    }

    #[test]
    fn a_text_ends_with_zero_or_with_the_packet() {
        let mut fields = Fields::of(b"one\0two");
        assert_eq!(
            [fields.until_zero(), fields.until_zero(), fields.until_zero()],
            [&b"one"[..], b"two", b""]
        );
    }
}
