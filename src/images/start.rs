//! The first requests of a copy: which image the source means, and where the destination's tags lead now.
//!
//! Between two repositories they are pieces of the queue like all other work. The list of the source's tags,
//! the image and the destination's tags then come in one round trip, and each answer is used as soon as it is
//! there. Within one repository there is nothing else to find out, so that [`begin`] is enough.

use super::copy::{Copier, CopySource, Destination, Which, lock};
use super::graph::{Presence, Role, Task};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::parallel::try_each;
use crate::ports::Catalog;
use std::collections::BTreeSet;

/// Above this many tags the destination is asked for its list first: most of them will be new.
const FEW_TAGS: usize = 3;

/// Where the wanted tags lead at the destination, in their order.
#[derive(Default)]
pub(super) struct DestinationTags {
    named: Vec<Option<Digest>>,
    /// How many of them have not been answered for.
    left: usize,
}

impl DestinationTags {
    /// Knows nothing yet about so many tags.
    pub(super) fn unknown(tags: usize) -> Self {
        Self {
            named: vec![None; tags],
            left: tags,
        }
    }

    /// Knows where each of them leads.
    pub(super) fn known(named: Vec<Option<Digest>>) -> Self {
        Self { named, left: 0 }
    }

    /// Returns whether one of them leads to the image; `None` while that cannot be said.
    pub(super) fn leads_to(&self, image: &Digest) -> Option<bool> {
        let leads = self.named.iter().flatten().any(|named| named == image);
        (leads || self.left == 0).then_some(leads)
    }

    /// Returns where each of them leads.
    pub(super) fn into_named(self) -> Vec<Option<Digest>> {
        self.named
    }
}

/// Returns where the source's tag leads, and where those of the destination lead, after one round trip.
pub(super) fn begin(
    catalog: &dyn Catalog,
    from: &CopySource<'_>,
    to: &Destination<'_>,
    connections: usize,
) -> Result<(Digest, Vec<Option<Digest>>), PortError> {
    let listed = listed(catalog, to.repository, to.tags);
    let mut lookups: Vec<(&str, &Tag, bool)> = to
        .tags
        .iter()
        .map(|tag| (to.repository, tag, may_be_there(listed.as_ref(), tag)))
        .collect();
    if let Which::Tag(tag) = from.image {
        lookups.push((from.repository, tag, true));
    }
    let mut found = try_each(&lookups, connections, |&(repository, tag, may_be_there)| {
        if may_be_there {
            catalog.resolve(repository, tag)
        } else {
            Ok(None)
        }
    })?;
    let digest = match from.image {
        Which::Digest(digest) => digest.clone(),
        Which::Tag(tag) => found
            .pop()
            .flatten()
            .ok_or_else(|| no_such_tag(from.repository, tag))?,
    };
    Ok((digest, found))
}

/// Lists the destination's tags where many are wanted; `None` where each of them is to be asked for.
fn listed(catalog: &dyn Catalog, repository: &str, wanted: &[Tag]) -> Option<BTreeSet<Tag>> {
    let tags = (wanted.len() > FEW_TAGS)
        .then(|| catalog.tags_at_once(repository).unwrap_or_default())
        .flatten();
    tags.map(|tags| tags.into_iter().collect())
}

fn may_be_there(listed: Option<&BTreeSet<Tag>>, tag: &Tag) -> bool {
    listed.is_none_or(|listed| listed.contains(tag))
}

fn no_such_tag(repository: &str, tag: &Tag) -> PortError {
    let doing = format!("reading {repository}:{tag}");
    PortError::new(ErrorKind::Missing, doing, "there is no such tag")
}

impl Copier<'_> {
    /// Returns what is asked first, all at once. The list of tags stands in front of everything that waits for it,
    /// so that a single connection is enough.
    pub(super) fn first_lookups(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        if self.options.attached {
            tasks.push(Task::List);
        }
        tasks.push(Task::Source);
        if self.tags.len() > FEW_TAGS {
            tasks.push(Task::ListWanted);
        } else {
            tasks.extend((0..self.tags.len()).map(Task::Resolve));
        }
        tasks
    }

    /// Finds the image. Where what hangs off its parts is wanted, the tag is read and not only resolved: the
    /// content is needed in any case, and a round trip is saved. Else a HEAD is enough, which no registry counts
    /// as a pull.
    pub(super) fn source(&self) -> Result<Vec<Task>, PortError> {
        let (digest, bytes) = match self.image {
            Which::Digest(digest) => (digest.clone(), None),
            Which::Tag(tag) => {
                let found = if self.options.attached {
                    let read = self.catalog.manifest_by_tag(self.from, tag)?;
                    read.map(|(digest, bytes)| (digest, Some(bytes)))
                } else {
                    let named = self.catalog.resolve(self.from, tag)?;
                    named.map(|digest| (digest, None))
                };
                found.ok_or_else(|| no_such_tag(self.from, tag))?
            }
        };
        let root = self.root.get_or_init(|| digest);
        let mut tasks = match bytes {
            Some(bytes) => self.want_read(root, bytes, Role::Part, Presence::Awaited)?,
            None => self.graph().want(root, true, Role::Part, Presence::Awaited),
        };
        tasks.extend(self.settle_image());
        Ok(tasks)
    }

    /// Finds out which of the wanted tags the destination has; those are resolved next.
    pub(super) fn list_wanted(&self) -> Vec<Task> {
        let listed = listed(self.catalog, self.to, self.tags);
        let (there, new): (Vec<usize>, Vec<usize>) =
            (0..self.tags.len()).partition(|place| may_be_there(listed.as_ref(), &self.tags[*place]));
        lock(&self.wanted).left -= new.len();
        let mut tasks: Vec<Task> = there.into_iter().map(Task::Resolve).collect();
        tasks.extend(self.settle_image());
        tasks
    }

    /// Finds out where one of the wanted tags leads.
    pub(super) fn resolve(&self, place: usize) -> Result<Vec<Task>, PortError> {
        let named = self.catalog.resolve(self.to, &self.tags[place])?;
        {
            let mut wanted = lock(&self.wanted);
            wanted.named[place] = named;
            wanted.left -= 1;
        }
        Ok(self.settle_image())
    }

    /// Settles whether the destination has the image: a tag that leads to it says so without another request.
    fn settle_image(&self) -> Vec<Task> {
        let Some(root) = self.root.get() else {
            return Vec::new();
        };
        let leads = lock(&self.wanted).leads_to(root);
        match leads {
            Some(true) => self.graph().settle(root, Presence::There),
            Some(false) => self.graph().settle(root, Presence::Unknown),
            None => Vec::new(),
        }
    }
}
