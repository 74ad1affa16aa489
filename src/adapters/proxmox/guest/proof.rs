//! Whether a guest is greenroom's own. Ids are used again within seconds, so that an id proves nothing.

use super::marker::{Marker, NoMarker};
use super::naming::TAG;
use super::{GuestKind, GuestRef};
use crate::adapters::proxmox::answers::GuestConfig;
use crate::domain::model::{EnvironmentName, one_line};
use std::fmt;
use std::ops::RangeInclusive;

/// Whose guests are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Ids that guests may have.
    pub ids: RangeInclusive<u32>,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The pool that they are in, where one is configured.
    pub pool: Option<String>,
}

/// A guest as it was just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundGuest {
    /// Where it is.
    pub guest: GuestRef,
    /// Its configuration.
    pub config: GuestConfig,
    /// The pool that it is in.
    pub pool: Option<String>,
}

impl FoundGuest {
    /// What no other guest has, not even a copy or a later one of the same id: the uuid of a virtual
    /// machine, the hardware address of a container's first card.
    pub fn identity(&self) -> Option<String> {
        let identity = match self.guest.kind {
            GuestKind::Vm => self.config.property("smbios1", "uuid"),
            GuestKind::Container => self.config.property("net0", "hwaddr"),
        };
        identity.map(str::to_ascii_lowercase)
    }
}

/// What speaks against a guest being greenroom's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Its id is none of those configured.
    #[error("its id is not in the range")]
    Id,
    /// It is a template.
    #[error("it is a template")]
    Template,
    /// Nothing, or nothing of use, says who made it.
    #[error("{0}")]
    Marker(#[from] NoMarker),
    /// Its marker is about a guest with another id: it is a copy.
    #[error("its marker is that of guest {0}: it is a copy")]
    Copied(u32),
    /// It was made for something else.
    #[error("it was made for {service} in {environment}")]
    Other {
        /// The service.
        service: String,
        /// The environment.
        environment: EnvironmentName,
    },
    /// Its marker was written about another guest with the same id.
    #[error("its {0} is not the one in its marker: the id was used again")]
    Identity(&'static str),
    /// Somebody took its tag away.
    #[error("the tag {TAG} is missing")]
    Untagged,
    /// It is not in the pool.
    #[error("it is not in the pool {0}")]
    Pool(String),
}

/// A guest that is not greenroom's own, and is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Where it is.
    pub guest: GuestRef,
    /// Its name, as one line; empty where it has none.
    pub name: String,
    /// What speaks against it.
    pub doubt: Doubt,
    environment: EnvironmentName,
    ids: RangeInclusive<u32>,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GuestRef { kind, node, id } = &self.guest;
        write!(f, "{} {id} ", kind.noun())?;
        if !self.name.is_empty() {
            write!(f, "\"{}\" ", self.name)?;
        }
        let (first, last) = self.ids.clone().into_inner();
        write!(
            f,
            "on {node} was not made by greenroom for {} ({}): it is never changed. Move it out of \
             {first}–{last}, or change vmIdRange",
            self.environment, self.doubt
        )
    }
}

/// A guest that was proven to be greenroom's own. Only [`prove`] makes one, and everything that changes
/// a guest takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    found: FoundGuest,
    marker: Marker,
}

impl Owned {
    /// Where it is.
    pub fn guest(&self) -> &GuestRef {
        &self.found.guest
    }

    /// What its description says.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Its configuration as it was read.
    pub fn config(&self) -> &GuestConfig {
        &self.found.config
    }

    /// What no other guest has.
    pub fn identity(&self) -> Option<String> {
        self.found.identity()
    }

    /// Whether it is made in full.
    pub fn is_made(&self) -> bool {
        self.marker.identity.is_some()
    }
}

/// Whether a guest that was just read is greenroom's own.
///
/// # Errors
/// When anything speaks against it.
pub fn prove(found: FoundGuest, scope: &Scope) -> Result<Owned, Box<Stranger>> {
    match doubts(&found, scope) {
        Ok(marker) => Ok(Owned { found, marker }),
        Err(doubt) => Err(Box::new(Stranger {
            name: one_line(found.config.name().unwrap_or_default(), 80),
            guest: found.guest,
            doubt,
            environment: scope.environment.clone(),
            ids: scope.ids.clone(),
        })),
    }
}

fn doubts(found: &FoundGuest, scope: &Scope) -> Result<Marker, Doubt> {
    let FoundGuest { guest, config, pool } = found;
    if !scope.ids.contains(&guest.id) {
        return Err(Doubt::Id);
    }
    if config.is_on("template") {
        return Err(Doubt::Template);
    }
    let marker = Marker::read(config.description())?;
    if marker.id != guest.id {
        return Err(Doubt::Copied(marker.id));
    }
    if marker.service != scope.service || marker.environment != scope.environment {
        return Err(Doubt::Other {
            service: one_line(&marker.service, 80),
            environment: marker.environment,
        });
    }
    if let Some(identity) = &marker.identity {
        let same = found
            .identity()
            .is_some_and(|shown| shown.eq_ignore_ascii_case(identity));
        if !same {
            return Err(Doubt::Identity(match guest.kind {
                GuestKind::Vm => "smbios uuid",
                GuestKind::Container => "hardware address",
            }));
        }
        if !config.tags().contains(TAG) {
            return Err(Doubt::Untagged);
        }
    }
    match &scope.pool {
        Some(wanted) if pool.as_ref() != Some(wanted) => Err(Doubt::Pool(wanted.clone())),
        _ => Ok(marker),
    }
}

