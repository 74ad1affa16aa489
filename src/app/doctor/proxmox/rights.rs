//! What the token may do, path by path.

use super::super::check::DoctorCheck;
use super::Site;
use crate::adapters::proxmox::answers::Permissions;
use crate::adapters::proxmox::calls::cluster;
use crate::adapters::proxmox::rights;
use crate::adapters::proxmox::rights::Need;
use crate::app::cluster::work;

impl Site<'_> {
    /// One check for each path on which something is needed.
    pub(super) fn rights(&self) -> Vec<DoctorCheck> {
        let needs = rights::needs(
            &work(self.environment, self.proxmox, self.bridge()),
            &self.version,
        );
        needs.iter().map(|need| self.right(need)).collect()
    }

    fn right(&self, need: &Need) -> DoctorCheck {
        let what = format!("rights on {}", need.path);
        let asked: Result<Permissions, _> = self.api.ask(
            "asking for the token's rights",
            &cluster::permissions(Some(&need.path)),
        );
        let granted = match asked {
            Ok(granted) => granted,
            Err(fault) => return self.refused(what, fault),
        };
        let lacking = rights::lacking(need, &granted);
        if lacking.is_empty() {
            return DoctorCheck::ok(what, format!("enough {}", need.purpose));
        }
        let lacking: Vec<&str> = lacking.into_iter().collect();
        let mut check = DoctorCheck::access(
            what,
            format!(
                "{} lacks {}, which it needs {} (with privilege separation, its user needs it as well)",
                self.token,
                lacking.join(", "),
                need.purpose
            ),
        );
        for command in rights::grant(need, self.token) {
            check = check.fix(command);
        }
        check
    }
}
