//! The scanner that is configured: the only place that names one.

use crate::adapters::scanner::{CommandScanner, FileScanner, RenderImage, ScannerSettings};
use crate::app::error::AppError;
use crate::app::template::Templates;
use crate::app::workspace::Workspace;
use crate::config::{ScanSource, scan::Scan};
use crate::domain::model::{Artifact, Explanation, Secret};
use crate::ports::{Runner, Scanner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Variables that scanners read beside those that every command gets, by name or by how they begin.
const VARIABLES: [&str; 12] = [
    "TRIVY_",
    "GRYPE_",
    "SYFT_",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "XDG_",
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "AWS_",
    "GOOGLE_",
];
/// What a variable's name has in it when its value is a secret.
const SECRET: [&str; 4] = ["TOKEN", "PASSWORD", "SECRET", "KEY"];

/// The scanner of the project, run by `runner`; the report in `file` where one is named.
///
/// # Errors
/// When nothing is configured and no report is named.
pub(super) fn scanner(
    workspace: &Workspace,
    file: Option<&Path>,
    runner: Arc<dyn Runner>,
) -> Result<Box<dyn Scanner>, AppError> {
    if let Some(file) = file {
        let path = workspace.context.environment.directory().join(file);
        return Ok(Box::new(FileScanner::new(path)));
    }
    let Some(Scan { source, .. }) = &workspace.project.scan else {
        return Err(AppError::usage(
            Explanation::new("greenroom.yaml has no `scan:`").fix("add one, or name a report with --report"),
        ));
    };
    Ok(match source {
        ScanSource::Report(file) => Box::new(FileScanner::new(workspace.root.join(file))),
        ScanSource::Command {
            argv,
            timeout,
            findings_exit_codes,
        } => {
            let (secrets, variables) = passed(workspace.context.environment.variables());
            let settings = ScannerSettings {
                argv: argv.clone(),
                render: render(workspace),
                directory: None,
                variables,
                secrets,
                timeout: *timeout,
                findings_exit_codes: findings_exit_codes.clone(),
            };
            Box::new(CommandScanner::new(settings, runner))
        }
    })
}

/// Facts about the image: `service`, `image` (by digest), `repository`, `digest`, and `layout`, the
/// directory of the embedded store that holds it.
fn render(workspace: &Workspace) -> RenderImage {
    let environments = workspace.project.environments.values();
    let secrets = environments.flat_map(|environment| environment.secrets.values());
    let variables = workspace.context.environment.variables().clone();
    let templates = Templates::new(variables, secrets.map(|source| &source.value));
    let service = workspace.project.service.clone();
    let layout = workspace
        .project
        .image
        .as_ref()
        .and_then(|image| workspace.layout(&image.repository))
        .filter(|layout| layout.is_dir());
    Arc::new(move |word: &str, image: &Artifact| {
        let mut facts = BTreeMap::from([
            ("service".to_owned(), service.clone()),
            ("image".to_owned(), image.to_string()),
            ("repository".to_owned(), image.repository.clone()),
            ("digest".to_owned(), image.digest.to_string()),
        ]);
        if let Some(layout) = &layout {
            facts.insert("layout".to_owned(), layout.display().to_string());
        }
        templates.render(word, &facts).map_err(|error| error.to_string())
    })
}

type Passed = (BTreeMap<String, Secret>, BTreeMap<String, String>);

/// The variables that a scanner gets: secrets, and the others.
fn passed(all: &BTreeMap<String, String>) -> Passed {
    let (mut secrets, mut others) = Passed::default();
    for (name, value) in all {
        let upper = name.to_ascii_uppercase();
        if !VARIABLES.iter().any(|known| upper.starts_with(known)) {
            continue;
        }
        if SECRET.iter().any(|mark| upper.contains(mark)) {
            secrets.insert(name.clone(), Secret::new(value.clone()));
        } else {
            others.insert(name.clone(), value.clone());
        }
    }
    (secrets, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_gets_its_own_variables_and_no_others() {
        let all = [
            ("TRIVY_CACHE_DIR", "/cache"),
            ("TRIVY_PASSWORD", "swordfish"),
            ("https_proxy", "http://proxy:3128"),
            ("DATABASE_URL", "postgres://"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (secrets, others) = passed(&all.into());
        assert_eq!(secrets.keys().collect::<Vec<_>>(), ["TRIVY_PASSWORD"]);
        assert_eq!(
            others.keys().collect::<Vec<_>>(),
            ["TRIVY_CACHE_DIR", "https_proxy"]
        );
    }
}
