//! How long a sample took, in words.

use crate::domain::model::Period;

/// The time a sample took. Periods know no less than a millisecond.
pub(super) fn shown(took: Period) -> String {
    if took.is_zero() {
        "under 1ms".to_owned()
    } else {
        took.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_less_than_a_period_can_say_took_under_a_millisecond() {
        assert_eq!(shown(Period::ZERO), "under 1ms");
        assert_eq!(shown(Period::from_millis(1500)), "1500ms");
    }
}
