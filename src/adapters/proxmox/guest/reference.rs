//! A guest by its number, and whether it is a virtual machine or a container.

use std::fmt;

/// What kind of guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestKind {
    /// A virtual machine (QEMU).
    Vm,
    /// A container (LXC).
    Container,
}

impl GuestKind {
    /// How it is called in paths and lists of the API: `qemu` or `lxc`.
    pub fn segment(self) -> &'static str {
        match self {
            Self::Vm => "qemu",
            Self::Container => "lxc",
        }
    }

    /// How people and Proxmox's own messages call it: `VM` or `CT`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Vm => "VM",
            Self::Container => "CT",
        }
    }

    /// The program on a node that manages it: `qm` or `pct`.
    pub fn program(self) -> &'static str {
        match self {
            Self::Vm => "qm",
            Self::Container => "pct",
        }
    }

    /// The kind of this [segment](Self::segment).
    pub fn of_segment(segment: &str) -> Option<Self> {
        match segment {
            "qemu" => Some(Self::Vm),
            "lxc" => Some(Self::Container),
            _ => None,
        }
    }
}

/// A guest by its place. Its id alone says nothing about whose it is: ids are used again within seconds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestRef {
    /// What kind of guest.
    pub kind: GuestKind,
    /// The node that it lives on.
    pub node: String,
    /// Its id, unique in the cluster.
    pub id: u32,
}

impl GuestRef {
    /// A virtual machine.
    pub fn vm(node: impl Into<String>, id: u32) -> Self {
        Self {
            kind: GuestKind::Vm,
            node: node.into(),
            id,
        }
    }

    /// A container.
    pub fn container(node: impl Into<String>, id: u32) -> Self {
        Self {
            kind: GuestKind::Container,
            node: node.into(),
            id,
        }
    }

    /// Its path in the API: `/nodes/pve1/qemu/101`.
    pub fn path(&self) -> String {
        format!("/nodes/{}/{}/{}", self.node, self.kind.segment(), self.id)
    }
}

impl fmt::Display for GuestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} on {}", self.kind.noun(), self.id, self.node)
    }
}
