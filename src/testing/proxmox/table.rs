//! The calls that the fake takes: method, path, parameters with their types, and the privilege that is
//! needed. What is not in it is refused as by a Proxmox that does not know it.
//!
//! One line for each call: `METHOD path | parameters | privilege`. A parameter is `name=type`, with `!`
//! after the name where it is required. A privilege is `path:NAME`, with `|` between alternatives.

use std::sync::OnceLock;

const TABLE: &str = "\
GET /version | |
GET /access/permissions | path=text:512 |
GET /cluster/nextid | vmid=id |
GET /cluster/resources | type=enum:vm,storage,node,sdn |
GET /nodes | |
GET /nodes/{node}/network | type=enum:bridge,any_bridge,any_local_bridge |
GET /nodes/{node}/storage | content=content enabled=bool |
GET /nodes/{node}/storage/{storage}/status | | /storage/{storage}:Datastore.Audit|Datastore.AllocateSpace
GET /nodes/{node}/storage/{storage}/content | content=content vmid=id | /storage/{storage}:Datastore.Audit|Datastore.AllocateSpace
GET /nodes/{node}/storage/{storage}/content/{volume} | |
PUT /nodes/{node}/storage/{storage}/content/{volume} | protected=bool |
DELETE /nodes/{node}/storage/{storage}/content/{volume} | |
POST /nodes/{node}/storage/{storage}/upload | content!=enum:vztmpl checksum-algorithm=enum:sha256 checksum=hex:64 filename!=file:255 | /storage/{storage}:Datastore.AllocateTemplate
POST /nodes/{node}/storage/{storage}/oci-registry-pull | reference!=image filename=file:255 | /storage/{storage}:Datastore.AllocateTemplate
GET /nodes/{node}/query-oci-repo-tags | reference!=repository | /nodes/{node}:Sys.AccessNetwork
POST /nodes/{node}/vzdump | vmid!=id storage!=storage mode=enum:snapshot,suspend,stop compress=enum:zstd remove!=bool protected=bool notes-template=text:1024 lockwait=int:0:1440 |
GET /nodes/{node}/tasks | vmid=id source=enum:archive,active,all limit=int:0:100000 |
GET /nodes/{node}/tasks/{upid}/status | |
GET /nodes/{node}/tasks/{upid}/log | start=int:0:1000000000 limit=int:0:1000000000 |
DELETE /nodes/{node}/tasks/{upid} | |
GET /pools | poolid=pool |
POST /pools | poolid!=pool comment=text:512 | /pool/{poolid}:Pool.Allocate
PUT /pools | poolid!=pool vms!=id | /pool/{poolid}:Pool.Allocate
DELETE /pools | poolid!=pool | /pool/{poolid}:Pool.Allocate
POST /nodes/{node}/qemu | vmid!=id archive!=volume force=bool storage=storage pool=pool |
GET /nodes/{node}/qemu/{vmid}/config | | /vms/{vmid}:VM.Audit
POST /nodes/{node}/qemu/{vmid}/config | name=dns description=text:8192 tags=tags cores=int:1:8192 memory=int:16:4194304 net0=vmcard net1=vmcard ipconfig0=ipconfig ipconfig1=ipconfig nameserver=addresses searchdomain=dns ciuser=word sshkeys=urlencoded ciupgrade=bool agent=agent onboot=bool protection=bool delete=names digest=hex:40 |
PUT /nodes/{node}/qemu/{vmid}/config | name=dns description=text:8192 tags=tags cores=int:1:8192 memory=int:16:4194304 net0=vmcard net1=vmcard ipconfig0=ipconfig ipconfig1=ipconfig nameserver=addresses searchdomain=dns ciuser=word sshkeys=urlencoded ciupgrade=bool agent=agent onboot=bool protection=bool delete=names digest=hex:40 |
PUT /nodes/{node}/qemu/{vmid}/resize | disk!=disk size!=size digest=hex:40 | /vms/{vmid}:VM.Config.Disk
POST /nodes/{node}/qemu/{vmid}/clone | newid!=id name=dns full=bool target=node pool=pool storage=storage description=text:8192 | /vms/{vmid}:VM.Clone
GET /nodes/{node}/qemu/{vmid}/status/current | | /vms/{vmid}:VM.Audit
POST /nodes/{node}/qemu/{vmid}/status/start | | /vms/{vmid}:VM.PowerMgmt
POST /nodes/{node}/qemu/{vmid}/status/stop | overrule-shutdown=bool | /vms/{vmid}:VM.PowerMgmt
POST /nodes/{node}/qemu/{vmid}/status/shutdown | timeout=int:0:86400 forceStop=bool | /vms/{vmid}:VM.PowerMgmt
DELETE /nodes/{node}/qemu/{vmid} | purge=bool | /vms/{vmid}:VM.Allocate
GET /nodes/{node}/qemu/{vmid}/snapshot | | /vms/{vmid}:VM.Audit
POST /nodes/{node}/qemu/{vmid}/snapshot | snapname!=snapshot description=text:8192 | /vms/{vmid}:VM.Snapshot
POST /nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback | start=bool | /vms/{vmid}:VM.Snapshot|VM.Snapshot.Rollback
DELETE /nodes/{node}/qemu/{vmid}/snapshot/{snapname} | | /vms/{vmid}:VM.Snapshot
GET /nodes/{node}/qemu/{vmid}/feature | feature!=enum:snapshot,clone,copy | /vms/{vmid}:VM.Audit
POST /nodes/{node}/qemu/{vmid}/agent/ping | | /vms/{vmid}:VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted
GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces | | /vms/{vmid}:VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted
POST /nodes/{node}/qemu/{vmid}/agent/exec | command!=list input-data=text:65536 | /vms/{vmid}:VM.GuestAgent.Unrestricted
GET /nodes/{node}/qemu/{vmid}/agent/exec-status | pid!=int:0:4294967295 | /vms/{vmid}:VM.GuestAgent.Unrestricted
POST /nodes/{node}/qemu/{vmid}/agent/file-write | file!=text:4096 content!=text:61440 | /vms/{vmid}:VM.GuestAgent.FileWrite|VM.GuestAgent.Unrestricted
POST /nodes/{node}/lxc | vmid!=id ostemplate!=volume rootfs=root hostname=dns description=text:8192 tags=tags cores=int:1:8192 memory=int:16:4194304 swap=int:0:4194304 net0=ctcard nameserver=addresses searchdomain=dns onboot=bool protection=bool entrypoint=printable env=env unprivileged=yes features=nesting pool=pool ssh-public-keys=text:65536 restore=bool force=bool storage=storage |
GET /nodes/{node}/lxc/{vmid}/config | | /vms/{vmid}:VM.Audit
PUT /nodes/{node}/lxc/{vmid}/config | hostname=dns description=text:8192 tags=tags cores=int:1:8192 memory=int:16:4194304 swap=int:0:4194304 net0=ctcard net1=ctcard nameserver=addresses searchdomain=dns onboot=bool protection=bool entrypoint=printable env=env delete=names digest=hex:40 |
PUT /nodes/{node}/lxc/{vmid}/resize | disk!=disk size!=size digest=hex:40 | /vms/{vmid}:VM.Config.Disk
POST /nodes/{node}/lxc/{vmid}/clone | newid!=id hostname=dns full=bool target=node pool=pool storage=storage description=text:8192 | /vms/{vmid}:VM.Clone
GET /nodes/{node}/lxc/{vmid}/status/current | | /vms/{vmid}:VM.Audit
POST /nodes/{node}/lxc/{vmid}/status/start | | /vms/{vmid}:VM.PowerMgmt
POST /nodes/{node}/lxc/{vmid}/status/stop | overrule-shutdown=bool | /vms/{vmid}:VM.PowerMgmt
POST /nodes/{node}/lxc/{vmid}/status/shutdown | timeout=int:0:86400 forceStop=bool | /vms/{vmid}:VM.PowerMgmt
DELETE /nodes/{node}/lxc/{vmid} | purge=bool | /vms/{vmid}:VM.Allocate
GET /nodes/{node}/lxc/{vmid}/interfaces | | /vms/{vmid}:VM.Audit
GET /nodes/{node}/lxc/{vmid}/snapshot | | /vms/{vmid}:VM.Audit
POST /nodes/{node}/lxc/{vmid}/snapshot | snapname!=snapshot description=text:8192 | /vms/{vmid}:VM.Snapshot
POST /nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback | start=bool | /vms/{vmid}:VM.Snapshot|VM.Snapshot.Rollback
DELETE /nodes/{node}/lxc/{vmid}/snapshot/{snapname} | | /vms/{vmid}:VM.Snapshot
GET /nodes/{node}/lxc/{vmid}/feature | feature!=enum:snapshot,clone,copy | /vms/{vmid}:VM.Audit
";

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    /// `GET`.
    pub method: &'static str,
    /// Path with its variables: `/nodes/{node}/qemu/{vmid}/config`.
    pub path: &'static str,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The path and the privileges that are needed, any of them.
    pub privilege: Option<(&'static str, &'static str)>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type: `bool`, or with limits `int:0:100`, `text:8192`, `enum:a,b`.
    pub kind: &'static str,
    /// Whether it has to be there.
    pub required: bool,
}

