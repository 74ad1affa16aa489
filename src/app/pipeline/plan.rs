//! The plans of everything that a run would do, with nothing touched.

use super::delivery::existing;
use super::request::request;
use super::settle::{Course, decide, identify};
use super::wish::{RunOptions, RunProgress};
use crate::app::deploy::{Prepared, prepare};
use crate::app::error::AppError;
use crate::app::promote::moved;
use crate::app::scan;
use crate::app::workspace::Workspace;
use crate::app::world::{Purpose, World};
use crate::domain::model::EnvironmentName;
use crate::parallel::each;

/// How many environments are looked at at the same time.
const AT_ONCE: usize = 2;

/// One environment and its plan, or why there is none.
pub type Planned = (EnvironmentName, Result<Prepared, AppError>);

/// Returns the plans of everything that [`run`](super::run()) would do, with nothing touched.
///
/// # Errors
/// As [`run`](super::run()); what an environment refuses is in its own result.
pub fn plan(
    workspace: &Workspace,
    wish: &RunOptions,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Vec<Planned>, AppError> {
    let identified = match decide(workspace, wish, tell)? {
        Course::Nothing(_) => return Ok(Vec::new()),
        Course::Deploy(decided) => identify(workspace, wish, decided, tell)?,
    };
    let built = identified.named.as_ref().map(existing);
    let plan_one = |name: &EnvironmentName| {
        let environment = workspace.environment(name)?;
        let mut ask = request(workspace, wish, &identified, environment, built.as_ref());
        if let Some(moved) = moved(workspace, environment, &ask.release) {
            ask.release.artifact = Some(moved);
        }
        let world = World::open(workspace, environment, &ask.release, Purpose::Look)?;
        let mut prepared = prepare(workspace, environment, &ask, &world)?;
        if let Prepared::Ready { notes, .. } = &mut prepared
            && workspace.project.image.is_some()
        {
            notes.extend(scan::describe(workspace, environment));
        }
        Ok(prepared)
    };
    let names = &identified.environments;
    Ok(names
        .iter()
        .cloned()
        .zip(each(names, AT_ONCE, plan_one))
        .collect())
}
