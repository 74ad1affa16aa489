//! What the token may do, path by path.

use super::super::check::Check;
use super::Site;
use crate::app::cluster::work;
use crate::proxmox::answers::Permissions;
use crate::proxmox::calls::cluster;
use crate::proxmox::{Need, commands, missing, needs};

impl Site<'_> {
    /// One check for each path on which something is needed.
    pub(super) fn rights(&self) -> Vec<Check> {
        let bridge = self.bridge();
        let major = if self.version.at_least(9, 0) { 9 } else { 8 };
        let needs = needs(&work(self.environment, self.proxmox, &bridge, major));
        needs.iter().map(|need| self.right(need)).collect()
    }

    fn right(&self, need: &Need) -> Check {
        let what = format!("rights on {}", need.path);
        let asked: Result<Permissions, _> = self.api.ask(
            "asking for the token's rights",
            &cluster::permissions(Some(&need.path)),
        );
        let granted = match asked {
            Ok(granted) => granted,
            Err(fault) => return self.refused(what, fault),
        };
        let lacking = missing(need, granted.get(&need.path));
        if lacking.is_empty() {
            return Check::ok(what, format!("enough {}", need.why));
        }
        let lacking: Vec<&str> = lacking.into_iter().collect();
        let check = Check::access(
            what,
            format!(
                "{} lacks {}, which it needs {}; with privilege separation, its user needs it as well",
                self.token,
                lacking.join(", "),
                need.why
            ),
        );
        commands(std::slice::from_ref(need), self.token)
            .into_iter()
            .fold(check, Check::fix)
    }
}
