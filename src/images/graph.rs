//! What has to be there before what: manifests after their blobs and children. Decides, and does nothing
//! else.

use crate::domain::model::{Digest, Tag};
use crate::domain::oci::{Descriptor, Manifest, media};
use std::collections::BTreeMap;

/// The most manifests that one copy looks at: an image with everything that hangs off it has some tens.
/// Bounds what a registry that never ends can make of it.
pub(super) const MOST_MANIFESTS: usize = 10_000;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// List the source's tags.
    List,
    /// Find the image.
    Source,
    /// List the destination's tags, to know which of the wanted ones are there.
    ListWanted,
    /// Find out where the wanted tag at this place leads at the destination.
    Resolve(usize),
    /// See whether the destination has the manifest.
    Check(Digest),
    /// Read the manifest from the source.
    Read(Digest),
    /// Look for what hangs off this one.
    Attached(Digest),
    /// List the manifests about this one in the source.
    Referrers(Digest),
    /// Find out which of these manifests about the first one the destination lists as well.
    Listed(Digest, Vec<Digest>),
    /// Read what the source's tag attaches to this one.
    OurTag(Digest, Tag),
    /// Find out where the same tag leads at the destination.
    TheirTag(Digest, Tag),
    /// Make sure that the destination has the blob.
    Blob(Descriptor),
    /// Store the manifest; everything that it names is there.
    Push(Digest),
}

/// What is known of whether the destination has a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is there, and with it all that it names.
    There,
    /// It may be there.
    Unknown,
    /// A request that is under way for something else will say so.
    Awaited,
    /// It is not there, or is to be stored again in any case.
    Absent,
}

/// Why a manifest is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is the image, or a part of one.
    Part,
    /// It is about another manifest: it is stored when the image is there.
    Attached,
}

struct Node {
    presence: Presence,
    role: Role,
    /// Its content is asked for.
    read: bool,
    manifest: Option<(Vec<u8>, Manifest)>,
    /// What has to be there first; `None` before its content is known.
    waits: Option<usize>,
    parents: Vec<Digest>,
    landed: bool,
}

#[derive(Default)]
struct BlobState {
    landed: bool,
    parents: Vec<Digest>,
}

/// The manifests and blobs of one copy.
pub(super) struct Graph {
    nodes: BTreeMap<Digest, Node>,
    blobs: BTreeMap<Digest, BlobState>,
    /// Digests of attached manifests in the order in which they were found.
    attached: Vec<Digest>,
    /// Look for what is attached.
    with_attached: bool,
    /// Trust no manifest that is there to have its parts.
    deep: bool,
}

impl Graph {
    pub(super) fn new(with_attached: bool, deep: bool) -> Self {
        Self {
            nodes: BTreeMap::new(),
            blobs: BTreeMap::new(),
            attached: Vec::new(),
            with_attached,
            deep,
        }
    }

    /// Takes in a manifest that is to be at the destination; what is to be done for it.
    /// `is_index` is what its descriptor says, or true where there is none.
    pub(super) fn want(
        &mut self,
        digest: &Digest,
        is_index: bool,
        role: Role,
        presence: Presence,
    ) -> Vec<Task> {
        if let Some(node) = self.nodes.get_mut(digest) {
            // What is attached somewhere and part of something else as well is stored with the latter.
            let held = node.role == Role::Attached && role == Role::Part;
            node.role = if held { Role::Part } else { node.role };
            let complete = held && !node.landed && node.waits == Some(0);
            return if complete {
                vec![Task::Push(digest.clone())]
            } else {
                Vec::new()
            };
        }
        let presence = if self.deep { Presence::Absent } else { presence };
        if role == Role::Attached {
            self.attached.push(digest.clone());
        }
        let mut tasks = Vec::new();
        // What is there and has no parts need not be read.
        let spared = matches!(presence, Presence::There | Presence::Awaited);
        let read = !spared || (is_index && self.with_attached);
        if read {
            tasks.push(Task::Read(digest.clone()));
        }
        if presence == Presence::Unknown {
            tasks.push(Task::Check(digest.clone()));
        }
        if self.with_attached {
            tasks.push(Task::Attached(digest.clone()));
        }
        let node = Node {
            presence,
            role,
            read,
            manifest: None,
            waits: None,
            parents: Vec::new(),
            landed: presence == Presence::There,
        };
        self.nodes.insert(digest.clone(), node);
        tasks
    }

    /// Takes in what was awaited and returns what is to be done for the manifest now: nothing where somebody else
    /// has settled it.
    pub(super) fn settle(&mut self, digest: &Digest, presence: Presence) -> Vec<Task> {
        let Some(node) = self.nodes.get_mut(digest) else {
            return Vec::new();
        };
        if node.presence != Presence::Awaited {
            return Vec::new();
        }
        node.presence = presence;
        let mut tasks = Vec::new();
        if presence != Presence::There && !node.read {
            node.read = true;
            tasks.push(Task::Read(digest.clone()));
        }
        match presence {
            Presence::There | Presence::Absent => {
                tasks.extend(self.checked(digest, presence == Presence::There));
            }
            Presence::Unknown => tasks.push(Task::Check(digest.clone())),
            Presence::Awaited => {}
        }
        tasks
    }

    /// Returns which of these manifests are still awaited.
    pub(super) fn awaited(&self, digests: Vec<Digest>) -> Vec<Digest> {
        let awaits = |digest: &Digest| {
            let node = self.nodes.get(digest);
            node.is_some_and(|node| node.presence == Presence::Awaited)
        };
        digests.into_iter().filter(awaits).collect()
    }

