//! The environment of this process, read once. Nothing else in greenroom reads it.

use super::files;
use crate::domain::model::{Actor, CommitId};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// How the names of the variables begin that are for one registry: `GREENROOM_REGISTRY_GHCR_IO` for
/// `ghcr.io`.
pub fn registry_prefix(host: &str) -> String {
    let spelled = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let host: String = host.chars().map(spelled).collect();
    format!("GREENROOM_REGISTRY_{host}")
}

/// The CI system that runs greenroom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions, or act.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Jenkins.
    Jenkins,
}

impl Ci {
    /// `github`, `gitlab` or `jenkins`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Jenkins => "jenkins",
        }
    }
}

/// Which standard streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

/// Variables, directory and terminals as they were when greenroom started.
#[derive(Clone, PartialEq, Eq)]
pub struct ProcessEnvironment {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
    terminals: Terminals,
    /// Who the operating system says runs this process.
    login: String,
}

impl ProcessEnvironment {
    /// Reads the environment of this process. Variables whose names are not UTF-8 are left out;
    /// other bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When the working directory is gone or may not be read.
    pub fn capture() -> io::Result<Self> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self {
            variables: variables.collect(),
            directory: std::env::current_dir()?,
            terminals: Terminals {
                stdin: io::stdin().is_terminal(),
                stdout: io::stdout().is_terminal(),
                stderr: io::stderr().is_terminal(),
            },
            login: login(),
        })
    }

    /// An environment with exactly these variables, in `directory`, without a terminal.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
        directory: impl Into<PathBuf>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            directory: directory.into(),
            terminals: Terminals::default(),
            login: "unknown".to_owned(),
        }
    }

    /// Every variable. Some hold secrets: never show them.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The value of a variable, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The value of a variable that is set and not empty.
    fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Which standard streams are terminals.
    pub fn terminals(&self) -> Terminals {
        self.terminals
    }

    /// Whether colours are unwanted (`NO_COLOR`, no-color.org; `TERM=dumb`).
    pub fn no_color(&self) -> bool {
        self.given("NO_COLOR").is_some() || self.get("TERM") == Some("dumb")
    }

    /// The inputs of the action, or of a job that a person started, by name: `GREENROOM_INPUT_SKIP_TESTS` is
    /// `skip-tests`. An empty one counts as not given. The plain `INPUT_*` is never read: composite
    /// actions do not get it.
    pub fn inputs(&self) -> BTreeMap<String, String> {
        let inputs = self.variables.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("GREENROOM_INPUT_")?;
            let name = name.to_ascii_lowercase().replace('_', "-");
            (!value.is_empty()).then(|| (name, value.clone()))
        });
        inputs.collect()
    }

    /// The CI system, if greenroom runs in one that it knows.
    pub fn ci(&self) -> Option<Ci> {
        if self.get("GITHUB_ACTIONS") == Some("true") {
            Some(Ci::GitHub)
        } else if self.get("GITLAB_CI") == Some("true") {
            Some(Ci::GitLab)
        } else if self.given("JENKINS_URL").is_some() && self.given("BUILD_ID").is_some() {
            Some(Ci::Jenkins)
        } else {
            None
        }
    }

    /// Whether this is any CI system, also an unknown one (`CI`, set by nearly all of them).
    pub fn is_ci(&self) -> bool {
        self.ci().is_some()
            || self
                .given("CI")
                .is_some_and(|value| value != "false" && value != "0")
    }

    /// The name of the event; empty when there is none.
    pub fn event_name(&self) -> &str {
        self.given("GITHUB_EVENT_NAME").unwrap_or_default()
    }

    /// The file that holds the event's payload.
    pub fn event_path(&self) -> Option<&Path> {
        self.given("GITHUB_EVENT_PATH").map(Path::new)
    }

    /// The file that step outputs are appended to.
    pub fn output_path(&self) -> Option<&Path> {
        self.given("GITHUB_OUTPUT").map(Path::new)
    }

    /// The file that the step's summary is appended to.
    pub fn summary_path(&self) -> Option<&Path> {
        self.given("GITHUB_STEP_SUMMARY").map(Path::new)
    }

    /// The file of variables for later jobs, where the CI system takes one (GitLab, as a report of type
    /// `dotenv`).
    pub fn dotenv_path(&self) -> Option<PathBuf> {
        let directory = match self.ci()? {
            Ci::GitLab => self.given("CI_PROJECT_DIR")?,
            Ci::GitHub | Ci::Jenkins => return None,
        };
        Some(Path::new(directory).join("greenroom.env"))
    }

    /// The file for a summary that is kept as an artifact, where the CI system shows none itself.
    pub fn summary_artifact(&self) -> Option<PathBuf> {
        let directory = match self.ci()? {
            Ci::GitHub => return None,
            Ci::GitLab => self.given("CI_PROJECT_DIR")?,
            Ci::Jenkins => self.given("WORKSPACE")?,
        };
        Some(Path::new(directory).join("greenroom-summary.md"))
    }

    /// Full name of the ref that the CI run belongs to (`GITHUB_REF`).
    pub fn reference(&self) -> Option<&str> {
        self.given("GITHUB_REF")
    }

    /// `GITHUB_SHA`. On pull request events a throw-away merge commit: never to be deployed.
    pub fn sha(&self) -> Option<CommitId> {
        self.given("GITHUB_SHA")?.parse().ok()
    }

    /// Id of the repository that the CI run belongs to (`GITHUB_REPOSITORY_ID`).
    pub fn repository_id(&self) -> Option<u64> {
        self.given("GITHUB_REPOSITORY_ID")?.parse().ok()
    }

    /// Who runs this: on GitHub the person who started or repeated the run (`GITHUB_ACTOR` stays the
    /// first one on a repetition), on a plain machine the login name.
    pub fn actor(&self) -> Actor {
        let (names, via): (&[&str], _) = match self.ci() {
            Some(Ci::GitHub) => (&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"], Ci::GitHub.as_str()),
            Some(Ci::GitLab) => (&["GITLAB_USER_LOGIN"], Ci::GitLab.as_str()),
            Some(Ci::Jenkins) => (&["BUILD_USER_ID", "BUILD_USER"], Ci::Jenkins.as_str()),
            None => (&["USER", "LOGNAME"], "local"),
        };
        let name = names.iter().find_map(|name| self.given(name));
        Actor {
            name: name.map_or_else(|| self.login.clone(), str::to_owned),
            via: via.to_owned(),
        }
    }

    /// Web address of the repository that the CI run belongs to.
    pub fn repository_url(&self) -> Option<String> {
        match self.ci()? {
            Ci::GitHub => {
                let server = self.given("GITHUB_SERVER_URL")?.trim_end_matches('/');
                Some(format!("{server}/{}", self.given("GITHUB_REPOSITORY")?))
            }
            Ci::GitLab => self.given("CI_PROJECT_URL").map(str::to_owned),
            // The address may hold a password.
            Ci::Jenkins => None,
        }
    }

    /// Web address of the CI run; on GitHub of this very attempt.
    pub fn run_url(&self) -> Option<String> {
        match self.ci()? {
            Ci::GitHub => {
                let server = self.given("GITHUB_SERVER_URL")?.trim_end_matches('/');
                let (repository, run) = (self.given("GITHUB_REPOSITORY")?, self.given("GITHUB_RUN_ID")?);
                let attempt = self.given("GITHUB_RUN_ATTEMPT").unwrap_or("1");
                Some(format!(
                    "{server}/{repository}/actions/runs/{run}/attempts/{attempt}"
                ))
            }
            Ci::GitLab => self.given("CI_JOB_URL").map(str::to_owned),
            Ci::Jenkins => self.given("BUILD_URL").map(str::to_owned),
        }
    }
}

