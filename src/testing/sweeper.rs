//! The contract of [`Sweeper`].

use crate::domain::model::{EnvironmentName, ErrorKind, Period, PortError, Timestamp};
use crate::ports::{ExpiringResource, Removal, Stop, Sweeper};
use std::time::{Duration, Instant};

/// A removal takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the contract needs of the world in which a sweeper works.
pub struct SweeperCase<'a> {
    /// The sweeper.
    pub sweeper: &'a dyn Sweeper,
    /// Makes something for an environment that carries this end, or none.
    pub make: &'a dyn Fn(&EnvironmentName, Option<Timestamp>),
    /// Whether anything of it is there.
    pub stands: &'a dyn Fn(&EnvironmentName) -> bool,
    /// Lets a moment pass.
    pub pause: &'a dyn Fn(),
    /// Some time.
    pub at: Timestamp,
}

/// Checks everything that [`Sweeper`] promises.
///
/// # Errors
/// When an act fails that has to succeed.
///
/// # Panics
/// When the contract is broken.
pub fn sweeper_contract(case: &SweeperCase<'_>) -> Result<(), PortError> {
    let SweeperCase { sweeper, at, .. } = case;
    assert_eq!(sweeper.list()?, [], "there is nothing");
    let (asked, forced, stays) = (name("trial-1"), name("trial-2"), name("stays"));
    let later = at.plus(Period::from_secs(60));
    (case.make)(&asked, Some(*at));
    (case.make)(&forced, Some(later));
    (case.make)(&stays, None);
    let mut listed = sweeper.list()?;
    listed.sort_by(|one, two| one.environment.cmp(&two.environment));
    let ends: Vec<(&EnvironmentName, Timestamp)> = listed
        .iter()
        .map(|found| (&found.environment, found.expires))
        .collect();
    assert_eq!(
        ends,
        [(&asked, *at), (&forced, later)],
        "what carries an end, due or not, and nothing else"
    );
    let other = ExpiringResource {
        expires: later.plus(Period::from_secs(1)),
        ..listed[0].clone()
    };
    let refused = sweeper.remove(&other, Stop::Force).map_err(|error| error.kind);
    assert_eq!(refused, Err(ErrorKind::Denied), "it carries another end by now");
    assert!((case.stands)(&asked), "what is refused is not touched");
    for (found, stop) in listed.iter().zip([Stop::Graceful, Stop::Force]) {
        gone(case, found, stop)?;
        assert!(!(case.stands)(&found.environment), "nothing is left of it");
        assert_eq!(sweeper.remove(found, stop)?, Removal::Gone, "again");
    }
    assert!((case.stands)(&stays), "what was made to stay stays");
    assert_eq!(sweeper.list()?, []);
    Ok(())
}

fn gone(case: &SweeperCase<'_>, found: &ExpiringResource, stop: Stop) -> Result<(), PortError> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if case.sweeper.remove(found, stop)? == Removal::Gone {
            return Ok(());
        }
        (case.pause)();
    }
    Err(PortError::new(
        ErrorKind::Ambiguous,
        format!("removing {}", found.what),
        "it is still there after twenty seconds",
    ))
}

#[expect(clippy::unwrap_used, reason = "these are names")]
fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}