    /// The destination has the manifest, or does not.
    pub(super) fn checked(&mut self, digest: &Digest, there: bool) -> Vec<Task> {
        if let Some(node) = self.nodes.get_mut(digest) {
            node.presence = if there { Presence::There } else { Presence::Absent };
        }
        let mut tasks = if there { self.landed(digest) } else { Vec::new() };
        tasks.extend(self.unfold(digest));
        tasks
    }

    /// The manifest was read.
    pub(super) fn read(&mut self, digest: &Digest, bytes: Vec<u8>, manifest: Manifest) -> Vec<Task> {
        if let Some(node) = self.nodes.get_mut(digest) {
            node.manifest = Some((bytes, manifest));
        }
        self.unfold(digest)
    }

    /// Takes in the parts of a manifest, once it is read and known whether it is there.
    fn unfold(&mut self, digest: &Digest) -> Vec<Task> {
        let Some(node) = self.nodes.get_mut(digest) else {
            return Vec::new();
        };
        if node.waits.is_some() || matches!(node.presence, Presence::Unknown | Presence::Awaited) {
            return Vec::new();
        }
        let Some((_, manifest)) = &node.manifest else {
            return Vec::new();
        };
        let there = node.presence == Presence::There;
        let children = if there && !self.with_attached {
            Vec::new()
        } else {
            manifest.children().to_vec()
        };
        let blobs: Vec<Descriptor> = if there {
            Vec::new()
        } else {
            manifest.blobs().cloned().collect()
        };
        node.waits = Some(0);
        let mut tasks = Vec::new();
        let mut waits = 0;
        for child in &children {
            let is_index = media::is_index(&child.media_type);
            let presence = if there { Presence::There } else { Presence::Unknown };
            tasks.extend(self.want(&child.digest, is_index, Role::Part, presence));
            if let Some(child) = self
                .nodes
                .get_mut(&child.digest)
                .filter(|child| !child.landed && !there)
            {
                child.parents.push(digest.clone());
                waits += 1;
            }
        }
        // A foreign layer is found at its addresses, and no registry need hold it.
        for blob in blobs.into_iter().filter(|blob| blob.urls.is_empty()) {
            let known = self.blobs.contains_key(&blob.digest);
            let state = self.blobs.entry(blob.digest.clone()).or_default();
            if !state.landed {
                state.parents.push(digest.clone());
                waits += 1;
            }
            if !known {
                tasks.push(Task::Blob(blob));
            }
        }
        if let Some(node) = self.nodes.get_mut(digest) {
            node.waits = Some(waits);
            if there {
                node.manifest = None;
            }
        }
        if waits == 0 {
            tasks.extend(self.complete(digest));
        }
        tasks
    }

    /// The blob is at the destination.
    pub(super) fn blob_landed(&mut self, digest: &Digest) -> Vec<Task> {
        let state = self.blobs.entry(digest.clone()).or_default();
        state.landed = true;
        let parents = std::mem::take(&mut state.parents);
        self.release(parents)
    }

    /// The manifest is at the destination.
    pub(super) fn landed(&mut self, digest: &Digest) -> Vec<Task> {
        let Some(node) = self.nodes.get_mut(digest) else {
            return Vec::new();
        };
        node.landed = true;
        let parents = std::mem::take(&mut node.parents);
        self.release(parents)
    }

    fn release(&mut self, parents: Vec<Digest>) -> Vec<Task> {
        let mut tasks = Vec::new();
        for parent in parents {
            let waits = self.nodes.get_mut(&parent).and_then(|node| node.waits.as_mut());
            if let Some(waits) = waits {
                *waits -= 1;
                if *waits == 0 {
                    tasks.extend(self.complete(&parent));
                }
            }
        }
        tasks
    }

    fn complete(&self, digest: &Digest) -> Option<Task> {
        let node = self.nodes.get(digest)?;
        (node.role == Role::Part && !node.landed).then(|| Task::Push(digest.clone()))
    }

    /// The manifest that was read, for its storing. It is given away: what is kept does not grow with the
    /// image.
    pub(super) fn take(&mut self, digest: &Digest) -> Option<(Vec<u8>, Manifest)> {
        self.nodes.get_mut(digest)?.manifest.take()
    }

    /// What the manifest that is held is about.
    pub(super) fn subject(&self, digest: &Digest) -> Option<Digest> {
        let (_, manifest) = self.nodes.get(digest)?.manifest.as_ref()?;
        manifest.subject.as_ref().map(|subject| subject.digest.clone())
    }

    /// Whether it is only there because it is about another.
    pub(super) fn is_attached(&self, digest: &Digest) -> bool {
        self.nodes
            .get(digest)
            .is_some_and(|node| node.role == Role::Attached)
    }

    /// Attached manifests whose parts are all there and which are not stored themselves, in the order in
    /// which they were found.
    pub(super) fn held(&self) -> Vec<Digest> {
        let held = |digest: &&Digest| {
            let node = self.nodes.get(digest);
            node.is_some_and(|node| !node.landed && node.waits == Some(0))
        };
        self.attached.iter().filter(held).cloned().collect()
    }

    /// Every attached manifest that is at the destination now.
    pub(super) fn attached(&self) -> Vec<Digest> {
        let landed = |digest: &&Digest| self.nodes.get(digest).is_some_and(|node| node.landed);
        self.attached.iter().filter(landed).cloned().collect()
    }

    /// How many manifests are known of.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}
