//! What a guest's description says about who made it: lines for people, and one for greenroom.

use crate::domain::model::{EnvironmentName, ReleaseId, Slot, Timestamp, UnitId, one_line};
use serde::{Deserialize, Serialize};

/// What the line for greenroom begins with.
const PREFIX: &str = "greenroom: ";
/// What the line for people begins with.
const MANAGED: &str = "Managed by greenroom: ";
/// Most bytes of a description; Proxmox takes 8,192 characters.
const LONGEST: usize = 8192;
/// The form of the line.
const VERSION: u32 = 1;

/// Who made a guest, and what for: the last line of its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The form of this line: 1.
    pub v: u32,
    /// The guest's id when it was made. A copy has another one.
    pub id: u32,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The unit.
    pub unit: UnitId,
    /// The slot in it.
    pub slot: Slot,
    /// The release that it was made for.
    pub release: ReleaseId,
    /// What a copy or a later guest of the same id does not have: the uuid of a virtual machine, the
    /// hardware address of a container. Absent while the guest is half made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Whether greenroom switched the guest's protection on, and may switch it off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protected: bool,
    /// When it may be swept away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was started last by greenroom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Whether its workload was started since then, where greenroom has to do that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub workload: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Why a description shows no maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMarker {
    /// There is no such line.
    #[error("no marker")]
    Absent,
    /// There are several.
    #[error("more than one marker")]
    Several,
    /// The line cannot be read.
    #[error("a marker that cannot be read")]
    Unreadable,
}

impl Marker {
    /// Reads it out of a description to which people may have added lines.
    ///
    /// # Errors
    /// When there is not exactly one that can be read.
    pub fn read(description: &str) -> Result<Self, NoMarker> {
        let mut lines = description
            .lines()
            .filter_map(|line| line.trim().strip_prefix(PREFIX));
        let line = lines.next().ok_or(NoMarker::Absent)?;
        if lines.next().is_some() {
            return Err(NoMarker::Several);
        }
        let marker: Self = serde_json::from_str(line).map_err(|_| NoMarker::Unreadable)?;
        if marker.v == VERSION {
            Ok(marker)
        } else {
            Err(NoMarker::Unreadable)
        }
    }

    /// The description of a new guest.
    pub fn description(&self) -> String {
        self.rewrite("")
    }

    /// The description with this marker in place of the one in it, and every line that people added as
    /// long as there is room.
    pub fn rewrite(&self, description: &str) -> String {
        let people = format!(
            "{MANAGED}{} in {}, unit {} ({}). Changes made by hand will be lost.",
            one_line(&self.service, 200),
            self.environment,
            self.unit,
            self.slot
        );
        // Every field is a number, a noun or a text: there is nothing that JSON cannot hold.
        let own = format!("{PREFIX}{}", serde_json::to_string(self).unwrap_or_default());
        let mut room = LONGEST.saturating_sub(people.len() + own.len() + 2);
        let mut lines = vec![people.as_str()];
        for line in description.lines().map(str::trim_end) {
            let ours = line.trim_start().starts_with(PREFIX) || line.starts_with(MANAGED);
            if ours {
                continue;
            }
            if line.len() + 1 > room {
                break;
            }
            room -= line.len() + 1;
            lines.push(line);
        }
        while lines.len() > 1 && lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        lines.push(own.as_str());
        lines.join("\n")
    }
}

/// A marker that only lacks its release.
#[derive(Debug, Clone)]
pub struct NewMarker {
    id: u32,
    service: String,
    environment: EnvironmentName,
    unit: UnitId,
    slot: Slot,
}

impl NewMarker {
    /// For a guest of this id, unit and slot that is about to be made.
    pub fn new(id: u32, service: &str, environment: &EnvironmentName, of: (&UnitId, Slot)) -> Self {
        Self {
            id,
            service: service.to_owned(),
            environment: environment.clone(),
            unit: of.0.clone(),
            slot: of.1,
        }
    }

    /// The marker of a guest that is half made, for `release`.
    pub fn of(self, release: ReleaseId, expires: Option<Timestamp>) -> Marker {
        Marker {
            v: VERSION,
            id: self.id,
            service: self.service,
            environment: self.environment,
            unit: self.unit,
            slot: self.slot,
            release,
            identity: None,
            protected: false,
            expires,
            started: None,
            workload: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marker() -> Marker {
        let environment = "staging".parse().unwrap();
        let unit = "web-1".parse().unwrap();
        NewMarker::new(2001, "nextcloud", &environment, (&unit, Slot::Blue))
            .of("0123456789abcdef".parse().unwrap(), None)
    }

    #[test]
    fn a_description_is_for_people_and_for_greenroom() {
        insta::assert_snapshot!(marker().description(), @r#"
        Managed by greenroom: nextcloud in staging, unit web-1 (blue). Changes made by hand will be lost.
        greenroom: {"v":1,"id":2001,"service":"nextcloud","environment":"staging","unit":"web-1","slot":"blue","release":"0123456789abcdef"}
        "#);
    }

    #[test]
    fn lines_that_people_added_stay() {
        let before = format!("# hello\n\n{}\r\nask Ada\n\n", marker().description());
        let mut changed = marker();
        changed.identity = Some("uuid".to_owned());
        let after = changed.rewrite(&before);
        assert_eq!(Marker::read(&after), Ok(changed.clone()));
        assert!(
            after.contains("\n# hello\n") && after.contains("\nask Ada\n"),
            "{after}"
        );
        assert_eq!(changed.rewrite(&after), after, "it settles");
    }

    #[test]
    fn what_is_no_marker_is_told_apart() {
        let own = marker().description();
        let line = own.lines().last().unwrap();
        assert_eq!(Marker::read("a web server"), Err(NoMarker::Absent));
        assert_eq!(Marker::read(&format!("{line}\n{line}")), Err(NoMarker::Several));
        for broken in ["greenroom: {", "greenroom: {}", "greenroom: []"] {
            assert_eq!(Marker::read(broken), Err(NoMarker::Unreadable));
        }
        let newer = own.replace("\"v\":1", "\"v\":2");
        assert_eq!(Marker::read(&newer), Err(NoMarker::Unreadable));
        let with_more = own.replace("\"v\":1", "\"v\":1,\"later\":true");
        assert_eq!(Marker::read(&with_more), Ok(marker()));
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written_and_never_too_long(
            around in "\\PC{0,60}(\n\\PC{0,3000}){0,8}",
            identity in proptest::option::of("[a-f0-9-]{36}"),
            expires in proptest::option::of(0..4_000_000_000_000_i64),
            flags in any::<(bool, bool)>(),
        ) {
            prop_assume!(!around.contains("greenroom: "));
            let wanted = Marker {
                identity,
                expires: expires.map(Timestamp::from_unix_millis),
                protected: flags.0,
                workload: flags.1,
                ..marker()
            };
            let text = wanted.rewrite(&around);
            prop_assert!(text.len() <= 8192);
            prop_assert_eq!(Marker::read(&text), Ok(wanted));
        }
    }
}
