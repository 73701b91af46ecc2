//! Text files that a command reads, in whichever encoding an editor or a shell left them, and those it writes.
//!
//! What a command read is remembered, so that what it writes never takes the place of what it was made from.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Failure;
use crate::disk::{self, Readers};

/// The files that this run read.
static READ: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Reads a text in UTF-8, or in UTF-16 with a byte order mark; the mark itself is left out.
pub(super) fn text(path: &Path) -> Result<String> {
    decode(bytes(path)?)
}

/// Reads a text in UTF-8 as it is.
pub(super) fn exact(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| not_text("UTF-8"))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path)?;
    remember(path);
    Ok(bytes)
}

/// Keeps a file from being written over by an output of this run.
pub(super) fn remember(path: &Path) {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    read.push(path.to_owned());
}

/// Refuses an output that would take the place of something that this run was made from, under whichever name.
pub(super) fn refuse_input(output: &Path) -> std::result::Result<(), Failure> {
    let read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    match read.iter().find(|it| disk::is_same(it, output)) {
        None => Ok(()),
        Some(input) => Err(Failure::Plain(format!(
            "`{}` is `{}`, which this command reads; name another file to write; nothing was written",
            output.display(),
            input.display()
        ))),
    }
}

/// Writes an output, whole or not at all.
pub(super) fn write(
    output: &Path,
    text: &str,
    readers: Readers,
) -> std::result::Result<(), Failure> {
    refuse_input(output)?;
    disk::create(output, text.as_bytes(), readers).map_err(|error| {
        Failure::Plain(format!(
            "cannot write `{}`: {}",
            output.display(),
            disk::why(&error)
        ))
    })
}

fn decode(bytes: Vec<u8>) -> Result<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|it| unit([it[0], *it.get(1).unwrap_or(&0)]))
            .collect();
        String::from_utf16(&units).map_err(|_| not_text("UTF-16"))
    };
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        _ => String::from_utf8(bytes).map_err(|_| not_text("UTF-8"))?,
    };
    // UTF-16 without a mark is UTF-8 by its bytes, a NUL in every other place.
    if text.contains('\0') {
        return Err(not_text("UTF-8"));
    }
    // A converter may put a second mark before the first.
    Ok(text.trim_start_matches('\u{feff}').to_owned())
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
        let twice: Vec<u8> = "\u{feff}\u{feff}{}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(twice).expect("a text"), "{}");
        let unmarked: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [vec![b'{', 0xe4], unmarked] {
            let refused = decode(bytes).expect_err("not UTF-8");
            assert_eq!(
                refused.to_string(),
                "it is not text in UTF-8: save it as UTF-8"
            );
        }
    }
}
