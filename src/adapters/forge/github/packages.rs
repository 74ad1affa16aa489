//! Packages of images: listed page by page, deleted version by version (REST API, "Packages").

use super::calls::packages::{self as calls, Account, PAGE};
use super::connection::Connection;
use super::fault::not_shown;
use super::pages;
use super::talk::Talk;
use crate::domain::model::{Digest, ErrorKind, PortError, Timestamp};
use crate::ports::{Package, PackageVersion, Packages};
use octocrab::Page;
use octocrab::models::packages as models;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most pages that are read.
const MOST_PAGES: u64 = 1_000;
/// Between two deletions: each costs 5 points, and 900 are given a minute (REST API, "Rate limits").
const PACE: Duration = Duration::from_millis(340);
/// The longest that is waited for limits, for each page and each deletion. Nobody waits for a sweep, and one
/// that goes on later looks at everything again.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The packages that a token may see, of whichever account.
pub struct GitHubPackages {
    connection: Arc<Connection>,
    /// The kind of each owner that was asked for.
    accounts: Mutex<BTreeMap<String, Account>>,
    /// When the last deletion was sent, on the clock that never goes back.
    deleted: Mutex<Option<Duration>>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a version; the name of an image's version is its digest.
fn version(listed: models::PackageVersion) -> Result<PackageVersion, String> {
    let digest: Digest = listed
        .name
        .parse()
        .map_err(|error| format!("version {} is not an image: {error}", listed.id))?;
    let container = listed.metadata.and_then(|metadata| metadata.container);
    Ok(PackageVersion {
        number: *listed.id,
        digest,
        tags: container.map(|container| container.tags).unwrap_or_default(),
        created: Timestamp::from_unix_millis(listed.created_at.timestamp_millis()),
        updated: Some(Timestamp::from_unix_millis(listed.updated_at.timestamp_millis())),
    })
}

impl GitHubPackages {
    /// Those that the connection's token may see.
    pub fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            accounts: Mutex::default(),
            deleted: Mutex::default(),
        }
    }

    fn talk(&self, doing: &str, package: &Package) -> Talk<'_> {
        let host = self.connection.host();
        let doing = format!("{doing} {}/{} on {host}", package.owner, package.name);
        Talk::new(&self.connection, None, doing).patient(PATIENCE)
    }

    /// What kind of account the package belongs to.
    fn account(&self, talk: &Talk<'_>, package: &Package) -> Result<Account, PortError> {
        let known = |accounts: &BTreeMap<String, Account>| accounts.get(&package.owner).copied();
        if let Some(known) = known(&self.accounts.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let owner: Owner = talk.ask(&calls::account(&package.owner)).map_err(not_shown)?;
        let account = match owner.kind.as_str() {
            "Organization" => Account::Organization,
            _ => Account::User,
        };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(package.owner.clone(), account);
        Ok(account)
    }

    /// Waits until the next deletion is due.
    fn pace(&self, talk: &Talk<'_>) -> Result<(), PortError> {
        let clock = self.connection.clock();
        let mut deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.monotonic();
        let due = deleted.map_or(now, |before| before + PACE);
        if due > now {
            talk.rest(due - now)?;
        }
        *deleted = Some(clock.monotonic());
        Ok(())
    }
}

impl Packages for GitHubPackages {
    fn versions(&self, package: &Package) -> Result<Vec<PackageVersion>, PortError> {
        let doing = "listing the package";
        let account = self.account(&self.talk(doing, package), package)?;
        let mut versions = Vec::new();
        for page in 1..=MOST_PAGES {
            let talk = self.talk(doing, package);
            let listed: Page<models::PackageVersion> = talk
                .ask(&calls::versions(account, package, page))
                .map_err(not_shown)?;
            let goes_on = pages::goes_on(&listed, page).map_err(|elsewhere| {
                let message = format!("page {page} led to {elsewhere}, which is not the page after it");
                talk.error(ErrorKind::Invalid, message)
            })?;
            for listed in listed {
                versions.push(version(listed).map_err(|wrong| talk.unexpected(&wrong))?);
            }
            if !goes_on {
                return Ok(versions);
            }
        }
        let message = format!("it has more than {} versions", PAGE * MOST_PAGES);
        Err(self.talk(doing, package).error(ErrorKind::Invalid, message))
    }

    fn delete_version(&self, package: &Package, number: u64) -> Result<(), PortError> {
        let talk = self.talk(&format!("deleting version {number} of"), package);
        let account = self.account(&talk, package)?;
        self.pace(&talk)?;
        match talk.send(&calls::delete(account, package, number)) {
            Err(missing) if missing.kind == ErrorKind::Missing => {
                // It is gone, by an earlier try whose answer was lost or by somebody else; or it may not be
                // deleted, which GitHub says with the same words.
                let there: Option<IgnoredAny> = talk.find(&calls::version(account, package, number))?;
                there.map_or(Ok(()), |_| Err(not_shown(missing)))
            }
            outcome => outcome.map(drop),
        }
    }
}
