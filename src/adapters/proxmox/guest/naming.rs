//! How guests are called and tagged.

use crate::domain::model::{Digest, EnvironmentName, Slot, UnitId};
use std::collections::BTreeSet;

/// The tag that every guest of greenroom's has once it is made.
pub const TAG: &str = "greenroom";
/// The longest name of a guest, that of a label in DNS.
const LONGEST: usize = 63;
/// Digits of the hash that stands for what was cut off a name.
const HASHED: usize = 8;

/// The tags of a guest of `environment`: `greenroom` and `greenroom-staging`. Proxmox stores them in lower
/// case, of the characters `a-z0-9_+.-`.
pub fn tags(environment: &EnvironmentName) -> BTreeSet<String> {
    let legal = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let environment: String = environment.as_str().chars().map(legal).collect();
    [TAG.to_owned(), format!("{TAG}-{environment}")].into()
}

/// The name of a guest, a label of DNS: `nextcloud-web-1-blue`, after `prefix` where there is one. A unit
/// that is called after its service is not called so twice.
pub fn guest_name(prefix: Option<&str>, service: &str, unit: &UnitId, slot: Slot) -> String {
    let (prefix, unit) = (label(prefix.unwrap_or_default()), label(unit.as_str()));
    let service = label(service);
    let named = unit == service || unit.starts_with(&format!("{service}-"));
    let parts = [
        prefix.as_str(),
        if named { "" } else { service.as_str() },
        unit.as_str(),
        slot.as_str(),
    ];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    if name.len() <= LONGEST {
        return name;
    }
    let ending = format!("-{}-{slot}", &Digest::of(name.as_bytes()).hex()[..HASHED]);
    let kept = name[..LONGEST - ending.len()].trim_end_matches('-');
    format!("{kept}{ending}")
}

/// Letters in lower case, digits and `-` within.
fn label(text: &str) -> String {
    let legal = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let label: String = text.chars().map(legal).collect();
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_say_what_runs_there() {
        for (prefix, service, unit, name) in [
            (None, "nextcloud", "web-1", "nextcloud-web-1-blue"),
            (None, "nextcloud", "nextcloud-2", "nextcloud-2-blue"),
            (None, "shop", "shop", "shop-blue"),
            (Some("acceptance-"), "shop", "shop-1", "acceptance-shop-1-blue"),
            (None, "My_Shop.eu", "A.b_c", "my-shop-eu-a-b-c-blue"),
        ] {
            assert_eq!(
                guest_name(prefix, service, &unit.parse().unwrap(), Slot::Blue),
                name
            );
        }
    }

    #[test]
    fn tags_are_legal() {
        let tags = |name: &str| tags(&name.parse().unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(tags("staging"), ["greenroom", "greenroom-staging"]);
        assert_eq!(tags("Pre_Prod.2"), ["greenroom", "greenroom-pre_prod.2"]);
    }

    proptest! {
        #[test]
        fn every_name_is_a_label_of_dns(
            prefix in proptest::option::of("[a-z._-]{0,20}"),
            service in "[a-zA-Z0-9._-]{1,80}",
            unit in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}",
        ) {
            let unit: UnitId = unit.parse().unwrap();
            let blue = guest_name(prefix.as_deref(), &service, &unit, Slot::Blue);
            let green = guest_name(prefix.as_deref(), &service, &unit, Slot::Green);
            prop_assert!((1..=63).contains(&blue.len()), "{blue}");
            prop_assert!(blue.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!blue.starts_with('-') && !blue.ends_with('-'));
            prop_assert!(blue != green);
        }
    }
}
