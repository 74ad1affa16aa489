//! Branch and path filters with GitHub's semantics, which no glob crate has: `?` and `+` repeat the
//! character before them. Source: docs.github.com, "Workflow syntax", filter pattern cheat sheet.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A filter pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("pattern {pattern:?}: {problem}")]
pub struct InvalidPattern {
    /// The pattern as it was written.
    pub pattern: String,
    /// What is wrong with it and what would be right.
    pub problem: &'static str,
}

/// An ordered list of patterns; the last one that matches decides, and `!` in front excludes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Pattern>);

impl Filter {
    /// Reads the patterns; an empty list lets everything through.
    ///
    /// # Errors
    /// A pattern that is empty, unclosed or too long, or a list with nothing but exclusions, which
    /// would never match.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self, InvalidPattern> {
        let parsed: Vec<Pattern> = patterns
            .iter()
            .map(|text| text.as_ref().parse())
            .collect::<Result<_, _>>()?;
        match parsed.first() {
            Some(first) if parsed.iter().all(|pattern| pattern.excludes) => Err(InvalidPattern {
                pattern: first.text.clone(),
                problem: "a list of exclusions matches nothing; put what is included (\"**\") before it",
            }),
            _ => Ok(Self(parsed)),
        }
    }

    /// Whether there is no pattern, so that everything passes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `text` passes.
    pub fn accepts(&self, text: &str) -> bool {
        let last = self.0.iter().rev().find(|pattern| pattern.matches(text));
        last.map_or(self.is_empty(), |pattern| !pattern.excludes)
    }
}

impl fmt::Display for Filter {
    /// The patterns as they were written, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pattern) in self.0.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, pattern.text)?;
        }
        Ok(())
    }
}

/// Longest pattern; longer ones are a mistake.
const LONGEST: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    text: String,
    excludes: bool,
    parts: Vec<Part>,
}

/// A class of characters and how often it may come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    class: Class,
    /// Whether it may be left out.
    optional: bool,
    /// Whether it may come again.
    repeats: bool,
}

/// First and last characters, both included.
type Ranges = Vec<(char, char)>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Literal(char),
    OneOf(Ranges),
    NotSlash,
    Any,
    /// Nothing, but only at the start or after a slash: what ends `**/`, which also stands for no
    /// directory at all.
    Boundary,
}

impl Class {
    fn has(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::OneOf(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)),
            Self::NotSlash => c != '/',
            Self::Any => true,
            Self::Boundary => false,
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let fail = |problem| InvalidPattern {
            pattern: text.chars().take(80).collect(),
            problem,
        };
        let body = text.strip_prefix('!').unwrap_or(text);
        if body.is_empty() {
            return Err(fail("it is empty; \"**\" matches everything"));
        }
        if body.len() > LONGEST {
            return Err(fail("it is longer than 1024 bytes"));
        }
        Ok(Self {
            text: text.to_owned(),
            excludes: text.starts_with('!'),
            parts: parts(&body.chars().collect::<Vec<_>>()).map_err(fail)?,
        })
    }
}

/// Splits a pattern into its parts.
fn parts(chars: &[char]) -> Result<Vec<Part>, &'static str> {
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    let once = |class| Part {
        class,
        optional: false,
        repeats: false,
    };
    let any_number = |class| Part {
        class,
        optional: true,
        repeats: true,
    };
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at + 1..];
        at += 1;
        match c {
            '*' if rest.first() == Some(&'*') => {
                let starts_segment = at == 1 || chars[at - 2] == '/';
                at += 1;
                parts.push(any_number(Class::Any));
                if starts_segment && rest.get(1) == Some(&'/') {
                    parts.push(once(Class::Boundary));
                    at += 1;
                }
            }
            '*' => parts.push(any_number(Class::NotSlash)),
            '?' | '+' => {
                let before = parts.last_mut().filter(|part| part.class != Class::Boundary);
                let before = before.ok_or("'?' and '+' need a character before them")?;
                before.optional |= c == '?';
                before.repeats |= c == '+';
            }
            '[' => {
                let (ranges, length) = ranges(rest)?;
                parts.push(once(Class::OneOf(ranges)));
                at += length;
            }
            '\\' => {
                let escaped = rest.first().ok_or("a '\\' at the end escapes nothing")?;
                parts.push(once(Class::Literal(*escaped)));
                at += 1;
            }
            _ => parts.push(once(Class::Literal(c))),
        }
    }
    Ok(parts)
}

/// The ranges after a `[`, and how many characters they take with the closing `]`.
fn ranges(chars: &[char]) -> Result<(Ranges, usize), &'static str> {
    let end = chars.iter().position(|c| *c == ']').ok_or("'[' is not closed")?;
    let mut ranges = Vec::new();
    let mut rest = &chars[..end];
    while let [low, tail @ ..] = rest {
        rest = match tail {
            ['-', high, after @ ..] => {
                ranges.push((*low, *high));
                after
            }
            _ => {
                ranges.push((*low, *low));
                tail
            }
        };
    }
    if ranges.is_empty() {
        return Err("'[]' matches nothing");
    }
    Ok((ranges, end + 1))
}

