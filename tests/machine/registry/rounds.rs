//! How many requests a copy makes, and in how many round trips: what can be asked at once is asked at once.

use super::server::{Answer, Request, Server, answer, refusal};
use super::store::Store;
use crate::copy::image::{Writer, assert_whole, whole};
use greenroom::domain::model::{Digest, Tag};
use greenroom::domain::oci::{fallback_tag, media};
use greenroom::images::{CONNECTIONS, Copied, CopySource, Destination, Meter, Options, Which, copy};
use greenroom::ports::Catalog;
use greenroom::testing::FakeClock;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A round is over when nobody has asked anything for this long.
const QUIET: Duration = Duration::from_millis(100);
/// How often a copy that took too many rounds is looked at again: a machine that is busy may split a round in
/// two, and never makes one of two.
const TRIES: usize = 6;

/// Holds every request back until no other comes, so that requests which do not wait for each other's answers
/// share one round.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    armed: bool,
    round: usize,
    last: Option<Instant>,
}

impl Gate {
    fn arm(&self, armed: bool) {
        *self.state.lock().unwrap() = State {
            armed,
            ..State::default()
        };
    }

    fn rounds(&self) -> usize {
        self.state.lock().unwrap().round
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        if !state.armed {
            return;
        }
        let round = state.round;
        state.last = Some(Instant::now());
        while state.round == round {
            let quiet = state.last.map_or(QUIET, |last| last.elapsed());
            if quiet >= QUIET {
                state.round += 1;
                self.changed.notify_all();
            } else {
                state = self.changed.wait_timeout(state, QUIET - quiet).unwrap().0;
            }
        }
    }
}

type Oddity = fn(&Request, &Store) -> Option<Answer>;

/// Two registries with the same oddity, and what passes between them and a client.
struct Way {
    gate: Arc<Gate>,
    one: Server,
    two: Server,
}

impl Way {
    fn new(odd: Oddity) -> Self {
        let gate = Arc::new(Gate::default());
        let server = || {
            let gate = Arc::clone(&gate);
            Server::with(move |request, store| {
                gate.pass();
                odd(request, store)
            })
        };
        let (one, two) = (server(), server());
        Self { gate, one, two }
    }

    fn copy(&self, which: Which<'_>, tags: &[Tag], attached: bool) -> Copied {
        let (from, to) = (self.one.repository("app"), self.two.repository("app"));
        let source = CopySource {
            repository: &from,
            image: which,
        };
        let destination = Destination {
            repository: &to,
            tags,
        };
        let options = Options {
            connections: CONNECTIONS,
            attached,
            deep: false,
            meter: &Meter::new(Arc::new(FakeClock::default())),
        };
        copy(&self.one.client(), &source, &destination, &options).unwrap()
    }

