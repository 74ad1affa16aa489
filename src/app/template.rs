//! Values with `{{ facts }}` in them, as configuration holds them.

use crate::domain::model::{Explanation, SecretSource};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// A template that cannot be rendered.
#[derive(Debug, ThisError)]
pub enum TemplateError {
    /// It is not a template.
    #[error("{template:?} is not a template: {why}")]
    Syntax {
        /// The template.
        template: String,
        /// What is wrong with it, and how one is written.
        #[source]
        why: Explanation,
    },
    /// It names something that there is not.
    #[error("{template:?} uses {name}, which is not known here; known are {known}")]
    Unknown {
        /// The template.
        template: String,
        /// What it names.
        name: String,
        /// What it may name.
        known: String,
    },
    /// It names an environment variable that is not set.
    #[error("{template:?} uses the environment variable {name}, which is not set")]
    Unset {
        /// The template.
        template: String,
        /// The variable.
        name: String,
    },
    /// It names a secret, and arguments are seen by every user of the machine.
    #[error("{template:?} uses {name}: {why}")]
    Secret {
        /// The template.
        template: String,
        /// The variable.
        name: String,
        /// Why that cannot be, and what to do instead.
        #[source]
        why: Explanation,
    },
}

/// Renders a template with facts; the error is a sentence.
pub type Render = Arc<dyn Fn(&str, &BTreeMap<String, String>) -> Result<String, String> + Send + Sync>;

/// Renders templates with facts and with the environment as `env.NAME`. What is not known is an error,
/// never empty. Each value is rendered by itself: an argument stays one argument, whatever is put in.
#[derive(Clone)]
pub struct Templates {
    environment: BTreeMap<String, String>,
    hidden: BTreeSet<String>,
}

#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    facts: &'a BTreeMap<String, String>,
    env: &'a BTreeMap<String, String>,
}

impl Templates {
    /// Templates over `environment` (as captured when the process began) without the variables that
    /// hold `secrets`.
    pub fn new<'a>(
        mut environment: BTreeMap<String, String>,
        secrets: impl IntoIterator<Item = &'a SecretSource>,
    ) -> Self {
        let hidden: BTreeSet<String> = secrets
            .into_iter()
            .filter_map(|source| match source {
                SecretSource::Env(name) => Some(name.clone()),
                SecretSource::File(_) => None,
            })
            .collect();
        environment.retain(|name, _| !hidden.contains(name));
        Self { environment, hidden }
    }

    /// The template with everything put in.
    ///
    /// # Errors
    /// When it is no template, or names what is not known.
    pub fn render(&self, template: &str, facts: &BTreeMap<String, String>) -> Result<String, TemplateError> {
        if !template.contains('{') {
            return Ok(template.to_owned());
        }
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        let context = Context {
            facts,
            env: &self.environment,
        };
        engine
            .render_str(template, minijinja::value::Serde(&context))
            .map_err(|error| self.explain(&engine, template, facts, &error))
    }

    /// The same as a function, for those who only render.
    pub fn renderer(self) -> Render {
        Arc::new(move |template, facts| self.render(template, facts).map_err(|e| e.to_string()))
    }

    fn explain(
        &self,
        engine: &Environment<'_>,
        template: &str,
        facts: &BTreeMap<String, String>,
        error: &Error,
    ) -> TemplateError {
        let syntax = || TemplateError::Syntax {
            template: template.to_owned(),
            why: Explanation::new(
                error
                    .detail()
                    .map_or_else(|| error.kind().to_string(), str::to_owned),
            )
            .fix("write {{ name }}, or {{ '{{' }} for the braces themselves"),
        };
        if error.kind() != ErrorKind::UndefinedError {
            return syntax();
        }
        let used = engine
            .template_from_str(template)
            .map(|parsed| parsed.undeclared_variables(true))
            .unwrap_or_default();
        // In the order of names, so that the message is the same each time.
        for name in used.into_iter().collect::<BTreeSet<String>>() {
            let template = template.to_owned();
            match name.strip_prefix("env.") {
                Some(variable) if self.hidden.contains(variable) => {
                    let why = Explanation::new("it holds a secret, and commands get secrets as variables")
                        .fix("let the command read the variable itself");
                    return TemplateError::Secret { template, name, why };
                }
                Some(variable) if !self.environment.contains_key(variable) => {
                    let name = variable.to_owned();
                    return TemplateError::Unset { template, name };
                }
                None if name != "env" && !facts.contains_key(&name) => {
                    let mut known: Vec<&str> = facts.keys().map(String::as_str).collect();
                    known.push("env.NAME");
                    let known = known.join(", ");
                    return TemplateError::Unknown {
                        template,
                        name,
                        known,
                    };
                }
                _ => {}
            }
        }
        syntax()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates() -> Templates {
        let environment = [
            ("HOME".into(), "/root".into()),
            ("TOKEN".into(), "swordfish".into()),
        ];
        Templates::new(environment.into(), [&SecretSource::Env("TOKEN".into())])
    }

    fn render(template: &str) -> Result<String, String> {
        let facts = [
            ("version".to_owned(), "1.2.3".to_owned()),
            ("url".to_owned(), "http://h/?a=<b>&c".to_owned()),
        ];
        templates().renderer()(template, &facts.into())
    }

    #[test]
    fn facts_and_the_environment_are_put_in_as_they_are() {
        for (template, text) in [
            ("plain $HOME", "plain $HOME"),
            ("v{{ version }} at {{url}}", "v1.2.3 at http://h/?a=<b>&c"),
            ("{{ env.HOME }}/x", "/root/x"),
            (
                "{{ version | upper }}{% if version == '1.2.3' %}!{% endif %}",
                "1.2.3!",
            ),
            ("{\"json\": 1}", "{\"json\": 1}"),
        ] {
            assert_eq!(render(template).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_known_is_an_error_that_says_what_is() {
        insta::assert_snapshot!(render("{{ verson }}").unwrap_err(), @r#""{{ verson }}" uses verson, which is not known here; known are url, version, env.NAME"#);
        insta::assert_snapshot!(render("{{ env.ABSENT }}").unwrap_err(), @r#""{{ env.ABSENT }}" uses the environment variable ABSENT, which is not set"#);
        insta::assert_snapshot!(render("--token={{ env.TOKEN }}").unwrap_err(), @r#""--token={{ env.TOKEN }}" uses env.TOKEN: it holds a secret, and commands get secrets as variables; let the command read the variable itself"#);
        insta::assert_snapshot!(render("{{ version").unwrap_err(), @r#""{{ version" is not a template: unexpected end of input, expected end of variable block; write {{ name }}, or {{ '{{' }} for the braces themselves"#);
    }
}