/// The name of this process's user by `/etc/passwd` (passwd(5)), else its number.
fn login() -> String {
    let uid = rustix::process::getuid().as_raw();
    // As many bytes as tens of thousands of users take.
    let passwd = files::read_bounded(Path::new("/etc/passwd"), 4 << 20).unwrap_or_default();
    name_of(uid, &String::from_utf8_lossy(&passwd)).unwrap_or_else(|| format!("uid {uid}"))
}

fn name_of(uid: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

impl std::fmt::Debug for ProcessEnvironment {
    /// Without the values of the variables, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("directory", &self.directory)
            .field("terminals", &self.terminals)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> ProcessEnvironment {
        ProcessEnvironment::of(variables.iter().copied(), "/project")
    }

    #[test]
    fn a_user_without_a_login_name_in_the_environment_is_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name_of(1000, passwd).as_deref(), Some("ana"));
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(7, passwd), None);
        let captured = ProcessEnvironment::capture().unwrap();
        assert_ne!(captured.login, "unknown");
    }

    type Variables = &'static [(&'static str, &'static str)];

    const GITHUB: Variables = &[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", "ada"),
        ("GITHUB_TRIGGERING_ACTOR", "grace"),
        ("GITHUB_SERVER_URL", "https://github.example/"),
        ("GITHUB_REPOSITORY", "acme/widgets"),
        ("GITHUB_RUN_ID", "42"),
        ("GITHUB_RUN_ATTEMPT", "3"),
        ("GITHUB_EVENT_PATH", ""),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_SHA", "not a commit"),
        ("GITHUB_REPOSITORY_ID", "1001"),
        ("USER", "runner"),
    ];

    #[test]
    fn the_process_sees_its_own_variables_and_directory() {
        let environment = ProcessEnvironment::capture().unwrap();
        assert!(environment.get("PATH").is_some());
        assert!(environment.directory().is_absolute());
    }

    #[test]
    fn who_asks_is_whoever_started_this_attempt() {
        let gitlab: Variables = &[
            ("GITLAB_CI", "true"),
            ("GITLAB_USER_LOGIN", "alan"),
            ("USER", "root"),
        ];
        let jenkins: Variables = &[
            ("JENKINS_URL", "http://ci"),
            ("BUILD_ID", "7"),
            ("USER", "jenkins"),
        ];
        let table: [(Variables, &str, &str); 7] = [
            (GITHUB, "grace", "github"),
            (
                &[("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ada")],
                "ada",
                "github",
            ),
            (gitlab, "alan", "gitlab"),
            (jenkins, "unknown", "jenkins"),
            (&[("USER", ""), ("LOGNAME", "ada")], "ada", "local"),
            (&[("GITHUB_ACTOR", "mallory"), ("USER", "ada")], "ada", "local"),
            (&[], "unknown", "local"),
        ];
        for (variables, name, via) in table {
            let actor = with(variables).actor();
            assert_eq!((actor.name.as_str(), actor.via.as_str()), (name, via));
        }
    }

    #[test]
    fn the_run_has_an_address_where_the_ci_system_gives_one() {
        assert_eq!(
            with(GITHUB).run_url().unwrap(),
            "https://github.example/acme/widgets/actions/runs/42/attempts/3"
        );
        let gitlab = [("GITLAB_CI", "true"), ("CI_JOB_URL", "https://gitlab/j/1")];
        assert_eq!(with(&gitlab).run_url().unwrap(), "https://gitlab/j/1");
        assert_eq!(with(&[("GITHUB_ACTIONS", "true")]).run_url(), None);
        assert_eq!(with(&[("GITHUB_RUN_ID", "42")]).run_url(), None);
    }

    #[test]
    fn inputs_come_under_our_own_prefix_only() {
        let environment = with(&[
            ("GREENROOM_INPUT_SKIP_TESTS", "true"),
            ("GREENROOM_INPUT_VERSION", ""),
            ("INPUT_ENVIRONMENT", "production"),
        ]);
        let inputs = environment.inputs();
        let inputs: Vec<_> = inputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(inputs, [("skip-tests", "true")]);
    }

    #[test]
    fn an_empty_or_unreadable_variable_says_nothing() {
        let github = with(GITHUB);
        assert_eq!(github.event_path(), None);
        assert_eq!(github.event_name(), "");
        assert_eq!(github.sha(), None);
        assert_eq!(github.reference(), Some("refs/heads/main"));
        assert_eq!(github.repository_id(), Some(1001));
    }

    #[test]
    fn any_ci_system_and_the_wish_for_no_colour_are_noticed() {
        for (variables, ci) in [
            (("CI", "true"), true),
            (("CI", "false"), false),
            (("CI", ""), false),
        ] {
            assert_eq!(with(&[variables]).is_ci(), ci, "{variables:?}");
        }
        for (variables, plain) in [
            (("NO_COLOR", "1"), true),
            (("NO_COLOR", ""), false),
            (("TERM", "dumb"), true),
        ] {
            assert_eq!(with(&[variables]).no_color(), plain, "{variables:?}");
        }
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let shown = format!("{:?}", with(&[("TOKEN", "s3cret")]));
        assert!(shown.contains("TOKEN") && !shown.contains("s3cret"), "{shown}");
    }
}
