//! Inputs of the action → words of a command line. Pure.

use crate::config::closest;
use std::collections::BTreeMap;

/// How an input becomes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `--flag=value`.
    Value(&'static str),
    /// `--flag=value` for each name in a list.
    Names(&'static str),
    /// `--flag` where it is true.
    Flag(&'static str),
    /// `--flag` where it is said to be false; nothing where it is true or not given.
    Unless(&'static str),
    /// A word of its own, behind `--`.
    Word,
}

use Form::{Flag, Names, Unless, Value, Word};

/// A command of the action.
struct Verb {
    /// As the input `command` names it.
    name: &'static str,
    /// As the command line names it.
    words: &'static [&'static str],
    /// The inputs that it takes beside [`EVERYWHERE`]; words of their own in their order.
    inputs: &'static [(&'static str, Form)],
    /// The inputs that it cannot go without.
    needs: &'static [&'static str],
}

/// The command where none is given.
const DEFAULT: &str = "run";

/// What every command takes.
const EVERYWHERE: [(&str, Form); 2] = [("config", Value("config")), ("verbose", Flag("verbose"))];

const ENVIRONMENTS: (&str, Form) = ("environment", Names("environment"));
const ENVIRONMENT: (&str, Form) = ("environment", Value("environment"));
const PLACE: (&str, Form) = ("environment", Word);
const REF: (&str, Form) = ("ref", Value("ref"));
const VERSION: (&str, Form) = ("version", Value("version"));
const IMAGE: (&str, Form) = ("image", Value("image"));
const STRATEGY: (&str, Form) = ("strategy", Value("strategy"));
const SKIP_TESTS: (&str, Form) = ("skip-tests", Flag("skip-tests"));
const ALLOW_STALE: (&str, Form) = ("allow-stale", Flag("allow-stale"));
const DRY_RUN: (&str, Form) = ("dry-run", Flag("dry-run"));
const REASON: (&str, Form) = ("reason", Value("reason"));
const REPORT: (&str, Form) = ("report", Value("junit"));
const SUMMARY: (&str, Form) = ("summary", Value("summary"));

/// What the whole pipeline takes.
const WHOLE: &[(&str, Form)] = &[
    ENVIRONMENTS,
    REF,
    VERSION,
    IMAGE,
    STRATEGY,
    SKIP_TESTS,
    ALLOW_STALE,
    DRY_RUN,
    REPORT,
    SUMMARY,
];

/// Every command of the action.
const VERBS: &[Verb] = &[
    Verb {
        name: "run",
        words: &["run"],
        inputs: WHOLE,
        needs: &[],
    },
    Verb {
        name: "plan",
        words: &["plan"],
        inputs: &[
            ENVIRONMENTS,
            REF,
            VERSION,
            IMAGE,
            STRATEGY,
            SKIP_TESTS,
            ALLOW_STALE,
        ],
        needs: &[],
    },
    Verb {
        name: "trigger",
        words: &["trigger"],
        inputs: &[],
        needs: &[],
    },
    Verb {
        name: "tag",
        words: &["tag"],
        inputs: &[ENVIRONMENT, REF, VERSION],
        needs: &[],
    },
    Verb {
        name: "validate",
        words: &["validate"],
        inputs: &[],
        needs: &[],
    },
    Verb {
        name: "build",
        words: &["build"],
        inputs: &[ENVIRONMENT, VERSION],
        needs: &["environment"],
    },
    Verb {
        name: "scan",
        words: &["scan"],
        inputs: &[
            ENVIRONMENT,
            IMAGE,
            ("sarif", Value("sarif")),
            ("upload", Flag("try-upload")),
            REPORT,
            SUMMARY,
        ],
        needs: &["environment"],
    },
    Verb {
        name: "deploy",
        words: &["deploy"],
        inputs: WHOLE,
        needs: &["environment"],
    },
    Verb {
        name: "verify",
        words: &["verify"],
        inputs: &[PLACE, REPORT, SUMMARY],
        needs: &["environment"],
    },
    Verb {
        name: "promote",
        words: &["promote"],
        inputs: &[
            ("from", Value("from")),
            ("environment", Value("to")),
            VERSION,
            IMAGE,
            ALLOW_STALE,
            DRY_RUN,
            REPORT,
            SUMMARY,
        ],
        needs: &["from", "environment"],
    },
    Verb {
        name: "approve",
        words: &["approve"],
        // An approval without a reason is one that nobody can read later.
        inputs: &[PLACE, IMAGE, REASON, DRY_RUN],
        needs: &["environment", "reason"],
    },
    Verb {
        name: "rollback",
        words: &["rollback"],
        inputs: &[PLACE, ("version", Word), REASON, DRY_RUN, REPORT, SUMMARY],
        needs: &["environment"],
    },
    Verb {
        name: "resume",
        words: &["resume"],
        inputs: &[PLACE, REASON, DRY_RUN, REPORT, SUMMARY],
        needs: &["environment"],
    },
    Verb {
        name: "abort",
        words: &["abort"],
        inputs: &[PLACE, REASON, DRY_RUN, REPORT, SUMMARY],
        needs: &["environment"],
    },
    Verb {
        name: "acceptance",
        words: &["acceptance", "run"],
        inputs: &[ENVIRONMENT, REF, VERSION, IMAGE, SKIP_TESTS, REPORT, SUMMARY],
        needs: &["environment"],
    },
    Verb {
        name: "prune-images",
        words: &["prune", "images"],
        // Images are deleted where somebody says in so many words that this is no dry run.
        inputs: &[("dry-run", Unless("apply"))],
        needs: &[],
    },
    Verb {
        name: "prune-guests",
        words: &["prune", "guests"],
        inputs: &[ENVIRONMENT, DRY_RUN],
        needs: &[],
    },
    Verb {
        name: "status",
        words: &["status"],
        inputs: &[PLACE],
        needs: &[],
    },
    Verb {
        name: "doctor",
        words: &["doctor"],
        inputs: &[ENVIRONMENT],
        needs: &[],
    },
    Verb {
        name: "check",
        words: &["check"],
        inputs: &[],
        needs: &[],
    },
];

