//! Every template: its name, its text, where it goes, and when.

use super::choices::{Choices, Ci, TargetChoice};
use super::ecosystem::Ecosystem;

/// A template that is embedded.
#[derive(Debug)]
pub struct Template {
    /// Its path below `templates/`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The path of the file that it becomes, below the project; `None` for a part of others.
    pub path: Option<&'static str>,
    /// What the file is, in one line.
    pub about: &'static str,
    /// Whether the file is a program.
    pub executable: bool,
    wanted: fn(&Choices) -> bool,
}

impl Template {
    /// Whether these choices need the file.
    pub fn is_wanted(&self, choices: &Choices) -> bool {
        self.path.is_some() && (self.wanted)(choices)
    }
}

/// A template that becomes a file.
macro_rules! file {
    ($name:literal => $path:literal, $about:literal, $wanted:expr) => {
        file!($name => $path, $about, $wanted, false)
    };
    ($name:literal => $path:literal, $about:literal, $wanted:expr, $executable:literal) => {
        Template {
            name: $name,
            text: include_str!(concat!("../../templates/", $name)),
            path: Some($path),
            about: $about,
            executable: $executable,
            wanted: $wanted,
        }
    };
}

/// A template that others include.
macro_rules! part {
    ($name:literal, $about:literal) => {
        Template {
            name: $name,
            text: include_str!(concat!("../../templates/", $name)),
            path: None,
            about: $about,
            executable: false,
            wanted: |_| false,
        }
    };
}

fn always(_: &Choices) -> bool {
    true
}

fn github(choices: &Choices) -> bool {
    choices.ci.contains(&Ci::GitHub)
}

/// Every template, in the order in which files are written.
pub const TEMPLATES: &[Template] = &[
    file!("greenroom.yaml" => "greenroom.yaml", "the pipeline", always),
    file!("environments/staging.yaml" => "environments/staging.yaml", "the environment staging", always),
    file!("environments/acceptance.yaml" => "environments/acceptance.yaml", "the environment acceptance", always),
    file!("environments/production.yaml" => "environments/production.yaml", "the environment production", always),
    file!("deploy/compose.sh" => "deploy/compose.sh", "brings compose.production.yaml to a host",
        |choices| choices.target == TargetChoice::Command, true),
    file!("github/ci.yml" => ".github/workflows/ci.yml", "checks, build, and release branches", github),
    file!("github/deploy-staging.yml" => ".github/workflows/deploy-staging.yml", "build and deploy to staging", github),
    file!("github/deploy-acceptance.yml" => ".github/workflows/deploy-acceptance.yml",
        "bring what is in staging to acceptance", github),
    file!("github/deploy-production.yml" => ".github/workflows/deploy-production.yml",
        "bring what is in acceptance to production", github),
    file!("github/rollback.yml" => ".github/workflows/rollback.yml", "back to a version before", github),
    file!("github/cleanup.yml" => ".github/workflows/cleanup.yml", "remove old images and deployments", github),
    file!("gitlab/gitlab-ci.yml" => ".gitlab-ci.yml", "the pipeline of GitLab CI",
        |choices| choices.ci.contains(&Ci::GitLab)),
    file!("jenkins/Jenkinsfile" => "Jenkinsfile", "the pipeline of Jenkins",
        |choices| choices.ci.contains(&Ci::Jenkins)),
    file!("container/python" => "Containerfile", "the image of a service in Python",
        |choices| choices.ecosystem == Ecosystem::Python),
    file!("container/node" => "Containerfile", "the image of a service in Node.js",
        |choices| choices.ecosystem == Ecosystem::Node),
    file!("container/rust" => "Containerfile", "the image of a service in Rust",
        |choices| choices.ecosystem == Ecosystem::Rust),
    file!("container/go" => "Containerfile", "the image of a service in Go",
        |choices| choices.ecosystem == Ecosystem::Go),
    file!("container/static" => "Containerfile", "the image of a site",
        |choices| choices.ecosystem == Ecosystem::Static),
    file!("container/dockerignore" => ".dockerignore", "what never gets into an image", always),
    file!("VERSION" => "VERSION", "the version that the next image gets", |choices| choices.begins.version),
    file!("gitignore" => ".gitignore", "keeps what runs here out of git", |choices| choices.begins.gitignore),
    file!("compose.yaml" => "compose.yaml", "the service on a developer's machine", always),
    file!("compose.production.yaml" => "compose.production.yaml", "the service on a host", always),
    part!("github/parts/checkout.yml", "checks out what is to be deployed"),
    part!(
        "github/parts/env.yml",
        "credentials of a step that talks to the registry or the target"
    ),
    part!(
        "github/parts/staging-split.yml",
        "the jobs of a deployment to staging, one for each part"
    ),
    part!(
        "github/parts/registry-environment.yml",
        "the environment that holds a registry's credentials"
    ),
];

/// The template with this name.
pub fn template(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_template_says_what_it_is() {
        let names: BTreeSet<_> = TEMPLATES.iter().map(|template| template.name).collect();
        assert_eq!(names.len(), TEMPLATES.len());
        for template in TEMPLATES {
            assert!(!template.about.is_empty(), "{}", template.name);
        }
    }
}
