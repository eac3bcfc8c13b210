//! A reader of DER, as far as certificates and keys need it
//! ([X.690](https://www.itu.int/rec/T-REC-X.690)).

/// Bytes from which elements are read one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Der<'a>(pub &'a [u8]);

impl<'a> Der<'a> {
    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the content of the next element if it has that tag; otherwise reads nothing.
    pub fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content, rest) = self.split()?;
        if found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    /// Reads the next element with its tag and length, if it has that tag.
    pub fn read_whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0;
        self.read(tag)?;
        before.get(..before.len() - self.0.len())
    }

    fn split(&self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match *length {
            short @ ..=0x7f => (usize::from(short), rest),
            // The number of length bytes; no certificate needs more than four.
            long @ 0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
                (length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((*tag, content, rest))
    }
}

/// The remaining elements, each with its tag and its content; it ends at one that is malformed.
impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = self.split()?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_of_another_tag_is_not_read() {
        let mut der = Der(&[2, 1, 7, 4, 2, 8, 9]);
        assert_eq!(der.read(4), None);
        assert_eq!(der.read(2), Some(&[7][..]));
        assert_eq!(der.read_whole(4), Some(&[4, 2, 8, 9][..]));
        assert!(der.is_empty() && der.read(4).is_none());
    }

    #[test]
    fn a_truncated_element_is_not_read() {
        for bytes in [&[][..], &[2], &[2, 1], &[2, 0x81], &[2, 0x82, 0, 1], &[2, 0x80, 0, 0], &[2, 0x85]] {
            assert_eq!(Der(bytes).read(2), None, "{bytes:?}");
        }
        assert_eq!(Der(&[2, 0x81, 1, 5]).read(2), Some(&[5][..]));
    }
}
