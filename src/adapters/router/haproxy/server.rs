//! The servers of a backend, as `HAProxy` shows them.
//!
//! `show servers state` (management guide, 9.3) is meant for programs: states as bits, the weight as it
//! was set, the address. `show stat` has the counters and the health check's progress. Columns are found
//! by their names, since both have grown from version to version.

use super::runtime::clean;
use crate::domain::model::{Counters, Endpoint, Route, RouteState, Slot, UnitId};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// In maintenance: forced, inherited from a tracked server, or for want of a name's address.
const MAINTENANCE: u64 = 0x01 | 0x02 | 0x20;
/// Draining: forced or inherited.
const DRAINING: u64 = 0x08 | 0x10;
/// Health checks are switched on.
const CHECKED: u64 = 0x04;
/// Operating states: starting (its weight may still grow) and running; the others are stopped (0) and
/// stopping (3).
const RUNNING: [u64; 2] = [1, 2];

/// What the health check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// There is none.
    Unchecked,
    /// It has passed since the server was made ready.
    Passed,
    /// Counted as up, as every server that was just made ready, or shaken by a failure.
    Unproven,
    /// It does not pass.
    Down(String),
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Its name.
    pub(super) name: String,
    /// Whose it is; `None` for one that greenroom has nothing to do with.
    pub(super) place: Option<(UnitId, Slot)>,
    /// Where it is.
    pub(super) address: Option<SocketAddr>,
    /// Whether `HAProxy` speaks TLS to it.
    pub(super) tls: bool,
    /// The name that `HAProxy` resolves for its address.
    pub(super) resolved: Option<String>,
    /// Out of service.
    pub(super) maintenance: bool,
    /// No new requests, whatever its weight.
    pub(super) draining: bool,
    /// Its weight as it was set last.
    pub(super) weight: u16,
    /// What the health check says.
    pub(super) health: Health,
    in_flight: u64,
    counters: Counters,
}

impl Server {
    /// Its share of new requests.
    pub(super) fn share(&self) -> u16 {
        if self.maintenance || self.draining {
            0
        } else {
            self.weight
        }
    }

    /// The route that it is; `None` for a foreign one and for one in maintenance.
    pub(super) fn route_state(&self) -> Option<RouteState> {
        let (unit, slot) = self.place.clone().filter(|_| !self.maintenance)?;
        let scheme = if self.tls { "https" } else { "http" };
        let address: Endpoint = format!("{scheme}://{}", self.address?).parse().ok()?;
        Some(RouteState {
            route: Route {
                unit,
                slot,
                address,
                weight: self.share(),
            },
            in_flight: self.in_flight,
            counters: self.counters.clone(),
        })
    }
}

/// The name of a place's server: `web-1-blue`. Every unit's name is good for a server.
pub(super) fn name(unit: &UnitId, slot: Slot) -> String {
    format!("{unit}-{slot}")
}

fn place(name: &str) -> Option<(UnitId, Slot)> {
    Slot::BOTH.into_iter().find_map(|slot| {
        let unit = name.strip_suffix(slot.as_str())?.strip_suffix('-')?;
        Some((unit.parse().ok()?, slot))
    })
}

/// Why there are no servers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The backend is not there.
    NoBackend,
    /// These are no tables; what was said instead.
    Refused(String),
}

/// The number of the backend whose servers these are; `None` where there are none.
pub(super) fn backend_number(states: &str) -> Option<u32> {
    table(states, words)?.first()?.get("be_id")?.parse().ok()
}

/// Reads both tables; the second one's text is of no account where the first shows no servers.
pub(super) fn read(states: &str, counts: &str) -> Result<Vec<Server>, Unreadable> {
    if states.starts_with("Can't find backend") {
        return Err(Unreadable::NoBackend);
    }
    let states = table(states, words).ok_or_else(|| Unreadable::Refused(states.to_owned()))?;
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let rows = table(counts, fields).ok_or_else(|| Unreadable::Refused(counts.to_owned()))?;
    let rows: BTreeMap<&str, &Row<'_>> = rows
        .iter()
        .filter_map(|row| Some((row.get("svname").copied()?, row)))
        .collect();
    let missing =
        || Unreadable::Refused("its tables of servers do not agree; it may be reloading".to_owned());
    states
        .iter()
        .map(|state| {
            let counts = state.get("srv_name").and_then(|name| rows.get(name));
            server(state, counts.ok_or_else(missing)?).ok_or_else(missing)
        })
        .collect()
}

