//! What went wrong, as people and programs read it: what happened, what it came from, what to do about it.

use std::error::Error;
use std::fmt;

/// The longest chain that is followed. Longer ones do not occur; a chain that leads back to itself must end.
const LONGEST_CHAIN: usize = 16;

/// What happened, the chain of causes below it, and what to do about it.
///
/// All of it is text, so that errors stay `Clone` and can be recorded, and all of it passes the same redaction.
/// It reads as "{message}: {cause}: {cause}; {fix}" where only one line can be shown: in the ledger, in a finding,
/// in a note. Whoever has more room shows the parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What happened. Never holds a secret that greenroom could have kept out.
    pub message: String,
    /// What it came from, the nearest first. Nothing stands here that the message says already.
    pub causes: Vec<String>,
    /// What to do about it, as one sentence without a full stop, where that is known.
    pub fix: Option<String>,
}

impl Explanation {
    /// Returns an explanation that says what happened, and nothing else yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            fix: None,
        }
    }

    /// Adds an error below what is there, with the chain of its own sources. What has been said is not said
    /// again, and a fix that the error knows is taken over where there is none yet.
    #[must_use]
    pub fn because(mut self, cause: &(dyn Error + 'static)) -> Self {
        let below = Self::of(cause);
        for text in std::iter::once(below.message).chain(below.causes) {
            if !text.is_empty() && !self.says(&text) {
                self.causes.push(text);
            }
        }
        self.fix = self.fix.or(below.fix);
        self
    }

    /// Adds a cause that is known as text only: what a program wrote, what a server said.
    #[must_use]
    pub fn caused_by(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.trim().is_empty() && !self.says(&text) {
            self.causes.push(text);
        }
        self
    }

    /// Says what to do about it, in place of what another said before.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says what to do about it where that is known; else leaves what is there.
    #[must_use]
    pub fn maybe_fix(mut self, fix: Option<impl Into<String>>) -> Self {
        self.fix = fix.map(Into::into).or(self.fix);
        self
    }

    /// Puts what was being done before the message: "reading a: no such file".
    #[must_use]
    pub fn while_doing(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Returns the message with its causes, without the fix: on one line where none of them has several. A cause of
    /// several lines, such as the end of a log, begins on one of its own.
    pub fn cause_line(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            line.push_str(if cause.contains('\n') { ":\n" } else { ": " });
            line.push_str(cause);
        }
        line
    }

    /// Returns the same with `change` made to every text, such as redaction.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            message: change(&self.message),
            causes: self.causes.iter().map(|cause| change(cause)).collect(),
            fix: self.fix.as_deref().map(change),
        }
    }

    /// Explains an error by its own words and those of its sources. Each is said once: many errors print their
    /// source behind a colon, and that part is left to the source.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut found = Self::default();
        let mut links: Vec<String> = Vec::new();
        let mut link = Some(error);
        while let Some(present) = link.take().filter(|_| links.len() < LONGEST_CHAIN) {
            let text = present.to_string();
            if let Some(last) = links.last_mut() {
                *last = without(last, &text);
            }
            if let Some(known) = explained(present) {
                // What stands before an explanation is what was being done, which reads with it as one.
                match links.last_mut().filter(|last| !last.is_empty()) {
                    Some(said) if said.contains(&known.message) => {}
                    Some(doing) => *doing = format!("{doing}: {}", known.message),
                    None => links.push(known.message.clone()),
                }
                links.extend(known.causes.iter().cloned());
                found.fix.clone_from(&known.fix);
                break;
            }
            links.push(text);
            link = present.source();
        }
        for text in links {
            if found.message.is_empty() {
                found.message = text;
            } else if !text.is_empty() && !found.says(&text) {
                found.causes.push(text);
            }
        }
        found
    }

    fn says(&self, text: &str) -> bool {
        self.message.contains(text) || self.causes.iter().any(|cause| cause.contains(text))
    }
}

/// The explanation that an error is, or that stands in one of the standard library's.
fn explained<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Explanation> {
    error.downcast_ref().or_else(|| {
        let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
        inner.downcast_ref()
    })
}

