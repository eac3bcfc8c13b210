//! QR codes as one path of an SVG image.

use std::fmt::Write as _;

use qrcodegen::QrCodeEcc;

/// The light border that readers need, in modules.
const BORDER: i32 = 4;

/// The image of a QR code, in modules.
pub(super) struct QrCode {
    /// The width and height.
    pub(super) size: i32,
    /// The dark modules: one rectangle for each run in a row.
    pub(super) path: String,
}

impl QrCode {
    /// The code of a text; empty if it is too long for one.
    pub(super) fn of(text: &str) -> Self {
        let Ok(code) = qrcodegen::QrCode::encode_text(text, QrCodeEcc::Medium) else {
            return Self { size: 0, path: String::new() };
        };
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let end = (x..code.size()).find(|at| !code.get_module(*at, y)).unwrap_or(code.size());
                if end > x {
                    // Writing to a text cannot fail.
                    let _ = write!(path, "M{} {}h{}v1H{}z", x + BORDER, y + BORDER, end - x, x + BORDER);
                }
                x = end + 1;
            }
        }
        Self { size: code.size() + 2 * BORDER, path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the path back into modules.
    fn dark(code: &QrCode) -> Vec<(i32, i32)> {
        let mut all = Vec::new();
        for run in code.path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let width: i32 = rest.split_once('v').unwrap().0.parse().unwrap();
            let x: i32 = x.parse().unwrap();
            all.extend((x..x + width).map(|x| (x, y.parse().unwrap())));
        }
        all
    }

    #[test]
    fn the_path_has_exactly_the_dark_modules() {
        let text = "otpauth://totp/gate.example:ada?secret=MZXW6YTBOI&issuer=gate.example";
        let code = QrCode::of(text);
        let expected = qrcodegen::QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let size = expected.size();
        let modules = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
        let modules =
            modules.filter(|(x, y)| expected.get_module(*x, *y)).map(|(x, y)| (x + BORDER, y + BORDER));
        assert_eq!(dark(&code), modules.collect::<Vec<_>>());
        assert_eq!(code.size, size + 8);
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert_eq!(QrCode::of(&"x".repeat(5_000)).size, 0);
    }
}
