//! The comment on a pull request that is written anew in place.

use crate::forge::yard::{COMMIT, HOSTILE, Yard, refused};
use crate::support::github::{Fault, Pull, Repository};
use greenroom::domain::model::{ErrorKind, PullComment};
use greenroom::ports::Forge as _;

pub(crate) fn pull() -> Pull {
    Pull {
        number: 7,
        open: true,
        head: COMMIT.to_owned(),
        head_repository: Some(4711),
        labels: vec!["Deploy to: staging/eu".to_owned(), "other".to_owned()],
    }
}

pub(crate) fn comment(body: &str) -> PullComment {
    PullComment {
        pull: 7,
        key: "staging".to_owned(),
        body: body.to_owned(),
    }
}

fn yard() -> Yard {
    Yard::of(Repository {
        pulls: vec![pull()],
        ..Repository::default()
    })
}

fn bodies(yard: &Yard) -> Vec<String> {
    yard.fake
        .comments(7)
        .into_iter()
        .map(|comment| comment.body)
        .collect()
}

#[test]
fn a_comment_is_made_once_and_then_changed_in_place() {
    let yard = yard();
    for body in ["first", "second", "second"] {
        yard.github.upsert_comment(&comment(body)).unwrap();
    }
    assert_eq!(bodies(&yard), ["<!-- greenroom:staging -->\nsecond"]);
    assert_eq!(yard.fake.count("issues/create-comment"), 1);
    assert_eq!(yard.fake.count("issues/update-comment"), 1);
    let mut another = comment("third");
    another.key = "production".to_owned();
    yard.github.upsert_comment(&another).unwrap();
    assert_eq!(bodies(&yard).len(), 2);
}

#[test]
fn it_is_found_among_hundreds_of_others() {
    for before in [0, 99, 100, 250] {
        let yard = yard();
        let chat = |count: usize| {
            for _ in 0..count {
                yard.fake.comment(7, ("bob", "User"), "MEMBER", "a word");
            }
        };
        chat(before);
        yard.github.upsert_comment(&comment("first")).unwrap();
        chat(130);
        yard.github.upsert_comment(&comment("second")).unwrap();
        assert_eq!(yard.fake.count("issues/create-comment"), 1, "{before}");
    }
}

#[test]
fn endless_comments_are_not_all_read() {
    let yard = yard();
    for _ in 0..2500 {
        yard.fake.comment(7, ("bob", "User"), "MEMBER", "a word");
    }
    yard.github.upsert_comment(&comment("first")).unwrap();
    assert_eq!(yard.fake.count("issues/list-comments"), 10);
    // The newest are among those that are read.
    yard.github.upsert_comment(&comment("second")).unwrap();
    assert_eq!(yard.fake.count("issues/create-comment"), 1);
}

#[test]
fn a_stranger_who_copies_the_marker_is_passed_over() {
    let yard = yard();
    let marked = "<!-- greenroom:staging -->\nmine";
    yard.fake.comment(7, ("mallory", "User"), "NONE", marked);
    yard.fake.comment(7, ("mallory", "User"), "CONTRIBUTOR", marked);
    yard.fake
        .comment(7, ("bob", "User"), "MEMBER", "> <!-- greenroom:staging -->");
    yard.fake
        .comment(7, ("bob", "User"), "MEMBER", "look:\n<!-- greenroom:staging -->");
    yard.github.upsert_comment(&comment("first")).unwrap();
    assert_eq!(yard.fake.count("issues/update-comment"), 0);
    assert_eq!(bodies(&yard).last().unwrap(), "<!-- greenroom:staging -->\nfirst");
    assert_eq!(bodies(&yard)[0], marked);
}

#[test]
fn one_that_may_not_be_changed_stands_in_nobodys_way() {
    let yard = yard();
    let locked = yard
        .fake
        .comment(7, ("other[bot]", "Bot"), "NONE", "<!-- greenroom:staging -->\nx");
    yard.fake.with(|state| {
        let comment = state.comments.iter_mut().find(|comment| comment.id == locked);
        comment.unwrap().locked = true;
    });
    yard.github.upsert_comment(&comment("first")).unwrap();
    assert_eq!(bodies(&yard).len(), 2);
    yard.github.upsert_comment(&comment("second")).unwrap();
    assert_eq!(bodies(&yard)[1], "<!-- greenroom:staging -->\nsecond");
    assert_eq!(bodies(&yard).len(), 2);
}

#[test]
fn a_token_of_a_person_finds_its_own_comment() {
    let yard = yard();
    let own = "<!-- greenroom:staging -->\r\nbefore\r\n";
    yard.fake.comment(7, ("alice", "User"), "OWNER", own);
    yard.github.upsert_comment(&comment("before")).unwrap();
    assert_eq!(
        yard.fake.count("issues/update-comment"),
        0,
        "it says that already"
    );
    yard.github.upsert_comment(&comment("after")).unwrap();
    assert_eq!(bodies(&yard), ["<!-- greenroom:staging -->\nafter"]);
}

#[test]
fn a_comment_whose_answer_was_lost_is_not_made_twice() {
    for fault in [
        Fault::LostAfter,
        Fault::CutAfter,
        Fault::Page(503),
        Fault::CutBefore,
    ] {
        let yard = yard();
        yard.fails("issues/create-comment", std::slice::from_ref(&fault));
        yard.github.upsert_comment(&comment("first")).unwrap();
        yard.fails("issues/update-comment", &[fault]);
        yard.github.upsert_comment(&comment("second")).unwrap();
        assert_eq!(bodies(&yard), ["<!-- greenroom:staging -->\nsecond"]);
    }
}

#[test]
fn hostile_and_endless_texts_keep_the_marker_whole() {
    let yard = yard();
    let mut endless = comment(&HOSTILE.repeat(3000));
    endless.key = "a --> <b>\nc".to_owned();
    for _ in 0..2 {
        yard.github.upsert_comment(&endless).unwrap();
    }
    let bodies = bodies(&yard);
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].starts_with("<!-- greenroom:a%20--%3E%20%3Cb%3E%0Ac -->\n"));
    assert!(bodies[0].len() <= 65_536);
}

#[test]
fn refusals_say_what_is_missing() {
    let yard = Yard::allowed(&["pull-requests: read"]);
    let outcome = yard.github.upsert_comment(&comment("first"));
    refused(
        outcome,
        ErrorKind::Missing,
        &["404", "commenting on pull request 7"],
    );
    yard.fake.with(|state| state.repository.pulls.push(pull()));
    let parts = ["`permissions: { pull-requests: write }`", "pull_requests=write"];
    refused(
        yard.github.upsert_comment(&comment("first")),
        ErrorKind::Denied,
        &parts,
    );
}
