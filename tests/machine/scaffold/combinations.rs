//! Every combination of choices, and all different files that they make.

use greenroom::config::{self, Files, FoundFile};
use greenroom::scaffold::{
    Approvals, Begins, Choices, Ci, Ecosystem, File, Jobs, Overrides, Scanner, TargetChoice, TriggerKind,
    files,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// A registry with GitHub's own token, and one with credentials.
const REGISTRIES: [Option<&str>; 3] = [
    None,
    Some("ghcr.io/acme/shop"),
    Some("registry.example:5000/shop"),
];

/// The choices of most tests.
pub(crate) fn usual() -> Choices {
    Choices {
        service: "shop".parse().unwrap(),
        triggers: [TriggerKind::Push, TriggerKind::Dispatch].into(),
        target: TargetChoice::Command,
        registry: Some("ghcr.io/acme/shop".parse().unwrap()),
        ecosystem: Ecosystem::Python,
        approvals: Approvals::None,
        jobs: Jobs::One,
        ci: Ci::ALL.iter().copied().collect(),
        scanner: Scanner::Trivy,
        runner: None,
        action: format!("acme/greenroom@{}#v1.2.3", "0123456789".repeat(4))
            .parse()
            .unwrap(),
        ledger: "greenroom-ledger".to_owned(),
        begins: Begins {
            version: true,
            gitignore: true,
        },
        settings: BTreeMap::new(),
    }
}

/// Every choice of triggers but none.
fn triggers() -> Vec<BTreeSet<TriggerKind>> {
    (1..1_usize << TriggerKind::ALL.len())
        .map(|bits| {
            let chosen = TriggerKind::ALL.iter().enumerate();
            let chosen = chosen.filter(|(at, _)| bits & (1 << at) != 0);
            chosen.map(|(_, kind)| *kind).collect()
        })
        .collect()
}

/// Every combination that goes together.
pub(crate) fn all() -> Vec<Choices> {
    let mut all = Vec::new();
    for triggers in triggers() {
        for (jobs, approvals) in product(Jobs::ALL, Approvals::ALL) {
            for (target, registry) in product(TargetChoice::ALL, &REGISTRIES) {
                for (ecosystem, scanner) in product(Ecosystem::ALL, Scanner::ALL) {
                    all.push(Choices {
                        triggers: triggers.clone(),
                        jobs,
                        approvals,
                        target,
                        registry: registry.map(|name| name.parse().unwrap()),
                        ecosystem,
                        scanner,
                        ..usual()
                    });
                }
            }
        }
    }
    all.retain(|choices| choices.contradictions().is_empty());
    all
}

fn product<A: Copy, B: Copy>(one: &[A], other: &[B]) -> Vec<(A, B)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(|b| (*a, *b)));
    pairs.collect()
}

/// All different texts of each path, over all combinations.
pub(crate) fn texts() -> &'static BTreeMap<String, BTreeSet<String>> {
    static TEXTS: OnceLock<BTreeMap<String, BTreeSet<String>>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for choices in all() {
            for file in render(&choices) {
                texts.entry(file.path).or_default().insert(file.text);
            }
        }
        texts
    })
}

pub(crate) fn render(choices: &Choices) -> Vec<File> {
    files(choices, &Overrides::new()).unwrap_or_else(|error| panic!("{choices:?}: {error}"))
}

/// All different workflows, as YAML.
pub(crate) fn workflows() -> Vec<(String, String, Value)> {
    let workflows = texts().iter().filter(|(path, _)| path.starts_with(".github/"));
    workflows
        .flat_map(|(path, texts)| texts.iter().map(move |text| (path, text)))
        .map(|(path, text)| (path.clone(), text.clone(), yaml(text)))
        .collect()
}

pub(crate) fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Writes every different text of the paths that `wanted` names into `directory`, under names made by
/// `name` from the path and a number. Returns the names.
pub(crate) fn write_all(
    directory: &Path,
    wanted: impl Fn(&str) -> bool,
    name: impl Fn(&str, usize) -> String,
) -> Vec<String> {
    let mut names = Vec::new();
    for (path, texts) in texts().iter().filter(|(path, _)| wanted(path)) {
        for (at, text) in texts.iter().enumerate() {
            let name = name(path, at);
            let file = directory.join(&name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
            names.push(name);
        }
    }
    names
}

#[test]
fn what_init_offers_is_many_combinations() {
    let all = all();
    assert!(all.len() >= 1000, "only {} combinations", all.len());
    let ways: BTreeSet<_> = all
        .iter()
        .map(|one| (one.triggers.clone(), one.jobs, one.approvals))
        .collect();
    assert_eq!(ways.len(), 7 * 2 * 3);
    let targets: BTreeSet<_> = all.iter().map(|one| (one.target, one.ecosystem)).collect();
    assert_eq!(targets.len(), 3 * 5);
}

/// The files of one project, for the loader.
struct InMemory<'a>(&'a [File]);

