//! One file per strategy: the steps from the first unit touched to the eve of promotion.

pub(super) mod blue_green;
pub(super) mod canary;
pub(super) mod direct;
pub(super) mod rolling;
mod route;

pub(super) use route::Route;
