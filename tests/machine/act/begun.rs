//! A project that `greenroom init` began, with the workflows as it wrote them: only the values that are every
//! project's own (addresses, how long it watches) are filled in.

use crate::act::events;
use crate::act::player::Played;
use crate::act::stage::Stage;
use crate::act::workflow;
use crate::support::address::{free_port, get};
use crate::support::ran::Ran;
use serde_json::Value;

/// The repository on its branches `develop` and `main`, at version 1.0.0.
pub(crate) struct Begun {
    pub(crate) stage: Stage,
    /// The ports of staging, acceptance and production.
    ports: [u16; 3],
}

impl Begun {
    /// By `greenroom init` with these options, around the quickstart's service.
    pub(crate) fn with(options: &[&str]) -> Self {
        let stage = Stage::empty();
        stage.service();
        let begun = Self::init(stage, "python", options);
        // A broken version says so, which a check of the status alone does not read.
        begun.change("greenroom.yaml", |text| {
            text.replace(
                "http: { path: /health }",
                "http: { path: /health, json: { status: ok } }",
            )
        });
        begun.publish();
        begun
    }

    /// By `greenroom init` with these options, around a page and its style sheet.
    pub(crate) fn site(options: &[&str]) -> Self {
        let stage = Stage::empty();
        let page = "<!doctype html><link rel=\"stylesheet\" href=\"/style.css\"><p>hello</p>\n";
        stage.write("public/index.html", page);
        stage.write("public/style.css", "p { color: teal }\n");
        let begun = Self::init(stage, "static", options);
        begun.publish();
        begun
    }

    fn init(stage: Stage, ecosystem: &str, options: &[&str]) -> Self {
        let registry = stage.registry.repository("acme/hello");
        let action = format!("{}#v0.1.0", workflow::ACTION);
        let words = "--config project/greenroom.yaml init --yes --service hello --target local --scanner none \
                     --ecosystem";
        let words: Vec<&str> = words
            .split(' ')
            .chain([ecosystem, "--registry", &*registry, "--action", &*action])
            .collect();
        stage.project.must(&[&words[..], options].concat());
        let begun = Self {
            ports: [stage.project.port, free_port(), free_port()],
            stage,
        };
        begun.fill_in();
        begun
    }

    fn publish(&self) {
        self.stage.commit("develop");
        self.stage.git(&["push", "--quiet", "origin", "develop:main"]);
    }

    fn fill_in(&self) {
        let environments = [
            ("staging", "8081", "30s"),
            ("acceptance", "8082", "1m"),
            ("production", "8080", "5m"),
        ];
        for ((name, written, watch), port) in environments.into_iter().zip(self.ports) {
            self.change(&format!("environments/{name}.yaml"), |text| {
                let watched = text.replace(&format!("watch: {watch}"), "watch: 0s");
                assert_ne!(watched, text, "{name}");
                watched.replace(&format!("127.0.0.1:{written}"), &format!("127.0.0.1:{port}"))
            });
        }
    }

    /// Changes a file of the repository, which has to make a difference.
    pub(crate) fn change(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let text = self.stage.project.read(&format!("project/{file}"));
        let changed = change(&text);
        assert_ne!(changed, text, "{file}");
        self.stage.write(file, &changed);
    }

    /// greenroom on the project by hand, with these words between blanks; it has to succeed.
    pub(crate) fn greenroom(&self, words: &str) -> Ran {
        let words = format!("--config project/greenroom.yaml {words}");
        self.stage.project.must(&words.split(' ').collect::<Vec<_>>())
    }

    /// Plays an event with one of the workflows.
    pub(crate) fn play(&self, workflow: &str, event: &'static str, payload: &Value) -> Played {
        let workflow = format!(".github/workflows/{workflow}.yml");
        self.stage.act(event, payload, &workflow).play(&self.stage.root())
    }

    /// Plays the start of a workflow by a person, on the branch that is checked out.
    pub(crate) fn start(&self, workflow: &str, inputs: &Value) -> Played {
        let branch = self.stage.git(&["branch", "--show-current"]);
        self.play(workflow, "workflow_dispatch", &events::dispatch(&branch, inputs))
    }

    /// What staging, acceptance and production answer: a version, or nothing.
    pub(crate) fn live(&self) -> [String; 3] {
        self.ports.map(|port| {
            let answer = get(port, "/").map(|(_, body)| body).unwrap_or_default();
            answer.trim().replace("hello from ", "")
        })
    }
}