impl Files for InMemory<'_> {
    fn matching(&self, pattern: &str) -> Result<Vec<FoundFile>, String> {
        let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
        let fits = |file: &&File| file.path.starts_with(before) && file.path.ends_with(after);
        let found = self.0.iter().filter(fits).map(|file| FoundFile {
            path: file.path.clone(),
            text: Ok(file.text.clone()),
        });
        Ok(found.collect())
    }
}

#[test]
fn every_configuration_is_valid_and_complete() {
    let mut seen = BTreeSet::new();
    for choices in all() {
        let files = render(&choices);
        let texts: Vec<_> = files
            .iter()
            .filter(|file| file.path == "greenroom.yaml" || file.path.starts_with("environments/"))
            .map(|file| file.text.clone())
            .collect();
        if !seen.insert(texts.clone()) {
            continue;
        }
        let loaded = config::load("greenroom.yaml", texts[0].clone(), &InMemory(&files));
        let project = loaded.outcome.as_ref().unwrap_or_else(|_| {
            panic!(
                "{choices:?}\n{}\n{}",
                loaded.report().render(false),
                texts.join("\n")
            )
        });
        let names: Vec<_> = project.environments.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["acceptance", "production", "staging"]);
        for environment in project.environments.values() {
            let target = environment.target.as_ref().unwrap();
            assert_eq!(target.as_str(), choices.target.as_str());
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[test]
fn choices_that_contradict_each_other_are_refused_with_what_to_do() {
    let alone = Choices {
        triggers: BTreeSet::new(),
        ci: BTreeSet::new(),
        approvals: Approvals::GitHub,
        registry: None,
        runner: Some("ubuntu-24.04".parse().unwrap()),
        ..usual()
    };
    let error = files(&alone, &Overrides::new()).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r#"
    nothing starts a deployment: choose push, dispatch or label (--trigger)
    no CI system is chosen: choose github, gitlab or jenkins (--ci)
    the host that the script deploys to pulls the image from a registry: name one (--registry ghcr.io/OWNER/REPO)
    reviewers in GitHub are asked by GitHub only: choose --approvals ledger, or --ci github as well
    ubuntu-24.04 is gone when the job ends, and with it what runs there and the project's own store: name a runner of your own (--runner LABEL), or choose another target and a registry
    "#);
    let elsewhere = Choices {
        registry: Some("acme/shop".parse().unwrap()),
        ..usual()
    };
    insta::assert_snapshot!(files(&elsewhere, &Overrides::new()).unwrap_err(), @r#"the registry has no host: write it in full (ghcr.io/OWNER/REPO), or none for the project's own store"#);
    for (target, said) in [
        ("kubernetes", "cannot deploy to kubernetes itself: take command"),
        ("heroku", "no target: write local, command or proxmox"),
    ] {
        let error = target.parse::<TargetChoice>().unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_projects_own_template_takes_the_place_of_ours_and_a_mistake_in_it_has_a_line() {
    let own = |text: &str| Overrides::from([("github/parts/checkout.yml".to_owned(), text.to_owned())]);
    let files = files(
        &usual(),
        &own("      - name: Mine (<< service >>, ${{ github.sha }})\n"),
    )
    .unwrap();
    let staging = files
        .iter()
        .find(|file| file.path.ends_with("deploy-staging.yml"))
        .unwrap();
    assert!(
        staging.text.contains("- name: Mine (shop, ${{ github.sha }})"),
        "{}",
        staging.text
    );
    assert!(!staging.text.contains("actions/checkout"));
    let render = |text: &str| {
        greenroom::scaffold::files(&usual(), &own(text))
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(render("fine\n<< servce >>\n"), @r#"the template github/parts/checkout.yml, line 2: undefined value in "<< servce >>""#);
    insta::assert_snapshot!(render("<% if %>\n"), @r#"the template github/parts/checkout.yml, line 1: unexpected end of block"#);
    let mine = Overrides::from([("mine.txt".to_owned(), "<< service >>\n".to_owned())]);
    let render = |name: &str| greenroom::scaffold::render(name, &usual(), &mine);
    assert_eq!(render("mine.txt").unwrap(), "shop\n");
    insta::assert_snapshot!(render("other.txt").unwrap_err(), @r#"there is no template "other.txt""#);
}
