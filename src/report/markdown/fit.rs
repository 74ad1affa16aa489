//! Fits sections into a number of bytes.

use std::fmt::Write as _;

/// One part of a summary. The parts stand in the order in which they are read.
pub(super) struct Section {
    /// What it is called where it is left out.
    pub(super) name: &'static str,
    /// Parts with a lower rank are shortened first.
    pub(super) rank: u8,
    /// Its text in full, then shorter ones. Each is complete in itself: no fence or block is open at
    /// its end. Past the last one the section is left out.
    pub(super) forms: Vec<String>,
}

/// Joins the sections to at most `limit` bytes: again and again the least important section takes
/// its next shorter form. The last form of the most important section is kept in any case.
pub(super) fn fit(sections: Vec<Section>, limit: usize) -> String {
    let mut sections: Vec<(Section, usize)> = sections.into_iter().map(|section| (section, 0)).collect();
    let highest = sections.iter().map(|(section, _)| section.rank).max();
    while total(&sections) > limit {
        let next = sections
            .iter_mut()
            .filter(|(section, form)| {
                let kept = usize::from(Some(section.rank) == highest);
                form + kept < section.forms.len()
            })
            .min_by_key(|(section, _)| section.rank);
        let Some((_, form)) = next else { break };
        *form += 1;
    }
    let mut text = String::new();
    for (section, form) in &sections {
        text.push_str(section.forms.get(*form).map_or("", String::as_str));
    }
    text.push_str(&note(&sections));
    text
}

fn total(sections: &[(Section, usize)]) -> usize {
    let texts = sections
        .iter()
        .filter_map(|(section, form)| section.forms.get(*form));
    texts.map(String::len).sum::<usize>() + note(sections).len()
}

/// Says what is shortened and what is missing; empty when nothing is.
fn note(sections: &[(Section, usize)]) -> String {
    let names = |gone: bool| {
        let changed = sections
            .iter()
            .filter(|(section, form)| *form > 0 && (*form >= section.forms.len()) == gone);
        changed
            .map(|(section, _)| section.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut note = String::new();
    for (what, names) in [("Shortened", names(false)), ("Left out", names(true))] {
        if !names.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(note, "{what} to keep within GitHub's limit: {names}. ");
        }
    }
    if note.is_empty() {
        note
    } else {
        format!("\n> {note}The JSON report and the ledger have everything.\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &'static str, rank: u8, lengths: &[usize]) -> Section {
        let forms = lengths.iter().map(|length| name[..1].repeat(*length)).collect();
        Section { name, rank, forms }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        assert_eq!(
            fit(vec![section("a", 9, &[3]), section("b", 1, &[2])], 5),
            "aaabb"
        );
    }

    #[test]
    fn the_least_important_is_shortened_and_then_left_out_and_the_summary_says_so() {
        let text = fit(
            vec![
                section("a", 9, &[400]),
                section("b", 1, &[500, 100]),
                section("c", 5, &[100]),
            ],
            800,
        );
        assert!(text.len() <= 800);
        assert_eq!(
            (text.matches('b').count() > 99, text.contains("Shortened")),
            (true, true)
        );
        let text = fit(
            vec![
                section("a", 9, &[400]),
                section("b", 1, &[500, 300]),
                section("c", 5, &[100]),
            ],
            700,
        );
        assert!(
            text.len() <= 700 && text.contains("Left out to keep within GitHub's limit: b."),
            "{text}"
        );
    }
}
