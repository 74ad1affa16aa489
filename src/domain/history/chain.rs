//! Is the chain whole? If not: which record, and what is wrong with it.
//!
//! A link that does not fit has two ends, and either may have been altered. What settles it is who
//! vouches for a record: the one after it by `prev`, the head mark, or a hash that was written down
//! elsewhere. A record that is vouched for is as it was written.

use super::finding::{Audit, AuditFinding, Problem};
use crate::domain::model::{Digest, EnvironmentName, Record, Timestamp};
use std::collections::HashSet;

/// What an audit measures a chain against.
#[derive(Debug, Clone)]
pub struct Expectation<'a> {
    /// The environment whose chain it is.
    pub environment: &'a EnvironmentName,
    /// Place and hash of the record that was appended last, as the store remembers it.
    pub head: Option<(u64, Digest)>,
    /// The hash of a record as it was written down elsewhere (a step summary). The chain must hold
    /// it, at its end or, when it has grown since, before.
    pub anchor: Option<Digest>,
}

/// What is kept of one record while the others are read.
struct Seen {
    place: u64,
    /// `Err` when the bytes could not be read.
    hash: Result<Digest, String>,
    /// `Err` when the bytes are no record.
    fields: Result<Fields, String>,
    /// Whether it follows from the one in the place before.
    linked: bool,
    /// The hash it would have with the heading that belongs here, where it has another.
    repaired: Option<Digest>,
}

struct Fields {
    seq: u64,
    prev: Option<Digest>,
    at: Timestamp,
    epoch: u64,
    environment: EnvironmentName,
}

/// Checks the records of one chain, given as place and bytes (or why they cannot be read), ascending.
pub fn verify(
    records: impl IntoIterator<Item = (u64, Result<Vec<u8>, String>)>,
    expected: &Expectation<'_>,
) -> Audit {
    let mut chain: Vec<Seen> = Vec::new();
    for (place, bytes) in records {
        let before = chain
            .last()
            .filter(|before| before.place + 1 == place)
            .and_then(|before| before.hash.as_ref().ok());
        let seen = look(place, bytes, before);
        chain.push(seen);
    }
    let mut audit = Audit {
        length: chain.len() as u64,
        head: chain.last().and_then(|seen| seen.hash.clone().ok()),
        anchored: None,
        findings: Vec::new(),
        notes: Vec::new(),
    };
    let vouched = vouched(&chain, expected);
    let mut next = 0;
    for (index, seen) in chain.iter().enumerate() {
        audit
            .findings
            .extend((next..seen.place).map(|seq| finding(seq, Problem::Missing)));
        next = seen.place + 1;
        let after = chain.get(index + 1);
        judge(seen, after, &vouched, &mut audit);
    }
    judge_links(&chain, &mut audit);
    judge_end(&chain, next, expected, &mut audit);
    judge_order(&chain, expected.environment, &mut audit);
    audit
        .findings
        .sort_by_key(|finding| finding.seq.unwrap_or(u64::MAX));
    audit
}

fn finding(seq: u64, what: Problem) -> AuditFinding {
    AuditFinding { seq: Some(seq), what }
}

/// The first bytes of the record at `place` after one with hash `before`.
fn heading(place: u64, before: Option<&Digest>) -> String {
    match before {
        Some(before) => format!("{{\"v\":1,\"seq\":{place},\"prev\":\"{before}\","),
        None => format!("{{\"v\":1,\"seq\":{place},\"prev\":null,"),
    }
}

fn look(place: u64, bytes: Result<Vec<u8>, String>, before: Option<&Digest>) -> Seen {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(reason) => {
            return Seen {
                place,
                hash: Err(reason.clone()),
                fields: Err(reason),
                linked: false,
                repaired: None,
            };
        }
    };
    let fields = match serde_json::from_slice::<Record>(&bytes) {
        Ok(record) if record.v == 1 => Ok(Fields {
            seq: record.seq,
            prev: record.prev,
            at: record.at,
            epoch: record.epoch,
            environment: record.environment,
        }),
        Ok(record) => Err(format!(
            "its format version is {}, this greenroom knows 1",
            record.v
        )),
        Err(error) => Err(format!("it is no longer a record: {error}")),
    };
    let heading = heading(place, before);
    let has_heading = (place == 0 || before.is_some()) && bytes.starts_with(heading.as_bytes());
    let linked = has_heading
        || fields.as_ref().is_ok_and(|fields| {
            fields.seq == place && fields.prev.as_ref() == before && (place == 0 || before.is_some())
        });
    Seen {
        place,
        hash: Ok(Digest::of(&bytes)),
        fields,
        linked,
        repaired: (!has_heading).then(|| Digest::of(&repair(&bytes, &heading))),
    }
}

