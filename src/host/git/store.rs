//! A repository as a store of objects and refs of greenroom's own.
//!
//! Nothing here touches the working tree, the index, HEAD, the configuration, or a ref that it was not
//! told to write; no hook is run.

use super::credentials::{self, Header};
use super::objects::{Object, Objects};
use super::process::{self, Limits, Output};
use super::{command, failed, not_run, words};
use crate::domain::model::{CommitId, ErrorKind, Explanation, PortError, Timestamp};
use crate::host::environment::ProcessEnvironment;
use crate::host::random;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a command that stays on this machine may take.
pub(super) const LOCAL: Limits = Limits {
    timeout: Duration::from_secs(60),
    bytes: 16 << 20,
};
/// Who commits. Nobody can be reached there (RFC 2606).
const NAME: &str = "greenroom";
const EMAIL: &str = "greenroom@localhost.invalid";
/// The remote as [`Store::command_to_push`] knows it.
pub(super) const NAMELESS: &str = "greenroom-push";
/// Variables that would make git write down what it sends, credentials among it.
const TELLING: [&str; 5] = [
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE2",
    "GIT_CURL_VERBOSE",
];

/// A repository and, where it has one, its remote.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    remote: Option<String>,
    /// The command that git starts for a remote over ssh, where it is not git's own choice.
    ssh: Option<String>,
    /// How the remote is reached: what is configured of it and matters to a push.
    way: Vec<(String, String)>,
    /// The job's token, where nobody configured credentials for the remote.
    header: Option<Header>,
    /// How many settings the environment brings already (git-config(1), `GIT_CONFIG_COUNT`).
    settings: usize,
    objects: Mutex<Option<Objects>>,
}

/// A commit that was made; nothing points at it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its id.
    pub id: CommitId,
    /// The ids of the files that were given, in their order.
    pub files: Vec<String>,
}

