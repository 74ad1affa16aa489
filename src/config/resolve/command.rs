//! The restricted command runner's rules, applied to hooks. A program that is named by a relative path
//! lies in the runner's directory and needs no mention in the list.

use super::super::argv::Argv;
use super::super::diagnostic::Diagnostic;
use super::super::place::Located;
use super::super::project::CommandPolicy;
use crate::domain::model::Period;

/// Reports a command that the policy does not allow.
pub(super) fn check(
    command: &Located<Argv>,
    timeout: Period,
    policy: &CommandPolicy,
    problems: &mut Vec<Diagnostic>,
) {
    let argv = &command.value.0;
    let program = argv.first().map_or("", String::as_str);
    let own =
        program.contains('/') && !program.starts_with('/') && !program.split('/').any(|part| part == "..");
    if !own && !policy.allow.is_empty() && !policy.allow.iter().any(|allowed| allowed == program) {
        problems.push(
            Diagnostic::error(
                command.place,
                format!("`{program}` is not among the allowed commands"),
            )
            .help(format!(
                "add it to `commands.allow` ({})",
                policy.allow.join(", ")
            )),
        );
    }
    let length = argv
        .iter()
        .map(|word| word.len() + 1)
        .sum::<usize>()
        .saturating_sub(1);
    if length > policy.max_length as usize {
        problems.push(
            Diagnostic::error(
                command.place,
                format!(
                    "the command is {length} bytes long; {} are allowed",
                    policy.max_length
                ),
            )
            .help("shorten it, or raise `commands.maxLength`"),
        );
    }
    if timeout > policy.timeout {
        problems.push(
            Diagnostic::error(
                command.place,
                format!("the command may take {timeout}; {} are allowed", policy.timeout),
            )
            .help("give it a shorter `timeout`, or raise `commands.timeout`"),
        );
    }
}