/// `bytes` with `heading` in the place of their own.
fn repair(bytes: &[u8], heading: &str) -> Vec<u8> {
    let next_field = b"\"at\":";
    let rest = bytes
        .windows(next_field.len())
        .position(|window| window == next_field)
        .unwrap_or(heading.len())
        .min(bytes.len());
    [heading.as_bytes(), &bytes[rest..]].concat()
}

/// Hashes that something vouches for.
fn vouched(chain: &[Seen], expected: &Expectation<'_>) -> HashSet<Digest> {
    let by_fields = chain
        .iter()
        .filter_map(|seen| seen.fields.as_ref().ok()?.prev.clone());
    let by_heading = chain
        .windows(2)
        .filter(|pair| pair[1].linked)
        .filter_map(|pair| pair[0].hash.clone().ok());
    let elsewhere = expected.head.iter().map(|(_, hash)| hash.clone());
    by_fields
        .chain(by_heading)
        .chain(elsewhere)
        .chain(expected.anchor.clone())
        .collect()
}

/// What is wrong with one record by itself.
fn judge(seen: &Seen, after: Option<&Seen>, vouched: &HashSet<Digest>, audit: &mut Audit) {
    let place = seen.place;
    let hash = match &seen.hash {
        Ok(hash) => hash,
        Err(reason) => {
            let reason = reason.clone();
            return audit
                .findings
                .push(finding(place, Problem::Unreadable { reason }));
        }
    };
    let is = |hash: &Digest| vouched.contains(hash);
    let holds = seen
        .fields
        .as_ref()
        .ok()
        .map(|fields| fields.seq)
        .filter(|seq| *seq != place);
    let problem = match (&seen.fields, holds) {
        (_, Some(holds)) if is(hash) => Problem::Misplaced { holds },
        (Ok(_), None) if is(hash) => return,
        _ if seen.repaired.as_ref().is_some_and(is) => Problem::HeadingAltered,
        (_, Some(holds)) => Problem::Misplaced { holds },
        (Err(detail), None) => Problem::Altered {
            detail: Some(detail.clone()),
        },
        (Ok(_), None) => {
            let intact_after = after.is_some_and(|after| {
                after.place == place + 1
                    && after.hash.as_ref().is_ok_and(is)
                    && after
                        .fields
                        .as_ref()
                        .is_ok_and(|fields| fields.seq == after.place)
            });
            if intact_after {
                Problem::Altered { detail: None }
            } else if after.is_none() || !confirmed_by_repair(after, place, vouched) {
                return audit
                    .notes
                    .push(format!("record {place} is confirmed by nothing after it"));
            } else {
                return;
            }
        }
    };
    audit.findings.push(finding(place, problem));
}

/// Whether the record after `place`, once its heading is put right, is as it was written: then its
/// heading vouches for the record at `place`.
fn confirmed_by_repair(after: Option<&Seen>, place: u64, vouched: &HashSet<Digest>) -> bool {
    after.is_some_and(|after| {
        after.place == place + 1 && after.repaired.as_ref().is_some_and(|hash| vouched.contains(hash))
    })
}

/// No broken link goes without a finding at one of its ends.
fn judge_links(chain: &[Seen], audit: &mut Audit) {
    let mut unlinked = Vec::new();
    for (index, seen) in chain.iter().enumerate().filter(|(_, seen)| !seen.linked) {
        let before = index.checked_sub(1).map(|index| chain[index].place);
        // A gap before it is a finding of its own.
        let explained = before.map_or(seen.place > 0, |before| before + 1 != seen.place)
            || audit
                .findings
                .iter()
                .any(|known| known.seq == Some(seen.place) || (known.seq.is_some() && known.seq == before));
        if !explained {
            unlinked.push(finding(seen.place, Problem::Unlinked));
        }
    }
    audit.findings.extend(unlinked);
}

/// Compares the end of the chain, which has `next` places, with what is known of it.
fn judge_end(chain: &[Seen], next: u64, expected: &Expectation<'_>, audit: &mut Audit) {
    let has = |seen: &Seen, hash: &Digest| seen.hash.as_ref() == Ok(hash);
    match &expected.head {
        Some((through, _)) if *through >= next => {
            audit
                .findings
                .push(finding(next, Problem::Truncated { through: *through }));
        }
        Some((place, hash)) => {
            let altered = chain
                .iter()
                .find(|seen| seen.place == *place)
                .is_some_and(|seen| {
                    !has(seen, hash) && !audit.findings.iter().any(|known| known.seq == Some(*place))
                });
            if altered {
                let detail = Some("the head mark remembers another content".to_owned());
                audit.findings.push(finding(*place, Problem::Altered { detail }));
            }
        }
        None if next > 0 => audit
            .notes
            .push("the head mark is missing or damaged, so records may have gone from the end".to_owned()),
        None => {}
    }
    if let Some(hash) = &expected.anchor {
        audit.anchored = chain.iter().find(|seen| has(seen, hash)).map(|seen| seen.place);
        if audit.anchored.is_none() {
            audit.findings.push(AuditFinding {
                seq: None,
                what: Problem::AnchorNotFound { hash: hash.clone() },
            });
        }
    }
}

