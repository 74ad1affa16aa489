//! Containerfiles, read as a builder reads them.

use crate::scaffold::combinations::texts;

/// Every instruction that is used, so that a word which is none is found.
const INSTRUCTIONS: [&str; 10] = [
    "FROM",
    "WORKDIR",
    "RUN",
    "COPY",
    "ENV",
    "USER",
    "EXPOSE",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
];

/// Instructions with their words, continued lines joined, comments left out.
fn instructions(text: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line.strip_suffix('\\') {
            Some(part) => open += part,
            None if line.trim().is_empty() && open.is_empty() => {}
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    assert_eq!(open, "", "the last line goes on");
    lines
        .iter()
        .map(|line| {
            let (name, rest) = line.trim().split_once(' ').unwrap();
            (name.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

#[test]
fn images_are_built_in_stages_from_named_versions_and_run_as_nobody() {
    let all = &texts()["Containerfile"];
    assert_eq!(all.len(), 5, "one for each ecosystem");
    for text in all {
        let mut stages: Vec<String> = Vec::new();
        let mut user = None;
        let mut healthy = false;
        for (name, rest) in instructions(text) {
            assert!(INSTRUCTIONS.contains(&name.as_str()), "{name} {rest}");
            match name.as_str() {
                "FROM" => {
                    let (base, stage) = rest.split_once(" AS ").unwrap();
                    let (_, tag) = base.rsplit_once(':').unwrap();
                    let exact =
                        tag.starts_with(|c: char| c.is_ascii_digit()) && tag.matches('.').count() >= 2;
                    assert!(exact && base.starts_with("docker.io/"), "{base}");
                    stages.push(stage.to_owned());
                    (user, healthy) = (None, false);
                }
                "COPY" => {
                    // A builder refuses to copy nothing: one source has to be there in every project.
                    let (sources, _) = rest.rsplit_once(' ').unwrap();
                    let mut sources = sources.split(' ').filter(|word| !word.starts_with("--"));
                    assert!(sources.any(|source| !source.contains('[')), "{rest}");
                    if let Some(from) = rest.strip_prefix("--from=") {
                        let from = from.split(' ').next().unwrap();
                        assert!(stages.iter().any(|stage| stage == from), "{rest}");
                    }
                }
                "USER" => user = Some(rest),
                "HEALTHCHECK" => healthy = rest.contains("CMD"),
                "ENTRYPOINT" => drop(serde_json::from_str::<Vec<String>>(&rest).unwrap()),
                _ => {}
            }
        }
        assert!(
            stages.len() >= 2 && stages.last().unwrap() == "runner",
            "{stages:?}"
        );
        let user = user.unwrap();
        let id = user.split(':').next().unwrap().parse::<u32>().unwrap();
        assert!(id > 0, "{text}");
        assert!(healthy, "{text}");
        for word in ["ARG", "TOKEN", "SECRET", "PASSWORD", ":latest"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}

#[test]
fn secrets_history_and_configuration_stay_out_of_images() {
    for text in &texts()[".dockerignore"] {
        for line in [
            ".git",
            "**/.env",
            "**/.env.*",
            ".greenroom",
            "**/*.key",
            "**/*.pem",
            "**/__pycache__",
            "deploy",
        ] {
            assert!(text.lines().any(|there| there == line), "{line}");
        }
    }
}