#[cfg(test)]
mod tests {
    use super::super::marker::NewMarker;
    use super::*;
    use crate::domain::model::Slot;
    use std::collections::BTreeMap;

    fn scope() -> Scope {
        Scope {
            ids: 2000..=2099,
            service: "nextcloud".to_owned(),
            environment: "staging".parse().unwrap(),
            pool: Some("staging".to_owned()),
        }
    }

    fn found(kind: GuestKind, made: bool) -> FoundGuest {
        let scope = scope();
        let unit = "web-1".parse().unwrap();
        let mut marker = NewMarker::new(2003, &scope.service, &scope.environment, (&unit, Slot::Blue))
            .of("0123456789abcdef".parse().unwrap(), None);
        let guest = GuestRef {
            kind,
            node: "pve2".to_owned(),
            id: 2003,
        };
        let mut options: BTreeMap<String, String> = [
            ("name", "nextcloud-test"),
            ("smbios1", "uuid=AB-12,base64=1"),
            ("net0", "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01"),
            ("tags", "other;greenroom"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if made {
            marker.identity = Some(match kind {
                GuestKind::Vm => "ab-12".to_owned(),
                GuestKind::Container => "bc:24:11:00:00:01".to_owned(),
            });
        } else {
            options.remove("tags");
        }
        options.insert("description".to_owned(), marker.description());
        FoundGuest {
            guest,
            config: GuestConfig { options },
            pool: scope.pool,
        }
    }

    fn with(change: impl FnOnce(&mut FoundGuest)) -> Result<Owned, Doubt> {
        let mut found = found(GuestKind::Vm, true);
        change(&mut found);
        prove(found, &scope()).map_err(|stranger| stranger.doubt)
    }

    fn set(found: &mut FoundGuest, option: &str, value: &str) {
        found.config.options.insert(option.to_owned(), value.to_owned());
    }

    fn edit(found: &mut FoundGuest, from: &str, to: &str) {
        let description = found.config.description().replace(from, to);
        assert_ne!(description, found.config.description());
        set(found, "description", &description);
    }

    #[test]
    fn what_greenroom_made_is_proven_whole_and_half_made() {
        for kind in [GuestKind::Vm, GuestKind::Container] {
            for made in [true, false] {
                let owned = prove(found(kind, made), &scope()).unwrap();
                assert_eq!((owned.is_made(), owned.guest().id), (made, 2003));
            }
        }
    }

    #[test]
    fn every_single_condition_counts() {
        assert!(with(|_| {}).is_ok());
        assert_eq!(with(|found| found.guest.id = 2100).unwrap_err(), Doubt::Id);
        assert_eq!(with(|found| found.guest.id = 1999).unwrap_err(), Doubt::Id);
        assert_eq!(
            with(|found| set(found, "template", "1")).unwrap_err(),
            Doubt::Template
        );
        assert_eq!(
            with(|found| set(found, "description", "a web server")).unwrap_err(),
            Doubt::Marker(NoMarker::Absent)
        );
        assert_eq!(
            with(|found| {
                let twice = found
                    .config
                    .description()
                    .repeat(2)
                    .replace("}Managed", "}\nManaged");
                set(found, "description", &twice);
            })
            .unwrap_err(),
            Doubt::Marker(NoMarker::Several)
        );
        assert_eq!(
            with(|found| edit(found, "\"v\":1", "\"v\":9")).unwrap_err(),
            Doubt::Marker(NoMarker::Unreadable)
        );
        assert_eq!(
            with(|found| found.guest.id = 2004).unwrap_err(),
            Doubt::Copied(2003)
        );
        for (from, to) in [
            ("\"service\":\"nextcloud", "\"service\":\"wiki"),
            ("\"staging\"", "\"production\""),
        ] {
            let doubt = with(|found| edit(found, from, to)).unwrap_err();
            assert!(matches!(doubt, Doubt::Other { .. }), "{doubt}");
        }
        assert_eq!(
            with(|found| set(found, "smbios1", "uuid=ab-13")).unwrap_err(),
            Doubt::Identity("smbios uuid")
        );
        assert_eq!(
            with(|found| found.config.options.remove("smbios1").map_or((), drop)).unwrap_err(),
            Doubt::Identity("smbios uuid")
        );
        assert_eq!(
            with(|found| found.guest.kind = GuestKind::Container).unwrap_err(),
            Doubt::Identity("hardware address")
        );
        assert_eq!(
            with(|found| set(found, "tags", "greenroom-staging")).unwrap_err(),
            Doubt::Untagged
        );
        for pool in [None, Some("production".to_owned())] {
            let doubt = with(|found| found.pool = pool).unwrap_err();
            assert_eq!(doubt, Doubt::Pool("staging".to_owned()));
        }
    }

    #[test]
    fn without_a_pool_configured_any_will_do() {
        let mut scope = scope();
        scope.pool = None;
        let mut found = found(GuestKind::Vm, true);
        for pool in [None, Some("x".to_owned())] {
            found.pool = pool;
            assert!(prove(found.clone(), &scope).is_ok());
        }
    }

    #[test]
    fn a_refusal_says_what_was_found_and_what_to_do() {
        let mut found = found(GuestKind::Vm, true);
        set(&mut found, "description", "");
        let stranger = prove(found, &scope()).unwrap_err();
        assert_eq!(
            stranger.to_string(),
            "VM 2003 \"nextcloud-test\" on pve2 was not made by greenroom for staging (no marker): it is \
             never changed. Move it out of 2000–2099, or change vmIdRange"
        );
    }
}
