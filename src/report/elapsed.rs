//! Lengths of time as they are shown beside what took them.

/// `48ms`, `0.4s`, `12.3s`, `2m 05s`, `1h 02m`: three figures are enough for a person.
pub fn elapsed(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 if (1..100).contains(&millis) => format!("{millis}ms"),
        0..60 => format!("{seconds}.{}s", millis % 1_000 / 100),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::elapsed;

    #[test]
    fn three_figures_are_enough() {
        for (millis, shown) in [
            (0, "0.0s"),
            (48, "48ms"),
            (449, "0.4s"),
            (59_999, "59.9s"),
            (125_000, "2m 05s"),
            (3_725_000, "1h 02m"),
        ] {
            assert_eq!(elapsed(millis), shown);
        }
    }
}
