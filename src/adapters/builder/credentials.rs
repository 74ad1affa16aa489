//! Who builders push and pull as, where greenroom is told and their own settings are not asked: files
//! of their own format in a private directory, with what their own settings know of other registries.

use crate::domain::model::Secret;
use crate::host::environment::registry_prefix;
use crate::host::files::{self, read_bounded};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Settings with the credentials of a hundred registries are smaller.
const LARGEST: u64 = 1 << 20;
/// What docker keeps beside its settings, and looks for there.
const BESIDE: [&str; 3] = ["buildx", "cli-plugins", "contexts"];
/// Docker Hub's name in settings.
const HUB: &str = "https://index.docker.io/v1/";

/// A name and a password, or a token in the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    username: String,
    password: Secret,
}

impl Login {
    /// What `GREENROOM_REGISTRY_<HOST>_USERNAME`, `_PASSWORD` and `_TOKEN` say for `host` (`<HOST>` in
    /// capitals, every other character an `_`), else the same without the host, unless
    /// `GREENROOM_REGISTRY_HOST` names another registry.
    pub(super) fn of(environment: &BTreeMap<String, String>, host: &str) -> Option<Self> {
        let given = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let elsewhere =
            given("GREENROOM_REGISTRY_HOST").is_some_and(|named| !named.eq_ignore_ascii_case(host));
        let prefixes = [
            Some(registry_prefix(host)),
            (!elsewhere).then(|| "GREENROOM_REGISTRY".to_owned()),
        ];
        prefixes.into_iter().flatten().find_map(|prefix| {
            let get = |part: &str| given(&format!("{prefix}_{part}")).cloned();
            Some(Self {
                password: Secret::new(get("PASSWORD").or_else(|| get("TOKEN"))?),
                // Registries that take a token in the place of a password do not look at the name.
                username: get("USERNAME").unwrap_or_else(|| "token".to_owned()),
            })
        })
    }
}

/// Writes the settings for `host` below `directory`, and returns the variables that lead to them.
pub(super) fn lay_out(
    login: &Login,
    host: &str,
    environment: &BTreeMap<String, String>,
    directory: &Path,
) -> io::Result<BTreeMap<String, String>> {
    let docker = directory.join("docker");
    std::fs::create_dir(&docker)?;
    let own = docker_directory(environment);
    for name in BESIDE {
        if let Some(there) = own
            .as_ref()
            .map(|own| own.join(name))
            .filter(|there| there.exists())
        {
            symlink(there, docker.join(name))?;
        }
    }
    let settings = own
        .as_ref()
        .map_or_else(Map::new, |own| read(&own.join("config.json")));
    write(&docker.join("config.json"), with(settings, login, host, true))?;
    let containers = containers_files(environment)
        .iter()
        .find(|file| file.is_file())
        .map_or_else(Map::new, |file| read(file));
    let file = directory.join("auth.json");
    write(&file, with(containers, login, host, false))?;
    let text = |path: PathBuf| path.display().to_string();
    Ok(BTreeMap::from([
        ("DOCKER_CONFIG".to_owned(), text(docker)),
        ("REGISTRY_AUTH_FILE".to_owned(), text(file)),
    ]))
}

fn docker_directory(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    match environment.get("DOCKER_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => Some(path.into()),
        None => Some(Path::new(environment.get("HOME")?).join(".docker")),
    }
}

