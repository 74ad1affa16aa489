//! The names of tasks.

use std::fmt;
use std::str::FromStr;

/// The name of a task: `UPID:node:pid:pstart:starttime:type:id:user:`, numbers in hex (pve-common,
/// `PVE/UPID.pm`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upid {
    text: String,
    /// The node that runs it, which is the one to ask about it.
    pub node: String,
    /// What it does: `qmclone`.
    pub kind: String,
    /// What it does it to, often a guest's id; for a clone the id of the source. May be empty.
    pub id: String,
    /// Who started it: `ci@pve!greenroom`.
    pub user: String,
    /// When, in seconds since 1970.
    pub started: i64,
}

impl Upid {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Upid {
    type Err = NotATask;

    fn from_str(text: &str) -> Result<Self, NotATask> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["UPID", node, pid, pstart, started, kind, id, user, ""] = parts.as_slice() else {
            return Err(NotATask);
        };
        let is_hex = |text: &str, least: usize, most: usize| {
            (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let valid = is_node(node)
            && is_hex(pid, 8, 8)
            && is_hex(pstart, 8, 9)
            && is_hex(started, 8, 8)
            && is_word(kind)
            && is_word(user)
            && (id.is_empty() || is_word(id))
            && text.len() <= 512
            && !text.contains('/');
        let started = i64::from_str_radix(started, 16).map_err(|_| NotATask)?;
        if !valid {
            return Err(NotATask);
        }
        Ok(Self {
            text: text.to_owned(),
            node: (*node).to_owned(),
            kind: (*kind).to_owned(),
            id: (*id).to_owned(),
            user: (*user).to_owned(),
            started,
        })
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Text that is not the name of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a task")]
pub struct NotATask;

/// Whether it can be the name of a node: letters, digits and `-` within.
fn is_node(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_name_are_read() {
        let text = "UPID:pve-2:0003A1B2:12345678A:6740F000:qmclone:9000:ci@pve!greenroom:";
        let upid: Upid = text.parse().unwrap();
        assert_eq!((upid.node.as_str(), upid.kind.as_str()), ("pve-2", "qmclone"));
        assert_eq!(
            (upid.id.as_str(), upid.user.as_str()),
            ("9000", "ci@pve!greenroom")
        );
        assert_eq!(upid.started, 0x6740_F000);
        assert_eq!(upid.to_string(), text);
        let without_id = "UPID:pve1:00000001:00000002:6740F000:imgcopy::root@pam:";
        assert_eq!(without_id.parse::<Upid>().unwrap().id, "");
    }

    #[test]
    fn what_is_no_task_is_refused() {
        for text in [
            "OK",
            "",
            "UPID:pve1",
            "UPID:pve1:0003A1B2:12345678:6740F000:qmclone:9000:ci@pve",
            "UPID:-pve:0003A1B2:12345678:6740F000:qmclone:9000:ci@pve:",
            "UPID:pve1:XYZ3A1B2:12345678:6740F000:qmclone:9000:ci@pve:",
            "UPID:pve1:0003A1B2:1234567890:6740F000:qmclone:9000:ci@pve:",
            "UPID:pve1:0003A1B2:12345678:6740F000::9000:ci@pve:",
            "UPID:../x:0003A1B2:12345678:6740F000:qmclone:9000:ci@pve:",
            "UPID:pve1:0003A1B2:12345678:6740F000:qmclone:a/../b:ci@pve:",
        ] {
            assert_eq!(text.parse::<Upid>(), Err(NotATask), "{text}");
        }
    }
}