/// An error's words without those of its source at their end.
fn without(text: &str, source: &str) -> String {
    match text.strip_suffix(source) {
        Some("") => String::new(),
        Some(own) => own.strip_suffix(": ").unwrap_or(text).to_owned(),
        None => text.to_owned(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.cause_line();
        f.write_str(&line)?;
        match &self.fix {
            // Behind several lines (a log, a list) it would look like the end of the last one.
            Some(fix) if line.contains('\n') => write!(f, "\n{fix}"),
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

impl Error for Explanation {}

impl From<String> for Explanation {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Explanation {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl<E: Error + 'static> From<&E> for Explanation {
    fn from(error: &E) -> Self {
        Self::of(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use thiserror::Error;

    /// Prints its source, as most do.
    #[derive(Debug, Error)]
    #[error("reading shop.yaml: {source}")]
    struct Printing {
        source: io::Error,
    }

    /// Leaves its source to whoever walks the chain.
    #[derive(Debug, Error)]
    #[error("the configuration cannot be used")]
    struct Silent {
        #[source]
        source: Printing,
    }

    /// Is its source.
    #[derive(Debug, Error)]
    #[error(transparent)]
    struct Transparent(Silent);

    /// Says what its source says, in other words around it.
    #[derive(Debug, Error)]
    #[error("({source}) happened")]
    struct Quoting {
        source: io::Error,
    }

    /// Was being done when an explained thing happened.
    #[derive(Debug, Error)]
    #[error("starting web-1: {0}")]
    struct Doing(#[source] Explanation);

    fn io() -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, "no such file")
    }

    fn silent() -> Silent {
        Silent {
            source: Printing { source: io() },
        }
    }

    #[test]
    fn a_chain_is_kept_link_by_link_and_each_is_said_once() {
        let expected = Explanation {
            message: "the configuration cannot be used".to_owned(),
            causes: vec!["reading shop.yaml".to_owned(), "no such file".to_owned()],
            fix: None,
        };
        assert_eq!(Explanation::from(&silent()), expected);
        assert_eq!(Explanation::from(&Transparent(silent())), expected);
        assert_eq!(
            expected.to_string(),
            "the configuration cannot be used: reading shop.yaml: no such file"
        );
        let quoting = Explanation::from(&Quoting { source: io() });
        assert_eq!(quoting.message, "(no such file) happened");
        assert_eq!(quoting.causes, Vec::<String>::new());
    }

    #[test]
    fn a_cause_below_a_message_that_says_it_already_is_left_out() {
        let said = Explanation::new("no such file as shop.yaml").because(&io());
        assert_eq!(said.causes, Vec::<String>::new());
        let below = Explanation::new("shop cannot be deployed").because(&silent());
        assert_eq!(
            below.causes,
            [
                "the configuration cannot be used",
                "reading shop.yaml",
                "no such file"
            ]
        );
    }

    #[test]
    fn what_an_explanation_below_knows_is_taken_over() {
        let doing = Doing(
            Explanation::new("it does not answer")
                .because(&io())
                .fix("start it"),
        );
        let above = Explanation::new("the rollout stopped").because(&doing);
        assert_eq!(
            above.causes,
            ["starting web-1: it does not answer", "no such file"]
        );
        assert_eq!(above.fix.as_deref(), Some("start it"));
        assert_eq!(above.fix("look at it").fix.as_deref(), Some("look at it"));
        assert_eq!(
            Explanation::from(&doing).to_string(),
            "starting web-1: it does not answer: no such file; start it"
        );
    }

    #[test]
    fn a_fix_behind_several_lines_has_one_of_its_own() {
        let error = Explanation::new("it failed:\n  line 1").fix("look there");
        assert_eq!(error.to_string(), "it failed:\n  line 1\nlook there");
        let error = Explanation::new("it failed")
            .caused_by("line 1\nline 2")
            .fix("look there");
        assert_eq!(error.to_string(), "it failed:\nline 1\nline 2\nlook there");
    }

    #[test]
    fn a_chain_that_does_not_end_is_cut() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }
        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Endless)
            }
        }
        assert_eq!(Explanation::from(&Endless).to_string(), "again");
    }

    #[test]
    fn every_text_can_be_changed() {
        let error = Explanation::new("a secret")
            .because(&io::Error::other("one more secret"))
            .fix("keep the secret");
        let changed = error.map(|text| text.replace("secret", "***"));
        assert_eq!(changed.to_string(), "a ***: one more ***; keep the ***");
    }
}
