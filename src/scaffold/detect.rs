//! What a project is written in, by the files that are there.

use super::ecosystem::Ecosystem;

/// The first that fits. A project that has several is what its server is written in, and a page beside
/// it is not: files that only a language has come first.
const SIGNS: &[(&str, Ecosystem)] = &[
    ("Cargo.toml", Ecosystem::Rust),
    ("go.mod", Ecosystem::Go),
    ("pyproject.toml", Ecosystem::Python),
    ("requirements.txt", Ecosystem::Python),
    ("setup.py", Ecosystem::Python),
    ("app/server.py", Ecosystem::Python),
    ("package.json", Ecosystem::Node),
    ("public/index.html", Ecosystem::Static),
    ("index.html", Ecosystem::Static),
];

/// The ecosystem, and the file that says so; `None` where no file does. `is_there` says whether a path
/// below the project exists.
pub fn detect(is_there: impl Fn(&str) -> bool) -> Option<(Ecosystem, &'static str)> {
    SIGNS
        .iter()
        .find(|(sign, _)| is_there(sign))
        .map(|(sign, ecosystem)| (*ecosystem, *sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_say_what_it_is() {
        for (files, expected) in [
            (&["package.json", "pyproject.toml"][..], Some(Ecosystem::Python)),
            (&["package.json", "public/index.html"], Some(Ecosystem::Node)),
            (&["index.html"], Some(Ecosystem::Static)),
            (&["Cargo.toml", "package.json"], Some(Ecosystem::Rust)),
            (&["go.mod"], Some(Ecosystem::Go)),
            (&["README.md"], None),
        ] {
            let found = detect(|file| files.contains(&file)).map(|(ecosystem, _)| ecosystem);
            assert_eq!(found, expected, "{files:?}");
        }
    }
}
