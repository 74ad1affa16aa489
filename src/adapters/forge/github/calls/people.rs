//! Who may agree to what, and who did.

use super::{Call, segment};

const ACTIONS: &str = "actions: read";
const MEMBERS: &str = "members: read";

/// What people said about a run that waited for them.
pub fn approvals(run: u64) -> Call {
    Call::get(ACTIONS, format!("actions/runs/{run}/approvals"))
}

/// An environment with its rules.
pub fn environment(name: &str) -> Call {
    Call::get(ACTIONS, format!("environments/{}", segment(name)))
}

/// The first of all environments: whether the token may see them.
pub fn environments() -> Call {
    Call::get(ACTIONS, "environments?per_page=1".to_owned())
}

/// Whether somebody belongs to a team.
pub fn membership(organization: &str, team: &str, login: &str) -> Call {
    let login = segment(login);
    let mut call = self::team(organization, team);
    call.path.push_str(&format!("/memberships/{login}"));
    call
}

/// A team: whether the token may see it.
pub fn team(organization: &str, team: &str) -> Call {
    let (organization, team) = (segment(organization), segment(team));
    Call::get(MEMBERS, format!("/orgs/{organization}/teams/{team}"))
}