impl Verb {
    fn takes(&self, input: &str) -> bool {
        EVERYWHERE
            .iter()
            .chain(self.inputs)
            .any(|(name, _)| *name == input)
    }
}

/// The command line that `inputs` (names as in `action.yml`, in lower case) ask for, without the program's
/// name.
///
/// # Errors
/// A sentence that says which input is wrong, and what would be right.
pub(in crate::cli) fn words(inputs: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    let given = |name: &str| {
        inputs
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    };
    let command = given("command").unwrap_or(DEFAULT);
    let verb = VERBS
        .iter()
        .find(|verb| verb.name == command)
        .ok_or_else(|| unknown("command", command, VERBS.iter().map(|verb| verb.name)))?;
    for name in inputs
        .keys()
        .filter(|name| *name != "command" && given(name).is_some())
    {
        // A switch that is off says nothing that a command would have to know of.
        let off = is_switch(name) && given(name) == Some("false");
        if !verb.takes(name) && !off {
            return Err(not_taken(verb, name));
        }
    }
    if let Some(missing) = verb.needs.iter().find(|name| given(name).is_none()) {
        return Err(format!("the command {} needs the input {missing}", verb.name));
    }
    let mut words: Vec<String> = verb.words.iter().map(|&word| word.to_owned()).collect();
    let mut behind: Vec<String> = Vec::new();
    for (name, form) in EVERYWHERE.iter().chain(verb.inputs) {
        let Some(value) = given(name) else {
            continue;
        };
        match form {
            Value(flag) => words.push(format!("--{flag}={value}")),
            Names(flag) => words.extend(names(value).map(|name| format!("--{flag}={name}"))),
            Flag(flag) => words.extend(is_true(name, value)?.then(|| format!("--{flag}"))),
            Unless(flag) => words.extend((!is_true(name, value)?).then(|| format!("--{flag}"))),
            Word => behind.push(value.to_owned()),
        }
    }
    if !behind.is_empty() {
        words.push("--".to_owned());
        words.append(&mut behind);
    }
    Ok(words)
}

/// The names in a list: parted by commas, blanks or line breaks, none of which a name holds.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
}

fn is_true(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!(
            "the input {name} is {other:?}, which is neither true nor false"
        )),
    }
}

/// Whether the input is true or false for every command that takes it.
fn is_switch(input: &str) -> bool {
    let forms = VERBS.iter().flat_map(|verb| EVERYWHERE.iter().chain(verb.inputs));
    forms
        .filter(|(name, _)| *name == input)
        .any(|(_, form)| matches!(form, Flag(_) | Unless(_)))
}

/// Why `input` is not one for this command.
fn not_taken(verb: &Verb, input: &str) -> String {
    let takers: Vec<&str> = VERBS
        .iter()
        .filter(|other| other.takes(input))
        .map(|other| other.name)
        .collect();
    if takers.is_empty() {
        let every = VERBS.iter().flat_map(|verb| EVERYWHERE.iter().chain(verb.inputs));
        return unknown("input", input, every.map(|(name, _)| *name).chain(["command"]));
    }
    format!(
        "the command {} does not take the input {input}; {} {} it",
        verb.name,
        takers.join(", "),
        if takers.len() == 1 { "takes" } else { "take" },
    )
}

