//! Who asks: credentials from the environment, and from where docker and podman keep theirs.
//!
//! | where | for which registry |
//! |---|---|
//! | `GREENROOM_REGISTRY_<HOST>_USERNAME` and `_PASSWORD`, or `_TOKEN` | `<HOST>` in capitals, every other character an `_`: `GHCR_IO` |
//! | `GREENROOM_REGISTRY_USERNAME` and `_PASSWORD`, or `_TOKEN` | the one in `GREENROOM_REGISTRY_HOST`, else the project's own |
//! | `$REGISTRY_AUTH_FILE`, else `$XDG_RUNTIME_DIR/containers/auth.json` | as `podman login` wrote |
//! | `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json` | as `docker login` wrote, credential helpers included |
//!
//! The first that has something for the registry wins. A token without a user name goes as the password
//! of the user `token`, whose name most registries do not look at.

mod files;
mod helper;
mod lookup;

pub(super) use lookup::{Credential, Found};
pub use lookup::{Credentials, secrets};
use lookup::{canonical, credential};
