//! One run of a command.

use crate::domain::model::{CommandProbe, Endpoint, ErrorKind, Observation, Period, PortError, Secret};
use crate::ports::{Command, Finished, Runner};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Renders the templates in one argument for the service at an endpoint; the error is a sentence.
pub type RenderArgument = Arc<dyn Fn(&str, &Endpoint) -> Result<String, String> + Send + Sync>;

/// How much of a command's output a sample holds, in bytes.
const OUTPUT: usize = 4 * 1024;

/// How the commands of checks are run.
pub struct Commands {
    /// Runs them.
    pub runner: Arc<dyn Runner>,
    /// Renders each of their arguments.
    pub render: RenderArgument,
    /// Where they run; the project's root where `None`.
    pub directory: Option<PathBuf>,
    /// Variables they get, beside `GREENROOM_URL`, the base URL of the service under check.
    pub variables: BTreeMap<String, String>,
    /// Secret variables they get.
    pub secrets: BTreeMap<String, Secret>,
}

impl Commands {
    pub(super) fn observe(
        &self,
        probe: &CommandProbe,
        endpoint: &Endpoint,
        timeout: Period,
    ) -> Result<Observation, PortError> {
        let finished = self.runner.run(&self.command(probe, endpoint, timeout)?)?;
        if finished.timed_out {
            let program = probe.argv.first().map_or("the command", String::as_str);
            return Ok(Observation::Unanswered(format!(
                "{program} did not end within {timeout}"
            )));
        }
        Ok(Observation::Exited {
            code: finished.code,
            output: tail(finished),
        })
    }

    fn command(
        &self,
        probe: &CommandProbe,
        endpoint: &Endpoint,
        timeout: Period,
    ) -> Result<Command, PortError> {
        let argv = probe
            .argv
            .iter()
            .map(|argument| (self.render)(argument, endpoint))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| PortError::new(ErrorKind::Invalid, "rendering its arguments", problem))?;
        if argv.is_empty() {
            return Err(
                PortError::new(ErrorKind::Invalid, "running it", "the command is empty")
                    .fix("name a program"),
            );
        }
        let mut variables = self.variables.clone();
        variables.insert("GREENROOM_URL".to_owned(), endpoint.to_string());
        Ok(Command {
            argv,
            directory: self.directory.clone(),
            variables,
            secrets: self.secrets.clone(),
            timeout,
        })
    }
}

/// The end of what a command wrote, standard error after standard output.
fn tail(finished: Finished) -> String {
    let mut output = finished.stdout;
    if !output.is_empty() && !output.ends_with('\n') && !finished.stderr.is_empty() {
        output.push('\n');
    }
    output.push_str(&finished.stderr);
    let start = output.ceil_char_boundary(output.len().saturating_sub(OUTPUT));
    output.split_off(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Notes what it was asked to run and ends it as told.
    struct Noting {
        asked: Mutex<Vec<Command>>,
        finished: Result<Finished, PortError>,
    }

    impl Runner for Noting {
        fn run(&self, command: &Command) -> Result<Finished, PortError> {
            self.asked.lock().unwrap().push(command.clone());
            self.finished.clone()
        }
    }

    fn finished(code: i32, stdout: &str, stderr: &str) -> Finished {
        Finished {
            code: Some(code),
            timed_out: false,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            took: Period::ZERO,
        }
    }

    fn observe(
        argv: &[&str],
        finished: Result<Finished, PortError>,
    ) -> (Result<Observation, PortError>, Vec<Command>) {
        let runner = Arc::new(Noting {
            asked: Mutex::default(),
            finished,
        });
        let commands = Commands {
            runner: runner.clone(),
            render: Arc::new(|text, endpoint| match text {
                "{{ nope }}" => Err("unknown variable nope".to_owned()),
                text => Ok(text.replace("{{ url }}", endpoint.as_str())),
            }),
            directory: Some("checks".into()),
            variables: BTreeMap::from([("MODE".to_owned(), "smoke".to_owned())]),
            secrets: BTreeMap::from([("KEY".to_owned(), Secret::new("s3cret".to_owned()))]),
        };
        let probe = CommandProbe {
            argv: argv.iter().map(ToString::to_string).collect(),
            exit_code: 0,
        };
        let endpoint = "http://127.0.0.1:8080/a b".replace(' ', "%20").parse().unwrap();
        let seen = commands.observe(&probe, &endpoint, Period::from_secs(5));
        let asked = runner.asked.lock().unwrap().clone();
        (seen, asked)
    }

    #[test]
    fn an_argument_with_a_template_stays_one_argument_and_secrets_stay_out_of_it() {
        let (_, asked) = observe(&["testssl", "--at={{ url }} now"], Ok(finished(0, "", "")));
        assert_eq!(asked[0].argv, ["testssl", "--at=http://127.0.0.1:8080/a%20b now"]);
        assert_eq!(asked[0].variables["GREENROOM_URL"], "http://127.0.0.1:8080/a%20b");
        assert_eq!(asked[0].variables["MODE"], "smoke");
        assert_eq!(asked[0].secrets["KEY"].expose(), "s3cret");
        assert_eq!(asked[0].timeout, Period::from_secs(5));
    }

    #[test]
    fn the_output_is_the_end_of_both_streams() {
        let long = format!("{}ü", "x".repeat(5000));
        let (seen, _) = observe(&["a"], Ok(finished(3, &long, "boom\n")));
        let Observation::Exited { code, output } = seen.unwrap() else {
            panic!("no exit")
        };
        assert_eq!(code, Some(3));
        assert!(output.ends_with("xü\nboom\n") && output.len() <= OUTPUT);
    }

    #[test]
    fn a_command_that_takes_too_long_is_a_finding() {
        let late = Finished {
            timed_out: true,
            code: None,
            ..finished(0, "", "")
        };
        assert_eq!(
            observe(&["pytest", "-q"], Ok(late)).0.unwrap(),
            Observation::Unanswered("pytest did not end within 5s".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_started_is_an_error() {
        let missing = PortError::new(ErrorKind::Missing, "running nosuch", "no such program");
        let (seen, _) = observe(&["nosuch"], Err(missing));
        assert_eq!(seen.unwrap_err().kind, ErrorKind::Missing);
        for argv in [&[][..], &["a", "{{ nope }}"]] {
            let (seen, asked) = observe(argv, Ok(finished(0, "", "")));
            assert_eq!(seen.unwrap_err().kind, ErrorKind::Invalid);
            assert!(asked.is_empty());
        }
    }
}