type Row<'a> = BTreeMap<&'a str, &'a str>;

/// The rows below the line that names the columns; `None` without such a line.
fn table<'a>(text: &'a str, parted: fn(&'a str) -> Vec<&'a str>) -> Option<Vec<Row<'a>>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("# "));
    let columns = parted(&lines.next()?[2..]);
    let rows = lines.filter(|line| !line.trim().is_empty());
    Some(
        rows.map(|line| columns.iter().copied().zip(parted(line)).collect())
            .collect(),
    )
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// The fields of a line of `show stat`. What a server said to its check may hold commas: then the field
/// is quoted, quotes within it doubled, so that a comma parts where the quotes before it are even.
fn fields(line: &str) -> Vec<&str> {
    let mut quoted = false;
    line.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .collect()
}

fn server(state: &Row<'_>, counts: &Row<'_>) -> Option<Server> {
    let name = (*state.get("srv_name")?).to_owned();
    let admin = number(state, "srv_admin_state");
    let address: Option<IpAddr> = state.get("srv_addr").and_then(|text| text.parse().ok());
    let port = state.get("srv_port").and_then(|text| text.parse().ok());
    let resolved = state.get("srv_fqdn").filter(|text| **text != "-");
    Some(Server {
        place: place(&name),
        name,
        address: address
            .zip(port)
            .map(|(address, port)| SocketAddr::new(address, port)),
        tls: number(state, "srv_use_ssl") > 0,
        resolved: resolved.map(|text| (*text).to_owned()),
        maintenance: admin & MAINTENANCE != 0,
        draining: admin & DRAINING != 0,
        weight: u16::try_from(number(state, "srv_uweight")).unwrap_or(u16::MAX),
        health: health(state, counts),
        in_flight: number(counts, "scur") + number(counts, "qcur"),
        counters: counters(counts),
    })
}

/// A server that is made ready counts as up with `rise` points; each check that passes adds one, up to
/// `rise + fall - 1`, and the first one that passes adds them all.
fn health(state: &Row<'_>, counts: &Row<'_>) -> Health {
    if number(state, "srv_check_state") & CHECKED == 0 {
        return Health::Unchecked;
    }
    if !RUNNING.contains(&number(state, "srv_op_state")) {
        let why = counts.get("check_status").copied().unwrap_or_default();
        let more = counts.get("last_chk").copied().unwrap_or_default();
        return Health::Down(clean(format!("{why} {more}").trim()));
    }
    let full = (number(counts, "check_rise") + number(counts, "check_fall")).saturating_sub(1);
    if full > 0 && number(state, "srv_check_health") >= full {
        Health::Passed
    } else {
        Health::Unproven
    }
}

/// What it has counted. `HAProxy` counts an answer by its class when its head has come (interim ones
/// apart, 101 excepted), a connection that failed for good in `econ`, an answer that did not come or was
/// cut in `eresp`. Without HTTP there are only sessions.
fn counters(counts: &Row<'_>) -> Counters {
    let lost = number(counts, "econ") + number(counts, "eresp");
    if counts.get("mode").copied() == Some("tcp") {
        return Counters {
            requests: number(counts, "stot").max(lost),
            errors: lost,
            ..Counters::default()
        };
    }
    let classes = [
        "hrsp_1xx",
        "hrsp_2xx",
        "hrsp_3xx",
        "hrsp_4xx",
        "hrsp_5xx",
        "hrsp_other",
    ];
    let answered: u64 = classes.iter().map(|class| number(counts, class)).sum();
    Counters {
        requests: answered + lost,
        errors: lost + number(counts, "hrsp_5xx"),
        ..Counters::default()
    }
}

