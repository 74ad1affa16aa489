//! Help, and calls that make no sense.

use crate::cli::pages;
use crate::support::project::Project;
use std::collections::BTreeSet;

#[test]
fn every_command_explains_itself_as_the_page_about_it_says() {
    let project = Project::empty();
    // A test of `cli::reference` writes it.
    let page = pages::text_of("docs/cli.md");
    let mut commands = 0;
    for section in page.split("\n## greenroom").skip(1) {
        let (name, help) = section.split_once('\n').unwrap();
        let words: Vec<&str> = name.split_whitespace().collect();
        let ran = project.must(&[&words[..], &["--help"]].concat());
        assert_eq!(ran.err, "", "{words:?}");
        let shown: BTreeSet<&str> = ran.out.lines().map(str::trim_end).collect();
        // The page leaves out the options that all commands share, and so may its line of usage.
        let missing: Vec<&str> = help
            .lines()
            .filter(|line| !line.starts_with("```") && !line.starts_with("Usage:"))
            .filter(|line| !shown.contains(line))
            .collect();
        assert!(
            missing.is_empty(),
            "{words:?} does not show {missing:?}:\n{}",
            ran.out
        );
        commands += 1;
    }
    assert!(commands > 50, "only {commands} commands are on the page");
}

#[test]
fn a_call_that_makes_no_sense_ends_with_2_and_says_why() {
    let project = Project::new("");
    let mut shown = String::new();
    for words in [
        &["deploy"][..],
        &["deply"],
        &["deploy", "-e", "production"],
        &["deploy", "-e", "Not A Name"],
        &["deploy", "-e", "staging", "--strategy", "green"],
        &["deploy", "-e", "staging", "--through", "production"],
        &["deploy", "-e", "staging", "--image", "nope"],
        &["verify", "staging", "--suite", "load"],
        &["rollback", "staging", "1.0.0", "--to", "stable"],
        &["history", "production"],
        &["status", "production"],
        &["resume", "production"],
        &["audit", "verify", "production"],
        &["environment", "show", "production"],
    ] {
        let ran = project.run(words);
        assert_eq!(ran.status, 2, "{words:?}: {}{}", ran.out, ran.err);
        shown += &format!("$ greenroom {}\n{}\n", words.join(" "), ran.shown());
    }
    insta::assert_snapshot!(shown, @r#"
    $ greenroom deploy
    status 2
    -- stderr
    error: the following required arguments were not provided:
      --environment <ENV>

    Usage: greenroom deploy --environment <ENV>

    For more information, try '--help'.

    $ greenroom deply
    status 2
    -- stderr
    error: unrecognized subcommand 'deply'

      tip: a similar subcommand exists: 'deploy'

    Usage: greenroom [OPTIONS] <COMMAND>

    For more information, try '--help'.

    $ greenroom deploy -e production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging

    $ greenroom deploy -e Not A Name
    status 2
    -- stderr
    error: invalid value 'Not A Name' for '--environment <ENV>': "Not A Name" is not an environment name (1 to 63 letters, digits, '-', '_', '.', starting with a letter or digit)

    For more information, try '--help'.

    $ greenroom deploy -e staging --strategy green
    status 2
    -- stderr
    error: invalid value 'green' for '--strategy <STRATEGY>'
      [possible values: direct, rolling, blue-green, canary]

    For more information, try '--help'.

    $ greenroom deploy -e staging --through production
    status 2
    -- stderr
    error: staging is not in the promotion order
      fix: add it to `promotion:`

    $ greenroom deploy -e staging --image nope
    status 2
    -- stdout
    deploying: staging was named on the command line
    -- stderr
    error: hello has no image nope; its tags are: none

    $ greenroom verify staging --suite load
    status 2
    -- stderr
    error: there is no suite load; configured are: smoke

    $ greenroom rollback staging 1.0.0 --to stable
    status 2
    -- stderr
    error: the argument '[VERSION]' cannot be used with '--to <TO>'

    Usage: greenroom rollback <ENVIRONMENT> <VERSION>

    For more information, try '--help'.

    $ greenroom history production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging

    $ greenroom status production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging

    $ greenroom resume production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging

    $ greenroom audit verify production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging

    $ greenroom environment show production
    status 2
    -- stderr
    error: there is no environment production; configured are: staging
    "#);
}

#[test]
fn without_a_pipeline_file_it_says_how_to_name_one() {
    let project = Project::empty();
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 2
    -- stderr
    error: there is no greenroom.yaml in [DIR] or above it
      fix: name one with --config
    "#);
    insta::assert_snapshot!(project.run(&["--config", "other.yaml", "check"]).shown(), @r#"
    status 3
    -- stderr
    error: cannot read other.yaml: there is no such file
     |
     = help: name the file with --config, or run greenroom where greenroom.yaml is
    "#);
    insta::assert_snapshot!(project.run(&["--format", "json", "status"]).shown(), @r#"
    status 2
    -- stdout
    {
      "error": {
        "causes": [],
        "fix": "name one with --config",
        "kind": "usage",
        "message": "there is no greenroom.yaml in [DIR] or above it"
      },
      "exit": 2,
      "schema": "greenroom.error/1"
    }
    -- stderr
    error: there is no greenroom.yaml in [DIR] or above it
      fix: name one with --config
    "#);
}