    /// The requests of one copy of what is there already, and the fewest rounds in which it was seen to make
    /// them; it tries no more once these are no more than `most`.
    fn again(&self, which: Which<'_>, tags: &[Tag], (attached, most): (bool, usize)) -> (Vec<String>, usize) {
        let mut fewest = usize::MAX;
        let mut asked = Vec::new();
        for _ in 0..TRIES {
            let before = [self.one.asked().len(), self.two.asked().len()];
            self.gate.arm(true);
            let copied = self.copy(which, tags, attached);
            fewest = fewest.min(self.gate.rounds());
            self.gate.arm(false);
            assert!(copied.was_there && copied.manifests == 0, "{copied:?}");
            asked = [("from", &self.one), ("to", &self.two)]
                .into_iter()
                .zip(before)
                .flat_map(|((side, server), before)| {
                    let asked = server.asked().split_off(before);
                    asked.into_iter().map(move |asked| format!("{side} {asked}"))
                })
                .collect();
            asked.sort();
            if fewest <= most {
                break;
            }
        }
        (asked, fewest)
    }
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// An index of three platforms.
fn platforms(catalog: &dyn Catalog, repository: &str) -> (Digest, Value) {
    let mut writer = Writer::new(catalog, repository);
    let parts: Vec<Value> = ["amd64", "arm64", "s390x"]
        .iter()
        .map(|platform| writer.image(platform, &[platform.as_bytes()], &[]))
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": parts});
    let index = writer.manifest(&index, &[tag("1")]);
    (index["digest"].as_str().unwrap().parse().unwrap(), index)
}

/// As docker's registry is: no API, and no word about subjects.
fn old(request: &Request, store: &Store) -> Option<Answer> {
    if request.is("GET", "/referrers/") {
        return Some(answer(404).body("404 page not found"));
    }
    (request.method == "PUT").then(|| store.answer(request).without("oci-subject"))
}

fn modern(_: &Request, _: &Store) -> Option<Answer> {
    None
}

/// Neither an API nor a list of tags.
fn secretive(request: &Request, store: &Store) -> Option<Answer> {
    let list = request.is("GET", "/tags/list");
    list.then(|| refusal(403, "DENIED", "not for you"))
        .or_else(|| old(request, store))
}

/// Wants a token for each repository.
fn guarded(request: &Request, _: &Store) -> Option<Answer> {
    if request.is("GET", "/token") {
        return Some(answer(200).body(r#"{"token":"t","expires_in":300}"#));
    }
    (request.header("authorization") != "Bearer t").then(|| {
        let host = request.header("host");
        let header =
            format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"repository:app:pull\"");
        refusal(401, "UNAUTHORIZED", "authentication required").header("www-authenticate", header)
    })
}

/// What is asked about an unsigned index of three platforms that is there, named by `first`: so often for
/// referrers.
fn unsigned(first: &str, referrers: usize) -> Vec<String> {
    let mut asked = vec!["from GET app/referrers/".to_owned(); referrers];
    asked.push(format!("from GET app/manifests/{first}"));
    asked.extend(["from GET app/tags/list", "to HEAD app/manifests/1"].map(str::to_owned));
    asked
}

/// Nothing else was asked than `wanted`, and all of it. A question for referrers may be missing: the first answer
/// can say that a registry has no API before the next thread asks.
fn assert_asked(mut asked: Vec<String>, wanted: &[String]) {
    let all = asked.clone();
    for request in wanted {
        match asked.iter().position(|asked| asked == request) {
            Some(place) => drop(asked.remove(place)),
            None => assert!(request.contains("/referrers/"), "{request} is missing: {all:#?}"),
        }
    }
    assert!(asked.is_empty(), "{asked:#?} was asked for as well: {all:#?}");
}

#[test]
fn what_is_there_takes_few_rounds_with_all_that_could_hang_off_it() {
    // The first two answers say whether the registry has the API; the others need no request where it has not.
    for (odd, referrers, most) in [(old as Oddity, 2, 2), (modern, 4, 3)] {
        let way = Way::new(odd);
        let (digest, _) = platforms(&way.one.client(), &way.one.repository("app"));
        way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
        for (which, first) in [(Which::Tag(&tag("1")), "1"), (Which::Digest(&digest), "")] {
            let (asked, rounds) = way.again(which, &[tag("1")], (true, most));
            assert_asked(asked, &unsigned(first, referrers));
            assert_eq!(rounds, most, "{first}");
        }
        // Without what hangs off it one round of HEADs is enough, which no registry counts as pulls.
        let (asked, rounds) = way.again(Which::Tag(&tag("1")), &[tag("1")], (false, 1));
        let heads = ["from HEAD app/manifests/1", "to HEAD app/manifests/1"];
        assert_eq!((asked, rounds), (heads.map(str::to_owned).to_vec(), 1));
    }
}

#[test]
fn a_first_copy_reads_each_manifest_once_and_looks_for_each_once() {
    for (odd, referrers) in [(old as Oddity, 2), (modern, 4)] {
        let way = Way::new(odd);
        platforms(&way.one.client(), &way.one.repository("app"));
        let before = way.one.asked().len();
        way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
        let (from, to) = (way.one.asked().split_off(before), way.two.asked());
        let count = |asked: &[String], what: &str| asked.iter().filter(|asked| asked.contains(what)).count();
        let listed = count(&from, "/referrers/");
        assert!((1..=referrers).contains(&listed), "{from:#?}");
        // The tag and its three platforms.
        assert_eq!(count(&from, "/manifests/"), 4, "{from:#?}");
        assert_eq!(
            (count(&from, "/tags/list"), count(&from, "HEAD")),
            (1, 0),
            "{from:#?}"
        );
        // The tag, four manifests before, and the index after.
        assert_eq!(count(&to, "HEAD app/manifests/"), 6, "{to:#?}");
        // Four manifests, and the tag.
        assert_eq!(count(&to, "PUT app/manifests/"), 5, "{to:#?}");
        assert_eq!(count(&to, "GET"), 0, "{to:#?}");
    }
}

#[test]
fn a_tag_that_is_not_there_yet_costs_a_look_for_the_image_and_its_writing() {
    let way = Way::new(old);
    platforms(&way.one.client(), &way.one.repository("app"));
    way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
    let before = way.two.asked().len();
    let copied = way.copy(Which::Tag(&tag("1")), &[tag("2")], true);
    assert!(copied.was_there && copied.moved == [tag("2")]);
    assert_eq!(
        way.two.asked().split_off(before),
        [
            "HEAD app/manifests/2",
            "HEAD app/manifests/",
            "PUT app/manifests/2"
        ]
    );
}

#[test]
fn signatures_that_are_there_are_found_on_both_sides_in_few_rounds() {
    let signed = |odd: Oddity| {
        let way = Way::new(odd);
        let (client, repository) = (way.one.client(), way.one.repository("app"));
        let (digest, index) = platforms(&client, &repository);
        Writer::new(&client, &repository).about(&index, "application/spdx+json", b"bill of materials", &[]);
        way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
        (way, digest)
    };
    // The destination lists its own while it is asked what hangs off the signature.
    let (way, _) = signed(modern);
    let (asked, rounds) = way.again(Which::Tag(&tag("1")), &[tag("1")], (true, 3));
    let mut wanted = unsigned("1", 5);
    wanted.push("to GET app/referrers/".to_owned());
    assert_asked(asked, &wanted);
    assert_eq!(rounds, 3);
    // Where there is no API each side is asked for it and for the tag that stands in.
    let (way, digest) = signed(old);
    let (asked, rounds) = way.again(Which::Tag(&tag("1")), &[tag("1")], (true, 5));
    let mut wanted = unsigned("1", 2);
    wanted.push("to GET app/referrers/".to_owned());
    wanted.extend(["from", "to"].map(|side| format!("{side} GET app/manifests/{}", fallback_tag(&digest))));
    assert_asked(asked, &wanted);
    assert_eq!(rounds, 5);
}

#[test]
fn cosigns_tags_are_read_on_both_sides_at_once() {
    let way = Way::new(old);
    let (client, repository) = (way.one.client(), way.one.repository("app"));
    let (digest, _) = platforms(&client, &repository);
    let signature = greenroom::domain::oci::attachment_tags(&digest)[1].clone();
    let tags = std::slice::from_ref(&signature);
    Writer::new(&client, &repository).about(&Value::Null, media::CONFIG, b"signature", tags);
    way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
    let (asked, rounds) = way.again(Which::Tag(&tag("1")), &[tag("1")], (true, 2));
    let mut wanted = unsigned("1", 2);
    wanted.extend(["from GET", "to HEAD"].map(|ask| format!("{ask} app/manifests/{signature}")));
    assert_asked(asked, &wanted);
    assert_eq!(rounds, 2);
}

#[test]
fn everything_that_hangs_off_an_image_goes_along_and_is_found_again_in_few_rounds() {
    for (odd, most, rounds) in [(modern as Oddity, 25, 4), (old, 20, 5)] {
        let way = Way::new(odd);
        let image = whole(&way.one.client(), &way.one.repository("app"), &[tag("1")]);
        let copied = way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
        assert_eq!((&copied.digest, copied.attached.len()), (&image.index, 7));
        assert_whole(&way.two.client(), &way.two.repository("app"), &image);
        let (asked, seen) = way.again(Which::Tag(&tag("1")), &[tag("1")], (true, rounds));
        assert!(
            asked.len() <= most && seen <= rounds,
            "{} requests in {seen} rounds: {asked:#?}",
            asked.len()
        );
    }
}

#[test]
fn where_tags_are_not_listed_each_is_asked_for() {
    let way = Way::new(secretive);
    let (client, repository) = (way.one.client(), way.one.repository("app"));
    let (digest, index) = platforms(&client, &repository);
    let signature = greenroom::domain::oci::attachment_tags(&digest)[1].clone();
    let mut writer = Writer::new(&client, &repository);
    let by_tag = writer.about(
        &Value::Null,
        media::CONFIG,
        b"by tag",
        std::slice::from_ref(&signature),
    );
    let by_subject = writer.about(&index, "application/spdx+json", b"by subject", &[]);
    let copied = way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
    let mut attached: Vec<&str> = copied.attached.iter().map(Digest::as_str).collect();
    attached.sort_unstable();
    let mut wanted = [&by_tag, &by_subject].map(|about| about["digest"].as_str().unwrap());
    wanted.sort_unstable();
    assert_eq!(attached, wanted);
    let before = way.two.asked().len();
    way.copy(Which::Tag(&tag("1")), &[tag("1")], true);
    // Only a tag that the source has is looked for at the destination.
    let mut asked = way.two.asked().split_off(before);
    asked.sort();
    let mut looks = vec![
        "GET app/referrers/".to_owned(),
        format!("GET app/manifests/{}", fallback_tag(&digest)),
        "HEAD app/manifests/1".to_owned(),
        format!("HEAD app/manifests/{signature}"),
    ];
    looks.sort();
    assert_eq!(asked, looks);
}

#[test]
fn a_token_is_fetched_once_for_each_registry() {
    let way = Way::new(guarded);
    way.one
        .store
        .add_manifest("app", &super::server::manifest("x"), "1");
    way.two
        .store
        .add_manifest("app", &super::server::manifest("x"), "1");
    let (asked, rounds) = way.again(Which::Tag(&tag("1")), &[tag("1")], (true, 4));
    let count = |text: &str| asked.iter().filter(|asked| asked.contains(text)).count();
    assert_eq!(
        (count("from GET /token"), count("to GET /token")),
        (1, 1),
        "{asked:#?}"
    );
    // Refused, a token, the looks, the referrers.
    assert_eq!((asked.len(), rounds), (9, 4), "{asked:#?}");
}