impl Store {
    /// The repository around `directory`, with the remote `origin`, or the only one there is.
    ///
    /// # Errors
    /// Without git, and where there are several remotes and none is `origin`.
    pub fn open(directory: impl Into<PathBuf>, environment: &ProcessEnvironment) -> Result<Self, PortError> {
        let mut store = Self {
            directory: directory.into(),
            remote: None,
            ssh: None,
            way: Vec::new(),
            header: None,
            settings: environment
                .get("GIT_CONFIG_COUNT")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            objects: Mutex::default(),
        };
        let doing = "looking for the remote of the repository";
        let pattern = concat!(
            r"^(remote\..*\.(url|pushurl|receivepack|vcs|proxy|proxyauthmethod)|core\.sshcommand",
            r"|http\.(.*\.)?extraheader|credential\..*\.helper)$",
        );
        let output = store.git(&["config", "-z", "--get-regexp", pattern], doing)?;
        if !matches!(output.code, Some(0 | 1)) {
            return Err(failed(doing, &output));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (remotes, configured) = remotes(&text);
        store.remote = match remotes.len() {
            0 => None,
            _ if remotes.contains_key("origin") => Some("origin".to_owned()),
            1 => remotes.keys().next().cloned(),
            _ => {
                let message = "there are several remotes and none is called origin";
                return Err(
                    PortError::new(ErrorKind::Invalid, doing, message).fix("rename one (git remote rename)")
                );
            }
        };
        let way = store.remote.as_ref().and_then(|name| remotes.get(name));
        store.way = way.cloned().unwrap_or_default();
        let urls = store.way.iter().filter(|(key, _)| key.ends_with("url"));
        let urls: Vec<&str> = urls.map(|(_, url)| url.as_str()).collect();
        store.header = credentials::header(environment, &urls, &text);
        let ssh = store
            .way
            .iter()
            .any(|(key, value)| key.ends_with("url") && is_ssh(value));
        if ssh && environment.get("GIT_SSH").is_none() {
            let base = environment.get("GIT_SSH_COMMAND").or(configured.as_deref());
            store.ssh = without_questions(base.unwrap_or("ssh"));
        }
        Ok(store)
    }

    /// The name of the remote; `None` where the repository itself is the place that counts.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// The directory's path below the root of the repository: empty, or with a slash at its end.
    ///
    /// # Errors
    /// When git fails; `Missing` outside a repository.
    pub fn prefix(&self) -> Result<String, PortError> {
        let doing = "looking for the root of the repository";
        let output = self.git(&["rev-parse", "--show-prefix"], doing)?;
        match output.code {
            Some(0) => Ok(output.text()),
            _ => Err(failed(doing, &output)),
        }
    }

    /// The object that `name` names (`<id>`, `<commit>:<path>`); `None` when there is none.
    ///
    /// # Errors
    /// When git fails, or the object is larger than 64 MiB.
    pub fn object(&self, name: &str) -> Result<Option<Object>, PortError> {
        let failure = |error: std::io::Error| not_run(&format!("reading {name} from the repository"), &error);
        let mut running = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut objects = match running.take() {
            Some(objects) => objects,
            None => Objects::start(self.command()).map_err(failure)?,
        };
        let object = objects.get(name).map_err(failure)?;
        *running = Some(objects);
        Ok(object)
    }

    /// The refs with these names, and those below the ones that end in `/`.
    ///
    /// # Errors
    /// When git fails; `Missing` outside a repository.
    pub fn refs(&self, names: &[&str]) -> Result<BTreeMap<String, CommitId>, PortError> {
        let doing = "reading refs of the repository";
        let mut args = vec!["for-each-ref", "--format=%(objectname) %(refname)"];
        args.extend(names);
        let output = self.git(&args, doing)?;
        if output.code != Some(0) {
            return Err(failed(doing, &output));
        }
        let text = output.text();
        let refs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(refs
            .filter(|(_, name)| {
                names
                    .iter()
                    .any(|asked| asked == name || (asked.ends_with('/') && name.starts_with(asked)))
            })
            .filter_map(|(id, name)| Some((name.to_owned(), id.parse().ok()?)))
            .collect())
    }

    /// Whether `older` is `newer` or an ancestor of it, as far as the history that is here reaches.
    ///
    /// # Errors
    /// When git fails, or one of them is not there.
    pub fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, PortError> {
        let doing = "comparing two states of the ledger";
        let output = self.git(
            &["merge-base", "--is-ancestor", older.as_str(), newer.as_str()],
            doing,
        )?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(doing, &output)),
        }
    }

    /// Whether history was cut off in this clone.
    ///
    /// # Errors
    /// When git fails.
    pub fn is_shallow(&self) -> Result<bool, PortError> {
        let doing = "looking whether the clone is shallow";
        let output = self.git(&["rev-parse", "--is-shallow-repository"], doing)?;
        match output.code {
            Some(0) => Ok(output.text() == "true"),
            _ => Err(failed(doing, &output)),
        }
    }

    /// Makes a commit with everything that is in `parent` and these files (path, content), new ones and
    /// replaced ones. One process, however many files there are.
    ///
    /// # Errors
    /// When git fails.
    pub fn commit(
        &self,
        parent: Option<&CommitId>,
        files: &[(&str, &[u8])],
        message: &str,
        at: Timestamp,
    ) -> Result<Committed, PortError> {
        let doing = "making a commit";
        // The ref exists in git's memory only: it is given up before anything is written down.
        let name = random::hex(8).map_err(|error| PortError::new(ErrorKind::Transient, doing, &error))?;
        let input = import(&format!("refs/greenroom/new-{name}"), parent, files, message, at);
        let mut command = self.command();
        // Where there is no remote, these objects are the only copy.
        if self.remote.is_none() {
            command.args(["-c", "core.fsync=committed"]);
        }
        command.args(["fast-import", "--quiet", "--done"]);
        let output = process::run_on(command, Some(input), LOCAL).map_err(|error| not_run(doing, &error))?;
        if output.code != Some(0) {
            return Err(failed(doing, &output));
        }
        let text = output.text();
        let mut lines = text.lines();
        let id = lines.next().and_then(|line| line.parse().ok());
        // `100644 blob <id>\t<path>`
        let found: Vec<String> = lines
            .filter_map(|line| line.split('\t').next()?.split(' ').nth(2).map(str::to_owned))
            .collect();
        match id {
            Some(id) if found.len() == files.len() => Ok(Committed { id, files: found }),
            _ => Err(PortError::new(
                ErrorKind::Invalid,
                doing,
                format!("git answered {text:?}"),
            )),
        }
    }

    /// Makes the ref `name` point at `new`, only if it points at `old` (`None`: only if there is none).
    /// Whether it does.
    ///
    /// # Errors
    /// When git cannot write refs at all.
    pub fn move_ref(&self, name: &str, new: &CommitId, old: Option<&CommitId>) -> Result<bool, PortError> {
        let doing = format!("writing {name}");
        let none = "0".repeat(new.as_str().len());
        let old = old.map_or(none.as_str(), CommitId::as_str);
        let output = self.git(
            &["update-ref", "--end-of-options", name, new.as_str(), old],
            &doing,
        )?;
        if output.code == Some(0) {
            return Ok(true);
        }
        let elsewhere = [
            "but expected",
            "already exists",
            "unable to resolve reference",
            "File exists",
        ];
        if elsewhere.iter().any(|word| output.stderr.contains(word)) {
            return Ok(false);
        }
        Err(failed(&doing, &output))
    }

    /// Git in the repository as greenroom, without hooks.
    pub(super) fn command(&self) -> Command {
        let mut command = command(&self.directory);
        command.args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
        ]);
        command
            .env("GIT_COMMITTER_NAME", NAME)
            .env("GIT_COMMITTER_EMAIL", EMAIL)
            .env("GIT_AUTHOR_NAME", NAME)
            .env("GIT_AUTHOR_EMAIL", EMAIL)
            .env("GCM_INTERACTIVE", "never");
        if let Some(ssh) = &self.ssh {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        for name in TELLING {
            command.env_remove(name);
        }
        command
    }

    /// Git that knows the remote under another name too, [`NAMELESS`]: git notes every push to a configured
    /// remote in the user's refs. Settings may hold a password, so they are no arguments.
    pub(super) fn command_to_push(&self) -> Command {
        let way = self.way.iter();
        self.told(way.map(|(key, value)| (format!("remote.{NAMELESS}.{key}"), value.as_str())))
    }

    /// Git that has what lets it in at the remote.
    pub(super) fn command_to_fetch(&self) -> Command {
        self.told(std::iter::empty())
    }

    /// Git with these settings and the job's token, beside those that the environment brings.
    fn told<'a>(&'a self, settings: impl Iterator<Item = (String, &'a str)>) -> Command {
        let header = self.header.iter();
        let header = header.map(|header| (header.key.clone(), header.value.expose()));
        let mut command = self.command();
        let mut count = self.settings;
        for (key, value) in settings.chain(header) {
            command
                .env(format!("GIT_CONFIG_KEY_{count}"), key)
                .env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }

    pub(super) fn git(&self, args: &[&str], doing: &str) -> Result<Output, PortError> {
        let mut command = self.command();
        command.args(args);
        process::run(command, LOCAL).map_err(|error| not_run(doing, &error))
    }
}

