//! Python's version scheme (packaging.python.org, "Version specifiers", the former PEP 440): enough
//! of it to know which version is newer.

use std::cmp::Ordering;
use std::str::FromStr;

/// A version in its normal form. Numbers above 64 bits are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pep440 {
    epoch: u64,
    /// Without trailing zeros: `1.0` and `1` are the same.
    release: Vec<u64>,
    pre: Option<(PreKind, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
    local: Vec<Segment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PreKind {
    Alpha,
    Beta,
    Candidate,
}

/// Part of a local version; any number is newer than any word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Word(String),
    Number(u64),
}

/// Where the pre-release part puts a version among those with the same release numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    DevelopmentOnly,
    Pre(PreKind, u64),
    Final,
}

/// Epoch, release, stage, post-release, development release, local part.
type Key<'a> = (u64, &'a [u64], Stage, Option<u64>, (bool, u64), &'a [Segment]);

impl Pep440 {
    pub(super) fn is_prerelease(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// Tuples compare from left to right, and `None` comes before `Some`: a version without a
    /// post-release or local part is the older, one without a development part the newer.
    fn key(&self) -> Key<'_> {
        let stage = match (self.pre, self.post, self.dev) {
            (Some((kind, number)), _, _) => Stage::Pre(kind, number),
            (None, None, Some(_)) => Stage::DevelopmentOnly,
            (None, _, _) => Stage::Final,
        };
        let dev = (self.dev.is_none(), self.dev.unwrap_or(0));
        (self.epoch, &self.release, stage, self.post, dev, &self.local)
    }
}

impl PartialOrd for Pep440 {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pep440 {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The text does not follow the scheme.
#[derive(Debug)]
pub(super) struct NotPep440;

impl FromStr for Pep440 {
    type Err = NotPep440;

    fn from_str(text: &str) -> Result<Self, NotPep440> {
        let text = text.to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, segments(local)?),
            None => (text, Vec::new()),
        };
        let mut rest = public;
        let (epoch, release) = epoch_and_release(&mut rest)?;
        let pre = pre(&mut rest);
        let post = implicit_post(&mut rest).or_else(|| labelled(&mut rest, &["post", "rev", "r"]));
        let dev = labelled(&mut rest, &["dev"]);
        if !rest.is_empty() {
            return Err(NotPep440);
        }
        Ok(Self {
            epoch,
            release,
            pre,
            post,
            dev,
            local,
        })
    }
}

/// `1!2.0` → epoch 1, release 2.
fn epoch_and_release(rest: &mut &str) -> Result<(u64, Vec<u64>), NotPep440> {
    let mut epoch = 0;
    let mut release = vec![number(rest).ok_or(NotPep440)?];
    if let Some(after) = rest.strip_prefix('!') {
        *rest = after;
        epoch = std::mem::replace(&mut release[0], number(rest).ok_or(NotPep440)?);
    }
    while let Some(mut after) = rest.strip_prefix('.') {
        let Some(next) = number(&mut after) else {
            break; // `.post1` or `.dev1`
        };
        release.push(next);
        *rest = after;
    }
    while release.last() == Some(&0) {
        release.pop();
    }
    Ok((epoch, release))
}

/// Longer spellings come first: `a` is also how `alpha` starts.
fn pre(rest: &mut &str) -> Option<(PreKind, u64)> {
    let kinds: [(&[&str], PreKind); 3] = [
        (&["alpha", "a"], PreKind::Alpha),
        (&["beta", "b"], PreKind::Beta),
        (&["preview", "pre", "rc", "c"], PreKind::Candidate),
    ];
    kinds
        .into_iter()
        .find_map(|(labels, kind)| labelled(rest, labels).map(|number| (kind, number)))
}

/// `-1` is a post-release without its word.
fn implicit_post(rest: &mut &str) -> Option<u64> {
    let mut after = rest.strip_prefix('-')?;
    let number = number(&mut after)?;
    *rest = after;
    Some(number)
}

/// `[-_.]label[-_.]N`, where separators and number may be left out.
fn labelled(rest: &mut &str, labels: &[&str]) -> Option<u64> {
    let separators = ['-', '_', '.'];
    let start = rest.strip_prefix(separators).unwrap_or(rest);
    let after = labels.iter().find_map(|label| start.strip_prefix(label))?;
    let mut digits = after.strip_prefix(separators).unwrap_or(after);
    match number(&mut digits) {
        Some(number) => {
            *rest = digits;
            Some(number)
        }
        None => {
            *rest = after;
            Some(0)
        }
    }
}

/// The digits at the start.
fn number(rest: &mut &str) -> Option<u64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    let number = digits.parse().ok()?;
    *rest = after;
    Some(number)
}

fn segments(local: &str) -> Result<Vec<Segment>, NotPep440> {
    local
        .split(['-', '_', '.'])
        .map(|part| match part.parse() {
            Ok(number) => Ok(Segment::Number(number)),
            Err(_) if !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Ok(Segment::Word(part.to_owned()))
            }
            Err(_) => Err(NotPep440),
        })
        .collect()
}
