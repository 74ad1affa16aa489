//! Questions on a terminal, one for each choice that no option made.

use super::choices::{ChoiceArgs, RegistryChoice};
use crate::app::init::ProjectSurroundings;
use crate::scaffold::{Approvals, Ci, Ecosystem, Jobs, TargetChoice, TriggerKind};
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::str::FromStr;

/// How often a question is repeated before the default is taken.
const PATIENCE: usize = 3;

/// Where questions go and answers come from.
pub(super) struct Asker<R, W> {
    pub(super) answers: R,
    pub(super) questions: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Asks for what is not given. An empty line takes the default, which stands in brackets.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn fill(
        &mut self,
        args: &mut ChoiceArgs,
        surroundings: &ProjectSurroundings,
    ) -> io::Result<()> {
        if args.service.is_none() {
            args.service = Some(self.one("Name of the service", &surroundings.name)?);
        }
        if args.ecosystem.is_none() {
            let found = surroundings
                .ecosystem
                .map_or(Ecosystem::Python, |(found, _)| found);
            args.ecosystem = Some(self.one(&question("Written in", Ecosystem::ALL), &found)?);
        }
        if args.triggers.is_empty() {
            let what = question("What deploys to staging, one or more", TriggerKind::ALL);
            args.triggers = self.several(&what, "push,dispatch")?;
        }
        if args.target.is_none() {
            args.target = Some(self.one(
                &question("Where it runs", TargetChoice::ALL),
                &TargetChoice::Local,
            )?);
        }
        if args.registry.is_none() {
            let what = "Its images (ghcr.io/OWNER/REPO, or none)";
            let given = self.answered(what, "none", str::parse::<RegistryChoice>)?;
            args.registry = Some(given.unwrap_or(RegistryChoice(None)));
        }
        if args.approvals.is_none() {
            let what = question("Who is asked before production", Approvals::ALL);
            args.approvals = Some(self.one(&what, &Approvals::None)?);
        }
        if args.jobs.is_none() {
            args.jobs = Some(self.one(&question("Jobs of a workflow", Jobs::ALL), &Jobs::One)?);
        }
        if args.ci.is_empty() {
            args.ci = self.several(&question("CI systems, one or more", Ci::ALL), "github")?;
        }
        Ok(())
    }

    /// Whether a file may be overwritten; no where nothing is answered.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn may_overwrite(&mut self, path: &str) -> io::Result<bool> {
        let answer = self.line(&format!("Overwrite {path}? (y, n)"), "n")?;
        Ok(matches!(answer.as_str(), "y" | "yes"))
    }

    fn one<T: FromStr<Err: Display> + Display + Clone>(&mut self, what: &str, usual: &T) -> io::Result<T> {
        self.answered(what, &usual.to_string(), |answer| {
            answer.parse().map_err(|problem: T::Err| problem.to_string())
        })
        .map(|answer| answer.unwrap_or_else(|| usual.clone()))
    }

    fn several<T: FromStr<Err = String>>(&mut self, what: &str, usual: &str) -> io::Result<Vec<T>> {
        let words = |answer: &str| {
            answer
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::parse)
                .collect::<Result<Vec<T>, String>>()
        };
        let answer = self.answered(what, usual, words)?;
        Ok(answer.unwrap_or_else(|| words(usual).unwrap_or_default()))
    }

    /// The answer as what is wanted; `None` after too many that are not.
    fn answered<T>(
        &mut self,
        what: &str,
        usual: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> io::Result<Option<T>> {
        for _ in 0..PATIENCE {
            let answer = self.line(what, usual)?;
            match read(&answer) {
                Ok(answer) => return Ok(Some(answer)),
                Err(problem) => writeln!(self.questions, "  {problem}")?,
            }
        }
        writeln!(self.questions, "  taking {usual}")?;
        Ok(None)
    }

    fn line(&mut self, what: &str, usual: &str) -> io::Result<String> {
        write!(self.questions, "{what} [{usual}]: ")?;
        self.questions.flush()?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer = answer.trim();
        Ok(if answer.is_empty() { usual } else { answer }.to_owned())
    }
}

fn question<T: Display>(what: &str, all: &[T]) -> String {
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!("{what} ({})", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> ProjectSurroundings {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("package.json"), "{}").unwrap();
        crate::app::init::surroundings(directory.path())
    }

    fn asked(given: &ChoiceArgs, answers: &str) -> (ChoiceArgs, String) {
        let mut args = given.clone();
        let mut asker = Asker {
            answers: answers.as_bytes(),
            questions: Vec::new(),
        };
        asker.fill(&mut args, &surroundings()).unwrap();
        (args, String::from_utf8(asker.questions).unwrap())
    }

    #[test]
    fn empty_answers_take_what_stands_in_brackets() {
        let (args, _) = asked(&ChoiceArgs::default(), "shop\n\n\n\n\n\n\n\n");
        assert_eq!(args.service.unwrap().as_str(), "shop");
        assert_eq!(args.ecosystem, Some(Ecosystem::Node));
        assert_eq!(args.triggers, [TriggerKind::Push, TriggerKind::Dispatch]);
        assert_eq!(args.target, Some(TargetChoice::Local));
        assert_eq!(args.registry, Some(RegistryChoice(None)));
        assert_eq!(args.ci, [Ci::GitHub]);
    }

    #[test]
    fn what_an_option_says_is_not_asked_and_a_mistake_is_asked_again() {
        let given = ChoiceArgs {
            service: Some("shop".parse().unwrap()),
            target: Some(TargetChoice::Command),
            ..ChoiceArgs::default()
        };
        let answers =
            "cobol\nrust\nlabel push\nghcr.io/Acme/shop\nghcr.io/acme/shop\ngithub\nsplit\njenkins\n";
        let (args, questions) = asked(&given, answers);
        assert_eq!(args.ecosystem, Some(Ecosystem::Rust));
        assert_eq!(args.triggers, [TriggerKind::Label, TriggerKind::Push]);
        assert_eq!(args.registry.unwrap().0.unwrap().as_str(), "ghcr.io/acme/shop");
        assert_eq!(args.jobs, Some(Jobs::Split));
        assert_eq!(args.ci, [Ci::Jenkins]);
        assert!(!questions.contains("Name of the service") && !questions.contains("Where it runs"));
        assert!(questions.contains("\"cobol\" is no ecosystem: write python, node, rust, go, static"));
    }

    #[test]
    fn after_too_many_mistakes_the_default_is_taken_and_an_end_is_an_error() {
        let given = ChoiceArgs {
            service: Some("shop".parse().unwrap()),
            ..ChoiceArgs::default()
        };
        let (args, questions) = asked(&given, "a\nb\nc\n\n\n\n\n\n\n");
        assert_eq!(args.ecosystem, Some(Ecosystem::Node));
        assert!(questions.contains("taking node"));
        let mut asker = Asker {
            answers: &b""[..],
            questions: Vec::new(),
        };
        assert!(asker.fill(&mut ChoiceArgs::default(), &surroundings()).is_err());
        assert!(asker.may_overwrite("x").is_err());
    }
}