/// What `git fast-import` is told (git-fast-import(1), "Input Format").
fn import(
    name: &str,
    parent: Option<&CommitId>,
    files: &[(&str, &[u8])],
    message: &str,
    at: Timestamp,
) -> Vec<u8> {
    let seconds = at.unix_millis().div_euclid(1000).max(0);
    let length = message.len();
    let mut input = format!(
        "commit {name}\nmark :1\ncommitter {NAME} <{EMAIL}> {seconds} +0000\ndata {length}\n{message}\n"
    )
    .into_bytes();
    if let Some(parent) = parent {
        input.extend(format!("from {parent}\n").bytes());
    }
    for (path, bytes) in files {
        input.extend(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).bytes());
        input.extend(*bytes);
        input.push(b'\n');
    }
    input.extend(b"\nget-mark :1\n");
    for (path, _) in files {
        input.extend(format!("ls :1 \"{path}\"\n").bytes());
    }
    let none = "0".repeat(parent.map_or(40, |parent| parent.as_str().len()));
    input.extend(format!("reset {name}\nfrom {none}\n\ndone\n").bytes());
    input
}

/// The settings of each remote that has a URL, and the configured ssh command.
fn remotes(config: &str) -> (Remotes, Option<String>) {
    let mut remotes = Remotes::new();
    let mut ssh = None;
    for entry in config.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else {
            continue;
        };
        if key == "core.sshcommand" {
            ssh = Some(value.to_owned());
        }
        let remote = key.strip_prefix("remote.").and_then(|rest| rest.rsplit_once('.'));
        if let Some((name, key)) = remote.filter(|(name, _)| !name.starts_with('-')) {
            let settings = remotes.entry(name.to_owned()).or_default();
            settings.push((key.to_owned(), value.to_owned()));
        }
    }
    remotes.retain(|_, settings| settings.iter().any(|(key, _)| key == "url"));
    (remotes, ssh)
}

