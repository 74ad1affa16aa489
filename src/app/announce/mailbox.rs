//! What waits to be told: how a rollout began, the newest word on how far it is, how it ended. Whoever puts
//! something in never waits, and there is never more in it than one of each.

use crate::domain::model::{
    CheckReport, CommitStatus, DeploymentUpdate, EnvironmentName, PortError, PullComment,
};

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is told at one moment; what is `None` is not told.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) update: Option<DeploymentUpdate>,
    pub(super) check: Option<CheckReport>,
    pub(super) status: Option<CommitStatus>,
    pub(super) comment: Option<PullComment>,
    /// An environment that went away.
    pub(super) gone: Option<Gone>,
}

/// An environment that went away.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) environment: EnvironmentName,
    /// Why, in one line.
    pub(super) why: String,
}

/// Something to be told now.
#[derive(Debug)]
pub(super) enum Post {
    /// How it began.
    Opening(Words),
    /// How far it is.
    Progress(Words),
    /// How it ended; nothing comes after it.
    Ending(Words),
}

/// The verbs of [`crate::ports::Forge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Open,
    Update,
    Check,
    Status,
    Comment,
    Retire,
}

/// What came of it so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// The forge's number of the deployment.
    pub(super) deployment: Option<u64>,
    /// What the forge did not take when it was last told.
    pub(super) failures: BTreeMap<Verb, PortError>,
}

#[derive(Debug, Default)]
struct Slots {
    opening: Option<Words>,
    progress: Option<Words>,
    ending: Option<Words>,
    /// Nothing more comes in.
    closed: bool,
    /// Nobody takes anything out any more.
    over: bool,
    told: Told,
}

/// The box between a rollout and the thread that tells of it.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    slots: Mutex<Slots>,
    changed: Condvar,
}

impl Mailbox {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Slots)) {
        change(&mut self.slots());
        self.changed.notify_all();
    }

    pub(super) fn open(&self, words: Words) {
        self.change(|slots| slots.opening = Some(words));
    }

    /// Takes the place of a word on the progress that nobody has taken yet.
    pub(super) fn go_on(&self, words: Words) {
        self.change(|slots| slots.progress = Some(words));
    }

    pub(super) fn end(&self, words: Words) {
        self.change(|slots| {
            slots.ending = Some(words);
            slots.closed = true;
        });
    }

    /// Nothing more comes: what is in it is still told.
    pub(super) fn close(&self) {
        self.change(|slots| slots.closed = true);
    }

    /// What is to be told next, as soon as there is something; `None` when nothing comes any more.
    pub(super) fn next(&self) -> Option<Post> {
        let mut slots = self.slots();
        loop {
            if let Some(words) = slots.opening.take() {
                return Some(Post::Opening(words));
            }
            if let Some(words) = slots.ending.take() {
                // How far it was does not matter any more.
                slots.progress = None;
                return Some(Post::Ending(words));
            }
            if let Some(words) = slots.progress.take() {
                return Some(Post::Progress(words));
            }
            if slots.closed {
                return None;
            }
            slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes down that nobody takes anything out any more.
    pub(super) fn over(&self) {
        self.change(|slots| slots.over = true);
    }

    /// Takes down what came of a verb; what is taken at last is no failure.
    pub(super) fn came<T>(&self, verb: Verb, result: Result<T, PortError>) -> Option<T> {
        let mut slots = self.slots();
        match result {
            Ok(value) => {
                slots.told.failures.remove(&verb);
                Some(value)
            }
            Err(error) => {
                slots.told.failures.insert(verb, error);
                None
            }
        }
    }

    pub(super) fn opened(&self, deployment: u64) {
        self.slots().told.deployment = Some(deployment);
    }

    /// Waits until everything was told, at most for `patience`. What came of it, and whether that is all.
    ///
    /// This wait is not the clock's: a signal has ended the rollout by then, and must not keep its end from
    /// being told.
    pub(super) fn settle(&self, patience: Duration) -> (Told, bool) {
        let slots = self.slots();
        let (slots, _) = self
            .changed
            .wait_timeout_while(slots, patience, |slots| !slots.over)
            .unwrap_or_else(PoisonError::into_inner);
        (slots.told.clone(), slots.over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{CommitStatus, ErrorKind};

    fn words(description: &str) -> Words {
        Words {
            status: Some(CommitStatus {
                commit: "a".repeat(40).parse().unwrap(),
                context: "greenroom/staging".into(),
                conclusion: None,
                description: description.into(),
                details: None,
            }),
            ..Words::default()
        }
    }

    fn all(mailbox: &Mailbox) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(post) = mailbox.next() {
            let (kind, words) = match post {
                Post::Opening(words) => ("opening", words),
                Post::Progress(words) => ("progress", words),
                Post::Ending(words) => ("ending", words),
            };
            said.push(format!("{kind} {}", words.status.unwrap().description));
        }
        said
    }

    #[test]
    fn the_newest_progress_takes_the_place_of_what_nobody_told_and_the_end_of_all_of_it() {
        let mailbox = Mailbox::default();
        mailbox.open(words("a"));
        mailbox.go_on(words("b"));
        mailbox.go_on(words("c"));
        mailbox.close();
        assert_eq!(all(&mailbox), ["opening a", "progress c"]);

        let mailbox = Mailbox::default();
        mailbox.open(words("a"));
        mailbox.go_on(words("b"));
        mailbox.end(words("d"));
        assert_eq!(all(&mailbox), ["opening a", "ending d"]);
    }

    #[test]
    fn what_was_refused_first_and_taken_at_last_is_no_failure() {
        let mailbox = Mailbox::default();
        let refused = || Err::<(), _>(PortError::new(ErrorKind::Transient, "publishing", "no answer"));
        mailbox.came(Verb::Check, refused());
        mailbox.came(Verb::Update, refused());
        mailbox.came(Verb::Check, Ok(()));
        let (told, whole) = mailbox.settle(Duration::ZERO);
        assert_eq!(told.failures.into_keys().collect::<Vec<_>>(), [Verb::Update]);
        assert!(!whole, "nobody said that it is over");
    }
}
