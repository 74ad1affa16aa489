//! What a server wants to be shown (`WWW-Authenticate`; RFC 9110, 11.6.1).

use std::collections::BTreeMap;

/// One way to show who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::adapters::registry::oci) struct Challenge {
    /// `bearer`, `basic`, in lower case.
    pub(super) scheme: String,
    /// Its parameters, names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// A parameter's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// Every challenge in a header, or in several that were joined with commas.
pub(in crate::adapters::registry::oci) fn challenges(header: &str) -> Vec<Challenge> {
    let mut all = Vec::<Challenge>::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return all;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        let equals = spaced.strip_prefix('=').filter(|_| !all.is_empty());
        // `name=value` belongs to the challenge before; any other word begins a new one.
        match equals {
            Some(value) => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                if let Some(challenge) = all.last_mut() {
                    challenge
                        .parameters
                        .entry(word.to_ascii_lowercase())
                        .or_insert(value);
                }
                rest = after;
            }
            None => {
                all.push(Challenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: BTreeMap::new(),
                });
                rest = token68(spaced);
            }
        }
    }
}

/// The word that a text begins with, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !legal(c)).unwrap_or(text.len()))
}

/// A quoted string without its quotes and escapes, or a plain word; and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

/// Skips the bare value (`Negotiate YII=`) that may stand in the place of parameters.
fn token68(text: &str) -> &str {
    let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
    let word = &text[..end];
    let bare = !word.is_empty() && !word.trim_end_matches('=').contains(['=', '"']);
    let followed_by_equals = text[end..].trim_start_matches([' ', '\t']).starts_with('=');
    let is_last =
        text[end..].trim_start_matches([' ', '\t']).starts_with(',') || text[end..].trim().is_empty();
    if bare && is_last && !followed_by_equals {
        &text[end..]
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> Vec<String> {
        challenges(header)
            .iter()
            .map(|challenge| {
                let parameters = challenge.parameters.iter();
                let parameters: Vec<String> = parameters
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{} {}", challenge.scheme, parameters.join(";"))
            })
            .collect()
    }

    #[test]
    fn challenges_are_told_apart() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                &[
                    "bearer realm=https://auth.docker.io/token;scope=repository:a/b:pull,push;service=registry.docker.io",
                ][..],
            ),
            (
                r#"BASIC Realm="a \"b\", c" , bearer REALM = "x",service=y"#,
                &[r#"basic realm=a "b", c"#, "bearer realm=x;service=y"],
            ),
            (r#"Negotiate, Basic realm="r""#, &["negotiate ", "basic realm=r"]),
            (
                r#"NTLM TlRMTVNTUAAB==, Bearer realm="r""#,
                &["ntlm ", "bearer realm=r"],
            ),
            (
                r#"Bearer realm="r",error="insufficient_scope",scope="""#,
                &["bearer error=insufficient_scope;realm=r;scope="],
            ),
            (r#"Bearer realm="unterminated"#, &["bearer realm=unterminated"]),
            ("", &[]),
            (", ,", &[]),
            ("realm=x", &["realm "]),
        ] {
            assert_eq!(shown(header), expected, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_to_its_end(header in ".{0,200}") {
            challenges(&header);
        }
    }
}