/// Compares each record that is in order so far with the one before it that is.
fn judge_order(chain: &[Seen], environment: &EnvironmentName, audit: &mut Audit) {
    let suspects: HashSet<u64> = audit.findings.iter().filter_map(|finding| finding.seq).collect();
    let mut before: Option<&Fields> = None;
    for seen in chain.iter().filter(|seen| !suspects.contains(&seen.place)) {
        let Ok(fields) = &seen.fields else {
            continue;
        };
        if fields.environment != *environment {
            let environment = fields.environment.clone();
            audit
                .findings
                .push(finding(seen.place, Problem::Foreign { environment }));
        }
        if let Some(before) = before {
            if fields.epoch < before.epoch {
                let (epoch, before) = (fields.epoch, before.epoch);
                audit
                    .findings
                    .push(finding(seen.place, Problem::EpochWentBack { epoch, before }));
            }
            if fields.at < before.at {
                audit.notes.push(format!(
                    "record {} is dated {}, before the record it follows",
                    seen.place,
                    fields.at.human()
                ));
            }
        }
        before = Some(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::story::{chain, plan, production, success};

    /// The records of one deployment after `spoil`, rewritten so that every link fits.
    fn audit_of(spoil: impl Fn(&mut Record)) -> Audit {
        let plan = plan("d-1", "1.0.0", None);
        let mut before: Option<Digest> = None;
        let mut records = Vec::new();
        for (stored, _) in chain(&[(plan.clone(), success(&plan))]) {
            let mut record = stored.record;
            record.prev = before.clone();
            spoil(&mut record);
            let bytes = serde_json::to_vec(&record).unwrap();
            before = Some(Digest::of(&bytes));
            records.push((record.seq, Ok(bytes)));
        }
        let environment = production();
        let expected = Expectation {
            environment: &environment,
            head: Some((10, before.unwrap())),
            anchor: None,
        };
        verify(records, &expected)
    }

    #[test]
    fn a_record_of_a_writer_that_lost_the_lease_or_of_another_environment_is_found() {
        assert!(audit_of(|_| ()).is_whole());
        let stale = audit_of(|record| record.epoch = if record.seq == 6 { 2 } else { 3 });
        assert_eq!(
            stale.findings,
            [finding(6, Problem::EpochWentBack { epoch: 2, before: 3 })]
        );
        let foreign = audit_of(|record| {
            if record.seq == 2 {
                record.environment = "staging".parse().unwrap();
            }
        });
        assert_eq!(foreign.findings.len(), 1);
        assert_eq!(foreign.findings[0].to_string(), "record 2 belongs to staging");
    }

    #[test]
    fn time_that_goes_back_is_a_note_because_clocks_do() {
        let audit = audit_of(|record| {
            if record.seq == 4 {
                record.at = Timestamp::from_unix_millis(0);
            }
        });
        assert!(audit.is_whole());
        assert_eq!(
            audit.notes,
            ["record 4 is dated 1970-01-01 00:00:00 UTC, before the record it follows"]
        );
    }

    #[test]
    fn the_heading_used_for_repair_is_the_one_that_is_stored() {
        let plan = plan("d-1", "1.0.0", None);
        let chain = chain(&[(plan.clone(), success(&plan))]);
        assert!(chain[0].1.starts_with(heading(0, None).as_bytes()));
        assert!(
            chain[1]
                .1
                .starts_with(heading(1, Some(&chain[0].0.hash)).as_bytes())
        );
    }

    #[test]
    fn unreadable_records_and_empty_chains_are_judged() {
        let environment = production();
        let expected = Expectation {
            environment: &environment,
            head: None,
            anchor: None,
        };
        let empty = verify([], &expected);
        assert_eq!((empty.length, empty.is_whole(), empty.head), (0, true, None));
        let unreadable = verify([(0, Err("permission denied".to_owned()))], &expected);
        assert_eq!(
            unreadable.findings[0].to_string(),
            "record 0 cannot be read: permission denied"
        );
    }
}