/// Where buildah and podman look, in their order (containers-auth.json(5)).
fn containers_files(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let under = |name: &str, rest: &str| environment.get(name).map(|path| Path::new(path).join(rest));
    [
        under("REGISTRY_AUTH_FILE", ""),
        under("XDG_RUNTIME_DIR", "containers/auth.json"),
        under("XDG_CONFIG_HOME", "containers/auth.json"),
        under("HOME", ".config/containers/auth.json"),
        under("HOME", ".docker/config.json"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Settings that cannot be read know nothing.
fn read(file: &Path) -> Map<String, Value> {
    read_bounded(file, LARGEST)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn write(file: &Path, settings: Map<String, Value>) -> io::Result<()> {
    files::create_new(
        file,
        Value::Object(settings).to_string().as_bytes(),
        files::PRIVATE,
    )
}

/// The settings with this login, which goes before every helper program for this host.
fn with(mut settings: Map<String, Value>, login: &Login, host: &str, docker: bool) -> Map<String, Value> {
    let key = if docker && matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io") {
        HUB
    } else {
        host
    };
    let mut part = |name: &str, change: &mut dyn FnMut(&mut Map<String, Value>)| {
        let entry = settings.entry(name).or_insert_with(|| json!({}));
        if let Value::Object(entry) = entry {
            change(entry);
        }
    };
    let pair = format!("{}:{}", login.username, login.password.expose());
    part("auths", &mut |auths| {
        auths.insert(key.to_owned(), json!({ "auth": STANDARD.encode(&pair) }));
    });
    part("credHelpers", &mut |helpers| {
        helpers.remove(key);
    });
    if docker && settings.contains_key("credsStore") {
        // No helper for this host, although there is one for all: docker then reads `auths`.
        if let Some(Value::Object(helpers)) = settings.get_mut("credHelpers") {
            helpers.insert(key.to_owned(), json!(""));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn login() -> Login {
        Login {
            username: "ci".into(),
            password: Secret::new("s3cret".into()),
        }
    }

    #[test]
    fn the_login_of_a_registry_is_its_own_or_that_of_all() {
        let environment = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(name, value)| (format!("GREENROOM_REGISTRY{name}"), (*value).to_owned()))
                .collect()
        };
        let all = [("_USERNAME", "ci"), ("_PASSWORD", "s3cret")];
        assert_eq!(Login::of(&environment(&all), "ghcr.io"), Some(login()));
        let other = [&all[..], &[("_HOST", "quay.io")]].concat();
        assert_eq!(Login::of(&environment(&other), "ghcr.io"), None);
        let own = [&all[..], &[("_127_0_0_1_5000_TOKEN", "t")]].concat();
        let found = Login::of(&environment(&own), "127.0.0.1:5000").unwrap();
        assert_eq!((found.username.as_str(), found.password.expose()), ("token", "t"));
        assert_eq!(Login::of(&environment(&[("_USERNAME", "ci")]), "ghcr.io"), None);
    }

    #[test]
    fn a_login_goes_before_the_helpers_and_leaves_other_registries_alone() {
        let home = tempfile::tempdir().unwrap();
        let docker = home.path().join(".docker");
        std::fs::create_dir_all(docker.join("cli-plugins")).unwrap();
        let own = json!({
            "auths": { "other.example": { "auth": "eDp5" } },
            "credsStore": "pass",
            "credHelpers": { "ghcr.io": "gh", "third.example": "third" },
        });
        std::fs::write(docker.join("config.json"), own.to_string()).unwrap();
        let environment = BTreeMap::from([("HOME".to_owned(), home.path().display().to_string())]);
        let private = tempfile::tempdir().unwrap();
        let variables = lay_out(&login(), "ghcr.io", &environment, private.path()).unwrap();
        let written = Path::new(&variables["DOCKER_CONFIG"]).join("config.json");
        let settings = Value::Object(read(&written));
        assert_eq!(settings["auths"]["ghcr.io"]["auth"], "Y2k6czNjcmV0");
        assert_eq!(settings["auths"]["other.example"]["auth"], "eDp5");
        assert_eq!(
            settings["credHelpers"],
            json!({ "ghcr.io": "", "third.example": "third" })
        );
        assert!(written.parent().unwrap().join("cli-plugins").is_dir());
        assert_eq!(written.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let settings = Value::Object(read(Path::new(&variables["REGISTRY_AUTH_FILE"])));
        assert_eq!(settings["auths"]["ghcr.io"]["auth"], "Y2k6czNjcmV0");
        assert_eq!(settings["credHelpers"], json!({ "third.example": "third" }));
    }
}
