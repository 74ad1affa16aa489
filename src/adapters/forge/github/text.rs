//! Text within the bounds that GitHub sets.

/// What stands at the end of a text that was cut.
const CUT: &str = "\n\n… (cut: GitHub takes no more)";

/// `text` in at most `most` bytes, cut after a line where there is one near the end.
pub(super) fn fitted(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(CUT.len());
    let end = text.floor_char_boundary(room);
    let kept = &text[..end];
    let line = kept.rfind('\n').filter(|line| *line >= end / 2);
    let mut fitted = kept[..line.unwrap_or(end)].to_owned();
    if most >= CUT.len() {
        fitted.push_str(CUT);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_enough_stays_as_it_is() {
        assert_eq!(fitted("a\nb", 3), "a\nb");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        for most in [0, 10, 40, 41, 42, 1000] {
            let cut = fitted(&"ü".repeat(2000), most);
            assert!(cut.len() <= most, "{most}: {}", cut.len());
        }
        let lines = fitted(&"a line\n".repeat(100), 200);
        assert!(lines.ends_with(&format!("a line{CUT}")), "{lines}");
    }
}