/// Keys and values, by the name of the remote.
type Remotes = BTreeMap<String, Vec<(String, String)>>;

/// Whether a URL is one that git opens with ssh (git-clone(1), "Git URLs").
fn is_ssh(url: &str) -> bool {
    match url.split_once("://") {
        Some((scheme, _)) => scheme.ends_with("ssh"),
        None => url
            .split_once(':')
            .is_some_and(|(host, _)| !host.is_empty() && !host.contains('/')),
    }
}

/// The ssh command `base` so that it asks nobody; `None` where it is not OpenSSH.
fn without_questions(base: &str) -> Option<String> {
    let program = base.split_whitespace().next()?.rsplit('/').next()?;
    let program = program.trim_matches(['"', '\'']);
    (program == "ssh").then(|| format!("{base} -o BatchMode=yes -o ConnectTimeout=20"))
}

/// A failure to reach the other side; `address` is what to call it.
pub(super) fn unreachable(doing: &str, address: &str, output: &Output) -> PortError {
    let kind = words::kind(&output.stderr);
    let why = Explanation::new(address).caused_by(words::shown(&output.stderr));
    PortError::new(kind, doing, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_and_the_ssh_command_are_read_from_the_configuration() {
        let config = "remote.origin.url\nhttps://h/a\0remote.origin.pushurl\ngit@h:a\0remote.a.b.url\n/x\0\
                      core.sshcommand\nssh -i key\0remote.--evil.url\nx\0remote.gone.proxy\nx\0";
        let (remotes, ssh) = remotes(config);
        assert_eq!(remotes.keys().collect::<Vec<_>>(), ["a.b", "origin"]);
        let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let origin = [setting("url", "https://h/a"), setting("pushurl", "git@h:a")];
        assert_eq!(remotes["origin"], origin);
        assert_eq!(ssh.as_deref(), Some("ssh -i key"));
    }

    #[test]
    fn ssh_asks_nobody() {
        for (url, expected) in [
            ("git@github.com:acme/app.git", true),
            ("ssh://git@h:22/a", true),
            ("git+ssh://h/a", true),
            ("https://h/a", false),
            ("file:///a:b", false),
            ("/srv/a:b", false),
            ("./a:b", false),
        ] {
            assert_eq!(is_ssh(url), expected, "{url}");
        }
        assert_eq!(
            without_questions("/usr/bin/ssh -i /k").as_deref(),
            Some("/usr/bin/ssh -i /k -o BatchMode=yes -o ConnectTimeout=20")
        );
        assert_eq!(without_questions("plink -batch"), None);
    }
}
