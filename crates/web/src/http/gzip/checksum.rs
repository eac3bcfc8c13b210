//! The checksum of gzip, CRC-32 ([RFC 1952 §8](https://www.rfc-editor.org/rfc/rfc1952#section-8)).

/// For each byte, what it does to the checksum with so many bytes behind it.
const TABLES: [[u32; 256]; 8] = {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut value = byte;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte as usize] = value;
        byte += 1;
    }
    let mut behind = 1;
    while behind < 8 {
        let mut byte = 0;
        while byte < 256 {
            let value = tables[behind - 1][byte];
            tables[behind][byte] = (value >> 8) ^ tables[0][(value & 0xff) as usize];
            byte += 1;
        }
        behind += 1;
    }
    tables
};

/// The checksum of the bytes so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crc32(u32);

impl Default for Crc32 {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc32 {
    /// Takes further bytes, eight at once.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word) ^ u64::from(self.0);
            let bytes = word.to_le_bytes().into_iter().zip(TABLES.iter().rev());
            self.0 = bytes.fold(0, |value, (byte, table)| value ^ table[usize::from(byte)]);
        }
        for byte in rest {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = (self.0 >> 8) ^ TABLES[0][usize::from(low ^ byte)];
        }
    }

    pub(super) fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard_however_the_bytes_are_cut() {
        for (text, expected) in [
            ("", 0),
            ("a", 0xe8b7_be43),
            ("123456789", 0xcbf4_3926),
            ("The quick brown fox jumps over the lazy dog", 0x414f_a339),
        ] {
            for at in 0..=text.len() {
                let mut checksum = Crc32::default();
                let (first, second) = text.as_bytes().split_at(at);
                checksum.update(first);
                checksum.update(second);
                assert_eq!(checksum.value(), expected, "{text} {at}");
            }
        }
    }
}
