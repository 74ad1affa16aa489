//! Acceptance deployments.

use crate::app::acceptance::{AcceptanceRemoval, Known, Settled, Tested};
use crate::app::error::Exit;
use crate::domain::model::Timestamp;
use crate::report::document::{
    AcceptanceDocument, AcceptanceRow, AcceptancesDocument, PruneGuestsDocument, RemovalRow,
};

/// Shows one that was made or tested.
pub fn acceptance<'a>(settled: &'a Settled, tested: &'a Tested) -> AcceptanceDocument<'a> {
    let made = tested.made.as_ref();
    AcceptanceDocument {
        id: &settled.id,
        environment: &settled.of,
        suite: settled.suite.as_deref(),
        expires: settled.expires,
        url: made.and_then(|made| made.url.as_ref()),
        verdict: tested.verified.as_ref().map(|verified| verified.verdict),
        interrupted: tested.interrupted,
        removed: tested.ended.as_ref().map(|ended| ended.result.is_ok()),
        exit: tested.exit() as u8,
    }
}

/// Shows those that are there at `now`.
pub fn acceptances(known: &[Known], now: Timestamp) -> AcceptancesDocument<'_> {
    AcceptancesDocument {
        acceptances: known.iter().map(|known| row(known, now)).collect(),
    }
}

/// Shows those that were meant to go at `now`, what became of them, and the exit code.
pub fn removed<'a>(
    meant: &[&'a Known],
    ended: &'a [AcceptanceRemoval],
    exit: Exit,
    now: Timestamp,
) -> PruneGuestsDocument<'a> {
    PruneGuestsDocument {
        exit: exit as u8,
        found: meant.iter().map(|known| row(known, now)).collect(),
        removed: ended.iter().map(outcome).collect(),
    }
}

fn row(known: &Known, now: Timestamp) -> AcceptanceRow<'_> {
    let made = known.made.as_ref();
    AcceptanceRow {
        id: &known.id,
        environment: made.map(|made| &made.of),
        by: made.map(|made| &made.origin),
        suite: made.and_then(|made| made.suite.as_deref()),
        expires: known.expires,
        overdue: known.expires <= now,
        found: known.things().collect(),
    }
}

fn outcome(ended: &AcceptanceRemoval) -> RemovalRow<'_> {
    RemovalRow {
        id: &ended.id,
        removed: ended.result.is_ok(),
        error: ended.result.as_ref().err().map(ToString::to_string),
    }
}
