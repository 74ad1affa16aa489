//! The JSON form: [`RunReport`] as it is, version `greenroom.run/1`.

use super::RunReport;

/// The report as indented JSON with a trailing line break. Every part of it can be written as JSON,
/// so this does not fail.
pub fn render(report: &RunReport) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::fixtures::{failed_health, folded, hostile};

    #[test]
    fn the_json_form_is_versioned_and_complete() {
        let json: serde_json::Value = serde_json::from_str(&render(&folded(&failed_health()))).unwrap();
        assert_eq!(json["schema"], "greenroom.run/1");
        assert_eq!(json["outcome"], "rolledBack");
        assert_eq!(json["changes"]["version"]["before"], "1.2.0");
        assert_eq!(json["changes"]["variables"][0]["name"], "CHECKOUT");
        assert_eq!(json["checks"][1]["verdict"], "fail");
        assert_eq!(json["steps"][1]["state"], "failed");
        assert_eq!(json["steps"][1]["durationMs"], 900);
        assert_eq!(json["failures"][0]["reason"], "web-2 was not ready within 1m");
        assert_eq!(json["failures"][1]["unit"], "web-2");
        assert_eq!(json["totals"]["checksFailed"], 1);
        assert_eq!(json["history"]["firstSeq"], 40);
    }

    #[test]
    fn hostile_text_makes_no_field() {
        let json: serde_json::Value = serde_json::from_str(&render(&folded(&hostile()))).unwrap();
        assert_eq!(json["outcome"], "rolledBack");
    }
}
