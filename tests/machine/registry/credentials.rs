//! Where credentials come from.

use super::server::{Server, answer};
use greenroom::domain::model::ErrorKind;
use greenroom::ports::Catalog;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// `ci:s3cret` in base64.
const BASIC: &str = "Y2k6czNjcmV0";

/// A registry that lets in `ci` with its password.
fn locked() -> Server {
    Server::with(|request, _| {
        let shown = request.header("authorization") == format!("Basic {BASIC}");
        (!shown).then(|| answer(401).header("www-authenticate", "Basic realm=\"x\""))
    })
}

/// A home with docker's configuration, in which `HOST` stands for the registry's.
fn home(server: &Server, config: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".docker");
    fs::create_dir(&folder).unwrap();
    let config = config.replace("HOST", &server.address.to_string());
    fs::write(folder.join("config.json"), config).unwrap();
    home
}

/// A credential helper `docker-credential-fake` that runs this script.
fn helper(home: &TempDir, script: &str) {
    let file = home.path().join("docker-credential-fake");
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What comes of listing the tags with this home.
fn outcome(server: &Server, home: &TempDir) -> Result<usize, String> {
    let path = format!("{}:/usr/bin:/bin", home.path().display());
    let client = server.client_with(&[("HOME", home.path().to_str().unwrap()), ("PATH", &path)]);
    let listed = ["one", "two"].map(|name| client.tags(&server.repository(name)));
    let [one, two] = listed;
    match one.and_then(|one| two.map(|two| one.len() + two.len())) {
        Ok(count) => Ok(count),
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Denied, "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
            Err(error.to_string())
        }
    }
}

#[test]
fn docker_login_is_enough() {
    let server = locked();
    for key in [
        "HOST",
        "http://HOST/v2/",
        "HOST/two\": {\"auth\": \"BASIC\"}, \"HOST/one",
    ] {
        let config = format!("{{\"auths\": {{\"{key}\": {{\"auth\": \"BASIC\"}}}}}}").replace("BASIC", BASIC);
        assert_eq!(outcome(&server, &home(&server, &config)), Ok(0), "{config}");
    }
}

#[test]
fn podmans_file_comes_before_dockers() {
    let server = locked();
    let home = home(&server, "{\"auths\": {\"HOST\": {\"auth\": \"eDp5\"}}}");
    let file = home.path().join("auth.json");
    fs::write(
        &file,
        format!(
            "{{\"auths\": {{\"{}\": {{\"auth\": \"{BASIC}\"}}}}}}",
            server.address
        ),
    )
    .unwrap();
    let client = server.client_with(&[
        ("HOME", home.path().to_str().unwrap()),
        ("REGISTRY_AUTH_FILE", file.to_str().unwrap()),
    ]);
    assert_eq!(client.tags(&server.repository("app")).unwrap(), []);
}

#[test]
fn a_helper_is_asked_once_with_the_host_on_its_standard_input() {
    for config in [
        "{\"credHelpers\": {\"HOST\": \"fake\"}}",
        "{\"credsStore\": \"fake\", \"auths\": {\"HOST\": {}}}",
    ] {
        let server = locked();
        let home = home(&server, config);
        helper(
            &home,
            "echo \"$1 $(cat) $GREENROOM_REGISTRY_USERNAME\" >> \"$HOME/asked\"\n\
             echo '{\"ServerURL\":\"x\",\"Username\":\"ci\",\"Secret\":\"s3cret\"}'",
        );
        assert_eq!(outcome(&server, &home), Ok(0), "{config}");
        let asked = fs::read_to_string(home.path().join("asked")).unwrap();
        assert_eq!(asked, format!("get {} \n", server.address));
    }
}

#[test]
fn a_helper_that_has_nothing_or_fails_says_so() {
    let config = "{\"credsStore\": \"fake\"}";
    for (script, expected) in [
        (
            "echo 'credentials not found in native keychain'; exit 1",
            "no credentials were found",
        ),
        (
            "echo 'the keychain is locked'; exit 1",
            "docker-credential-fake failed for",
        ),
        ("echo s3cret", "something else than a user and a secret"),
    ] {
        let server = locked();
        let home = home(&server, config);
        helper(&home, script);
        let error = outcome(&server, &home).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // The machine does not have it at all.
    let server = locked();
    let error = outcome(&server, &home(&server, config)).unwrap_err();
    assert!(error.contains("no credentials were found"), "{error}");
}

#[test]
fn a_damaged_file_is_named_and_not_quoted() {
    let server = locked();
    let error = outcome(
        &server,
        &home(&server, "{\"auths\": {\"HOST\": {\"auth\": s3cret}}}"),
    )
    .unwrap_err();
    assert!(
        error.contains(".docker/config.json") && error.contains("log in again"),
        "{error}"
    );
}

#[test]
fn variables_go_to_their_registry_only() {
    let (own, other) = (locked(), locked());
    let client = own.client_of_ci();
    assert_eq!(client.tags(&own.repository("app")).unwrap(), []);
    let error = client.tags(&other.repository("app")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("GREENROOM_REGISTRY_USERNAME belongs to"),
        "{error}"
    );
    let shown = other
        .seen()
        .iter()
        .any(|seen| seen.headers.contains_key("authorization"));
    assert!(!shown, "the password stays at home");
}