/// A column's number; 0 where it is empty or this version does not have it.
fn number(row: &Row<'_>, column: &str) -> u64 {
    row.get(column).and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state \
        srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result \
        srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port \
        srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n\
        3 app 1 web-1-blue 10.0.0.1 2 4 90 100 93 15 3 2 6 0 0 0 - 8080 - 0 0 - - 0\n\
        3 app 2 web-1-green fe80::1 2 4 10 100 1 15 3 1 6 0 0 0 - 8443 - 1 0 - - 0\n\
        3 app 3 web-2-blue 192.0.2.1 0 5 100 100 9 1 0 0 14 0 0 0 - 80 - 0 0 - - 0\n\
        3 app 4 web-2-green 10.0.0.4 0 12 100 100 9 8 2 0 6 0 0 0 - 80 - 0 0 - - 0\n\
        3 app 5 legacy 10.0.0.9 2 0 100 100 9 1 0 0 0 0 0 0 old.test 80 - 0 0 - - 0\n\n";
    const COUNTS: &str = "# pxname,svname,qcur,scur,stot,econ,eresp,status,check_status,last_chk,check_rise,\
        check_fall,hrsp_1xx,hrsp_2xx,hrsp_4xx,hrsp_5xx,mode,\n\
        app,web-1-blue,1,2,90,1,2,UP,L7OK,,1,2,0,80,3,4,http,\n\
        app,web-1-green,0,0,9,1,1,UP 1/2,INI,,1,2,,,,,tcp,\n\
        app,web-2-blue,0,0,0,0,0,MAINT,,,,,,,,,http,\n\
        app,legacy,0,0,0,0,0,no check,,,,,,,,,http,\n\
        app,web-2-green,0,0,0,0,0,DOWN,L4CON,\"Connection \"\"refused\"\", alas\",1,2,0,0,0,0,http,\n\n";

    fn found(name: &str) -> Server {
        let servers = read(STATES, COUNTS).unwrap();
        servers.into_iter().find(|server| server.name == name).unwrap()
    }

    #[test]
    fn a_servers_route_is_read_with_its_counters() {
        let blue = found("web-1-blue").route_state().unwrap();
        assert_eq!(blue.route.unit.as_str(), "web-1");
        assert_eq!(blue.route.address.as_str(), "http://10.0.0.1:8080");
        assert_eq!((blue.route.weight, blue.in_flight), (90, 3));
        assert_eq!((blue.counters.requests, blue.counters.errors), (90, 7));
        assert_eq!(blue.counters.quantile(0.5), None, "no times are known");
        let green = found("web-1-green").route_state().unwrap();
        assert_eq!(green.route.address.as_str(), "https://[fe80::1]:8443");
        assert_eq!((green.counters.requests, green.counters.errors), (9, 2));
    }

    #[test]
    fn one_in_maintenance_is_no_route_and_one_that_drains_has_no_share() {
        assert_eq!(found("web-2-blue").route_state(), None);
        let draining = found("web-2-green");
        assert_eq!((draining.weight, draining.share()), (100, 0));
        assert_eq!(draining.route_state().unwrap().route.weight, 0);
        let legacy = found("legacy");
        assert_eq!((legacy.place.clone(), legacy.route_state()), (None, None));
        assert_eq!(legacy.resolved.as_deref(), Some("old.test"));
    }

    #[test]
    fn a_check_has_passed_only_when_all_its_points_are_there() {
        assert_eq!(found("web-1-blue").health, Health::Passed);
        assert_eq!(found("web-1-green").health, Health::Unproven);
        assert_eq!(found("legacy").health, Health::Unchecked);
        let Health::Down(why) = found("web-2-green").health else {
            unreachable!("it is down")
        };
        assert_eq!(why, "L4CON \"Connection \"\"refused\"\", alas\"");
    }

    #[test]
    fn the_last_dash_parts_unit_and_slot() {
        let unit = |name| place(name).map(|(unit, slot)| (unit.to_string(), slot));
        assert_eq!(unit("web-blue-green"), Some(("web-blue".to_owned(), Slot::Green)));
        for foreign in ["blue", "-blue", "web-blue-", "webblue", "web-Blue", "a:b-blue"] {
            assert_eq!(unit(foreign), None, "{foreign}");
        }
        let (unit, slot) = place("a.b_c-1-green").unwrap();
        assert_eq!(name(&unit, slot), "a.b_c-1-green");
    }

    #[test]
    fn what_is_no_table_is_told() {
        assert_eq!(
            read("Can't find backend.\n\n", COUNTS),
            Err(Unreadable::NoBackend)
        );
        let gone = "No such proxy.\n\n";
        assert_eq!(read(STATES, gone), Err(Unreadable::Refused(gone.to_owned())));
        let fewer = COUNTS.replace("app,legacy,", "app,other,");
        assert!(matches!(read(STATES, &fewer), Err(Unreadable::Refused(_))));
        assert_eq!(backend_number(STATES), Some(3));
        let header = STATES.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(
            (backend_number(&header), read(&header, "")),
            (None, Ok(Vec::new()))
        );
        let denied = "Permission denied\n\n";
        assert_eq!(read(denied, COUNTS), Err(Unreadable::Refused(denied.to_owned())));
        assert_eq!(read("", COUNTS), Err(Unreadable::Refused(String::new())));
    }
}
