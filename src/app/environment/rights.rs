//! What an environment's token may do in its Proxmox cluster, and no more. The doctor asks for the same.

use crate::adapters::proxmox::answers::Version;
use crate::adapters::proxmox::rights::{Need, grant, needs};
use crate::app::cluster::work;
use crate::config::environment::Environment;
use crate::config::target::Vendor;

/// Whose token it is.
const USER: &str = "greenroom@pve";

/// Pool, user, token and rights of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The pool that its guests are in, where one is configured.
    pub pool: Option<String>,
    /// The user.
    pub user: String,
    /// Id of the token, which is the user's.
    pub token: String,
    /// What user and token need, path by path.
    pub needs: Vec<Need>,
}

impl Rights {
    /// What this environment needs in a cluster of version 9; `None` where it does not run on Proxmox.
    pub fn of(environment: &Environment) -> Option<Self> {
        let Vendor::Proxmox(proxmox) = environment.vendor()?;
        let version = Version {
            version: "9.0".to_owned(),
            release: "9.0".to_owned(),
        };
        let work = work(environment, proxmox, proxmox.bridge.clone());
        Some(Self {
            pool: proxmox.pool.as_ref().map(|pool| pool.value.clone()),
            user: USER.to_owned(),
            token: environment.name.value.to_string(),
            needs: needs(&work, &version),
        })
    }

    /// The token's whole name: `greenroom@pve!staging`.
    pub fn whole_token(&self) -> String {
        format!("{}!{}", self.user, self.token)
    }

    /// The first name that is none of Proxmox's: it has no business in a command that somebody pastes into
    /// a shell.
    pub fn oddity(&self) -> Option<&str> {
        let names = self.pool.iter().chain(self.needs.iter().map(|need| &need.path));
        let known = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        names.map(String::as_str).find(|name| !name.chars().all(known))
    }

    /// The commands that an administrator runs on a node.
    pub fn commands(&self) -> Vec<String> {
        let (user, token) = (&self.user, &self.token);
        let mut commands: Vec<String> = self
            .pool
            .iter()
            .map(|pool| format!("pveum pool add {pool}"))
            .collect();
        commands.push(format!("pveum user add {user}"));
        commands.push(format!("pveum user token add {user} {token} --privsep 1"));
        let whole = self.whole_token();
        commands.extend(self.needs.iter().flat_map(|need| grant(need, &whole)));
        commands
    }
}