/// That there is no such thing, and the nearest one or all that there are.
fn unknown<'a>(kind: &str, found: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    match closest(found, known.iter().copied()) {
        Some(near) => format!("there is no {kind} {found:?}; did you mean {near}?"),
        None => format!("there is no {kind} {found:?}; there is: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::Cli;
    use clap::{CommandFactory as _, Parser as _};

    type Inputs<'a> = &'a [(&'a str, &'a str)];

    fn of(inputs: Inputs<'_>) -> Result<Vec<String>, String> {
        let inputs = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        words(&inputs.collect())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn inputs_become_the_words_of_a_command_line() {
        let table: [(Inputs<'_>, &str); 17] = [
            (&[], "run"),
            (&[("command", ""), ("environment", " \n")], "run"),
            (
                &[
                    ("environment", "staging"),
                    ("skip-tests", "true"),
                    ("dry-run", "false"),
                ],
                "run|--environment=staging|--skip-tests",
            ),
            (
                &[
                    ("command", "deploy"),
                    ("environment", "a, b\nc"),
                    ("image", "sha256:0"),
                ],
                "deploy|--environment=a|--environment=b|--environment=c|--image=sha256:0",
            ),
            (
                &[
                    ("command", "plan"),
                    ("config", "-x/greenroom.yaml"),
                    ("ref", "--version"),
                ],
                "plan|--config=-x/greenroom.yaml|--ref=--version",
            ),
            (&[("command", "trigger"), ("skip-tests", "false")], "trigger"),
            (
                &[("command", "tag"), ("environment", "a"), ("version", "1.0.0")],
                "tag|--environment=a|--version=1.0.0",
            ),
            (
                &[
                    ("command", "verify"),
                    ("environment", "--help"),
                    ("report", "a b.xml"),
                ],
                "verify|--junit=a b.xml|--|--help",
            ),
            (
                &[
                    ("command", "rollback"),
                    ("environment", "a"),
                    ("version", "1.0.0"),
                    ("reason", "--dry-run"),
                    ("verbose", "true"),
                ],
                "rollback|--verbose|--reason=--dry-run|--|a|1.0.0",
            ),
            (
                &[
                    ("command", "promote"),
                    ("from", "staging"),
                    ("environment", "production"),
                ],
                "promote|--from=staging|--to=production",
            ),
            (
                &[
                    ("command", "approve"),
                    ("environment", "production"),
                    ("image", "v1.2.3"),
                    ("reason", "--revoke"),
                ],
                "approve|--image=v1.2.3|--reason=--revoke|--|production",
            ),
            (&[("command", "prune-images")], "prune|images"),
            (
                &[("command", "prune-images"), ("dry-run", "true")],
                "prune|images",
            ),
            (
                &[("command", "prune-images"), ("dry-run", "false")],
                "prune|images|--apply",
            ),
            (
                &[("command", "resume"), ("environment", "a"), ("dry-run", "true")],
                "resume|--dry-run|--|a",
            ),
            (
                &[("command", "abort"), ("environment", "a"), ("dry-run", "true")],
                "abort|--dry-run|--|a",
            ),
            (&[("command", "status"), ("environment", "a")], "status|--|a"),
        ];
        for (inputs, expected) in table {
            assert_eq!(of(inputs).unwrap().join("|"), expected, "{inputs:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        let table: [(Inputs<'_>, &str); 10] = [
            (
                &[("command", "deplyo")],
                "there is no command \"deplyo\"; did you mean deploy?",
            ),
            (
                &[("command", "-x")],
                "there is no command \"-x\"; there is: abort, acceptance, ",
            ),
            (&[("command", "router")], "there is no command \"router\"; "),
            (
                &[("enviroment", "a")],
                "there is no input \"enviroment\"; did you mean environment?",
            ),
            (
                &[("command", "trigger"), ("from", "a")],
                "the command trigger does not take the input from; promote takes it",
            ),
            (
                &[("command", "rollback"), ("environment", "a"), ("image", "x")],
                "the command rollback does not take the input image; run, plan, scan, deploy, promote, approve, acceptance take it",
            ),
            (
                &[("command", "deploy"), ("environment", "a"), ("skip-tests", "yes")],
                "the input skip-tests is \"yes\", which is neither true nor false",
            ),
            (
                &[("command", "deploy")],
                "the command deploy needs the input environment",
            ),
            (
                &[("command", "promote"), ("environment", "a")],
                "the command promote needs the input from",
            ),
            (
                &[("command", "approve"), ("environment", "a")],
                "the command approve needs the input reason",
            ),
        ];
        for (inputs, expected) in table {
            let error = of(inputs).unwrap_err();
            assert!(error.starts_with(expected), "{inputs:?}: {error}");
        }
    }

    #[test]
    fn every_command_takes_each_of_its_inputs_on_the_command_line_too() {
        Cli::command().debug_assert();
        for verb in VERBS {
            let value = |name: &str| match name {
                _ if is_switch(name) => "true",
                "strategy" => "canary",
                "version" => "1.2.3",
                _ => "-odd",
            };
            let names = EVERYWHERE.iter().chain(verb.inputs).map(|(name, _)| *name);
            let mut inputs: BTreeMap<String, String> = names
                .map(|name| (name.to_owned(), value(name).to_owned()))
                .collect();
            inputs.insert("command".to_owned(), verb.name.to_owned());
            for name in ["environment", "from"] {
                inputs
                    .entry(name.to_owned())
                    .and_modify(|value| "a1".clone_into(value));
            }
            let words = words(&inputs).unwrap();
            let parsed = Cli::try_parse_from(["greenroom".to_owned()].into_iter().chain(words.clone()));
            assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
        }
    }

    /// `action.yml`, read.
    fn action() -> serde_json::Value {
        serde_yaml::from_str(include_str!("../../../action.yml")).unwrap()
    }

    fn takers(input: &str) -> Vec<&'static str> {
        let takers = VERBS.iter().filter(|verb| verb.takes(input));
        takers.map(|verb| verb.name).collect()
    }

    #[test]
    fn the_action_declares_every_input_and_hands_each_over_under_its_own_name() {
        let action = action();
        let declared = action["inputs"].as_object().unwrap();
        let mut expected: Vec<&str> = VERBS
            .iter()
            .flat_map(|verb| EVERYWHERE.iter().chain(verb.inputs))
            .map(|(name, _)| *name)
            .chain(["command", "token"])
            .collect();
        expected.sort_unstable();
        expected.dedup();
        let mut names: Vec<&str> = declared.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        for (name, input) in declared {
            assert!(input["description"].as_str().unwrap().len() > 10, "{name}");
            assert!(
                input["default"].is_string() && input["required"] == false,
                "{name}"
            );
        }
        let step = &action["runs"]["steps"][1];
        let mut handed: Vec<String> = names
            .iter()
            .filter(|name| **name != "token")
            .map(|name| {
                let variable = name.to_uppercase().replace('-', "_");
                format!("GREENROOM_INPUT_{variable}: ${{{{ inputs.{name} }}}}")
            })
            .chain(["GITHUB_TOKEN: ${{ inputs.token }}".to_owned()])
            .collect();
        handed.sort_unstable();
        let mut found: Vec<String> = step["env"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, handed);
        for step in action["runs"]["steps"].as_array().unwrap() {
            assert!(!step["run"].as_str().unwrap().contains("${{"), "{step}");
        }
    }

    #[test]
    fn the_defaults_of_the_action_are_right_for_every_command() {
        let action = action();
        let mut inputs: BTreeMap<String, String> = BTreeMap::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            if name != "token" {
                inputs.insert(name.clone(), input["default"].as_str().unwrap().to_owned());
            }
        }
        for verb in VERBS {
            inputs.insert("command".to_owned(), verb.name.to_owned());
            for name in ["environment", "from", "reason"] {
                let value = if verb.needs.contains(&name) { "a" } else { "" };
                inputs.insert(name.to_owned(), value.to_owned());
            }
            let words = words(&inputs).unwrap();
            let bare = words
                .iter()
                .filter(|word| word.starts_with("--") && !word.ends_with("=a"));
            assert!(bare.clone().all(|word| word == "--"), "{words:?}");
        }
    }

    #[test]
    fn the_action_declares_every_output() {
        let action = action();
        let declared = action["outputs"].as_object().unwrap();
        let mut names: Vec<&str> = declared.keys().map(String::as_str).collect();
        let mut expected = crate::report::outputs::NAMES.to_vec();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        let document = include_str!("../../../docs/action.md");
        for (name, output) in declared {
            assert_eq!(
                output["value"],
                format!("${{{{ steps.greenroom.outputs.{name} }}}}")
            );
            assert!(output["description"].as_str().unwrap().len() > 10, "{name}");
            assert!(
                document.contains(&format!("`{name}`")),
                "{name} is not in docs/action.md"
            );
        }
    }

    #[test]
    fn the_documentation_names_the_commands_that_take_an_input() {
        let document = include_str!("../../../docs/action.md");
        let rows: BTreeMap<&str, &str> = document
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .map(|(name, rest)| (name, rest.split(" | ").next().unwrap_or_default()))
            .collect();
        for name in action()["inputs"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| *name != "token")
        {
            let everywhere = name == "command" || EVERYWHERE.iter().any(|(every, _)| every == name);
            let expected = if everywhere {
                "every command".to_owned()
            } else {
                takers(name).join(", ")
            };
            assert_eq!(rows.get(name.as_str()), Some(&expected.as_str()), "{name}");
        }
    }
}
