//! Text files of the author's, in whichever encoding an editor or a shell left them.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Reads a text in UTF-8, or in UTF-16 with a byte order mark; the mark itself is left out.
pub(super) fn text(path: &Path) -> Result<String> {
    decode(std::fs::read(path)?)
}

fn decode(bytes: Vec<u8>) -> Result<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|it| unit([it[0], *it.get(1).unwrap_or(&0)]))
            .collect();
        String::from_utf16(&units).map_err(|_| not_text("UTF-16"))
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let text = String::from_utf8(bytes).map_err(|_| not_text("UTF-8"))?;
            Ok(match text.strip_prefix('\u{feff}') {
                Some(rest) => rest.to_owned(),
                None => text,
            })
        }
    }
}

fn not_text(encoding: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        format!("it is not text in {encoding}: save it as UTF-8"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_says_the_encoding_and_is_left_out() {
        let wide = |order: fn(u16) -> [u8; 2]| {
            "\u{feff}{\"ä\": 1}"
                .encode_utf16()
                .flat_map(order)
                .collect()
        };
        for bytes in [
            "{\"ä\": 1}".as_bytes().to_vec(),
            "\u{feff}{\"ä\": 1}".as_bytes().to_vec(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).expect("a text"), "{\"ä\": 1}");
        }
        let latin = decode(vec![b'{', 0xe4]).expect_err("not UTF-8");
        assert_eq!(
            latin.to_string(),
            "it is not text in UTF-8: save it as UTF-8"
        );
    }
}
