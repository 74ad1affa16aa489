//! What templates in values may name: `{{ version }}`, `{{ image }}`, `{{ env.HOME }}`.

use super::template::Templates;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::domain::model::Release;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names, their values, and the variables of this process that are no secrets. A copy costs nothing.
#[derive(Clone)]
pub(super) struct Facts {
    values: Arc<BTreeMap<String, String>>,
    templates: Arc<Templates>,
}

impl Facts {
    /// `service`, `environment`, `version`, `release`, where they are known `commit`, `url` and for an
    /// image `image` (with its digest), `repository` and `digest`.
    pub(super) fn of(workspace: &Workspace, environment: &Environment, release: &Release) -> Self {
        let mut values = BTreeMap::from([
            ("service".to_owned(), workspace.project.service.clone()),
            ("environment".to_owned(), environment.name.value.to_string()),
            ("version".to_owned(), release.version.to_string()),
            ("release".to_owned(), release.id().to_string()),
        ]);
        let mut know = |name: &str, value: Option<String>| {
            values.extend(value.map(|value| (name.to_owned(), value)));
        };
        know("commit", release.commit.as_ref().map(ToString::to_string));
        know("url", environment.url.as_ref().map(ToString::to_string));
        know("image", release.artifact.as_ref().map(ToString::to_string));
        know(
            "repository",
            release.artifact.as_ref().map(|image| image.repository.clone()),
        );
        know(
            "digest",
            release.artifact.as_ref().map(|image| image.digest.to_string()),
        );
        let variables = workspace.context.environment.variables().clone();
        let hidden = environment.secrets.values().map(|source| &source.value);
        Self {
            values: Arc::new(values),
            templates: Arc::new(Templates::new(variables, hidden)),
        }
    }

    /// The text with its templates rendered; `more` comes before what is known.
    ///
    /// # Errors
    /// A sentence that says what in the template is wrong.
    pub(super) fn render(&self, text: &str, more: &BTreeMap<String, String>) -> Result<String, String> {
        if !text.contains('{') {
            return Ok(text.to_owned());
        }
        let mut values = BTreeMap::clone(&self.values);
        values.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.templates
            .render(text, &values)
            .map_err(|error| error.to_string())
    }
}