impl ApiCall {
    /// The variables of a path, where it is one of this call.
    pub fn variables<'p>(&self, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
        let mut found = Vec::new();
        let mut rest = path.strip_prefix('/')?;
        let mut parts = self.path.strip_prefix('/')?.split('/').peekable();
        while let Some(part) = parts.next() {
            // A volume's name may hold slashes.
            let (segment, after) = match rest.split_once('/') {
                Some(split) if part != "{volume}" => split,
                _ => (rest, ""),
            };
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) if !segment.is_empty() => found.push((name, segment)),
                None if segment == part => {}
                _ => return None,
            }
            if after.is_empty() && parts.peek().is_some() {
                return None;
            }
            rest = after;
        }
        rest.is_empty().then_some(found)
    }
}

/// Every call that the fake takes.
pub fn calls() -> &'static [ApiCall] {
    static CALLS: OnceLock<Vec<ApiCall>> = OnceLock::new();
    CALLS.get_or_init(|| TABLE.lines().filter_map(parse).collect())
}

/// The call of a request, with the variables of its path.
pub fn find<'p>(method: &str, path: &'p str) -> Option<(&'static ApiCall, Vec<(&'static str, &'p str)>)> {
    let mut of_method = calls().iter().filter(|call| call.method == method);
    of_method.find_map(|call| Some((call, call.variables(path)?)))
}

fn parse(line: &'static str) -> Option<ApiCall> {
    let mut columns = line.splitn(3, " |");
    let (method, path) = columns.next()?.split_once(' ')?;
    let params = columns.next()?.split_whitespace().filter_map(|param| {
        let (name, kind) = param.split_once('=')?;
        Some(Param {
            name: name.trim_end_matches('!'),
            kind,
            required: name.ends_with('!'),
        })
    });
    Some(ApiCall {
        method,
        path,
        params: params.collect(),
        privilege: columns.next()?.trim().split_once(':'),
    })
}