impl Pattern {
    /// Walks all ways through the pattern at once, so the time is bounded by the product of the
    /// lengths whatever the pattern.
    fn matches(&self, text: &str) -> bool {
        let mut states = vec![false; self.parts.len() + 1];
        states[0] = true;
        self.skip_optional(&mut states, true);
        for c in text.chars() {
            let mut next = vec![false; states.len()];
            for (index, part) in self.parts.iter().enumerate() {
                if states[index] && part.class.has(c) {
                    next[index + 1] = true;
                    next[index] |= part.repeats;
                }
            }
            self.skip_optional(&mut next, c == '/');
            states = next;
        }
        states[self.parts.len()]
    }

    fn skip_optional(&self, states: &mut [bool], at_boundary: bool) {
        for (index, part) in self.parts.iter().enumerate() {
            let skips = part.optional || (part.class == Class::Boundary && at_boundary);
            states[index + 1] |= states[index] && skips;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(patterns: &[&str], text: &str) -> bool {
        Filter::parse(patterns).unwrap().accepts(text)
    }

    #[test]
    fn single_patterns_match_as_in_githubs_cheat_sheet() {
        let table: &[(&str, &[&str], &[&str])] = &[
            (
                "feature/*",
                &["feature/mine"],
                &["feature/beta-a/mine", "feature"],
            ),
            (
                "feature/**",
                &["feature/beta-a/mine", "feature/x"],
                &["features/x"],
            ),
            ("main", &["main"], &["main2", "Main", "", "a/main"]),
            ("*", &["main", "releases"], &["all/the/branches"]),
            ("**", &["main", "all/the/branches"], &[]),
            (
                "*feature",
                &["mona-feature", "feature"],
                &["feature-1", "a/feature"],
            ),
            ("v2*", &["v2", "v2.0", "v2.9"], &["v1"]),
            (
                "v[12].[0-9]+.[0-9]+",
                &["v1.10.1", "v2.0.0"],
                &["v1.10", "v3.0.0", "v1..1"],
            ),
            ("*.jsx?", &["page.js", "page.jsx"], &["page.jsxx", "app/page.js"]),
            ("**.js", &["index.js", "js/index.js"], &["index.ts"]),
            ("docs/*", &["docs/README.md"], &["docs/a/b.md"]),
            (
                "docs/**/*.md",
                &["docs/README.md", "docs/a/b/c.md"],
                &["docs/a.txt"],
            ),
            (
                "**/docs/**",
                &["docs/hello.md", "dir/docs/a/b"],
                &["mydocs/a", "docs"],
            ),
            ("**/README.md", &["README.md", "js/README.md"], &["OLD-README.md"]),
            ("**/*src/**", &["a/src/app.js", "my-src/code/app.js"], &["srcs/a"]),
            (
                "**/migrate-*.sql",
                &["migrate-1.sql", "db/sept/migrate-v1.sql"],
                &["db/migrate.sql"],
            ),
            (
                "releases/**-alpha",
                &["releases/beta/3-alpha"],
                &["releases/alpha"],
            ),
            ("ab+c", &["abc", "abbbc"], &["ac"]),
            ("[CB]at", &["Cat", "Bat"], &["cat", "at"]),
            (r"a\*b", &["a*b"], &["ab", "axb"]),
            ("é*", &["école"], &["ecole"]),
        ];
        for (pattern, yes, no) in table {
            for text in *yes {
                assert!(accepts(&[pattern], text), "{pattern} should match {text}");
            }
            for text in *no {
                assert!(!accepts(&[pattern], text), "{pattern} should not match {text}");
            }
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let releases = ["releases/**", "!releases/**-alpha"];
        assert!(accepts(&releases, "releases/10"));
        assert!(!accepts(&releases, "releases/10-alpha"));
        assert!(!accepts(&releases, "main"));
        let readme = ["*.md", "!README.md", "README*"];
        assert!(accepts(&readme, "hello.md"));
        assert!(accepts(&readme, "README.md"));
        assert!(accepts(&[] as &[&str], "anything"));
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused() {
        for bad in ["", "!", "[ab", "[]", "?", "+a", "a\\", "**/+", &"a".repeat(1025)] {
            assert!(Filter::parse(&[bad]).is_err(), "{bad:?}");
        }
        let only_exclusions = Filter::parse(&["!docs/**"]).unwrap_err();
        insta::assert_snapshot!(only_exclusions, @r#"pattern "!docs/**": a list of exclusions matches nothing; put what is included ("**") before it"#);
    }

    #[test]
    fn a_pattern_made_to_explode_is_decided_at_once() {
        let pattern = "**a".repeat(300);
        assert!(!accepts(&[&pattern], &"a".repeat(299)));
        assert!(accepts(&[&pattern], &"a".repeat(300)));
    }
}
