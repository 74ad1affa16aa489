//! Images by a command of the project's.

use super::yard::Yard;
use std::fs;
use std::os::unix::fs::symlink;

/// Copies what stands in the store as `made/app` to where the image belongs, and writes its digest.
const PUSH: &str = "set -e\nSTORE=.greenroom/images\nmkdir -p $STORE/acme out\n\
    echo pushing for $GREENROOM_REPOSITORY at $GREENROOM_VERSION\n\
    test \"$TOKEN\" = swordfish\n\
    cp -r $STORE/made/app $STORE/acme/app\n\
    printf '%s\\n' \"$(cat digest)\" > out/digest\n";

fn yard(script: &str) -> Yard {
    let files = "repository: made/app\nbuild: { files: { layers: [{ from: greenroom.yaml, to: /app/ }], entrypoint: [/app/x] } }";
    let mut yard = Yard::new(files, &[]);
    let made = yard.must();
    yard.write("digest", made["image"]["digest"].as_str().unwrap());
    let command = "repository: acme/app\n  build: { command: { run: [sh, push.sh], digestFile: out/digest, secrets: { TOKEN: { env: PUSH_TOKEN } }, timeout: 20s } }";
    let pipeline = fs::read_to_string(yard.path("greenroom.yaml")).unwrap();
    let (before, rest) = pipeline.split_once("  repository").unwrap();
    let (_, after) = rest.split_once("environments").unwrap();
    yard.write(
        "greenroom.yaml",
        format!("{before}  {command}\nenvironments{after}"),
    );
    yard.write("push.sh", script);
    for program in ["sh", "mkdir", "cp", "cat"] {
        symlink(format!("/bin/{program}"), yard.root("bin").join(program)).unwrap();
    }
    yard.variables.push(("PUSH_TOKEN".into(), "swordfish".into()));
    yard
}

#[test]
fn a_command_pushes_and_says_which_digest() {
    let yard = yard(PUSH);
    let built = yard.must();
    assert_eq!(built["made"]["builder"], "command");
    assert_eq!(built["image"]["repository"], "acme/app");
    let expected = fs::read_to_string(yard.path("digest")).unwrap();
    assert_eq!(built["image"]["digest"], expected.as_str());
    for tag in built["tags"].as_array().unwrap() {
        let tag = tag.as_str().unwrap();
        assert!(yard.tags("acme/app").iter().any(|found| found == tag), "{tag}");
    }
}

#[test]
fn a_command_that_says_no_digest_or_a_wrong_one_is_found_out() {
    let hex = "0".repeat(64);
    for (script, expected) in [
        ("exit 0".to_owned(), "did not write"),
        (
            "mkdir -p out; echo latest > out/digest".to_owned(),
            "\"latest\", not a digest",
        ),
        (
            format!("mkdir -p out; echo sha256:{hex} > out/digest"),
            "its digest is not in the registry",
        ),
        (
            "mkdir -p out; printf '%2000s' > out/digest".to_owned(),
            "larger than",
        ),
        ("echo no more disk >&2; exit 9".to_owned(), "no more disk"),
    ] {
        let yard = yard(&script);
        // One that an earlier build left, and that would be right.
        yard.write("out/digest", fs::read_to_string(yard.path("digest")).unwrap());
        fs::create_dir_all(yard.path(".greenroom/images/acme")).unwrap();
        let done = yard.build(&[]);
        assert_eq!(done.status, 3, "{script}: {}", done.err);
        assert!(done.err.contains(expected), "{script}: {}", done.err);
        assert_eq!(yard.tags("acme/app"), Vec::<String>::new());
    }
}

#[test]
fn the_restricted_runner_holds_for_a_build_command_too() {
    let yard = yard(PUSH);
    let pipeline = fs::read_to_string(yard.path("greenroom.yaml")).unwrap();
    yard.write(
        "greenroom.yaml",
        format!("{pipeline}commands: {{ allow: [make] }}\n"),
    );
    let done = yard.build(&[]);
    assert_eq!(done.status, 6, "{}", done.err);
    assert!(done.err.contains("sh is not among them"), "{}", done.err);
}
