//! The thread that tells a forge what waits in the mailbox.

use super::mailbox::{Mailbox, Post, Verb, Words};
use crate::domain::model::DeploymentDraft;
use crate::ports::Forge;
use std::sync::Arc;

/// Begins to tell `forge` what is put into the mailbox, on a thread of its own. It ends by itself; should the
/// forge hang, nobody waits for it longer than [`Mailbox::settle`] does.
pub(super) fn start(forge: Arc<dyn Forge>, draft: Option<DeploymentDraft>) -> Arc<Mailbox> {
    let mailbox = Arc::new(Mailbox::default());
    let taken = Arc::clone(&mailbox);
    std::thread::spawn(move || {
        let mut speaker = Speaker {
            forge: forge.as_ref(),
            mailbox: &taken,
            draft,
            number: None,
        };
        while let Some(post) = taken.next() {
            speaker.say(post);
        }
    });
    mailbox
}

struct Speaker<'a> {
    forge: &'a dyn Forge,
    mailbox: &'a Mailbox,
    draft: Option<DeploymentDraft>,
    /// The forge's number of the deployment, once it is known.
    number: Option<u64>,
}

impl Drop for Speaker<'_> {
    /// Also when an adapter panics: nobody is to wait in vain.
    fn drop(&mut self) {
        self.mailbox.over();
    }
}

impl Speaker<'_> {
    fn say(&mut self, post: Post) {
        match post {
            Post::Opening(words) | Post::Ending(words) => {
                // One that could not be opened at the beginning may be by now.
                self.open();
                self.tell(words);
            }
            Post::Progress(words) => self.tell(words),
        }
    }

    fn open(&mut self) {
        if let (None, Some(draft)) = (self.number, &self.draft) {
            self.number = self.mailbox.came(Verb::Open, self.forge.open_deployment(draft));
            if let Some(number) = self.number {
                self.mailbox.opened(number);
            }
        }
    }

    fn tell(&self, words: Words) {
        let (forge, mailbox) = (self.forge, self.mailbox);
        if let (Some(number), Some(update)) = (self.number, words.update) {
            mailbox.came(Verb::Update, forge.update_deployment(number, &update));
        }
        if let Some(check) = words.check {
            mailbox.came(Verb::Check, forge.publish_check(&check));
        }
        if let Some(status) = words.status {
            mailbox.came(Verb::Status, forge.set_commit_status(&status));
        }
        if let Some(comment) = words.comment {
            mailbox.came(Verb::Comment, forge.upsert_comment(&comment));
        }
        if let Some(gone) = words.gone {
            let told = forge.retire_environment(&gone.environment, &gone.why);
            mailbox.came(Verb::Retire, told);
        }
    }
}
