//! Durations and sizes, as an author writes them and as a message says them.

/// Milliseconds of `90`, `90s`, `5m`, `1h30m`, `4 days`, `500ms`; bare numbers are seconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.bytes().all(|it| it.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len()
            - rest
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        let number: i64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let letters = after.len()
            - after
                .trim_start_matches(|it: char| it.is_ascii_alphabetic())
                .len();
        let unit = match &after[..letters] {
            "ms" => 1,
            "s" | "sec" | "second" | "seconds" => 1000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[letters..].trim_start();
    }
    Some(total)
}

/// Bytes of `1024`, `256KiB`, `1 MiB`, `200KB`.
pub(super) fn size(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.len()
        - text
            .trim_start_matches(|it: char| it.is_ascii_digit())
            .len();
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1000,
        "KiB" | "K" | "k" => 1024,
        "MB" => 1_000_000,
        "MiB" | "M" => 1_048_576,
        _ => return None,
    };
    number.checked_mul(unit)
}

pub(super) fn say_seconds(seconds: i64) -> String {
    match seconds {
        0 => "0".to_owned(),
        it if it % 86_400 == 0 => format!("{}d", it / 86_400),
        it if it % 3600 == 0 => format!("{}h", it / 3600),
        it if it % 60 == 0 => format!("{}m", it / 60),
        it => format!("{it}s"),
    }
}

pub(super) fn say_millis(millis: i64) -> String {
    if millis % 1000 == 0 {
        say_seconds(millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

pub(super) fn say_bytes(bytes: i64) -> String {
    match bytes {
        it if it > 0 && it % 1_048_576 == 0 => format!("{}MiB", it / 1_048_576),
        it if it > 0 && it % 1024 == 0 => format!("{}KiB", it / 1024),
        it => it.to_string(),
    }
}
